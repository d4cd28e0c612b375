// Formulas as MathML. Python writes them, as templates with holes (mathml_templates.py); here names and
// figures are put in.

const [SUM, PRODUCT, , ATOM] = [0, 1, 2, 3]; // how tightly a part holds together

const shape = (name, ...given) => page.shapes[name].replace(/\$(\d)/g, (_, k) => given[k - 1]);

// Elements with a formula, between which a line may be broken.
const maths = (text) => text.split(/[\n\t]/).map((part) => {
  const holder = document.createRange().createContextualFragment(`<math displaystyle="true">${part}</math>`);
  return holder.firstChild;
});

const math = (text) => maths(text.replace(/[\n\t]/g, ' '))[0];

// A name, or two of them, ∂ the first by the second: as notation.py has them, written by Python.
const isRatio = (name) => Array.isArray(name[0]);
const nameText = (name) => (isRatio(name) ? `∂${name[0][4]}/∂${name[1][4]}` : name[4]);
const nameMath = (name) => (isRatio(name)
  ? { text: shape('ratio', name[0][5], name[1][5]), level: PRODUCT }
  : { text: name[5], level: name[6] });

const figureMath = (value, digits) => {
  const { negative, mantissa, exponent } = figure(value, digits);
  const size = shape(/\d/.test(mantissa) ? 'number' : 'letter', mantissa);
  const text = exponent ? shape('product', size, tens(exponent)) : size;
  if (negative) return { text: shape('minus', text), level: SUM };
  return { text, level: exponent ? PRODUCT : ATOM };
};

const tens = (exponent) => {
  const size = shape('number', Math.abs(exponent));
  return shape('power', shape('number', 10), exponent < 0 ? shape('minus', size) : size);
};

// A template filled; `put` writes a quantity, `only` finds the case that holds, if only that counts.
const filled = ([level, parts], put, only) => {
  const pieces = parts.map((part) => (typeof part === 'string' ? { text: part, level } : hole(part, put, only)));
  return { text: pieces.map(({ text }) => text).join(''), level: pieces.length === 1 ? pieces[0].level : level };
};

const hole = ([least, what, all, rows], put, only) => {
  const inner = () => (only ? filled(rows[only(what)][0], put, only) : filled(all, put));
  const own = { q: put, n: ([, text]) => ({ text: shape('number', text), level: ATOM }) }[what[0]];
  const { text, level } = own ? own(what) : inner();
  return level >= least ? { text, level } : { text: shape('brackets', text), level: ATOM };
};
