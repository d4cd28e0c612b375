// The derivation of the subject: its parts, each line with its formula, the numbers put in and the
// result. What a line is about is lit in the drawing, and the reverse.

const CHAIN = 'The chain rule'; // the title of the part that stands above all others

// Formulas in which each name and figure says what part of the drawing it is of.
class MarkingWriter extends FormulaWriter {
  marked({ id }, text) {
    const own = elementOf(id, page.keys);
    return own ? `<mrow data-el="${own}">${text}</mrow>` : text;
  }
}

class Derivation {
  constructor(root, page, { hover }) {
    Object.assign(this, { root, page, writer: new MarkingWriter(page.shapes, 'mathml', names) });
    for (const [kind, on] of [['pointerover', true], ['pointerout', false]]) {
      root.addEventListener(kind, (event) => {
        const own = event.target.closest('[data-el]')?.dataset.el;
        if (own) hover(own, on);
      });
    }
  }

  // Write all lines, and return the stages that one can step through.
  render(parts, values, subject) {
    const sections = [];
    this.stages = [];
    this.path = new Set(subject.kind === 'all' ? [] : ['C']);
    this.lines = new Map();
    for (const [title, note, row, ids] of parts) {
      const head = row >= 0 && this.page.data.n > 1 ? `${title} of example ${row + 1}` : title;
      if (title === CHAIN) {
        if (head !== title) sections.push(el('h3', {}, head));
        sections.push(this.chain(ids, values));
        continue;
      }
      const steps = [...values.steps(ids)].length ? this.part(title, values, ids) : [];
      sections.push(el('section', {}, el('h3', {}, head), ...(note ? [el('p', { class: 'note' }, note)] : []), el('ol', {}, ...steps)));
    }
    this.root.replaceChildren(...sections);
    this.stages.forEach((stage, k) => stage.lines.forEach((item) => { item.dataset.stage = k; }));
    return this.stages;
  }

  part(title, values, ids) {
    const items = [];
    let waiting = [];
    for (const step of values.steps(ids)) {
      const item = this.line(step);
      items.push(item);
      waiting.push({ item, step, text: this.said(step) });
      if (step.key.kind !== 'letter') {
        this.stage(title, step, waiting);
        waiting = [];
      }
    }
    return items;
  }

  // Lines that belong to one unit, or to the cost, make one stage.
  stage(title, { key, formula }, waiting) {
    const own = title === 'The cost' || !elementOf(key.id, this.page.keys) ? 'C' : this.about(key);
    let stage = this.stages.at(-1);
    if (stage?.title !== title || stage.own !== own) {
      stage = { title, own, lines: [], said: [], lit: new Set([own]) };
      this.stages.push(stage);
    }
    stage.lines.push(...waiting.map(({ item }) => item));
    stage.said.push(...waiting.map((each) => each.text));
    for (const [, { id }] of leaves(formula)) stage.lit.add(elementOf(id, this.page.keys));
    if (title !== 'Forward' && title !== 'The cost') stage.lit.forEach((each) => this.path.add(each));
  }

  // The unit or parameter that a line works out.
  about({ id, kind, of }) {
    return elementOf(kind === 'd' ? of[1] : id, this.page.keys);
  }

  said({ key, value }) {
    return `${textOf(key)} = ${text(value, this.page.digits || DIGITS)}`;
  }

  // The chain rule itself, before the working of its factors.
  chain(ids, values) {
    const steps = [...values.steps(ids)].map((step) => this.line(step, 'div'));
    return el('div', { class: 'chain' }, ...steps);
  }

  line(step, tag = 'li') {
    const { symbol, formula, numbers, result, note, rounded, holds } = this.writer.line(step, this.page.digits);
    const item = el(tag, { class: 'step', 'data-key': step.key.id }, el('div', { class: 'symbol' }, ...formulaElements(symbol)));
    if (formula) item.append(this.equal('formula', '=', formula));
    if (numbers) item.append(this.equal('numbers', '=', numbers));
    const held = holds && el('span', {}, 'for ', ...formulaElements(holds));
    if (result) item.append(this.equal('result', rounded ? '≈' : '=', result, held, note, rounded ? 'rounded' : ''));
    return item;
  }

  equal(kind, mark, text, ...remarks) {
    const [head, ...more] = formulaElements(text);
    const first = el('span', { class: 'first' }, el('span', { class: 'equals' }, mark), head);
    const row = el('div', { class: kind }, first, ...more);
    remarks.filter(Boolean).forEach((remark) => row.append(el('span', { class: 'remark' }, remark)));
    return row;
  }

  // Show how far the steps have come: none of them is chosen where `at` is undefined.
  show(at) {
    this.stages.forEach((stage, k) => stage.lines.forEach((item) => {
      item.classList.toggle('now', k === at);
      item.classList.toggle('later', at !== undefined && k > at);
    }));
    const first = this.stages[at]?.lines[0];
    if (!first || this.root.scrollHeight <= this.root.clientHeight) return;
    const box = this.root.getBoundingClientRect();
    const place = first.getBoundingClientRect();
    this.root.scrollTo({ top: this.root.scrollTop + place.top - box.top - box.height / 3 });
  }

  light(hovered) {
    this.root.querySelectorAll('.lit').forEach((node) => node.classList.remove('lit'));
    if (!hovered) return;
    this.root.querySelectorAll(`[data-el="${hovered}"]`).forEach((node) => node.classList.add('lit'));
  }
}
