// The lines of one example: forward place by place, and backward from its loss; in the order of
// working.py, reached_units.py and example_numbers.py.
//
//   numbers   { n, X, y, x: { sent, da, dsent }, places: [{ a, sent, z, da, dsent, delta, seen }], gates }
//   step      { key, formula, value, note, steps }

class ExampleLines {
  // `whole` is the key of the example's cost, and `cost` that of what its numbers derive.
  constructor({ patterns, at, numbers, parameters, loss, top, say, rows }, row, whole, cost) {
    Object.assign(this, { patterns, at, numbers, params: parameters, top, say, rows, row, whole, cost });
    Object.assign(this, { defined: new Map(), asked: new Set(), written: new Set(), softmaxes: new Map() });
    this.expander = new LineExpander(patterns, this);
    this.loss = new LossLines(this, loss);
    this.columns = new ColumnLines(this);
  }

  // The numbers of the pass

  at_(array, width, unit) { return array[this.row * width + unit]; }

  number(k, what, unit) {
    const own = k < 0 ? this.numbers.x : this.numbers.places[k];
    return this.at_(own[what], this.at.width(k), unit);
  }

  y(j) { return this.at_(this.numbers.y, this.at.width(this.at.last), j); }

  // Quantities

  out(k, unit) {
    const value = k < 0 ? this.at_(this.numbers.X, this.at.inputs, unit) : this.number(k, 'a', unit);
    return leafOf(keyOf(k < 0 ? 'x' : 'a', k, unit), value);
  }

  sent(k, unit) {
    return this.gates(k).length ? leafOf(keyOf('kept', k, unit), this.number(k, 'sent', unit)) : this.out(k, unit);
  }

  dsent(k, unit) { return leafOf(derivative(this.cost, this.sent(k, unit)[1]), this.number(k, 'dsent', unit)); }

  dout(k, unit) { return leafOf(derivative(this.cost, this.out(k, unit)[1]), this.number(k, 'da', unit)); }

  parameter(key) { return leafOf(key, this.params[this.at.leafOf(key).name][this.at.flat(key)]); }

  // The gates behind a place that change what passes through them.
  gates(k) {
    return (this.at.gates.get(k) ?? []).map((gate, own) => ({ ...gate, seen: this.numbers.gates[k]?.[own] })).filter(isKnown);
  }

  env(k, at, more = {}) {
    const place = this.at.layers[k];
    const numbers = (name) => (name === 'rows' ? this.numbers.n : place.size(name));
    return { k, place: { ...place, seen: this.seen(this.numbers.places[k].seen) }, at, numbers, ...more };
  }

  seen(given = {}) {
    const read = (array) => (unit) => this.at_(array, array.length / this.numbers.n, unit);
    return Object.fromEntries(Object.entries(given).map(([name, array]) => [name, read(array)]));
  }

  work(k) {
    const { work } = this.at.layers[k];
    return isKnown({ work, seen: this.numbers.places[k].seen }) ? work : PASSES;
  }

  // A key as a layer has it, with its number.
  quantity(list, env) {
    const [kind, unit = 0, source = 0, text = '', layer = 0, of = []] = list;
    const [own, from] = [whereIs(env.at, unit), whereIs(env.at, source)];
    const u = env.column ? own + this.columns.shift(kind, text, env) : own;
    const v = env.column && kind === 'own' && from ? from + env.column.k : from; // of what enters, from 1
    switch (kind) {
      case 'in': return env.given ?? this.sent(env.place.sources[v], u);
      case 'da': return env.given ?? this.dout(env.k, u);
      case 'a': return this.out(env.k, u);
      case 'z': return this.lineOf(list, env, keyOf('z', env.k, u), () => this.number(env.k, 'z', u), false);
      case 'delta': return this.lineOf(list, env, keyOf('delta', env.k, u), () => this.number(env.k, 'delta', u), false);
      case 'own': return this.lineOf(list, env, keyOf('own', env.k, u, v, of.map((part) => this.quantity(part, env)[1]), text));
      case 'by': return this.lineOf(list, env, derivative(this.cost, this.quantity(of[0], env)[1]));
      case 'd': return this.lineOf(list, env, derivative(...of.map((part) => this.quantity(part, env)[1])));
      case 'parameter': return this.parameter(this.at.parameterKey(`${env.place.path}.${text}`, u, v));
      case 'row': return this.inRow(u, of[0], env);
      default: return leafOf(keyOf('letter', layer, unit, source, [], text), this.letter(text, env));
    }
  }

  letter(text, env) { return text === 'π' ? Math.PI : (env.letters ?? this.softmax(env.k).letters)[text]; }

  // What another example of the batch has; the own one has a line.
  inRow(row, list, env) {
    if (row === this.row) return this.quantity(list, env);
    const there = this.rows(row);
    const [, key, value] = there.quantity(list, { ...env, place: there.env(env.k, {}).place });
    if (key.kind !== 'd') return leafOf(ofExample(key, row + 1), value);
    return leafOf(derivative(ofExample(this.cost, row + 1), key.of[1]), value);
  }

  // A quantity that the layer has written the formula of down, for any units.
  lineOf(list, env, key, value, asked = true) {
    const [name, at] = general(list, env.at);
    const own = env.column ? this.columns.env(env.k, env.column, at) : this.env(env.k, at);
    const noted = () => this.expander.noted(this.work(env.k).defined[name], own);
    return this.define(key, value ?? (() => evaluate(this.formula(key).formula)), noted, asked);
  }

  define(key, value, noted, asked = true) {
    if (!this.defined.has(key)) this.defined.set(key, { noted, value });
    if (asked) this.asked.add(key);
    const own = this.defined.get(key);
    own.number ??= own.value();
    return leafOf(key, own.number);
  }

  formula(key) {
    const own = this.defined.get(key);
    own.made ??= own.noted();
    return own.made;
  }

  softmax(k) {
    if (!this.softmaxes.has(k)) {
      const of = this.work(k).letters;
      const quantity = (j) => this.quantity(of, this.env(k, { '@u': j }));
      this.softmaxes.set(k, new SoftmaxLines(this, this.at.width(k), quantity));
    }
    return this.softmaxes.get(k);
  }

  isSplit(k) { return k === this.at.last && this.loss.isSplit; }

  shareKey(j) { return this.loss.shareKey(j); }

  total(values, term, shown) {
    const { words } = this.patterns;
    const rest = (others, isPart) => {
      const text = this.say(isPart ? words.others : words.every, others.length);
      const zeros = others.some((value) => value !== 0) ? '' : this.say(words['each 0']);
      return leafOf(keyOf('rest', 0, 0, 0, [], text + zeros), exactSum(others));
    };
    return total(values, term, { top: this.top, rest, shown });
  }

  // Lines, each after those of the letters that it needs

  lines(step) {
    const parts = [...step.steps, step].flatMap((each) => quantitiesIn(each.formula));
    return [...parts.flatMap(([, key]) => this.needed(key)), step];
  }

  needed(key) {
    if (!this.asked.has(key) || this.written.has(key)) return [];
    this.written.add(key);
    return this.line(key);
  }

  line(key) {
    const { formula, note, steps = [] } = this.formula(key);
    return this.lines({ key, formula, note, steps, value: this.defined.get(key).number });
  }

  noted(k, pattern, unit, more) { return this.expander.noted(pattern, this.env(k, { '@u': unit }, more)); }

  // Forward

  layerForward(k, units) {
    const { letters } = this.work(k);
    if (!letters) return units.flatMap((j) => [...this.weighted(k, j), ...this.leaving(k, j)]);
    const sums = units.flatMap((j) => this.weighted(k, j));
    return [...sums, ...this.softmax(k).steps, ...units.flatMap((j) => this.leaving(k, j))];
  }

  z(k, j) { return this.quantity(['z', '@u'], this.env(k, { '@u': j })); }

  delta(k, j) { return this.quantity(['delta', '@u'], this.env(k, { '@u': j })); }

  weighted(k, j) { return this.work(k).z ? this.line(this.z(k, j)[1]) : []; }

  leaving(k, j) {
    const [, key, value] = this.out(k, j);
    return [...this.lines({ key, value, ...this.made(k, j) }), ...this.dropped(k, j)];
  }

  made(k, j) {
    return this.at.layers[k].columns ? this.columns.made(k, j) : this.noted(k, this.work(k).a, j);
  }

  // ∂C by unit j, which enters place q at a port: what comes back through that.
  back(q, port, j) {
    return this.at.layers[q].columns ? this.columns.back(q, j) : this.noted(q, this.work(q).dx[port], j);
  }

  // What gates such as dropout leave of a unit or an input; that of one which silences it is said.
  dropped(k, j) {
    const gates = this.gates(k);
    if (!gates.length) return [];
    let made = this.out(k, j);
    const notes = gates.map((gate) => {
      const seen = this.seen(gate.seen);
      const noted = this.through(gate, gate.work.a, seen, made, j);
      made = noted.formula;
      return [Boolean(seen.mask(j)), noted.note];
    });
    const [, note] = notes.find(([kept]) => !kept) ?? notes.sort(([, a], [, b]) => (a < b ? -1 : 1))[0];
    const [, key, value] = this.sent(k, j);
    return [{ key, formula: made, value, note, steps: [] }];
  }

  through(gate, pattern, seen, given, j) {
    const env = { at: { '@u': j }, place: { ...gate, seen }, given, numbers: gate.size };
    return this.expander.noted(pattern, env);
  }

  // Backward

  layerBackward(k, units) {
    const work = this.work(k);
    if (!work.needs) return units.flatMap((j) => [...this.dunit(k, j), ...this.deltas(k, j)]);
    const needed = new Set(units.flatMap((j) => this.needs(k, j)));
    const steps = [...needed].sort((a, b) => a - b).flatMap((j) => this.dunit(k, j));
    return [...steps, ...units.flatMap((j) => this.deltas(k, j))];
  }

  // The outputs that δ of a unit is summed over.
  needs(k, j) {
    const [, , place, term] = this.work(k).defined['["delta","@u"]'][0];
    const env = this.env(k, { '@u': j });
    return largest(this.expander.terms(['#', 'units'], place, term, env).map(valueIn), this.top);
  }

  deltas(k, j) { return this.work(k).delta ? this.line(this.delta(k, j)[1]) : []; }

  dunit(k, j) {
    return [...(k === this.at.last ? [this.dlast(k, j)] : this.lines(this.dhidden(k, j))), ...this.undropped(k, j)];
  }

  dweighted(k, j) {
    const delta = this.delta(k, j);
    return { key: derivative(this.cost, keyOf('z', k, j)), formula: delta, value: delta[2], note: '', steps: [] };
  }

  dlast(k, j) {
    const [, key, value] = this.dsent(k, j);
    return { key, formula: this.loss.slope(j), value, note: '', steps: [] };
  }

  // ∂C by what a unit passes on: the sum over all that it enters.
  dhidden(k, j) {
    const parts = this.at.above.get(k).map(([q, port]) => this.back(q, port, j));
    const [, key, value] = this.dsent(k, j);
    if (parts.length === 1) return { key, value, ...parts[0] };
    const formula = joined('+', parts.map((part) => part.formula));
    return { key, value, formula, note: this.patterns.words['every way'], steps: [] };
  }

  undropped(k, j) {
    const gates = this.gates(k);
    if (!gates.length) return [];
    const back = (given, gate) => this.through(gate, gate.work.dx[0], this.seen(gate.seen), given, j).formula;
    const made = gates.reduceRight(back, this.dsent(k, j));
    const [, key, value] = this.dout(k, j);
    return [{ key, formula: made, value, note: this.patterns.words['through gates'], steps: [] }];
  }

  // Parameters: ∂C by each quantity that one changes, and the derivative of that by it

  pairs(key) {
    const { place, letter } = this.at.leafOf(key);
    const env = this.at.layers[place].columns ? this.columns.envOf(key, letter) : this.env(place, { '@u': key.unit, '@v': key.source });
    return this.work(place).by[letter].map(([list, much]) => {
      const of = this.quantity(list, env)[1];
      const by = () => this.expander.tree(much, env);
      const key_ = derivative(of, key);
      const back = of.kind === 'own' ? this.quantity(['by', 0, 0, '', 0, [list]], env) : this.derived(place, of);
      return [back, this.define(key_, () => evaluate(by()), () => ({ formula: by(), note: '' }))];
    });
  }

  derived(k, of) {
    if (of.kind === 'a') return this.dout(k, of.unit);
    if (of.kind === 'z' && this.work(k).delta) return this.delta(k, of.unit);
    const key = derivative(this.cost, of);
    return leafOf(key, this.defined.get(key).number);
  }

  changed(key) {
    const { place } = this.at.leafOf(key);
    const of = ([d, by]) => (by[1].of[0].kind === 'own' ? this.columns.behind(place, d[1]) : [by[1].of[0].unit]); // else of a or z
    return new Set(this.pairs(key).flatMap(of));
  }

  gradientStep(key) {
    const terms = this.pairs(key).map(([d, by]) => joined('*', [d, by]));
    const value = exactSum(terms.map(valueIn));
    return { key: derivative(this.cost, key), formula: sumTree(terms), value, note: '', steps: [] };
  }

  gradient(key) { return this.lines(this.gradientStep(key)); }

  // What the example's cost changes with.
  part(key) {
    if (key.kind === 'C' || key.kind === 'all') return this.loss.value;
    if (isParameter(key)) return this.gradientStep(key).value;
    return key.kind === 'z' ? this.number(key.layer, 'delta', key.unit) : this.number(key.layer, 'da', key.unit);
  }

  // The chain rule itself

  chain(key) {
    const { kind, layer: k, unit: j } = key;
    if (isParameter(key)) return this.chainOfParameter(key);
    const before = [...this.overUnits(k, j), ...this.undropped(k, j)];
    if (kind !== 'z') return before;
    const delta = this.delta(k, j);
    const { formula } = this.formula(delta[1]);
    const step = { key: derivative(this.cost, key), formula, value: delta[2], note: '', steps: [] };
    return formula?.[0] === '*' ? [...before, step] : [step];
  }

  chainOfParameter(key) {
    const step = this.gradientStep(key);
    const pairs = this.pairs(key);
    if (pairs.length > 1) return [step];
    const [[d, by]] = pairs;
    if (by[1] === step.key) return [];
    if (d[0] !== 'q' || !this.defined.has(d[1]) || this.asked.has(d[1])) return [step];
    const noted = this.formula(d[1]);
    if (noted.formula?.[0] === '*') return [{ ...step, formula: joined('*', [noted.formula, by]) }];
    return [{ key: d[1], value: d[2], steps: [], ...noted }, step];
  }

  overUnits(k, j) {
    const above = this.at.above.get(k) ?? [];
    const chain = above.length === 1 && this.work(above[0][0]).chain;
    if (!chain) return [];
    const [, key, value] = this.dsent(k, j);
    const formula = this.expander.tree(chain, this.env(above[0][0], { '@u': j }));
    return [{ key, formula, value, note: '', steps: [] }];
  }

  // The units of each place that have lines, and whether anything comes to it from the subject

  reached(of) {
    const units = [];
    const behind = this.at.layers.map((_, k) => {
      const chosen = this.chosen(of, k, units);
      units.push(chosen ?? []);
      return chosen !== null;
    });
    return { units, behind };
  }

  chosen(of, k, units) {
    const own = this.ownUnits(of, k);
    const below = this.at.layers[k].sources.map((source) => this.below(of, source, units));
    if (!below.some((each) => each.length)) return own.length ? own.sort((a, b) => a - b) : null;
    const [outputs, strengths] = this.strengths(k, below);
    const most = largest(strengths, this.top).map((place) => outputs[place]);
    return [...new Set([...most, ...own])].sort((a, b) => a - b);
  }

  ownUnits(of, k) {
    if (isParameter(of)) return this.at.leafOf(of).place === k ? [...this.changed(of)] : [];
    return (of.kind === 'a' || of.kind === 'z') && of.layer === k ? [of.unit] : [];
  }

  below(of, source, units) {
    if (source >= 0) return units[source];
    if (of.layer < 0 && !isParameter(of)) return [of.unit];
    return of.kind === 'C' || of.kind === 'all' ? Array.from({ length: this.at.inputs }, (_, k) => k) : [];
  }

  strengths(k, below) {
    const { reach } = this.work(k);
    if (this.at.layers[k].columns) return this.columns.reached(k, below[0]);
    if (!reach) {
      const units = [...new Set(below.flat())].sort((a, b) => a - b);
      return [units, units.map((j) => this.number(k, 'da', j))];
    }
    const outputs = Array.from({ length: this.at.width(k) }, (_, j) => j);
    if (outputs.length <= this.top + 1) return [outputs, outputs];
    const part = (j, source) => Math.abs(evaluate(this.expander.tree(reach, this.env(k, { '@u': j, '@v': source }))));
    return [outputs, outputs.map((j) => Math.max(...below[0].map((source) => part(j, source))))];
  }
}

// Whether a layer says more than that all passes as it is: what it asks of what it saw must be known.
const isKnown = ({ work, seen }) => Boolean(work) && work.asks.every((name) => seen?.[name]);

// The name that a key has for any units, and where these are: as recording_sheet.py names it.
const general = (list, at) => {
  const found = [];
  const look = ([, unit, source, , , of = []]) => {
    [unit, source].forEach((place) => typeof place === 'string' && !found.includes(place) && found.push(place));
    of.forEach(look);
  };
  look(list);
  const renamed = (part) => (Array.isArray(part) ? part.map(renamed) : found.includes(part) ? ['@u', '@v'][found.indexOf(part)] : part);
  return [JSON.stringify(renamed(list)), Object.fromEntries(found.map((place, k) => [['@u', '@v'][k], at[place]]))];
};
