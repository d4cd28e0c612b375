// The numbers of one tensor as a table of fields: read, changed at the step that the training is at, frozen.

const [ROWS_AT_ONCE, CELLS_AT_ONCE] = [24, 1536]; // the most that the table shows
const TABLE_EVERY = 250; // milliseconds, while training goes on

// w5 or b2, as the tutorials number them: see `trees.number`.
const weightNumber = (names, tensors, k, place) => {
  const letterOf = (name) => name.split('.').at(-1);
  const letter = letterOf(names[k]);
  if (letter !== 'W' && letter !== 'b') return `${names[k]}[${place}]`;
  const before = names.slice(0, k).reduce((sum, name, j) => sum + (letterOf(name) === letter ? tensors[j].rows * tensors[j].columns : 0), 0);
  return `${letter.toLowerCase()}${before + place + 1}`;
};

const weightTable = ({ state, run, words, root }) => {
  let [tensor, first, shown, last] = [0, 0, '', 0];
  let cells = [];
  const told = () => run.made?.told;
  const most = () => Math.max(1, Math.min(ROWS_AT_ONCE, Math.floor(CELLS_AT_ONCE / told().program.tensors[tensor].columns)));
  const choice = new ChoiceField({
    words, label: () => words.say('weights.of'), options: () => (told()?.names ?? []).map((name, k) => {
      const { rows, columns } = told().program.tensors[k];
      return [k, `${name}  ${rows} × ${columns}`];
    }),
    get: () => tensor, set: (value) => {
      [tensor, first] = [Number(value), 0];
      show();
    },
  });
  // A tensor, or one number of it, is frozen or let go.
  const isFrozen = (own) => state.value.run.frozen.some((each) => same(each, own));
  const turned = (own) => {
    const others = state.value.run.frozen.filter((each) => !same(each, own));
    state.change('run.frozen', isFrozen(own) ? others : [...others, own]);
  };
  const frozen = new TickField({
    words, label: () => words.say('weights.frozen'), hint: () => words.say('weights.frozen_hint'),
    get: () => isFrozen(told()?.names[tensor]), set: () => turned(told().names[tensor]),
  });
  const pages = new ChoiceField({
    words, label: () => words.say('weights.rows'), get: () => first, set: (value) => {
      first = Number(value);
      show();
    },
    options: () => {
      const rows = told()?.program.tensors[tensor]?.rows ?? 0;
      return Array.from({ length: Math.ceil(rows / most()) }, (_, k) => [k * most(), `${k * most() + 1} – ${Math.min(rows, (k + 1) * most())}`]);
    },
  });
  const frame = node('div', { class: 'table', tabindex: 0, role: 'group', 'data-label': 'weights.title' });
  root.append(node('div', { class: 'fields row' }, choice.root, frozen.root, pages.root), node('p', { class: 'note', 'data-say': 'weights.note' }), frame);

  // A cell is a field: what is typed in it is the number from this step on.
  const cellOf = (place) => {
    const name = weightNumber(told().names, told().program.tensors, tensor, place);
    const made = new ParameterField({ words, run, label: () => name, hint: () => name, at: () => [tensor, place] });
    const pin = node('button', { type: 'button', class: 'pin', click: () => turned([told().names[tensor], place]) }, '❄');
    made.input.after(pin);
    const showNumber = made.show.bind(made);
    made.show = () => {
      const whole = isFrozen(told().names[tensor]);
      pin.setAttribute('aria-pressed', whole || isFrozen([told().names[tensor], place]));
      pin.disabled = whole;
      pin.title = words.say('weights.freeze', { name });
      pin.setAttribute('aria-label', pin.title);
      return showNumber();
    };
    return made;
  };

  const rebuilt = () => {
    const { rows, columns } = told().program.tensors[tensor];
    const inputs = columns === 1 ? [''] : Array.from({ length: columns }, (_, k) => String(k + 1));
    cells = [];
    const body = Array.from({ length: Math.min(most(), rows - first) }, (_, j) => {
      const own = inputs.map((__, k) => cellOf((first + j) * columns + k));
      cells.push(...own);
      return node('tr', {}, node('th', { scope: 'row' }, String(first + j + 1)), ...own.map((cell) => node('td', {}, cell.root)));
    });
    const head = node('tr', {}, node('th', { scope: 'col', 'data-say': 'weights.unit' }), ...inputs.map((name) => node('th', { scope: 'col' }, name)));
    frame.replaceChildren(node('table', { 'aria-labelledby': 'weights-title' }, node('thead', {}, head), node('tbody', {}, ...body)));
  };

  const show = () => {
    if (!told()) return;
    if (tensor >= told().names.length) [tensor, first] = [0, 0];
    const now = JSON.stringify([told().names, told().program.tensors, tensor, first]);
    if (now !== shown) {
      shown = now;
      rebuilt();
    }
    words.fill(root);
    [choice, frozen, pages].forEach((field) => field.show());
    pages.root.hidden = told().program.tensors[tensor].rows <= most();
    cells.forEach((cell) => cell.show());
  };
  run.on('made', show);
  state.on('run.frozen', show);
  return {
    update() {
      if (run.playing && performance.now() - last < TABLE_EVERY) return;
      last = performance.now();
      show();
    },
  };
};
