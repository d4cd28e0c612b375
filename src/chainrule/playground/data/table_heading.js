// What stands above the rows of a table, as `chainrule train` finds it: titles to leave out, and names or none.
// Rows are lists of texts.

const LOOKED_AT = { rows: 1000, cells: 10000, fewest: 20, last: 20, told: 3 };

const isNumberDressed = (text) =>
  /^[(+−-]?\s?[^\p{L}\p{N}_\s]?\s?[.,]?\d[\d.,'\s]*(?:e[+-]?\d+)?\s?[^\p{L}\p{N}_\s]?\)?$/iu.test(text);

const formOf = (text) => text.replace(/\d/g, '9').replace(/\p{L}/gu, 'a');

// How many of the first rows are no part of a table: all of its rows, two at least, have as many cells, and
// those above it fewer. Where it is not so, none is part of it.
const tableBegins = (widths) => {
  const last = widths.at(-1);
  const above = widths.findLastIndex((width) => width !== last) + 1;
  const isPlain = widths.length - above > 1 && widths.every((width) => width <= last);
  return isPlain || !above ? above : widths.length;
};

const headingOf = (rows, { numbers, years }) => {
  const missing = new Set(numbers);
  const isMissing = (text) => missing.has(text) || !/[\p{L}\p{N}]/u.test(text);
  const isCounted = (texts) => texts.every((text, k) => text === `${k}`);
  const isYear = (text) => /^\d+$/.test(text) && text >= years[0] && text < years[1];
  const steps = (texts) => [...new Set(texts.slice(1).map((text, k) => Math.round((text - texts[k]) * 1e9) / 1e9))];
  const areYears = (texts) => {
    const by = steps(texts);
    return texts.every(isYear) && (!by.length || (by.length === 1 && (texts.length > 2 || Math.abs(by[0]) === 1)));
  };
  const rises = (texts) => texts.length > 2 && steps(texts).length === 1 && steps(texts)[0] !== 0;

  // Whether the numbers of a first row go on as names do, and those of the second do not.
  const mayBeNames = (first, below) => {
    const places = first.flatMap((text, k) => (isNumberDressed(text) ? [k] : []));
    const [names, second] = [first, below[0]].map((row) => (row ? places.map((k) => row[k]) : []));
    if (isCounted(names) || areYears(names)) return !isCounted(second) && !second.every(isYear);
    return !first.every((text) => isNumberDressed(text) || isMissing(text)) && rises(names) && !rises(second);
  };

  // 1 for a name, −1 for a value, 0 where it may be either.
  const vote = (text, below, numbersMayBe) => {
    const values = [...new Set(below)].filter((own) => !isMissing(own));
    if (!values.length || isMissing(text)) return 0;
    if (values.every(isNumberDressed)) return isNumberDressed(text) ? (numbersMayBe ? 0 : -1) : 1;
    if (values.includes(text)) return -1;
    const forms = new Set(values.map(formOf));
    if (![...forms].every((form) => form.includes('9'))) return 0;
    return formOf(text).includes('9') ? -forms.has(formOf(text)) : 1;
  };
  const votes = (first, rest) => {
    const below = rest.filter((row) => row.length === first.length && row.some((text, k) => text !== first[k]));
    const numbersMayBe = mayBeNames(first, below);
    const all = first.map((text, k) => vote(text, below.map((row) => row[k]), numbersMayBe));
    const filled = first.filter((text) => !isMissing(text));
    const names = all.filter((own) => own > 0).length;
    return [names, all.filter((own) => own < 0).length + (new Set(filled).size < filled.length && !names)];
  };

  // Rows that have fewer cells than all rows from the names on, or one at most that is filled.
  const titles = () => {
    const width = rows.at(-1).length;
    const filled = (row) => row.filter((text) => text).length;
    let above = tableBegins(rows.map((row) => row.length));
    if (width > 2) above += Math.max(0, rows.slice(above).findIndex((row) => filled(row) > 1));
    if (!above || above + 1 >= rows.length) return 0;
    const [names, values] = votes(rows[above], rows.slice(above + 1));
    return names > values || (width > 2 && !values && rows.slice(0, above).every((row) => filled(row) < 2)) ? above : 0;
  };

  // Names with one for each column: rows may end with a sign, and R leaves out the name of the rows' names.
  const withAll = (names, rest) => {
    const below = rest.slice(0, LOOKED_AT.last);
    if (below.length < LOOKED_AT.told || below.some((row) => row.length !== names.length + 1)) return names;
    if (below.every((row) => !row.at(-1))) return [...names, ''];
    const own = below.map(([text]) => text);
    const isWords = own.every((text) => text && !isNumberDressed(text));
    const counts = [0, 1].some((from) => own.every((text, k) => text === `${k + from}`));
    return new Set(own).size === own.length && (isWords || counts) ? ['', ...names] : names;
  };

  const above = titles();
  const [first, below] = [rows[above], rows.slice(above + 1)];
  const [names, values] = votes(first, below);
  const filled = first.filter((text) => !isMissing(text));
  const isNames = names || values || !filled.every(isNumberDressed) ? names > 0 || !values : filled.length > 0 && (isCounted(filled) || areYears(filled));
  return { above, votes, isNames, isUnsure: names > 0 && names <= values, names: isNames ? withAll(first, below) : first.map(() => '') };
};

// Names of which none is there twice: those without one say their place, and others get a number.
const differentNames = (given) => {
  const names = given.map((name, k) => name || `column_${k + 1}`);
  const taken = new Set();
  return names.map((name) => {
    let own = name;
    for (let k = 2; taken.has(own) || (own !== name && names.includes(own)); k += 1) own = `${name}_${k}`;
    taken.add(own);
    return own;
  });
};
