// The numbers of passes, place by place, as the page has them: node playground_working.js SCRIPTS... ENGINE

const { readFileSync } = require('fs');

const files = process.argv.slice(2);
const { patterns, lowering, activations, lines, cases } = JSON.parse(readFileSync(0, 'utf8'));
const scripts = [...files.slice(0, -1).map((name) => readFileSync(name, 'utf8')), lines].join('\n');
const names = 'Engine, NotedLowering, lookNumbers, lineWork, nextRows, subjectKinds, subjectParts, subjectText, subjectKey';
const { Engine, NotedLowering, lookNumbers, lineWork, subjectKinds, subjectParts, subjectText, subjectKey } =
  new Function(`'use strict';${scripts}\nreturn { ${names} };`)();

const arrays = (value) => {
  if (ArrayBuffer.isView(value)) return Array.from(value);
  if (Array.isArray(value)) return value.map(arrays);
  return value && typeof value === 'object' ? Object.fromEntries(Object.entries(value).map(([name, own]) => [name, arrays(own)])) : value;
};

const subjects = (places) => subjectKinds(places).flatMap(([kind, size]) => Array.from({ length: size }, (_, k) => {
  const text = subjectText({ kind, number: k + 1 }, places);
  const parts = subjectParts(text, places);
  const key = subjectKey(parts, places);
  return [text, key && [key.kind, key.layer ?? 0, key.unit ?? 0, key.source ?? 0, key.text ?? '']];
}));

Engine.open(readFileSync(files.at(-1))).then((engine) => {
  const made = cases.map(({ net, heads, tensors, X, y, labels, rows, draw }) => {
    const noted = new NotedLowering(lowering, activations, true);
    const program = noted.program({ ...net, heads });
    const session = engine.session(program, { optimizer: 'sgd', batch: rows.length, seed: draw.seed });
    tensors.forEach((own, k) => session.load(k, own));
    session.ready();
    const data = { X: Float64Array.from(X), y: y && Float64Array.from(y), labels: labels && Int32Array.from(labels) };
    session.data(data);
    const places = new lineWork.LinePlaces(patterns, net, true);
    const { values } = session.look({ rows, step: draw.step });
    const numbers = arrays(lookNumbers({ places, notes: noted.notes, values, data, rows, draw }));
    session.free();
    return { numbers, subjects: subjects(places) };
  });
  process.stdout.write(JSON.stringify(made));
});
