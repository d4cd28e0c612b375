// Parts of the page by their ids, and what is packed in them.

const element = (id) => document.getElementById(id);

const bytesOf = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));

const unpacked = async (id) =>
  new Response(new Blob([bytesOf(element(id).textContent)]).stream().pipeThrough(new DecompressionStream('gzip')));
