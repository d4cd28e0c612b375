// The examples of a state, in training and held out, as the engine and the views take them.
//
//   examples  { inputs, outputs, names: { inputs, outputs }, classes | null, signs | null, scale, said, train, test, plane | null }
//   train     { n, rows, X (n·inputs), labels (n,) | y (n·outputs) }
//   plane     { range, train (2n), test (2n) }: the points of which inputs were made
//   scale     [{ name, mean, deviation }] of what was standardised, by the rows in training
//   said      [[word, holes]], sentences on what was left out
//
// They are made of a source, which is a drawn set, a known one, or a table:
//
//   source    { n, inputs, outputs | null, classes | null, labels (n,) | values, points, scaled, said,
//               filled(training) → { X, scale } }

const tables = {
  sets: {}, // what known_sets.py says
  rules: {}, // how Python reads tables: see table_rules.py
  own: new Map(), // tables of one's own, by the id that the state has
};

const planeSource = (data) => {
  if (!data.features.length) refuse('data.no_features');
  const { points, labels, values } = planePoints(data);
  return {
    n: data.n, inputs: data.features.map((name) => FEATURES[name].symbol), outputs: labels ? null : ['y'], classes: labels ? ['0', '1'] : null,
    labels, values, points, said: [], filled: () => ({ X: planeInputs(data.features, points), scale: [] }),
  };
};

// A set of known_sets.py: rows of numbers, which are divided by one, or standardised.
const knownSource = ({ inputs, outputs, classes = null, rows, labels, values, divisor }) => {
  const [n, width] = [rows.length, inputs.length];
  const numbers = Float64Array.from(rows.flatMap((row) => (typeof row === 'string' ? Array.from(row, (sign) => parseInt(sign, 36)) : row)));
  const filled = (training) => {
    if (divisor) return { X: numbers.map((x) => x / divisor), scale: [] };
    const scale = inputs.map((name, j) => ({ name, ...spreadOf(Float64Array.from(rows, (row) => row[j]), training) }));
    return { X: numbers.map((x, k) => (x - scale[k % width].mean) / scale[k % width].deviation), scale };
  };
  const y = { labels: labels && Int32Array.from(labels), values: values && Float64Array.from(values.flat()) };
  return { n, inputs, outputs: outputs ?? null, classes, ...y, said: [], filled };
};

// The table that a state is of: held since it was read, or written in the state itself.
const tableOf = (own) => {
  if (!tables.own.has(own?.id)) tables.own.set(own?.id, csvOf(own?.text ?? refuse('data.own_missing'), tables.rules));
  return tables.own.get(own.id);
};

const sourceOf = (data) => {
  if (data.set === 'own') return ownSource(tableOf(data.own), data.own, tables.rules);
  if (PLANE_SETS[data.set]) return planeSource(data);
  return knownSource(tables.sets[data.set] ?? refuse('data.unknown', { set: data.set }));
};

// Which rows train and which are held out, from the seed alone; one row trains at least.
const partedRows = (n, { test, seed }) => {
  const order = shuffledNumbers(n, seed, 1, STREAMS.heldOut);
  const count = Math.min(n - 1, Math.round(test * n));
  return { test: order.slice(0, count).sort(), train: order.slice(count).sort() };
};

// What stands for a class that an example has not, and for the one that it has; a loss of classes has labels.
const SIGNS = { sign: [-1, 1], probability: [0, 1], real: [0, 1], count: [0, 1] };

// Targets as a loss wants them, and of how many outputs: of two classes one is enough, where it is no loss of
// classes. Outputs take turns in the numbers of some losses.
const targetsOf = (source, { target, turns = 1 }) => {
  const { n, classes, labels } = source;
  if (target === 'heads') refuse('data.needs_classes');
  if (!classes) return quantityTargets(source, target, turns);
  if (target === 'class') return { labels, outputs: classes.length };
  const [no, yes] = SIGNS[target];
  const outputs = classes.length === 2 ? 1 : classes.length;
  const y = new Float64Array(n * outputs).fill(no);
  labels.forEach((label, k) => {
    if (outputs > 1) y[k * outputs + label] = yes;
    else if (label) y[k] = yes;
  });
  return { ...inTurns(y, outputs, turns), signs: [no, yes] };
};

const quantityTargets = ({ n, values }, target, turns) => {
  if (target !== 'real' && target !== 'count') refuse('data.needs_classes');
  if (target === 'count' && values.some((value) => value < 0)) refuse('data.needs_counts');
  return inTurns(values, values.length / n, turns);
};

const inTurns = (y, outputs, turns) =>
  turns === 1 ? { y, outputs } : { y: Float64Array.from({ length: y.length * turns }, (_, k) => y[Math.floor(k / turns)]), outputs: outputs * turns };

// Some rows of an array, of so many numbers each.
const rowsOf = (array, rows, width) => {
  const made = new array.constructor(rows.length * width);
  for (let k = 0, at = 0; k < rows.length; k += 1) {
    for (let j = rows[k] * width; j < (rows[k] + 1) * width; j += 1, at += 1) made[at] = array[j];
  }
  return made;
};

// A quantity of one's own table, standardised as its inputs are.
const standardised = ({ values, outputs }, training, scale) => {
  const { mean, deviation } = spreadOf(values, training);
  scale.push({ name: outputs[0], mean, deviation });
  return values.map((value) => (value - mean) / deviation);
};

// `loss` is its row in choices.py, with how many of its numbers outputs take turns in. Those made last are kept.
const examplesOf = (data, loss) => {
  const asked = JSON.stringify([data, loss]);
  if (examplesOf.asked !== asked) Object.assign(examplesOf, { made: madeExamples(data, loss), asked });
  return examplesOf.made;
};

const madeExamples = (data, loss) => {
  const source = sourceOf(data);
  const rows = partedRows(source.n, data);
  const { X, scale } = source.filled(rows.train);
  if (source.scaled && loss.target === 'real') source.values = standardised(source, rows.train, scale);
  const { outputs, labels, y, signs = null } = targetsOf(source, loss);
  const inputs = source.inputs.length;
  const part = (own) => ({
    n: own.length, rows: own, X: rowsOf(X, own, inputs),
    ...(labels ? { labels: rowsOf(labels, own, 1) } : { y: rowsOf(y, own, outputs) }),
  });
  const points = (own) => rowsOf(source.points, own, 2);
  return {
    inputs, outputs, names: { inputs: source.inputs, outputs: source.outputs ?? (outputs === 1 ? ['y'] : source.classes) }, classes: source.classes, signs, scale,
    said: source.said, train: part(rows.train), test: part(rows.test),
    plane: source.points ? { range: PLANE_RANGE, train: points(rows.train), test: points(rows.test) } : null,
  };
};
