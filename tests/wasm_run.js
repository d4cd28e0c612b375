// A run that goes to and fro: node wasm_run.js wasm_engine.js run_edits.js wasm_run.js engine32.wasm
// engine64.wasm

const { readFileSync } = require('fs');

const files = process.argv.slice(2).map((name) => readFileSync(name));
const scripts = files.slice(0, 3).join('\n');
const { Engine, Run } = new Function(`'use strict';${scripts}\nreturn { Engine, Run };`)();

const bits = (run) => run.tensors.map(({ array, states }) => [array, ...states].map((own) => Array.from(own)));

const told = ({ program, options, tensors, states, data, shuffles, meanWeight, rates }) =>
  ({ program, run: { ...options, shuffles, meanWeight }, tensors, states, data, rates });

Promise.all(files.slice(3).map((bytes) => Engine.open(bytes))).then((engines) => {
  const results = Object.entries(JSON.parse(readFileSync(0, 'utf8'))).map(([name, given]) => {
    const { program } = given;
    const long = new Run(engines, told(given));
    long.every = 1 << 17; // as after some minutes
    for (let k = 0; k < 14; k++) long.steps(5000);
    const farther = JSON.stringify(bits(long));
    long.go(0);
    long.go(70000);
    const far = { same: farther === JSON.stringify(bits(long)), parts: long.go(3).parts, losses: long.losses.length };
    long.free();
    const [once, other] = [0, 1].map(() => new Run(engines, told(given)));
    const { parts } = once.steps(217);
    const seen = { 217: bits(once) };
    [40, 3, 217, 130, 0, 217].forEach((step) => {
      once.go(step);
      seen[step] ??= bits(once);
      if (JSON.stringify(seen[step]) !== JSON.stringify(bits(once))) seen.changed = step;
    });
    for (let k = 0; k < 217; k++) parts.push(...other.steps(1).parts);
    const alone = JSON.stringify(bits(other)) === JSON.stringify(seen[217]) && other.kept.length;
    once.go(50);
    once.set(0, 1, 0.75);
    const typed = once.tensors[0].array[1];
    once.go(90);
    const after = JSON.stringify(bits(once));
    once.go(10);
    once.go(50);
    const again = once.tensors[0].array[1];
    once.go(90);
    const look = once.look({ rows: [0], step: 0 });
    const third = new Run(engines, told(given));
    third.steps(5);
    const single = third.example();
    third.steps(3);
    const alongside = { at: third.at, parts: single.parts, bits: JSON.stringify(bits(third)) };
    third.go(2);
    third.go(9);
    alongside.same = alongside.bits === JSON.stringify(bits(third));
    third.go(5);
    third.steps(1);
    alongside.still = third.at.first;
    third.go(5);
    third.set(0, 0, 0.5);
    third.steps(1);
    alongside.ended = third.at.first;
    delete alongside.bits;
    const fourth = new Run(engines, told(given));
    fourth.steps(7);
    const changes = [[{ rates: [0.002], l1: 0.01 }, 5], [{ rates: [0.03], l1: 0 }, 8]];
    changes.forEach(([{ rates, l1 }, count]) => {
      fourth.change({ rates, numbers: { ...given.options.numbers, l1 } });
      fourth.steps(count);
    });
    const [end, cost] = [JSON.stringify(bits(fourth)), fourth.look({ rows: [0], step: 0 }).cost];
    const { edits } = fourth;
    const linked = new Run(engines, { ...told(given), rates: [0.03], edits, run: { ...told(given).run, numbers: { ...given.options.numbers, l1: 0 } } });
    linked.go(20);
    fourth.go(9);
    const within = fourth.look({ rows: [0], step: 0 }).cost;
    fourth.go(20);
    const piecewise = {
      steps: edits.map(([step]) => step), same: end === JSON.stringify(bits(fourth)), linked: end === JSON.stringify(bits(linked)),
      cost: cost === fourth.look({ rows: [0], step: 0 }).cost,
    };
    const byHand = new Run(engines, told(given));
    byHand.steps(7);
    const fifth = new Run(engines, { ...told(given), rates: [0.002], tensors: byHand.tensors.map((own) => own.array), states: byHand.tensors.map((own) => own.states), run: { ...told(given).run, numbers: { ...given.options.numbers, l1: 0.01 } } });
    fifth.session.at = byHand.at;
    fifth.steps(2);
    fourth.go(9);
    Object.assign(piecewise, { alike: JSON.stringify(bits(fifth)) === JSON.stringify(bits(fourth)), penalty: within === fifth.look({ rows: [0], step: 0 }).cost });
    fourth.set(0, 0, 0.25);
    piecewise.cut = fourth.edits.map((own) => own.slice(0, own.length === 2 ? 1 : 4));
    const frozen = [0, 1].map((place) => [program.tensors.length - 2, place]);
    const sixth = new Run(engines, { ...told(given), run: { ...told(given).run, frozen } });
    const seventh = new Run(engines, told(given));
    const first = frozen.map(([k, place]) => seventh.tensors[k].array[place]);
    for (let step = 0; step < 20; step++) {
      seventh.steps(1);
      frozen.forEach(([k, place], own) => seventh.set(k, place, first[own]));
    }
    sixth.steps(20);
    const held = { stay: frozen.every(([k, place], own) => sixth.tensors[k].array[place] === first[own]), alike: JSON.stringify(bits(sixth)) === JSON.stringify(bits(seventh)) };
    sixth.go(7);
    sixth.go(20);
    held.same = JSON.stringify(bits(sixth)) === JSON.stringify(bits(seventh));
    const batches = [[{ batch: 7, frozen: [0] }, 5], [{ batch: 50 }, 3], [{ batch: 3, frozen: [[0, 1]] }, 4]];
    const eighth = new Run(engines, told(given));
    eighth.steps(7);
    const stood = [];
    batches.forEach(([settings, count]) => {
      eighth.change(settings);
      for (let k = 0; k < count; k++) {
        eighth.steps(1);
        stood.push(eighth.at.first);
      }
    });
    const after8 = JSON.stringify(bits(eighth));
    const again8 = new Run(engines, { ...told(given), edits: eighth.edits, run: { ...told(given).run, batch: 3, frozen: [[0, 1]] } });
    again8.go(19);
    const ninth = new Run(engines, { ...told(given), tensors: byHand.tensors.map((own) => own.array), states: byHand.tensors.map((own) => own.states), run: { ...told(given).run, batch: 7, frozen: [0] } });
    ninth.fill({ at: byHand.at, under: [0, 0], tensors: byHand.tensors });
    ninth.steps(3);
    eighth.go(10);
    const batched = { stood, linked: after8 === JSON.stringify(bits(again8)), alike: JSON.stringify(bits(eighth)) === JSON.stringify(bits(ninth)) };
    eighth.go(19);
    batched.same = after8 === JSON.stringify(bits(eighth));
    const rest = new Run(engines, told(given));
    rest.steps(7);
    rest.change({ batch: 1 });
    rest.steps(1);
    const [first8] = [rest.at.first];
    rest.change({ batch: given.data.X.length / program.values[0].width });
    rest.steps(1);
    batched.whole = [first8, rest.at.first, rest.at.epoch];
    return [name, {
      far, held, batched, changed: seen.changed ?? null, alone, parts, typed, again, same: after === JSON.stringify(bits(once)), at: once.at,
      alongside, piecewise, looked: look.values.length, every: other.every,
    }];
  });
  process.stdout.write(JSON.stringify(Object.fromEntries(results)));
});
