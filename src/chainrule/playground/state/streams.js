// Everything random of the page, word for word as in streams.py: Philox 4×32-10, with the seed as its key
// and the counter (block, number, step), and words in groups of 64.

// The numbers of the page's own streams, beside those of streams.py.
const STREAMS = { points: 4, noise: 5, heldOut: 6, weights: 7 };

const TWO_32 = 2 ** 32;

// The upper half of a product of two words, of which no part is rounded.
const upperHalf = (a, b) => Math.floor((a * (b >>> 16) + Math.floor((a * (b & 0xffff)) / 65536)) / 65536);

const philox = (block, number, step, seed) => {
  let [a, b, c, d] = [block >>> 0, number >>> 0, step % TWO_32, Math.floor(step / TWO_32)];
  let [key0, key1] = [seed % TWO_32, Math.floor(seed / TWO_32)];
  for (let round = 0; round < 10; round += 1) {
    const [p, q] = [0xd2511f53, 0xcd9e8d57];
    [a, b, c, d] = [
      (upperHalf(c, q) ^ b ^ key0) >>> 0, Math.imul(c, q) >>> 0,
      (upperHalf(a, p) ^ d ^ key1) >>> 0, Math.imul(a, p) >>> 0,
    ];
    [key0, key1] = [(key0 + 0x9e3779b9) >>> 0, (key1 + 0xbb67ae85) >>> 0];
  }
  return [a, b, c, d];
};

// The first words of a stream.
const randomWords = (seed, number, step, count) => {
  const made = new Uint32Array(Math.ceil(count / 64) * 64);
  for (let block = 0; block < made.length / 4; block += 1) {
    const place = Math.floor(block / 16) * 64 + (block % 16);
    philox(block, number, step, seed).forEach((word, w) => { made[place + 16 * w] = word; });
  }
  return made.subarray(0, count);
};

// Numbers from 0 up to 1.
const uniforms = (seed, number, step, count) => Float64Array.from(randomWords(seed, number, step, count), (word) => word / TWO_32);

// Numbers of mean 0 and variance 1, by Box and Muller, two of two.
const normals = (seed, number, step, count) => {
  const u = uniforms(seed, number, step, 2 * Math.ceil(count / 2));
  return Float64Array.from({ length: count }, (_, k) => {
    const first = k - (k % 2);
    const angle = 2 * Math.PI * u[first + 1];
    return Math.sqrt(-2 * Math.log(1 - u[first])) * (k % 2 ? Math.sin(angle) : Math.cos(angle));
  });
};

// The numbers 0 to n − 1 in the order of an epoch, by Fisher and Yates' shuffle.
const shuffledNumbers = (n, seed, epoch, number) => {
  const drawn = randomWords(seed, number, epoch, Math.max(0, n - 1));
  const order = Int32Array.from({ length: n }, (_, k) => k);
  for (let k = n - 1; k > 0; k -= 1) {
    const j = Math.floor((drawn[n - 1 - k] * (k + 1)) / TWO_32);
    [order[k], order[j]] = [order[j], order[k]];
  }
  return order;
};
