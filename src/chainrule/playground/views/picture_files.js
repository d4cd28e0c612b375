// A drawing as a picture of its own: SVG, written of the same strokes, or PNG.
//
// A drawing paints on a context as canvases have them; here one writes down what it is told.

class SvgContext {
  constructor(width, height) {
    Object.assign(this, { width, height, parts: [], path: [], places: [], dashes: [], moved: '' });
    Object.assign(this, { fillStyle: '#000', strokeStyle: '#000', lineWidth: 1, globalAlpha: 1, font: '', textAlign: 'left', textBaseline: 'alphabetic', lineJoin: 'miter' });
  }

  // Places

  save() { this.places.push(this.moved); }

  restore() { this.moved = this.places.pop(); }

  translate(x, y) { this.moved += `translate(${hundredths(x)} ${hundredths(y)}) `; }

  rotate(angle) { this.moved += `rotate(${hundredths((angle * 180) / Math.PI)}) `; }

  setTransform() {}

  clip() {}

  // Paths

  beginPath() { this.path = []; }

  moveTo(x, y) { this.path.push(`M${hundredths(x)} ${hundredths(y)}`); }

  lineTo(x, y) { this.path.push(`L${hundredths(x)} ${hundredths(y)}`); }

  rect(x, y, w, h) { this.path.push(`M${hundredths(x)} ${hundredths(y)}h${hundredths(w)}v${hundredths(h)}h${hundredths(-w)}z`); }

  // Circles alone are drawn.
  arc(x, y, r) { this.path.push(`M${hundredths(x - r)} ${hundredths(y)}a${hundredths(r)} ${hundredths(r)} 0 1 0 ${hundredths(2 * r)} 0a${hundredths(r)} ${hundredths(r)} 0 1 0 ${hundredths(-2 * r)} 0z`); }

  setLineDash(dashes) { this.dashes = dashes; }

  fill() { this.put('path', { d: this.path.join(''), fill: this.fillStyle }); }

  stroke() { this.put('path', { d: this.path.join(''), fill: 'none', ...this.stroked() }); }

  stroked() {
    const dashes = this.dashes.length ? { 'stroke-dasharray': this.dashes.join(' ') } : {};
    return { stroke: this.strokeStyle, 'stroke-width': hundredths(this.lineWidth), 'stroke-linejoin': this.lineJoin, ...dashes };
  }

  clearRect() {}

  fillRect(x, y, width, height) { this.put('rect', { x: hundredths(x), y: hundredths(y), width: hundredths(width), height: hundredths(height), fill: this.fillStyle }); }

  strokeRect(x, y, width, height) { this.put('rect', { x: hundredths(x), y: hundredths(y), width: hundredths(width), height: hundredths(height), fill: 'none', ...this.stroked() }); }

  fillText(text, x, y) {
    const anchor = { center: 'middle', right: 'end', left: 'start' }[this.textAlign];
    const down = { top: '0.8em', middle: '0.35em', bottom: '-0.2em' }[this.textBaseline] ?? '0';
    this.put('text', { x: hundredths(x), y: hundredths(y), dy: down, 'text-anchor': anchor, fill: this.fillStyle, style: `font:${this.font}` }, escapedText(text));
  }

  drawImage(canvas, x, y, width, height) {
    this.put('image', { x: hundredths(x), y: hundredths(y), width: hundredths(width), height: hundredths(height), preserveAspectRatio: 'none', href: canvas.toDataURL() });
  }

  put(name, attributes, inner = '') {
    const all = { ...attributes, ...(this.globalAlpha < 1 ? { opacity: this.globalAlpha } : {}), ...(this.moved ? { transform: this.moved.trim() } : {}) };
    this.parts.push(`<${name} ${Object.entries(all).map(([own, value]) => `${own}="${escapedText(value)}"`).join(' ')}>${inner}</${name}>`);
  }

  text(paper) {
    const size = `width="${hundredths(this.width)}" height="${hundredths(this.height)}"`;
    return `<svg xmlns="http://www.w3.org/2000/svg" ${size} viewBox="0 0 ${hundredths(this.width)} ${hundredths(this.height)}">`
      + `<rect ${size} fill="${paper}"></rect>\n${this.parts.join('\n')}\n</svg>\n`;
  }
}

const hundredths = (number) => String(Math.round(number * 100) / 100);

const escapedText = (text) => String(text).replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign]);

// The buttons that save what a drawing paints, once there is something: drawing() has `size`, `colours` and `paint(context)`.
const pictureButtons = (name, run, drawing) => {
  const svg = () => {
    const { size: [width, height], colours } = drawing();
    const context = new SvgContext(width, height);
    drawing().paint(context);
    saveAs(new Blob([context.text(colours.card)], { type: 'image/svg+xml' }), `${name}.svg`);
  };
  const png = () => {
    const { size: [width, height], colours } = drawing();
    const canvas = document.createElement('canvas');
    const context = sizedCanvas(canvas, width, height, 2);
    context.fillStyle = colours.card;
    context.fillRect(0, 0, width, height);
    drawing().paint(context);
    canvas.toBlob((blob) => saveAs(blob, `${name}.png`));
  };
  const click = (save) => async () => {
    if (await run.settled()) save();
  };
  return node('p', { class: 'saved' }, node('span', { 'data-say': 'views.save' }),
    node('button', { type: 'button', name: 'svg', click: click(svg) }, 'SVG'), node('button', { type: 'button', name: 'png', click: click(png) }, 'PNG'));
};
