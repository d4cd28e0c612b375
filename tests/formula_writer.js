// Formulas as pages write them: node formula_writer.js < { script, shapes, cases } > texts
// A case is a formula with its quantities in their places, ['q', [text, math, level], number].

const { readFileSync } = require('fs');

const { script, shapes, cases } = JSON.parse(readFileSync(0, 'utf8'));
const { FormulaWriter, filledIn, leafOf, figure, chosen } = new Function(
  `'use strict';${script}\nreturn { FormulaWriter, filledIn, leafOf, figure, chosen };`)();

const names = { name: ([text, math, level, ratio]) => (ratio ? { ratio: ratio.map(names.name) } : { text, math, level }) };

const written = (form) => {
  const of = (part) => {
    if (part[0] === '#') return ['n', part[1] === 't' ? '1' : '2']; // of the first step
    return part[0] === 'q' ? leafOf(part[1], part[2]) : filledIn(part, of);
  };
  const formula = of(form);
  return ['text', 'mathml'].map((format) => {
    const writer = new FormulaWriter(shapes, format, names);
    const letters = writer.write(formula, ([, key, number]) => writer.named(key, number));
    const numbers = writer.write(formula, ([, , number]) => writer.figure(figure(number)), chosen);
    return [letters, numbers].map(({ text, level }) => [text, level]);
  });
};

process.stdout.write(JSON.stringify(cases.map(written)));
