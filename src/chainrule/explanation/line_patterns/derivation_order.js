// The lines of a derivation in order, with their digits, as text and as MathML: in the order of
// derivation.py, mean_and_penalty.py and updates.py.
//
//   given   { net, parameters, numbers, trains, of, top, notation, digits, update, say }
//   say     a phrase of Python's in another language, with what stands in its hole: say('all {}', 7)
//   update  { optimizer, options, rate, step, states: { name: [array, ...] }, frozen: [name, or name and place] } or null
//   part    { name, title, note, steps }

const inEnglish = (phrase, ...holes) => holes.reduce((said, hole) => said.replace('{}', hole), phrase);

class Derivation {
  constructor(patterns, given) {
    const { net, parameters, numbers, trains = false, top = 10, rows = null, say = inEnglish } = given;
    const at = new LinePlaces(patterns, net, trains);
    Object.assign(this, { patterns, net, at, numbers, update: given.update ?? null, words: patterns.words, top, say });
    this.digits = given.digits ?? 0;
    this.names = new PatternNames(patterns, given.notation ?? 'mazur', at);
    this.meanCost = net.l1 || net.l2 ? keyOf('L') : COST;
    this.joins = trains && numbers.n > 1 && at.layers.some(({ pattern }) => pattern.overBatch);
    const shared = { patterns, at, numbers, parameters, loss: net.loss, top, say, rows: (row) => this.example(row) };
    this.examples = [];
    this.made = (row) => new ExampleLines(shared, row, this.exampleCost(row), this.joins ? keyOf('S', 0, 0, 0, [], '', row + 1) : this.exampleCost(row));
    this.of = this.subject(given.of);
    this.values = Array.from({ length: numbers.n }, (_, row) => this.example(row).part(this.of));
    this.rows = rows ?? largest(this.values, top);
    this.parameters = this.of.kind === 'all' ? at.parameters() : isParameter(this.of) ? [this.of] : [];
  }

  example(row) { return (this.examples[row] ??= this.made(row)); }

  get combines() { return this.numbers.n > 1; }

  exampleCost(row) { return this.combines ? keyOf('C', 0, 0, 0, [], '', row + 1) : this.meanCost; }

  // A subject as a page has it: { kind, layer, unit, source, text }.
  subject({ kind, layer = 0, unit = 0, source = 0, text = '' }) { return keyOf(kind, layer, unit, source, [], text); }

  get parts() {
    const parts = this.rows.flatMap((row) => this.exampleParts(row));
    const derived = ['x', 'a', 'z'].includes(this.of.kind) ? [this.of] : this.parameters;
    const { words, net } = this;
    const part = (name, steps, hole) => parts.push({ name, title: this.say(words[name], hole), note: '', steps });
    part('mean', this.mean(derived), this.say(net.reduction ?? 'mean'));
    part('penalty', this.penalty(derived));
    if (this.update) part('update', this.parameters.flatMap((key) => this.updated(key)));
    return parts.filter(({ steps }) => steps.length);
  }

  exampleParts(row) {
    const [lines, { words, of }] = [this.example(row), this];
    lines.written.clear();
    const own = this.combines ? this.say(words['of example'], row + 1) : '';
    const part = (name, note, steps) => ({ name, title: this.say(words[name]) + own, note: note.map((each) => this.say(each)).join(' '), steps });
    const reached = lines.reached(of);
    const chain = of.kind === 'C' || of.kind === 'all' ? [] : lines.chain(of);
    const delta = this.joins ? [words.delta, words.joined] : [words.delta];
    return [
      part('rule', [words['each factor']], chain),
      part('forward', [], this.forward(lines, reached.units)),
      part('cost', [], lines.loss.steps(reached.units[this.at.last], lines.whole)),
      part('backward', delta, this.backward(lines, reached)),
    ];
  }

  forward(lines, units) {
    const { at, top } = this;
    const all = (size) => Array.from({ length: size }, (_, j) => j);
    const inputs = at.inputs <= top + 1 ? all(at.inputs) : [];
    const steps = inputs.flatMap((k) => lines.dropped(-1, k));
    at.layers.forEach(({ outputs }, k) => steps.push(...lines.layerForward(k, outputs <= top + 1 ? all(outputs) : units[k])));
    return steps;
  }

  backward(lines, { units, behind }) {
    const { of, at } = this;
    if (of.kind === 'C') return [];
    const isUnit = of.kind === 'x' || of.kind === 'a';
    const steps = [];
    for (let k = at.last; k >= 0; k--) {
      if (behind[k] && !(isUnit && k === of.layer)) steps.push(...lines.layerBackward(k, units[k]));
    }
    if (isUnit) steps.push(...lines.dunit(of.layer, of.unit));
    if (of.kind === 'z') steps.push(lines.dweighted(of.layer, of.unit));
    return [...steps, ...this.parameters.flatMap((key) => lines.gradient(key))];
  }

  // The mean over the examples

  parts_(key) { return Array.from({ length: this.numbers.n }, (_, row) => this.example(row).part(key)); }

  plain(key) {
    const sum = exactSum(this.parts_(key));
    return this.net.reduction === 'sum' ? sum : sum / this.numbers.n;
  }

  mean(keys) { return this.combines ? [COST, ...keys].map((key) => this.meanStep(key)) : []; }

  meanStep(key) {
    const values = this.parts_(key);
    const of = (row) => (key === COST ? this.exampleCost(row) : derivative(this.example(row).cost, key));
    const sum = this.example(0).total(values, (row) => leafOf(of(row), values[row]), this.rows);
    const formula = this.net.reduction === 'sum' ? sum : ['/', sum, numberTree(this.numbers.n)];
    const note = ['x', 'a', 'z'].includes(key.kind) ? this.words.alike : '';
    return { key: key === COST ? this.meanCost : derivative(this.meanCost, key), formula, value: this.plain(key), note, steps: [] };
  }

  // The mean of the examples' derivatives by all entries of a leaf.
  plainOf(leaf) { return this.at.entries(leaf).map((key) => this.plain(key)); }

  // The penalty

  get penalised() { return ['l1', 'l2'].filter((name) => this.net[name]).join(' '); }

  penalty(keys) {
    if (!this.penalised) return [];
    const { whole } = this.patterns.penalty[this.penalised];
    const env = this.penaltyEnv();
    const sums = whole.slice(0, -1).map((step) => this.overWeights(step, env));
    const cost = this.expander(env).step(whole.at(-1), env);
    return [...sums, cost, ...keys.map((key) => this.penalisedStep(key))];
  }

  penaltyEnv(key) {
    const { l1, l2 } = this.net;
    return { letters: {}, numbers: numbersOf([], { l1, l2 }), key };
  }

  // What fills in the patterns of a penalty: w is any weight.
  expander(env) {
    const quantity = ([kind, unit, source, text], own) => {
      if (kind === 'letter') return leafOf(keyOf('letter', 0, 0, 0, [], text), own.letters[text]);
      if (kind === 'L') return leafOf(keyOf('L'), this.plain(COST));
      if (kind === 'd') return leafOf(derivative(keyOf('L'), own.key), this.plain(own.key));
      return this.example(0).parameter(own.key);
    };
    return new LineExpander(this.patterns, { quantity });
  }

  overWeights([list, term], env) {
    const weights = this.at.leaves.filter(({ weight }) => weight).flatMap((leaf) => this.at.entries(leaf));
    const terms = weights.map((key) => this.expander(env).tree(term, { ...env, key }));
    const values = terms.map(valueIn);
    const key = keyOf('letter', 0, 0, 0, [], list[3]);
    env.letters[list[3]] = exactSum(values);
    return { key, formula: this.example(0).total(values, (k) => terms[k]), value: env.letters[list[3]], note: '', steps: [] };
  }

  penalisedStep(key) {
    const own = this.patterns.penalty[this.penalised];
    const [, tree, note] = isParameter(key) && this.at.leafOf(key).weight ? own.weight : own.other;
    const env = this.penaltyEnv(key);
    const formula = this.expander(env).tree(tree, env);
    return { key: derivative(COST, key), formula, value: evaluate(formula), note, steps: [] };
  }

  // The update

  gradient(key) { return this.penalised ? this.penalisedStep(key).value : this.plain(key); }

  updated(key) {
    const { optimizer, options, rate, step, states, frozen = [] } = this.update;
    const leaf = this.at.leafOf(key);
    const w = this.example(0).parameter(key);
    const isFrozen = ([name, place]) => name === leaf.name && (place === undefined || place === this.at.flat(key));
    if (frozen.some((own) => isFrozen([own].flat()))) return [{ key: keyOf('new', 0, 0, 0, [key]), formula: w, value: w[2], note: this.words.frozen, steps: [] }];
    const { asked, variants } = this.patterns.optimizers[optimizer];
    const lines = variants[asked.filter((name) => options[name]).join(' ')];
    const before = lines.state.map((name, k) => [name, states[leaf.name][k][this.at.flat(key)]]);
    const env = {
      holes: { w, g: leafOf(derivative(COST, key), this.gradient(key)) },
      letters: { ...Object.fromEntries(before), η: rate },
      numbers: (name) => ({ t: step, 't + 1': step + 1 }[name] ?? options[name]),
    };
    const quantity = ([, unit, source, text], own) => leafOf(keyOf('letter', 0, 0, 0, [], text), own.letters[text]);
    const expander = new LineExpander(this.patterns, { quantity });
    return ((!leaf.weight && lines.other) || lines.weight).map((each) => expander.step(each, env));
  }

  // As a format writes them: symbol, formula, the numbers put in, result, note, whether it is rounded

  written(format) {
    const writer = new FormulaWriter(this.patterns.shapes, format, this.names);
    const line = (step) => writer.line({ ...step, note: this.say(step.note) }, this.digits);
    return this.parts.map(({ steps, ...part }) => ({ ...part, lines: steps.flatMap(walked).map(line) }));
  }
}

// A step after those that only it needs.
const walked = (step) => [...step.steps.flatMap(walked), step];
