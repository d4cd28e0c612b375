// The parameters that a network begins with: drawn as the tables of initialisers say, or typed.
//
//   tensors   by number, each (rows, columns) in one array

// Of layers, as the program has their tensors: [{ name, axes, first }], where first is a number that fills the
// tensor, or the initialiser that draws it.
const beginnings = (layers, choices, path = '') =>
  layers.flatMap(([kind, options], k) => {
    const suits = () => choices.activations[options.activation.split('(')[0]].initialiser;
    const own = choices.tensors[kind].map(({ name, axes, first }) =>
      ({ name: `${path}${k}.${name}`, axes, first: first === 'drawn' ? options.initialiser || suits() : first }));
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
  if (weights && weights.length === tensors.length && weights.every((own, k) => own.length === tensors[k].rows * tensors[k].columns)) {
    return weights.map((own) => Float64Array.from(own));
  }
  const firsts = beginnings(layers, choices);
  return tensors.map((tensor, k) => {
    const { first } = firsts[k];
    const count = tensor.rows * tensor.columns;
    if (typeof first === 'number') return new Float64Array(count).fill(first);
    return drawnWeights(first, tensor, (numbers) => numbers(seed, STREAMS.weights, k, count), choices);
  });
};
