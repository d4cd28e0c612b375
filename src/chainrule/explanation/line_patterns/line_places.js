// Where the units of a network stand, and how its parameters are counted: as unit_places.py has it.
//
//   net       { inputs, layers: [[kind, options]], loss, l1, l2 }
//   place     a layer that makes units, from 0; what enters the network leaves place -1
//   columns   of a layer by column, what is of each column that enters; `columnsOf` is the engine's
//   leaf      a parameter's array by its name: "1.W", "2.0.gamma"
//   order     of each layer, those within others before these: its place, or of which place it is a gate

const PASSES = { a: [['q', 'in', '@u'], ''], dx: [[['q', 'da', '@u'], '']], by: {}, defined: {} };

class LinePlaces {
  constructor(patterns, net, trains) {
    Object.assign(this, { patterns, trains, inputs: net.inputs, layers: [], gates: new Map(), leaves: [], order: [] });
    this.through(net.layers, -1, '', true);
    this.last = this.layers.length - 1;
    this.above = new Map();
    for (let k = this.last; k >= 0; k--) {
      this.layers[k].sources.forEach((source, port) => {
        this.above.set(source, [...(this.above.get(source) ?? []), [k, port]]);
      });
    }
  }

  width(k) { return k < 0 ? this.inputs : this.layers[k].outputs; }

  // Layers one after the other; `alone` says that nothing else takes what enters.
  through(layers, first, within, alone) {
    return layers.reduce((x, [kind, options], k) => {
      const made = this.made(kind, options, x, `${within}${k}`);
      if (made.pattern.gate && (alone || k)) {
        this.gates.set(x, [...(this.gates.get(x) ?? []), made]);
        this.order.push({ gate: x });
        return x;
      }
      if (!made.pattern.within) return this.place(made);
      const y = this.through(options.layers, x, `${made.path}.`, false);
      return this.place({ ...made, sources: [x, y] });
    }, first);
  }

  made(kind, options, x, path) {
    const pattern = this.patterns.kinds[kind];
    const inputs = this.width(x);
    const sizes = { ...options, inputs, ...(pattern.byColumn && columnsOf(options, inputs)) };
    const size = (name) => sizes[name];
    const columns = pattern.byColumn && this.columns(sizes);
    const activation = options.activation === undefined ? null : this.activation(options.activation);
    const work = ((this.trains && pattern.trains) || pattern.predicts)[activation?.joint ? 'joint' : 'alone'];
    const outputs = size(pattern.outputs);
    return { kind, pattern, options, path, inputs, outputs, size, columns, activation, work, sources: [x] };
  }

  // Of each column that enters a layer: its number k, its first output and how many it has; of one that is
  // embedded its number f among those, the first row of its parameters, how many these are, and its edges.
  columns({ inputs, features, levels, edges, size, values }) {
    let [place, first] = [0, 0];
    return Array.from({ length: inputs }, (_, k) => {
      const f = features.indexOf(k);
      const embedded = f >= 0;
      const ends = embedded && edges ? edges[f] : [];
      const rows = embedded ? levels?.[f] ?? Math.max(0, ends.length - 1) : 0;
      const own = { k, f, place, embedded, outputs: embedded ? size ?? values + 1 : 1, first, rows, ends };
      place += own.outputs;
      first += own.rows;
      return own;
    });
  }

  place(made) {
    const place = this.layers.push(made) - 1;
    this.order.push({ place });
    for (const { name, shape, weight, fixed } of made.pattern.leaves) {
      this.leaves.push({ name: `${made.path}.${name}`, letter: name, shape: shape.map(made.size), weight, fixed, place });
    }
    return place;
  }

  // leaky_relu(0.2) is leaky_relu with 0.2.
  activation(text) {
    const { name, given } = named(text);
    const known = this.patterns.activations[name];
    const parameters = given.length && given[0] !== known.bare ? given : given.length ? [] : known.default;
    return { name, parameters, joint: known.joint, full: fullName(name, parameters) };
  }

  // The name of a hidden unit counts through all hidden layers, from 1.
  hidden(layer, unit) {
    return this.layers.slice(0, layer).reduce((sum, { outputs }) => sum + outputs, unit + 1);
  }

  leafOf({ kind, layer, text }) {
    const letter = { w: 'W', b: 'b' }[kind] ?? text;
    return this.leaves.find((leaf) => leaf.place === layer && leaf.letter === letter);
  }

  // The place of an entry in its array.
  flat(key) {
    const { shape } = this.leafOf(key);
    return shape.length > 1 ? key.unit * shape[1] + key.source : key.unit;
  }

  // The number of a parameter among all of its name, from 1.
  number(key) {
    const own = this.leafOf(key);
    let before = 0;
    for (const leaf of this.leaves) {
      if (leaf === own) break;
      if (leaf.letter === own.letter) before += sizeOf(leaf);
    }
    return before + this.flat(key) + 1;
  }

  parameterKey(name, unit, source = 0) {
    const { letter, place, shape } = this.leaves.find((leaf) => leaf.name === name);
    const kind = { W: 'w', b: 'b' }[letter] ?? 'parameter';
    return keyOf(kind, place, unit, shape.length > 1 ? source : 0, [], kind === 'parameter' ? letter : '');
  }

  // All weights, then all biases, then all others that a gradient moves.
  parameters() {
    const order = (letter) => ({ W: 0, b: 1 }[letter] ?? 2);
    const free = this.leaves.filter(({ fixed }) => !fixed);
    const sorted = [0, 1, 2].flatMap((own) => free.filter(({ letter }) => order(letter) === own));
    return sorted.flatMap((leaf) => this.entries(leaf));
  }

  entries(leaf) {
    const columns = leaf.shape[1] ?? 1;
    const entry = (k) => this.parameterKey(leaf.name, Math.floor(k / columns), k % columns);
    return Array.from({ length: sizeOf(leaf) }, (_, k) => entry(k));
  }
}

const sizeOf = ({ shape }) => shape.reduce((size, each) => size * each, 1);

const isParameter = ({ kind }) => kind === 'w' || kind === 'b' || kind === 'parameter';

// A name with its numbers: huber(0.5).
const named = (text) => {
  const [name, inside] = text.split(/[()]/);
  return { name: name.trim(), given: inside === undefined ? [] : inside.split(',').map(Number) };
};

const fullName = (name, given) => (given.length ? `${name}(${given.map(numberText).join(', ')})` : name);

// A number as Python writes it: the shortest that is it exactly.
const numberText = (value) => {
  const size = Math.abs(value);
  if (!size) return '0';
  const [mantissa, exponent] = size.toExponential().split('e');
  const power = Number(exponent);
  const sign = value < 0 ? '-' : '';
  if (power >= -4 && power < 16) return `${sign}${power < 0 ? size.toFixed(mantissa.replace('.', '').length - 1 - power) : size}`;
  return `${sign}${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
};

const numberTree = (value) => (value < 0 ? ['-', ['n', numberText(-value)]] : ['n', numberText(value)]);

// Keys are the same object where they are of the same quantity.
const keys = new Map();

const keyOf = (kind, layer = 0, unit = 0, source = 0, of = [], text = '', example = 0) => {
  const id = `${kind}|${layer}|${unit}|${source}|${of.map((key) => `<${key.id}>`).join('')}|${text}|${example}`;
  if (!keys.has(id)) keys.set(id, { kind, layer, unit, source, of, text, example, id });
  return keys.get(id);
};

const derivative = (of, by) => keyOf('d', 0, 0, 0, [of, by]);

const ofExample = ({ kind, layer, unit, source, of, text }, example) => keyOf(kind, layer, unit, source, of, text, example);

const COST = keyOf('C');
