// Lessons read, and done with the engine: node playground_lessons.js SCRIPTS engine32.wasm engine64.wasm < given

const { readFileSync } = require('fs');

const files = process.argv.slice(2);
const scripts = files.slice(0, -2).map((name) => readFileSync(name, 'utf8')).join('\n');
const page = new Function(`'use strict';${scripts}\nreturn { Engine, LessonText, Lowering, Run, State, examplesOf, figureIs, isReached, judged, layerFlow, loweredLayers, networkColumns, ratesOf, tables, toldRun, translatedLesson };`)();

const MOST_STEPS = 5000;

// What a reader does who answers each question: the state changed, steps made, numbers typed as they are.
class Reader {
  constructor(known, engines) { Object.assign(this, { known, engines, state: new page.State({}) }); }

  change(changes) {
    changes.forEach(([path, value]) => this.state.change(path, value));
    const { value } = this.state;
    const examples = page.examplesOf(value.data, this.known.choices.losses[value.net.loss]);
    const told = page.toldRun(value, examples, this.known);
    const rates = (from, to) => page.ratesOf(told.rates, from, to);
    Object.assign(this, { examples, told, run: new page.Run(this.engines, { ...told, rates }), tested: null });
    if (!told.test) return;
    this.tested = this.engines[0].session(told.program, told.run);
    this.tested.data(told.test);
  }

  get seen() {
    const { run, told, examples, tested, known } = this;
    const tensors = run.tensors.map(({ array }) => array);
    tested && tensors.forEach((array, k) => tested.load(k, array));
    tested?.ready();
    const frame = { at: run.at, tensors, costs: { training: run.session.cost(), test: tested?.cost() ?? null } };
    const parameters = Object.fromEntries(Object.entries(known.choices.activations).map(([name, row]) => [name, row.parameter]));
    const lowered = page.loweredLayers(new page.Lowering(known.patterns, parameters, true), { inputs: examples.inputs, layers: told.layers });
    const rows = Array.from({ length: Math.min(200, examples.train.n) }, (_, k) => k);
    const looked = run.look({ rows, step: 0 });
    return { frame, made: { told }, lowered, columns: page.networkColumns(lowered), looked, layers: page.layerFlow(lowered, looked, tensors, known.flow), example: 0 };
  }

  answered({ reach, figure, step, choices, ...rest }) {
    if (choices) return { right: choices.filter(({ right }) => right).length };
    if (reach) {
      for (let n = 0; n < MOST_STEPS && !page.isReached(reach, this.seen); n += n < 10 ? 1 : 10) this.run.steps(n < 10 ? 1 : 10);
      return { reached: page.isReached(reach, this.seen) };
    }
    if (step !== null) this.run.go(step);
    const own = { figure, step, ...rest };
    const number = page.figureIs(figure, this.seen);
    const far = number + 3 * Math.max(rest.within, rest.share * Math.abs(number), 1e-6);
    return { number, judged: [page.judged(own, number, this.seen), page.judged(own, far, this.seen)] };
  }
}

const read = (text) => {
  try {
    return page.LessonText.read(text);
  } catch (error) {
    if (!error.word) throw error;
    return { refused: error.word, line: error.holes.line ?? null };
  }
};

const main = async ({ known, lessons, texts }) => {
  const engines = await Promise.all(files.slice(-2).map((name) => page.Engine.open(readFileSync(name))));
  Object.assign(page.tables, { sets: known.sets, rules: known.rules });
  const made = Object.entries(lessons).map(([name, { en, ...others }]) => {
    const lesson = read(en);
    const reader = new Reader(known, engines);
    reader.change(lesson.changes);
    const answers = lesson.pages.flat().flatMap((part) => {
      if (part.changes) reader.change(part.changes);
      return part.answer ? [[part.question, reader.answered(part.answer)]] : [];
    });
    const translated = Object.fromEntries(Object.entries(others).map(([language, lines]) => [language, read(page.translatedLesson(en, lines))]));
    return [name, { lesson, answers, translated }];
  });
  process.stdout.write(JSON.stringify({ lessons: Object.fromEntries(made), texts: texts.map(read) }));
};
main(JSON.parse(readFileSync(0, 'utf8')));
