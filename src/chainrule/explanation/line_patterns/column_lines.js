// What a layer says that has an entry for each column of a table: of each by what is written down for any
// one; columns that it does not embed pass through.

// The whole number nearest to one: of two the even one.
const nearest = (x) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

class ColumnLines {
  constructor(lines) { this.lines = lines; }

  columns(k) { return this.lines.at.layers[k].columns; }

  // What a column's layer is asked at: places count from its first, and what enters it may be a level.
  env(k, own, at) {
    const { lines } = this;
    const { rows } = own;
    const [, , x] = lines.sent(lines.at.layers[k].sources[0], own.k);
    const level = nearest(x);
    const known = level >= 0 && level < rows ? { ...at, '@level': level } : at;
    return lines.env(k, known, { column: own, numbers: (name) => ({ rows, share: 1 / rows }[name]) });
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
  envOf({ layer, unit, source }) {
    const own = this.columns(layer).find(({ first, rows }) => unit < first + rows);
    return this.env(layer, own, { '@u': unit - own.first, '@v': source });
  }

  // Where in its layer a place of a column's is.
  static shift(kind, { place, first }) { return { a: place, da: place, parameter: first }[kind] ?? 0; }

  // The outputs that change with some of the columns.
  reached(k, below) { return below.map((j) => this.columns(k)[j]).filter(({ embedded }) => !embedded).map(({ place }) => place); }
}
