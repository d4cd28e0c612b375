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
  if (!Number.isFinite(number) || !within(number, bounds)) refuse('check.number', { name, bounds, got: text });
  return number;
};

// What a number must be, in words and signs: a whole number ≥ 0, < 1.
const boundsSaid = (words, { whole, least, above, most, below }) => {
  const signs = Object.entries({ '≥': least, '>': above, '≤': most, '<': below }).filter(([, bound]) => bound !== undefined);
  return `${words.say(whole ? 'check.a_whole_number' : 'check.a_number')} ${signs.map(([sign, bound]) => `${sign} ${bound}`).join(', ')}`.trim();
};

// The sentence of a refusal.
const refusalSaid = (words, { word, holes = {} }) =>
  words.say(word, holes.bounds ? { ...holes, must: boundsSaid(words, holes.bounds) } : holes);
