// The numbers of the network, as the engine works them out.
//
//   tensors   [{ array, states }] by the program's numbers      n   examples
//   gradients, plain   by tensor: ∂C, and ∂L, which is without the penalty
//   costs   (n,) of each example
//   ties    groups of [tensor, place], each of one number; ∂C by it, the sum, stands at all of them

const decode = (text) => {
  const [kind, code] = text.split(':');
  const { buffer } = Uint8Array.from(atob(code), (sign) => sign.charCodeAt(0));
  return kind === 'f8' ? new Float64Array(buffer) : Float64Array.from(new Float32Array(buffer));
};

const copied = (tensors) => tensors.map(({ array, states }) => ({ array: array.slice(), states: states.map((own) => own.slice()) }));

// What a parameter is called in its place.
const letterOf = ({ kind, text }) => ({ w: 'W', b: 'b' }[kind] ?? text);

// The tensor of a parameter, and the place in it.
const entryOf = (key, places) => {
  const [tensor, columns] = places[key.layer].tensors[letterOf(key)];
  return [tensor, key.unit * columns + key.source];
};

class Net {
  constructor(engine, { engine: { program, run, places }, data, l1, l2, weight, update, ties, keys }) {
    Object.assign(this, { program, places, n: data.n, first: (update?.step ?? 1) - 1 });
    this.ties = ties.map((group) => group.map((id) => entryOf(keys[id], places)));
    const opened = (numbers) => engine.session(program, { ...run, numbers });
    this.session = opened(run.numbers);
    this.bare = l1 || l2 ? opened({ ...run.numbers, l1: 0, l2: 0 }) : null;
    this.sums = run.sums;
    this.most = engine.mostLookedAt;
    this.weights = data.w ? decode(data.w) : new Float64Array(this.n).fill(1);
    this.weight = weight ?? this.weights.reduce((sum, w) => sum + w, 0);
  }

  get sessions() { return this.bare ? [this.session, this.bare] : [this.session]; }

  // All tensors with their states, as they are after so many rounds.
  load(tensors, round = 0) {
    const step = this.first + round;
    for (const session of this.sessions) {
      tensors.forEach(({ array, states }, k) => session.load(k, array, states));
      session.ready();
      session.at = { step, epoch: step, first: 0 };
    }
  }

  free() {
    this.sessions.forEach((session) => session.free());
  }

  tensors() {
    return this.program.tensors.map((_, k) => this.session.store(k));
  }

  examples(X, y) {
    if (this.X === X && this.y === y) return;
    this.sessions.forEach((session) => session.data({ X, y, weights: this.weights }));
    Object.assign(this, { X, y });
  }

  // Work everything out: the cost is returned.
  run(tensors, X, y) {
    this.length = undefined;
    this.load(tensors);
    this.examples(X, y);
    const [whole, bare = whole] = this.sessions.map((session) => this.tied(session.gradient({ divisor: this.weight })));
    Object.assign(this, { cost: whole.cost, mean: whole.loss, gradients: whole.gradients, plain: bare.gradients });
    this.look();
    this.add(tensors);
    return this.cost;
  }

  tied(made) {
    for (const group of this.ties) {
      const whole = group.reduce((sum, [tensor, at]) => sum + made.gradients[tensor][at], 0);
      group.forEach(([tensor, at]) => { made.gradients[tensor][at] = whole; });
    }
    return made;
  }

  // One pass, by so many examples at a time.
  look() {
    const every = Array.from({ length: this.n }, (_, row) => row);
    const starts = every.filter((row) => row % this.most === 0);
    this.seen = starts.map((row) => this.session.look({ rows: every.slice(row, row + this.most) }));
    this.costs = every.map((row) => this.lossOf(row));
  }

  // A number of a value: `what` the pass keeps of it, of a unit in a copy, for one example.
  of(value, what, unit, row, copy = 0) {
    const { width, copies } = this.program.values[value];
    return this.number(this.seen[Math.floor(row / this.most)].values[value][what], width, unit, row, copies > 1 ? copy : 0);
  }

  // The same of an output: its share of the cost, what its link makes of it.
  output(what, unit, row, copy = 0) {
    return this.number(this.seen[Math.floor(row / this.most)][what], this.program.values[this.program.output].width, unit, row, copy);
  }

  // What one example costs; of several members, one of them, or all on average.
  lossOf(row, copy) {
    const { losses } = this.seen[Math.floor(row / this.most)];
    if (copy !== undefined) return this.number(losses, 1, 0, row, copy);
    const { members } = this.session;
    return Array.from({ length: members }, (_, m) => this.lossOf(row, m)).reduce((sum, loss) => sum + loss) / members;
  }

  number(array, width, unit, row, copy) {
    const first = row - (row % this.most);
    const rows = Math.min(this.most, this.n - first);
    return array[(copy * rows + row - first) * width + unit];
  }

  // Whether the places' units and their derivatives are finite; the first unit that is not.
  get infinite() {
    for (const [layer, { z, a }] of this.places.entries()) {
      for (const value of z === null ? [a] : [z, a]) {
        const { width } = this.program.values[value];
        for (const { values } of this.seen) {
          const at = values[value].a.findIndex((v) => !Number.isFinite(v));
          if (at >= 0) return { layer, unit: at % width };
        }
      }
    }
    return undefined;
  }

  get hasFiniteSlopes() {
    const arrays = [...this.gradients, ...this.seen.flatMap(({ values }) => values.flatMap(({ came, slope }) => [came, slope]))];
    return arrays.every((values) => values.every(Number.isFinite));
  }

  // What the penalty λ₁ Σ|W| + ½ λ₂ ΣW² is made of.
  add(tensors) {
    const weights = this.bare ? tensors.filter((_, k) => this.program.tensors[k].weight) : [];
    const sum = (size) => weights.reduce((all, { array }) => array.reduce((own, w) => own + size(w), all), 0);
    [this.absolute, this.squares] = [sum(Math.abs), sum((w) => w * w)];
  }
}
