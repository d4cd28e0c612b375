// A lesson beside the page: its words, buttons that change the page's state, and questions whose answers are
// checked by what the run has come to.

const LESSON_ROWS = 200; // examples that are looked at
const LESSON_EVERY = 250; // milliseconds, while training goes on

// Figures for which a pass is looked at.
const LOOKED_FIGURES = ['activation', 'delta', 'gradient', 'factor', 'dead', 'saturated', 'distinct'];

const isLookedAt = ({ reach = [], figure = {} }) =>
  [...reach.flatMap(([left, , right]) => [left, right]), figure].some(({ name }) => LOOKED_FIGURES.includes(name));

const lessonPanel = ({ state, run, words, known, root }) => {
  const own = new Map(); // lessons of a teacher's file, by their titles
  const done = new Set(); // what is answered: "lesson page part"
  let [shown, parts, last] = [null, [], 0];

  const textOf = (name) => {
    if (own.has(name)) return own.get(name);
    const { en, ...others } = known.lessons[name];
    return words.language in others ? translatedLesson(en, others[words.language]) : en;
  };
  const chosen = () => state.value.seen.lesson;
  const keyOf = (k) => `${chosen().name} ${chosen().page} ${k}`;

  // Keys go through the list of lessons and begin none: Enter does, or the button.
  let byKey = false;
  const choose = () => {
    begun.hidden = true;
    if (choice.value) begin(choice.value);
    else state.put('seen.lesson', null);
  };
  const change = () => {
    if (byKey) begun.hidden = choice.value === (chosen()?.name ?? '');
    else choose();
  };
  const key = (event) => {
    byKey = event.key !== 'Tab';
    if (event.key !== 'Enter' || begun.hidden) return;
    event.preventDefault();
    choose();
  };
  const choice = node('select', { name: 'lesson', 'data-label': 'lessons.title', change, keydown: key, pointerdown: () => { byKey = false; }, focus: () => { byKey = false; } });
  const begun = node('button', { type: 'button', name: 'begin', 'data-say': 'lessons.begin', hidden: true, click: () => {
    choose();
    page.querySelector('h3')?.focus();
  } });
  const wrong = node('p', { class: 'wrong', role: 'alert' });
  let refused = null; // { name, error } of a file that is no lesson
  const sayRefused = () => {
    const { name, error } = refused ?? {};
    wrong.textContent = refused ? [words.say('lessons.refused', { name }), ...(error.line ? [words.say('lessons.line', error)] : []), refusalSaid(words, error)].join(' ') : '';
  };
  const page = node('article', { class: 'lesson' });
  root.append(
    node('div', { class: 'choose' }, choice, begun, fileButton('lessons.open', '.txt', (given) => opened(given))), wrong, page);

  // A teacher's file, chosen or dropped here
  const opened = async (given) => {
    try {
      const text = await given.text();
      const tried = Object.assign(new State(state.value), { check: state.check });
      const { title } = LessonText.read(text, (changes) => tried.together(changes));
      own.set(title, text);
      refused = null;
      begin(title);
    } catch (error) {
      if (!error.word) throw error;
      refused = { name: given.name, error };
    }
    sayRefused();
  };
  root.addEventListener('dragover', (event) => event.preventDefault());
  root.addEventListener('drop', (event) => {
    event.preventDefault();
    event.stopPropagation();
    if (event.dataTransfer.files.length) opened(event.dataTransfer.files[0]);
  });

  const begin = (name) => {
    const { changes } = LessonText.read(textOf(name));
    [...done].filter((each) => each.startsWith(`${name} `)).forEach((each) => done.delete(each));
    run.anew([...changes, ['seen.lesson', { name, page: 0 }]]);
    show();
  };

  const turn = (by) => {
    state.put('seen.lesson', { ...chosen(), page: chosen().page + by });
    page.querySelector('h3').focus();
  };

  // What figures are taken of; with a pass, where one is needed. Null while there is no run of the state.
  const seenNow = async (answer) => {
    const { frame, made } = run;
    if (!frame) return null;
    const parameters = Object.fromEntries(Object.entries(known.choices.activations).map(([name, row]) => [name, row.parameter]));
    const lowered = loweredLayers(new Lowering(known.patterns, parameters, true), { inputs: made.examples.inputs, layers: made.told.layers });
    const seen = { frame, made, lowered, columns: networkColumns(lowered), example: Math.min(state.value.seen.example, made.examples.train.n - 1, LESSON_ROWS - 1) };
    if (!isLookedAt(answer)) return seen;
    const rows = Array.from({ length: Math.min(LESSON_ROWS, made.examples.train.n) }, (_, k) => k);
    const looked = await run.look(rows, 0);
    return looked && { ...seen, looked, layers: layerFlow(lowered, looked, frame.tensors, known.flow) };
  };

  const answered = (k, part, word, holes = {}) => {
    part.said = [word, holes];
    part.place.textContent = words.say(word, holes);
    part.place.className = word === 'lessons.right' || word === 'lessons.reached' ? 'judged true' : 'judged';
    if (part.place.className === 'judged true') done.add(keyOf(k));
    count();
  };

  const check = async (k, part, text) => {
    const number = typedNumber(text);
    if (!Number.isFinite(number)) return answered(k, part, 'lessons.no_number', { got: text });
    try {
      const seen = await seenNow(part.answer);
      if (!seen) return undefined;
      const found = judged(part.answer, number, seen);
      return answered(k, part, `lessons.${{ right: 'right', wrong: 'wrong', elsewhere: 'elsewhere' }[found]}`, { step: whole(part.answer.step ?? 0) });
    } catch (error) {
      if (!error.word) throw error;
      return answered(k, part, error.word, error.holes);
    }
  };

  const reach = async (k, part) => {
    if (done.has(keyOf(k)) || part.asking) return;
    part.asking = true;
    try {
      const seen = await seenNow(part.answer);
      const found = seen && isReached(part.answer.reach, seen);
      if (seen && parts[k] === part) answered(k, part, found ? 'lessons.reached' : 'lessons.not_reached');
    } catch (error) {
      if (!error.word) throw error;
      answered(k, part, error.word, error.holes);
    } finally {
      part.asking = false;
    }
  };

  // A part of the page that is meant stands out while the lesson's page is shown.
  const meant = (name) => {
    const section = document.getElementById(name);
    const title = words.say(name === 'training' ? 'training.controls' : `${name}.title`);
    section.classList.add('meant');
    return node('button', { type: 'button', class: 'look', click: () => goTo(section) }, words.say('lessons.look', { title }));
  };

  const partOf = (part, k) => {
    if (part.text) return node('p', {}, part.text);
    if (part.meant) return meant(part.meant);
    if (part.changes) return node('button', { type: 'button', class: 'do', click: () => run.anew(part.changes) }, part.said);
    part.place = node('p', { class: 'judged', role: 'status' });
    const name = `lesson-${k}`;
    if (part.answer.choices) {
      const options = part.answer.choices.map(({ text, right }) => node('label', {},
        node('input', { type: 'radio', name, change: () => answered(k, part, right ? 'lessons.right' : 'lessons.wrong') }), ' ', text));
      return node('fieldset', { class: 'question' }, node('legend', {}, part.question), ...options, part.place);
    }
    if (part.answer.reach) return node('div', { class: 'question' }, node('p', {}, part.question), part.place);
    const field = node('input', { type: 'text', id: name, inputmode: 'decimal', autocomplete: 'off', size: 10, keydown: (event) => event.key === 'Enter' && check(k, part, field.value) });
    return node('div', { class: 'question' }, node('label', { for: name }, part.question), ' ', field, ' ',
      node('button', { type: 'button', 'data-say': 'lessons.check', click: () => check(k, part, field.value) }), part.place);
  };

  const count = () => {
    const all = shown.pages.flatMap((each, at) => each.map((part, k) => part.question && `${chosen().name} ${at} ${k}`)).filter(Boolean);
    page.querySelector('.answered').textContent = words.say('lessons.answered', { done: all.filter((each) => done.has(each)).length, count: all.length });
  };

  const show = () => {
    const now = chosen();
    const names = [...Object.keys(known.lessons), ...own.keys()];
    const isThere = now && names.includes(now.name);
    choice.replaceChildren(node('option', { value: '' }, words.say('lessons.none')), ...names.map((name) =>
      node('option', { value: name }, /title:\s*(.+)/.exec(textOf(name))[1])));
    choice.value = isThere ? now.name : '';
    page.replaceChildren();
    document.querySelectorAll('.meant').forEach((own) => own.classList.remove('meant'));
    shown = isThere ? LessonText.read(textOf(now.name)) : null;
    if (!shown) return;
    const at = Math.min(now.page, shown.pages.length - 1);
    parts = shown.pages[at];
    page.append(
      node('h3', { tabindex: -1 }, shown.title), ...parts.map(partOf),
      node('div', { class: 'turn' },
        node('button', { type: 'button', name: 'back', 'data-say': 'lessons.back', disabled: at === 0, click: () => turn(-1) }),
        node('span', {}, words.say('lessons.page', { page: at + 1, pages: shown.pages.length })),
        node('button', { type: 'button', name: 'next', 'data-say': 'lessons.next', disabled: at === shown.pages.length - 1, click: () => turn(1) }),
        node('button', { type: 'button', name: 'again', 'data-say': 'lessons.again', click: () => begin(now.name) })),
      node('p', { class: 'note answered', role: 'status' }));
    words.fill(page);
    parts.forEach((part, k) => {
      if (part.place && done.has(keyOf(k))) answered(k, part, part.answer.reach ? 'lessons.reached' : 'lessons.right');
      else if (part.answer?.reach && run.made) reach(k, part);
    });
    count();
  };

  let language = null;
  state.on('seen.lesson', show);
  const update = () => {
    if (language !== words.language) {
      language = words.language;
      show();
      sayRefused();
    }
    const now = performance.now();
    if (!shown || !run.made || (run.playing && now - last < LESSON_EVERY)) return;
    last = now;
    parts.forEach((part, k) => { if (part.answer?.reach) reach(k, part); });
  };
  run.on('playing', (playing) => !playing && update());
  return { update };
};
