// What views share: the page's colours, canvases with the screen's own pixels, tables.

// The colours that drawings take: read anew when the page turns dark or light, or is printed.
class PageColours {
  constructor(changed) {
    this.read();
    const turned = () => {
      this.read();
      changed();
    };
    ['(prefers-color-scheme: dark)', 'print'].forEach((kind) => matchMedia(kind).addEventListener('change', turned));
  }

  read() {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(`--${name}`).trim();
    for (const name of ['card', 'ink', 'soft', 'line', 'edge', 'plus', 'minus', 'mark', 'glow']) this[name] = of(name);
    this.sans = of('sans');
    this.classes = of('classes').split(/\s+/);
    const paper = this.card;
    this.planeRamps = rampsOf({ paper, classes: this.classes }, LOUD.plane);
    this.unitRamps = rampsOf({ paper, classes: [this.minus, this.plus] }, LOUD.unit);
  }
}

// Room for a drawing of so many pixels of the page; what it returns draws in these.
const sizedCanvas = (canvas, width, height, scale = Math.max(1, globalThis.devicePixelRatio || 1)) => {
  const [wide, high] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
  Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  const context = canvas.getContext('2d');
  context.setTransform(scale, 0, 0, scale, 0, 0);
  return context;
};

// A square of pixels as something that can be drawn.
class PixelSquare {
  constructor(side) {
    this.canvas = Object.assign(document.createElement('canvas'), { width: side, height: side });
    this.context = this.canvas.getContext('2d');
    this.image = this.context.createImageData(side, side);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }

  // fill(pixels) colours them.
  show(fill) {
    fill(this.pixels);
    this.context.putImageData(this.image, 0, 0);
    return this.canvas;
  }
}

// A table of texts: a caption, a head, and rows whose first cell is a head too.
const textTable = (caption, head, rows) => node('table', {},
  node('caption', {}, caption),
  node('thead', {}, node('tr', {}, ...head.map((text) => node('th', { scope: 'col' }, text)))),
  node('tbody', {}, ...rows.map(([first, ...cells]) =>
    node('tr', {}, node('th', { scope: 'row' }, first), ...cells.map((text) => node('td', { class: 'number' }, text))))));

// The table beside a drawing: made while it is open and nothing goes on, for it changes with each step.
class TableBeside {
  constructor(root, run, table) {
    Object.assign(this, { run, table });
    this.box = node('div', { class: 'table', tabindex: 0, role: 'region' });
    this.details = node('details', { toggle: () => this.update() }, node('summary', { 'data-say': 'views.as_table' }), this.box);
    root.append(this.details);
  }

  update() {
    if (!this.details.open || this.run.playing) return;
    const own = this.table();
    this.box.replaceChildren(...(own ? [own].flat() : []));
    this.box.ariaLabel = this.box.querySelector('caption')?.textContent ?? '';
  }
}

// Calls at the width of an element, once it has one and each time that it is another.
const atWidth = (root, draw) => {
  let last = 0;
  new ResizeObserver(() => {
    const now = root.clientWidth;
    if (!now || now === last) return;
    last = now;
    draw(now);
  }).observe(root);
};
