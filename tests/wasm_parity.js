// What the engine of a page makes of the cases that it reads: see wasm_cases.py.
//
//   node wasm_parity.js wasm_engine.js engine64.wasm < cases > results

const { readFileSync } = require('fs');

const [script, bytes] = process.argv.slice(2).map((name) => readFileSync(name));
const { Engine } = new Function(`'use strict';${script}\nreturn { Engine };`)();

const plain = (arrays) => arrays.map((array) => Array.from(array));

const run = (engine, given) => {
  const { program, options, tensors, states, data, shuffles, meanWeight, rates, milestones } = given;
  const divisor = given.divisor ?? undefined;
  const session = engine.session(program, options);
  session.data(data);
  tensors.forEach((array, k) => session.load(k, array, states[k]));
  session.ready();
  const { cost, gradients } = session.gradient({ divisor });
  const drawn = session.gradient({ step: 1, divisor });
  const seen = session.look({ rows: Array.from({ length: session.n }, (_, row) => row) });
  const result = {
    cost,
    alone: session.cost({ divisor }),
    gradients: plain(gradients),
    drawn: { cost: drawn.cost, gradients: plain(drawn.gradients) },
    predictions: Array.from(session.predict(data.X)),
    values: seen.values.map((value) => Object.fromEntries(Object.entries(value).map(([name, own]) => [name, Array.from(own)]))),
    losses: Array.from(seen.losses),
    milestones: [],
  };
  const parts = [];
  for (const milestone of milestones) {
    const { step } = session.at;
    const own = rates.length === 1 ? rates : rates.slice(step, milestone);
    const made = session.train(milestone - step, { rates: own, shuffles, meanWeight });
    parts.push(...made.parts);
    const stored = tensors.map((_, k) => session.store(k));
    result.milestones.push({ at: session.at, steps: made.steps, tensors: stored.map(({ array }) => Array.from(array)) });
  }
  session.free();
  return { ...result, parts };
};

Engine.open(bytes).then((engine) => {
  const results = Object.entries(JSON.parse(readFileSync(0, 'utf8'))).map(([name, given]) => [name, run(engine, given)]);
  process.stdout.write(JSON.stringify(Object.fromEntries(results)));
});
