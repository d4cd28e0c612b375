// The number of every quantity that a formula names, for one example, and the steps of a subject
// with their numbers put in.

const HERE = -1; // the example that is shown

const keyOf = ([kind, layer, unit, source, of, text, example]) =>
  ({ kind, layer, unit, source, of, text, example });

const leaves = (tree) => {
  if (!Array.isArray(tree)) return [];
  return tree[0] === 'q' ? [tree] : tree.flatMap(leaves);
};

class Values {
  constructor(page, net, state) {
    Object.assign(this, { page, net, state, keys: page.keys, letters: new Map(), shifts: [] });
  }

  // The number of a leaf of a formula.
  leaf = (leaf) => this.letters.get(leaf[1]) ?? this.of(leaf[1], leaf[2]);

  of(id, fixed) {
    if (!this.page.live) return fixed ?? this.known(id);
    const key = this.keys[id];
    const found = this[key.kind]?.(key);
    return found ?? fixed ?? NaN;
  }

  // On a page that only shows the core's numbers: what its formulas and parameters hold.
  known(id) {
    const held = this.page.held.get(id);
    if (held !== undefined) return held.length ? held[this.state.row] : held;
    const key = this.keys[id];
    const given = ['x', 'w', 'b', 'y'].includes(key.kind) ? this[key.kind](key) : undefined;
    return this.page.known.get(`${this.state.row} ${id}`) ?? given ?? NaN;
  }

  at(array, width, unit, row = this.state.row) {
    return array[row * this.page.widths[width] + unit];
  }

  row({ example }) {
    return example > 0 ? example - 1 : this.state.row;
  }

  x({ unit }) { return this.at(this.state.X, 0, unit); }
  w({ layer, unit, source }) { return this.state.params[layer][0][unit * this.page.widths[layer] + source]; }
  b({ layer, unit }) { return this.state.params[layer][1][unit]; }
  z({ layer, unit }) { return this.at(this.net.z[layer], layer + 1, unit); }
  a({ layer, unit }) { return this.at(this.net.x[layer + 1], layer + 1, unit); }
  delta({ layer, unit }) { return this.at(this.net.delta[layer], layer + 1, unit); }
  y({ layer, unit }) { return this.at(this.state.y, layer + 1, unit); }
  loss(key) { return this.at(this.net.share, key.layer + 1, key.unit, this.row(key)); }
  p({ layer, unit }) { return this.at(this.net.p, layer + 1, unit); }
  C(key) { return key.example ? this.net.costs[this.row(key)] : this.net.cost; }
  L() { return this.net.mean; }

  // ∂of/∂by
  d({ of: [first, second] }) {
    const [of, by] = [this.keys[first], this.keys[second]];
    if (of.kind === 'a') return this.at(this.net.slope[by.layer], by.layer + 1, by.unit);
    if (of.kind === 'z' && by.kind === 'b') return 1;
    if (of.kind === 'z' && by.kind === 'w') return this.at(this.net.x[by.layer], by.layer, by.source);
    const weight = () => this.w({ layer: of.layer, unit: of.unit, source: by.unit });
    if (of.kind === 'z') return weight();
    if (of.kind === 'loss') return this.delta(of) * weight();
    return this.cost(of, by);
  }

  cost(of, by) {
    if (!of.example && ['z', 'a', 'x'].includes(by.kind)) return this.together(by);
    const row = this.row(of);
    if (by.kind === 'z') return this.at(this.net.delta[by.layer], by.layer + 1, by.unit, row);
    if (by.kind === 'a' || by.kind === 'x') return this.at(this.net.dx[by.layer + 1], by.layer + 1, by.unit, row);
    if (of.example) return this.own(by, row);
    if (of.kind === 'L') return this.mean(by);
    const [dW, db] = this.net.gradients[by.layer];
    return by.kind === 'b' ? db[by.unit] : dW[by.unit * this.page.widths[by.layer] + by.source];
  }

  // ∂C by an input or a unit that all examples move together.
  together(by) {
    const { weights, weight } = this.net;
    return weights.reduce((sum, w, row) => sum + w * this.cost({ example: row + 1 }, by), 0) / weight;
  }

  // ∂C/∂ a quantity of the tables: of all examples by a parameter, else of the one that is shown.
  slope(id) {
    const key = this.keys[id];
    const whole = key.kind === 'w' || key.kind === 'b';
    if (this.page.live) return this.cost({ kind: 'C', example: whole ? 0 : HERE }, key);
    const slopes = this.keys.filter(({ kind, of }) => kind === 'd' && of[1] === id && this.keys[of[0]].kind === 'C');
    const own = slopes.find(({ id: each }) => this.page.held.has(each)) ?? slopes[0];
    return own ? this.known(own.id) : NaN;
  }

  // One example's derivative by a parameter, and the mean of them without a penalty.
  own(by, row) {
    const delta = this.at(this.net.delta[by.layer], by.layer + 1, by.unit, row);
    return by.kind === 'b' ? delta : delta * this.at(this.net.x[by.layer], by.layer, by.source, row);
  }

  mean(by) {
    const { weights, weight } = this.net;
    return weights.reduce((sum, w, row) => sum + w * this.own(by, row), 0) / weight;
  }

  // Letters that stand for what no formula of the steps gives.
  letter({ text, unit }) {
    if (text === 'η') return this.state.rate;
    if (text === 'Σ|w|') return this.net.absolute;
    if (text === 'Σw²') return this.net.squares;
    if (text === 'mean weight') return this.net.weight / this.net.n;
    if (text === '|g|') return this.net.length ??= this.norm();
    if (text === '|z|') return Math.max(...this.logits(unit).map(Math.abs));
    return undefined;
  }

  norm() {
    const bound = this.page.update.clip[0] ?? Infinity;
    const free = this.net.gradients.flatMap((layer, l) => layer.filter((_, k) => !this.page.frozen[l][k]));
    return Math.sqrt(free.reduce((sum, part) =>
      part.reduce((s, g) => s + Math.max(-bound, Math.min(bound, g)) ** 2, sum), 0));
  }

  // The powers of a head's softmax: the largest logit where it is taken off, and their sum.
  softmax({ text, unit: head }) {
    const a = this.logits(head);
    if (text === 'm') return Math.max(...a);
    const shift = this.shifts[head] ?? 0;
    return a.reduce((sum, v) => sum + Math.exp(v - shift), 0);
  }

  logits(head) {
    const { first, end } = this.page.heads[head];
    return this.page.outputs.slice(first, end).map((j) => this.at(this.net.x.at(-1), this.page.widths.length - 1, j));
  }

  // The steps of parts, the letters' before those that need them, each with its number.
  *steps(list) {
    for (const id of list) {
      const { key, note, nested, fixed } = this.page.steps[id];
      const form = formNow(this.page.forms(id), this.leaf);
      if (!form) continue;
      const [formula, template] = form;
      yield* this.steps(nested);
      const letters = new Map(this.letters); // before this step, which may give one anew
      const value = this.result(key, formula, fixed);
      yield { id, key, formula, template, note, value, valueOf: this.completed(formula, value, letters) };
    }
  }

  result(id, formula, fixed) {
    const key = this.keys[id];
    if (fixed !== undefined) return fixed;
    if (key.kind !== 'letter' && key.kind !== 'new') return this.of(id);
    let value = this.letter(key);
    if (key.text === 'S' || (key.text === 'm' && !formula)) value = this.softmax(key);
    if (key.text === 'm' && !formula) this.shifts[key.unit] = value;
    value ??= formula ? evaluate(formula, this.leaf) : NaN;
    this.letters.set(id, value);
    return value;
  }

  // The values of a step's leaves; its formula is linear in the rest of a sum, so that follows.
  completed(formula, value, letters) {
    const read = (leaf) => letters.get(leaf[1]) ?? this.of(leaf[1], leaf[2]);
    const rest = (leaf) => this.keys[leaf[1]].kind === 'rest';
    if (!this.page.live || !leaves(formula).some(rest)) return read;
    const given = (others) => (leaf) => (rest(leaf) ? others : read(leaf));
    const base = evaluate(formula, given(0));
    return given((value - base) / (evaluate(formula, given(1)) - base));
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
