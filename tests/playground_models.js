// What tests ask of models of tables, in one function with the scripts of the page: see test_playground_models.py.

const engineOf = (dtype) => {
  const bytes = require('fs').readFileSync(given.engine.replace('*', dtype));
  return new Engine(new WebAssembly.Instance(new WebAssembly.Module(bytes), Engine.imports()));
};

const opened = (told, dtype) => {
  const session = engineOf(dtype).session(told.program, told.run);
  told.tensors.forEach((own, k) => session.load(k, own, told.states[k]));
  session.ready();
  session.data(told.data);
  return session;
};

// What the worker is told of a start.
const toldOf = (known, start) => {
  known.given = start.given;
  const { value } = new State(start.state);
  const examples = withGiven(known, examplesOf)(value.data, lossOf(known.choices, value.net.loss));
  return { value, examples, told: toldRun(value, examples, known) };
};

// Predictions, and what three steps make of the parameters.
const threeSteps = (known, start) => {
  const { told } = toldOf(known, start);
  const session = opened(told, '32');
  const p = session.predict(told.data.X);
  session.train(3, { rates: [0.01], shuffles: false });
  return { p, names: told.names, after: told.program.tensors.map((_, k) => [...session.store(k).array]) };
};

// The lines of a subject, by two examples.
const worked = (known, lines, start) => {
  const { examples, told } = toldOf(known, start);
  const rows = [0, 1];
  const { values } = opened(told, '64').look({ rows, step: 1 });
  const net = { inputs: examples.inputs, layers: told.layers, loss: told.loss, l1: 0, l2: 0 };
  const places = new lineWork.LinePlaces(lines, net, true);
  const parameters = Object.fromEntries(Object.entries(known.choices.activations).map(([name, row]) => [name, row.parameter]));
  const lowering = new NotedLowering(known.patterns, parameters, true);
  lowering.program({ inputs: examples.inputs, layers: told.layers, heads: [] });
  const numbers = lookNumbers({ places, notes: lowering.notes, values, data: told.data, rows, draw: { seed: 0, step: 1 } });
  const tensors = Object.fromEntries(told.names.map((name, k) => [name, told.tensors[k]]));
  return (subject) => ['mazur', 'nielsen'].map((notation) => {
    const of = subjectKey(subjectParts(subject, places), places);
    const derivation = new lineWork.Derivation(lines, { net, parameters: tensors, numbers, trains: true, of, notation, update: null });
    return derivation.written('text').flatMap((part) => part.lines);
  });
};

const wordOf = (act) => {
  try {
    return act();
  } catch (error) {
    return error.word;
  }
};

const drawnAnew = (known, start) => {
  const { value, told } = toldOf(known, start);
  const drawn = (weights) => firstWeights(told.layers, told.program, { seed: 1, weights }, known.choices);
  return {
    anew: drawn(keptWeights(value.net, known.choices)).map((own) => [...own]),
    widths: layerWidths(told.layers, 3),
    words: [() => drawn(null), () => checkColumns(told.layers, 2), () => checkColumns([told.layers.at(-1), ...told.layers], 3)].map(wordOf),
  };
};

// What two epochs of a run make of a start, and four: the model's file behind two, and where both stand.
const goneOn = async (known, start, optimizer) => {
  const { value, told } = toldOf(known, start);
  value.run = { ...value.run, ...optimizer };
  const made = toldRun(value, withGiven(known, examplesOf)(value.data, lossOf(known.choices, value.net.loss)), known);
  const engines = ['32', '64'].map((dtype) => engineOf(dtype));
  const run = new Run(engines, { ...made, rates: (from, to) => ratesOf(made.rates, from, to) });
  const steps = Math.ceil(made.data.n / made.run.batch);
  run.steps(2 * steps);
  const { at, tensors, losses } = run;
  const { blob } = await modelNow(value, { told, examples: start.given }, { at, tensors, losses: [...losses] }, { ...known, version: '0.1' });
  const bytes = Buffer.from(await blob.arrayBuffer()).toString('base64');
  run.steps(2 * steps);
  run.go(steps + 1); // there and back: the losses are those of the same steps
  run.go(4 * steps);
  return { bytes, at: run.at, losses: run.losses, after: run.tensors.map(({ array }) => [...array]) };
};

// A file of a training goes on in the page: what one epoch more makes of it.
const readOn = async (known, start, { bytes, run: own }) => {
  const network = await readModelBytes(new Uint8Array(Buffer.from(bytes, 'base64')), known.choices);
  const net = netOfFile(network, known);
  const { value } = new State({ ...start.state, net: { ...start.state.net, ...net }, run: { ...runOfFile(network, { ...start.state.run, batch: own.batch, seed: own.seed }, known.choices) } });
  known.given = start.given;
  const made = toldRun(value, withGiven(known, examplesOf)(value.data, lossOf(known.choices, value.net.loss)), known);
  const run = new Run(['32', '64'].map((dtype) => engineOf(dtype)), { ...made, rates: (from, to) => ratesOf(made.rates, from, to) });
  const from = run.at;
  run.steps(Math.ceil(made.data.n / made.run.batch));
  run.go(0);
  const back = run.at;
  run.go(from.step + Math.ceil(made.data.n / made.run.batch));
  return { from, back, at: run.at, losses: run.losses, after: run.tensors.map(({ array }) => [...array]), optimizer: value.run.optimizer };
};

// Tables as a model encodes them.
const encodedTables = (rules, columns, texts) => {
  tables.rules = rules;
  return texts.map((text) => {
    const table = csvOf(text, rules);
    try {
      const made = modelExamples(columns, table);
      return { ...made, X: [...made.X], same: same(made.names.inputs, inputNames(columns)) };
    } catch (error) {
      return { word: error.word, holes: error.holes };
    }
  });
};

// What a table changes where a model waits for it, and another one behind it.
const waited = (rules, columns, texts) => {
  tables.rules = rules;
  const known = { model: { ...columns, changes: [['net', 'of the model']] } };
  return texts.map((text) => encoded(known, csvOf(text, rules), { set: 'own' }).map(([path]) => path));
};

// The page as a file has it begun: what it predicts, what some steps make of the weights, its model and itself.
const openedStart = async (known, start, steps) => {
  const own = { ...start, choices: known.choices };
  unfold(own);
  Object.assign(known, { given: own.given, model: own.model, version: '0.1' });
  const { value, examples, told } = toldOf(known, own);
  const run = new Run(['32', '64'].map((dtype) => engineOf(dtype)), { ...told, rates: (from, to) => ratesOf(told.rates, from, to) });
  const p = run.session.predict(told.data.X);
  const cost = run.session.cost();
  const { at } = run;
  run.steps(steps);
  const made = { told, examples };
  const stood = { at: run.at, tensors: run.tensors, losses: run.losses.slice(0, run.at.epoch) };
  const { blob, left } = await modelNow(value, made, stood, known);
  return {
    p, cost, from: at, outputs: examples.outputs, names: examples.names, left: left.map(([word]) => word), run: told.run, rates: told.rates,
    bytes: await textOf(blob), after: run.tensors.map(({ array }) => [...array]),
  };
};

// Of files by their names and bytes: the word by which each is refused, or null; nothing may be changed by them.
const refusedFiles = async (known, files) => {
  const state = new State({});
  const made = withGiven(known, examplesOf);
  const run = { examplesOf: made, made: { examples: made(state.value.data, lossOf(known.choices, state.value.net.loss)) } };
  const before = JSON.stringify([state.value, known.model ?? null, known.given ?? null]);
  const answers = [];
  for (const [name, text] of files) {
    try {
      const { changes } = await changesOfFile(name, new Uint8Array(Buffer.from(text, 'base64')), { state, run, known });
      const next = new State(state.value);
      next.together(changes);
      answers.push(null);
    } catch (error) {
      if (!error.word) throw Object.assign(error, { message: `${name} ${answers.length}: ${error.message}` });
      answers.push(error.word);
    }
    if (before !== JSON.stringify([state.value, known.model ?? null, known.given ?? null])) throw new Error(`${name} has changed something`);
  }
  return answers;
};
