// Numbers in cells, as `chainrule train` reads them: with separators of thousands, in a currency or %, in
// brackets where they are below 0.
//
//   pair   [decimal, thousands] of rules.pairs, the plainest first; a set of them has a bit for each
//   lone   such as 1,234: one sign that is a decimal one or parts a thousand, read as the first

const SIGNS_IN_NUMBERS = { point: 46, comma: 44 };
const POWERS = Array.from({ length: 23 }, (_, k) => 10 ** k);

const LONG = 2 ** 63; // whole numbers from here on, throughout, are codes

const LONGEST_NUMBER = 200; // no number has so many signs

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');

const lowestBit = (set) => 31 - Math.clz32(set & -set);

// What the rules say of numbers, in the form in which cells are read by them.
class NumberRules {
  constructor({ pairs, spelled, currencies, pointed, numbers }) {
    const bits = (has) => pairs.reduce((set, pair, k) => set | (has(pair) << k), 0);
    const of = (sign) => ({ decimal: bits(([decimal]) => decimal === sign), thousands: bits(([, thousands]) => thousands === sign) });
    Object.assign(this, { pairs, spelled, pointed, all: bits(() => true), plain: bits(([, thousands]) => !thousands) });
    Object.assign(this, { point: of('.'), comma: of(','), bodies: pairs.map(([decimal, thousands]) => NumberRules.body(decimal, thousands)) });
    this.shapes = new Map();
    this.missing = new Set(numbers);
    this.names = new Map(Object.entries(currencies).flatMap(([name, ways]) => ways.map((way) => [way, name])));
    const units = [...this.names.keys()].sort((a, b) => b.length - a.length).map(escaped).join('|');
    this.spelling = new RegExp(`[${Object.keys(spelled).join('')}]`, 'g');
    this.dressed = new RegExp(
      `^([+-]|\\()?\\s*(${units})?\\s*([+-]|\\()?\\s*(\\d(?:[.,' ]?\\d)*[.,]?|[.,]\\d+)([eE][+-]?\\d+)?\\s*(\\))?\\s*(${units}|%)?(\\))?\\s*(-)?$`);
  }

  // Digits with separators: groups of three, or India's of two.
  static body(decimal, thousands) {
    const [d, t] = [escaped(decimal), escaped(thousands)];
    const grouped = thousands ? `[1-9]\\d{0,2}(?:${t}\\d{3})+|[1-9]\\d?(?:${t}\\d{2})+${t}\\d{3}|` : '';
    return new RegExp(`^(?:(?:${grouped}\\d+)(?:${d}\\d*)?|${d}\\d+)$`);
  }

  pairsOf(body) {
    const shape = body.replace(/\d/g, '9').replace(/^9/, body[0] === '0' ? '0' : '9');
    if (!this.shapes.has(shape)) this.shapes.set(shape, this.bodies.reduce((set, own, k) => set | (own.test(shape) << k), 0));
    return this.shapes.get(shape);
  }

  // The number that a text is, or null: { number, pairs, lone, unit, padded, sign }.
  read(text) {
    if (text.length > LONGEST_NUMBER || !/\d/.test(text)) return null;
    const plain = text.replace(this.spelling, (sign) => this.spelled[sign]).trim().replace(/(\d)[.,]-+$/, '$1');
    const [, one, before, other, body, exponent = '', close, after, end, trail] = this.dressed.exec(plain) ?? [];
    if (!body) return null;
    const opened = (one === '(') + (other === '(');
    const names = [before, after].flatMap((own) => (own ? [this.names.get(own) ?? own] : []));
    if (opened !== Boolean(close) + Boolean(end) || Boolean(one) + Boolean(other) + Boolean(trail) > 1 || names[0] !== (names[1] ?? names[0])) return null;
    const pairs = this.pairsOf(body) & (exponent ? this.plain : this.all);
    if (!pairs) return null;
    const [decimal, thousands] = this.pairs[lowestBit(pairs)];
    const size = Number(body.replaceAll(thousands, '').replace(decimal, '.') + exponent);
    const number = opened || [one, other, trail].includes('-') ? -size : size;
    const signs = body.match(/[.,]/g) ?? [];
    const own = signs.length === 1 && this[signs[0] === '.' ? 'point' : 'comma'];
    const lone = own && pairs & own.decimal && pairs & own.thousands ? signs[0].charCodeAt(0) : 0;
    return { number, pairs, lone, unit: names[0] ?? '', padded: /^0\d/.test(body), signs };
  }
}

// What the numbers of a column are like, cell by cell; `rows` are those of lone signs.
class NumberTally {
  constructor(how) {
    Object.assign(this, { how, pairs: how.all, count: 0, bare: 0, padded: 0, long: true, points: false, commas: false });
    Object.assign(this, { units: new Map(), rows: { 44: [], 46: [] }, example: null });
  }

  // A number of a text that is not plain, as it was found; NaN where there is none.
  dressed(found, text, row) {
    if (!found) return NaN;
    const { number, pairs, lone, unit, padded, signs } = found;
    this.count += 1;
    this.pairs &= pairs;
    this.padded += padded;
    this.long = false;
    this.points ||= signs.includes('.');
    this.commas ||= signs.includes(',');
    if (unit || number) this.units.set(unit, (this.units.get(unit) ?? 0) + 1);
    if (lone) this.rows[lone].push(row);
    this.example ??= [text, row];
    return number;
  }

  // The number of a plain cell, or NaN: digits are gathered in one whole number, which is exact below 2⁵³, and
  // one exact power of ten makes it what it is; a longer one is read by the browser.
  plain(bytes, start, end, row) {
    let at = start;
    const minus = bytes[at] === 45;
    if (minus || bytes[at] === 43) at += 1;
    let [digits, count, whole, sign] = [0, 0, 0, 0];
    const first = at;
    for (; at < end; at += 1) {
      const byte = bytes[at];
      if (byte >= 48 && byte <= 57) {
        digits = 10 * digits + byte - 48;
        count += 1;
      } else if ((byte === SIGNS_IN_NUMBERS.point || byte === SIGNS_IN_NUMBERS.comma) && !sign) {
        [sign, whole] = [byte, count];
      } else break;
    }
    if (!count) return NaN;
    let power = sign ? whole - count : 0;
    const isPower = at < end;
    if (isPower) {
      const given = this.power(bytes, at, end);
      if (given !== given) return NaN;
      power += given;
    }
    if (sign) {
      const own = sign === SIGNS_IN_NUMBERS.point ? this.how.point : this.how.comma;
      const lone = count - whole === 3 && whole > 0 && whole < 4 && bytes[first] !== 48 && !isPower;
      this.pairs &= lone ? own.decimal | own.thousands : own.decimal & (isPower && sign === SIGNS_IN_NUMBERS.comma ? this.how.plain : own.decimal);
      if (lone && this.pairs & own.thousands) this.rows[sign].push(row);
      if (sign === SIGNS_IN_NUMBERS.point) this.points = true;
      else this.commas = true;
    }
    if (isPower && !sign) this.pairs &= this.how.point.decimal; // as programs write
    if (isPower) this.points = true;
    if (bytes[first] === 48 && (sign ? whole : count) > 1) this.padded += 1;
    this.long &&= !sign && !isPower && digits >= LONG;
    this.count += 1;
    if (digits) this.bare += 1;
    if (count > 15 || power > 22 || power < -22) return Number(decoded(bytes.subarray(start, end)).replace(',', '.'));
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

  // The one unit of the numbers, "" for none, or null where there are several, or % stands at some alone.
  get unit() {
    const units = [...this.units.keys()].filter((unit) => unit);
    return units.length > 1 || (units[0] === '%' && (this.bare || this.units.has(''))) ? null : units[0] ?? '';
  }
}

// Whether numbers of columns can be read, and how: `decimal` is the sign, where it matters.
const separatorsOf = (tallies, isComma, how) => {
  const waysOf = (own, mark) => {
    const lone = own.rows[44].length || own.rows[46].length;
    let ways = ['.', ','].flatMap((sign) => {
      const set = own.pairs & (sign === '.' ? how.point : how.comma).decimal;
      return set ? [how.pairs[lowestBit(set)]] : [];
    });
    if (!lone) ways = ways.slice(0, 1);
    const likely = [([, t]) => !isComma || t !== '.', ([, t]) => how.pointed.includes(own.unit) && t === ',', ([d]) => d === mark];
    for (const is of likely) if (ways.length > 1 && ways.some(is)) ways = ways.filter(is);
    return ways;
  };
  const found = tallies.map((own) => (own ? waysOf(own) : []));
  const marks = new Set(tallies.flatMap((own, k) => {
    const [[decimal, thousands] = [], other] = found[k];
    return decimal && !other && ('.,'.includes(thousands || '-') || (decimal === '.' ? own.points : own.commas)) ? [decimal] : [];
  }));
  const mark = marks.size === 1 ? [...marks][0] : null;
  return found.map((ways, k) => (ways.length > 1 ? waysOf(tallies[k], mark) : ways));
};
