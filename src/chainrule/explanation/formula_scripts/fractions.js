// Formulas of printed numbers worked out exactly, as fractions of whole numbers: [above, below].
// What is irrational, as nearly all values of functions are, is undefined. The same rules as
// enclosing.py.

const [ZERO, ONE, HALF] = [[0n, 1n], [1n, 1n], [1n, 2n]];
const MOST_BITS = 20000; // the size up to which a power is worked out

class NoValue extends Error {} // a quotient by 0, or cases of which another one holds

const power10 = (above, exponent) =>
  (exponent < 0 ? [above, 10n ** BigInt(-exponent)] : [above * 10n ** BigInt(exponent), 1n]);

// A number as it is written: 12.5, 1e-8.
const ofText = (text) => {
  const [mantissa, exponent = '0'] = text.split('e');
  const [whole, rest = ''] = mantissa.split('.');
  return power10(BigInt(whole + rest), Number(exponent) - rest.length);
};

const ofFigure = ({ negative, mantissa, exponent }) => {
  if (!/\d/.test(mantissa)) throw new NoValue();
  const size = ofText(`${mantissa}e${exponent}`);
  return negative ? minus(size) : size;
};

// A number in double precision, which is a whole number over a power of 2; undefined if not finite.
const ofDouble = (value) => {
  if (!Number.isFinite(value)) return undefined;
  let [whole, power] = [value, 0];
  while (!Number.isInteger(whole)) [whole, power] = [whole * 2, power + 1];
  return [BigInt(whole), 2n ** BigInt(power)];
};

const minus = ([a, b]) => [-a, b];
const plus = ([a, b], [c, d]) => (b === d ? [a + c, b] : [a * d + c * b, b * d]);
const times = ([a, b], [c, d]) => [a * c, b * d];
const signOf = ([a]) => (a > 0n ? 1 : a < 0n ? -1 : 0);
const compared = (x, y) => signOf(plus(x, minus(y)));
const same = (x, y) => compared(x, y) === 0;

const inverse = ([a, b]) => {
  if (!a) throw new NoValue();
  return a < 0n ? [-b, -a] : [b, a];
};

const bits = (n) => (n < 0n ? -n : n).toString(16).length * 4;

const raisedTo = (x, n) => {
  if (n < 0) return inverse(raisedTo(x, -n));
  if (n * Math.max(...x.map(bits)) > MOST_BITS) return undefined;
  return x.map((part) => part ** BigInt(n));
};

const wholeRoot = (n) => {
  if (n < 2n) return n;
  let root = 1n << BigInt(Math.ceil(n.toString(2).length / 2));
  for (let next = root; ; root = next) {
    next = (root + n / root) / 2n;
    if (next >= root) return root;
  }
};

const divisor = (a, b) => (b ? divisor(b, a % b) : a);

const rootOf = ([a, b]) => {
  if (a < 0n) throw new NoValue();
  const common = divisor(a, b);
  const [own, root] = [[a / common, b / common], [wholeRoot(a / common), wholeRoot(b / common)]];
  return root.every((part, k) => part * part === own[k]) ? root : undefined;
};

const atPoint = (point, value) => (x) => (same(x, point) ? value : undefined);

const EXACT = {
  exp: atPoint(ZERO, ONE),
  ln: atPoint(ONE, ZERO),
  sqrt: rootOf,
  abs: (x) => (x[0] < 0n ? minus(x) : x),
  tanh: atPoint(ZERO, ZERO),
  cosh: atPoint(ZERO, ONE),
  sin: atPoint(ZERO, ZERO),
  cos: atPoint(ZERO, ONE),
  max: (x, y) => (compared(x, y) < 0 ? y : x),
  min: (x, y) => (compared(x, y) > 0 ? y : x),
  sgn: (x) => [BigInt(signOf(x)), 1n],
  σ: atPoint(ZERO, HALF),
  Φ: atPoint(ZERO, HALF),
  φ: () => undefined,
};

// The value of a formula; that of cases which holds by their own numbers must hold by these too.
const exactly = (tree, leaf) => {
  const [kind, ...parts] = tree;
  if (kind === 'q') return leaf(tree);
  if (kind === 'n') return ofText(parts[0]);
  if (kind === '?') {
    const [value, left, sign, right] = parts[chosen(tree)] ?? [];
    if (!sign || !holdsExactly(left, sign, right, leaf)) throw new NoValue();
    return exactly(value, leaf);
  }
  const found = parts.slice(kind === 'f' ? 1 : 0).map((part) => exactly(part, leaf));
  if ((kind === '*' || kind === '/') && found.slice(0, kind === '/' ? 1 : undefined).some((x) => x && !x[0])) {
    if (kind === '/' && found[1]) inverse(found[1]);
    return ZERO;
  }
  return found.includes(undefined) ? undefined : OPERATIONS[kind](found, parts[0]);
};

const OPERATIONS = {
  '+': (x) => x.reduce(plus),
  '*': (x) => x.reduce(times),
  '/': ([x, y]) => times(x, inverse(y)),
  '-': ([x]) => minus(x),
  '^': ([x, [n, one]]) => (n % one ? undefined : raisedTo(x, Number(n / one))),
  f: (x, name) => EXACT[name](...x),
};

const holdsExactly = (left, sign, right, leaf) => {
  const [a, b] = [left, right].map((side) => exactly(side, leaf));
  return a && b && COMPARISONS[sign](compared(a, b), 0);
};

// Which of the rows of cases holds by the numbers in double precision.
const chosen = (tree) => tree.slice(1).findIndex(([, a, sign, b]) =>
  holdsExactly(a, sign, b, (leaf) => ofDouble(numberOf(leaf))));

// Whether a fraction is rounded to a printed number, whatever becomes of a half.
const roundsTo = (x, printedFigure, digits) => {
  const size = ofFigure({ ...printedFigure, negative: false });
  if (!size[0]) return !x[0];
  const own = printedFigure.negative ? minus(x) : x;
  const power = firstPower(printedFigure);
  const half = times(HALF, power10(1n, power - digits + 1));
  const below = same(size, power10(1n, power)) ? times(half, [1n, 10n]) : half;
  return compared(plus(size, minus(below)), own) < 0 && compared(own, plus(size, half)) < 0;
};

// The power of ten of a figure's first digit.
const firstPower = ({ mantissa, exponent }) => {
  const [whole, rest = ''] = mantissa.split('.');
  return exponent + (whole === '0' ? -1 - rest.search(/[1-9]/) : whole.length - 1);
};
