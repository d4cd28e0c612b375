// Formulas worked out. A formula is a list, as json_formulas.py says; compiled, it is a function of an
// environment that the leaves read.

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

const isCall = (tree, name) => tree[0] === 'f' && tree[1] === name;

// Logarithms whose plain form would lose digits: ln(1 + eˣ), ln(1 − x), ln σ(x) and ln cosh x.
const logarithm = (inner, of) => {
  if (inner[0] === '+' && inner.length === 3 && inner[1][1] === '1' && isCall(inner[2], 'exp')) {
    const x = of(inner[2][2]);
    return (e) => softplus(x(e));
  }
  if (inner[0] === '+' && inner[1][1] === '1') { // of 1 and little more or less
    const rest = inner.slice(2).map(of);
    return (e) => Math.log1p(rest.reduce((sum, part) => sum + part(e), 0));
  }
  const special = { σ: (x) => -softplus(-x), cosh: logCosh }[inner[1]];
  const x = special ? of(inner[2]) : of(inner);
  return special ? (e) => special(x(e)) : (e) => Math.log(x(e));
};

// Return a formula as a function of an environment; `leaf` compiles a quantity.
const compile = (tree, leaf) => {
  const of = (part) => compile(part, leaf);
  const kind = tree[0];
  if (kind === 'q') return leaf(tree);
  if (kind === 'n') {
    const value = Number(tree[1]);
    return () => value;
  }
  if (kind === '?') {
    const rows = tree.slice(1).map(([v, a, sign, b]) => (sign ? [of(v), of(a), COMPARISONS[sign], of(b)] : [of(v)]));
    return (e) => rows.find(([, a, holds, b]) => !a || holds(a(e), b(e)))?.[0](e) ?? NaN;
  }
  if (isCall(tree, 'ln')) return logarithm(tree[2], of);
  const [a, b, ...more] = tree.slice(kind === 'f' ? 2 : 1).map(of);
  if (kind === 'f') {
    const f = FUNCTIONS[tree[1]];
    return b ? (e) => f(a(e), b(e)) : (e) => f(a(e));
  }
  if (kind === '-') return (e) => -a(e);
  if (kind === '/') return (e) => a(e) / b(e);
  if (kind === '^') return (e) => a(e) ** b(e);
  const rest = b ? [b, ...more] : [];
  if (kind === '+') return (e) => rest.reduce((sum, part) => sum + part(e), a(e));
  // nothing times what double precision cannot hold is nothing
  return (e) => rest.reduce((product, part) => product && product * part(e), a(e));
};

// The formula, with its template, in the form that the numbers choose (page_derivations.py says what
// forms are); undefined where there is no line.
const formNow = (forms, value) => {
  if (!forms || forms.length === 2) return forms ?? undefined;
  const [left, sign, right, form, other] = forms;
  return formNow(COMPARISONS[sign](evaluate(left, value), evaluate(right, value)) ? form : other, value);
};

const evaluate = (tree, value) => compile(tree, (leaf) => () => value(leaf))();
