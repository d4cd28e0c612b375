// What a reader types, held to what it must be. What does not fit is refused by the word of a sentence, with
// what stands in its holes, and nothing has changed.

const refuse = (word, holes = {}) => {
  throw Object.assign(new Error(word), { word, holes });
};

// A number as one types it, NaN where it is none; a decimal comma is one too.
const typedNumber = (text) => {
  const plain = text.trim().replace('−', '-').replace(/^([+-]?\d*),(\d+)$/, '$1.$2');
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : NaN;
};

// A number within the bounds of choices.py: least, above, most, below, and whether it is whole.
const within = (number, { least = -Infinity, above = -Infinity, most = Infinity, below = Infinity, whole = false }) =>
  number >= least && number > above && number <= most && number < below && (!whole || Number.isSafeInteger(number));

const checkedNumber = (name, text, bounds) => {
  const number = typedNumber(text);
  if (!Number.isFinite(number) || !within(number, bounds)) refuse('check.number', { name, must: bounds, got: text });
  return number;
};
