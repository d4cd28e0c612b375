// The start: what the page knows, the state of its address, the worker, and the wings.
//
//   wing({ state, run, words, known, root })   fills its section; what it returns may have update(frame),
//                                              called for each frame and once sentences are of another language

// What the page knows: its beginning as it stands, and what is the same in each, packed.
const known = async () => ({ ...JSON.parse(element('known').textContent), ...(await (await unpacked('packed')).json()) });

// A sentence at a place of its own, said anew in another language.
class Sentence {
  constructor(words, root) { Object.assign(this, { words, root, said: null }); }

  say(word, holes) {
    this.said = word && { word, holes };
    this.again();
  }

  // `why` is the word of another sentence within it.
  again() {
    const { word, holes } = this.said ?? {};
    this.root.textContent = word ? this.words.say(word, holes?.why in this.words.tables.en ? { why: this.words.say(holes.why) } : holes) : '';
  }
}

const chooseLanguage = (words, state, all) => {
  const field = element('language');
  field.append(...Object.entries(words.tables).map(([name, table]) => new Option(table['frame.this_language'], name)));
  const change = () => {
    words.language = state.value.seen.language ?? Words.suits(words.tables, navigator.languages);
    field.value = document.documentElement.lang = words.language;
    words.fill(document);
    all();
  };
  field.addEventListener('change', () => state.put('seen.language', field.value));
  state.on('seen.language', change);
  return change;
};

const takeBack = (state) => {
  const [undo, redo] = [element('undo'), element('redo')];
  undo.addEventListener('click', () => state.undo());
  redo.addEventListener('click', () => state.redo());
  const show = () => {
    undo.disabled = !state.done.length;
    redo.disabled = !state.undone.length;
  };
  Object.keys(START).forEach((path) => state.on(path, show));
  addEventListener('keydown', (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== 'z' || event.target.matches('input, textarea, select')) return;
    event.preventDefault();
    if (event.shiftKey) state.redo();
    else state.undo();
  });
  show();
};

// What needs a run, and is out of reach as long as there is none: a link may hold a state that cannot be trained.
const OF_A_RUN = ['training', 'units', 'outcome', 'course', 'working', 'flow', 'weights'];

// The worker, or null where the browser allows none.
const startedWorker = (script) => {
  try {
    return new Worker(URL.createObjectURL(new Blob([script], { type: 'text/javascript' })));
  } catch {
    return null;
  }
};

const startPlayground = async (wings) => {
  document.currentScript.remove(); // the page as a file is without it
  const page = `<!doctype html>\n${document.documentElement.outerHTML}`;
  const own = await known();
  unfold(own);
  const words = Object.assign(new Words(own.words, Words.suits(own.words, navigator.languages)), { phrases: own.phrases });
  const [wrong, kept] = ['wrong', 'kept-why'].map((id) => new Sentence(words, element(id)));
  Object.assign(tables, { sets: own.sets, rules: own.rules });
  words.fill(document);
  const worker = startedWorker(own.worker);
  if (!worker) return wrong.say('browser.none', { what: 'Worker' });
  const asking = new Asking(worker);
  const opened = asking.ask('open', { modules: ['engine32', 'engine64'].map((id) => element(id).textContent) });

  const state = new State(own.state);
  const run = new RunClock({ asking, state, known: own, examplesOf: withGiven(own, examplesOf) });
  state.check = (value) => checkState(value, own.choices);
  const keep = (said) => {
    kept.say(said?.word, { why: said?.why });
    element('kept').hidden = !said;
    element('kept-address').value = said?.address ?? '';
    element('kept-address').hidden = !said?.address;
  };
  const save = element('save-page');
  save.addEventListener('click', async () => saveAs(await pageNow(page, { state, run, known: own }), 'playground.html'));
  const address = new AddressField({ state, field: element('link'), save, say: keep, open: (given) => run.open(given) });
  const shown = [[trainingBar, element('training')], ...Object.entries(wings).map(([id, wing]) => [wing, element(id).querySelector('.wing')])]
    .map(([wing, root]) => wing({ state, run, words, known: own, root }) ?? {});
  chooseLanguage(words, state, () => {
    [wrong, kept].forEach((each) => each.again());
    shown.forEach((each) => each.update?.(run.frame));
  })();
  takeBack(state);
  run.on('frame', (frame) => shown.slice(1).forEach((each) => each.update?.(frame)));
  const reached = (inert) => OF_A_RUN.forEach((id) => { element(id).inert = inert; });
  reached(true);
  run.on('made', () => {
    wrong.say(null);
    reached(false);
  });
  run.on('refused', ({ word, holes }) => wrong.say(word, holes));
  try {
    await opened;
  } catch (error) {
    return wrong.say('browser.none', { what: error.word === 'browser.none' ? error.holes.what : 'WebAssembly' });
  }
  if (location.hash.length <= 1 || !(await address.read())) await run.open();
  document.documentElement.dataset.ready = 'yes';
  return undefined;
};
