// Files as the page writes and reads them: node playground_files.js SCRIPTS < asked > answers

const { readFileSync } = require('fs');

const scripts = process.argv.slice(2).map((name) => readFileSync(name, 'utf8')).join('\n');
const files = new Function(`'use strict';${scripts}\nreturn { TomlText, beginnings, modelBytes, namesMeant, netOfFile, networkToml, readModelBytes, readNetworkToml, resumed, wholeLayer };`)();

// A network as the page holds one: layers with all options, tensors with their names and shapes.
const whole = ({ choices }, net) => {
  const layers = net.layers.map((own) => files.wholeLayer(own, choices));
  const named = files.beginnings(layers, choices);
  return { ...net, layers, tensors: net.tensors.map(({ array, shape }, k) => ({ name: named[k].name, array, shape: named[k].axes === 1 ? [array.length] : shape })) };
};

const doing = {
  toml(_, { text }) { return files.TomlText.read(text); },

  writeToml(known, { net, ...more }) { return files.networkToml({ network: whole(known, net), ...more }); },

  readToml({ choices, patterns }, { text }) {
    const made = files.readNetworkToml(text, choices);
    return { ...made, net: files.netOfFile(made.network, { choices, patterns }) };
  },

  // The network file of a network file, and the model of a model, as the page reads the one and writes the other.
  tomlAgain({ choices, patterns }, { text, shapes, comment }) {
    const { network, trained, examples } = files.readNetworkToml(text, choices);
    const net = files.netOfFile(network, { choices, patterns });
    const { layers, tensors } = whole({ choices }, { ...net, tensors: net.weights.map((array, k) => ({ array, shape: shapes[k] })) });
    const { freeze: frozen, numbers, schedule, ...rest } = trained;
    const { n, names, ...given } = examples;
    return files.networkToml({
      network: { ...network, layers, tensors }, trained: { ...rest, numbers, schedule, frozen }, examples: { ...given, ...names }, comment,
    });
  },

  async modelAgain({ choices, patterns }, { bytes, shapes }) {
    const made = await files.readModelBytes(new Uint8Array(Buffer.from(bytes, 'base64')), choices);
    const net = files.netOfFile(made, { choices, patterns });
    const { layers, tensors } = whole({ choices }, { ...net, tensors: net.weights.map((array, k) => ({ array, shape: shapes[k] })) });
    const blob = await files.modelBytes({ ...made, layers, tensors }, '0.1');
    return Buffer.from(await blob.arrayBuffer()).toString('base64');
  },

  async writeModel(known, { net, library, history = null }) {
    const blob = await files.modelBytes(whole(known, net), library, history);
    return Buffer.from(await blob.arrayBuffer()).toString('base64');
  },

  async readModel({ choices, patterns }, { bytes }) {
    const made = await files.readModelBytes(new Uint8Array(Buffer.from(bytes, 'base64')), choices);
    return files.netOfFile(made, { choices, patterns });
  },

  resumed(_, { schedule, steps }) { return steps.reduce((own, step) => files.resumed(own, step), schedule); },

  meant(_, { patterns, names }) { return files.namesMeant(patterns, names); },
};

const answer = async (known, [what, given]) => {
  try {
    return await doing[what](known, given);
  } catch (error) {
    if (!error.word) throw error;
    return { refused: error.word, holes: error.holes };
  }
};

const { known, asked } = JSON.parse(readFileSync(0, 'utf8'));
Promise.all(asked.map((each) => answer(known, each))).then((answers) => process.stdout.write(JSON.stringify(answers)));
