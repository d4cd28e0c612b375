// The derivation of the subject: its parts, each line with its formula, the numbers put in and the
// result. What a line is about is lit in the drawing, and the reverse.

const CHAIN = 'The chain rule'; // the title of the part that stands above all others

class Derivation {
  constructor(root, page, { hover }) {
    Object.assign(this, { root, page });
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
      const item = this.line(step, values);
      items.push(item);
      waiting.push({ item, step, text: this.said(step) });
      if (this.page.keys[step.key].kind !== 'letter') {
        this.stage(title, step, waiting);
        waiting = [];
      }
    }
    return items;
  }

  // Lines that belong to one unit, or to the cost, make one stage.
  stage(title, { key, formula }, waiting) {
    const own = title === 'The cost' || !elementOf(key, this.page.keys) ? 'C' : this.about(key);
    let stage = this.stages.at(-1);
    if (stage?.title !== title || stage.own !== own) {
      stage = { title, own, lines: [], said: [], lit: new Set([own]) };
      this.stages.push(stage);
    }
    stage.lines.push(...waiting.map(({ item }) => item));
    stage.said.push(...waiting.map((each) => each.text));
    for (const leaf of leaves(formula)) stage.lit.add(elementOf(leaf[1], this.page.keys));
    if (title !== 'Forward' && title !== 'The cost') stage.lit.forEach((each) => this.path.add(each));
  }

  // The unit or parameter that a line works out.
  about(id) {
    const key = this.page.keys[id];
    return elementOf(key.kind === 'd' ? key.of[1] : id, this.page.keys);
  }

  said({ key, value }) {
    return `${nameText(this.page.nameOf(key))} = ${text(value, this.page.digits || DIGITS)}`;
  }

  // The chain rule itself, before the working of its factors.
  chain(ids, values) {
    const steps = [...values.steps(ids)].map((step) => this.line(step, values, 'div'));
    return el('div', { class: 'chain' }, ...steps);
  }

  line({ key, formula, template, note, value, valueOf }, values, tag = 'li') {
    const item = el(tag, { class: 'step', 'data-key': key });
    const symbol = el('div', { class: 'symbol' }, math(this.name(['q', key]).text));
    item.append(symbol);
    const { digits } = this.page;
    if (!formula) {
      item.append(this.equal('result', '=', [math(figureMath(value, digits || DIGITS).text)], note));
      return item;
    }
    const shown = line(formula, value, valueOf, digits);
    const put = (leaf) => this.figure(leaf, valueOf, shown.putIn);
    const only = (tree) => chosen(tree, valueOf);
    const rows = [filled(template, (leaf) => this.name(leaf, valueOf)), filled(template, put, only)].map(({ text }) => maths(text));
    const result = [math(figureMath(value, shown.shown).text)];
    const [letters, numbers, whole] = [...rows, result].map((nodes) => nodes.map((node) => node.textContent).join(''));
    item.append(this.equal('formula', '=', rows[0]));
    if (numbers !== whole && numbers !== letters) item.append(this.equal('numbers', '=', rows[1]));
    const remarks = [this.holds(template, put, only), note, shown.rounded ? 'rounded' : ''];
    if (letters !== whole) item.append(this.equal('result', shown.rounded ? '≈' : '=', result, ...remarks));
    return item;
  }

  equal(kind, mark, nodes, ...remarks) {
    const first = el('span', { class: 'first' }, el('span', { class: 'equals' }, mark), nodes[0]);
    const row = el('div', { class: kind }, first, ...nodes.slice(1));
    remarks.filter(Boolean).forEach((remark) => row.append(el('span', { class: 'remark' }, remark)));
    return row;
  }

  // Which of the cases holds, by the figures.
  holds([, [first]], put, only) {
    if (typeof first === 'string' || first[1][0] !== '?') return '';
    const [, cases, , rows] = first;
    const [, condition] = rows[only(cases)];
    return el('span', {}, 'for ', math(filled(condition, put, only).text));
  }

  // The name of a quantity; of the rest of a sum that of one of zeros, where it is one.
  name(leaf, valueOf) {
    const { ofZeros } = this.page.keys[leaf[1]];
    const { text, level } = nameMath(ofZeros && valueOf(leaf) === 0 ? ofZeros : this.page.nameOf(leaf[1]));
    return { text: this.marked(leaf, text), level };
  }

  figure(leaf, valueOf, digits) {
    const { text, level } = figureMath(valueOf(leaf), digits);
    return { text: this.marked(leaf, text), level };
  }

  marked(leaf, text) {
    const own = elementOf(leaf[1], this.page.keys);
    return own ? `<mrow data-el="${own}">${text}</mrow>` : `<mrow>${text}</mrow>`;
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
