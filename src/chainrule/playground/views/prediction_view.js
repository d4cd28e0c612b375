// What the network says of examples that are no points of a plane: how often each class is told to be each,
// as a table, or numbers predicted beside the true ones; and of digits their pictures.

const PICTURES = 24;

class PredictionDrawing {
  constructor(root, words, colours) {
    Object.assign(this, { words, colours, width: 0, frame: null });
    this.canvas = node('canvas', { role: 'img' });
    this.table = node('div', { class: 'table', tabindex: 0, role: 'region' });
    this.pictures = node('ul', { class: 'pictures' });
    this.note = node('p', { class: 'note' });
    root.append(this.canvas, this.table, this.pictures, this.note);
  }

  renewed(shown) {
    Object.assign(this, shown, { pairs: null });
    const classed = Boolean(this.labels);
    this.canvas.hidden = classed;
    this.table.hidden = !classed;
    this.pictures.hidden = !this.picture;
    this.pictures.replaceChildren();
  }

  resized(width) {
    this.width = Math.min(width, 420);
    this.draw(this.frame);
  }

  // Of the examples of the test where there are any, else of those in training.
  get part() { return this.examples.test.n ? 'test' : 'train'; }

  draw(frame) {
    this.frame = frame;
    if (!this.width || !frame?.predicted || !this.examples) return;
    const part = this.examples[this.part];
    const predicted = frame.predicted[this.part];
    if (!predicted) return;
    if (this.labels) this.classes(predicted, part, this.labels[this.part]);
    else this.numbers(predicted, part);
  }

  classes(predicted, part, labels) {
    const { words, examples: { classes, outputs } } = this;
    const { counts, told, right, n } = confusionOf(predicted, labels, classes.length, outputs, this.shown.range);
    const caption = words.say(this.part === 'test' ? 'outcome.right_test' : 'outcome.right', { right: whole(right), n: whole(n) });
    const rows = counts.map((row, k) => [classes[k], ...row.map((count) => (count ? whole(count) : ''))]);
    const table = textTable(caption, [words.say('outcome.true_told'), ...classes], rows);
    table.classList.add('confusion');
    table.querySelectorAll('tbody tr').forEach((row, k) => row.querySelectorAll('td').forEach((cell, j) => {
      const all = counts[k].reduce((sum, own) => sum + own, 0) || 1;
      const colour = j === k ? this.colours.plus : this.colours.minus;
      cell.style.background = `color-mix(in srgb, ${colour} ${Math.round((70 * counts[k][j]) / all)}%, transparent)`;
    }));
    this.table.replaceChildren(table);
    this.table.ariaLabel = caption;
    this.said(part, n);
    if (this.picture) this.digits(part, told, labels);
  }

  // Those that are told wrong come first.
  digits(part, told, labels) {
    const order = Array.from(told.keys()).sort((a, b) => (told[a] === labels[a]) - (told[b] === labels[b]) || a - b).slice(0, PICTURES);
    const [rows, columns] = this.picture;
    const size = rows * columns;
    const { classes } = this.examples;
    this.pictures.replaceChildren(...order.map((k) => {
      const right = told[k] === labels[k];
      const canvas = Object.assign(node('canvas', { 'aria-hidden': 'true' }), { width: columns, height: rows });
      const context = canvas.getContext('2d');
      const image = context.createImageData(columns, rows);
      const [red, green, blue] = colourOf(this.colours.ink);
      for (let at = 0; at < size; at += 1) image.data.set([red, green, blue, 255 * Math.max(0, Math.min(1, part.X[k * size + at]))], 4 * at);
      context.putImageData(image, 0, 0);
      const said = this.words.say(right ? 'outcome.digit_right' : 'outcome.digit_wrong', { told: classes[told[k]], true: classes[labels[k]] });
      return node('li', { class: right ? 'hit' : 'missed', title: said }, canvas, node('span', { 'aria-label': said, role: 'img' }, right ? classes[told[k]] : `${classes[told[k]]} ≠ ${classes[labels[k]]}`));
    }));
  }

  numbers(predicted, part) {
    const { outputs } = this.examples;
    const n = predicted.length / outputs;
    this.pairs = [predicted, part.y.subarray(0, predicted.length)];
    const context = sizedCanvas(this.canvas, ...this.size);
    context.clearRect(0, 0, ...this.size);
    this.paint(context);
    const { off, left } = distanceOf(...this.pairs);
    this.canvas.ariaLabel = this.words.say(Number.isFinite(left) ? 'outcome.numbers' : 'outcome.number', { off: figure(off, 3), left: figure(left, 3), n: whole(n) });
    this.said(part, n, this.canvas.ariaLabel);
  }

  get size() { return [this.width, this.width]; }

  paint(context) {
    if (!this.pairs) return; // no prediction is finite
    const [own, y] = this.pairs;
    const n = y.length;
    const [low, high] = this.shown.range;
    const side = this.width;
    const at = (value) => 30 + ((value - low) / (high - low || 1)) * (side - 40);
    Object.assign(context, { strokeStyle: this.colours.line, fillStyle: this.colours.soft, font: `11px ${this.colours.sans}`, lineWidth: 1 });
    context.beginPath();
    context.moveTo(at(low), side - at(low));
    context.lineTo(at(high), side - at(high));
    context.stroke();
    context.fillText(`${this.words.say('outcome.true')}: ${figure(low, 3)} … ${figure(high, 3)}`, 32, side - 6);
    context.save();
    context.translate(14, side - 32);
    context.rotate(-Math.PI / 2);
    context.fillText(this.words.say('outcome.predicted'), 0, 0);
    context.restore();
    context.fillStyle = this.colours.plus;
    context.globalAlpha = 0.6;
    for (let k = 0; k < n; k += Math.ceil(n / MOST_SHOWN)) {
      context.beginPath();
      context.arc(at(y[k]), side - Math.max(6, Math.min(side - 6, at(own[k]))), 2.6, 0, 7);
      context.fill();
    }
    context.globalAlpha = 1;
  }

  said(part, n, text = '') {
    const first = n < part.n ? this.words.say('outcome.first', { n: whole(n), of: whole(part.n) }) : '';
    this.note.textContent = [text, first].filter(Boolean).join(' ');
  }
}
