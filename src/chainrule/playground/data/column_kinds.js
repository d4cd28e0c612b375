// What a column of a table can be, and why it is left out, as `chainrule train` decides it.
//
//   kind   { kind: 'numbers' | 'words' | 'out', why, value, levels, absent, aside }
//
// `why` and `aside` are sentences, [word, holes]: why it cannot be used, and why it is not unless the reader says so.
// `value` is what a column is in every row.

const patternOf = ([pattern, flags]) => new RegExp(pattern, flags);

// The least and the greatest of a column's numbers, and whether all are whole, and rise or fall by one.
const extentOf = ({ numbers, n, count }) => {
  let [least, greatest, whole, previous] = [Infinity, -Infinity, true, NaN];
  const step = count === n && Math.abs(numbers[1] - numbers[0]) === 1 ? numbers[1] - numbers[0] : 0;
  let steps = step !== 0;
  for (const number of numbers) {
    if (number !== number) continue;
    if (number < least) least = number;
    if (number > greatest) greatest = number;
    whole &&= Number.isInteger(number);
    steps &&= previous !== previous || number - previous === step;
    previous = number;
  }
  return { least, greatest, whole, steps };
};

// Why whole numbers tell nothing of other rows: they number or name those of the table.
const numbering = ({ name, numbers, n, count }, { least, greatest, steps }, rules, names) => {
  const { id, camel_id: camel, counter, index, nameless, rank, of_r: ofR } = rules.row_names;
  const is = (pattern, own = name) => patternOf(pattern).test(own);
  const isId = is(id) || is(camel);
  const isOfR = Object.hasOwn(ofR, name) && name === names[0] && !ofR[name].some((other) => names.includes(other)) && greatest - least < 10 * n;
  const isIndex = is(index) || (is(nameless) && !names.every((own) => is(nameless, own)));
  const isNamed = isId || isIndex || is(counter) || isOfR;
  const isOne = count === n && greatest - least === n - 1 && n >= rules.some_rows;
  if (!isNamed && !steps && !isOne) return { isId };
  const share = new Set(numbers.filter((number) => number === number)).size / Math.max(1, count);
  const rows = ['column.numbering', { name }];
  if (isId && share > rules.different) return { isId, aside: rows };
  if (steps && n >= rules.some_rows) return { isId, aside: rows };
  if (isIndex ? share > rules.again : (is(counter) || isOfR) && share === 1) return { isId, aside: rows };
  return { isId, aside: isOne && share === 1 && !is(rank) ? rows : undefined };
};

const isDayOfDigits = ({ least, greatest }) => `${least}`.length === 8 && `${greatest}`.length === 8 && least >= 19000101 && least < 21010000;

const isDay = (number) => {
  const [month, day] = [Math.floor(number / 100) % 100, number % 100];
  return month > 0 && month < 13 && day > 0 && day < 32;
};

const columnKind = (column, rules, names) => {
  const { name, n, numbers, absent, count, why, isNumbers, dates } = column;
  const missing = isNumbers ? n - count : absent;
  const out = (word, holes = {}, more = {}) => ({ kind: 'out', why: [word, { name, ...holes }], absent: missing, ...more });
  if (absent === n) return out('column.empty');
  if (why) return out(...why);
  const levels = column.levels.filter((text) => text !== null);
  let isId = false;
  if (isNumbers) {
    const extent = extentOf(column);
    if (extent.least === extent.greatest && !missing) return out('column.constant', { value: extent.least }, { value: `${extent.least}` });
    if (extent.whole && isDayOfDigits(extent) && numbers.every((number) => number !== number || isDay(number))) return out('column.dates');
    const found = extent.whole ? numbering(column, extent, rules, names) : {};
    if (!found.isId || found.aside || !column.codes || levels.length > rules.most_words) return { kind: 'numbers', absent: missing, aside: found.aside };
    isId = true;
  }
  if (column.codes && levels.length === 1 && !absent) return out('column.constant', { value: levels[0] }, { value: levels[0] });
  if (!isId && dates >= MOSTLY * (n - absent)) return out('column.dates');
  const isMost = levels.length > rules.different * (n - absent);
  const many = column.contradicts ? ['column.both_signs', { name }] : ['column.levels', { name, count: column.codes ? levels.length : `> ${MOST_LEVELS}`, rows: n, most: rules.most_words }];
  if (!column.codes || levels.length > rules.most_words) return out(...many);
  return { kind: 'words', levels, absent, aside: isMost && (column.contradicts || n >= rules.some_rows) ? many : undefined };
};

// What each column of a table can be, worked out once.
const kindsOf = (table, rules) => {
  const names = table.columns.map(({ name }) => name);
  table.kinds ??= table.columns.map((column) => columnKind(column, rules, names));
  return table.kinds;
};
