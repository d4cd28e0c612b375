// The parameters that a network begins with: drawn as the tables of initialisers say, typed, or of a file.
//
//   tensors   by number, each (rows, columns) in one array
//   weights   of all tensors, or of the first ones: those of layers that are as a file has them

// Of layers, as the program has their tensors: [{ name, axes, first }], where first is a number that fills the
// tensor, or the initialiser that draws it; null of what only a file says. `inner` is the second of three axes.
const beginnings = (layers, choices, path = '') =>
  layers.flatMap(([kind, options], k) => {
    const suits = () => choices.activations[options.activation.split('(')[0]].initialiser;
    const drawn = () => (choices.by_column.includes(kind) ? null : options.initialiser || suits());
    const own = choices.tensors[kind].map(({ name, axes, first }) =>
      ({ name: `${path}${k}.${name}`, axes, inner: options.values, first: first === 'drawn' ? drawn() : first }));
    return [...own, ...beginnings(options.layers ?? [], choices, `${path}${k}.`)];
  });

// As `initialisers.draw_weights`: of the variance that the row gives.
const drawnWeights = (initialiser, { rows, columns }, draw, choices) => {
  const [family, shape] = initialiser.split('_');
  if (family === 'zeros') return new Float64Array(rows * columns);
  const { inputs, outputs } = choices.initialisers[family];
  const deviation = 1 / Math.sqrt(inputs * columns + outputs * rows);
  if (shape === 'normal') return draw(normals).map((own) => deviation * own);
  const bound = Math.sqrt(3) * deviation;
  return draw(uniforms).map((own) => bound * (2 * own - 1));
};

const firstWeights = (layers, { tensors }, { seed, weights }, choices) => {
  const given = weights?.every((own, k) => own.length === tensors[k]?.rows * tensors[k]?.columns) ? weights : [];
  const firsts = beginnings(layers, choices);
  return tensors.map((tensor, k) => {
    const { first, name } = firsts[k];
    const count = tensor.rows * tensor.columns;
    if (given[k]) return Float64Array.from(given[k]);
    if (first === null) return refuse('network.not_drawn', { name });
    if (typeof first === 'number') return new Float64Array(count).fill(first);
    return drawnWeights(first, tensor, (numbers) => numbers(seed, STREAMS.weights, k, count), choices);
  });
};

// The weights that stay as others are drawn anew: those of the first layers, where a file says what they are.
const keptWeights = ({ layers, weights }, { by_column: kinds, tensors }, made = layers) => {
  const stays = (layer, k) => kinds.includes(layer[0]) && same(made[k], layer);
  const end = layers.findIndex((layer, k) => !stays(layer, k));
  const count = layers.slice(0, end).reduce((sum, [kind]) => sum + tensors[kind].length, 0);
  return count && weights ? weights.slice(0, count) : null;
};
