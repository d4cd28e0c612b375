// The numbers of the network, as the engine works them out.
//
//   widths   of the inputs and of each dense layer       n   examples
//   x[l]     (n, i) what enters layer l; x[0] are the inputs, x[layers] the outputs
//   z[l], slope[l], delta[l]   (n, o)       dx[l]   (n, i) ∂C/∂x[l]
//   W[l]     (o, i)       b[l]   (o,)       share, p   (n, outputs)       costs   (n,)

const decode = (text) => {
  const [kind, code] = text.split(':');
  const { buffer } = Uint8Array.from(atob(code), (sign) => sign.charCodeAt(0));
  return kind === 'f8' ? new Float64Array(buffer) : Float64Array.from(new Float32Array(buffer));
};

const copyParams = (params) => params.map((layer) => layer.map((part) => part.slice()));

const joined = (parts) => (parts.length === 1 ? parts[0] : Float64Array.from(parts.flatMap((part) => [...part])));

class Net {
  constructor(engine, { engine: { program, run, layers }, widths, data, l1, l2, weight }) {
    Object.assign(this, { widths, l1, l2, n: data.n, layers: layers.length, places: layers });
    this.session = engine.session(program, run);
    this.sums = run.sums;
    this.most = engine.mostLookedAt;
    this.weights = data.w ? decode(data.w) : new Float64Array(this.n).fill(1);
    this.weight = weight ?? this.weights.reduce((sum, w) => sum + w, 0);
  }

  // Parameters by layer, W and b, as they are and as the engine has them.
  load(params) {
    this.places.forEach(({ tensors }, l) => tensors.forEach((k, which) => this.session.load(k, params[l][which])));
    this.session.ready();
  }

  free() {
    this.session.free();
  }

  params() {
    return this.places.map(({ tensors }) => tensors.map((k) => this.session.store(k).array));
  }

  examples(X, y) {
    if (this.X === X && this.y === y) return;
    this.session.data({ X, y, weights: this.weights });
    Object.assign(this, { X, y });
  }

  // Work everything out: the cost is returned.
  run(params, X, y) {
    this.length = undefined;
    this.load(params);
    this.examples(X, y);
    const { cost, loss, gradients } = this.session.gradient({ divisor: this.weight });
    Object.assign(this, { cost, mean: loss });
    this.gradients = this.places.map(({ tensors }) => tensors.map((k) => gradients[k]));
    this.look();
    this.add(params);
    return cost;
  }

  // The values of one pass, by layer.
  look() {
    const every = Array.from({ length: this.n }, (_, row) => row);
    const starts = every.filter((row) => row % this.most === 0);
    const seen = starts.map((row) => this.session.look({ rows: every.slice(row, row + this.most) }));
    const of = (v, what) => joined(seen.map(({ values }) => values[v][what]));
    const each = (value, what) => this.places.map((place) => of(place[value], what));
    const last = this.places.at(-1).a;
    this.x = [...each('x', 'a'), of(last, 'a')];
    this.dx = [...each('x', 'came'), of(last, 'came')];
    [this.z, this.delta] = [each('z', 'a'), each('z', 'came')];
    this.slope = this.places.map(({ z, a }) => of(a, 'slope').map((slope) => (z === a ? 1 : slope)));
    [this.costs, this.share, this.p] = ['losses', 'shares', 'links'].map((what) => joined(seen.map((part) => part[what])));
  }

  // What the penalty λ₁ Σ|W| + ½ λ₂ ΣW² is made of.
  add(params) {
    const weights = this.l1 || this.l2 ? params.map(([W]) => W) : [];
    const sum = (size) => weights.reduce((all, W) => W.reduce((own, w) => own + size(w), all), 0);
    [this.absolute, this.squares] = [sum(Math.abs), sum((w) => w * w)];
  }
}

// Rounds of training, worked out in slices so that the page never waits, with the parameters kept now
// and then so that any round is near one that is known.

const SLICE = 12; // milliseconds
const KEPT = 4e6; // numbers
const AT_ONCE = 1e6; // multiplications

class Training {
  constructor(net, start, rounds) {
    Object.assign(this, { net, start, rounds });
    const size = start.params.flat().reduce((sum, part) => sum + part.length, 0);
    this.every = Math.max(1, Math.ceil(rounds / Math.max(4, Math.min(200, Math.floor(KEPT / size)))));
    this.some = Math.max(1, Math.min(256, Math.floor(AT_ONCE / (size * net.n))));
    this.costs = new Float64Array(rounds + 1).fill(NaN);
    this.kept = [start.params];
    this.costs[0] = net.run(start.params, start.X, start.y);
    this.done = this.here = 0;
    this.waiting = [];
  }

  // Go on until `round` is known, then call `then` with its parameters.
  reach(round, then) {
    this.waiting.push([Math.min(round, this.rounds), then]);
    if (!this.timer) this.slice();
  }

  stop() {
    clearTimeout(this.timer);
    this.waiting = [];
    this.net.free();
  }

  slice() {
    const until = performance.now() + SLICE;
    const target = this.waiting.reduce((far, [round]) => Math.max(far, round), 0);
    this.from(this.done);
    while (this.done < target && performance.now() < until) this.go(target);
    const ready = this.waiting.filter(([round]) => round <= this.done);
    this.waiting = this.waiting.filter(([round]) => round > this.done);
    this.timer = undefined;
    ready.forEach(([round, then]) => then(this.at(round)));
    this.progress?.();
    if (this.waiting.length && !this.timer) this.timer = setTimeout(() => this.slice(), 0);
  }

  // Some rounds more, no further than to where parameters are kept.
  go(target) {
    const { every, done } = this;
    const end = Math.min(target, done + this.some, (Math.floor(done / every) + 1) * every);
    this.train(end - done).forEach((cost, k) => { this.costs[done + k] = cost; });
    this.done = this.here = end;
    if (end % every === 0) this.kept.push(this.net.params());
  }

  // The cost before each of so many rounds; NaN from where one comes to what is not finite.
  train(rounds) {
    const { net, start } = this;
    const meanWeight = net.sums ? 0 : net.weight / net.n;
    const { parts, steps } = net.session.train(rounds, { rates: [start.rate], shuffles: false, meanWeight });
    return Array.from({ length: rounds }, (_, k) => (k < steps ? parts[2 * k] / parts[2 * k + 1] : NaN));
  }

  // The parameters after a round that has been reached, from the nearest ones kept.
  at(round) {
    this.from(round);
    const params = this.net.params();
    this.costs[round] = this.net.run(params, this.start.X, this.start.y);
    return params;
  }

  // Stand at a round that has been reached.
  from(round) {
    if (this.here === round) return;
    const nearest = Math.min(Math.floor(round / this.every), this.kept.length - 1);
    this.net.load(this.kept[nearest]);
    this.train(round - nearest * this.every);
    this.here = round;
  }
}
