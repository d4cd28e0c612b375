// Goes back to any step that was made, or to one of which the number is typed.

const FURTHEST = 1_000_000; // steps that can be asked for

class StepSlider {
  constructor(root, run, words) {
    Object.assign(this, { run, words, asked: null });
    this.range = node('input', { type: 'range', min: 0, step: 1, value: 0, 'data-label': 'course.step', input: () => this.go(Number(this.range.value)) });
    this.field = node('input', { type: 'text', inputmode: 'numeric', autocomplete: 'off', size: 8, 'data-label': 'course.step', change: () => this.typed() });
    this.wrong = node('p', { class: 'wrong', role: 'alert' });
    const label = node('label', {}, node('span', { 'data-say': 'course.step' }), ' ', this.field);
    root.append(node('div', { class: 'slider' }, this.range, label), this.wrong);
  }

  // One request at a time: while one is under way the last that was asked for waits.
  async go(step) {
    const goes = this.asked !== null;
    this.asked = step;
    if (goes) return;
    while (this.asked !== null) {
      const next = this.asked;
      await this.run.go(next);
      if (this.asked === next) this.asked = null;
    }
  }

  typed() {
    const text = this.field.value.replace(/[\s,.]/g, '');
    const step = Number(text);
    const fits = /^\d+$/.test(text) && step <= FURTHEST;
    this.field.ariaInvalid = !fits;
    this.wrong.textContent = fits ? '' : this.words.say('course.wrong_step', { most: whole(FURTHEST), got: this.field.value });
    if (fits) this.go(step);
  }

  update(step) {
    this.range.max = Math.max(1, this.run.furthest);
    if (this.asked === null) this.range.value = step;
    if (document.activeElement !== this.field) this.field.value = whole(step);
    if (document.activeElement !== this.field) this.field.ariaInvalid = false;
  }
}
