// The page's side of the worker: the run that follows from the state, how it goes on, and what is seen.
//
//   run.on('made', f)      f({ examples, told }) once a run of another state has begun
//   run.on('frame', f)     f(frame) at most once between two pictures of the screen
//   run.on('playing', f)   f(whether it goes on by itself)
//   run.on('refused', f)   f({ word, holes }) of what cannot be done: the run before stays

const MOST_MS = 9; // of training, between two pictures

const picture = () => new Promise((resolve) => { requestAnimationFrame(resolve); });

class RunClock {
  constructor({ asking, state, known, examplesOf }) {
    Object.assign(this, { asking, state, known, examplesOf, heard: new Map(), wanted: new Set() });
    Object.assign(this, { playing: false, made: null, frame: null, furthest: 0, makings: 0, orders: 0 });
    ['data', 'net', 'run'].forEach((path) => state.on(path, () => this.changed(path === 'run')));
    state.on('edits', (edits) => {
      if (state.turns) this.returned();
      else if (!same(edits, this.edits)) this.remake(true, edits);
    });
  }

  on(event, listen) {
    const own = this.heard.get(event) ?? new Set();
    this.heard.set(event, own.add(listen));
    return () => own.delete(listen);
  }

  tell(event, what) {
    this.heard.get(event)?.forEach((listen) => listen(what));
  }

  // What each frame shall hold, until what is returned is called: { plane: true }.
  want(wants) {
    this.wanted.add(wants);
    return () => this.wanted.delete(wants);
  }

  get wants() {
    return Object.assign({ costs: true, tensors: true }, ...this.wanted);
  }

  ask(kind, what) {
    return this.asking.ask(kind, what);
  }

  // One pass of some rows of the examples of the run that is shown; null where another has begun.
  look(rows, step) {
    return this.ask('look', { id: this.made.told.id, rows, step });
  }

  // A frame, with its place among those that were asked for.
  async asks(kind, what) {
    const order = ++this.orders;
    return { ...(await this.ask(kind, { ...what, wants: this.wants })), order };
  }

  // What can be changed while it trains goes on from the step that it is at; all else begins anew.
  changed(sameTensors) {
    if (this.state.turns) this.returned();
    else if (!this.made || !this.isAlike()) this.remake(sameTensors);
    else this.changing ??= Promise.resolve().then(() => this.change());
  }

  // Whether the run that is made is of the state, but for what can be changed.
  isAlike() {
    const rest = ({ data, net: { l1, l2, ...net }, run: { numbers, schedule, batch, frozen, ...run } }) => ({ data, net, run });
    return same(rest(this.trained), rest(this.state.value));
  }

  // The steps behind where it stands are no more, as after a number that was typed.
  async change() {
    this.changing = null;
    await this.making;
    const { state, trained, known: { choices }, makings: own } = this;
    const before = settingsOf(trained);
    if (!this.isAlike() || same(before, settingsOf(state.value))) return;
    if (!(this.frame?.at.step > this.made.told.at.step)) {
      this.remake(true);
      return;
    }
    this.trained = copy(state.value);
    const { examples, told } = this.made;
    const made = { n: examples.train.n, ...told };
    const { rates, ...settings } = toldSettings(settingsOf(state.value), state.value.run.optimizer, choices, made);
    const frame = await this.asks('change', { settings: { rates, ...settings } });
    if (own !== this.makings) return;
    this.furthest = frame.at.step;
    this.edits = editsChanged(state.value.edits, frame.at.step, before);
    state.put('edits', this.edits);
    this.made = { examples, told: { ...told, rates, run: { ...told.run, ...settings }, edits: toldEdits(state.value, choices, made) } };
    this.show(frame, own);
  }

  // Once all that changed at the same time has changed. Numbers that were typed on the way go, and where
  // the parameters are others, all that were typed.
  remake(sameTensors, edits = this.state.value.edits.filter(([step]) => sameTensors && step === (this.made?.told.at.step ?? 0))) {
    const own = ++this.makings;
    this.edits = edits;
    this.state.put('edits', edits);
    this.making = Promise.resolve().then(() => own === this.makings && this.make(0));
  }

  // What was taken back: the run of the state as it stood then, once all of it is there.
  returned() {
    const own = ++this.makings;
    this.edits = this.state.value.edits;
    this.making = Promise.resolve().then(() => own === this.makings && this.make(this.state.value.at.step));
  }

  // The run of the state, or of another one, at the step that it is at.
  open(given = null) {
    if (given) {
      this.state.load(given);
      this.state.put('edits', given.edits); // of which other data and layers leave nothing
    }
    this.edits = this.state.value.edits;
    return this.make(this.state.value.at.step);
  }

  // A new run of the state, at one of its steps.
  make(step) {
    this.making = this.begin(step);
    return this.making;
  }

  async begin(step) {
    const own = ++this.makings;
    this.pause();
    try {
      const examples = this.examplesOf(this.state.value.data, lossOf(this.known.choices, this.state.value.net.loss));
      const trained = copy(this.state.value);
      const told = { id: own, ...toldRun(trained, examples, this.known) };
      await this.sends(told);
      if (own !== this.makings) return;
      Object.assign(this, { made: { examples, told }, edits: this.state.value.edits, trained, furthest: 0, frame: null });
      this.tell('made', this.made);
      this.show(await this.asks('go', { step }), own);
    } catch (error) {
      if (!error.word) throw error;
      if (own !== this.makings) return;
      await this.stays(own);
      if (own === this.makings) this.tell('refused', error);
    }
  }

  // The worker holds the last run that it has made, whether or not another was asked for meanwhile.
  sends(told) {
    this.sent = this.ask('make', told).then(() => { this.held = told.id; });
    return this.sent;
  }

  // The run before goes on, where the one that was to follow is refused: the worker may hold one that was never
  // shown, and what was asked of the one before was not waited for.
  async stays(own) {
    await Promise.allSettled([this.sent]);
    if (!this.made || own !== this.makings) return;
    const { made: { told }, frame } = this;
    if (frame && this.held === told.id) return;
    if (this.held !== told.id) await this.sends(told);
    this.show(await this.asks('go', { step: frame?.at.step ?? 0 }), own);
  }

  show(frame, own = this.makings) {
    if (own !== this.makings || frame.order < this.frame?.order) return;
    this.furthest = Math.max(this.furthest, frame.at.step);
    this.frame = frame;
    this.state.set('at.step', frame.at.step); // of which nobody hears before it rests
    this.tell('frame', frame);
    if (frame.diverged) {
      this.pause();
      this.tell('refused', { word: 'run.diverged', holes: { step: frame.at.step + 1 } });
    }
    if (!this.playing) this.rest();
  }

  // Where it stands still: the state says so, and no change is to be taken back for it.
  rest() {
    this.state.put('at.step', this.frame.at.step);
  }

  // Waits for the run that is being made, and for the one that follows: whether there is one then.
  async settled() {
    for (let waited = null; waited !== this.making;) {
      waited = this.making;
      await waited;
    }
    return this.frame !== null;
  }

  // What is asked for while a run is made is asked of that run. Whether it was done, and is shown.
  async asked(kind, what) {
    this.pause();
    if (!(await this.settled())) return false;
    const own = this.makings;
    try {
      this.show(await this.asks(kind, what), own);
      return own === this.makings;
    } catch (error) {
      if (!error.word) throw error;
      this.tell('refused', error);
      return false;
    }
  }

  steps(count) { return this.asked('steps', { count, ms: Infinity }); }

  // To the end of the epoch that it is in.
  async wholeEpoch() {
    if (await this.settled()) await this.steps(Math.ceil((this.made.examples.train.n - this.frame.at.first) / settingsAt(this.state.value, this.frame.at.step).batch));
  }

  go(step) { return this.asked('go', { step }); }

  // A weight or another number of a tensor, typed at the step that it stands at.
  set(tensor, place, value) { return this.edit('set', { tensor, place, value }, [tensor, place, value]); }

  // A step by the next example alone.
  example() { return this.edit('example', {}, []); }

  // What changes the run where it stands: the steps that were made behind it are no more.
  async edit(kind, what, edit) {
    if (!(await this.asked(kind, what))) return;
    const { step: end } = this.frame.at;
    const step = end - (kind === 'example');
    this.furthest = end;
    this.edits = editsWith(this.state.value.edits, step, edit);
    this.state.change('edits', this.edits);
  }

  // Takes a frame anew, of what is wanted by now.
  refresh() { return this.asked('frame', {}); }

  // As at the start; numbers that were typed there stay.
  reset() {
    const first = this.made?.told.at.step ?? 0;
    this.state.together([['edits', this.state.value.edits.filter(([step]) => step === first)], ['at.step', first]]);
    this.remake(true);
  }

  // A run from its start with some changes of the state, whether or not it could go on with them.
  anew(changes) {
    this.state.together([...changes, ['edits', []], ['at.step', 0]]);
    this.remake(false);
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    this.tell('playing', false);
  }

  // While a frame is drawn, the worker makes the next.
  async play() {
    if (this.playing || !(await this.settled()) || this.playing) return;
    this.playing = true;
    this.tell('playing', true);
    const own = this.makings;
    try {
      await this.played(own);
    } catch (error) {
      if (!error.word) throw error;
      this.pause();
      this.tell('refused', error);
    }
  }

  async played(own) {
    const goesOn = (frame) => this.playing && own === this.makings && !frame.diverged;
    let [last, owed] = [await picture(), 0];
    let next = this.onwards(1);
    let frame = await next;
    while (goesOn(frame)) {
      const now = await picture();
      const { speed } = this.state.value.seen;
      owed = Math.min(owed + ((now - last) / 1000) * (speed ?? 0), 1e6);
      last = now;
      const count = speed === null ? Infinity : Math.floor(owed);
      next = goesOn(frame) && count ? this.onwards(count) : next;
      owed -= Math.min(count, owed);
      if (frame !== this.frame) this.show(frame, own);
      frame = await next;
    }
    this.show(frame, own);
    if (!this.playing && own === this.makings && frame.costs.step !== frame.at.step) this.refresh();
  }

  onwards(count) {
    return this.asks('steps', { count, ms: MOST_MS });
  }
}
