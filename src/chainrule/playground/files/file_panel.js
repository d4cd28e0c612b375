// The network as a file of Chainrule's, out and in: the network file that `chainrule explain` reads, and the
// model that `chainrule.load` reads. What is dropped on the page is read too.

const MOST_FILE_BYTES = 64 * 2 ** 20; // of a file that is read

const fileEnding = (name) => name.slice(name.lastIndexOf('.') + 1).toLowerCase();

// What is changed for a network that a file holds: [[path, value]], and the examples that it brings. What the page
// could not be in is refused before anything has changed.
const changesOfFile = async (name, bytes, page) => {
  const before = page.known.model;
  try {
    const made = await madeOfFile(name, bytes, page);
    const next = new State(page.state.value);
    next.together(made.changes);
    checkState(next.value, page.known.choices);
    if (fileEnding(name) === 'toml') page.known.model = undefined; // whose examples these are not
    return made;
  } catch (error) {
    page.known.model = before;
    throw error;
  }
};

const madeOfFile = async (name, bytes, { state, run, known }) => {
  if (bytes.length > MOST_FILE_BYTES) refuse('files.large', { most: MOST_FILE_BYTES / 2 ** 20 });
  if (fileEnding(name) !== 'toml') {
    const network = await readModelBytes(bytes, known.choices);
    if (network.columns) return tableModelChanges(network, { state, known });
    const { inputs, outputs } = run.examplesOf(state.value.data, lossOf(known.choices, network.loss));
    if (network.inputs !== inputs) refuse('files.other_inputs', { inputs: network.inputs, wanted: inputs });
    const net = netOfFile(network, known);
    checkOutputs(net, network.inputs, outputs, known);
    return { changes: [['net', net], ['run', runOfFile(network, state.value.run, known.choices)]], left: [] };
  }
  const { network, trained, examples, left } = readNetworkToml(new TextDecoder().decode(bytes), known.choices);
  const net = netOfFile(network, known);
  const layers = net.layers.map((own) => wholeLayer(own, known.choices));
  const { optimizer, numbers, schedule, batch } = trained;
  const frozen = namesMeant(trained.freeze, beginnings(layers, known.choices).map((own) => own.name));
  const inputs = network.inputs;
  const outputs = examples.labels ? widthOf(layers, inputs, known) : examples.y.length / examples.n;
  checkOutputs(net, inputs, outputs, known);
  const names = {
    inputs: examples.names?.inputs ?? Array.from({ length: inputs }, (_, k) => `x${k + 1}`),
    outputs: examples.names?.outputs ?? Array.from({ length: outputs }, (_, k) => (examples.labels ? `${k}` : `y${k + 1}`)),
  };
  const wrong = ['inputs', 'outputs'].find((name) => names[name].length !== { inputs, outputs }[name]);
  if (wrong) refuse('files.key', { key: `names.${wrong}` });
  if (examples.labels?.some((label) => !(label >= 0 && label < outputs))) refuse('files.key', { key: 'targets' });
  const given = { ...examples, inputs, outputs, names };
  const { value } = state;
  const ran = { ...START.run, optimizer, numbers, schedule, frozen, batch: batch ?? examples.n };
  return { given, changes: [['net', net], ['run', ran], ['data', { ...value.data, set: 'given', test: 0 }]], left };
};

// A model of a table is that of the examples in the page, of the table that the page holds, or of one that comes.
const tableModelChanges = ({ columns, ...network }, { state, known }) => {
  const { data, run } = state.value;
  const changes = [['net', netOfFile(network, known)], ['run', { ...run, frozen: [], begun: null }]];
  if (data.set === 'given' && same(known.given.names.inputs, inputNames(columns))) {
    known.model = columns;
    return { changes, left: [], given: { ...known.given, said: columns.said } };
  }
  known.model = { ...columns, changes };
  const table = data.set === 'own' && tables.own.get(data.own.id);
  if (!table || !isTableOf(columns, table)) return { changes: [], left: [], waits: true };
  const every = encoded(known, table, data);
  return { changes: every, left: [], given: known.given };
};

const checkOutputs = ({ layers, loss }, inputs, outputs, known) => {
  const width = widthOf(layers.map((own) => wholeLayer(own, known.choices)), inputs, known);
  if (width !== outputs) refuse('run.outputs', { outputs: width, wanted: outputs });
  checkEnd(layers, lossOf(known.choices, loss), known.choices);
};

const widthOf = (layers, inputs, { patterns, choices }) => {
  const parameters = Object.fromEntries(Object.entries(choices.activations).map(([name, row]) => [name, row.parameter]));
  const { values, output } = new Lowering(patterns, parameters, true).program({ inputs, layers, heads: [] });
  return values[output].width;
};

const filesPanel = ({ state, run, words, known, root }) => {
  const wrong = node('p', { class: 'wrong', role: 'alert' });
  const note = node('p', { class: 'note', 'aria-live': 'polite' });
  let said = { place: note, parts: [] };
  const say = (place, ...parts) => {
    said = { place, parts };
    [wrong, note].forEach((own) => { own.textContent = own === place ? parts.map(([word, holes]) => refusalSaid(words, { word, holes })).join(' ') : ''; });
  };

  // Out
  const rows = node('select', { 'data-label': 'files.rows' }, node('option', { value: 'one', 'data-say': 'files.rows_one' }), node('option', { value: 'all', 'data-say': 'files.rows_all' }));
  const shownRows = () => {
    const { n } = run.made.examples.train;
    return rows.value === 'all' ? Array.from({ length: n }, (_, k) => k) : [Math.min(state.value.seen.example, n - 1)];
  };
  const toml = () => {
    const { optimizer, frozen } = state.value.run;
    const { at: { step } } = run.frame;
    const { numbers, schedule } = settingsAt(state.value, step);
    const [tensors, numbersOf] = [frozen.filter((own) => !Array.isArray(own)), frozen.filter(Array.isArray)];
    const single = numbersOf.length ? words.say('files.frozen', { count: numbersOf.length }) : '';
    return networkToml({
      network: networkAsItStands(state.value, run.made, run.frame.tensors, known.choices), trained: { optimizer, numbers: { learning_rate: optionsOf({ numbers }, optimizer, known.choices).learning_rate, ...numbers }, schedule: schedule && resumed(schedule, step), frozen: tensors },
      examples: exampleRows(shownRows(), run.made), comment: [words.say('files.comment', { step: whole(step) }), single].filter(Boolean).join('\n# '),
    });
  };
  let left = []; // what is said of what a file lacks
  const out = async (write, name) => {
    if (!(await run.settled())) return;
    try {
      left = [];
      saveAs(await write(), name);
      say(note, ['files.written', { name }], ...left);
    } catch (error) {
      if (!error.word) throw error;
      say(wrong, [error.word, error.holes]);
    }
  };
  const asToml = node('button', { type: 'button', name: 'toml', 'data-say': 'files.toml_out', click: () => out(() => new Blob([toml()], { type: 'application/toml' }), 'network.toml') });
  const model = async () => {
    const made = await modelNow(state.value, run.made, await run.ask('stand'), known);
    ({ left } = made);
    return made.blob;
  };
  const asModel = node('button', { type: 'button', name: 'model', 'data-say': 'files.model_out', click: () => out(model, 'network.model') });

  // In
  const read = async (file) => {
    const before = known.given;
    try {
      const { changes, given, left, waits } = await changesOfFile(file.name, new Uint8Array(await file.arrayBuffer()), { state, run, known });
      if (given) known.given = given;
      state.together(changes);
      if (given) run.remake(false);
      say(note, [waits ? 'files.needs_table' : 'files.read', { name: file.name }], ...(left.length ? [['files.left_out', { keys: left.join(', ') }]] : []));
    } catch (error) {
      known.given = before;
      if (!error.word) throw error;
      say(wrong, ['files.refused', { name: file.name }], [error.word, error.holes]);
    }
  };
  const isOurs = (file) => ['toml', 'model'].includes(fileEnding(file.name));
  addEventListener('dragover', (event) => { if (event.dataTransfer?.types.includes('Files')) event.preventDefault(); });
  addEventListener('drop', (event) => {
    const [file] = event.dataTransfer?.files ?? [];
    if (!file || !isOurs(file)) return;
    event.preventDefault();
    event.stopPropagation();
    read(file);
  }, { capture: true });

  root.append(
    node('p', { class: 'note', 'data-say': 'files.about' }),
    node('div', { class: 'out' }, asToml, rows, asModel),
    node('div', { class: 'in' }, fileButton('files.open', '.toml,.model', read)), wrong, note);
  return { update: (frame) => { if (!run.playing || !frame) say(said.place, ...said.parts); } };
};
