// What is changed in the state for a network that a file holds, and what a file holds of the state.

// The shape of a tensor of a program, which has rows and columns.
const shapeIn = ({ axes, inner }, { rows, columns }) => ({ 1: [rows * columns], 2: [rows, columns], 3: [rows / inner, inner, columns] })[axes];

// Weights by tensor for a program; what a file left out begins as the page has it.
const givenWeights = (weights, shapes, layers, { patterns, choices }, { inputs, seed }) => {
  const parameters = Object.fromEntries(Object.entries(choices.activations).map(([name, row]) => [name, row.parameter]));
  const program = new Lowering(patterns, parameters, true).program({ inputs, layers, heads: [] });
  const size = program.tensors.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  if (size > choices.most_weights) refuse('files.too_many', { size: whole(size), most: whole(choices.most_weights) });
  if (!weights || weights.every((own) => own === null)) return null;
  const firsts = beginnings(layers, choices);
  const starts = weights.includes(null) ? firstWeights(layers, program, { seed, weights: null }, choices) : [];
  return program.tensors.map((tensor, k) => {
    const own = weights[k] ?? Array.from(starts[k]);
    const fits = own.length === tensor.rows * tensor.columns && (!shapes?.[k] || same(shapes[k], shapeIn(firsts[k], tensor)));
    return fits && own.every(Number.isFinite) ? own : refuse('files.key', { key: firsts[k].name });
  });
};

// The network of a file as state.net has it.
const netOfFile = ({ inputs, layers, loss, l1, l2, seed = 0, weights, shapes }, known) => {
  checkLayers(layers, known.choices, 'layers');
  const every = layers.map((own) => wholeLayer(own, known.choices));
  checkColumns(every, inputs);
  return { layers, loss, l1, l2, seed, weights: givenWeights(weights, shapes, every, known, { inputs, seed }) };
};

// How a network of a file is trained: by its optimizer, as it was set, from where its training has come to.
const runOfFile = ({ begun }, run, choices) => {
  if (!begun) return { ...run, begun };
  const { settings, ...stood } = begun;
  if (!settings) return { ...run, ...(begun.optimizer === run.optimizer ? {} : { optimizer: begun.optimizer, numbers: {}, schedule: null }), begun: stood };
  const { kind, learning_rate: given, ...numbers } = settings;
  if (kind !== begun.optimizer) refuse('files.name', { key: 'settings', name: String(kind) });
  const rate = rateOfTable('learning_rate', given, choices);
  const own = Array.isArray(rate) ? { numbers, schedule: rate } : { numbers: { ...numbers, learning_rate: rate }, schedule: null };
  return { ...run, optimizer: kind, ...own, begun: stood };
};

// A schedule as it goes on behind a step.
const resumed = (schedule, step) => {
  if (!step) return schedule;
  const [kind, { after, then }] = schedule;
  return ['resumed', kind === 'resumed' ? { after: after + step, then } : { after: step, then: schedule }];
};

// Which names are meant by patterns such as "*.b".
const namesMeant = (patterns, names) => {
  const expression = (pattern) => new RegExp(`^${pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '.*').replace(/\?/g, '.')}$`);
  return names.filter((name) => patterns.some((pattern) => expression(pattern).test(name)));
};

// The network as it stands in a run, with the names and shapes of its tensors.
const networkAsItStands = (value, { told, examples }, tensors, choices) => {
  if (!tensors.every((own) => own.every(Number.isFinite))) refuse('files.not_finite');
  const firsts = beginnings(told.layers, choices);
  return {
    inputs: examples.inputs, layers: told.layers, loss: value.net.loss, l1: value.net.l1, l2: value.net.l2,
    tensors: told.names.map((name, k) => {
      return { name, array: tensors[k], shape: shapeIn(firsts[k], told.program.tensors[k]) };
    }),
  };
};

// The run as it stands as a model, and sentences on what that lacks: { blob, left }. A model of a table stays one
// as long as its network is of the same layers and loss.
const modelNow = async (value, made, { at, tensors, losses }, { choices, version, model }) => {
  const network = networkAsItStands(value, made, tensors.map(({ array }) => array), choices);
  const isOfTable = model && !model.changes && value.data.set === 'given';
  if (isOfTable && model.file.loss === network.loss && same(model.file.layers.map((own) => wholeLayer(own, choices)), network.layers)) {
    return { blob: await tableBytes(model.file, network.tensors), left: [['files.table_kept']] };
  }
  const { optimizer } = value.run;
  const settings = settingsData(optimizer, settingsAt(value, at.step), choices);
  const isLong = losses.length < at.epoch;
  const history = at.first || isLong ? null : { ...at, optimizer: choices.classes[optimizer], settings, losses, states: tensors.map(({ states }) => states) };
  const left = [...(isOfTable ? [['files.network_alone']] : []), ...(at.first ? [['files.no_history', { step: whole(at.step) }]] : []), ...(isLong ? [['files.long_history', { most: whole(losses.length) }]] : [])];
  return { blob: await modelBytes(network, version, history), left };
};

// Some rows of the examples in training, with what the loss compares them with.
const exampleRows = (numbers, { examples: { inputs, outputs, names, train } }) => {
  const part = (array, width) => numbers.flatMap((k) => Array.from(array.slice(k * width, (k + 1) * width)));
  const y = train.labels ? { labels: part(train.labels, 1) } : { y: part(train.y, outputs) };
  return { X: part(train.X, inputs), ...y, inputs: names.inputs, outputs: names.outputs };
};
