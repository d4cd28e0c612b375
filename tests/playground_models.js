// What tests ask of models of tables, in one function with the scripts of the page: see test_playground_models.py.

const opened = (told, dtype) => {
  const bytes = require('fs').readFileSync(given.engine.replace('*', dtype));
  const engine = new Engine(new WebAssembly.Instance(new WebAssembly.Module(bytes), Engine.imports()));
  const session = engine.session(told.program, told.run);
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
  const net = { ...networkOfLines(told, examples.inputs, known.choices), loss: told.loss, l1: 0, l2: 0 };
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
