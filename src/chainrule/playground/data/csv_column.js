// A column of a table in text: its numbers and, of the first thousand different cells, which is which.
//
//   column  { name, n, numbers (n,), codes (n,) or null, levels, absent, count, isNumbers, example, why, dates, strays, strayCount }
//
// A cell that is no number has NaN among the numbers; one without a value has the code −1 too. `absent` are cells
// without a value, `count` those that are numbers, `strays` different cells that are none and mean no missing value
// either, with the first row of each; `example` is a text that is no plain number, with its row, and `why` the
// refusal where numbers can be read in two ways; where no way reads all of them, the column `contradicts`.

const MOST_LEVELS = 1000;
const MOST_STRAYS = 100;
const MOSTLY = 0.9; // the share of a column's values that are numbers, or dates

// A text of bytes: UTF-8 or, where they are not, Windows-1252.
const UTF8 = new TextDecoder('utf-8', { fatal: true });
const decoded = (bytes) => {
  try {
    return UTF8.decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
};

const INFINITE = /^[+-]?inf(?:inity)?$/i;

// A date of numbers or with the name of a month, with or without a time behind it.
const DATE = new RegExp(
  '^(?:[a-z]{3,9}\\.?,? )?(?:[12]\\d{3}([-/.])(?:0?[1-9]|1[0-2])(?:\\1(?:0?[1-9]|[12]\\d|3[01]))?|(?:0?[1-9]|[12]\\d|3[01])([-/.])(?:0?[1-9]|[12]\\d|3[01])\\2(?:[12]\\d)?\\d\\d'
  + '|(?:\\d{1,4}[ ./-]*)?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[ .,/-]*\\d{1,4}(?:[ ,/-]+\\d{2,4})?)(?:[ ,:t]+\\d.*)?$', 'i');

// A column whose length grows; `take` is given each of its cells.
class CsvColumn {
  constructor(rules, how) {
    Object.assign(this, { rules, how, n: 0, numbers: new Float64Array(1024), codes: new Int32Array(1024), levels: [], known: new Map() });
    Object.assign(this, { tally: new NumberTally(how), strays: new Map(), strayCount: 0, absent: 0, others: 0, dates: 0 });
  }

  grow() {
    const wider = (array) => {
      const made = new array.constructor(2 * array.length);
      made.set(array);
      return made;
    };
    this.numbers = wider(this.numbers);
    if (this.codes) this.codes = wider(this.codes);
  }

  take(bytes, start, end) {
    const row = this.n;
    if (row === this.numbers.length) this.grow();
    this.n += 1;
    const code = start < end && this.codes ? this.code(bytes, start, end) : -1;
    if (this.codes) this.codes[row] = code;
    let number = NaN;
    if (start === end) this.absent += 1;
    else {
      number = this.tally.plain(bytes, start, end, row);
      if (number !== number) number = this.other(code === -1 ? { text: decoded(bytes.subarray(start, end)) } : this.levels[code], row);
    }
    this.numbers[row] = Number.isFinite(number) ? number : NaN;
  }

  // A cell that is no plain number: a dressed one or, where it returns NaN, a word.
  other(level, row) {
    const { text } = level;
    if (level.absent ?? this.rules.text.has(text)) {
      this.absent += 1;
      if (this.codes) this.codes[row] = -1;
      return NaN;
    }
    if (level.found === undefined) level.found = this.how.read(text);
    const number = this.tally.dressed(level.found, text, row);
    if (number === number) return number;
    if (INFINITE.test(text) || this.how.missing.has(text)) this.others += 1;
    else {
      this.strayCount += 1;
      if (this.strays.size < MOST_STRAYS && !this.strays.has(text)) this.strays.set(text, row);
      if (text.length < 50) this.dates += DATE.test(text);
    }
    return NaN;
  }

  // Which of the different cells it is; once there are too many, none is known any more.
  code(bytes, start, end) {
    let hash = end - start;
    for (let k = start; k < end; k += 1) hash = (Math.imul(hash, 31) + bytes[k]) | 0;
    for (;; hash += 1) {
      const code = this.known.get(hash);
      if (code === undefined) return this.added(hash, bytes, start, end);
      if (this.isLevel(this.levels[code].bytes, bytes, start, end)) return code;
    }
  }

  added(hash, bytes, start, end) {
    if (this.levels.length === MOST_LEVELS) {
      Object.assign(this, { codes: null, known: null });
      return -1;
    }
    const own = bytes.slice(start, end);
    const text = decoded(own);
    this.known.set(hash, this.levels.length);
    return this.levels.push({ bytes: own, text, absent: this.rules.text.has(text) }) - 1;
  }

  isLevel(own, bytes, start, end) {
    if (own.length !== end - start) return false;
    for (let k = 0; k < own.length; k += 1) if (own[k] !== bytes[start + k]) return false;
    return true;
  }

  // Whether most cells are numbers, of one unit, and none begins with a nought as codes do.
  get isNumbers() {
    const { count, padded, long, unit } = this.tally;
    return count > 0 && !padded && !long && unit !== null && count >= MOSTLY * (this.n - this.absent - this.others);
  }

  ended(name, ways) {
    const { n, codes, strays, strayCount, absent, dates, isNumbers, tally } = this;
    const levels = this.levels.map(({ text, absent: none }) => (none ? null : text));
    const read = { numbers: this.numbers.slice(0, n), codes: codes?.slice(0, n) ?? null, levels };
    const made = { name, n, ...read, strays, strayCount, absent, count: tally.count, isNumbers, example: tally.example, dates, why: null };
    if (isNumbers) this.separated(made, ways);
    return made;
  }

  // Lone signs part thousands, or are decimal ones as they were read.
  separated(made, ways) {
    const { rows } = this.tally;
    const sign = rows[44].length ? 44 : 46;
    const written = (row) => made.numbers[row].toFixed(3).replace('.', String.fromCharCode(sign));
    if (!ways.length) Object.assign(made, { isNumbers: false, contradicts: true });
    if (ways.length > 1) {
      const [row] = rows[sign];
      made.why = ['column.two_ways', { text: written(row), one: made.numbers[row], other: Math.round(1000 * made.numbers[row]) }];
    }
    if (ways.length !== 1) return;
    const parted = rows[ways[0][0] === '.' ? 44 : 46];
    const example = parted.length ? parted[0] : rows[44][0];
    if (example !== undefined) made.example ??= [written(example), example];
    parted.forEach((row) => { made.numbers[row] = Math.round(1000 * made.numbers[row]); });
  }
}

// The columns as they ended.
const endedColumns = (columns, names, isComma, how) => {
  const ways = separatorsOf(columns.map((own) => (own.isNumbers ? own.tally : null)), isComma, how);
  return columns.map((own, k) => own.ended(names[k], ways[k]));
};
