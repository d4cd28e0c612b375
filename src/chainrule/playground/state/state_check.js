// What a state may be, whoever gives it: a link, a lesson, a file, a field. What it may not be is refused by the
// word of a sentence, and nothing of it is taken.

// The numbers of a state by their paths, and their bounds.
const SEED = { whole: true, least: 0 };
const STATE_BOUNDS = {
  'data.n': { whole: true, least: 2, most: 20000 },
  'data.noise': { least: 0, most: 1 },
  'data.test': { least: 0, most: 0.9 },
  'data.seed': SEED,
  'net.l1': { least: 0 },
  'net.l2': { least: 0 },
  'net.seed': SEED,
  'run.batch': { whole: true, least: 1 },
  'run.seed': SEED,
  'at.step': SEED,
  'seen.example': SEED,
};

const isList = (value, isOne) => Array.isArray(value) && value.every(isOne);
const isNumberList = (value) => isList(value, Number.isFinite);

const isSettings = (own) => isTable(own?.numbers) && within(own.batch ?? 1, { whole: true, least: 1 }) && Array.isArray(own.frozen ?? []);

// Parts whose form START does not show.
const STATE_FORMS = {
  'data.own': (own) => own === null || (isTable(own) && isTable(own.uses) && ['id', 'name', 'y'].every((name) => typeof own[name] === 'string')),
  'net.layers': (own) => own.length && isList(own, (each) => Array.isArray(each) && isTable(each[1])),
  'net.weights': (own) => own === null || isList(own, (each) => each === null || isNumberList(each)),
  'run.begun': (own) => own === null || (isTable(own) && isList(own.states, (each) => isList(each, isNumberList))),
  'seen.speed': (own) => own === null || own > 0,
  'seen.lesson': (own) => own === null || (isTable(own) && within(own.page, SEED)),
  edits: (own) => isList(own, ([step, ...rest]) => within(step, SEED) && (rest.length === 1 ? isSettings(rest[0]) : isNumberList(rest) && rest.length % 3 === 0)),
};

const noForm = (name) => refuse('check.form', { name });

// Tables, lists, texts and numbers where START has them, and nothing else.
const checkForm = (value, start, path) => {
  if (isTable(start)) {
    if (!isTable(value)) noForm(path);
    if (path === 'run.numbers') return; // those of its optimizer
    const other = Object.keys(value).find((name) => !Object.hasOwn(start, name));
    if (other) refuse('network.unknown', { name: path ? `${path}.${other}` : other, known: Object.keys(start).join(', ') });
    Object.keys(start).forEach((name) => checkForm(value[name], start[name], path ? `${path}.${name}` : name));
  } else if (start !== null && path !== 'seen.speed' && (typeof value !== typeof start || Array.isArray(value) !== Array.isArray(start))) noForm(path);
};

const checkName = (name, table) => {
  if (!Object.hasOwn(table, name)) refuse('network.unknown', { name, known: Object.keys(table).join(', ') });
};

const checkRow = (text, table, path) => {
  const { row, numbers } = typeof text === 'string' ? namedRow(table, text) : noForm(path);
  numbers.forEach((number, k) => checkedNumber(text, String(number), row.takes[Math.min(k, row.takes.length - 1)] ?? noForm(path)));
};

const numberText = (value, path) => (typeof value === 'number' ? String(value) : noForm(path));

const CHECKS_OF_TYPES = {
  whole: (value, field, path) => checkedNumber(path, numberText(value, path), { ...field, whole: true }),
  number: (value, field, path) => checkedNumber(path, numberText(value, path), field),
  flag: (value, field, path) => typeof value === 'boolean' || noForm(path),
  rate: (value, field, path, choices) => (Array.isArray(value) ? checkSchedule(value, choices, path) : checkedNumber(path, numberText(value, path), field)),
  activation: (value, field, path, { activations }) => checkRow(value, activations, path),
  initialiser: (value, field, path, { initialiser_names: names }) => !value || checkName(value, Object.fromEntries(names.map((name) => [name]))),
  layers: (value, field, path, choices) => checkLayers(value, choices, path),
  columns: (value, field, path) => value === null || value === undefined || Array.isArray(value) || noForm(path),
};

const checkFields = (given, fields, choices, path) => {
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(fields, name)) refuse('network.unknown', { name: `${path}.${name}`, known: Object.keys(fields).join(', ') || '–' });
  }
  for (const [name, field] of Object.entries(fields)) CHECKS_OF_TYPES[field.type](given[name] ?? field.default, field, `${path}.${name}`, choices);
};

const checkSchedule = ([name, given], choices, path) => {
  checkName(name, choices.schedules);
  checkFields(isTable(given) ? given : noForm(path), choices.schedules[name], choices, path);
};

const checkLayers = (layers, choices, path) => {
  if (!Array.isArray(layers) || !STATE_FORMS['net.layers'](layers)) noForm(path);
  layers.forEach(([kind, options], k) => {
    if (!Object.hasOwn(choices.layers, kind)) refuse('run.kind', { kind });
    checkFields(options, choices.layers[kind], choices, `${path}.${k}`);
  });
};

const checkState = (value, choices) => {
  checkForm(value, START, '');
  for (const [path, fits] of Object.entries(STATE_FORMS)) if (!fits(partAt(value, path))) noForm(path);
  for (const [path, bounds] of Object.entries(STATE_BOUNDS)) checkedNumber(path, String(partAt(value, path)), bounds);
  const { data, net, run } = value;
  if (![PLANE_SETS, tables.sets, { own: 1, given: 1 }].some((sets) => Object.hasOwn(sets, data.set))) refuse('data.unknown', { set: data.set });
  data.features.forEach((name) => checkName(name, FEATURES));
  (headNames(net.loss) ?? [[net.loss]]).forEach(([name]) => checkRow(name, choices.losses, 'net.loss'));
  checkLayers(net.layers, choices, 'net.layers');
  checkName(run.optimizer, choices.optimizers);
  checkFields(run.numbers, choices.optimizers[run.optimizer], choices, 'run.numbers');
  if (run.schedule !== null) checkSchedule(isList(run.schedule, () => true) ? run.schedule : noForm('run.schedule'), choices, 'run.schedule');
};
