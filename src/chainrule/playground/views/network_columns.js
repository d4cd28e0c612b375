// How the drawing of a network is laid out: a column for the inputs and for each layer that makes units,
// its units within, and the lines that lead from one to the next.
//
//   lowered   { values, tensors, operations, layers }: a program, and what became of each layer
//   columns   { layer, kind, width, value, hidden, rest, x, units: [{ j, x, y }] }   layer −1: the inputs
//   edges     { from, k, to, j, tensor, place }   columns and units; a weight's tensor, and its place there

const WIDEST = 12; // the most units of a layer that are all drawn
const DRAWN = 8; // how many of those of a wider one are

// The program with, of each layer, the number of its value, how wide it is, the first of its operations,
// and how many units it makes, those of layers within it too.
const loweredLayers = (lowering, { inputs, layers }) => {
  let x = lowering.value(inputs);
  const made = layers.map((layer, k) => {
    const [first, tensor] = [lowering.operations.length, lowering.tensors.length];
    const entered = x;
    x = lowering.layer(layer, x, BigInt(k));
    const own = lowering.operations.slice(first);
    return { kind: layer[0], tensor, value: x, entered, width: lowering.values[x].width, own, units: unitsMade(lowering, layer, entered) };
  });
  const { values, tensors, operations } = lowering;
  return { values, tensors, operations, output: x, layers: made };
};

// How many units a layer makes, counted as names count them: none where it only silences some.
const unitsMade = (lowering, [kind, options], entered) => {
  const { operations } = lowering.patterns[kind];
  if (silences(lowering.patterns, kind)) return 0;
  const probe = new Lowering(lowering.patterns, lowering.activations, true);
  const width = (layer, from) => probe.values[probe.layer(layer, from, 0n)].width;
  const start = probe.value(lowering.values[entered].width);
  let [sum, x] = [width([kind, options], start), start];
  if (!operations.some((op) => op.kind === 'within')) return sum;
  options.layers.forEach((inner, k) => {
    const first = k === 0 && silences(lowering.patterns, inner[0]); // what enters goes another way too
    sum += first ? width(inner, x) : unitsMade(probe, inner, x);
    x = probe.layer(inner, x, 0n);
  });
  return sum;
};

const silences = (patterns, kind) => patterns[kind].operations.every((op) => op.kind === 'dropout');

const networkColumns = ({ values, layers }) => {
  const column = (layer, kind, width, value, before) => {
    const count = width > WIDEST ? DRAWN : width;
    return { layer, kind, width, value, before, rest: width - count, units: Array.from({ length: count }, (_, j) => ({ j })) };
  };
  const columns = [column(-1, 'inputs', values[0].width, 0, 0)];
  let hidden = 0;
  layers.forEach(({ kind, width, value, units }, k) => {
    if (!units) return;
    hidden += units;
    columns.push(column(k, kind, width, value, hidden - width));
  });
  return columns;
};

// Lines into the units of each column: one of each weight where the layer weighs what enters, else from
// unit to unit where there are as many.
const columnEdges = (columns, { layers }) => columns.slice(1).flatMap((to, at) => {
  const from = columns[at];
  const [first] = layers[to.layer].own;
  const weighs = first?.kind === 'affine' && first.inputs[0] === layers[to.layer].entered && layers[to.layer].units === to.width;
  if (weighs) {
    return to.units.flatMap(({ j }) => from.units.map(({ j: k }) =>
      ({ from: at, k, to: at + 1, j, tensor: first.tensors[0], place: j * from.width + k })));
  }
  const alike = from.width === to.width ? to.units : [];
  return alike.map(({ j }) => ({ from: at, k: j, to: at + 1, j, tensor: null, place: null }));
});

// Places for a width in pixels; `tile` is the side of a unit's picture.
const placeColumns = (columns, width, { tile, gap, margin }) => {
  const most = Math.max(...columns.map(({ units, rest }) => units.length + (rest ? 0.6 : 0)));
  const height = Math.ceil(most * (tile + gap) - gap + 2 * margin);
  const across = columns.length > 1 ? (width - 2 * margin - tile) / (columns.length - 1) : 0;
  for (const [c, column] of columns.entries()) {
    const tall = (column.units.length + (column.rest ? 0.6 : 0)) * (tile + gap) - gap;
    column.x = margin + c * across;
    column.units.forEach((unit, k) => Object.assign(unit, { x: column.x, y: (height - tall) / 2 + k * (tile + gap) }));
  }
  return { columns, width, height, tile };
};

// Units are called i1, h1, h2, … and o1, each counted through the network.
const unitName = (columns, c, j) => {
  if (c === 0) return `i${j + 1}`;
  return c === columns.length - 1 ? `o${j + 1}` : `h${columns[c].before + j + 1}`;
};

// Weights are w1, w2, … by the rows of each W.
const weightName = ({ tensors, operations }, { tensor, place }) => {
  const before = operations.filter((op) => op.kind === 'affine' && op.tensors[0] < tensor)
    .reduce((sum, op) => sum + tensors[op.tensors[0]].rows * tensors[op.tensors[0]].columns, 0);
  return `w${before + place + 1}`;
};

const endsOf = ({ columns, tile }, { from, k, to, j }) => {
  const [start, end] = [columns[from].units[k], columns[to].units[j]];
  return [[start.x + tile, start.y + tile / 2], [end.x, end.y + tile / 2]];
};

// The line of a weight nearest to a point, if one is as near as a finger.
const nearestEdge = (placed, edges, [x, y], most = 7) => {
  const near = edges.filter(({ tensor }) => tensor !== null).map((edge) => {
    const [[x1, y1], [x2, y2]] = endsOf(placed, edge);
    const along = ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / ((x2 - x1) ** 2 + (y2 - y1) ** 2 || 1);
    const share = Math.max(0, Math.min(1, along));
    return { edge, away: Math.hypot(x - x1 - share * (x2 - x1), y - y1 - share * (y2 - y1)) };
  });
  const best = near.reduce((a, b) => (b.away < a.away ? b : a), { edge: null, away: Infinity });
  return best.away <= most ? best.edge : null;
};
