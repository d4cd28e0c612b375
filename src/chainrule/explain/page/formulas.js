// Formulas as MathML. Where brackets stand follows writing.py: a part is held in brackets where it
// binds less tightly than its place asks for.

const MATH = 'http://www.w3.org/1998/Math/MathML';
const [SUM, PRODUCT, POWER, ATOM] = [0, 1, 2, 3];

const m = (tag, ...children) => {
  const element = document.createElementNS(MATH, tag);
  element.append(...children);
  return element;
};

const math = (...children) => {
  const element = m('math', ...children);
  element.setAttribute('displaystyle', 'true');
  return element;
};
const row = (nodes) => (nodes.length === 1 ? nodes[0] : m('mrow', ...nodes));

const sign = (text, form = 'infix') => {
  const operator = m('mo', text);
  operator.setAttribute('form', form);
  for (const side of form === 'infix' ? ['lspace', 'rspace'] : []) operator.setAttribute(side, '0.24em');
  return operator;
};

const fence = (text) => {
  const operator = m('mo', text);
  operator.setAttribute('stretchy', 'true');
  return operator;
};

const brackets = (nodes) => [m('mrow', fence('('), ...nodes, fence(')'))];

const word = (text) => (/^[\d−+-]+$/.test(text) ? m('mn', text) : m(/^[^\s\d]$/.test(text) ? 'mi' : 'mtext', text));

const code = (text) => {
  const element = m('mtext', text);
  element.classList.add('code');
  return element;
};

// A name: [base, index, superscript, marks], or two of them, ∂ the first by the second.
const nameNode = (name) => {
  if (Array.isArray(name[0])) {
    const [above, below] = name.map((part) => m('mrow', m('mo', '∂'), nameNode(part)));
    return m('mfrac', above, below);
  }
  const [base, sub, sup, marks] = name;
  if (marks.includes('c')) return code(base);
  let node = m('mi', base);
  if (marks.includes('^')) node = m('mover', node, m('mo', '^'));
  if (sub && sup) return m('msubsup', node, word(sub), word(sup));
  if (sub) return m('msub', node, word(sub));
  return sup ? m('msup', node, word(sup)) : node;
};

// A name on one line, as text.py writes it.
const [PLAIN, UPPER, LOWER] = ['0123456789+-−()L', '⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁽⁾ᴸ', '₀₁₂₃₄₅₆₇₈₉'];

const nameText = (name) => {
  if (Array.isArray(name[0])) return `∂${nameText(name[0])}/∂${nameText(name[1])}`;
  const [base, sub, whole, marks] = name;
  if (marks.includes('c')) return base;
  const plus = whole.endsWith('+') ? '⁺' : '';
  const sup = plus ? whole.slice(0, -1) : whole;
  const raise = sup.replace(/./g, (sign) => UPPER[PLAIN.indexOf(sign)] ?? sign);
  return `${base}${marks.includes('^') ? '\u0302' : ''}${raise}${below(base, sub, sup)}${plus}`;
};

const below = (base, sub, sup) => {
  if (!/^\d+$/.test(sub) || base.length > 1) return sub && `_${sub}`;
  return sup || 'aCypδzxt'.includes(base) ? sub.replace(/./g, (digit) => LOWER[digit]) : sub;
};

const figureNodes = (value, digits) => {
  const { negative, mantissa, exponent } = figure(value, digits);
  return signed(negative, mantissa, exponent);
};

const signed = (negative, mantissa, exponent) => {
  const power = exponent && m('msup', m('mn', '10'), m('mn', String(exponent).replace('-', '−')));
  const nodes = power ? [m('mn', mantissa), sign('·'), power] : [m('mn', mantissa)];
  if (negative) return { nodes: [sign('−', 'prefix'), ...nodes], level: SUM };
  return { nodes, level: power ? PRODUCT : ATOM };
};

// A formula as nodes; `put` gives those of a quantity, `only` picks the row of cases that holds.
const write = (tree, put, only) => {
  const of = (part) => write(part, put, only);
  const held = (part, least) => {
    const { nodes, level } = of(part);
    return level >= least ? nodes : brackets(nodes);
  };
  const [kind, a, b] = tree;
  if (kind === 'q') return put(tree);
  if (kind === 'n') return signed(false, ...splitNumber(a));
  if (kind === '-') return { nodes: [sign('−', 'prefix'), ...held(a, PRODUCT)], level: SUM };
  if (kind === '+') return { nodes: terms(tree, held).flat(), level: SUM };
  if (kind === '*') return { nodes: factors(tree, held).flat(), level: PRODUCT };
  if (kind === '/') return { nodes: [m('mfrac', row(of(a).nodes), row(of(b).nodes))], level: PRODUCT };
  if (kind === '^') return { nodes: [m('msup', row(held(a, ATOM)), row(of(b).nodes))], level: POWER };
  if (kind === '?') return only ? of(only(tree)[0]) : { nodes: cases(tree, of), level: SUM };
  return call(a, tree.slice(2).map((part) => of(part).nodes));
};

const splitNumber = (text) => {
  const [mantissa, exponent] = text.split('e');
  return [mantissa, Number(exponent ?? 0)];
};

// The terms of a sum, each with its sign before it.
const terms = (tree, held) => tree.slice(1).map((term, k) => {
  if (term[0] === '-') return [sign('−', k ? 'infix' : 'prefix'), ...held(term[1], PRODUCT)];
  return k ? [sign('+'), ...held(term, PRODUCT)] : held(term, SUM);
});

const factors = (tree, held) =>
  tree.slice(1).map((part, k) => [...(k ? [sign('·')] : []), ...held(part, PRODUCT)]);

const call = (name, given) => {
  if (name === 'exp') return { nodes: [m('msup', m('mi', 'e'), row(given[0]))], level: POWER };
  if (name === 'sqrt') return { nodes: [m('msqrt', ...given[0])], level: ATOM };
  if (name === 'abs') return { nodes: [m('mrow', fence('|'), ...given[0], fence('|'))], level: ATOM };
  const listed = given.flatMap((nodes, k) => [...(k ? [m('mo', ',')] : []), ...nodes]);
  return { nodes: [m('mi', name), ...brackets(listed)], level: ATOM };
};

const cases = (tree, of) => {
  const rows = tree.slice(1).map(([value, left, mark, right]) => m('mtr',
    m('mtd', ...of(value).nodes),
    m('mtd', m('mtext', 'if'), ...of(left).nodes, sign(mark), ...of(right).nodes)));
  return [m('mrow', fence('{'), m('mtable', ...rows))];
};

// A formula as several pieces of math, between which a line may be broken.
const pieces = (tree, put, only) => {
  if (tree[0] === '?' && only) return pieces(only(tree)[0], put, only);
  const held = (part, least) => {
    const { nodes, level } = write(part, put, only);
    return level >= least ? nodes : brackets(nodes);
  };
  if (tree[0] === '+') return terms(tree, held).map((nodes) => math(...nodes));
  if (tree[0] === '*') return factors(tree, held).map((nodes) => math(...nodes));
  return [math(...write(tree, put, only).nodes)];
};
