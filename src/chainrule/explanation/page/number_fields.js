// Every number as a table: what can be changed is a field. Fields are marked where their text is
// not a number that fits, and nothing changes then.

const el = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};

// What a target may be, and how that is said.
const TARGETS = {
  real: [() => true, 'a number'],
  count: [(v) => v >= 0 && Number.isInteger(v), 'a whole number from 0'],
  sign: [(v) => v === 1 || v === -1, '1 or −1'],
  probability: [(v) => v >= 0 && v <= 1, 'from 0 to 1'],
  class: [(v) => v === 1, '1, which makes this the class'],
};

const read = (given) => {
  const plain = given.trim().replace('−', '-');
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : NaN;
};

class Tables {
  constructor(root, page, { select, edit, hover, soon }) {
    Object.assign(this, { root, page, select, edit, soon, cells: [] });
    const sides = [el('div'), el('div')];
    root.append(...sides);
    for (const [side, caption, heads, rows] of page.tables) this.table(sides[side], caption, heads, rows);
    for (const [kind, on] of [['pointerover', true], ['pointerout', false]]) {
      root.addEventListener(kind, (event) => {
        const own = event.target.closest('tr[data-el]')?.dataset.el;
        if (own) hover(own, on);
      });
    }
  }

  table(side, caption, heads, rows) {
    const head = el('tr', {}, ...heads.map((text) => el('th', { scope: 'col' }, text)));
    const body = rows.map((row) => this.row(row));
    const table = el('table', {}, el('caption', {}, caption), el('thead', {}, head), el('tbody', {}, ...body));
    const frame = el('div', { class: 'table', role: 'region', tabindex: 0, 'aria-label': `${caption}, a table` }, table);
    side.append(frame);
  }

  // A cell is what it is, and the key or the place that it is of.
  row(cells) {
    const [first, ...rest] = cells.map(([kind, ...of]) => this[kind](...of));
    const row = el('tr', {}, el('th', { scope: 'row' }, named(first)), ...rest.map((content) => el('td', {}, named(content))));
    const own = first.dataset?.el;
    if (own) row.dataset.el = own;
    return row;
  }

  unit(layer, j) {
    return this.page.unitName(layer < 0 ? 'x' : 'a', layer, j);
  }

  text(words) {
    return words;
  }

  // The name, which selects what it names.
  named(id) {
    const { kind, layer, unit } = this.page.keys[id];
    const own = elementOf(id, this.page.keys);
    const text = kind === 'x' || kind === 'a' ? this.unit(layer, unit) : textOf(this.page.keys[id]);
    const button = el('button', { type: 'button', class: 'pick', 'data-el': own, 'aria-label': `explain ${text}` }, el('bdi', {}, named(text)));
    button.addEventListener('click', () => this.select(own));
    return button;
  }

  cell(id) {
    return this.shown((values) => values.of(id), this.page.keys[id].kind, id);
  }

  slope(id) {
    return this.shown((values) => values.slope(id), 'slope', id);
  }

  updated(id) {
    return this.shown((values) => values.updated(id) ?? NaN, 'updated', id);
  }

  shown(value, kind, id) {
    const output = el('data', { 'data-kind': kind, 'data-of': id });
    this.cells.push((values) => {
      const number = value(values);
      output.value = String(number);
      output.textContent = Number.isNaN(number) ? '–' : text(number);
    });
    return output;
  }

  field(id) {
    const { kind, layer, unit, source, text: letter } = this.page.keys[id];
    const name = textOf(this.page.keys[id]);
    const target = TARGETS[kind === 'y' ? this.page.headOf(unit).target : 'real'];
    const place = { layer, unit, source, text: letter };
    const input = field(name, target, (number) => this.edit(kind, place, number, name), this.soon);
    Object.assign(input.dataset, { kind, of: id });
    input.readOnly = !this.page.live;
    this.cells.push((values) => input.show(values.of(id)));
    return input;
  }

  update(values) {
    this.cells.forEach((write) => write(values));
  }
}

// A name, which is broken or cut where it is long.
const named = (content) => (content.length > 14 ? el('span', { class: 'long', title: content }, content) : content);

// A field for a number; `edit`, as soon as it can be made, returns what is wrong with it, if anything.
const field = (name, [fits, must], edit, soon) => {
  const input = el('input', { type: 'text', inputmode: 'decimal', autocomplete: 'off', spellcheck: 'false', 'aria-label': name });
  input.show = (number) => {
    if (input === document.activeElement && input.getAttribute('aria-invalid')) return;
    input.dataset.full = String(number);
    input.value = input === document.activeElement ? input.dataset.full : text(number);
    complain(input, '');
  };
  input.addEventListener('focus', () => {
    input.value = input.getAttribute('aria-invalid') ? input.value : input.dataset.full;
    input.select(); // which the new text has undone: what is typed takes its place
  });
  input.addEventListener('blur', () => { if (!input.getAttribute('aria-invalid')) input.value = text(Number(input.dataset.full)); });
  const taken = (typed) => {
    input.value = typed;
    const number = read(typed);
    const fit = Number.isFinite(number) && fits(number);
    if (fit) complain(input, ''); // a field that is marked keeps its text
    const wrong = fit ? edit(number) : `${name} must be ${must}, got “${typed}”; nothing is changed`;
    if (wrong) complain(input, wrong);
    else input.dataset.full = String(number);
  };
  input.addEventListener('change', () => {
    const typed = input.value;
    soon(() => taken(typed));
  });
  return input;
};

const complain = (input, wrong) => {
  const was = input.getAttribute('aria-invalid');
  if (wrong) input.setAttribute('aria-invalid', 'true');
  else input.removeAttribute('aria-invalid');
  const place = document.getElementById('wrong');
  if (wrong || was) place.textContent = wrong;
};
