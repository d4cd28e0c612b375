// Networks that suit their data and loss: how many outputs there are, and what the last layer may be.

// A row by its full name: 'huber(0.5)' is { name: 'huber', row, numbers: [0.5], given: true }.
const namedRow = (table, text) => {
  const [, name, numbers] = /^(\w+)(?:\((.*)\))?$/.exec(text) ?? [];
  const row = Object.hasOwn(table, name ?? '') ? table[name] : refuse('network.unknown', { name: text, known: Object.keys(table).join(', ') });
  const given = numbers !== undefined;
  return { name, row, given, numbers: given ? numbers.split(',').map(Number) : row.takes.map((own) => own.default) };
};

// The full name of a row with some numbers; the name alone where they are those that it means.
const rowName = (table, name, numbers) =>
  (same(numbers, table[name].takes.map((own) => own.default)) ? name : `${name}(${numbers.join(', ')})`);

// Of "heads(huber: 1, cross_entropy: 3)" each head's loss with how many outputs it has; null of one loss.
const headNames = (text) => /^heads\((.*)\)$/.exec(text)?.[1].split(/,(?![^()]*\))/).map((own) => own.split(':').map((part) => part.trim())) ?? null;

const headsOf = (choices, text) => headNames(text)?.map(([name, outputs]) => ({ ...lossOf(choices, name), outputs: Number(outputs) })) ?? null;

// A loss as examples.js and a program's heads take it.
const lossOf = (choices, text) => {
  const heads = headsOf(choices, text);
  if (heads) return { name: text, target: 'heads', link: heads.map(({ link }) => link).filter(Boolean).join(', '), turns: 1, heads };
  const { name, row, given, numbers } = namedRow(choices.losses, text);
  return { name, target: row.target, link: row.link, parameters: given ? numbers : row.parameters, turns: row.takes[0]?.many ? numbers.length : 1 };
};

// The activation that what leaves the last layer comes from: see `Layer.ends_in`.
const endOf = (layers, choices) => layers.reduce((before, [kind, options]) => {
  const end = choices.ends[kind];
  if (end === '=before') return before;
  return end === '=activation' ? options.activation ?? choices.layers[kind].activation.default : end;
}, 'identity');

const checkEnd = (layers, loss, choices) => {
  const activation = endOf(layers, choices);
  if (loss.link && activation !== 'identity') refuse('network.link', { loss: loss.name, link: loss.link, activation });
};

// Layers that have an entry for each column of a table stand first, and have as many as enter.
const checkColumns = (layers, inputs) => {
  let [width, first] = [inputs, true];
  for (const [kind, options] of layers) {
    const { length } = options.edges ?? options.levels ?? [];
    const columns = columnsOf(options, width);
    if (columns && !(first && (length ? length === width : (options.features ?? []).every((k) => k < width)))) {
      refuse('network.columns', { kind, columns: length || `> ${Math.max(...options.features ?? [])}`, inputs: width });
    }
    first &&= Boolean(columns);
    width = widthBehind([kind, options], width);
    if (options.layers) checkColumns([[null, {}], ...options.layers], width);
  }
};

// Layers of which the last with units has as many as there are outputs, and that in a residual as many as
// enter it.
const fittedLayers = (layers, inputs, outputs) => {
  const last = layers.findLastIndex(([, options]) => 'units' in options);
  let width = inputs;
  return layers.map(([kind, options], k) => {
    if (options.layers) return [kind, { ...options, layers: fittedLayers(options.layers, width, width) }];
    const made = k === last ? { ...options, units: outputs } : options;
    width = widthBehind([kind, made], width);
    return [kind, made];
  });
};

// How many values enter each layer, and leave the last.
const layerWidths = (layers, inputs) =>
  layers.reduce((widths, layer) => [...widths, widthBehind(layer, widths.at(-1))], [inputs]);

// The layers with the activation of the last that has one made identity.
const linearEnd = (layers) => {
  const last = layers.findLastIndex(([, options]) => 'activation' in options);
  return layers.map(([kind, options], k) => [kind, k === last ? { ...options, activation: 'identity' } : options]);
};

// A state's changes, with those that must go along: a loss that can compare with the data, as many outputs as
// the two need, and a linear end before a loss that applies its link itself. `ends` says whether what ends the
// network may be changed for it, or else is refused.
const suiting = ({ choices, examplesOf }, value, changes, ends = true) => {
  const state = new State(value);
  state.together(changes);
  const { data, net } = state.value;
  let loss = lossOf(choices, net.loss);
  let examples = null;
  try {
    examples = examplesOf(data, loss);
  } catch (error) {
    if (!['data.needs_classes', 'data.needs_counts'].includes(error.word)) return changes;
    const name = Object.keys(choices.losses).find((each) => choices.losses[each].target === 'real');
    state.change('net.loss', name);
    loss = lossOf(choices, name);
    examples = examplesOf(data, loss);
  }
  checkColumns(net.layers, examples.inputs);
  state.change('net.layers', fittedLayers(net.layers, examples.inputs, examples.outputs));
  if (!ends) checkEnd(net.layers, loss, choices);
  else if (loss.link && endOf(net.layers, choices) !== 'identity') state.change('net.layers', linearEnd(net.layers));
  const paths = new Set([...changes.map(([path]) => path), 'net.loss', 'net.layers']);
  return [...paths].map((path) => [path, state.get(path)]);
};
