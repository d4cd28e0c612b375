// The number of every quantity that a formula names, for one example, and the steps of a subject
// with their numbers put in.

const HERE = -1; // the example that is shown

const keyOf = ([kind, layer = 0, unit = 0, source = 0, name, of = [], text = '', example = 0, ofZeros]) =>
  ({ kind, layer, unit, source, name, of, text, example, ofZeros });

const leaves = (tree) => {
  if (!Array.isArray(tree)) return [];
  return tree[0] === 'q' ? [tree] : tree.flatMap(leaves);
};

class Values {
  // `parts` are those that are shown of the subject: their lines give what the engine does not keep.
  constructor(page, net, state, parts = []) {
    Object.assign(this, { page, net, state, parts, keys: page.keys, letters: new Map(), shifts: new Map(), given: new Map(), others: new Map() });
  }

  // The number of a quantity in a formula.
  leaf(id, fixed) { return this.letters.get(id) ?? this.of(id, fixed); }

  of(id, fixed) {
    if (Array.isArray(fixed)) return this.net || this.page.live ? this.tensor(...fixed) : NaN;
    if (!this.net) return fixed ?? this.known(id);
    const key = this.keys[id];
    return this[key.kind]?.(key) ?? fixed ?? this.line(id);
  }

  // Before the engine is there, or where it never is: what the core has worked out.
  known(id) {
    const held = this.page.held.get(id);
    if (held !== undefined) return held.length ? held[this.state.row] : held;
    const key = this.keys[id];
    const given = ['x', 'y'].includes(key.kind) ? this[key.kind](key) : undefined;
    return this.page.known.get(`${this.state.row} ${id}`) ?? given ?? NaN;
  }

  // What the line comes to that gives it.
  line(id) {
    this.lines ??= this.gathered();
    if (!this.lines.has(id)) return NaN;
    if (!this.given.has(id)) {
      this.given.set(id, NaN); // no line is of itself
      this.given.set(id, [...this.steps([this.lines.get(id)])].at(-1)?.value ?? NaN);
    }
    return this.given.get(id);
  }

  gathered() {
    const lines = new Map();
    const add = (step) => {
      const { key, nested } = this.page.steps[step];
      if (this.isWritten(this.page.steps[step])) lines.set(key, step);
      nested.forEach(add);
    };
    this.lines = lines; // a condition may ask for what a line before it gives
    this.parts.forEach((part) => part[3].forEach(add));
    return lines;
  }

  // The same for another example.
  other(row) {
    if (row === this.state.row) return this;
    if (!this.others.has(row)) this.others.set(row, new Values(this.page, this.net, { ...this.state, row }, partsOf(row)));
    return this.others.get(row);
  }

  row({ example }) {
    return example > 0 ? example - 1 : this.state.row;
  }

  // A parameter, or number k of its state.
  tensor(id, k) {
    const [tensor, at] = this.entry(this.keys[id]);
    const { array, states } = this.state.tensors[tensor];
    return (k === undefined ? array : states[k])[at];
  }

  entry(key) { return entryOf(key, this.page.engine.places); }

  // What the pass has of a place; the inputs leave place −1.
  seen(what, { layer, unit }, of = 'a', row = this.state.row) {
    if (layer < 0) return this.net.of(0, what, unit, row);
    const place = this.net.places[layer];
    return place[of] === null ? undefined : this.net.of(place[of], what, unit, row, place.copy);
  }

  output(what, { layer, unit }, row) { return this.net.output(what, unit, row, this.net.places[layer].copy); }

  x({ unit }) { return this.state.X[this.state.row * this.page.widths[0] + unit]; }
  y({ unit }) { return this.state.y[this.state.row * this.page.widths.at(-1) + unit]; }
  w(key) { return this.tensor(key.id); }
  b(key) { return this.tensor(key.id); }
  parameter(key) { return this.tensor(key.id); }
  z(key) { return this.seen('a', key, 'z'); }
  a(key) { return this.seen('a', key); }
  delta(key) { return this.seen('came', key, 'z'); }
  loss(key) { return this.output('shares', key, this.row(key)); }
  p(key) { return this.output('links', key, this.state.row); }
  C(key) {
    if (key.layer) return this.net.lossOf(this.row(key), this.net.places[key.layer].copy);
    return key.example ? this.net.costs[this.row(key)] : this.net.cost;
  }

  L() { return this.net.mean; }

  // ∂of/∂by, where the pass has it: else its line does
  d({ of: [first, second] }) {
    const [of, by] = [this.keys[first], this.keys[second]];
    if (of.kind === 'C' || of.kind === 'L') return this.cost(of, by);
    return of.kind === 'a' && by.kind === 'z' ? this.slopeOf(by) : undefined;
  }

  // An activation's slope, where it makes one number of one.
  slopeOf(by) {
    const { z, a, joint } = this.net.places[by.layer];
    if (joint) return undefined;
    return z === a ? 1 : this.seen('slope', by);
  }

  cost(of, by) {
    if (['z', 'a', 'x'].includes(by.kind)) return of.example ? this.unit(by, this.row(of)) : this.together(by);
    if (!WORDS[by.kind] || of.layer) return undefined; // of one member, or by what a layer names itself
    if (of.example) return this.ofExample(of, by);
    const [tensor, at] = this.entry(by);
    if (this.net.program.tensors[tensor].statistic) return NaN; // no gradient moves it
    return this.net[of.kind === 'L' ? 'plain' : 'gradients'][tensor][at];
  }

  unit(by, row) { return this.seen('came', by, by.kind === 'z' ? 'z' : 'a', row); }

  // The derivative of an example's cost by a parameter: its line gives it, which may be among another's.
  ofExample(of, by) {
    if (of.example === HERE) return undefined;
    const own = this.keys.find(({ kind, of: [first, second] }) =>
      kind === 'd' && second === by.id && this.keys[first].kind === of.kind && this.keys[first].example === HERE);
    return own && this.other(this.row(of)).of(own.id);
  }

  // ∂C by an input or a unit that all examples move together.
  together(by) {
    const { weights, weight } = this.net;
    return weights.reduce((sum, w, row) => sum + w * this.unit(by, row), 0) / weight;
  }

  // ∂C/∂ a quantity of the tables: of all examples by a parameter, else of the one that is shown.
  slope(id) {
    const key = this.keys[id];
    if (this.net) return this.cost({ kind: 'C', example: ['x', 'a'].includes(key.kind) ? HERE : 0 }, key);
    const slopes = this.keys.filter(({ kind, of }) => kind === 'd' && of[1] === id && this.keys[of[0]].kind === 'C');
    const own = slopes.find(({ id: each }) => this.page.held.has(each)) ?? slopes[0];
    return own ? this.known(own.id) : NaN;
  }

  // Letters that stand for what no formula of the steps gives.
  letter(key) {
    const { text } = key;
    if (text === 'η') return this.state.rate;
    if (text === 'Σ|w|') return this.net.absolute;
    if (text === 'Σw²') return this.net.squares;
    if (text === 'Σ weight') return this.net.weight;
    if (text === 'mean weight') return this.net.weight / this.net.n;
    if (text === '|g|') return this.net.length ??= this.norm();
    if (text === '|z|') return Math.max(...this.logits(key).map(Math.abs));
    return undefined;
  }

  norm() {
    const bound = this.page.update.clip[0] ?? Infinity;
    const { frozen } = this.page.engine.run;
    const again = new Set(this.net.ties.flatMap(([, ...others]) => others.map(String))); // a number counts once
    const free = this.net.gradients.map((part, k) => (frozen.includes(k) ? [] : part.filter((_, at) => !again.has(`${k},${at}`))));
    return Math.sqrt(free.reduce((sum, part) =>
      part.reduce((s, g) => s + Math.max(-bound, Math.min(bound, g)) ** 2, sum), 0));
  }

  // The powers of a softmax: the largest of its numbers where it is taken off, and their sum.
  softmax(key) {
    const a = this.logits(key);
    if (key.text === 'm') return Math.max(...a);
    const shift = this.shifts.get(this.softmaxOf(key)) ?? 0;
    return a.reduce((sum, v) => sum + Math.exp(v - shift), 0);
  }

  // Which softmax a letter is of: an activation's, of the layer source − 2, or a head's.
  softmaxOf({ unit, source }) { return source > 1 ? -source : unit; }

  logits(key) {
    if (key.source > 1) {
      const layer = key.source - 2;
      const of = this.net.places[layer].z === null ? 'x' : 'z';
      return Array.from({ length: this.page.widths[layer + 1] }, (_, unit) => this.seen('a', { layer, unit }, of));
    }
    const { first, end } = this.page.heads[key.unit];
    return this.page.outputs.slice(first, end).map((j) => this.seen('a', { layer: this.page.widths.length - 2, unit: j }));
  }

  // The steps of parts, the letters' before those that need them, each with its formula filled in.
  *steps(list) {
    for (const id of list) {
      const own = this.page.steps[id];
      if (!this.isWritten(own)) continue;
      yield* this.steps(own.nested);
      const [form] = this.page.forms[own.form];
      const formula = form && this.filled(form, own.quantities);
      const value = this.result(own.key, formula, this.net ? undefined : own.fixed);
      if (this.page.live && formula) this.complete(formula, value);
      yield { key: this.keys[own.key], formula, note: own.note, value };
    }
  }

  isWritten({ form, quantities }) {
    const [, when] = this.page.forms[form];
    if (!when) return true;
    const [left, right] = [when[0], when[2]].map((side) => this.filled(side, quantities));
    return holdsFor(left, when[1], right);
  }

  // A form with its quantities, and the number of the step of training.
  filled(form, quantities) {
    const t = (this.page.update?.step ?? 1) + this.state.round;
    const of = (part) => {
      if (part[0] === '#') return ['n', String({ t, 't + 1': t + 1 }[part[1]])];
      if (part[0] !== 'q') return filledIn(part, of);
      const own = quantities[part[1]];
      const [id, fixed] = Array.isArray(own) ? own : [own];
      return leafOf(this.keys[id], this.leaf(id, fixed));
    };
    return of(form);
  }

  result(id, formula, fixed) {
    const key = this.keys[id];
    if (fixed !== undefined) {
      if (this.page.live && key.kind === 'letter') this.letters.set(id, fixed);
      return fixed;
    }
    if (key.kind !== 'letter' && key.kind !== 'new') return this.kept(id, key, formula);
    let value = this.letter(key);
    if (key.text === 'S' || (key.text === 'm' && !formula)) value = this.softmax(key);
    if (key.text === 'm' && !formula) this.shifts.set(this.softmaxOf(key), value);
    value ??= formula ? evaluate(formula) : NaN;
    this.letters.set(id, value);
    return value;
  }

  // What the pass keeps of a quantity, or what its formula comes to.
  kept(id, key, formula) {
    const found = this[key.kind]?.(key) ?? (formula ? evaluate(formula) : NaN);
    if (!this.given.has(id)) this.given.set(id, found);
    return found;
  }

  // Give the rest of a sum its number, in which the formula is linear.
  complete(formula, value) {
    const rest = ([, key]) => key.kind === 'rest';
    const rests = leaves(formula).filter(rest);
    if (!rests.length) return;
    const given = (others) => evaluate(formula, (leaf) => (rest(leaf) ? others : numberOf(leaf)));
    const base = given(0);
    for (const leaf of rests) leaf[2] = (value - base) / (given(1) - base);
  }
}

const edgeOf = (layer, unit, source) => `e/${layer}/${unit}/${source}`;
const biasOf = (layer, unit) => `b/${layer}/${unit}`;

// The part of the drawing that a quantity belongs to.
const elementOf = (id, keys) => {
  const { el, kind, layer, unit, of } = keys[id];
  if (el) return el;
  if (kind === 'd') return elementOf(of[1], keys);
  if (kind === 'new') return elementOf(of[0], keys);
  if (kind === 'x') return `u/-1/${unit}`;
  if (['z', 'a', 'delta', 'kept'].includes(kind)) return `u/${layer}/${unit}`;
  if (['y', 'loss', 'p'].includes(kind)) return `y/${unit}`;
  return kind === 'C' || kind === 'L' ? 'C' : '';
};
