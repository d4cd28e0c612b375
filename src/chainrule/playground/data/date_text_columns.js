// Columns of dates and of texts, as a model of a table encodes them: in UTC, by the formats of date_formats.py, and by
// the parts of words, as text_encoder.py has them.
//
//   tables.rules.dates   { tokens, compact, tidied: [[pattern, what is put there]], iso }, from Python
//   tables.rules.texts   { characters, of_a_word, sizes }, how much of a text is looked at

const MONTH_NAMES = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

// A pattern with what it matches in place of the parts of a format; null where the page does not know one of them.
const datePattern = (form) => {
  const { tokens, compact } = tables.rules.dates;
  const parts = form.split(/(%(?:-|#|\.)?[a-zA-Z%])/);
  const own = /%Y%m|%H%M/.test(form) ? { ...tokens, ...compact } : tokens;
  const known = parts.map((part, k) => (k % 2 ? own[part] && `(${own[part]})` : part.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')));
  const read = parts.filter((_, k) => k % 2);
  return known.includes(undefined) || !read.every((part) => DATE_PARTS[part]) ? null : { pattern: new RegExp(`^${known.join('')}$`, 'i'), read };
};

// What a part of a format says of a moment, by which it is put together.
const DATE_PARTS = {
  '%Y': (at, text) => { at.year = Number(text); },
  '%y': (at, text) => { at.year = Number(text) + (Number(text) < 70 ? 2000 : 1900); },
  '%m': (at, text) => { at.month = Number(text); },
  '%B': (at, text) => { at.month = 1 + MONTH_NAMES.indexOf(text.slice(0, 3).toLowerCase()); },
  '%b': (at, text) => DATE_PARTS['%B'](at, text),
  '%d': (at, text) => { at.day = Number(text); },
  '%H': (at, text) => { at.hour = Number(text); },
  '%I': (at, text) => { at.half = Number(text); },
  '%M': (at, text) => { at.minute = Number(text); },
  '%S': (at, text) => { at.second = Number(text); },
  '%.f': (at, text) => { at.micro = Math.floor(Number(`0${text || '.0'}`) * 1e6 + 1e-3); },
  '%p': (at, text) => { at.late = text[0].toLowerCase() === 'p' ? 12 : 0; },
  '%#z': (at, text) => {
    const [, sign, hours, minutes = '0'] = /^([+-])(\d\d):?(\d\d)?$/.exec(text) ?? [null, '+', '0'];
    at.offset = (sign === '-' ? -1 : 1) * (60 * Number(hours) + Number(minutes));
  },
};

// Microseconds since 1970 in UTC, or null of a text that is no date of a format.
const momentOf = (text, { pattern, read }) => {
  const found = pattern.exec(text);
  if (!found) return null;
  const at = { month: 1, day: 1, hour: 0, minute: 0, second: 0, micro: 0, offset: 0 };
  read.forEach((part, k) => DATE_PARTS[part](at, found[k + 1]));
  if (at.half !== undefined) at.hour = at.half >= 1 && at.half <= 12 ? (at.half % 12) + (at.late ?? 0) : 24;
  const day = new Date(Date.UTC(2000, at.month - 1, at.day));
  day.setUTCFullYear(at.year, at.month - 1, at.day);
  const isDay = day.getUTCMonth() === at.month - 1 && day.getUTCDate() === at.day;
  if (!isDay || at.hour > 23 || at.minute > 59 || at.second > 59) return null;
  return (day.getTime() + 60000 * (60 * at.hour + at.minute - at.offset) + 1000 * at.second) * 1000 + at.micro;
};

const tidiedDate = (text) => tables.rules.dates.tidied.reduce((own, [pattern, put]) =>
  own.replace(new RegExp(pattern.replace('(?i)', ''), pattern.startsWith('(?i)') ? 'gi' : 'g'), put), text);

// Of each level of a column its moment, null where it has no value.
const momentsOf = (column, { column: name, text: mixed }, form) => {
  const { iso } = tables.rules.dates;
  const { formats = iso, missing = [], others = mixed } = form ?? {};
  const own = formats.some((each) => each.startsWith('%Y')) ? formats : [...formats, ...iso];
  const patterns = own.map((each) => datePattern(each) ?? refuse('model.column', { name, kind: each }));
  const words = new Set([...tables.rules.numbers, ...missing, '']);
  return column.levels.map((level, code) => {
    const text = level?.trim() ?? '';
    if (words.has(text)) return null;
    const tidied = tidiedDate(text);
    for (const each of [text, tidied]) for (const pattern of patterns) {
      const moment = momentOf(each, pattern);
      if (moment !== null) return moment;
    }
    return others ? null : refuse('model.stray_date', { name, text, row: 1 + column.codes.indexOf(code) });
  });
};

const CYCLE_PLACES = {
  month: (date) => date.getUTCMonth() / 12,
  weekday: (date) => ((date.getUTCDay() + 6) % 7) / 7,
  hour: (date) => (date.getUTCHours() + date.getUTCMinutes() / 60) / 24,
};

const dateEncoder = (own, column, { form } = {}) => {
  const waves = own.cycles.flatMap((cycle) => ['sin', 'cos'].map((wave) => `${cycle} ${wave}`));
  let moments = null;
  return {
    names: [own.column, ...[...waves, ...(own.missing ? ['missing'] : [])].map((name) => `${own.column} ${name}`)],
    write: (row, put) => {
      moments ??= momentsOf(column, own, form);
      const moment = column.codes[row] < 0 ? null : moments[column.codes[row]];
      if (moment === null) {
        if (own.missing) put(waves.length + 1, 1);
        return;
      }
      put(0, softened(moment, own));
      const date = new Date(Math.floor(moment / 1000));
      own.cycles.forEach((cycle, k) => {
        const angle = 2 * Math.PI * CYCLE_PLACES[cycle](date);
        put(2 * k + 1, Math.sin(angle));
        put(2 * k + 2, Math.cos(angle));
      });
    },
  };
};

// ---- texts ----

// How often each part of the words of a text comes: of a part by its number.
const partCounts = (text, places) => {
  const { characters, of_a_word: ofAWord, sizes } = tables.rules.texts;
  const counts = new Map();
  const words = Array.from(text).slice(0, characters).join('').toLowerCase().match(/\S+/g) ?? [];
  for (const word of words) {
    const signs = [' ', ...Array.from(word).slice(0, ofAWord), ' '];
    for (const size of sizes) for (let k = 0; k + size <= signs.length; k += 1) {
      const place = places.get(signs.slice(k, k + size).join(''));
      if (place !== undefined) counts.set(place, (counts.get(place) ?? 0) + 1);
    }
  }
  return counts;
};

const textEncoder = (own, column, { idf, components } = {}) => {
  const size = own.centres.length;
  const places = new Map(own.parts.map((part, k) => [part, k]));
  const known = new Map(); // the numbers of each level
  const numbersOf = (code) => {
    const x = new Float64Array(size);
    let squares = 0;
    for (const [place, count] of partCounts(column.levels[code], places)) {
      const w = (1 + Math.log(count)) * idf[place];
      squares += w * w;
      for (let j = 0; j < size; j += 1) x[j] += w * components[place * size + j];
    }
    return x.map((value, j) => softened(value / Math.sqrt(squares || 1) - own.centres[j], { centre: 0, scale: own.scale }));
  };
  return {
    names: [...own.centres.map((_, k) => `text ${k + 1}`), ...(own.missing ? ['missing'] : [])].map((name) => `${own.column} ${name}`),
    write: (row, put) => {
      const code = column.codes[row];
      if (code < 0 || column.levels[code] === null) {
        if (own.missing) put(size, 1);
        return;
      }
      if (!known.has(code)) known.set(code, numbersOf(code));
      known.get(code).forEach((value, j) => put(j, value));
    },
  };
};
