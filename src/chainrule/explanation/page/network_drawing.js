// The network as a drawing: inputs on the left, outputs, targets and the cost on the right. Edges
// are thick where their weight is large, and dashed where it is negative.

const LABEL = 11.5; // pixels: the size of a name that the user gave
const WIDEST = 140; // pixels: the most that such a name takes

const TAG = 0.385; // how far along an edge its weight is written: apart from the edge that crosses it

const BAND = 1.6; // how far a layer stands behind a band, where others stand 1 from each other
const BOW = 26; // pixels: from one bow to the one over it

const MOST_LABELLED = 16; // edges whose weights are all written

const brief = (value) => text(value, 4);

class Drawing {
  constructor(root, page, { select, hover }) {
    Object.assign(this, { root, page, select, items: new Map(), focused: undefined });
    root.addEventListener('click', (event) => this.chosen(event.target));
    root.addEventListener('keydown', (event) => this.key(event));
    root.addEventListener('focusin', (event) => { this.focused = event.target.dataset.el; });
    for (const [kind, on] of [['pointerover', true], ['pointerout', false], ['focusin', true], ['focusout', false]]) {
      root.addEventListener(kind, (event) => {
        const el = event.target.closest('[data-el]')?.dataset.el;
        if (el) hover(el, on);
      });
    }
  }

  // Place everything for a width in pixels.
  layout(width) {
    const { units, edges, bands, bows } = this.page.shown;
    const most = Math.max(...units.map((own, k) => own.length + (own.length < this.page.widths[k])));
    const small = width < 520;
    const steps = this.steps();
    const last = steps.at(-1);
    const right = small ? 134 : 218;
    const titled = this.page.shown.titles.some(Boolean);
    this.radius = most > 6 ? 19 : small ? 21 : most > 3 ? 25 : 29;
    if (titled) this.radius = Math.min(this.radius, Math.max(20, Math.floor(((width - right - 44) / last - 10) / 2)));
    const named = this.named();
    const gap = this.gap(most, named.outputs > 0);
    const top = this.above();
    const height = Math.max(1, most - 1) * gap + (most > 6 ? 86 : 150) + (named.outputs ? 36 : 0) + top;
    this.room = this.labelRoom(width - right, last);
    const margin = Math.max(this.radius + (small ? 4 : 14), Math.min(named.inputs, this.room) / 2 + 2);
    const needed = margin + right + last * (2 * this.radius + 10);
    width = titled ? Math.max(width, needed) : width; // what is wider scrolls
    this.across = (width - margin - right) / Math.max(1, last);
    const middle = (height + top) / 2 - 6;
    const down = (count, k) => middle + (k - (count - 1) / 2) * gap;
    this.points = units.map((own, column) => {
      const count = own.length + (own.length > 0 && own.length < this.page.widths[column]);
      return { x: margin + steps[column] * this.across, ys: Array.from({ length: count }, (_, k) => down(count, k)) };
    });
    const bare = small || (titled && this.across < 2 * this.radius + 32);
    this.size = { width, height, small, bare, middle, value: this.radius < 20 ? 10 : small ? 11.5 : 12.5 };
    this.items.clear();
    this.columns = [];
    const frame = svg('svg', {
      viewBox: `0 0 ${width} ${height}`, width, height, role: 'group', 'aria-label': 'The network',
    });
    this.wires = [];
    bows.forEach((bow, k) => this.bow(frame, bow, k));
    bands.forEach((band) => this.band(frame, band));
    edges.forEach((edge) => this.edge(frame, edge));
    this.titles(frame);
    this.bundles(frame);
    units.forEach((own, layer) => own.forEach((j, k) => this.unit(frame, layer - 1, j, k)));
    this.outputs(frame);
    this.root.replaceChildren(frame);
    this.rove(this.items.has(this.focused) ? this.focused : this.items.keys().next().value);
  }

  // Where each column stands, counted in the room from one to the next; a band takes more.
  steps() {
    const { units, bands } = this.page.shown;
    let at = 0;
    return units.map((own, column) => {
      if (column && own.length) at += bands.some(([layer]) => layer === column - 1) ? BAND : 1;
      return at;
    });
  }

  // The room above the units: for what the layers are, and for what passes by some of them.
  above() {
    const { titles, bows } = this.page.shown;
    return (titles.some(Boolean) ? 18 : 0) + BOW * Math.max(0, ...bows.map(([, , level]) => level));
  }

  titles(frame) {
    this.page.shown.titles.forEach((title, column) => {
      const { x } = this.points[column];
      if (title) frame.append(svg('text', { x, y: 13, class: 'title' }, svg('title', {}, title), cut(title, 11, this.across - 6)));
    });
  }

  // What enters some layers, and passes by them.
  bow(frame, [from, to, level]) {
    const [start, end] = [this.points[from + 1], this.points[to + 1]];
    const y = this.above() - BOW * level + 12;
    const [x1, x2] = [start.x + this.radius * 0.6, end.x - this.radius * 0.6];
    const d = `M${x1},${start.ys[0]}V${y + 14}Q${x1},${y} ${x1 + 14},${y}H${x2 - 14}Q${x2},${y} ${x2},${y + 14}V${end.ys[0]}`;
    frame.append(svg('path', { d, class: 'wire bow' }));
  }

  // The widest of the user's names of the inputs and of the outputs.
  named() {
    const { units, last } = this.page.shown;
    const widest = (kind, layer, own) => Math.max(0, ...own.map((j) =>
      widthOf(this.page.labels.get(this.page.find(kind, layer, j)) ?? '', LABEL)));
    return { inputs: widest('x', -1, units[0]), outputs: widest('a', last, units[last + 1]) };
  }

  // From unit to unit: a circle, and what stands above and below it.
  gap(most, labelled) {
    if (this.radius < 20) return 50 + (labelled ? 14 : 0);
    return Math.max(most < 3 ? 136 : 0, 2 * this.radius + 62 + (labelled ? 16 : 0));
  }

  // How wide a name may be: no circle of the next layer stands in it.
  labelRoom(width, last) {
    return Math.min(WIDEST, 2 * (width - (this.radius + 8) * last) / (last + 1));
  }

  point(layer, j) {
    const { x, ys } = this.points[layer + 1];
    return [x, ys[this.page.shown.units[layer + 1].indexOf(j)]];
  }

  item(frame, el, kind, column, shapes, key) {
    const group = svg('g', { class: kind, 'data-el': el, role: 'button', tabindex: -1 }, ...shapes);
    group.key = key;
    frame.append(group);
    (this.columns[column] ??= []).push(el);
    this.items.set(el, group);
    return group;
  }

  // An edge leads to a unit of a layer from one of another, and has the key of its weight, or −1.
  edge(frame, [layer, j, from, k, key]) {
    const [x2, y2] = this.point(layer, j);
    const band = this.page.shown.bands.some(([own]) => own === layer);
    const [x1, y1] = band ? [this.bandAt(layer) + 6, y2] : this.point(from, k);
    const place = band
      ? { x: (x1 + x2 - this.radius) / 2, y: y1 - 6, class: 'tag' }
      : { x: x1 + (x2 - x1) * TAG, y: y1 + (y2 - y1) * TAG + 4, class: 'tag' };
    const path = { d: `M${x1},${y1}L${x2},${y2}` };
    if (key < 0) return this.wire(frame, path.d, [`u/${from}/${k}`, `u/${layer}/${j}`]);
    const group = this.item(frame, edgeOf(layer, j, k), 'edge', 2 * layer + 1, [
      svg('path', { ...path, class: 'hit' }), svg('path', { ...path, class: 'line' }),
      svg('text', { ...place, class: 'tag halo' }), svg('text', place),
    ], key);
    if (this.page.shown.edges.length > MOST_LABELLED) group.classList.add('quiet');
    return group;
  }

  wire(frame, d, ends) {
    const path = svg('path', { d, class: 'wire' });
    this.wires.push([path, ends]);
    frame.append(path);
  }

  // A band stands for all units before a layer, where each unit of that depends on all of them.
  band(frame, [layer, from]) {
    const x = this.bandAt(layer);
    const { x: start, ys } = this.points[from + 1];
    const every = [...ys, ...this.points[layer + 1].ys];
    const [high, low] = [Math.min(...every) - this.radius, Math.max(...every) + this.radius];
    ys.forEach((y) => frame.append(svg('path', { d: `M${start},${y}H${x}`, class: 'wire' })));
    frame.append(svg('rect', { x: x - 6, y: high, width: 12, height: low - high, rx: 6, class: 'band' }));
  }

  bandAt(layer) {
    return this.points[layer + 1].x - this.across * BAND * 0.55;
  }

  unit(frame, layer, j, k) {
    const [x, y] = this.point(layer, j);
    const r = this.radius;
    const bias = this.page.shown.biases.find(([of, unit]) => of === layer && unit === j);
    if (bias) this.bias(frame, bias, x, y, r);
    const key = this.page.find(layer < 0 ? 'x' : 'a', layer, j);
    const own = r < 20 || this.page.notation === 'mazur' ? this.plain(layer + 1, k) : this.page.keys[key].name;
    const name = svg('text', { x, y: y - r * 0.24, class: 'name' }, ...svgName(own));
    const value = svg('text', { x, y: y + r * 0.47, class: 'value' });
    const slope = svg('text', { x, y: y - r - 8, class: 'slope' });
    const label = this.page.labels.get(key);
    const shapes = [svg('circle', { cx: x, cy: y, r }), name, value, slope];
    const under = r < 20 ? (layer < 0 ? 12 : 24) : (layer < 0 ? 16 : 48);
    if (label) shapes.push(svg('title', {}, label), svg('text', { x, y: y + r + under, class: 'label' }, cut(label, LABEL, this.room)));
    const column = 2 * (layer + 1);
    this.item(frame, `u/${layer}/${j}`, r < 20 ? 'unit tight' : 'unit', column, shapes);
  }

  plain(column, k) {
    const name = this.page.units[column][k];
    return [name[0], name.slice(1), '', ''];
  }

  bias(frame, [layer, j, key], x, y, r) {
    const by = y + r + (r < 20 ? 7 : 13);
    const d = `M${x},${y}V${by}`;
    const shapes = [svg('path', { d, class: 'hit' }), svg('path', { d, class: 'line' }),
      svg('rect', { x: x - 4.5, y: by - 4.5, width: 9, height: 9, rx: 2 })];
    const place = { x, y: by + 18, class: 'tag' };
    if (r >= 20) shapes.push(svg('text', { ...place, class: 'tag halo' }), svg('text', place));
    this.item(frame, biasOf(layer, j), 'bias', 2 * (layer + 1), shapes, key);
  }

  // What is not drawn one by one: a node of its own, with an edge to each unit of the next layer.
  bundles(frame) {
    this.page.shown.units.forEach((own, column) => {
      const rest = this.page.widths[column] - own.length;
      if (!rest || !own.length) return;
      const { x, ys } = this.points[column];
      const next = this.points[column + 1];
      const paths = next ? next.ys.map((y) => svg('path', { class: 'sheaf', d: `M${x},${ys.at(-1)}L${next.x},${y}` })) : [];
      const label = svg('text', { x, y: ys.at(-1) + 4, class: 'name' }, `+${rest}`);
      const circles = [6, 3, 0].map((by) => svg('circle', { cx: x + by, cy: ys.at(-1) - by, r: this.radius }));
      this.item(frame, `r/${column}`, 'bundle', 2 * column, [...paths, ...circles, label]);
    });
  }

  outputs(frame) {
    const { width, small, middle } = this.size;
    const { outputs, last } = this.page.shown;
    const { x: from, ys } = this.points[last + 1];
    const cost = [width - (small ? 26 : 42), middle];
    const x = from + (cost[0] - from) * (small ? 0.46 : 0.5);
    const bend = (x + cost[0]) / 2 + (small ? 4 : 10);
    const half = this.radius < 20 ? 13 : 20;
    outputs.forEach(([j, ...keys], k) => {
      const y = ys[k];
      const d = `M${from + this.radius},${y}H${x + 20}C${bend},${y} ${bend},${cost[1]} ${cost[0]},${cost[1]}`;
      this.item(frame, `y/${j}`, this.radius < 20 ? 'target tight' : 'target', 2 * this.points.length - 1, [
        svg('path', { d, class: 'line' }),
        svg('rect', { x: x - (small ? 20 : 26), y: y - half, width: small ? 40 : 52, height: 2 * half, rx: 6 }),
        svg('text', { x, y: y - half * 0.2, class: 'name' }, svg('tspan', {}, 'target')),
        svg('text', { x, y: y + half * 0.6, class: 'value' }), svg('text', { x, y: y + half + 14, class: 'share' }),
      ], keys);
    });
    const wide = small ? 24 : 38;
    this.item(frame, 'C', 'cost', 2 * this.points.length, [
      svg('rect', { x: cost[0] - wide, y: cost[1] - 25, width: 2 * wide, height: 50, rx: 10 }),
      svg('text', { x: cost[0], y: cost[1] - 5, class: 'name' }, ...svgName(this.page.keys[this.page.letters.C].name)),
      svg('text', { x: cost[0], y: cost[1] + 14, class: 'value' }),
    ]);
  }

  // Write the numbers that hold now.
  update(values) {
    const { page } = this;
    const of = (kind, layer, unit, source) => values.of(page.find(kind, layer, unit, source));
    const largest = page.widths.map((_, l) => Math.max(...page.shown.edges
      .filter(([layer, , , , key]) => layer === l && key >= 0).map((edge) => Math.abs(values.of(edge[4])))));
    for (const [el, group] of this.items) {
      const [kind, first, second] = el.split('/');
      const [layer, unit] = [first, second].map(Number);
      if (kind === 'e') this.weight(group, values.of(group.key), largest[layer]);
      if (kind === 'b') this.weight(group, values.of(group.key), 0);
      if (kind === 'u') this.activity(group, layer, unit, of);
      if (kind === 'y') this.target(group, layer, values);
      if (kind === 'C') put(group, { value: brief(values.of(page.letters.C)) }, `the cost, ${text(values.of(page.letters.C))}`);
      if (kind === 'r') group.setAttribute('aria-label', this.bundle(layer, values));
    }
  }

  weight(group, w, largest) {
    const { said, name } = this.page.keys[group.key];
    group.classList.toggle('negative', w < 0);
    group.querySelector('.line').setAttribute('stroke-width', largest ? 1.2 + 4 * Math.abs(w) / largest : 1.5);
    put(group, {}, `${said}, ${text(w)}`);
    const [base, sub, sup, marks] = name;
    const named = !this.size.bare && !marks && !sup;
    for (const tag of group.querySelectorAll('.tag')) {
      const own = named ? svgName([base, sub, '', '']) : [];
      tag.replaceChildren(...own, svg('tspan', named ? { dy: sub ? -3 : 0, dx: 4 } : {}, brief(w)));
    }
  }

  activity(group, layer, unit, of) {
    const a = of(layer < 0 ? 'x' : 'a', layer, unit);
    const name = this.page.unitOf(layer, unit);
    const label = this.page.labels.get(this.page.find(layer < 0 ? 'x' : 'a', layer, unit));
    const delta = layer < 0 ? NaN : of('delta', layer, unit);
    const digits = this.digitsThatFit(a);
    const known = !Number.isNaN(delta) && this.radius >= 20;
    const said = `${layer < 0 ? 'input' : 'unit'} ${name}${label ? `, ${label}` : ''}, ${text(a)}`;
    put(group, { value: text(a, digits), slope: known ? `δ ${text(delta, 4)}` : '' }, said);
    fit(group.querySelector('.value'), this.chord, this.size.value);
  }

  // Across a circle at the height of its value.
  get chord() { return 1.7 * this.radius; }

  digitsThatFit(number) {
    const fits = (digits) => widthOf(text(number, digits), this.size.value) <= this.chord;
    return [4, 3, 2].find(fits) ?? 1;
  }

  target(group, j, values) {
    const [y, share] = group.key.map((key) => values.of(key));
    const shown = this.radius < 20 || Number.isNaN(share) ? '' : brief(share);
    put(group, { value: brief(y), share: shown }, `target ${j + 1}, ${text(y)}, its share of the cost ${text(share)}`);
    fit(group.querySelector('.value'), this.size.small ? 36 : 46, this.size.value);
  }

  bundle(column, values) {
    const [width, own] = [this.page.widths[column], new Set(this.page.shown.units[column])];
    const what = column ? (column === this.page.widths.length - 1 ? 'outputs' : 'units') : 'inputs';
    const known = values.net || !column;
    const at = (unit) => (column ? values.a({ layer: column - 1, unit }) : values.x({ unit }));
    const rest = Array.from({ length: known ? width : 0 }, (_, k) => k).filter((k) => !own.has(k)).map(at);
    const range = known ? `, between ${brief(Math.min(...rest))} and ${brief(Math.max(...rest))}` : '';
    return `the other ${width - own.size} ${what}${range}`;
  }

  // Show what is selected, on the path and under the pointer.
  light({ selected, path, hovered }) {
    this.root.classList.toggle('focussed', path.size > 0);
    for (const [el, group] of this.items) {
      group.classList.toggle('selected', el === selected);
      group.classList.toggle('path', path.has(el));
      group.classList.toggle('hovered', el === hovered);
      group.setAttribute('aria-pressed', el === selected);
    }
    this.wires.forEach(([wire, ends]) => wire.classList.toggle('path', ends.every((end) => path.has(end))));
  }

  chosen(target) {
    const el = target.closest('[data-el]')?.dataset.el;
    if (!el) return;
    this.rove(el);
    this.select(el);
  }

  // One element can be tabbed to; arrows go on from there.
  rove(el) {
    this.items.forEach((group, own) => group.setAttribute('tabindex', own === el ? 0 : -1));
  }

  key(event) {
    const el = event.target.closest('[data-el]')?.dataset.el;
    if (!el) return;
    const columns = this.columns.filter(Boolean);
    const column = columns.findIndex((own) => own.includes(el));
    const place = columns[column].indexOf(el);
    const beside = (by) => {
      const next = columns[column + by];
      return next?.[Math.min(next.length - 1, Math.round(place / columns[column].length * next.length))];
    };
    const next = {
      ArrowUp: () => columns[column][place - 1],
      ArrowDown: () => columns[column][place + 1],
      ArrowLeft: () => beside(-1),
      ArrowRight: () => beside(1),
      Home: () => columns[0][0],
      End: () => columns.at(-1)[0],
    }[event.key];
    if (event.key === 'Enter' || event.key === ' ') this.select(el);
    else if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    const to = next?.();
    if (!to) return;
    this.rove(to);
    this.items.get(to).focus();
  }
}
