// What the worker is told of a state: the program of its network, its examples, and how it is trained.

// A layer with all its options: what is not given is as it is by default.
const wholeLayer = ([kind, options], choices) => {
  const fields = choices.layers[kind] ?? refuse('run.kind', { kind });
  const known = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.default]));
  const made = { ...known, ...options };
  return [kind, made.layers ? { ...made, layers: made.layers.map((each) => wholeLayer(each, choices)) } : made];
};

const PLANE_SIDE = 50; // points of a picture of the plane, each way

// The points of a square, row by row from the top left, as what enters the network; a pass takes targets,
// whatever is looked at.
const planeOf = ({ range }, features, target, outputs) => {
  const n = PLANE_SIDE ** 2;
  const at = (k) => range * ((2 * k + 1) / PLANE_SIDE - 1);
  const points = Float64Array.from({ length: 2 * n }, (_, k) => {
    const point = k >> 1;
    return k % 2 ? -at(Math.floor(point / PLANE_SIDE)) : at(point % PLANE_SIDE);
  });
  const any = target === 'class' ? { labels: new Int32Array(n) } : { y: new Float64Array(n * outputs).fill(1) };
  return { n, side: PLANE_SIDE, range, X: planeInputs(features, points), ...any };
};

// What of the parameters stays as it is, whole tensors and single numbers, by their numbers; of a link there may
// be some that this network has not.
const toldFrozen = (frozen, names, tensors) => frozen
  .map((own) => (Array.isArray(own) ? [names.indexOf(own[0]), own[1]] : names.indexOf(own)))
  .filter((own) => (Array.isArray(own) ? Number.isInteger(own[1]) && own[1] >= 0 && own[1] < (tensors[own[0]]?.length ?? 0) : own >= 0));

// The states and the step that a file began the run with, as long as it is of the same parameters.
const begunAs = ({ optimizer, begun }, weights, tensors) => {
  const fits = (states, k) => states.every((own) => own.length === tensors[k]?.length);
  const whole = begun?.optimizer === optimizer && weights?.length === tensors.length && begun.states.length === tensors.length;
  return whole && begun.states.every(fits) ? begun : null;
};

// What of a training can be changed while it goes on: what follows is made with the new numbers.
const settingsOf = ({ net: { l1, l2 }, run: { numbers, schedule, batch, frozen } }) => ({ numbers, schedule, l1, l2, batch, frozen });

// Those that hold for the step behind one.
const settingsAt = (value, step) => ({ ...settingsOf(value), ...settingsOfStep(value.edits, step, {}) });

// All numbers of an optimizer by their names: what is not given is as it is by default.
const optionsOf = ({ numbers }, optimizer, choices) => Object.fromEntries(
  Object.entries(choices.optimizers[optimizer]).map(([name, field]) => [name, Number(numbers[name] ?? field.default)]));

// The same as the engine has them: the rates, and all other numbers of the optimizer and the penalty.
const engineSettings = (settings, optimizer, choices) => {
  const { schedule, l1, l2 } = settings;
  const { learning_rate: rate, ...others } = optionsOf(settings, optimizer, choices);
  const named = Object.fromEntries(Object.entries(others).map(([name, own]) => [choices.in_engine[name] ?? name, Number(own)]));
  return { rates: schedule ?? rate, numbers: { ...named, l1, l2 } };
};

// The same with the batch and what is frozen, of examples and tensors.
const toldSettings = (settings, optimizer, choices, { n, names, tensors }) =>
  ({ ...engineSettings(settings, optimizer, choices), batch: Math.min(settings.batch, n), frozen: toldFrozen(settings.frozen, names, tensors) });

const toldEdits = (value, choices, made) => value.edits.map((own) =>
  (editKind(own) === 'settings' ? [own[0], toldSettings({ ...settingsOf(value), ...own[1] }, value.run.optimizer, choices, made)] : own));

const toldRun = (value, examples, { choices, patterns }) => {
  const { net, run } = value;
  const layers = net.layers.map((each) => wholeLayer(each, choices));
  checkColumns(layers, examples.inputs);
  const loss = lossOf(choices, net.loss);
  const parameters = Object.fromEntries(Object.entries(choices.activations).map(([name, row]) => [name, row.parameter]));
  const lay = (heads) => new Lowering(patterns, parameters, true).program({ inputs: examples.inputs, layers, heads });
  const outputs = ((laid) => laid.values[laid.output].width)(lay([]));
  if (outputs !== examples.outputs) refuse('run.outputs', { outputs, wanted: examples.outputs });
  checkEnd(layers, loss, choices);
  const program = lay((loss.heads ?? [{ ...loss, outputs }]).map((own) => ({ loss: own.name, parameters: own.parameters, outputs: own.outputs })));
  const tensors = firstWeights(layers, program, net, choices);
  const names = beginnings(layers, choices).map(({ name }) => name);
  const made = { n: examples.train.n, names, tensors };
  const { rates, ...settings } = toldSettings(settingsOf(value), run.optimizer, choices, made);
  const { rates: firstRates } = engineSettings(settingsAt(value, 0), run.optimizer, choices);
  const first = choices.states[run.optimizer].map((own) => (own === '=learning_rate' ? rateAt(firstRates, 1) : own));
  const begun = begunAs(run, net.weights, tensors);
  return {
    program,
    names,
    layers,
    loss: net.loss,
    run: {
      optimizer: run.optimizer,
      ...settings,
      seed: run.seed,
      shuffles: run.shuffle,
      meanWeight: 1,
    },
    rates,
    tensors,
    states: begun?.states.map((states) => states.map((own) => Float64Array.from(own)))
      ?? tensors.map(({ length }) => first.map((own) => new Float64Array(length).fill(own))),
    at: { step: begun?.step ?? 0, epoch: begun?.epoch ?? 0, first: 0 },
    losses: begun?.losses ?? [],
    edits: toldEdits(value, choices, made),
    data: examples.train,
    test: examples.test.n ? examples.test : null,
    plane: examples.plane && planeOf(examples.plane, value.data.features, loss.target, outputs),
  };
};
