// Rounds of gradient descent, worked out in slices so that the page never waits, with the
// parameters kept now and then so that any round is near one that is known.

const SLICE = 12; // milliseconds
const KEPT = 4e6; // numbers

class Training {
  constructor(net, start, rounds) {
    Object.assign(this, { net, start, rounds, frozen: start.frozen });
    const size = start.params.flat().reduce((sum, part) => sum + part.length, 0);
    this.every = Math.max(1, Math.ceil(rounds / Math.max(4, Math.min(200, Math.floor(KEPT / size)))));
    this.costs = new Float64Array(rounds + 1).fill(NaN);
    this.params = copyParams(start.params);
    this.kept = [copyParams(start.params)];
    this.costs[0] = net.run(this.params, start.X, start.y);
    this.done = 0;
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
    this.stopped = true;
  }

  slice() {
    const until = performance.now() + SLICE;
    const furthest = () => this.waiting.reduce((far, [round]) => Math.max(far, round), 0);
    const target = furthest();
    while (this.done < target && performance.now() < until) {
      for (let k = 0; k < 16 && this.done < target; k++) this.round();
    }
    const ready = this.waiting.filter(([round]) => round <= this.done);
    this.waiting = this.waiting.filter(([round]) => round > this.done);
    this.timer = undefined;
    ready.forEach(([round, then]) => then(this.at(round)));
    this.progress?.();
    if (this.waiting.length && !this.timer) this.timer = setTimeout(() => this.slice(), 0);
  }

  round() {
    const { net, start, params } = this;
    net.run(params, start.X, start.y);
    net.step(params, start.rate, this.frozen);
    this.done++;
    this.costs[this.done - 1] = net.cost;
    if (this.done % this.every === 0) this.kept.push(copyParams(params));
  }

  // The parameters after a round that has been reached, from the nearest ones kept.
  at(round) {
    const nearest = Math.min(Math.floor(round / this.every), this.kept.length - 1);
    const params = copyParams(this.kept[nearest]);
    for (let k = nearest * this.every; k < round; k++) {
      this.net.run(params, this.start.X, this.start.y);
      this.net.step(params, this.start.rate, this.frozen);
    }
    this.costs[round] = this.net.run(params, this.start.X, this.start.y);
    return params;
  }
}
