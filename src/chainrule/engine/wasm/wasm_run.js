// A run whose every step can be gone back to: one engine trains, and another, or the same, shows what one
// pass comes to, of the same numbers.
//
// Parameters are kept each `every` steps, so that any step is made again from one near it. Order and
// masks follow from seed and step, and numbers that were typed are put in before the step they were
// typed at: so a step made again has the same bits. `edits` are as run_edits.js has them; settings are
// { rates, numbers, batch, frozen }, of which those that an edit lacks are as they are now.

const MOST_KEPT = 64;
const MOST_LOSSES = 1 << 20; // epochs whose cost is kept; of a longer run there is no history
const MOST_AT_ONCE = 4096; // steps of one call of the engine

// `at` is where it begins, with the `losses` of the epochs before.
// `rates` are one for all steps, one for each, or a function (from, to) that gives those of some steps.

class Run {
  constructor([narrow, wide], { program, run, rates, tensors, states, data, edits = [], at = { step: 0, epoch: 0, first: 0 }, losses = [] }) {
    Object.assign(this, { program, run, rates, edits, every: 1, kept: [], losses: [...losses], under: [0, 0] });
    this.opened = (own, engine = narrow) => {
      const session = engine.session(program, { ...run, ...this.held, ...own });
      session.data(data);
      return session;
    };
    this.openedWide = () => this.opened({}, wide);
    this.n = data.X.length / program.values[0].width;
    this.held = this.heldAt(at);
    this.session = this.opened({});
    this.exact = this.openedWide();
    this.fill({ at, under: [0, 0], tensors: tensors.map((array, k) => ({ array, states: states[k] })) });
    this.keep();
  }

  free() {
    [this.session, this.single, this.exact].forEach((session) => session?.free());
  }

  get at() { return this.session.at; }

  get tensors() { return this.program.tensors.map((_, k) => this.session.store(k)); }

  fill({ at, tensors, under }) {
    tensors.forEach(({ array, states }, k) => this.session.load(k, array, states.slice(0, this.session.statesOf(k))));
    this.session.ready();
    this.session.at = at;
    this.under = [...under];
  }

  // Each `every`-th step is kept; where that is too many, every second of them goes.
  keep() {
    const { at } = this;
    if (at.step % this.every || this.kept.some((own) => own.at.step === at.step)) return;
    this.kept.push({ at, tensors: this.tensors, under: [...this.under] });
    if (this.kept.length <= MOST_KEPT) return;
    this.every *= 2;
    this.kept = this.kept.filter((own, k) => !k || own.at.step % this.every === 0);
  }

  // Of each epoch the mean cost of its steps, as `History.loss` has it; `under` is what goes into that of the
  // one under way.
  note(parts, { first, epoch }, batch) {
    for (let k = 0; k < parts.length; k += 2) {
      this.under[0] += parts[k];
      this.under[1] += parts[k + 1];
      first += batch;
      if (first < this.session.n) continue;
      if (epoch < MOST_LOSSES) this.losses[epoch] = this.under[0] / this.under[1];
      [this.under, first, epoch] = [[0, 0], 0, epoch + 1];
    }
  }

  // So many steps more; `parts` are those of `Session.train`.
  steps(count, parts = []) {
    const end = this.at.step + count;
    while (this.at.step < end) {
      const { at } = this;
      const { step } = at;
      this.typed(step);
      this.settle();
      const next = this.held.batch === this.settingsAt(step).batch ? this.until(step, end) : step + 1;
      const made = this.isAlone(step) ? this.alone(step) : this.session.train(next - step, { ...this.run, rates: this.ratesFrom(step, next) });
      for (const part of made.parts) parts?.push(part);
      this.note(made.parts, at, this.isAlone(step) ? 1 : this.held.batch);
      if (made.diverged) return { parts, diverged: true };
      this.keep();
    }
    this.settle();
    return { parts, diverged: false };
  }

  // The next step at which something is kept or was edited.
  until(step, end) {
    const next = (Math.floor(step / this.every) + 1) * this.every;
    return Math.min(end, next, step + MOST_AT_ONCE, ...this.edits.map(([at]) => at).filter((at) => at > step));
  }

  isAlone(step) {
    return this.edits.some((own) => own[0] === step && editKind(own) === 'example');
  }

  // A step by the next example alone: the epoch goes on with those behind it.
  alone(step) {
    this.single ??= this.opened({ batch: 1 });
    const { session, single, program, run } = this;
    const over = (from, to) => {
      program.tensors.forEach((_, k) => {
        const { array, states } = from.store(k);
        to.load(k, array, states);
      });
      to.ready();
      to.at = from.at;
    };
    over(session, single);
    const made = single.train(1, { ...run, rates: this.ratesFrom(step, step + 1) });
    if (!made.diverged) over(single, session);
    return made;
  }

  ratesFrom(step, end) {
    const { rates } = this.settingsAt(step);
    if (typeof rates === 'function') return rates(step, end);
    return rates.length === 1 ? rates : rates.slice(step, end);
  }

  // What holds for the step behind one.
  settingsAt(step) {
    return { ...this.settings, ...settingsOfStep(this.edits, step, {}) };
  }

  get settings() {
    const { rates, run: { numbers, batch, frozen } } = this;
    return { rates, numbers, batch, frozen };
  }

  // What a session is opened with. What is left of an epoch is in its order, where all examples are a batch too:
  // only a batch that is not of all is.
  heldAt({ step, first }) {
    const { numbers, batch, frozen } = this.settingsAt(step);
    return { numbers, batch: first && batch >= this.n ? this.n - 1 : batch, frozen };
  }

  // A session has the same settings for all its steps; where others hold for the next one, another goes on.
  settle() {
    const held = this.heldAt(this.at);
    if (JSON.stringify(held) === JSON.stringify(this.held)) return;
    const { at, tensors, under } = this;
    this.free();
    this.held = held;
    [this.session, this.single, this.exact] = [this.opened({}), null, this.openedWide()];
    this.fill({ at, tensors, under });
  }

  // Goes on with other settings from where it stands.
  change({ rates = this.rates, ...others }) {
    const before = this.settings;
    this.edited((edits, step) => editsChanged(edits, step, before));
    Object.assign(this, { rates, run: { ...this.run, ...others } });
    this.settle();
  }

  typed(step) {
    for (const own of this.edits) if (own[0] === step && editKind(own) === 'typed') this.put(...own.slice(1));
  }

  put(tensor, place, value) {
    const { array, states } = this.session.store(tensor);
    array[place] = value;
    this.session.load(tensor, array, states);
    this.session.ready();
  }

  // A number typed now; what was made after this step is no longer what follows.
  set(tensor, place, value) {
    this.edit([tensor, place, value]);
    this.put(tensor, place, value);
  }

  // A step by one example.
  example() {
    this.edit([]);
    return this.steps(1);
  }

  edit(what) {
    this.edited((edits, step) => editsWith(edits, step, what));
    this.settle();
  }

  edited(by) {
    const { step, epoch } = this.at;
    this.losses.length = Math.min(this.losses.length, epoch);
    this.edits = by(this.edits, step);
    this.kept = this.kept.filter((own) => own.at.step <= step);
  }

  // To any step that was made, or on to one that was not.
  go(asked) {
    const step = Math.max(asked, this.kept[0].at.step);
    const near = this.kept.findLast((own) => own.at.step <= step);
    if (this.at.step > step || near.at.step > this.at.step) this.fill(near);
    const made = this.steps(step - this.at.step, null); // which may be millions
    this.typed(step);
    return made;
  }

  look({ rows, step }) {
    this.tensors.forEach(({ array, states }, k) => this.exact.load(k, array, states));
    this.exact.ready();
    return { ...this.exact.look({ rows, step }), ...this.exact.gradient({ step }) };
  }
}
