// The program of a network that a page has built, laid out by the patterns of lowering_patterns.py.
//
//   net        { inputs, layers: [[kind, options]], heads }, all options given
//   patterns   of each kind its tensors and operations; activations  the parameter of each, or null

// What follows from the options of a layer that has an entry for each column of a table: `BY_COLUMN` in
// lowering_patterns.py says what is called so. Null of any other.
const columnsOf = ({ edges, levels, features, size, values }, inputs) => {
  const all = Array.from({ length: inputs }, (_, k) => k);
  const entries = edges?.map((own) => Math.max(0, own.length - 1)) ?? levels;
  if (!entries && features === undefined) return null;
  const own = entries ? all.filter((k) => entries[k]) : features ?? all;
  const each = entries ? size - 1 : values; // values more of a column than it was
  return {
    features: own, edges: edges && own.map((k) => edges[k]), levels: levels && own.map((k) => levels[k]),
    embedded: own.length, rows: entries?.reduce((sum, count) => sum + count, 0), mixed: own.length * values,
    outputs: inputs + own.length * each,
  };
};

// How many values leave a layer.
const widthBehind = ([, options], inputs) => options.units ?? columnsOf(options, inputs)?.outputs ?? inputs;

class Lowering {
  constructor(patterns, activations, trains) {
    Object.assign(this, { patterns, activations, trains, values: [], tensors: [], operations: [], layers: {} });
  }

  program({ inputs, layers, heads }) {
    const first = this.value(inputs);
    const output = layers.reduce((x, layer, k) => this.layer(layer, x, BigInt(k), `${k}`), first);
    const { values, tensors, operations } = this;
    return { values, tensors, operations, output, work: 0, heads, layers: this.layers };
  }

  value(width) {
    return this.values.push({ width, copies: 1 }) - 1;
  }

  // The value that a layer makes of x; `draw` is the number of its draws, as in `layers.Draw`, and `path`
  // where its parameters stand.
  layer([kind, options], x, draw, path) {
    const inputs = this.values[x].width;
    const own = { ...options, inputs, ...columnsOf(options, inputs) };
    const filled = (part) => {
      if (Array.isArray(part)) return part.map(filled);
      if (part && typeof part === 'object') return Object.fromEntries(Object.entries(part).map(([name, each]) => [name, filled(each)]));
      return typeof part === 'string' && part.startsWith('=') ? own[part.slice(1)] : part;
    };
    const { tensors, operations } = this.patterns[kind];
    const firstTensor = this.tensors.length;
    this.tensors.push(...tensors.map(filled));
    const made = [x];
    for (const pattern of operations) {
      const entered = pattern.inputs.map((v) => made[v]);
      made[pattern.output] = pattern.kind === 'within'
        ? options.layers.reduce((v, layer, k) => this.layer(layer, v, ((draw + 1n) << 16n) + BigInt(k), `${path}.${k}`), entered[0])
        : this.operation({ ...filled(pattern), inputs: entered }, firstTensor, draw);
    }
    const a = made[operations.at(-1).output];
    this.layers[path] = { x, z: this.weighted(operations, a), a };
    return a;
  }

  // The weighted inputs: what the activation reads, or else what the layer makes; null where it has none.
  weighted(operations, a) {
    if (!operations.some(({ kind }) => kind === 'affine')) return null;
    const last = this.operations.at(-1);
    return last.kind === 'activate' ? last.inputs[0] : a;
  }

  operation({ width, ...op }, firstTensor, draw) {
    const [name, parameter] = this.activation(op.activation);
    const dropouts = op.dropouts.map(({ rate }) => ({ rate, stream: streamOf(draw) }));
    const idle = dropouts.some(({ rate }) => rate === 0) || (op.kind === 'dropout' && !this.trains);
    if (idle || (op.kind === 'activate' && name === 'identity')) return op.inputs[0];
    const tensors = op.tensors.map((k) => k + firstTensor);
    const output = this.value(width);
    this.operations.push({ ...op, tensors, output, activation: name, parameter: parameter ?? 1, dropouts });
    return output;
  }

  // leaky_relu(0.2) is leaky_relu with 0.2.
  activation(text) {
    const [name, given] = text.split(/[()]/);
    return [name, given === undefined ? this.activations[name] : Number(given)];
  }
}

// As in `streams.of_layer`.
const streamOf = (layer) => Number(((layer * 0x9E3779B97F4A7C15n) & 0xFFFFFFFFFFFFFFFFn) >> 32n);
