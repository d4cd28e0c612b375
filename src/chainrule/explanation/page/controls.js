// The controls, and the beginning: everything is put in its place and drawn once.

const GROUPS = { w: 'Weights', b: 'Biases', parameter: 'Other parameters', x: 'Inputs', a: 'Units', z: 'Units', C: 'The whole', all: 'The whole' };

const choices = () => {
  const groups = new Map();
  subjects.forEach(({ id, kind }, k) => {
    const key = page.keys[id];
    const word = { C: 'the cost', all: 'every weight and bias' }[kind];
    const name = word ?? (kind === 'x' || kind === 'a' ? page.unitName(kind, key.layer, key.unit) : textOf(key));
    if (!groups.has(GROUPS[kind])) groups.set(GROUPS[kind], el('optgroup', { label: GROUPS[kind] }));
    groups.get(GROUPS[kind]).append(new Option(name, k));
  });
  $('subject').append(...Object.values(GROUPS).filter((name, k, all) => all.indexOf(name) === k && groups.has(name)).map((name) => groups.get(name)));
};

const rate = () => {
  if (!page.update || !page.live) return;
  const name = asName(page.letters.rate).text;
  const input = field(name, [(number) => number >= 0, 'a number from 0'], (number) => edit('rate', {}, number, name), soon);
  input.id = 'rate';
  input.show(page.update.rate);
  $('rates').append(el('span', {}, 'rate ', ...formulaElements(asName(page.letters.rate).math)), input);
};

const arrows = (event) => {
  const inside = event.target.closest?.('input, select, .table');
  if (inside || event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key === 'ArrowRight') forth();
  else if (event.key === 'ArrowLeft') back();
  else return;
  pause();
  event.preventDefault();
};

const listen = () => {
  const controls = { first: () => move(-1), back, play, next: forth, last: () => move(Infinity), reset };
  for (const [id, act] of Object.entries(controls)) {
    $(id).addEventListener('click', () => {
      if (id !== 'play') pause();
      act();
    });
  }
  $('subject').addEventListener('change', ({ target }) => {
    const subject = Number(target.value);
    soon(() => choose(subject));
  });
  $('row').addEventListener('change', ({ target }) => {
    const row = Number(target.value);
    soon(() => {
      Object.assign(state, { row, stage: undefined });
      refresh();
    });
  });
  $('slider').addEventListener('input', (event) => go(roundAt(event.target.value / 1000, page.update.rounds)));
  $('round').addEventListener('change', (event) => {
    const number = read(event.target.value);
    const { rounds } = page.update;
    const fits = Number.isInteger(number) && number >= 0 && number <= rounds;
    complain(event.target, fits ? '' : `the round must be a whole number from 0 to ${rounds}, got “${event.target.value}”; nothing is changed`);
    if (fits) go(number);
  });
  document.addEventListener('keydown', arrows);
  new ResizeObserver(() => place()).observe($('drawing'));
};

const place = () => {
  const now = $('drawing').clientWidth;
  if (!now || now === width) return;
  width = now;
  drawing.layout(width);
  drawing.update(values);
  light();
  chart();
};

// The first view is of Python's numbers, until the engine is there.
const open = () => {
  document.documentElement.dataset.notation = page.notation;
  choices();
  rate();
  const rows = rowsOf(subjects[0]);
  if (rows.length) [state.row] = rows;
  for (const [id, value] of page.first.keys) page.known.set(`${state.row} ${id}`, value);
  $('rows').hidden = page.data.n === 1;
  $('training').hidden = !page.update?.rounds;
  $('reset').hidden = !page.live;
  $('closing').textContent = page.closing.join('\n');
  drawing.layout(width);
  refresh();
  listen();
  if (page.update?.rounds) showRound(0);
  document.documentElement.dataset.ready = performance.now().toFixed(1); // since the page was asked for
};

// Where the browser cannot compile the engine, the derivation is shown as text.
const plain = (error) => {
  const text = new DOMParser().parseFromString(document.querySelector('noscript').textContent, 'text/html').body;
  const why = 'This browser cannot work the numbers of this page out: it lacks WebAssembly with vectors, or DecompressionStream.';
  delete document.documentElement.dataset.live;
  document.body.append(el('p', { role: 'alert', title: String(error) }, why), el('pre', {}, text.textContent));
};

// The engine, once the page is drawn; then what was asked for before.
const wake = async () => {
  try {
    engine = await Engine.unpacked($('engine').textContent);
    net = new Net(engine, page);
  } catch (error) {
    return plain(error);
  }
  refresh();
  restart();
  document.documentElement.dataset.engine = performance.now().toFixed(1);
  asked.splice(0).forEach((act) => act());
  return undefined;
};

if (page.live) document.documentElement.dataset.engine = 'waits';
open();
if (page.live) document.addEventListener('DOMContentLoaded', () => setTimeout(wake));
