// What Python has written down of a formula, filled in for a place of a network (pattern_trees.py says
// how it is written). A leaf becomes ['q', key, number]; sums get their terms.
//
//   env   { at: where "@u" and other places are, k, place, given, holes, letters, numbers }

class LineExpander {
  // `lines` says what keys are: quantity(keyList, env), and how many terms are written: top.
  constructor(patterns, lines) {
    Object.assign(this, { patterns, lines });
  }

  tree(pattern, env) {
    const of = (part) => this.tree(part, env);
    const [kind, ...parts] = pattern;
    switch (kind) {
      case 'q': return this.leaf(parts, env);
      case '#': return numberTree(env.numbers(parts[0]));
      case 'Σ': return this.sum(parts, env);
      case 'over': return this.over(parts, env);
      case 'if': return of(parts[this.answer(parts[0], env) ? 1 : 2]);
      case 'same': return ['n', this.answer(pattern, env) ? '1' : '0'];
      case 'local': return this.local(parts, env);
      default: return filledIn(pattern, of);
    }
  }

  leaf(list, env) {
    const [kind, unit] = list;
    if (!kind.startsWith('=')) return this.lines.quantity(list, env);
    const hole = env.holes[kind.slice(1)];
    return typeof hole === 'function' ? hole(env.at[unit]) : hole;
  }

  terms(count, place, term, env) {
    const size = env.numbers(count[1]);
    return Array.from({ length: size }, (_, j) => this.tree(term, { ...env, at: { ...env.at, [place]: j } }));
  }

  sum([count, place, term], env) {
    const terms = this.terms(count, place, term, env);
    return this.lines.total(terms.map(valueIn), (j) => terms[j]);
  }

  // ∂C by an input over the outputs, split among their shares of the cost where each has one to itself.
  over([input, count, place, term, apart, split], env) {
    const terms = this.terms(count, place, term, env);
    const values = terms.map(valueIn);
    if (!(apart && split && this.lines.isSplit(env.k))) return this.lines.total(values, (j) => terms[j]);
    const x = this.lines.quantity(['in', input], env)[1];
    return this.lines.total(values, (j) => {
      const key = derivative(this.lines.shareKey(j), x);
      return this.lines.define(key, () => values[j], () => ({ formula: terms[j], note: '' }));
    });
  }

  local([of, by, value], env) {
    const [a, b] = [of, by].map((list) => this.lines.quantity(list, env)[1]);
    return leafOf(derivative(a, b), evaluate(this.tree(value, env)));
  }

  answer([question, ...given], env) {
    const at = (place) => whereIs(env.at, place);
    if (question === 'same') return at(given[0]) === at(given[1]);
    if (question === 'less') return at(given[0]) < at(given[1]);
    if (question === 'is') return env.at[given[0]] !== undefined;
    return Boolean(env.place.seen[given[0]](at(given[1]))); // of what the layer saw
  }

  // A formula with its note, and the lines that only it needs.
  noted(pattern, env) {
    if (pattern[0] === 'if') return this.noted(pattern[this.answer(pattern[1], env) ? 2 : 3], env);
    const [tree, note] = pattern;
    if (tree?.[0] === 'act') return this.activated(tree, env);
    return { formula: tree && this.tree(tree, env), note: this.note(note, env), steps: [] };
  }

  // What is said of a line, with the numbers that stand in it.
  note(note, env) {
    if (!Array.isArray(note)) return note;
    const [phrase, ...names] = note;
    return this.lines.say(phrase, ...names.map((name) => printedIn(name, (own) => (own[0] === '@' ? whereIs(env.at, own) : env.numbers(own)))));
  }

  activated([, facet, z, a], env) {
    const { name, parameters, full } = env.place.activation;
    const form = this.patterns.activations[name][parameters.length][facet];
    const holes = { z: this.lines.quantity(z, env), a: this.lines.quantity(a, env) };
    const own = { ...env, holes, letters: {}, numbers: numbersOf(parameters) };
    const steps = form.lets.flatMap((step) => this.step(step, own) ?? []);
    return { formula: this.tree(form.tree, own), note: full, steps };
  }

  // A line that is written down; undefined where by its condition there is none. Its number is told, or
  // else that of its formula.
  step([list, pattern, note, when], env, value) {
    const formula = pattern && this.tree(pattern, env);
    const key = this.keyIn(list, env);
    const own = value ?? (formula ? evaluate(formula) : env.letters[key.text]);
    if (key.kind === 'letter') env.letters[key.text] = own;
    if (when && !holdsFor(this.tree(when[0], env), when[1], this.tree(when[2], env))) return undefined;
    return { key, formula, note, value: own, steps: [] };
  }

  keyIn([kind, unit = 0, source = 0, text = '', layer = 0, of = []], env) {
    if (kind.startsWith('=')) return env.holes[kind.slice(1)][1];
    return keyOf(kind, layer, unit, source, of.map((part) => this.keyIn(part, env)), text);
  }
}

// Where a place is: "@u", or so many further, "@u+1".
const whereIs = (at = {}, place) => {
  if (place in at || typeof place !== 'string') return at[place] ?? place;
  const [, from, by] = /^(.+)([+-]\d+)$/.exec(place) ?? [];
  return from === undefined ? place : at[from] + Number(by);
};

// A number in a note: 1,234 where its name ends in a comma; what is no whole number as C's %g has it.
const printedIn = (name, of) => {
  if (name.endsWith(',')) return String(of(name.slice(0, -1))).replace(/\B(?=(\d{3})+$)/g, ',');
  const value = of(name);
  const [mantissa, power] = value.toExponential(5).split('e');
  if (Number.isSafeInteger(value) && Math.abs(value) < 1e6 || (power >= -4 && power < 6)) return String(Number(value.toPrecision(6)));
  return `${Number(mantissa)}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
};

// What numbers by name are: parameters and their halves, and others.
const numbersOf = (parameters, others = {}) => (name) => {
  const [word, k] = name.split('parameter ');
  if (k === undefined) return others[name];
  return word === 'half ' ? parameters[k] / 2 : parameters[k];
};

const quantitiesIn = (tree) => {
  if (!Array.isArray(tree)) return [];
  if (tree[0] === 'q') return [tree];
  if (tree[0] === '?') return quantitiesIn(tree[1 + chosen(tree)][0]);
  return tree.slice(1).flatMap(quantitiesIn);
};
