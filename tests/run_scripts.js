// What a script answers that has a table ASKED of functions: node run_scripts.js < { script, asked, given } > answer

const { readFileSync } = require('fs');

const { script, asked, given } = JSON.parse(readFileSync(0, 'utf8'));

// What a function makes, or the word of the sentence that it refuses it by.
const tried = async (act) => {
  try {
    return await act();
  } catch (error) {
    if (!error.word) throw error;
    return { word: error.word, holes: error.holes };
  }
};

const plain = (_, value) => {
  if (ArrayBuffer.isView(value)) return Array.from(value, (each) => (Number.isFinite(each) ? each : String(each)));
  return value instanceof Map ? Object.fromEntries(value) : value;
};

const ASKED = new Function('tried', 'require', 'given', `'use strict';${script}\nreturn ASKED;`)(tried, require, given);
Promise.resolve(ASKED[asked](given)).then((answer) => process.stdout.write(JSON.stringify(answer, plain)));
