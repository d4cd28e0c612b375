// Goes back to any step that was made, or to one of which the number is typed.

const FURTHEST = 1_000_000; // steps that can be asked for

class StepSlider {
  constructor(root, run, words) {
    Object.assign(this, { run, words, asked: null, refused: null }); // refused: what was typed
    this.range = node('input', { type: 'range', min: 0, step: 1, value: 0, 'data-label': 'course.step', input: () => this.go(Number(this.range.value)) });
    this.field = node('input', { type: 'text', inputmode: 'numeric', autocomplete: 'off', size: 8, 'data-label': 'course.step', change: () => this.typed(), keydown: ({ key }) => key === 'Enter' && this.typed() });
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
    this.update(this.run.frame.at.step);
  }

  typed() {
    const text = this.field.value.replace(/[\s,.]/g, '');
    const step = Number(text);
    const fits = /^\d+$/.test(text) && step <= FURTHEST;
    this.field.ariaInvalid = !fits;
    this.refused = fits ? null : this.field.value;
    this.sayRefused();
    if (fits) this.go(step);
  }

  sayRefused() {
    this.wrong.textContent = this.refused === null ? '' : this.words.say('course.wrong_step', { most: whole(FURTHEST), got: this.refused });
  }

  update(step) {
    this.range.max = Math.max(1, this.run.furthest);
    if (this.asked === null) this.range.value = step;
    this.sayRefused();
    if (document.activeElement !== this.field && this.refused === null) this.field.value = whole(step);
  }
}
