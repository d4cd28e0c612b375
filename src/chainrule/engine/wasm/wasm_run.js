// A run whose every step can be gone back to: one engine trains, and another, or the same, shows what one
// pass comes to, of the same numbers.
//
// Parameters are kept each `every` steps, so that any step is made again from one near it. Order and
// masks follow from seed and step, and numbers that were typed are put in before the step they were
// typed at: so a step made again has the same bits. `edits` are as run_edits.js has them; settings are
// { rates, numbers }, those of the optimizer.

const MOST_KEPT = 64;

// `at` is where it begins, with the `losses` of the epochs before.
// `rates` are one for all steps, one for each, or a function (from, to) that gives those of some steps.

class Run {
  constructor([narrow, wide], { program, run, rates, tensors, states, data, edits = [], at = { step: 0, epoch: 0, first: 0 }, losses = [] }) {
    Object.assign(this, { program, run, rates, edits, every: 1, kept: [], losses: [...losses], under: [0, 0] });
    this.opened = (own) => {
      const session = narrow.session(program, { ...run, numbers: this.numbers, ...own });
      session.data(data);
      return session;
    };
    this.openedWide = () => {
      const session = wide.session(program, { ...run, numbers: this.numbers });
      session.data(data);
      return session;
    };
    this.numbers = this.settingsAt(at.step).numbers;
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
      this.losses[epoch] = this.under[0] / this.under[1];
      [this.under, first, epoch] = [[0, 0], 0, epoch + 1];
    }
  }

  // So many steps more; `parts` are those of `Session.train`.
  steps(count) {
    const end = this.at.step + count;
    const parts = [];
    while (this.at.step < end) {
      const { at } = this;
      const { step } = at;
      this.typed(step);
      this.settle(step);
      const next = this.until(step, end);
      const made = this.isAlone(step) ? this.alone(step) : this.session.train(next - step, { ...this.run, rates: this.ratesFrom(step, next) });
      parts.push(...made.parts);
      this.note(made.parts, at, this.isAlone(step) ? 1 : this.run.batch);
      if (made.diverged) return { parts, diverged: true };
      this.keep();
    }
    this.settle(end);
    return { parts, diverged: false };
  }

  // The next step at which something is kept or was edited.
  until(step, end) {
    const next = (Math.floor(step / this.every) + 1) * this.every;
    return Math.min(end, next, ...this.edits.map(([at]) => at).filter((at) => at > step));
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
    const made = single.train(1, { ...run, shuffles: run.shuffles && run.batch < session.n, rates: this.ratesFrom(step, step + 1) });
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
    return settingsOfStep(this.edits, step, { rates: this.rates, numbers: this.run.numbers });
  }

  // The optimizer's numbers as they are for the step behind one; a session has the same for all its steps.
  settle(step) {
    const { numbers } = this.settingsAt(step);
    if (JSON.stringify(numbers) === JSON.stringify(this.numbers)) return;
    const { at, tensors, under } = this;
    this.free();
    this.numbers = numbers;
    [this.session, this.single, this.exact] = [this.opened({}), null, this.openedWide()];
    this.fill({ at, tensors, under });
  }

  // Goes on with other rates and numbers from where it stands.
  change({ rates, numbers }) {
    const before = { rates: this.rates, numbers: this.run.numbers };
    this.edited((edits, step) => editsChanged(edits, step, before));
    Object.assign(this, { rates, run: { ...this.run, numbers } });
    this.settle(this.at.step);
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
    this.settle(this.at.step);
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
    const made = this.steps(step - this.at.step);
    this.typed(step);
    return made;
  }

  look({ rows, step }) {
    this.tensors.forEach(({ array, states }, k) => this.exact.load(k, array, states));
    this.exact.ready();
    return { ...this.exact.look({ rows, step }), ...this.exact.gradient({ step }) };
  }
}
