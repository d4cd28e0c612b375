// What quantities are called: names with holes that Python wrote, filled from where the quantity stands.

const OF_OTHERS = ['x', 'a', 'kept', 'own', 'loss'];

const shifted = (text, signs) => String(text).replace(/\d/g, (digit) => signs[digit]);

class PatternNames {
  constructor(patterns, notation, at) {
    const [first] = Object.values(patterns.names);
    Object.assign(this, { at, first, own: patterns.names[notation] });
  }

  // Text, MathML and how tightly it holds together; a ratio is two of them.
  name(key) {
    if (key.kind === 'd') return { ratio: key.of.map((part) => this.name(part)) };
    if (key.kind === 'rest') return { rest: key.text };
    const of = key.kind === 'new' ? key.of[0] : key;
    const word = this.word(of) + (key.kind === 'new' ? ' new' : '');
    const filled = of.kind !== 'own' ? of : of.of.length ? of.of[0] : of.source ? { ...of, source: of.source - 1 } : of; // from 1 in the key
    const parts = (this.own[word] ?? this.instead(word)).map((part) => (typeof part === 'string' ? this.filled(part, filled) : part));
    const [text, math] = parts.filter((part) => typeof part === 'string');
    const level = parts.find((part) => typeof part === 'number') ?? LEAST_LEVEL.atom;
    return { text, math, level };
  }

  // Where a word has no name of its own (recorded_names.py says what it is found by).
  instead(word) {
    const near = word.replace(/ far| within/, '');
    const others = [word.replace('outputs', 'hidden'), near, near.replace('outputs', 'hidden')];
    return this.own[others.find((other) => this.own[other])] ?? this.first[word];
  }

  word({ kind, layer, unit, source, text, example, of }) {
    const where = layer < 0 ? 'inputs' : layer === this.at.last ? 'outputs' : 'hidden';
    const other = example ? ' of' : '';
    const far = Math.max(unit, source) < 9 ? '' : ' far';
    switch (kind) {
      case 'letter': return `letter ${text}${layer ? ' of' : ''}`;
      case 'C': case 'L': case 'S': return `${kind}${other}`;
      case 'w': return `w ${where}${this.isMixed(layer) && this.own['w hidden mixed'] ? ' mixed' : far}`;
      case 'b': case 'parameter': {
        const isPair = this.at.leafOf({ kind, layer, text }).shape.length > 1;
        return isPair ? `${text || kind} pair ${where}${far}` : `${text || kind} ${where}`;
      }
      case 'own':
        if (of.length) return `own ${text} ${where} of parameter${Math.max(of[0].unit, of[0].source) < 9 ? '' : ' far'}`;
        if (source) return `own ${text} ${where} ${this.isOfInput(layer) ? 'of input' : 'of one before'}`;
        return `own ${text} ${where}${unit < 0 ? this.ofAll(layer) : other}`;
      default: return `${kind} ${where}${OF_OTHERS.includes(kind) ? other : ''}`;
    }
  }

  // Whether W has three axes.
  isMixed(layer) { return this.at.layers[layer]?.columns && this.at.layers[layer].size('mixed') > 0; }

  // Whether inputs enter a layer, and no units.
  isOfInput(layer) { return this.at.layers[layer].sources[0] < 0; }

  ofAll(layer) { return this.at.layers[layer].path.includes('.') ? ' all within' : ' all'; }

  filled(pattern, key) {
    const whole = pattern.replace(/⟦(.*?)⟧/g, (_, part) => (key.layer === this.at.last ? '' : part));
    return whole.replace(/\{(\w+?)([\]_^]?)\}/g, (_, hole, style) => {
      const made = this.holes(hole, key);
      if (hole === 'path') return style === '_' ? made.replace(/\./g, '_') : style === ']' ? made.replace(/\./g, '][') : made;
      return style === '^' ? shifted(made, '⁰¹²³⁴⁵⁶⁷⁸⁹') : style === '_' ? shifted(made, '₀₁₂₃₄₅₆₇₈₉') : made;
    });
  }

  holes(hole, key) {
    const { at } = this;
    switch (hole) {
      case 'unit': return key.unit + 1;
      case 'unit0': return key.unit;
      case 'source': return key.source + 1;
      case 'source0': return key.source;
      case 'first0': return Math.floor(key.unit / at.layers[key.layer].size('values'));
      case 'second0': return key.unit % at.layers[key.layer].size('values');
      case 'number': return at.number(key);
      case 'hidden': return key.unit < 0 ? at.hidden(at.layers[key.layer].sources[0], key.source) : at.hidden(key.layer, key.unit);
      case 'layer': return key.layer + 2;
      case 'back': return at.last - key.layer;
      case 'depth': return at.last + 1;
      case 'example': return key.example;
      case 'example0': return key.example - 1;
      default: return at.layers[key.layer].path;
    }
  }
}
