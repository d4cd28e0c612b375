// Sums of which the largest terms are written, and the exact rest in one: as sums.py has them.

// The places of the largest sizes, in order; of all where one more is all.
const largest = (values, top) => {
  const places = Array.from(values, (_, k) => k);
  if (places.length <= top + 1) return places;
  const size = (k) => Math.abs(values[k]);
  return places.sort((j, k) => size(k) - size(j) || j - k).slice(0, top).sort((j, k) => j - k);
};

// Numbers that do not overlap and have the sum of the given ones.
const partials = (values) => {
  const parts = [];
  for (let x of values) {
    let kept = 0;
    for (let y of parts) {
      if (Math.abs(x) < Math.abs(y)) [x, y] = [y, x];
      const high = x + y;
      const low = y - (high - x);
      if (low) parts[kept++] = low;
      x = high;
    }
    parts.length = kept;
    parts.push(x);
  }
  return parts;
};

// The sum of numbers, rounded once.
const exactSum = (values) => {
  const parts = partials(values);
  let high = parts.pop() ?? 0;
  while (parts.length) {
    const [x, y] = [high, parts.pop()];
    high = x + y;
    const low = y - (high - x);
    if (!low) continue;
    const next = parts.at(-1) ?? 0; // a half is rounded by what lies beyond it
    const twice = low * 2;
    if (low * next > 0 && high + twice - high === twice) high += twice;
    break;
  }
  return high;
};

const sumTree = (terms) => (terms.length === 1 ? terms[0] : ['+', ...terms]);

// What a sum of terms is written as: `term(k)` has the number values[k]; `shown` says which are written.
const total = (values, term, { top, rest, shown }) => {
  let places = shown ?? largest(values, top);
  const whole = places.length === values.length;
  if (!shown && !whole) places = places.filter((k) => values[k] !== 0);
  const terms = places.map(term);
  if (!whole) {
    const written = new Set(places);
    terms.push(rest(Array.from(values).filter((_, k) => !written.has(k)), places.length > 0));
  }
  return sumTree(terms);
};
