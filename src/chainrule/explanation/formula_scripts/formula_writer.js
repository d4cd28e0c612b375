// Formulas written as text or as MathML, of the signs that Python has for each: as writer.py writes them.
// `names` says what a key with a number is called: { text, math, level }, or { ratio: [name, name] }, ∂ the
// first by the second.

const ONE_ELEMENT = /^<(m[ino])>[^<]*<\/\1>$/;

const LEAST_LEVEL = { sum: 0, product: 1, power: 2, atom: 3 };

const unbroken = (text) => text.replace(/[\n\t]/g, ' ');

class FormulaWriter {
  constructor(shapes, format, names) {
    Object.assign(this, { shapes: shapes[format], isText: format === 'text', names });
  }

  // What is written of a quantity; a page may mark it.
  marked(key, text) { return text; }

  // A shape with parts put in: one element stands as it is where others are made one.
  fill(shape, ...parts) {
    return shape.replace(/(<mrow>)?\$(\d)(<\/mrow>)?/g, (whole, row, k, end) => {
      const part = unbroken(String(parts[k - 1]));
      if (row && end) return ONE_ELEMENT.test(part) ? part : `<mrow>${part}</mrow>`;
      return `${row ?? ''}${part}${end ?? ''}`;
    });
  }

  shape(name, ...parts) { return this.fill(this.shapes[name], ...parts); }

  minus(text) { return this.shapes.minus.replace('$1', () => text); }

  figure({ negative, mantissa, exponent }) {
    const size = this.shape(/\d/.test(mantissa) ? 'number' : 'letter', mantissa);
    const text = exponent ? unbroken(this.shape('product', size, this.tens(exponent))) : size;
    if (negative) return { text: this.minus(text), level: LEAST_LEVEL.sum };
    return { text, level: exponent ? LEAST_LEVEL.product : LEAST_LEVEL.atom };
  }

  tens(exponent) {
    if (this.isText) return `10${raised(exponent)}`;
    const size = this.shape('number', Math.abs(exponent));
    return this.shape('power', this.shape('number', 10), exponent < 0 ? this.minus(size) : size);
  }

  named(key, value) {
    const name = this.names.name(key, value);
    if (name.ratio) {
      return { text: this.shape('ratio', ...name.ratio.map((part) => this.letters(part))), level: LEAST_LEVEL.product };
    }
    return { text: this.letters(name), level: this.isText || name.rest ? LEAST_LEVEL.atom : name.level };
  }

  letters(name) {
    if (name.rest) return this.shape('words', name.rest);
    return this.isText ? name.text : name.math ?? this.shape('code', name.text);
  }

  // `put` writes a quantity; of cases all are written, or the one that `only` finds.
  write(tree, put, only = null) {
    const [kind, ...parts] = tree;
    const part = (each, least = LEAST_LEVEL.sum) => {
      const { text, level } = this.write(each, put, only);
      return level >= least ? text : this.shape('brackets', text);
    };
    switch (kind) {
      case 'q': return put(tree);
      case 'n': return this.constant(parts[0]);
      case '?': return only ? this.write(parts[only(tree)][0], put, only) : this.cases(parts, part);
      case '-': return { text: this.minus(part(parts[0], LEAST_LEVEL.product)), level: LEAST_LEVEL.sum };
      case '+': return { text: this.sum(parts, part), level: LEAST_LEVEL.sum };
      case '*': return { text: this.product(parts.map((each) => part(each, LEAST_LEVEL.product))), level: LEAST_LEVEL.product };
      case '/': return { text: this.quotient(parts, part), level: LEAST_LEVEL.product };
      case '^': return { text: this.power(part(parts[0], LEAST_LEVEL.atom), part(parts[1])), level: LEAST_LEVEL.power };
      default: return this.call(parts, part);
    }
  }

  constant(text) {
    const [mantissa, exponent = 0] = text.split('e');
    return this.figure({ negative: false, mantissa, exponent: Number(exponent) });
  }

  sum(terms, part) {
    return terms.map((term, k) => {
      const taken = term[0] === '-';
      const text = unbroken(taken ? part(term[1], LEAST_LEVEL.product) : part(term, k ? LEAST_LEVEL.product : LEAST_LEVEL.sum));
      if (!k) return taken ? this.minus(text) : text;
      return this.shapes[taken ? 'less' : 'plus'].replace('$1', () => text);
    }).join('');
  }

  product(factors) {
    const between = this.shapes.product.slice(2, -2);
    return factors.map(unbroken).join(between);
  }

  quotient([above, below], part) {
    const least = this.isText ? [LEAST_LEVEL.product, LEAST_LEVEL.power] : [LEAST_LEVEL.sum, LEAST_LEVEL.sum];
    const both = [part(above, least[0]), part(below, least[1])];
    return both.join('/') === '1/2' ? this.shapes.half : this.shape('quotient', ...both);
  }

  power(base, exponent) {
    return this.isText && /^\d+$/.test(exponent) ? base + raised(exponent) : this.shape('power', base, exponent);
  }

  call([name, ...given], part) {
    const parts = given.map((each) => part(each));
    if (name === 'exp') {
      const text = this.isText ? this.power('e', parts[0]) : this.shape('exp', parts[0]);
      return { text, level: LEAST_LEVEL.power };
    }
    const shape = this.shapes[name] ?? this.shapes[parts.length > 1 ? 'calls' : 'call'].replace('f', () => name);
    return { text: this.fill(shape, ...parts), level: LEAST_LEVEL.atom };
  }

  cases(rows, part) {
    const [before, row, between, after] = this.shapes.cases;
    const written = rows.map(([value, left, sign, right]) => this.fill(row, part(value), part(left), part(right), this.sign(sign)));
    return { text: before + written.join(between) + after, level: LEAST_LEVEL.sum };
  }

  sign(sign) {
    return this.isText ? sign : sign.replace('<', '&lt;').replace('>', '&gt;');
  }

  condition([, left, sign, right], put, only) {
    const [a, b] = [left, right].map((side) => this.write(side, put, only).text);
    return this.shape('condition', '', a, b, this.sign(sign));
  }

  // A line: its symbol, its formula, the numbers put in, the result; "" where it would repeat another.
  line({ key, formula, value, note }, digits) {
    const symbol = this.marked(key, this.named(key).text);
    const shown = (count) => this.figure(figure(value, count)).text;
    if (!formula) return { symbol, formula: '', numbers: '', result: shown(digits || DIGITS), note, rounded: false, holds: '' };
    const printed = printedDigits(formula, value, digits);
    const written = (key_, { text, level }) => ({ text: this.marked(key_, text), level });
    const name = ([, own, number]) => written(own, this.named(own, number));
    const put = ([, own, number]) => written(own, this.figure(figure(number, printed.putIn)));
    const [letters, numbers] = [this.write(formula, name).text, this.write(formula, put, chosen).text];
    const result = shown(printed.shown);
    const [a, b, c] = [letters, numbers, result].map((text) => this.bare(text));
    return {
      symbol,
      formula: letters,
      numbers: b === c || b === a ? '' : numbers,
      result: a === c ? '' : result,
      note,
      rounded: printed.rounded,
      holds: formula[0] === '?' ? this.condition(formula[1 + chosen(formula)], put, chosen) : '',
    };
  }

  // What is seen of it.
  bare(text) { return this.isText ? text : text.replace(/<[^>]*>/g, ''); }
}

// Elements with a formula, between which a line may be broken.
const formulaElements = (text) => text.split(/[\n\t]/).map((part) => {
  const holder = document.createRange().createContextualFragment(`<math displaystyle="true">${part}</math>`);
  return holder.firstChild;
});
