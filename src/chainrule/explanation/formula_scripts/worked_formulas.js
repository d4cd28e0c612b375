// Formulas filled in and worked out. They come as lists (formula_trees.py); filled in, a quantity is
// ['q', key, number].

const softplus = (x) => (x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x)));

const logCosh = (x) => {
  const r = Math.abs(x);
  return r < 1 ? Math.log1p(2 * Math.sinh(r / 2) ** 2) : r + Math.log1p(Math.exp(-2 * r)) - Math.LN2;
};

const density = (x) => Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);

// The normal distribution function: a series of positive terms near 0, a continued fraction beyond.
const normal = (x) => {
  if (x > 0) return 1 - normal(-x);
  if (x < -2.5) {
    let fraction = 0;
    for (let k = 80; k > 0; k--) fraction = k / (-x + fraction);
    return density(x) / (-x + fraction);
  }
  let [term, sum] = [-x, -x];
  for (let k = 3; term > 1e-18; k += 2) sum += term *= x * x / k;
  return 0.5 - density(x) * sum;
};

const FUNCTIONS = {
  exp: Math.exp,
  ln: Math.log,
  sqrt: Math.sqrt,
  abs: Math.abs,
  tanh: Math.tanh,
  cosh: Math.cosh,
  sin: Math.sin,
  cos: Math.cos,
  max: Math.max,
  min: Math.min,
  sgn: Math.sign,
  σ: (x) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x))),
  Φ: normal,
  φ: density,
};

const COMPARISONS = {
  '<': (a, b) => a < b,
  '≤': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '≥': (a, b) => a >= b,
  '=': (a, b) => a === b,
};

// Logarithms whose plain form would lose digits: ln(1 + eˣ), ln(1 − x), ln σ(x) and ln cosh x.
const logarithm = (inner, of) => {
  const [kind, first, second] = inner;
  if (kind === '+' && first[1] === '1') { // of 1 and little more or less
    if (inner.length === 3 && second[1] === 'exp') return softplus(of(second[2]));
    return Math.log1p(inner.slice(2).reduce((sum, part) => sum + of(part), 0));
  }
  const special = { σ: (x) => -softplus(-x), cosh: logCosh }[first];
  return special ? special(of(second)) : Math.log(of(inner));
};

const numberOf = ([, , number]) => number;

// What a formula comes to; `value` reads a quantity.
const evaluate = (tree, value = numberOf) => {
  const of = (part) => evaluate(part, value);
  const [kind, ...parts] = tree;
  switch (kind) {
    case 'q': return value(tree);
    case 'n': return Number(parts[0]);
    case '?': return of(parts.find(([, left, sign, right]) => COMPARISONS[sign](of(left), of(right)))?.[0] ?? ['n', 'NaN']);
    case 'f': return parts[0] === 'ln' ? logarithm(parts[1], of) : FUNCTIONS[parts[0]](...parts.slice(1).map(of));
    case '-': return -of(parts[0]);
    case '/': return of(parts[0]) / of(parts[1]);
    case '^': return of(parts[0]) ** of(parts[1]);
    case '+': return parts.map(of).reduce((sum, part) => sum + part);
    // nothing times what double precision cannot hold is nothing
    default: return parts.reduce((product, part) => product && product * of(part), 1);
  }
};

const valueIn = (tree) => evaluate(tree);

const leafOf = (key, number) => ['q', key, number];

// Terms of sums and factors of products, one after the other.
const joined = (kind, parts) => [kind, ...parts.flatMap((part) => (part[0] === kind ? part.slice(1) : [part]))];

const holdsFor = (left, sign, right) => COMPARISONS[sign](valueIn(left), valueIn(right));

// A formula filled in, its parts by `of`; of two ways to write it, the one that the numbers choose.
const filledIn = ([kind, ...parts], of) => {
  switch (kind) {
    case 'n': return [kind, ...parts];
    case 'f': return [kind, parts[0], ...parts.slice(1).map(of)];
    case '?': return [kind, ...parts.map(([value, left, sign, right]) => [of(value), of(left), sign, of(right)])];
    case '|': return of(holdsFor(of(parts[1]), parts[2], of(parts[3])) ? parts[0] : parts[4]);
    case '+': case '*': return joined(kind, parts.map(of));
    default: return [kind, ...parts.map(of)];
  }
};
