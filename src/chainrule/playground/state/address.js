// A state as the end of an address: version, what is not as at the start, deflated, and a checksum.
//
//   #1.q1YqUbJSUPJUqgUA.aZ09_-
//
// What was cut short or changed on its way is told by the checksum, and never half read.

const LONGEST = 8192; // signs: what programs for mail and chat let through

const passed = async (bytes, stream) =>
  new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());

const toText = (bytes) =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '');

const toBytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (sign) => sign.charCodeAt(0));

// FNV-1a of 32 bits, in six signs.
const checksum = (text) => {
  let sum = 0x811c9dc5;
  for (const sign of text) sum = Math.imul(sum ^ sign.charCodeAt(0), 0x01000193) >>> 0;
  return toText(new Uint8Array(new Uint32Array([sum]).buffer));
};

const addressOf = async (value) => {
  const text = new TextEncoder().encode(JSON.stringify(State.apart(value)));
  const body = `${VERSION}.${toText(await passed(text, new CompressionStream('deflate-raw')))}`;
  return `#${body}.${checksum(body)}`;
};

// { state }, or { refused: the word of a sentence } of an address that holds none.
const stateOf = async (address) => {
  if (address.length <= 1) return { state: State.with({}) };
  const [version, body, sum] = address.slice(1).split('.');
  if (!/^\d+$/.test(version)) return { refused: 'address.unknown' };
  if (Number(version) > VERSION) return { refused: 'address.newer' };
  if (checksum(`${version}.${body}`) !== sum) return { refused: 'address.cut' };
  try {
    const text = new TextDecoder().decode(await passed(toBytes(body), new DecompressionStream('deflate-raw')));
    return { state: State.with(JSON.parse(text)) };
  } catch {
    return { refused: 'address.cut' };
  }
};
