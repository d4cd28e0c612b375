// The state of the page: one plain object of numbers, names and lists, from which all that is shown
// follows. Whoever changes it does so by `change`, and whoever shows a part of it listens for that part.
//
//   path   names and places down to a part: "run.batch", "net.layers.0.1.units"

const VERSION = 1;

const START = {
  data: { set: 'spiral', n: 200, noise: 0, test: 0.5, seed: 1, features: ['x1', 'x2'], own: null },
  net: {
    layers: [['dense', { units: 8, activation: 'tanh' }], ['dense', { units: 8, activation: 'tanh' }], ['dense', { units: 2, activation: 'identity' }]],
    loss: 'cross_entropy', l1: 0, l2: 0, seed: 0, weights: null,
  },
  run: { optimizer: 'adam', numbers: { learning_rate: 0.01 }, schedule: null, batch: 16, shuffle: true, seed: 0, frozen: [], begun: null }, // frozen: names of tensors, and of single numbers [name, place]
  at: { step: 0 },
  edits: [], // [step, tensor, place, value]: numbers that were typed, before that step is made
  seen: { subject: 'w1', notation: 'mazur', example: 0, language: null, speed: 1000, lesson: null, matrix: false },
};

// A change of the first has the run begin anew or go another way, and is taken back with the rest: where it stood.
const [MADE_OF, STANDS] = [['data', 'net', 'run', 'edits', 'at'], ['edits', 'at.step']];

const copy = (value) => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));

const isTable = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

const partAt = (value, path) => path.split('.').reduce((part, name) => part?.[name], value);

class State {
  constructor(given = {}) {
    this.value = State.with(given);
    this.listeners = new Map();
    this.check = () => {}; // refuses what the page cannot be in, before anyone hears of it
    this.done = []; // changes, to be taken back
    this.undone = [];
  }

  // The start with what was given in its place: tables name by name, all else whole.
  static with(given, start = START) {
    if (!isTable(start) || !isTable(given)) return copy(given === undefined ? start : given);
    const names = new Set([...Object.keys(start), ...Object.keys(given)]);
    return Object.fromEntries([...names].map((name) => [name, State.with(given[name], start[name])]));
  }

  // What of it is not as it is at the start, of which `with` makes it again.
  static apart(value, start = START) {
    if (!isTable(start) || !isTable(value)) return copy(value);
    const entries = Object.entries(value).filter(([name, part]) => !same(part, start[name]));
    return Object.fromEntries(entries.map(([name, part]) => [name, State.apart(part, start[name])]));
  }

  get(path) {
    return partAt(this.value, path);
  }

  // listen(value, path) after each change of the part, of one within it, or of one that it is within.
  on(path, listen) {
    const own = this.listeners.get(path) ?? new Set();
    this.listeners.set(path, own.add(listen));
    return () => own.delete(listen);
  }

  change(path, value) {
    this.together([[path, value]]);
  }

  // Several changes, which are taken back as one: [[path, value]].
  together(changes) {
    const others = changes.filter(([path, value]) => !same(this.get(path), value));
    if (!others.length) return;
    const paths = new Set(others.map(([path]) => path));
    if (others.some(([path]) => MADE_OF.includes(path.split('.')[0]))) STANDS.forEach((path) => paths.add(path));
    others.forEach(([path]) => this.ownerOf(path) ?? refuse('check.form', { name: path }));
    const before = [...paths].map((path) => [path, copy(this.get(path))]);
    others.forEach(([path, value]) => this.set(path, value));
    try {
      this.check(this.value);
    } catch (error) {
      before.forEach(([path, value]) => this.set(path, value));
      throw error;
    }
    this.done.push(before);
    this.undone = [];
    this.tellAll(others);
  }

  // All of another state: nothing of it is to be taken back.
  load(given) {
    this.putAll(Object.entries(State.with(given)));
    this.done = [];
    this.undone = [];
  }

  // While it is taken back, `turns`: the run stands where it stood.
  undo() { this.turn(this.done, this.undone); }

  redo() { this.turn(this.undone, this.done); }

  turn(from, to) {
    if (!from.length) return;
    const changes = from.pop();
    to.push(changes.map(([path]) => [path, copy(this.get(path))]));
    this.turns = true;
    this.putAll(changes);
    this.turns = false;
  }

  put(path, value) { this.putAll([[path, value]]); }

  // Whoever listens to one of several parts hears of it when all are there.
  putAll(changes) {
    changes.forEach(([path, value]) => this.set(path, value));
    this.tellAll(changes);
  }

  tellAll(changes) { changes.forEach(([path]) => this.tell(path)); }

  set(path, value) {
    const last = path.split('.').pop();
    const owner = this.ownerOf(path);
    if (value === undefined) delete owner[last];
    else owner[last] = copy(value);
  }

  // The table or list that a part stands in.
  ownerOf(path) {
    const end = path.lastIndexOf('.');
    return end < 0 ? this.value : partAt(this.value, path.slice(0, end));
  }

  tell(path) {
    const meets = (own) => `${own}.`.startsWith(`${path}.`) || `${path}.`.startsWith(`${own}.`);
    for (const [own, listeners] of this.listeners) {
      if (meets(own)) listeners.forEach((listen) => listen(this.get(own), path));
    }
  }
}
