// The controls, and the beginning: everything is put in its place and drawn once.

const GROUPS = { w: 'Weights', b: 'Biases', parameter: 'Other parameters', x: 'Inputs', a: 'Units', z: 'Units', C: 'The whole', all: 'The whole' };

const choices = () => {
  const groups = new Map();
  subjects.forEach(({ id, kind }, k) => {
    const key = page.keys[id];
    const word = { C: 'the cost', all: 'every weight and bias' }[kind];
    const name = word ?? (kind === 'x' || kind === 'a' ? page.unitName(kind, key.layer, key.unit) : nameText(key.name));
    if (!groups.has(GROUPS[kind])) groups.set(GROUPS[kind], el('optgroup', { label: GROUPS[kind] }));
    groups.get(GROUPS[kind]).append(new Option(name, k));
  });
  $('subject').append(...Object.values(GROUPS).filter((name, k, all) => all.indexOf(name) === k && groups.has(name)).map((name) => groups.get(name)));
};

const rate = () => {
  if (!page.update || !page.live) return;
  const name = nameText(page.letters.rate);
  const input = field(name, [(number) => number >= 0, 'a number from 0'], (number) => edit('rate', {}, number, name));
  input.id = 'rate';
  input.show(page.update.rate);
  $('rates').append(el('span', {}, 'rate ', math(nameMath(page.letters.rate).text)), input);
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
  $('subject').addEventListener('change', (event) => choose(Number(event.target.value)));
  $('row').addEventListener('change', (event) => {
    Object.assign(state, { row: Number(event.target.value), stage: undefined });
    refresh();
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

let width = 0;
const place = () => {
  const now = $('drawing').clientWidth;
  if (!now || now === width) return;
  width = now;
  drawing.layout(width);
  drawing.update(values);
  light();
  chart();
};

const open = () => {
  document.documentElement.dataset.notation = page.notation;
  choices();
  rate();
  const rows = rowsOf(subjects[0]);
  if (rows.length) [state.row] = rows;
  $('rows').hidden = page.data.n === 1;
  $('training').hidden = !page.update?.rounds;
  $('reset').hidden = !page.live;
  $('closing').textContent = page.closing.join('\n');
  width = $('drawing').clientWidth;
  drawing.layout(width);
  refresh();
  listen();
  if (page.update?.rounds) showRound(0);
  restart();
  document.documentElement.dataset.ready = performance.now().toFixed(1); // since the page was asked for
};

// Where the browser cannot compile the engine, the derivation is shown as text.
const plain = (error) => {
  const text = new DOMParser().parseFromString(document.querySelector('noscript').textContent, 'text/html').body;
  const why = 'This browser cannot work the numbers of this page out: it lacks WebAssembly with vectors, or DecompressionStream.';
  delete document.documentElement.dataset.live;
  document.body.append(el('p', { role: 'alert', title: String(error) }, why), el('pre', {}, text.textContent));
};

const begin = async () => {
  if (page.live) {
    try {
      engine = await Engine.unpacked(page.engine.module);
      net = new Net(engine, page);
    } catch (error) {
      return plain(error);
    }
  }
  values = new Values(page, net, state);
  return open();
};

begin();
