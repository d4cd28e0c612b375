// The cost over the rounds of training, on logarithmic axes where they fit.

class Curve {
  constructor(root, go) {
    Object.assign(this, { root, size: { width: 560, height: 128, left: 54, right: 24, top: 10, bottom: 22 } });
    root.addEventListener('click', (event) => {
      const box = root.getBoundingClientRect();
      const share = (event.clientX - box.left - this.size.left) / (this.size.width - this.size.left - this.size.right);
      if (this.training) go(roundAt(Math.min(1, Math.max(0, share)), this.training.rounds));
    });
  }

  draw(training, round, width) {
    Object.assign(this, { training });
    this.size.width = width;
    const { costs, done, rounds } = training;
    const picked = sample(done, rounds).filter((k) => Number.isFinite(costs[k]));
    const values = picked.map((k) => costs[k]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    this.log = low > 0 && high / low > 20;
    const span = this.log ? [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))] : [Math.min(0, low), high || 1];
    const frame = svg('svg', { viewBox: `0 0 ${width} ${this.size.height}`, width, height: this.size.height, 'aria-hidden': 'true' });
    frame.append(...this.axes(span, rounds));
    const points = picked.map((k) => `${this.x(k, rounds)},${this.y(costs[k], span)}`);
    frame.append(svg('polyline', { class: 'course', points: points.join(' ') }));
    if (round <= done && Number.isFinite(costs[round])) {
      const [cx, cy] = [this.x(round, rounds), this.y(costs[round], span)];
      frame.append(svg('path', { class: 'drop', d: `M${cx},${cy}V${this.size.height - this.size.bottom}` }));
      frame.append(svg('circle', { class: 'now', cx, cy, r: 5 }));
    }
    this.root.replaceChildren(frame);
  }

  x(round, rounds) {
    const { width, left, right } = this.size;
    return left + shareOf(round, rounds) * (width - left - right);
  }

  y(cost, [low, high]) {
    const { height, top, bottom } = this.size;
    const share = ((this.log ? Math.log10(cost) : cost) - low) / (high - low || 1);
    return height - bottom - share * (height - top - bottom);
  }

  axes(span, rounds) {
    const { width, height, left, right, bottom } = this.size;
    const ticks = this.log ? whole(...span) : [span[0], (span[0] + span[1]) / 2, span[1]];
    const every = Math.ceil(ticks.length / 5);
    const lines = ticks.filter((_, k) => k % every === 0).flatMap((tick) => {
      const y = this.y(this.log ? 10 ** tick : tick, span);
      const label = this.log ? `10${raised(tick)}` : text(tick, 3);
      return [svg('path', { class: 'grid', d: `M${left},${y}H${width - right}` }),
        svg('text', { class: 'tick', x: left - 8, y: y + 4, 'text-anchor': 'end' }, label)];
    });
    const rows = [0, ...whole(0, Math.floor(Math.log10(rounds))).map((k) => 10 ** k)].map((round) =>
      svg('text', { class: 'tick', x: this.x(round, rounds), y: height - bottom + 16, 'text-anchor': 'middle' }, round.toLocaleString('en')));
    return [...lines, ...rows];
  }
}

const whole = (from, to) => Array.from({ length: to - from + 1 }, (_, k) => from + k);

// Rounds stand on the axis by the logarithm of one more than they are.
const shareOf = (round, rounds) => Math.log1p(round) / Math.log1p(rounds);
const roundAt = (share, rounds) => Math.round(Math.expm1(share * Math.log1p(rounds)));

const sample = (done, rounds) =>
  [...new Set(Array.from({ length: 240 }, (_, k) => roundAt(k / 239, rounds)))].filter((k) => k < done || k === 0);
