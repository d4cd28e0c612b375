// The working of any number at the step that comes next: which one, in which convention, and its lines.

const MOST_OF_BATCH = 1000; // of a batch, up to which every example has its share in the mean

const CONVENTIONS = { mazur: 'Mazur', nielsen: 'Nielsen', '3blue1brown': '3Blue1Brown', pytorch: 'PyTorch' };

const equal = (sign, text, kind = '') => node('div', { class: kind }, node('span', {}, sign), ...lineWork.formulaElements(text));

const workingLine = (words, { symbol, formula, numbers, result, note, rounded, holds }) => {
  const equals = [formula, numbers].filter(Boolean).map((part) => equal('=', part));
  const remarks = [note, rounded ? words.say('working.rounded') : ''].filter(Boolean).join('; ');
  if (result) {
    const last = equal(rounded ? '≈' : '=', result, 'result');
    if (holds) last.append(node('span', { class: 'remark' }, words.say('working.holds'), ' ', ...lineWork.formulaElements(holds)));
    if (remarks) last.append(node('span', { class: 'remark' }, remarks));
    equals.push(last);
  }
  return node('li', {}, node('div', { class: 'symbol' }, ...lineWork.formulaElements(symbol)), node('div', { class: 'equals' }, ...equals));
};

const FEW_LINES = 12; // up to which a part is open at once

// A part that can be opened and closed; `opened` keeps which of them a reader has.
const workingPart = (words, { name, title, note, lines }, opened) => {
  const made = node('details', {}, node('summary', {}, node('h3', {}, title)), ...(note ? [node('p', { class: 'note' }, note)] : []), node('ol', {}, ...lines.map((line) => workingLine(words, line))));
  made.open = opened.get(name) ?? lines.length <= FEW_LINES;
  made.querySelector('summary').addEventListener('click', () => opened.set(name, !made.open));
  return made;
};

const workingPanel = ({ state, run, words, known, root }) => {
  const field = (name, made) => node('label', {}, node('span', { 'data-say': `working.${name}` }), ' ', made);
  const [kind, example, notation] = ['kind', 'example', 'notation'].map((name) => node('select', { name }));
  const matrix = node('input', { name: 'matrix', type: 'checkbox' });
  notation.append(...Object.entries(CONVENTIONS).map(([name, title]) => new Option(title, name)));
  let net = null; // the network that is made, as derivations have it
  let places = null; // of its units, once there is one
  let notes = null; // which of the program's values are a layer's
  let looked = null;
  let asked = 0;
  const opened = new Map();

  const subject = () => subjectParts(state.value.seen.subject, places);
  const number = new NumberField({ words, label: () => words.say('working.number'), get: () => places && subject().number, set: (own) => places && choose({ number: own }) });
  Object.assign(number.input, { name: 'number', size: 6 });
  number.input.addEventListener('keydown', ({ key }) => {
    const by = { ArrowUp: 1, ArrowDown: -1 }[key];
    if (by && places && within(subject().number + by, number.bounds)) choose({ number: subject().number + by });
  });
  const said = node('p', { class: 'note' });
  const lines = node('div', { class: 'lines' });
  root.append(node('div', { class: 'choose' }, field('of', kind), number.root, field('example', example), field('notation', notation), field('matrix', matrix)), said, lines);

  const choose = (given) => state.change('seen.subject', subjectText({ ...subject(), ...given }, places));
  kind.addEventListener('change', () => places && choose({ kind: kind.value, number: 1 }));
  example.addEventListener('change', () => state.change('seen.example', Number(example.value)));
  matrix.addEventListener('change', () => state.change('seen.matrix', matrix.checked));
  notation.addEventListener('change', () => state.change('seen.notation', notation.value));

  // The network as derivations have it, once another one is made.
  const made = () => {
    const { told, examples } = run.made;
    net = { inputs: examples.inputs, layers: told.layers, loss: told.loss };
    places = new lineWork.LinePlaces(known.lines, net, true);
    const parameters = Object.fromEntries(Object.entries(known.choices.activations).map(([name, row]) => [name, row.parameter]));
    const lowering = new NotedLowering(known.patterns, parameters, true);
    lowering.program({ inputs: examples.inputs, layers: told.layers, heads: [] });
    ({ notes } = lowering);
  };

  const fill = () => {
    const { kind: own } = subject();
    const kinds = subjectKinds(places);
    kind.replaceChildren(...kinds.map(([name]) => new Option(name.includes('.') ? words.say('working.other', { name }) : words.say(`working.kind.${name}`), name)));
    kind.value = own;
    number.bounds = { whole: true, least: 1, most: kinds.find(([name]) => name === own)[1] };
    number.root.hidden = number.bounds.most === 1;
    number.show();
    notation.value = state.value.seen.notation;
    matrix.checked = Boolean(state.value.seen.matrix);
  };

  const update = ({ names, run: { optimizer } }, { at, tensors }, settings) => ({
    optimizer,
    options: optionsOf(settings, optimizer, known.choices),
    rate: rateAt(engineSettings(settings, optimizer, known.choices).rates, at.step + 1),
    step: at.step + 1,
    states: Object.fromEntries(names.map((name, k) => [name, tensors[k].states])),
    frozen: settings.frozen,
  });

  const show = () => {
    fill();
    const { told, examples } = run.made;
    if (headsOf(known.choices, told.loss)) {
      said.textContent = words.say('working.heads');
      lines.replaceChildren();
      return;
    }
    const { rows } = looked;
    const row = Math.max(0, rows.indexOf(state.value.seen.example));
    example.replaceChildren(...rows.map((own, k) => new Option(k + 1, own)));
    example.value = rows[row];
    example.parentElement.hidden = rows.length === 1;
    const of = subjectKey(subject(), places);
    if (!of) {
      said.textContent = words.say('working.not_weighted');
      lines.replaceChildren();
      return;
    }
    const settings = settingsAt(state.value, looked.at.step);
    const { l1, l2 } = settings;
    const draw = { seed: told.run.seed, step: looked.at.step + 1 };
    const given = {
      net: { ...net, loss: told.loss, l1, l2 },
      parameters: Object.fromEntries(told.names.map((name, k) => [name, looked.tensors[k].array])),
      numbers: lookNumbers({ places, notes, values: looked.values, data: examples.train, rows, draw }),
      trains: true, of, notation: state.value.seen.notation in CONVENTIONS ? state.value.seen.notation : 'mazur', rows: [row], update: looked.whole ? update(told, looked, settings) : null,
      say: (phrase, ...holes) => words.phrase(phrase, ...holes),
    };
    const derivation = new lineWork.Derivation(known.lines, given);
    said.textContent = words.say(!looked.whole ? 'working.one_of_many' : rows.length > 1 ? 'working.step_of' : 'working.step', { step: whole(draw.step), n: whole(rows.length), example: whole(row + 1), most: whole(MOST_OF_BATCH) });
    if (matrix.checked) lines.replaceChildren(...matrixForm(words, known.lines, { places, derivation, numbers: given.numbers }));
    else lines.replaceChildren(...derivation.written('mathml').map((part) => workingPart(words, part, opened)));
    lines.dataset.step = draw.step;
  };

  const follow = async (frame) => {
    if (!frame || !run.made || run.playing || frame.diverged) return;
    const own = ++asked;
    const { told, examples } = run.made;
    const { batch } = settingsAt(state.value, frame.at.step);
    const every = nextRows({ ...told.run, at: frame.at, n: examples.train.n, batch });
    const rows = every.length > MOST_OF_BATCH ? every.slice(0, 1) : every;
    const answer = await run.look(rows, frame.at.step + 1);
    if (!answer || own !== asked || run.playing) return;
    looked = { ...answer, rows, whole: rows === every };
    show();
  };

  const again = () => looked && show();
  run.on('made', () => {
    made();
    looked = null;
  });
  run.on('playing', (playing) => {
    lines.setAttribute('aria-busy', String(playing));
    if (playing) said.textContent = words.say('working.playing');
    else follow(run.frame);
  });
  ['subject', 'notation', 'example', 'matrix'].forEach((name) => state.on(`seen.${name}`, again));
  return { update: follow };
};
