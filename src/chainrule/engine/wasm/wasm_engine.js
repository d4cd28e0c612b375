// The engine in a page: programs and examples in, costs, gradients and parameters out.
//
//   program    values, tensors, operations, output, work, heads: what plain_program.py writes
//   tensors    by number, each (rows, columns) in one array
//
// A call that cannot be made raises before anything is changed. One session is one run; it holds its
// memory until it is freed.

// A record as one row of numbers, as number_stream.hpp reads it.
class NumberStream {
  constructor() { this.numbers = []; }

  number(value) {
    this.numbers.push(Number(value));
    return this;
  }

  name(text) {
    return this.list(Array.from(text, (sign) => sign.charCodeAt(0)), (code) => this.number(code));
  }

  list(entries, write) {
    this.number(entries.length);
    entries.forEach(write);
    return this;
  }

  numbersOf(entries) {
    return this.list(entries, (each) => this.number(each));
  }

  program({ values, tensors, operations, output, work, heads }) {
    this.list(values, ({ width, copies }) => this.number(width).number(copies));
    this.list(tensors, (t) => this.number(t.rows).number(t.columns).number(t.weight).number(t.statistic));
    this.list(operations, (op) => this.operation(op));
    this.number(output).number(work);
    return this.list(heads, (h) => this.name(h.loss).numbersOf(h.parameters).number(h.outputs));
  }

  operation(op) {
    this.name(op.kind).numbersOf(op.inputs).number(op.output).numbersOf(op.tensors);
    this.number(op.first).number(op.copies).name(op.activation).number(op.parameter);
    this.list(op.dropouts, ({ rate, stream }) => this.number(rate).number(stream));
    this.number(op.epsilon).number(op.momentum).numbersOf(op.features);
    this.list(op.edges, (own) => this.numbersOf(own)).numbersOf(op.levels);
  }

  optimizer(name, numbers) {
    this.name(name);
    return this.list(Object.entries(numbers), ([own, value]) => this.name(own).number(value));
  }
}

class Engine {
  // `bytes` of engine32.wasm or engine64.wasm, or what the browser has compiled of them.
  static async open(bytes) {
    const module = bytes instanceof WebAssembly.Module ? bytes : await WebAssembly.compile(bytes);
    return new Engine(await WebAssembly.instantiate(module, Engine.imports()));
  }

  // Of what a page holds: gzipped, in base64.
  static async unpacked(text) {
    const packed = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
    const unpacking = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
    return Engine.open(await new Response(unpacking).arrayBuffer());
  }

  // What the module asks of a page: nearly nothing, for it neither reads nor writes.
  static imports() {
    const clock = () => 0; // teams of threads ask for the time, and there is one thread
    const refuse = () => { throw new Error('the engine has come to an end of its own'); };
    return {
      env: { emscripten_notify_memory_growth: () => {}, abort: refuse, sine: Math.sin, cosine: Math.cos },
      wasi_snapshot_preview1: {
        clock_time_get: clock, proc_exit: refuse, fd_write: clock, fd_close: clock, fd_seek: clock, fd_read: clock,
        environ_get: clock, environ_sizes_get: clock,
      },
    };
  }

  constructor({ exports }) {
    this.wasm = exports;
    exports._initialize?.();
    this.Numbers = exports.number_size() === 4 ? Float32Array : Float64Array;
    this.mostLookedAt = exports.most_looked_at();
  }

  // An array of the engine's memory: a view, which the next call may end.
  view(pointer, count, Numbers = this.Numbers) {
    return new Numbers(this.wasm.memory.buffer, pointer, count);
  }

  // use(pointers) with copies of arrays in the engine's memory; null stays null.
  lent(arrays, use) {
    const pointers = arrays.map((array) => (array ? this.wasm.allocate(Math.max(8, array.byteLength)) : 0));
    try {
      if (arrays.some((array, k) => array && !pointers[k])) throw new Error('there is not enough memory');
      arrays.forEach((array, k) => array && this.view(pointers[k], array.length, array.constructor).set(array));
      return use(...pointers);
    } finally {
      pointers.forEach((pointer) => this.wasm.release(pointer));
    }
  }

  // What fill(pointer) writes into so many numbers.
  filled(count, fill, Numbers = this.Numbers) {
    return this.lent([new Numbers(count)], (pointer) => {
      fill(pointer);
      return this.view(pointer, count, Numbers).slice();
    });
  }

  said() {
    const from = this.wasm.said();
    const bytes = new Uint8Array(this.wasm.memory.buffer, from);
    return new TextDecoder().decode(bytes.slice(0, bytes.indexOf(0)));
  }

  session(program, options) {
    return new Session(this, program, options);
  }
}

class Session {
  // `optimizer` is a name of the table, and `numbers` its own with the penalty's and the bounds', by the
  // names that session.py gives them; `frozen` are numbers of tensors, and of single numbers [tensor, place].
  constructor(engine, program, { optimizer, numbers = {}, batch = 1, seed = 0, frozen = [] }) {
    Object.assign(this, { engine, wasm: engine.wasm, program, n: 0 });
    const record = new NumberStream().program(program).optimizer(optimizer, numbers);
    record.number(batch).number(seed).numbersOf(frozen.filter((own) => !Array.isArray(own)));
    record.list(frozen.filter(Array.isArray), ([k, place]) => {
      const columns = program.tensors[k]?.columns ?? 1;
      record.number(k).number(Math.floor(place / columns)).number(place % columns);
    });
    const given = Float64Array.from(record.numbers);
    this.session = engine.lent([given], (pointer) => this.wasm.make(pointer, given.length));
    if (!this.session) throw new Error(engine.said());
    [this.inputs, this.outputs] = [program.values[0].width, program.values[program.output].width];
    this.members = program.values[program.output].copies;
  }

  free() {
    this.wasm.forget(this.session);
    this.session = 0;
  }

  // Parameters and states

  sizeOf(k) {
    const { rows, columns } = this.program.tensors[k];
    return rows * columns;
  }

  // Tensor k and, where there are any, its states.
  load(k, array, states = []) {
    [array, ...states].forEach((own, j) => {
      if (own.length !== this.sizeOf(k)) throw new Error(`tensor ${k} has ${this.sizeOf(k)} numbers, got ${own.length}`);
      this.engine.lent([this.engine.Numbers.from(own)], (from) => this.wasm.load(this.session, k, j - 1, from));
    });
  }

  // To be called once all is loaded.
  ready() {
    this.wasm.ready(this.session);
  }

  read(k, state) {
    return this.engine.filled(this.sizeOf(k), (to) => this.wasm.store(this.session, k, state, to));
  }

  statesOf(k) {
    return this.wasm.states(this.session, k);
  }

  store(k) {
    return { array: this.read(k, -1), states: Array.from({ length: this.statesOf(k) }, (_, j) => this.read(k, j)) };
  }

  // Examples: X (n, inputs), y (n, outputs) or labels (n,), weights (n,) or none.
  data({ X, y = null, labels = null, weights = null }) {
    const { Numbers } = this.engine;
    const n = X.length / this.inputs;
    const sizes = [[y, n * this.outputs], [labels, n], [weights, n]];
    if (!n || !Number.isInteger(n) || !y === !labels || sizes.some(([own, size]) => own && own.length !== size)) {
      throw new Error(`X must have rows of ${this.inputs} numbers, and y or labels as many rows`);
    }
    if (labels?.some((label) => !(label >= 0 && label < this.outputs))) {
      throw new Error(`a label must be a whole number from 0 to ${this.outputs - 1}`);
    }
    const own = [X, y, weights].map((array) => array && Numbers.from(array));
    this.engine.lent([own[0], own[1], labels && Int32Array.from(labels), own[2]], (x, t, l, w) =>
      this.wasm.set_data(this.session, n, x, this.inputs, t, this.outputs, l, w));
    Object.assign(this, { n, weight: weights ? own[2].reduce((sum, w) => sum + w, 0) : n });
  }

  // Where the run stands.
  get at() {
    const [step, epoch, first] = this.engine.filled(3, (to) => this.wasm.where(this.session, to), Float64Array);
    return { step, epoch, first };
  }

  set at({ step, epoch, first = 0 }) {
    this.wasm.go(this.session, step, epoch, first);
  }

  // Up to so many steps, from where the run stands; `rates` has one for each, or one for all, and
  // `meanWeight` is 0 where the cost is a sum. `parts` are of each step the cost times what it is
  // divided by, and that.
  train(steps, { rates, shuffles = true, meanWeight = 1 }) {
    const given = Float64Array.from(rates);
    if (given.length !== 1 && given.length !== steps) throw new Error(`rates must be 1 or ${steps}, got ${given.length}`);
    let made = 0;
    const parts = this.engine.lent([given], (from) => this.engine.filled(2 * steps, (to) => {
      made = this.wasm.train(this.session, steps, shuffles, meanWeight, from, given.length, to);
    }, Float64Array));
    return { steps: made, diverged: made < steps, parts: parts.subarray(0, 2 * made) };
  }

  // The mean loss of all examples; dropout's masks are those of a step, or none.
  loss({ step = 0, divisor = this.weight } = {}) {
    return this.wasm.losses(this.session, step) / divisor;
  }

  // The same with the penalty.
  cost(of) {
    return this.loss(of) + this.wasm.penalty(this.session);
  }

  // The same and its gradient, tensor by tensor; `loss` is the cost without the penalty.
  gradient({ step = 0, divisor = this.weight } = {}) {
    const sum = this.wasm.gradient(this.session, 1 / divisor, step);
    const gradients = this.program.tensors.map((_, k) => this.read(k, -2));
    const loss = sum / divisor;
    return { cost: loss + this.wasm.penalty(this.session), loss, gradients };
  }

  // (n, outputs); what is not finite is refused.
  predict(X) {
    const n = X.length / this.inputs;
    return this.engine.lent([this.engine.Numbers.from(X)], (x) => this.engine.filled(n * this.outputs, (to) => {
      if (!this.wasm.predict(this.session, x, n, to)) throw new Error('a prediction is not finite');
    }));
  }

  // One pass of some examples, by their numbers; of some values, by theirs, what they are.
  values(rows, wanted) {
    this.passed(rows, 0);
    return wanted.map((v) => {
      const { width, copies } = this.program.values[v];
      return this.engine.filled(rows.length * copies * width, (to) => this.wasm.looked_value(this.session, v, to));
    });
  }

  passed(rows, step) {
    const most = this.engine.mostLookedAt;
    if (!rows.length || rows.length > most || rows.some((row) => !(row >= 0 && row < this.n))) {
      throw new Error(`rows must be 1 to ${most} of the ${this.n} examples`);
    }
    this.engine.lent([Int32Array.from(rows)], (from) => this.wasm.look(this.session, from, rows.length, step));
  }

  // One pass of some examples, by their numbers: of each value of the program, (copies · rows, width),
  // `a`, ∂C/∂ it as it `came` back, and as it `went` on once what made it has gone back, and the `slope`
  // of an activation. Where step > 0, masks are drawn and the batch's own statistics taken. Of each
  // output there are its share in the loss, and what the loss's link makes of it.
  look({ rows, step = 0 }) {
    this.passed(rows, step);
    const read = (fill, count) => this.engine.filled(count, fill);
    const values = this.program.values.map(({ width, copies }, v) => {
      const count = rows.length * copies * width;
      const [a, came, went, slope] = ['looked_value', 'looked_came', 'looked_went', 'looked_slope'].map((name) =>
        read((to) => this.wasm[name](this.session, v, to), count));
      return { a, came, went, slope };
    });
    const each = rows.length * this.members;
    const [losses, shares, links] = [['looked_losses', 1], ['looked_shares', this.outputs], ['looked_links', this.outputs]]
      .map(([name, width]) => read((to) => this.wasm[name](this.session, to), each * width));
    return { values, losses, shares, links };
  }
}
