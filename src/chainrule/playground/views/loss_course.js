// The costs of a run by step, of training and test examples: as many points as a drawing can show, whatever
// the number of steps, and those of steps that are gone back to stay.
//
//   points   [step, training, test], by step; test is null without test examples

const MOST_POINTS = 1500;

class LossCourse {
  constructor() { this.clear(); }

  clear() { this.points = []; }

  // A step that is known already is another run's from there on, unless its costs are the same.
  add(step, training, test = null) {
    const at = this.placeOf(step);
    const known = this.points[at];
    if (known?.[0] === step && known[1] === training && known[2] === test) return;
    if (known?.[0] === step) this.points.length = at;
    this.points.splice(at, 0, [step, training, test]);
    if (this.points.length > MOST_POINTS) this.thin();
  }

  // What is no longer what follows: after a number was typed, say.
  cut(step) {
    this.points.length = this.placeOf(step + 1);
  }

  // Where a step stands or would stand.
  placeOf(step) {
    let [low, high] = [0, this.points.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.points[middle][0] < step) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // Every second point goes, but for the first and the last.
  thin() {
    const last = this.points.length - 1;
    this.points = this.points.filter((_, k) => k % 2 === 0 || k === last);
  }

  get last() { return this.points.at(-1); }

  // The costs that are finite.
  values() {
    return this.points.flatMap(([, training, test]) => [training, test]).filter((cost) => cost !== null && Number.isFinite(cost));
  }
}

// The axis of costs: by logarithms where they span more than a factor of twenty.
const costAxis = (values) => {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (!values.length) return { log: false, from: 0, to: 1 };
  if (low > 0 && high / low > 20) return { log: true, from: Math.floor(Math.log10(low)), to: Math.ceil(Math.log10(high)) };
  return { log: false, from: Math.min(0, low), to: high || 1 };
};

const shareOfCost = ({ log, from, to }, cost) => ((log ? Math.log10(Math.max(cost, 1e-300)) : cost) - from) / (to - from || 1);

// Round numbers from the start of an axis to its end: 1, 2 or 5 times a power of ten apart.
const roundTicks = (from, to, most) => {
  const rough = (to - from) / Math.max(1, most) || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const every = [1, 2, 5, 10].map((part) => part * power).find((own) => own >= rough * 0.999);
  const first = Math.ceil(from / every - 1e-9);
  const count = Math.floor(to / every + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, k) => Number(((first + k) * every).toPrecision(12)));
};

// The places of an axis of costs and what stands there.
const costTicks = ({ log, from, to }) => {
  if (!log) return roundTicks(from, to, 4).map((cost) => ({ cost, text: String(cost) }));
  const every = Math.ceil((to - from) / 4);
  return Array.from({ length: Math.floor((to - from) / every) + 1 }, (_, k) => from + k * every)
    .map((power) => ({ cost: 10 ** power, text: Math.abs(power) < 4 ? String(Number((10 ** power).toPrecision(1))) : `1e${power}` }));
};
