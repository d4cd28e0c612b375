// What the network says of each point of the plane, with the examples upon it: those of training as discs,
// those of the test as squares.

const MOST_SHOWN = 3000; // points that are drawn

class PlaneDrawing {
  constructor(root, colours) {
    this.canvas = node('canvas', { role: 'img' });
    this.points = document.createElement('canvas');
    Object.assign(this, { colours, width: 0, frame: null });
    root.append(this.canvas);
  }

  // Other examples: { examples, told, shown, labels }.
  renewed(shown) {
    Object.assign(this, shown);
    this.square = new PixelSquare(this.told.plane.side);
    this.unitSquare = new PixelSquare(this.told.plane.side / UNITS_APART);
    this.looked = null;
    this.drawPoints();
  }

  get side() { return this.width; }

  place(value, axis) {
    const { range } = this.examples.plane;
    const part = (value / range + 1) / 2;
    return this.side * (axis ? 1 - part : part);
  }

  // Of the class, or of the side of the middle on which the number lies.
  colour(part, k) {
    const { classes } = this.colours;
    if (this.labels) return classes[this.labels[part][k] % classes.length];
    const { y, n } = this.examples[part];
    return classes[shownOf(this.shown, [y[(k * y.length) / n]]).class];
  }

  drawPoints() {
    if (!this.width || !this.examples?.plane) return;
    const context = sizedCanvas(this.points, ...this.size);
    context.clearRect(0, 0, ...this.size);
    this.paintPoints(context);
  }

  paintPoints(context) {
    const size = Math.max(2.4, Math.min(3.6, this.side / 80));
    context.lineWidth = 1;
    for (const [part, isDisc] of [['test', false], ['train', true]]) {
      const points = this.examples.plane[part];
      const every = Math.ceil(points.length / 2 / MOST_SHOWN);
      for (let k = 0; 2 * k < points.length; k += every) {
        const [x, y] = [this.place(points[2 * k], 0), this.place(points[2 * k + 1], 1)];
        context.beginPath();
        if (isDisc) context.arc(x, y, size, 0, 7);
        else context.rect(x - size, y - size, 2 * size, 2 * size);
        context.fillStyle = isDisc ? this.colour(part, k) : this.colours.card;
        context.strokeStyle = isDisc ? this.colours.card : this.colour(part, k);
        context.fill();
        context.stroke();
      }
    }
  }

  resized(width) {
    this.width = Math.min(width, 420);
    this.drawPoints();
    this.draw(this.frame);
  }

  // The plane of a frame: (points, outputs), or null where no prediction is finite.
  draw(frame) {
    this.frame = frame;
    if (!this.width || !frame || !this.square) return;
    const context = sizedCanvas(this.canvas, ...this.size);
    context.fillStyle = this.colours.card;
    context.fillRect(0, 0, ...this.size);
    this.paintPlane(context);
    context.drawImage(this.points, 0, 0, ...this.size);
    this.axes(context);
  }

  get size() { return [this.side, this.side]; }

  paint(context) {
    this.paintPlane(context);
    this.paintPoints(context);
    this.axes(context);
  }

  paintPlane(context) {
    const { frame } = this;
    const { column, j, name } = this.looked ?? {};
    const values = frame?.units?.[column?.value];
    if (values) { // a unit that is pointed at, in place of what the network says
      const fill = (pixels) => unitPixels(values, j, column.width, this.colours.unitRamps, pixels);
      context.drawImage(this.unitSquare.show(fill), 0, 0, ...this.size);
      Object.assign(context, { fillStyle: this.colours.ink, font: `600 14px ${this.colours.sans}`, textAlign: 'right', textBaseline: 'top' });
      context.fillText(name, this.side - 6, 5);
    } else if (frame?.plane) {
      const fill = (pixels) => planePixels(this.shown, frame.plane, this.examples.outputs, this.colours.planeRamps, pixels);
      context.drawImage(this.square.show(fill), 0, 0, ...this.size);
    }
  }

  axes(context) {
    const { range } = this.examples.plane;
    const [low, high] = [-range, range];
    Object.assign(context, { fillStyle: this.colours.soft, font: `11px ${this.colours.sans}`, textBaseline: 'bottom' });
    for (const [text, x, y, align] of [
      [figure(low), 3, this.side - 2, 'left'], [figure(high), this.side - 3, this.side - 2, 'right'], [figure(high), 3, 14, 'left'],
    ]) {
      context.textAlign = align;
      context.fillText(text, x, y);
    }
  }
}

// What the network says at some points of the plane, as a table: x₂ by rows, x₁ by columns.
const planeTable = (words, { examples: { classes, outputs }, told: { plane: { side, range } }, shown }, values) => {
  const places = [0.1, 0.3, 0.5, 0.7, 0.9].map((part) => Math.floor(part * side));
  const at = (place) => figure(range * ((2 * place + 1) / side - 1));
  const said = (column, row) => {
    const first = outputs * ((side - 1 - row) * side + column);
    const own = Array.from(values.subarray(first, first + outputs));
    if (!shown.classed || outputs === 1) return figure(own[0], 3);
    const best = own.indexOf(Math.max(...own));
    return `${classes[best]} (${figure(own[best], 2)})`;
  };
  const rows = [...places].reverse().map((row) => [`x₂ = ${at(row)}`, ...places.map((column) => said(column, row))]);
  return textTable(words.say('outcome.table'), ['x₂ \\ x₁', ...places.map((place) => `x₁ = ${at(place)}`)], rows);
};
