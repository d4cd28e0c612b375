// What drawings are made of: elements of SVG, names, texts that fit their room.

const SVG = 'http://www.w3.org/2000/svg';

const svg = (tag, attributes = {}, ...children) => {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};

// A name with its index below and its superscript above the line.
const svgName = ([base, sub, sup, marks]) => {
  const parts = [svg('tspan', { class: marks.includes('c') ? 'code' : 'letter' }, base)];
  if (sub) parts.push(svg('tspan', { class: 'index', dy: 3 }, sub));
  if (sup) parts.push(svg('tspan', { class: 'index', dy: sub ? -8 : -5 }, sup));
  return parts;
};

// How wide a text is, in pixels, and a text cut so that it is no wider than the room.
const pen = document.createElement('canvas').getContext('2d');
const { fontFamily } = getComputedStyle(document.body);
let penSize = 0;

const widthOf = (text, size) => {
  if (size !== penSize) pen.font = `${size}px ${fontFamily}`;
  penSize = size;
  return pen.measureText(text).width;
};

const cut = (text, size, room) => {
  const signs = Array.from(text);
  if (widthOf(text, size) <= room) return text;
  while (signs.length && widthOf(`${signs.join('').trimEnd()}…`, size) > room) signs.pop();
  return `${signs.join('').trimEnd()}…`;
};

const put = (group, texts, label) => {
  for (const [name, content] of Object.entries(texts)) group.querySelector(`.${name}`).textContent = content;
  group.setAttribute('aria-label', label);
};

// Press a text together where even its fewest digits are too wide.
const fit = (element, room, size) => {
  const wide = widthOf(element.textContent, size) > room;
  for (const [name, value] of [['textLength', room], ['lengthAdjust', 'spacingAndGlyphs']]) {
    if (wide) element.setAttribute(name, value);
    else element.removeAttribute(name);
  }
};
