// The page: what is shown, and what happens when something is touched.

document.documentElement.dataset.live = ''; // the style hides what only a script fills

const $ = (id) => document.getElementById(id);

const page = JSON.parse($('data').textContent);
page.keys = page.keys.map((row, id) => ({ ...keyOf(row), id }));
page.steps = page.steps.map(([key, form, quantities, note, nested, fixed]) => ({ key, form, quantities, note, nested, fixed }));
page.labels = new Map(page.labels);
page.known = new Map();
page.held = new Map(page.held);
page.first.keys = new Map(page.first.keys);
for (const own of page.first.steps) {
  const [id, value = page.first.keys.get(page.steps[id].key)] = [own].flat();
  page.steps[id].fixed = value;
}
page.outputs = Array.from({ length: page.widths.at(-1) }, (_, j) => j);
page.headOf = (output) => page.heads.find(({ end }) => output < end);

const places = new Map(page.keys.filter((key) => !key.of.length && !key.text).map((key) =>
  [[key.kind, key.layer, key.unit, key.source].join(), key.id]));
page.find = (kind, layer, unit, source = 0) => places.get([kind, layer, unit, source].join());

// What quantities are called, as writers ask for it: the rest of a sum after whether it is of zeros.
const asName = ([, , , , text, math, level]) => ({ text, math, level });
const names = {
  name(key, value) {
    if (key.kind === 'd') return { ratio: key.of.map((id) => this.name(page.keys[id])) };
    const own = key.example === HERE ? page.names[state.row][key.id] : key.name;
    return asName(key.ofZeros && value === 0 ? key.ofZeros : own);
  },
};
const [inText, inMath] = ['text', 'mathml'].map((format) => new FormulaWriter(page.shapes, format, names));
const textOf = (key) => inText.named(key).text;

page.unitOf = (layer, j) => page.units[layer + 1][page.shown.units[layer + 1].indexOf(j)] ?? '';

page.unitName = (kind, layer, j) => {
  const own = page.unitOf(layer, j);
  const label = page.labels.get(page.find(kind, layer, j));
  return label ? `${own} ${label}` : own;
};

// Parameters, how they are said, and what is drawn of them.
const WORDS = { w: 'weight', b: 'bias', parameter: 'parameter' };
for (const key of page.keys.filter(({ kind }) => WORDS[kind])) {
  Object.assign(key, { el: `p/${key.id}`, said: `${WORDS[key.kind]} ${textOf(key)}` });
}
for (const [layer, j, from, k, id] of page.shown.edges.filter((edge) => edge[4] >= 0)) {
  const ends = `from ${page.unitOf(from, k)} to ${page.unitOf(layer, j)}`;
  Object.assign(page.keys[id], { el: edgeOf(layer, j, k), said: `${page.keys[id].said} ${ends}` });
}
for (const [layer, j, id] of page.shown.biases) {
  Object.assign(page.keys[id], { el: biasOf(layer, j), said: `${page.keys[id].said} of ${page.unitOf(layer, j)}` });
}

const given = () => ({
  X: decode(page.data.X),
  y: decode(page.data.y),
  tensors: page.engine?.tensors.map(([array, states]) => ({ array: decode(array), states: states.map(decode) })),
  rate: page.update?.rate ?? 0,
});

let start = given();
const state = { ...start, round: 0, row: 0, subject: 0, stage: undefined, hovered: undefined };
let net = null; // where the page works its numbers out, once the engine is there
let engine;
let values;
let training;
let playing;

// What needs numbers that are not there yet waits for the engine.
const asked = [];
const soon = (act) => {
  if (net || !page.live) act();
  else asked.push(act);
};

// Subjects

const subjects = page.subjects.map(([id, parts]) => (
  { id, kind: page.keys[id].kind, parts: parts.map(([title, ...own]) => [...page.titles[title], ...own]) }));
const rowsOf = ({ parts }) => [...new Set(parts.map((part) => part[2]).filter((row) => row >= 0))];
const partsOf = (row) => subjects[state.subject].parts.filter(([, , own]) => own < 0 || own === row);

// The parts that are shown; the cost has the lines of the classes that the example has now.
const partsNow = () => partsOf(state.row).map(([title, note, row, own, costs]) =>
  [title, note, row, page.costs[costs]?.[classes()] ?? own]);

// The outputs whose shares of the cost are written, where a class has one alone.
const classes = () => page.outputs.filter((j) => {
  const { softmax, smoothing } = page.headOf(j);
  return softmax && !smoothing && state.y[state.row * page.outputs.length + j];
}).join();

// What a derivation ends with: the derivative of the cost, before the update.
const ending = () => {
  const { id, kind } = subjects[state.subject];
  const ids = partsNow().flatMap((part) => part[3]).map((step) => page.steps[step].key);
  const ends = (key) => (kind === 'C' ? key.kind === 'C' : key.kind === 'd' && key.of[1] === id && (key.of[0] === page.of || page.keys[key.of[0]].kind === 'C'));
  return ids.findLast((each) => ends(page.keys[each]));
};

const select = (own) => {
  const wanted = own.startsWith('y/') ? 'C' : own;
  const [first] = page.ties.find((group) => group.some((id) => elementOf(id, page.keys) === wanted)) ?? [];
  const found = subjects.findIndex(({ id }) => id === first || elementOf(id, page.keys) === wanted);
  if (found < 0) return say(drawing.items.get(own)?.getAttribute('aria-label') ?? '');
  return choose(found);
};

const choose = (subject) => {
  Object.assign(state, { subject, stage: undefined });
  const rows = rowsOf(subjects[subject]);
  if (!rows.includes(state.row)) state.row = rows[0];
  pause();
  refresh();
  $('derivation').scrollTo({ top: 0 });
  say(outcome());
};

const outcome = () => {
  const end = ending();
  return end === undefined ? 'every weight and bias' : `${textOf(page.keys[end])} = ${text(result(end), page.digits || DIGITS)}`;
};

const result = (end) => values.of(end, page.known.get(`${state.row} ${end}`));

const say = (words) => { $('said').textContent = words; };

Values.prototype.updated = function updated(id) {
  const [first] = page.ties.find((group) => group.includes(id)) ?? [id];
  const own = subjects.find((subject) => subject.id === first);
  const part = own?.parts.find(([name]) => name === 'The update');
  if (part && page.live && !net) return page.held.get(page.steps[part[3].at(-1)].key);
  return part && [...new Values(page, net, this.state).steps(part[3])].at(-1).value;
};

// Views

const hover = (own, on) => {
  state.hovered = on ? own : undefined;
  light();
};

let width = $('drawing').clientWidth; // before much has been laid out
const drawing = new Drawing($('drawing'), page, { select: (own) => soon(() => select(own)), hover });
const derivation = new Derivation($('derivation'), page, { hover });
const tables = new Tables($('tables'), page, {
  select: (own) => soon(() => select(own)), hover, edit: (...change) => edit(...change), soon: (act) => soon(act),
});
const curve = new Curve($('curve'), (round) => go(round));

const light = () => {
  const stage = derivation.stages[state.stage];
  const path = stage ? stage.lit : derivation.path;
  const selected = elementOf(subjects[state.subject].id, page.keys);
  drawing.light({ selected, path, hovered: state.hovered });
  derivation.light(state.hovered);
};

const head = () => {
  const { kind } = subjects[state.subject];
  const end = ending();
  const symbol = kind === 'all' || end === undefined ? ['every weight and bias'] : formulaElements(inMath.named(page.keys[end]).text);
  $('symbol').replaceChildren(...symbol);
  $('value').replaceChildren(...(end === undefined ? [] : formulaElements(`<mo>=</mo>${inMath.figure(figure(result(end), page.digits || DIGITS)).text}`)));
  $('subject').value = state.subject;
  const rows = rowsOf(subjects[state.subject]);
  $('row').replaceChildren(...rows.map((row) => new Option(`example ${row + 1}`, row)));
  $('row').value = state.row;
};

// On a page of the core's numbers, what the steps hold is known.
const gather = () => {
  if (page.live) return;
  const note = (id, value) => page.known.set(`${state.row} ${id}`, value);
  for (const { key, formula, value } of new Values(page, net, state).steps(partsNow().flatMap((part) => part[3]))) {
    leaves(formula).forEach(([, own, number]) => note(own.id, number));
    note(key.id, value);
  }
};

const refresh = () => {
  if (net) net.run(state.tensors, state.X, state.y);
  gather();
  values = new Values(page, net, state, partsNow());
  const { id, kind } = subjects[state.subject];
  derivation.render(partsNow(), values, { id, kind });
  head();
  drawing.update(values);
  tables.update(values);
  step();
  chart();
  document.documentElement.dataset.round = state.round;
};
