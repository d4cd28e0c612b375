// What a layer says that has an entry for each column of a table: of each by what is written down for any
// one; columns that it does not embed pass through.

// The whole number nearest to one: of two the even one.
const nearest = (x) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

class ColumnLines {
  constructor(lines) { this.lines = lines; }

  columns(k) { return this.lines.at.layers[k].columns; }

  // What a column's layer is asked at: places count from its first, and what enters it may be a level, or
  // lies in a bin.
  env(k, own, at) {
    const { lines } = this;
    const { rows, ends } = own;
    const [, , x] = lines.sent(lines.at.layers[k].sources[0], own.k);
    const known = { ...at, ...(ends.length ? this.bin(k, x, ends) : this.level(x, rows)) };
    const [left, right] = ends.slice(known['@bin']);
    const numbers = { ...known, rows, share: 1 / rows, left, right, size: own.outputs };
    const { size } = lines.at.layers[k];
    return lines.env(k, known, { column: own, numbers: (name) => numbers[name] ?? (name[0] === '@' ? whereIs(known, name) : size(name)) });
  }

  level(x, rows) {
    const level = nearest(x);
    return level >= 0 && level < rows ? { '@level': level } : {};
  }

  bin(k, x, ends) {
    const last = ends.length - 2;
    const bin = ends.slice(1, -1).filter((end) => end <= x).length;
    const [least, most] = this.lines.work(k).held;
    const share = (x - ends[bin]) / (ends[bin + 1] - ends[bin]);
    return { '@bin': bin, '@last': last, ...(share >= least && share < most ? {} : { '@held': 1 }) };
  }

  // What leaves a unit.
  made(k, j) {
    const { a } = this.lines.work(k);
    const own = this.columns(k).find(({ place, outputs }) => j < place + outputs);
    if (!own.embedded) return this.lines.noted(k, PASSES.a, own.k);
    return this.lines.expander.noted(a, this.env(k, own, { '@u': j - own.place }));
  }

  // ∂C by column j, which enters.
  back(k, j) {
    const [dx] = this.lines.work(k).dx;
    const own = this.columns(k)[j];
    if (!own.embedded) return this.lines.noted(k, PASSES.dx[0], own.place);
    return this.lines.expander.noted(dx, this.env(k, own, {}));
  }

  // What the formulas of a parameter are asked at.
  envOf({ layer, unit, source }, letter) {
    const own = this.columns(layer).find((each) => each.embedded && unit < this.firstRow(layer, letter, each) + this.rowsOf(layer, letter, each));
    return this.env(layer, own, { '@u': unit - this.firstRow(layer, letter, own), '@v': source });
  }

  // How many rows of a parameter are a column's: one for each level or bin, for each value, or one alone; and
  // which is the first.
  rowsOf(k, letter, { rows, outputs }) {
    const { shape } = this.lines.at.layers[k].pattern.leaves.find(({ name }) => name === letter);
    return { rows, mixed: outputs - 1, embedded: 1 }[shape[0]];
  }

  firstRow(k, letter, own) {
    const before = this.columns(k).slice(0, own.k).filter(({ embedded }) => embedded);
    return before.reduce((sum, each) => sum + this.rowsOf(k, letter, each), 0);
  }

  // The units of a layer by which ∂C must be known for a letter of it.
  behind(k, key) {
    const by = key.kind === 'd' && key.of[1];
    if (by && by.kind === 'a' && by.layer === k) return [by.unit];
    const { lines } = this;
    return lines.defined.has(key) ? quantitiesIn(lines.formula(key).formula).flatMap(([, part]) => this.behind(k, part)) : [];
  }

  // Where in its layer a place of a column's is.
  shift(kind, letter, { k, column }) {
    if (kind === 'parameter') return this.firstRow(k, letter, column);
    return { a: column.place, da: column.place, in: column.k }[kind] ?? 0;
  }

  // The outputs that change with some of the columns, and how much comes back through each.
  reached(k, below) {
    const { slope } = this.lines.work(k);
    const of = (own) => {
      if (!own.embedded) return [[own.place, 1]];
      const part = (j) => evaluate(this.lines.expander.tree(slope, this.env(k, own, { '@u': j })));
      return slope ? Array.from({ length: own.outputs }, (_, j) => [own.place + j, part(j)]) : [];
    };
    const found = below.flatMap((j) => of(this.columns(k)[j]));
    return [found.map(([j]) => j), found.map(([j, much]) => this.lines.number(k, 'da', j) * much)];
  }
}
