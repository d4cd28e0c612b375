// The worker: the engine, the run that it trains, and what the page wants to see of it.

const MOST_PREDICTED = 2000; // examples of each part, at every picture

let engines = null;
let held = null; // { run, tested, shown, plane }, and the costs known last

const COSTS_SHARE = 4; // of the time that the costs take, so much goes by until they are worked out anew

// As many steps as asked for, or as fit into so many milliseconds: in slices that take about one each.
const stepped = (run, count, ms) => {
  const end = performance.now() + ms;
  let [left, slice] = [count, 1];
  while (left > 0) {
    const from = performance.now();
    const { parts, diverged } = run.steps(Math.min(slice, left));
    left -= parts.length / 2;
    if (diverged) return true;
    const now = performance.now();
    if (now >= end) return false;
    if (now - from < 1) slice *= 2;
  }
  return false;
};

// What can be seen of a run: each takes `add`, which notes what goes over without a copy.
const SEEN = {
  // Of all examples, as they are without training's masks; the penalty is in that of training. Where they
  // take long, those of a step before stand for them while the training goes on.
  costs: (own, tensors, add, goesOn) => {
    const { run, tested, costs } = own;
    const from = performance.now();
    if (goesOn && costs && from - own.costsAt < COSTS_SHARE * own.costsTook) return costs;
    if (tested) filled(tested, tensors);
    own.costs = { step: run.at.step, training: run.session.cost(), test: tested?.loss() ?? null };
    own.costsAt = performance.now();
    own.costsTook = own.costsAt - from;
    return own.costs;
  },

  tensors: (_, tensors, add) => tensors.map(({ array }) => add(array)),

  // (points, outputs)
  plane: ({ shown, plane }, tensors, add) => {
    if (!plane) return null;
    filled(shown, tensors);
    try {
      return add(shown.predict(plane.X));
    } catch {
      return null; // no prediction is finite any more: the frame says so
    }
  },

  // (rows, outputs) of the first examples of each part, for data that are no plane
  predicted({ run, firsts }, tensors, add) {
    try {
      return Object.fromEntries(Object.entries(firsts).map(([name, X]) => [name, X && add(run.session.predict(X))]));
    } catch {
      return null;
    }
  },

  // Of each value of the program, (points, width), where some points stand for those beside them
  units: ({ shown, plane, run }, tensors, add) => {
    if (!plane) return null;
    filled(shown, tensors);
    const { side } = plane;
    const rows = Array.from({ length: (side / UNITS_APART) ** 2 }, (_, k) =>
      UNITS_APART * (side * Math.floor((k * UNITS_APART) / side) + (k % (side / UNITS_APART))));
    return shown.values(rows, run.program.values.map((_, v) => v)).map(add);
  },
};

const filled = (session, tensors) => {
  tensors.forEach(({ array }, k) => session.load(k, array));
  session.ready();
};

const frame = (wants, diverged = false, goesOn = false) => {
  const { run } = held;
  const { tensors } = run;
  const given = [];
  const add = (array) => {
    given.push(array.buffer);
    return array;
  };
  const made = Object.fromEntries(Object.keys(SEEN).filter((name) => wants[name]).map((name) => [name, SEEN[name](held, tensors, add, goesOn)]));
  return ['frame', { at: run.at, diverged, ...made }, given];
};

const freed = (own) => own && [own.run, own.tested, own.shown].forEach((each) => each?.free());

// What the page tells of rates, as a run asks for them.
const ofSteps = (rates) => (from, to) => ratesOf(rates, from, to);

const toldToRun = ({ rates, edits, ...told }) => ({
  ...told,
  rates: ofSteps(rates),
  edits: edits.map((own) => (editKind(own) === 'settings' ? [own[0], { ...own[1], rates: ofSteps(own[1].rates) }] : own)),
});

answer(self, {
  async open({ modules }) {
    engines = await Promise.all(modules.map((text) => Engine.unpacked(text)));
    return ['ready', {}];
  },

  make(told) {
    const { id, program, run: options, test, plane } = told;
    const run = new Run(engines, toldToRun(told));
    const width = program.values[0].width;
    const first = (part) => part && part.X.slice(0, MOST_PREDICTED * width);
    const own = { id, run, plane, firsts: { train: first(told.data), test: first(test) } };
    try {
      const session = (data) => {
        const made = engines[0].session(program, options);
        try {
          made.data(data);
        } catch (error) {
          made.free();
          throw error;
        }
        return made;
      };
      if (test) own.tested = session(test);
      if (plane) own.shown = session(plane);
    } catch (error) {
      freed(own);
      throw error;
    }
    freed(held);
    held = own;
    return ['made', { at: run.at }];
  },

  steps: ({ count, ms, wants }) => frame(wants, stepped(held.run, count, ms), ms < Infinity),

  go: ({ step, wants }) => frame(wants, held.run.go(step).diverged),

  example({ wants }) {
    const { diverged } = held.run.example();
    return frame(wants, diverged);
  },

  set({ tensor, place, value, wants }) {
    held.run.set(tensor, place, value);
    return frame(wants);
  },

  change({ settings: { rates, ...settings }, wants }) {
    held.run.change({ rates: ofSteps(rates), ...settings });
    held.costs = null;
    return frame(wants);
  },

  frame: ({ wants }) => frame(wants),

  stand() {
    const { at, tensors, losses } = held.run;
    return ['stands', { at, tensors, losses: losses.slice(0, at.epoch) }];
  },

  // Null of a run that is no more.
  look({ id, ...asked }) {
    if (id !== held.id) return ['looked', null];
    const { at } = held.run;
    return ['looked', { at, tensors: held.run.tensors, ...held.run.look(asked) }];
  },
});
