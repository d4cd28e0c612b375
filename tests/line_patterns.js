// Derivations as a page fills them in: node line_patterns.js < { patterns, script, cases } > parts

const { readFileSync } = require('fs');

const { patterns, script, cases } = JSON.parse(readFileSync(0, 'utf8'));
const { Derivation } = new Function(`'use strict';${script}\nreturn lineWork;`)();

const written = (given) => {
  try {
    return given.formats.map((format) => new Derivation(patterns, given).written(format).map(({ name, ...part }) => part));
  } catch (error) {
    return String(error.stack);
  }
};

process.stdout.write(JSON.stringify(cases.map(written)));
