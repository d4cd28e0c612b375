// Tables in text: RFC 4180 with any of four delimiters, read piece by piece, as bytes, so that no cell
// becomes a text of its own. Of each column there are its numbers and, of the first thousand different
// cells, which is which.
//
//   table   { n, columns, said: [[word, holes]] }
//   column  { name, n, numbers (n,), codes (n,) or null, levels, strays, strayCount, absent, unclear }
//
// A cell that is no number has NaN among the numbers; one without a value has the code −1 too. `strays` are
// different cells that are no numbers, with the first row of each, and `unclear` is the word of a sentence
// where points or commas may part thousands.

const CSV = { quote: 34, line: 10, feed: 13, space: 32, tab: 9 };
const DELIMITERS = ['\t', ';', '|', ','];
const MOST_ROWS = 1_000_000;
const MOST_COLUMNS = 1000;
const MOST_LEVELS = 1000;
const MOST_STRAYS = 100;
const POWERS = Array.from({ length: 23 }, (_, k) => 10 ** k);

const isBlank = (byte) => byte === CSV.space || byte === CSV.tab;

const isEnd = (byte) => byte === CSV.line || byte === CSV.feed;

// A text of bytes: UTF-8 or, where they are not, Windows-1252.
const decoded = (bytes) => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
};

// A column whose length grows; `take` is given each of its cells.
class CsvColumn {
  constructor(missing) {
    const numbers = new Float64Array(1024);
    Object.assign(this, { missing, n: 0, numbers, codes: new Int32Array(1024), levels: [], known: new Map() });
    Object.assign(this, { strays: new Map(), strayCount: 0, points: 0, commas: 0, surePoints: 0, sureCommas: 0, absent: 0 });
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
    const number = start < end ? this.number(bytes, start, end) : NaN;
    this.numbers[row] = number;
    if (start === end) {
      this.absent += 1;
      if (this.codes) this.codes[row] = -1;
      return;
    }
    const code = this.codes ? this.code(bytes, start, end) : -1;
    if (this.codes) this.codes[row] = code;
    if (number === number) return;
    if (code === -1 ? this.missing.has(decoded(bytes.subarray(start, end))) : this.levels[code].absent) {
      this.absent += 1;
      if (this.codes) this.codes[row] = -1;
    } else {
      this.strayCount += 1;
      this.stray(bytes, start, end, code, row);
    }
  }

  // Cells that are no numbers, with the first row that each stands in.
  stray(bytes, start, end, code, row) {
    if (this.strays.size >= MOST_STRAYS) return;
    const text = code === -1 ? decoded(bytes.subarray(start, end)) : this.levels[code].text;
    if (!this.strays.has(text)) this.strays.set(text, row);
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
    return this.levels.push({ bytes: own, text, absent: this.missing.has(text) }) - 1;
  }

  isLevel(own, bytes, start, end) {
    if (own.length !== end - start) return false;
    for (let k = 0; k < own.length; k += 1) if (own[k] !== bytes[start + k]) return false;
    return true;
  }

  // The number that a cell is, or NaN: digits are gathered in one whole number, which is exact below 2⁵³, and
  // one exact power of ten makes it what it is; a longer one is read by the browser.
  number(bytes, start, end) {
    let at = start;
    const minus = bytes[at] === 45;
    if (minus || bytes[at] === 43) at += 1;
    let [digits, count, whole, sign, sure] = [0, 0, 0, 0, true];
    const first = at;
    for (; at < end; at += 1) {
      const byte = bytes[at];
      if (byte >= 48 && byte <= 57) {
        digits = 10 * digits + byte - 48;
        count += 1;
      } else if ((byte === 46 || byte === 44) && !sign) {
        [sign, whole] = [byte, count];
      } else break;
    }
    if (!count) return NaN;
    let power = sign ? whole - count : 0;
    if (sign) sure = count - whole !== 3 || whole === 0 || whole > 3 || bytes[first] === 48 || at < end;
    if (at < end) {
      const given = this.power(bytes, at, end);
      if (given !== given) return NaN;
      power += given;
    }
    if (sign === 46) {
      this.surePoints += sure;
      this.points += 1;
    } else if (sign) {
      this.sureCommas += sure;
      this.commas += 1;
    }
    if (count > 15 || power > 22 || power < -22) {
      const read = Number(decoded(bytes.subarray(start, end)).replace(',', '.'));
      return Number.isFinite(read) ? read : NaN;
    }
    const size = power < 0 ? digits / POWERS[-power] : digits * POWERS[power];
    return minus ? -size : size;
  }

  power(bytes, from, end) {
    if (bytes[from] !== 101 && bytes[from] !== 69) return NaN;
    let at = from + 1;
    const minus = bytes[at] === 45;
    if (minus || bytes[at] === 43) at += 1;
    if (at === end || end - at > 4) return NaN;
    let power = 0;
    for (; at < end; at += 1) {
      if (bytes[at] < 48 || bytes[at] > 57) return NaN;
      power = 10 * power + bytes[at] - 48;
    }
    return minus ? -power : power;
  }

  ended(name) {
    const { n, codes, strays, strayCount, absent, points, commas, surePoints, sureCommas } = this;
    const levels = this.levels.map(({ text, absent: none }) => (none ? null : text));
    const read = { numbers: this.numbers.slice(0, n), codes: codes?.slice(0, n) ?? null, levels };
    return { name, n, ...read, strays, strayCount, absent, points, commas, surePoints, sureCommas };
  }
}

// Which of the four delimiters parts the same number of cells in the most of the first records; where
// several do, it is not the comma, which may stand in numbers.
const delimiterOf = (bytes) => {
  const counts = DELIMITERS.map(() => []);
  const own = DELIMITERS.map(() => 0);
  let quoted = false;
  const closed = () => {
    if (own.some((count) => count)) own.forEach((count, k) => counts[k].push(count));
    own.fill(0);
  };
  for (let k = 0; k < bytes.length && counts[0].length < 200; k += 1) {
    const byte = bytes[k];
    if (byte === CSV.quote) quoted = !quoted;
    else if (quoted) continue;
    else if (isEnd(byte)) closed();
    else DELIMITERS.forEach((sign, j) => { own[j] += byte === sign.charCodeAt(0); });
  }
  if (!counts[0].length) closed();
  const share = (all) => all.filter((count) => count && count === all[0]).length / Math.max(1, all.length);
  const shares = counts.map(share);
  const best = Math.max(...shares);
  return best ? DELIMITERS[shares.indexOf(best)] : null;
};

class CsvReader {
  constructor(missing = []) {
    Object.assign(this, { missing: new Set(missing), rows: 0, odd: 0, columns: null, left: new Uint8Array(0), full: false, pieces: [], waiting: 0 });
    Object.assign(this, { starts: new Int32Array(MOST_COLUMNS + 1), ends: new Int32Array(MOST_COLUMNS + 1), copies: [] });
  }

  // A piece of the text; false once there are as many rows as are taken.
  push(piece) {
    this.pieces.push(piece);
    this.waiting += piece.length;
    if (this.waiting > Math.max(65536, this.left.length)) this.read(false);
    return !this.full;
  }

  read(last) {
    const bytes = new Uint8Array(this.left.length + this.waiting);
    [this.left, ...this.pieces].reduce((place, each) => {
      bytes.set(each, place);
      return place + each.length;
    }, 0);
    Object.assign(this, { pieces: [], waiting: 0 });
    const begin = !this.delimiter && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
    this.delimiter ??= delimiterOf(bytes.subarray(begin))?.charCodeAt(0) ?? refuse('csv.one_column');
    this.left = bytes.slice(this.records(bytes, begin, last));
  }

  // Takes all whole records, and returns where the rest begins.
  records(bytes, from, last) {
    let place = from;
    while (place < bytes.length && !this.full) {
      const next = this.record(bytes, place, last);
      if (next === -1) return place;
      place = next;
    }
    return place;
  }

  // One record: where the next begins, or −1 where this one is not over.
  record(bytes, from, last) {
    const { delimiter, starts, ends, copies } = this;
    const { length } = bytes;
    let [at, count] = [from, 0];
    copies.length = 0;
    for (;;) {
      while (at < length && isBlank(bytes[at]) && bytes[at] !== delimiter) at += 1;
      if (count > MOST_COLUMNS) refuse('csv.columns', { most: MOST_COLUMNS });
      if (bytes[at] === CSV.quote) {
        at = this.quoted(bytes, at + 1, count, last);
        if (at === -1) return -1;
      } else {
        starts[count] = at;
        while (at < length && bytes[at] !== delimiter && bytes[at] !== CSV.line && bytes[at] !== CSV.feed) at += 1;
        let end = at;
        while (end > starts[count] && isBlank(bytes[end - 1])) end -= 1;
        ends[count] = end;
      }
      count += 1;
      if (at >= length) {
        if (!last) return -1;
        break;
      }
      if (bytes[at] !== delimiter) break;
      at += 1;
    }
    if (count > 1 || ends[0] > starts[0] || copies.length) this.taken(bytes, count);
    return at + 1;
  }

  // A cell within quotes, from behind the first of them: where what follows it begins.
  quoted(bytes, from, cell, last) {
    let [at, doubled] = [from, false];
    for (; ; at += 1) {
      while (at < bytes.length && bytes[at] !== CSV.quote) at += 1;
      if (at >= bytes.length - 1 && !last) return -1;
      if (at >= bytes.length) refuse('csv.quote', { row: this.rows + 1 });
      if (bytes[at + 1] !== CSV.quote) break;
      doubled = true;
      at += 1;
    }
    [this.starts[cell], this.ends[cell]] = [from, at];
    if (doubled) this.copies.push([cell, this.unquoted(bytes, from, at)]);
    at += 1;
    while (at < bytes.length && isBlank(bytes[at]) && bytes[at] !== this.delimiter) at += 1;
    if (at < bytes.length && bytes[at] !== this.delimiter && !isEnd(bytes[at])) refuse('csv.after_quote', { row: this.rows + 1 });
    return at;
  }

  // What is within quotes, with one quote for two.
  unquoted(bytes, from, end) {
    const made = [];
    for (let k = from; k < end; k += bytes[k] === CSV.quote ? 2 : 1) made.push(bytes[k]);
    return Uint8Array.from(made);
  }

  taken(bytes, count) {
    const copy = (cell) => this.copies.find(([own]) => own === cell)?.[1];
    if (!this.columns) return this.begun(bytes, count, copy);
    this.rows += 1;
    if (count !== this.columns.length) {
      this.firstOdd ??= this.rows;
      this.odd += 1;
      return undefined;
    }
    for (let k = 0; k < count; k += 1) {
      const own = this.copies.length ? copy(k) : undefined;
      if (own) this.columns[k].take(own, 0, own.length);
      else this.columns[k].take(bytes, this.starts[k], this.ends[k]);
    }
    if (this.columns[0].n === MOST_ROWS) this.full = true;
    return undefined;
  }

  // The first record: the names or, where a number stands in it, the first row.
  begun(bytes, count, copy) {
    if (count === 1) refuse('csv.one_column');
    const cells = Array.from({ length: count }, (_, k) => decoded(copy(k) ?? bytes.subarray(this.starts[k], this.ends[k])).trim());
    this.headed = cells.every((text) => Number.isNaN(typedNumber(text))) && cells.some((text) => text);
    this.names = this.different(cells.map((text, k) => (this.headed && text ? text : `${k + 1}`)));
    this.columns = cells.map(() => new CsvColumn(this.missing));
    if (!this.headed) this.taken(bytes, count);
  }

  // Names of which none is there twice: x, x_2.
  different(names) {
    const taken = new Set();
    return names.map((name) => {
      let own = name;
      for (let k = 2; taken.has(own); k += 1) own = `${name}_${k}`;
      taken.add(own);
      return own;
    });
  }

  end() {
    if (!this.full) this.read(true);
    const n = this.columns?.[0].n ?? 0;
    if (!n) refuse('csv.empty');
    const said = [];
    if (this.full) said.push(['csv.first_rows', { most: MOST_ROWS }]);
    if (!this.headed) said.push(['csv.no_names', {}]);
    if (this.odd) said.push(['csv.odd_rows', { count: this.odd, row: this.firstOdd, cells: this.columns.length }]);
    return { n, columns: decimalsRead(this.columns.map((column, k) => column.ended(this.names[k]))), said };
  }
}

// Columns whose numbers have a point or a comma: it is the decimal sign unless it may part thousands, as in
// 1,234, and no other number of the table says what it is.
const decimalsRead = (columns) => {
  const sum = (name) => columns.reduce((all, column) => all + column[name], 0);
  const [surePoints, sureCommas] = [sum('surePoints'), sum('sureCommas')];
  return columns.map(({ points, commas, surePoints: ownPoints, sureCommas: ownCommas, ...column }) => {
    const lonely = (count, own, all) => count && !own && !all;
    let unclear = null;
    if (points && commas) unclear = 'column.both_signs';
    else if (lonely(commas, ownCommas, sureCommas)) unclear = 'column.comma';
    else if (sureCommas && lonely(points, ownPoints, surePoints)) unclear = 'column.point';
    return { ...column, unclear };
  });
};

const csvOf = (text, missing) => {
  const reader = new CsvReader(missing);
  reader.push(new TextEncoder().encode(text));
  return reader.end();
};

// What a file holds; text in UTF-16, which spreadsheets write, has a mark at its beginning.
const readCsv = async (file, missing) => {
  const reader = new CsvReader(missing);
  const [first, second] = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  const wide = (first === 0xff && second === 0xfe && 'utf-16le') || (first === 0xfe && second === 0xff && 'utf-16be');
  const stream = wide ? file.stream().pipeThrough(new TextDecoderStream(wide)).pipeThrough(new TextEncoderStream()) : file.stream();
  for (const pieces = stream.getReader(); ;) {
    const { done, value } = await pieces.read();
    if (done) return reader.end();
    if (reader.push(value)) continue;
    pieces.cancel();
    return reader.end();
  }
};
