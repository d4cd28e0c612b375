// The first script of the page: runs the other, which is packed, where the browser has what both need.

// A function of 128 bits, by which a browser is asked whether it has them.
const SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];

// What the page needs and this browser has not.
const lacking = () => {
  if (typeof DecompressionStream === 'undefined') return 'DecompressionStream';
  if (typeof WebAssembly === 'undefined' || !WebAssembly.validate(new Uint8Array(SIMD))) return 'WebAssembly SIMD';
  return typeof Worker === 'undefined' ? 'Worker' : null;
};

const loadPage = async () => {
  const what = lacking();
  if (what) {
    const { words } = JSON.parse(element('known').textContent);
    element('wrong').textContent = new Words(words, Words.suits(words, navigator.languages)).say('browser.none', { what });
    return;
  }
  const script = document.createElement('script');
  script.textContent = await (await unpacked('script')).text(); // which the policy of the page knows by its hash
  document.body.append(script);
};
loadPage();
