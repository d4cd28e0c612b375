// The same step in matrix form: of each layer its matrices for all examples of the batch, as tables.

const MOST_CELLS = 8; // rows and columns of a table

const cells = (tag, texts) => texts.map((text) => node(tag, {}, text));

// A table of numbers, of which those far along are left out.
const matrixTable = (numbers, columns, caption) => {
  const rows = Math.ceil(numbers.length / columns);
  const row = (r) => {
    const own = Array.from({ length: Math.min(columns, MOST_CELLS) }, (_, c) => figure(numbers[r * columns + c]));
    return node('tr', {}, ...cells('td', columns > MOST_CELLS ? [...own, '⋯'] : own));
  };
  const shown = Array.from({ length: Math.min(rows, MOST_CELLS) }, (_, r) => row(r));
  const more = rows > MOST_CELLS ? [node('tr', {}, ...cells('td', ['⋮']))] : [];
  return node('table', {}, node('caption', {}, ...caption, ` ${rows} × ${columns}`), node('tbody', {}, ...shown, ...more));
};

// What the matrices of a layer are, by their names; none of those that another way adds to.
const matrixNumbers = (name, k, { places, numbers, derivation }) => {
  const layer = places.layers[k];
  const own = numbers.places[k];
  if (name === 'dx') {
    const [source] = layer.sources;
    const from = source < 0 ? numbers.x : numbers.places[source];
    return places.above.get(source).length === 1 ? [from.dsent, layer.inputs] : null;
  }
  const leaf = places.leaves.find((each) => each.name === `${layer.path}.${name}`);
  if (leaf) return [derivation.plainOf(leaf), leaf.shape[1] ?? leaf.shape[0]];
  return [own[name], layer.outputs];
};

const matrixForm = (words, patterns, given) => given.places.layers.map((layer, k) => {
  const steps = patterns.kinds[layer.kind].matrices[layer.activation?.joint ? 'joint' : 'alone'];
  const tables = steps.flatMap(([made, of, name]) => {
    const found = matrixNumbers(name, k, given);
    return found ? [matrixTable(...found, lineWork.formulaElements(of ? `${made}<mo>=</mo>${of}` : made))] : [];
  });
  const title = words.say('working.layer', { layer: layer.path, kind: layer.kind.replace('_', ' '), units: whole(layer.outputs) });
  return node('section', { class: 'matrices' }, node('h3', {}, title), node('div', { class: 'tables' }, ...tables));
});
