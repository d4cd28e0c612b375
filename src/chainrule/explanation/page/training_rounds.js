// Rounds of training, worked out in slices so that the page never waits, with the tensors kept now and
// then so that any round is near one that is known.

const SLICE = 12; // milliseconds
const KEPT = 4e6; // numbers
const AT_ONCE = 1e6; // multiplications

class Training {
  constructor(net, start, rounds) {
    Object.assign(this, { net, start, rounds });
    const size = start.tensors.reduce((sum, { array, states }) => sum + array.length * (1 + states.length), 0);
    this.every = Math.max(1, Math.ceil(rounds / Math.max(4, Math.min(200, Math.floor(KEPT / size)))));
    this.some = Math.max(1, Math.min(256, Math.floor(AT_ONCE / (size * net.n))));
    this.costs = new Float64Array(rounds + 1).fill(NaN);
    this.kept = [start.tensors];
    this.costs[0] = net.run(start.tensors, start.X, start.y);
    this.done = this.here = 0;
    this.waiting = [];
  }

  // Go on until `round` is known, then call `then` with its tensors.
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

  // Some rounds more, no further than to where tensors are kept.
  go(target) {
    const { every, done } = this;
    const end = Math.min(target, done + this.some, (Math.floor(done / every) + 1) * every);
    this.train(end - done).forEach((cost, k) => { this.costs[done + k] = cost; });
    this.done = this.here = end;
    if (end % every === 0) this.kept.push(this.net.tensors());
  }

  // The cost before each of so many rounds; NaN from where one comes to what is not finite.
  train(rounds) {
    const { net, start } = this;
    const meanWeight = net.sums ? 0 : net.weight / net.n;
    const { parts, steps } = net.session.train(rounds, { rates: [start.rate], shuffles: false, meanWeight });
    return Array.from({ length: rounds }, (_, k) => (k < steps ? parts[2 * k] / parts[2 * k + 1] : NaN));
  }

  // The tensors after a round that has been reached, from the nearest ones kept.
  at(round) {
    this.from(round);
    const tensors = this.net.tensors();
    this.costs[round] = this.net.run(tensors, this.start.X, this.start.y);
    this.net.load(tensors, round);
    return tensors;
  }

  // Stand at a round that has been reached.
  from(round) {
    if (this.here === round) return;
    const nearest = Math.min(Math.floor(round / this.every), this.kept.length - 1);
    const near = nearest * this.every;
    this.net.load(this.kept[nearest], near);
    this.train(round - near);
    this.here = round;
  }
}
