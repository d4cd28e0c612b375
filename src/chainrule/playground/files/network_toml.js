// The network file that `chainrule explain` reads, as network_file.py says what its keys are: written of the
// network as it stands, and read.
//
//   network   { inputs, layers, loss, l1, l2, names, tensors }   layers with all options, as told_run.js has
//             them; of each tensor its name, "0.W", and its numbers with their shape
//   trained   { optimizer, numbers, schedule, frozen }            as state.run has them; a schedule from step 1
//   examples  { X, y | labels, inputs, outputs }                  rows, and names

// ---- written ----

// Numbers in a row as nested lists.
const shaped = (array, shape) => {
  if (shape.length < 2) return Array.from(array);
  const size = shape.slice(1).reduce((all, own) => all * own, 1);
  return Array.from({ length: shape[0] }, (_, k) => shaped(array.slice(k * size, (k + 1) * size), shape.slice(1)));
};

const layerTables = (layers, tensors, head = 'layers', path = '') => layers.map(([kind, { layers: inner, ...options }], k) => {
  const own = tensors.filter(({ name }) => name.startsWith(`${path}${k}.`) && !name.slice(`${path}${k}.`.length).includes('.'));
  const numbers = Object.fromEntries(own.map(({ name, array, shape }) => [name.slice(name.lastIndexOf('.') + 1), shaped(array, shape)]));
  return `\n[[${head}]]\n${tomlPairs({ kind, ...options, ...numbers })}${inner ? layerTables(inner, tensors, `${head}.layers`, `${path}${k}.`) : ''}`;
}).join('');

const networkToml = ({ network, trained, examples, comment }) => {
  const { inputs, outputs, X, y, labels } = examples;
  const [width, n] = [network.inputs, X.length / network.inputs];
  const { learning_rate: constant, ...numbers } = trained.numbers;
  const rate = trained.schedule ? scheduleTable(trained.schedule) : constant;
  const pairs = tomlPairs({
    loss: network.loss, l1: network.l1 || null, l2: network.l2 || null,
    optimizer: trained.optimizer, rate, ...numbers, freeze: trained.frozen.length ? trained.frozen : null,
    inputs: shaped(X, [n, width]), targets: labels ? Array.from(labels) : shaped(y, [n, y.length / n]),
    names: inputs.every((own) => /^x\d+$/.test(own)) ? null : { inputs, outputs },
  });
  return `# ${comment}\n\n${pairs}${layerTables(network.layers, network.tensors)}`;
};

// A schedule as a table: { kind, rate, steps }.
const scheduleTable = (given) => {
  if (!Array.isArray(given)) return given;
  const [kind, own] = given;
  return { kind, ...Object.fromEntries(Object.entries(own).map(([name, value]) => [name, scheduleTable(value)])) };
};

// ---- read ----

const LEFT_OUT = ['reduction', 'sample_weight', 'velocity', 'ties', 'step'];

const TOML_KEYS = [
  'layers', 'activation', 'loss', 'l1', 'l2', 'dropout', 'weights', 'biases', 'w', 'b', 'seed', 'weights_are',
  'inputs', 'targets', 'rate', 'optimizer', 'freeze', 'batch_size', 'names', ...LEFT_OUT,
];

const wrongKey = (key) => refuse('files.key', { key });

const isNumbers = (value) => Array.isArray(value) && value.every((own) => typeof own === 'number');

// { network: { inputs, layers, loss, l1, l2, weights, seed }, trained, examples, left } of a text
const readNetworkToml = (text, choices) => {
  const given = TomlText.read(text);
  const settings = Object.keys(Object.assign({}, ...Object.values(choices.optimizers)));
  for (const key of Object.keys(given)) if (![...TOML_KEYS, ...settings].includes(key)) refuse('files.key_unknown', { key });
  for (const key of ['layers', 'inputs']) if (!(key in given)) refuse('files.key_missing', { key });
  if (!Array.isArray(given.layers)) wrongKey('layers');
  const rows = isNumbers(given.inputs) ? [given.inputs] : given.inputs;
  if (!Array.isArray(rows) || !rows.length || !rows.every(isNumbers) || rows.some((row) => row.length !== rows[0].length || !row.length)) wrongKey('inputs');
  const made = given.layers.some((own) => typeof own === 'object') ? layersOfTables(given, choices) : layersOfSizes(given, choices);
  if (made.inputs !== undefined && made.inputs !== rows[0].length) wrongKey('inputs');
  const loss = given.loss ?? 'half_squared_error';
  const { target } = lossNamed(choices, loss);
  const network = { inputs: rows[0].length, layers: made.layers, loss, l1: given.l1 ?? 0, l2: given.l2 ?? 0, seed: given.seed ?? 0, weights: made.weights, shapes: made.shapes };
  return {
    network,
    trained: trainedAs(given, choices),
    examples: { n: rows.length, X: rows.flat(), ...targetsIn(given, rows.length, target), names: namesOf(given.names ?? null) },
    left: LEFT_OUT.filter((key) => key in given && !(key === 'reduction' && given[key] === 'mean')),
  };
};

const textsOf = (key, own) => (Array.isArray(own) && own.every((each) => typeof each === 'string') ? own : wrongKey(key));

const namesOf = (own) => (own === null ? null : Object.fromEntries(Object.entries(isTable(own) ? own : wrongKey('names')).map(([name, texts]) => [name, textsOf(`names.${name}`, texts)])));

const trainedAs = (given, choices) => {
  const optimizer = given.optimizer ?? 'sgd';
  if (!Object.hasOwn(choices.optimizers, optimizer)) refuse('files.name', { key: 'optimizer', name: String(optimizer) });
  const { learning_rate: _, ...fields } = choices.optimizers[optimizer];
  const numbers = Object.fromEntries(Object.keys(fields).filter((name) => name in given).map((name) => [name, given[name]]));
  const rate = rateOfTable('rate', given.rate, choices);
  if (typeof rate === 'number') numbers.learning_rate = rate;
  return { optimizer, numbers, schedule: Array.isArray(rate) ? rate : null, freeze: textsOf('freeze', given.freeze ?? []), batch: given.batch_size ?? null };
};

// A learning rate: a number, or a schedule's table.
const rateOfTable = (place, given, { schedules }) => {
  if (given === undefined || typeof given === 'number') return given;
  const { kind, ...own } = typeof given === 'object' ? given : wrongKey(place);
  if (!Object.hasOwn(schedules, kind ?? '')) refuse('files.name', { key: `${place}.kind`, name: String(kind) });
  const fields = schedules[kind];
  for (const name of Object.keys(own)) if (!Object.hasOwn(fields, name)) refuse('files.key_unknown', { key: `${place}.${name}` });
  const value = (name) => {
    const [path, field] = [`${place}.${name}`, fields[name]];
    const number = own[name] ?? field.default ?? refuse('files.key_missing', { key: path });
    if (field.type === 'rate') return rateOfTable(path, number, { schedules });
    return within(number, { ...field, whole: field.type === 'whole' }) ? number : wrongKey(path);
  };
  return [kind, Object.fromEntries(Object.keys(fields).map((name) => [name, value(name)]))];
};

// One target, or as many as there are rows: a label each of classes, else numbers.
const targetsIn = ({ targets }, n, kind) => {
  if (targets === undefined) return refuse('files.key_missing', { key: 'targets' });
  const list = Array.isArray(targets) ? targets : [targets];
  if (kind === 'class' && isNumbers(list) && list.length === n && list.every(Number.isInteger)) return { labels: list };
  const rows = isNumbers(list) ? (n === 1 ? [list] : list.map((own) => [own])) : list;
  if (rows.length !== n || !rows.every(isNumbers) || rows.some((row) => row.length !== rows[0].length)) wrongKey('targets');
  if (kind !== 'class') return { y: rows.flat() };
  const labels = rows.map((row) => row.indexOf(1));
  return rows.every((row, k) => labels[k] >= 0 && row.every((own, j) => own === Number(j === labels[k]))) ? { labels } : wrongKey('targets');
};

// The shape of nested lists, in which there is a null where they are not all alike.
const shapeOfRows = (own) => {
  if (!Array.isArray(own)) return [];
  const [first = [], ...rest] = own.map(shapeOfRows);
  return [own.length, ...(rest.every((each) => same(each, first)) ? first : [null])];
};

// Layers given one by one, each a table with its parameters.
const layersOfTables = (given, choices) => {
  const [weights, shapes] = [[], []];
  const layerOf = (table, place) => {
    if (typeof table !== 'object' || !Object.hasOwn(choices.layers, table.kind ?? '')) refuse('run.kind', { kind: String(table?.kind) });
    const { kind, layers, ...rest } = table;
    const own = choices.tensors[kind].map(({ name }) => name);
    const options = { ...rest };
    for (const name of Object.keys(rest)) {
      if (own.includes(name)) delete options[name];
      else if (!Object.hasOwn(choices.layers[kind], name)) refuse('files.key_unknown', { key: `${place}.${name}` });
    }
    own.forEach((name) => {
      const given = name in rest ? rest[name] : null;
      if (given !== null && !(Array.isArray(given) && isNumbers(given.flat(Infinity)))) wrongKey(`${place}.${name}`);
      weights.push(given && given.flat(Infinity));
      shapes.push(given && shapeOfRows(given));
    });
    if (layers && !Array.isArray(layers)) wrongKey(`${place}.layers`);
    if (layers) options.layers = layers.map((inner, k) => layerOf(inner, `${place}.layers[${k}]`));
    return [kind, options];
  };
  const layers = given.layers.map((table, k) => layerOf(table, `layers[${k}]`));
  return { layers, weights, shapes };
};

// Layers given by their sizes, with one activation for all or one for each.
const layersOfSizes = (given, choices) => {
  const [inputs, ...sizes] = given.layers;
  if (!isNumbers(given.layers) || !sizes.length || given.layers.some((own) => !(Number.isInteger(own) && own > 0))) wrongKey('layers');
  const each = (key, standard, count) => {
    const own = given[key] ?? standard;
    if (!Array.isArray(own)) return Array(count).fill(own);
    return own.length === count ? own : wrongKey(key);
  };
  const kinds = each('activation', 'sigmoid', sizes.length);
  if (given.loss && lossNamed(choices, given.loss).link) kinds[kinds.length - 1] = 'identity';
  const rates = [...each('dropout', 0, sizes.length - 1), 0];
  const layers = sizes.flatMap((units, k) => [
    [LAYER_OF_UNITS, { units, activation: kinds[k] }], ...(rates[k] ? [[LAYER_OF_RATES, { rate: rates[k] }]] : []),
  ]);
  return { inputs, layers, weights: weightsOfSizes(given, [inputs, ...sizes]) };
};

const [LAYER_OF_UNITS, LAYER_OF_RATES] = ['dense', 'dropout'];

// Matrices and rows layer by layer, or all of them in the order of their numbers; biases left out are 0.
const weightsOfSizes = (given, sizes) => {
  const shapes = sizes.slice(1).map((units, k) => [units, sizes[k]]);
  if (!('weights' in given || 'w' in given)) return 'seed' in given ? null : refuse('files.key_missing', { key: 'weights' });
  const W = 'w' in given ? cutUp('w', given.w, shapes.map(([o, i]) => o * i)) : weightMatrices(given, shapes);
  const outs = shapes.map(([o]) => o);
  const b = 'b' in given ? cutUp('b', given.b, outs) : given.biases ?? outs.map((o) => Array(o).fill(0));
  if (!Array.isArray(b) || b.length !== outs.length || b.some((own, k) => !isNumbers(own) || own.length !== outs[k])) wrongKey('biases');
  return W.flatMap((own, k) => [own, b[k]]);
};

const weightMatrices = ({ weights, weights_are: order = 'units_by_inputs' }, shapes) => {
  const turned = order === 'inputs_by_units';
  if (!Array.isArray(weights) || weights.length !== shapes.length) wrongKey('weights');
  return weights.map((own, k) => {
    const [o, i] = shapes[k];
    const [rows, columns] = turned ? [i, o] : [o, i];
    if (!Array.isArray(own) || own.length !== rows || own.some((row) => !isNumbers(row) || row.length !== columns)) wrongKey('weights');
    return turned ? Array.from({ length: o * i }, (_, at) => own[at % i][Math.floor(at / i)]) : own.flat();
  });
};

const cutUp = (key, numbers, counts) => {
  if (!isNumbers(numbers) || numbers.length !== counts.reduce((all, own) => all + own, 0)) wrongKey(key);
  let first = 0;
  return counts.map((count) => numbers.slice(first, first += count));
};
