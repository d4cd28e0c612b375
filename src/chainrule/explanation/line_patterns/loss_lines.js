// The lines of one example's loss: probabilities and shares of outputs, and their sum; in the order of
// working_loss.py.

class LossLines {
  constructor(lines, loss) {
    const { name, given } = named(loss);
    Object.assign(this, { lines, name, row: lines.patterns.losses[name] });
    this.parameters = given.length ? given : this.row.parameters;
    this.k = lines.at.last;
    this.outputs = lines.at.width(this.k);
    this.hasSoftmax = this.row.link === 'softmax';
    this.smoothing = this.hasSoftmax ? this.parameters[0] ?? 0 : 0;
    this.known = new Map();
  }

  get isSplit() { return !this.hasSoftmax; }

  once(name, make) {
    if (!this.known.has(name)) this.known.set(name, make());
    return this.known.get(name);
  }

  shareKey(j) { return keyOf('loss', this.k, j, 0, [], '', this.lines.cost.example); }

  sent(j) { return this.lines.sent(this.k, j); }

  target(j) { return leafOf(keyOf('y', this.k, j), this.lines.y(j)); }

  label(j) {
    if (!this.smoothing) return this.target(j);
    const of = { holes: { y: this.target(j) }, numbers: this.numbers([this.smoothing]) };
    const formula = this.lines.expander.tree(this.lines.patterns.softmax.smoothed, of);
    return leafOf(keyOf('letter', 1, j, 0, [], 't'), evaluate(formula));
  }

  numbers(parameters) { return numbersOf(parameters, { outputs: this.outputs }); }

  // The outputs that have a share in the loss.
  get counted() {
    const outputs = Array.from({ length: this.outputs }, (_, j) => j);
    return this.once('counted', () => outputs.filter((j) => !this.hasSoftmax || this.label(j)[2]));
  }

  // What the loss's link makes of an output.
  p(j) { return leafOf(keyOf('p', this.k, j), this.once(`p ${j}`, () => evaluate(this.probability(j).formula))); }

  probability(j) {
    return this.once(`probability ${j}`, () => {
      if (this.hasSoftmax) return { formula: this.softmax.share(j), note: '' };
      const [form] = this.lines.patterns.activations.sigmoid[0];
      const formula = this.lines.expander.tree(form.tree, { holes: { z: this.sent(j) } });
      return { formula, note: this.lines.patterns.words.sigmoid };
    });
  }

  get softmax() {
    return this.once('softmax', () => new SoftmaxLines(this.lines, this.outputs, (j) => this.sent(j)));
  }

  ofLoss(facet, j) {
    const linked = this.row.link === 'sigmoid' || this.hasSoftmax;
    const own = this.row.parameters.length > 0 && !this.hasSoftmax ? [this.parameters[j % this.parameters.length]] : [];
    const holes = { a: this.sent(j), y: this.hasSoftmax ? this.label(j) : this.target(j) };
    if (linked) holes.p = this.p(j);
    return this.lines.expander.tree(this.row[facet], { holes, numbers: this.numbers(own) });
  }

  slope(j) { return this.ofLoss('slope', j); }

  shareFormula(j) {
    return this.once(`share ${j}`, () => (this.hasSoftmax ? this.minusLog(j) : this.ofLoss('value', j)));
  }

  minusLog(j) {
    const { softmax } = this.lines.patterns;
    const others = Array.from({ length: this.outputs }, (_, k) => k).filter((k) => k !== j);
    const holes = { p: this.p(j), t: this.label(j), exponent: this.softmax.exponent(j) };
    if (others.length) {
      const probabilities = others.map((k) => this.p(k));
      holes.others = this.lines.total(probabilities.map(([, , value]) => value), (k) => probabilities[k]);
    }
    const form = others.length ? softmax.among : softmax.alone;
    return this.lines.expander.tree(form, { holes, letters: this.softmax.letters });
  }

  share(j) { return leafOf(this.shareKey(j), this.once(`value ${j}`, () => evaluate(this.shareFormula(j)))); }

  get value() { return exactSum(this.counted.map((j) => this.share(j)[2])); }

  // The shares of the outputs that the derivative reaches, and of those with the largest; then the cost.
  steps(reached, cost) {
    const { counted } = this;
    const shares = counted.map((j) => this.share(j)[2]);
    const formula = this.lines.total(shares, (k) => this.share(counted[k]));
    const written = [...new Set([...reached, ...largest(shares, this.lines.top).map((k) => counted[k])])].sort((j, k) => j - k);
    const steps = written.filter((j) => counted.includes(j)).flatMap((j) => this.shareSteps(j));
    return [...this.probabilities(written), ...steps, { key: cost, formula, value: exactSum(shares), note: '', steps: [] }];
  }

  shareSteps(j) {
    const [, key, value] = this.share(j);
    const share = { key, formula: this.shareFormula(j), value, note: '', steps: [] };
    if (!this.smoothing) return [share];
    const [, label, t] = this.label(j);
    const of = { holes: { y: this.target(j) }, numbers: this.numbers([this.smoothing]) };
    const formula = this.lines.expander.tree(this.lines.patterns.softmax.smoothed, of);
    return [{ key: label, formula, value: t, note: this.lines.patterns.words.smoothed, steps: [] }, share];
  }

  probabilities(outputs) {
    if (!this.hasSoftmax && this.row.link !== 'sigmoid') return [];
    const own = outputs.map((j) => {
      const [, key, value] = this.p(j);
      return { key, value, steps: [], ...this.probability(j) };
    });
    return [...(this.hasSoftmax ? this.softmax.steps : []), ...own];
  }
}

// A softmax of some quantities: its letters, and the share of each.
class SoftmaxLines {
  constructor(lines, count, quantity) {
    const values = Array.from({ length: count }, (_, j) => quantity(j)[2]);
    this.lines = lines;
    this.letters = { m: Math.max(...values), '|z|': Math.max(...values.map(Math.abs)) };
    this.env = { at: {}, holes: { z: quantity }, letters: this.letters, numbers: () => count };
    this.steps = lines.patterns.softmax.letters.flatMap((step) => lines.expander.step(step, this.env) ?? []);
  }

  of(pattern, j) { return this.lines.expander.tree(pattern, { ...this.env, at: { '@u': j } }); }

  exponent(j) { return this.of(this.lines.patterns.softmax.exponent, j); }

  share(j) { return this.of(this.lines.patterns.softmax.share, j); }
}
