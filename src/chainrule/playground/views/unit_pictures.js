// The network as a drawing: in each unit its picture of the plane, between them lines as wide as their weights.
// A click chooses a unit or a weight to be worked out; arrows go from unit to unit.

const UNIT_ROOM = { gap: 14, margin: 6, above: 18, below: 12 }; // above: what the layers are called

const tileSize = (columns, width) => Math.max(20, Math.min(44, Math.floor(width / (1.9 * columns)) - 4));

class UnitDrawing {
  constructor(root, { colours, words, choose, point, look }) {
    Object.assign(this, { root, colours, words, choose, point, look, width: 0, frame: null, chosen: null, near: null });
    this.canvas = node('canvas', { 'aria-hidden': 'true' });
    this.units = node('div', { class: 'units', role: 'group', keydown: (event) => this.key(event) });
    root.append(this.canvas, this.units);
    root.addEventListener('pointermove', (event) => this.over(this.edgeAt(event)));
    root.addEventListener('pointerleave', () => this.over(null));
    root.addEventListener('click', (event) => {
      const edge = event.target.closest('button') ? null : this.edgeAt(event);
      if (edge) this.choose(weightName(this.lowered, edge));
    });
  }

  // Another network: { lowered, side } of its program and the plane, or no plane; names of what enters and leaves.
  renewed({ lowered, side, picture, names }) {
    Object.assign(this, { lowered, side, picture, names, columns: networkColumns(lowered), near: null, frame: null });
    this.edges = columnEdges(this.columns, lowered);
    this.squares = this.columns.map(({ units }) => units.map(() => side && new PixelSquare(side)));
    this.laid();
  }

  resized(width) {
    this.width = width;
    this.laid();
  }

  laid() {
    if (!this.width || !this.columns) return;
    const tile = tileSize(this.columns.length, this.width);
    this.placed = placeColumns(this.columns, this.width, { tile, ...UNIT_ROOM });
    this.placed.height += UNIT_ROOM.above + UNIT_ROOM.below;
    const held = document.activeElement?.closest?.('.units') === this.units ? document.activeElement.value : null;
    this.buttons = this.columns.map((column, c) => column.units.map((unit) => this.button(c, unit, tile)));
    this.units.replaceChildren(...this.buttons.flat());
    this.named();
    this.rove(this.buttons.flat().find(({ value }) => value === (held ?? this.chosen)) ?? this.buttons[0][0]);
    if (held) this.units.querySelector('[tabindex="0"]')?.focus();
    this.root.style.height = `${this.placed.height}px`;
    this.draw(this.frame);
  }

  button(c, unit, tile) {
    const name = unitName(this.columns, c, unit.j);
    const own = node('button', { type: 'button', value: name, tabindex: -1, 'aria-pressed': String(name === this.chosen), click: () => this.choose(c ? name : `x${unit.j + 1}`),
      pointerenter: () => this.look({ name, c, j: unit.j }), focus: () => this.look({ name, c, j: unit.j }), pointerleave: () => this.look(null), blur: () => this.look(null) });
    Object.assign(own.style, { left: `${unit.x}px`, top: `${unit.y + UNIT_ROOM.above}px`, width: `${tile}px`, height: `${tile}px` });
    own.title = this.names[c ? 'outputs' : 'inputs'][unit.j] ?? '';
    if (c && c < this.columns.length - 1) own.title = '';
    return own;
  }

  // What a line is called, and which units it joins.
  said(edge) {
    return { name: weightName(this.lowered, edge), from: unitName(this.columns, edge.from, edge.k), to: unitName(this.columns, edge.to, edge.j) };
  }

  // Names of units in the language that is chosen now.
  named() {
    this.units.ariaLabel = this.words.say('units.title');
    this.buttons?.flat().forEach((own) => { own.ariaLabel = [this.words.say('units.unit', { name: own.value }), own.title].filter(Boolean).join(': '); });
  }

  draw(frame) {
    this.frame = frame;
    if (!this.placed || !frame?.tensors) return;
    const context = sizedCanvas(this.canvas, ...this.size);
    context.clearRect(0, 0, ...this.size);
    this.paint(context);
  }

  get size() { return [this.placed.width, this.placed.height]; }

  paint(context) {
    const { frame } = this;
    const { width, tile } = this.placed;
    Object.assign(context, { font: `11px ${this.colours.sans}`, fillStyle: this.colours.soft, textAlign: 'center', textBaseline: 'top' });
    this.columns.forEach((column) => context.fillText(this.titleOf(column), Math.max(24, Math.min(width - 24, column.x + tile / 2)), 3));
    context.save();
    context.translate(0, UNIT_ROOM.above);
    this.lines(context, frame.tensors);
    this.columns.forEach((column, c) => column.units.forEach((unit, k) => this.unit(context, frame, column, unit, this.squares[c][k], tile)));
    this.rests(context, tile);
    context.restore();
  }

  titleOf({ layer, kind }) {
    if (layer < 0) return this.words.say('units.inputs');
    const [, options] = this.lowered.told[layer];
    return options.activation && options.activation !== 'identity' ? options.activation : kind;
  }

  lines(context, tensors) {
    const largest = Math.max(1e-12, ...this.edges.filter(({ tensor }) => tensor !== null).map(({ tensor, place }) => Math.abs(tensors[tensor][place])).filter(Number.isFinite));
    for (const edge of this.edges) {
      const w = edge.tensor === null ? null : tensors[edge.tensor][edge.place];
      const lit = this.isChosen(edge) || edge === this.near;
      const [[x1, y1], [x2, y2]] = endsOf(this.placed, edge);
      context.beginPath();
      context.moveTo(x1, y1);
      context.lineTo(x2, y2);
      context.strokeStyle = lit ? this.colours.mark : w === null ? this.colours.edge : w < 0 ? this.colours.minus : this.colours.plus;
      context.globalAlpha = lit ? 1 : w === null ? 0.5 : 0.75;
      context.lineWidth = w === null ? 1 : 0.4 + 5 * Math.min(1, Math.abs(w) / largest) + (lit ? 1.5 : 0);
      context.setLineDash(w < 0 ? [6, 3] : []);
      context.stroke();
    }
    context.setLineDash([]);
    context.globalAlpha = 1;
  }

  isChosen(edge) {
    return edge.tensor !== null && this.chosen?.[0] === 'w' && weightName(this.lowered, edge) === this.chosen;
  }

  unit(context, frame, column, unit, square, tile) {
    const name = unitName(this.columns, this.columns.indexOf(column), unit.j);
    const { x, y } = unit;
    context.fillStyle = this.colours.card;
    context.fillRect(x, y, tile, tile);
    const values = frame.units?.[column.value];
    const fill = (pixels) => unitPixels(values, unit.j, column.width, this.colours.unitRamps, pixels);
    if (values && square) context.drawImage(square.show(fill), x, y, tile, tile);
    else this.weights(context, frame, column, unit, tile);
    const chosen = [name, name.replace('i', 'x')].includes(this.chosen);
    Object.assign(context, { strokeStyle: chosen ? this.colours.mark : this.colours.edge, lineWidth: chosen ? 3 : 1 });
    context.strokeRect(x, y, tile, tile);
    Object.assign(context, { fillStyle: this.colours.soft, textAlign: 'center', textBaseline: 'top', font: `10.5px ${this.colours.sans}` });
    context.fillText(name, x + tile / 2, y + tile + 2);
  }

  // Where there is no plane, a unit that sees pixels shows its weights as one.
  weights(context, frame, column, unit, tile) {
    const first = column.layer >= 0 && this.lowered.layers[column.layer];
    if (!this.picture || !first || first.entered !== 0 || !weighs(first)) return;
    const [rows, columns] = this.picture;
    const size = rows * columns;
    const W = frame.tensors[first.own[0].tensors[0]].subarray(unit.j * size, (unit.j + 1) * size);
    const fill = (pixels) => unitPixels(W, 0, 1, this.colours.unitRamps, pixels);
    this.small ??= new PixelSquare(rows);
    context.imageSmoothingEnabled = false;
    context.drawImage(this.small.show(fill), unit.x, unit.y, tile, tile);
    context.imageSmoothingEnabled = true;
  }

  // How many units of a wide layer are not drawn.
  rests(context, tile) {
    Object.assign(context, { fillStyle: this.colours.soft, textAlign: 'center', textBaseline: 'top', font: `12px ${this.colours.sans}` });
    this.columns.filter(({ rest }) => rest).forEach(({ rest, units, x }) => context.fillText(`+${rest}`, x + tile / 2, units.at(-1).y + tile + 16));
  }

  edgeAt(event) {
    if (!this.placed || event.target.closest('button')) return null;
    const box = this.canvas.getBoundingClientRect();
    return nearestEdge(this.placed, this.edges, [event.clientX - box.left, event.clientY - box.top - UNIT_ROOM.above], event.pointerType === 'touch' ? 14 : 7);
  }

  over(edge) {
    if (edge === this.near) return;
    this.near = edge;
    this.root.style.cursor = edge ? 'pointer' : '';
    this.point(edge);
    this.draw(this.frame);
  }

  chose(subject) {
    this.chosen = subject;
    this.buttons?.flat().forEach((own) => own.setAttribute('aria-pressed', String([own.value, own.value.replace('i', 'x')].includes(subject))));
    this.draw(this.frame);
  }

  // One unit can be tabbed to; arrows go on from there.
  rove(own) {
    this.buttons.flat().forEach((each) => { each.tabIndex = each === own ? 0 : -1; });
  }

  key(event) {
    const c = this.buttons.findIndex((own) => own.includes(event.target));
    if (c < 0) return;
    const k = this.buttons[c].indexOf(event.target);
    const beside = (column) => column?.[Math.min(column.length - 1, Math.round((k / this.buttons[c].length) * column.length))];
    const next = {
      ArrowUp: () => this.buttons[c][k - 1], ArrowDown: () => this.buttons[c][k + 1],
      ArrowLeft: () => beside(this.buttons[c - 1]), ArrowRight: () => beside(this.buttons[c + 1]),
      Home: () => this.buttons[0][0], End: () => this.buttons.at(-1)[0],
    }[event.key];
    if (!next) return;
    event.preventDefault();
    const to = next();
    if (!to) return;
    this.rove(to);
    to.focus();
  }
}

// The weights and the bias of each unit that is drawn, a layer after the other; those of wide ones are many.
const unitTables = (words, { columns, lowered }, tensors, most = 12) => columns.slice(1).flatMap((column, at) => {
  const layer = lowered.layers[column.layer];
  if (!weighs(layer)) return [];
  const [W, b] = layer.own[0].tensors;
  const before = columns[at];
  const inputs = lowered.tensors[W].columns;
  const shown = Math.min(inputs, most);
  const head = [words.say('weights.unit'), ...Array.from({ length: shown }, (_, k) => unitName(columns, at, k)), ...(shown < inputs ? ['…'] : []), words.say('units.bias')];
  const rows = column.units.map(({ j }) => [unitName(columns, at + 1, j),
    ...Array.from({ length: shown }, (_, k) => figure(tensors[W][j * inputs + k])), ...(shown < inputs ? ['…'] : []), figure(tensors[b][j])]);
  return before.width === inputs ? [textTable(words.say('units.table', { layer: column.layer + 1 }), head, rows)] : [];
});

const unitsView = ({ state, run, words, known, root }) => {
  const box = node('div', { class: 'network drawing' });
  const said = node('p', { class: 'note' });
  const edge = () => drawing.edges?.find((own) => drawing.isChosen(own));
  const weight = new ParameterField({
    words, run, at: () => ((own) => [own?.tensor, own?.place])(edge()),
    label: () => ((own) => (own ? words.say('units.chosen', drawing.said(own)) : ''))(edge()),
  });
  const work = node('button', { type: 'button', click: () => goTo(document.getElementById('working')) });
  root.append(box, node('div', { class: 'pointed' }, said, weight.root, work));
  const colours = new PageColours(() => drawing.draw(run.frame));
  let pointed = null;
  const tell = () => {
    const w = pointed && run.frame?.tensors[pointed.tensor]?.[pointed.place];
    said.textContent = w !== null && w !== undefined ? words.say('units.weight', { ...drawing.said(pointed), value: figure(w) }) : words.say('units.hint');
    weight.root.hidden = !edge();
    weight.show();
    work.textContent = words.say('units.work', { name: state.value.seen.subject });
  };
  const drawing = new UnitDrawing(box, {
    colours, words,
    choose: (name) => state.change('seen.subject', name),
    point: (own) => {
      pointed = own;
      tell();
    },
    look: (own) => run.tell('looked', own && { ...own, column: drawing.columns[own.c] }),
  });
  const beside = new TableBeside(root, run, () => run.frame && unitTables(words, drawing, run.frame.tensors));
  root.append(pictureButtons('network', run, () => drawing));
  run.want({ units: true });
  state.on('seen.subject', (subject) => {
    drawing.chose(subject);
    tell();
  });
  drawing.chose(state.value.seen.subject);
  atWidth(box, (width) => drawing.resized(width));

  run.on('made', ({ examples, told }) => {
    const parameters = Object.fromEntries(Object.entries(known.choices.activations).map(([name, row]) => [name, row.parameter]));
    const lowered = loweredLayers(new Lowering(known.patterns, parameters, true), { inputs: examples.inputs, layers: told.layers });
    pointed = null;
    drawing.renewed({ lowered: { ...lowered, told: told.layers }, side: told.plane && told.plane.side / UNITS_APART, picture: state.value.data.set === 'digits' ? [8, 8] : null, names: examples.names });
  });

  const update = (frame) => {
    drawing.draw(frame);
    tell();
    if (run.playing) return;
    drawing.named();
    beside.update();
  };
  return { update };
};
