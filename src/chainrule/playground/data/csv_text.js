// Tables in text: RFC 4180 with any of four delimiters, read piece by piece, as bytes, so that no cell
// becomes a text of its own.
//
//   table   { n, columns, said: [[word, holes]] }, columns as in csv_column.js

const CSV = { quote: 34, line: 10, feed: 13, space: 32, tab: 9, comment: 35 };
const DELIMITERS = ['\t', ';', '|', ','];
const MOST_ROWS = 1_000_000;
const MOST_COLUMNS = 1000;
const HEAD = 65536; // bytes in which the first rows are looked for

const isBlank = (byte) => byte === CSV.space || byte === CSV.tab;

const isEnd = (byte) => byte === CSV.line || byte === CSV.feed;

const isUtf8 = (bytes) => {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
};

const isMark = (bytes, at) => bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf;

class CsvReader {
  constructor(rules) {
    Object.assign(this, { rules: { ...rules, text: new Set(rules.text) }, how: new NumberRules(rules), rows: 0, odd: 0, columns: null });
    Object.assign(this, { said: [], left: new Uint8Array(0), full: false, pieces: [], waiting: 0 });
    Object.assign(this, { starts: new Int32Array(MOST_COLUMNS + 1), ends: new Int32Array(MOST_COLUMNS + 1), copies: [] });
  }

  // A piece of the text; false once there are as many rows as are taken.
  push(piece) {
    this.pieces.push(piece);
    this.waiting += piece.length;
    if (this.waiting > Math.max(HEAD, this.left.length)) this.read(false);
    return !this.full;
  }

  read(last) {
    const bytes = new Uint8Array(this.left.length + this.waiting);
    [this.left, ...this.pieces].reduce((place, each) => {
      bytes.set(each, place);
      return place + each.length;
    }, 0);
    Object.assign(this, { pieces: [], waiting: 0 });
    const begin = this.columns ? 0 : this.begun(bytes, last);
    this.left = begin < 0 ? bytes : bytes.slice(this.records(bytes, begin, last));
  }

  // Takes all whole records, and returns where the rest begins.
  records(bytes, from, last) {
    let place = from;
    while (place < bytes.length && !this.full) {
      if (isMark(bytes, place)) place += 3; // as where files were put together
      const next = this.record(bytes, place, last);
      if (next === -1) return place;
      if (this.count && !this.isHeader(bytes, place, next)) this.taken(bytes, this.count);
      place = next;
    }
    return place;
  }

  // Whether a record is the names once more, as where files were put together.
  isHeader(bytes, from, next) {
    const { header } = this;
    if (next - from !== header?.length) return false;
    for (let k = 0; k < header.length; k += 1) if (bytes[from + k] !== header[k]) return false;
    return true;
  }

  // One record, of `count` cells, 0 in a line without any: where the next begins, or −1 where this one is not over.
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
    this.count = count > 1 || ends[0] > starts[0] || copies.length ? count : 0;
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

  // What a cell of the record is in quotes with quotes in it.
  copy(cell) { return this.copies.find(([own]) => own === cell)?.[1]; }

  taken(bytes, count) {
    this.rows += 1;
    if (count !== this.columns.length) {
      this.firstOdd ??= this.rows;
      this.odd += 1;
      return undefined;
    }
    for (let k = 0; k < count; k += 1) {
      const own = this.copies.length ? this.copy(k) : undefined;
      if (own) this.columns[k].take(own, 0, own.length);
      else this.columns[k].take(bytes, this.starts[k], this.ends[k]);
    }
    if (this.columns[0].n === MOST_ROWS) this.full = true;
    return undefined;
  }

  // The first rows of a text under a delimiter: [{ texts, place, next }].
  firstRows(bytes, from, delimiter, most, last) {
    const rows = [];
    this.delimiter = delimiter.charCodeAt(0);
    try {
      for (let place = from, next; rows.length < most && place < bytes.length; place = next) {
        next = this.record(bytes, place, last);
        if (next < 0) break;
        const texts = Array.from({ length: this.count }, (_, k) => decoded(this.copy(k) ?? bytes.subarray(this.starts[k], this.ends[k])).trim());
        if (texts.length) rows.push({ texts, place, next });
      }
    } catch (error) {
      if (!error.word) throw error;
      Object.assign(rows, { error });
    }
    return rows;
  }

  // The delimiter that cuts the first rows alike, or else the first into most cells.
  delimiterOf(bytes, from, last) {
    const widths = DELIMITERS.map((sign) => {
      const rows = this.firstRows(bytes, from, sign, LOOKED_AT.last, last);
      if (rows.error?.word === 'csv.quote') this.failed = rows.error;
      return rows.error?.word === 'csv.columns' ? [MOST_COLUMNS + 1] : rows.map(({ texts }) => texts.length);
    });
    const begins = widths.map((own) => (own.at(-1) > 1 ? tableBegins(own) : own.length));
    const plain = begins.filter((begin, k) => begin < widths[k].length);
    if (plain.length) return DELIMITERS[begins.findIndex((begin, k) => begin < widths[k].length && begin === Math.min(...plain))];
    const first = widths.map(([own = 0]) => own);
    return DELIMITERS[first.lastIndexOf(Math.max(...first))];
  }

  // What stands above the rows: where they begin, or −1 where more of the text is needed to tell.
  begun(bytes, last) {
    if (bytes.subarray(0, HEAD).includes(0)) refuse('csv.binary');
    const lineEnd = (from) => {
      const end = bytes.findIndex((byte, k) => k >= from && isEnd(byte));
      return end < 0 ? bytes.length : end;
    };
    let at = isMark(bytes, 0) ? 3 : 0;
    while (at < bytes.length && (isBlank(bytes[at]) || isEnd(bytes[at]))) at += 1;
    const said = /^"?sep=(.)"?$/i.exec(decoded(bytes.subarray(at, Math.min(at + 20, lineEnd(at)))));
    if (said) at = lineEnd(at) + 1;
    let comment = -1;
    while (bytes[at] === CSV.comment) {
      comment = at;
      at = lineEnd(at) + 1;
      while (isEnd(bytes[at])) at += 1;
    }
    const delimiter = said?.[1] ?? this.delimiterOf(bytes, at, last);
    let rows = this.firstRows(bytes, at, delimiter, LOOKED_AT.rows, last);
    if (rows.length < 2 && !last && !rows.error) return -1;
    const most = Math.max(LOOKED_AT.fewest, Math.floor(LOOKED_AT.cells / (rows[0]?.texts.length ?? 1)));
    rows = Object.assign(rows.slice(0, most), { error: rows.error });
    if (comment >= 0 && rows.length) rows = this.withComment(bytes, comment, delimiter, rows);
    if (!rows.length || !rows.some(({ texts }) => texts.length > 1)) throw rows.error ?? this.failed ?? refuse('csv.one_column');
    return this.headed(bytes, rows);
  }

  // A comment is the header of the rows below it where it has a name for each column.
  withComment(bytes, from, delimiter, rows) {
    const bare = from + /^(?:#+[ \t]+)?/.exec(decoded(bytes.subarray(from, from + 100)))[0].length;
    const [own] = this.firstRows(bytes, bare, delimiter, 1, true);
    const texts = rows.map((row) => row.texts);
    if (own?.texts.length !== texts[0].length || texts[0].length < 2) return rows;
    const [names, values] = headingOf(texts, this.rules).votes(texts[0], texts.slice(1));
    return names > values ? rows : [own, ...rows];
  }

  // The columns are begun; returns where their rows begin.
  headed(bytes, rows) {
    const { above, isNames, isUnsure, names } = headingOf(rows.map(({ texts }) => texts), this.rules);
    if (names.length > MOST_COLUMNS) refuse('csv.columns', { most: MOST_COLUMNS });
    if (!isUtf8(bytes)) this.said.push(['csv.encoding', {}]);
    if (above) this.said.push(['csv.above', { count: above }]);
    if (!isNames) this.said.push(['csv.no_names', {}]);
    if (isUnsure) this.said.push(['csv.unsure', {}]);
    const twice = names.find((name, k) => name && names.indexOf(name) < k);
    if (twice) this.said.push(['csv.twice', { name: twice }]);
    this.names = differentNames(names);
    this.columns = names.map(() => new CsvColumn(this.rules, this.how));
    if (isNames) this.header = bytes.slice(rows[above].place, rows[above].next);
    return isNames ? rows[above].next : rows[above].place;
  }

  end() {
    if (!this.full) this.read(true);
    const n = this.columns?.[0].n ?? 0;
    const odd = ['csv.odd_rows', { count: this.odd, row: this.firstOdd, cells: this.columns?.length }];
    if (!n) refuse(...(this.odd ? odd : ['csv.empty']));
    const { said } = this;
    if (this.full) said.push(['csv.first_rows', { most: MOST_ROWS }]);
    if (this.odd) said.push(odd);
    return { n, columns: endedColumns(this.columns, this.names, this.delimiter === DELIMITERS.at(-1).charCodeAt(0), this.how), said };
  }
}

const csvOf = (text, rules) => {
  const reader = new CsvReader(rules);
  reader.push(new TextEncoder().encode(text));
  return reader.end();
};

// The encoding of text in UTF-16, which spreadsheets write: by the mark at its beginning, or where its noughts stand.
const wideEncoding = (head) => {
  const [first, second] = head;
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  const noughts = [0, 1].map((from) => head.filter((byte, k) => k % 2 === from && !byte).length);
  if (4 * (noughts[0] + noughts[1]) < head.length) return null;
  if (!noughts[0]) return 'utf-16le';
  return noughts[1] ? null : 'utf-16be';
};

// What a file holds.
const readCsv = async (file, rules) => {
  const reader = new CsvReader(rules);
  const wide = wideEncoding(new Uint8Array(await file.slice(0, 64).arrayBuffer()));
  const stream = wide ? file.stream().pipeThrough(new TextDecoderStream(wide)).pipeThrough(new TextEncoderStream()) : file.stream();
  for (const pieces = stream.getReader(); ;) {
    const { done, value } = await pieces.read();
    if (done) return reader.end();
    if (reader.push(value)) continue;
    pieces.cancel();
    return reader.end();
  }
};
