// TOML, as network files are written in it: keys, tables and arrays of them; texts, numbers, true and false,
// lists. What is none is refused by its line.

class TomlText {
  static read(text) { return new TomlText(text).document(); }

  constructor(text) { Object.assign(this, { text: text.replace(/^\uFEFF/, '').replace(/\r\n/g, '\n'), at: 0 }); }

  get sign() { return this.text[this.at]; }

  refuse(word = 'files.toml', holes = {}) {
    const line = this.text.slice(0, Math.min(this.at, this.text.trimEnd().length)).split('\n').length;
    return refuse(word, { line, text: this.text.split('\n')[line - 1].trim().slice(0, 60), ...holes });
  }

  // What matches here, or null; it is passed by.
  taken(pattern) {
    const found = new RegExp(pattern, 'y');
    found.lastIndex = this.at;
    const [own] = found.exec(this.text) ?? [null];
    if (own !== null) this.at += own.length;
    return own;
  }

  must(pattern) { return this.taken(pattern) ?? this.refuse(); }

  blanks() { this.taken('(?:[ \\t\\n]|#[^\\n]*)*'); }

  document() {
    const made = {};
    let table = made;
    for (this.blanks(); this.at < this.text.length; this.blanks()) {
      if (this.sign === '[') table = this.head(made);
      else this.pair(table);
      this.must('[ \\t]*(?:#[^\\n]*)?(?=\\n|$)');
    }
    return made;
  }

  // [table] or [[a table of several]]
  head(made) {
    const several = this.must('\\[\\[?') === '[[';
    const path = this.path();
    this.must(several ? '\\]\\]' : '\\]');
    const last = path.pop();
    const owner = path.reduce((own, name) => this.within(own, name), made);
    if (!several) return this.within(owner, last);
    owner[last] ??= [];
    if (!Array.isArray(owner[last])) this.refuse('files.toml_twice', { key: last });
    owner[last].push({});
    return owner[last].at(-1);
  }

  // The table under a name, or the last of several.
  within(owner, name) {
    if (!Object.hasOwn(owner, name)) owner[name] = {};
    const own = Array.isArray(owner[name]) ? owner[name].at(-1) : owner[name];
    return own !== null && typeof own === 'object' ? own : this.refuse('files.toml_twice', { key: name });
  }

  pair(table) {
    const path = this.path();
    this.must('=[ \\t]*');
    const last = path.pop();
    const owner = path.reduce((own, name) => this.within(own, name), table);
    if (Object.hasOwn(owner, last)) this.refuse('files.toml_twice', { key: last });
    owner[last] = this.value();
  }

  path() {
    const names = [];
    do {
      this.taken('[ \\t]*');
      names.push('"\''.includes(this.sign ?? ' ') ? this.string() : this.must('[\\w-]+'));
      this.taken('[ \\t]*');
    } while (this.taken('\\.'));
    return names;
  }

  value() {
    if (this.sign === '[') return this.list();
    if (this.sign === '{') return this.table();
    if ('"\''.includes(this.sign ?? ' ')) return this.string();
    const word = this.must('[^\\s,\\]}#]+');
    if (word === 'true' || word === 'false') return word === 'true';
    if (/^[+-]?\d[\d_]*(\.\d[\d_]*)?([eE][+-]?\d+)?$/.test(word)) return Number(word.replace(/_/g, ''));
    this.at -= word.length;
    return this.refuse();
  }

  list() {
    const made = [];
    this.must('\\[');
    for (this.blanks(); !this.taken('\\]'); this.blanks()) {
      made.push(this.value());
      this.blanks();
      if (this.sign !== ']') this.must(',');
    }
    return made;
  }

  table() {
    const made = {};
    this.must('\\{[ \\t]*');
    while (!this.taken('\\}')) {
      this.pair(made);
      this.taken('[ \\t]*');
      if (this.sign !== '}') this.must(',[ \\t]*');
    }
    return made;
  }

  string() {
    if (this.sign === "'") return this.must("'[^'\\n]*'").slice(1, -1);
    const escapes = { b: '\b', t: '\t', n: '\n', f: '\f', r: '\r', '"': '"', '\\': '\\' };
    return this.must('"(?:[^"\\\\\\n]|\\\\(?:[btnfr"\\\\]|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}))*"').slice(1, -1)
      .replace(/\\(u.{4}|U.{8}|.)/g, (_, own) => (own.length > 1 ? String.fromCodePoint(parseInt(own.slice(1), 16)) : escapes[own]));
  }
}

// Values as TOML has them; a list of lists has a line for each.
const tomlValue = (value) => {
  if (typeof value === 'string') return JSON.stringify(value).replace(/\u007f/g, '\\u007f');
  if (Array.isArray(value)) {
    const rows = value.some(Array.isArray);
    return rows ? `[\n${value.map((own) => `    ${tomlValue(own)},\n`).join('')}]` : `[${value.map(tomlValue).join(', ')}]`;
  }
  if (value !== null && typeof value === 'object') return `{ ${Object.entries(value).map(([name, own]) => `${name} = ${tomlValue(own)}`).join(', ')} }`;
  return String(value);
};

const tomlPairs = (pairs) =>
  Object.entries(pairs).filter(([, value]) => value !== null && value !== undefined).map(([name, value]) => `${name} = ${tomlValue(value)}\n`).join('');
