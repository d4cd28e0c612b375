// The numbers of one pass, place by place, as derivations take them: from what the engine looked at.

// Lays a program out, and notes of each layer where it stands, what enters, the value that it makes and its
// operations: those of layers within others before these, as derivations count their places.
class NotedLowering extends Lowering {
  constructor(...given) {
    super(...given);
    this.notes = [];
  }

  layer(layer, x, draw, path) {
    const first = this.operations.length;
    const a = super.layer(layer, x, draw, path);
    this.notes.push({ path, x, a, operations: this.operations.slice(first) });
    return a;
  }
}

// The examples of the next step: rows of the training's examples.
const nextRows = ({ at, n, batch, seed, shuffles }) => {
  const order = shuffles ? shuffledNumbers(n, seed, at.epoch + 1, ORDER) : Int32Array.from({ length: n }, (_, k) => k);
  return Array.from(order.subarray(at.first, Math.min(at.first + batch, n)));
};

const ORDER = 1; // the stream that orders the examples, as in streams.py

const gatheredRows = (array, width, rows) => Float64Array.from(rows.flatMap((row) => Array.from(array.subarray(row * width, (row + 1) * width))));

const oneHot = (labels, outputs, rows) => {
  const made = new Float64Array(rows.length * outputs);
  rows.forEach((row, k) => { made[k * outputs + labels[row]] = 1; });
  return made;
};

// What dropout keeps of a batch.
const keptNumbers = ({ rate, stream }, { seed, step }, count) =>
  Array.from(randomWords(seed, stream, step, count), (word) => (word >= Math.round(rate * 2 ** 32) ? 1 : 0));

// `places` are the derivation's, `notes` say which of the `values` of the look at some rows are a layer's.
const lookNumbers = ({ places, notes, values, data, rows, draw }) => {
  const outputs = places.width(places.last);
  const own = (found) => notes[places.order.findIndex(found)];
  const seen = ({ operations: [first] }, width) =>
    (first?.dropouts.length ? { mask: keptNumbers(first.dropouts[0], draw, rows.length * width) } : {});
  // ∂C/∂ what leaves a layer. Where it does nothing and begins a residual, the engine has one value for what
  // enters that: the share that goes past the layers within is not its own.
  const came = ({ path, a }) => notes
    .filter((own) => own.x === a && own.a !== a && path?.startsWith(`${own.path}.`))
    .reduce((left, own) => left.map((each, k) => each - values[own.a].came[k]), values[a].came);
  // What leaves a place, and what its gates leave of that.
  const passed = (k, note) => {
    const last = notes[places.order.findLastIndex(({ gate }) => gate === k)] ?? note;
    return { a: values[note.a].a, da: came(note), sent: values[last.a].a, dsent: came(last) };
  };
  const made = places.layers.map(({ pattern, outputs: width, work }, k) => {
    const note = own(({ place }) => place === k);
    if (pattern.within) return { ...passed(k, note), seen: {} };
    const z = work?.z && values[note.operations[0].output];
    return { ...passed(k, note), ...(z ? { z: z.a, delta: z.came } : {}), seen: seen(note, width) };
  });
  const gates = [...places.gates.keys()].map((k) => {
    const those = notes.filter((_, j) => places.order[j].gate === k);
    return [k, those.map((note) => seen(note, places.width(k)))];
  });
  return {
    n: rows.length,
    X: gatheredRows(data.X, places.inputs, rows),
    y: data.labels ? oneHot(data.labels, outputs, rows) : gatheredRows(data.y, outputs, rows),
    x: passed(-1, { a: 0 }),
    places: made,
    gates: Object.fromEntries(gates),
  };
};
