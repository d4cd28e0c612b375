// A run whose every step can be gone back to: one engine trains, and another, or the same, shows what one
// pass comes to, of the same numbers.
//
// Parameters are kept each `every` steps, so that any step is made again from one near it. Order and
// masks follow from seed and step, and numbers that were typed are put in before the step they were
// typed at: so a step made again has the same bits.

const MOST_KEPT = 64;

class Run {
  constructor([narrow, wide], { program, run, rates, tensors, states, data, edits = [] }) {
    Object.assign(this, { program, run, rates, edits, every: 1, kept: [] });
    this.session = narrow.session(program, run);
    this.exact = wide.session(program, run);
    this.session.data(data);
    this.exact.data(data);
    this.fill({ at: { step: 0, epoch: 0, first: 0 }, tensors: tensors.map((array, k) => ({ array, states: states[k] })) });
    this.keep();
  }

  free() {
    this.session.free();
    this.exact.free();
  }

  get at() { return this.session.at; }

  get tensors() { return this.program.tensors.map((_, k) => this.session.store(k)); }

  fill({ at, tensors }) {
    tensors.forEach(({ array, states }, k) => this.session.load(k, array, states));
    this.session.ready();
    this.session.at = at;
  }

  // Each `every`-th step is kept; where that is too many, every second of them goes.
  keep() {
    const { at } = this;
    if (at.step % this.every || this.kept.some((own) => own.at.step === at.step)) return;
    this.kept.push({ at, tensors: this.tensors });
    if (this.kept.length <= MOST_KEPT) return;
    this.every *= 2;
    this.kept = this.kept.filter((own) => own.at.step % this.every === 0);
  }

  // So many steps more; `parts` are those of `Session.train`.
  steps(count) {
    const end = this.at.step + count;
    const parts = [];
    while (this.at.step < end) {
      const { step } = this.at;
      this.typed(step);
      const made = this.session.train(this.until(step, end) - step, { ...this.run, rates: this.ratesFrom(step, this.until(step, end)) });
      parts.push(...made.parts);
      if (made.diverged) return { parts, diverged: true };
      this.keep();
    }
    return { parts, diverged: false };
  }

  // The next step at which something is kept or was typed.
  until(step, end) {
    const next = (Math.floor(step / this.every) + 1) * this.every;
    return Math.min(end, next, ...this.edits.map(([at]) => at).filter((at) => at > step));
  }

  ratesFrom(step, end) {
    return this.rates.length === 1 ? this.rates : this.rates.slice(step, end);
  }

  typed(step) {
    for (const [at, tensor, place, value] of this.edits) if (at === step) this.put(tensor, place, value);
  }

  put(tensor, place, value) {
    const { array, states } = this.session.store(tensor);
    array[place] = value;
    this.session.load(tensor, array, states);
    this.session.ready();
  }

  // A number typed now; what was made after this step is no longer what follows.
  set(tensor, place, value) {
    const { step } = this.at;
    this.edits = [...this.edits.filter(([at]) => at <= step), [step, tensor, place, value]];
    this.kept = this.kept.filter((own) => own.at.step <= step);
    this.put(tensor, place, value);
  }

  // To any step that was made, or on to one that was not.
  go(step) {
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
