// What a derivation can be of, by the names that `explain` takes: w5, b3, h2, net_o1, x1, 1.gamma[0], 0.w[0, 1],
// cost.

const sizeOfLeaf = ({ shape }) => shape.reduce((a, b) => a * b, 1);

// The entry of a parameter by its number from 0, and the number by the entry.
const entryOfLeaf = (name, k, places) => {
  const [, columns] = places.leaves.find((leaf) => leaf.name === name).shape;
  return columns ? [Math.floor(k / columns), k % columns] : [k];
};

const placeInLeaf = (name, [row, column = 0], places) => row * (places.leaves.find((leaf) => leaf.name === name)?.shape[1] ?? 1) + column;

// The kinds of subjects of a network, each with how many there are.
const subjectKinds = (places) => {
  const sizes = (letter) => places.leaves.filter((leaf) => leaf.letter === letter);
  const count = (letter) => sizes(letter).reduce((sum, leaf) => sum + sizeOfLeaf(leaf), 0);
  const others = places.leaves.filter(({ letter, fixed }) => letter !== 'W' && letter !== 'b' && !fixed);
  const hidden = places.layers.slice(0, -1).reduce((sum, { outputs }) => sum + outputs, 0);
  const outputs = places.width(places.last);
  const found = [
    ['w', count('W')], ['b', count('b')], ...others.map((leaf) => [leaf.name, sizeOfLeaf(leaf)]),
    ['h', hidden], ['o', outputs], ['net_h', hidden], ['net_o', outputs], ['x', places.inputs], ['cost', 1],
  ];
  return found.filter(([, size]) => size);
};

// "w5" as its kind and its number from 1; what there is not is the first weight.
const subjectParts = (text, places) => {
  const kinds = subjectKinds(places);
  const [, entry, at] = /^(\d[\w.]*)\[(\d+(?:, ?\d+)?)\]$/.exec(text) ?? [];
  const [, letters, number] = entry ? [0, entry, placeInLeaf(entry, at.split(',').map(Number), places) + 1] : /^([a-z_]+?)(\d*)$/.exec(text) ?? [];
  const kind = { i: 'x', out_h: 'h', out_o: 'o' }[letters] ?? letters;
  const size = kinds.find(([name]) => name === kind)?.[1];
  const own = Number(number || 1);
  return size && own >= 1 && own <= size ? { kind, number: own } : { kind: kinds[0][0], number: 1 };
};

const subjectText = ({ kind, number }, places) => {
  if (kind === 'cost') return kind;
  if (!kind.includes('.')) return `${kind}${number}`;
  return `${kind}[${entryOfLeaf(kind, number - 1, places).join(', ')}]`;
};

// The place of a unit among those of all hidden layers.
const hiddenUnit = (number, places) => {
  let left = number - 1;
  const layer = places.layers.findIndex(({ outputs }) => {
    if (left < outputs) return true;
    left -= outputs;
    return false;
  });
  return { layer, unit: left };
};

// The key of a subject as a derivation takes it; null of a unit without a weighted input.
const subjectKey = ({ kind, number }, places) => {
  const letter = { w: 'W', b: 'b' }[kind];
  if (letter) return numberedParameter(letter, number, places);
  if (kind.includes('.')) return places.parameterKey(kind, ...entryOfLeaf(kind, number - 1, places));
  if (kind === 'cost') return { kind: 'C' };
  if (kind === 'x') return { kind: 'x', layer: -1, unit: number - 1 };
  const at = kind.endsWith('o') ? { layer: places.last, unit: number - 1 } : hiddenUnit(number, places);
  if (!kind.startsWith('net_')) return { kind: 'a', ...at };
  return places.layers[at.layer]?.work?.z ? { kind: 'z', ...at } : null;
};

const numberedParameter = (letter, number, places) => {
  let left = number - 1;
  for (const leaf of places.leaves.filter((each) => each.letter === letter)) {
    const [rows, columns = 1] = leaf.shape;
    if (left < rows * columns) return places.parameterKey(leaf.name, Math.floor(left / columns), left % columns);
    left -= rows * columns;
  }
  return null;
};
