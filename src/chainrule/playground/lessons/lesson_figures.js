// The figures of a run that a lesson asks for.
//
//   seen   { frame, made, columns, lowered, looked, layers, example }   a frame, what the run was told, the
//          network's columns, one pass of the examples that are looked at, and what flows through its layers

const figureIs = (figure, seen) => ('number' in figure ? figure.number : figure.times * FIGURES_OF_RUN[figure.name](seen, figure.of));

const FIGURES_OF_RUN = {
  cost: ({ frame }) => frame.costs.training,
  test_cost: ({ frame }) => frame.costs.test,
  step: ({ frame }) => frame.at.step,
  epoch: ({ frame }) => frame.at.epoch,
  weight: ({ frame, lowered }, name) => numberAt(lowered, name, frame.tensors),
  bias: ({ frame, lowered }, name) => numberAt(lowered, name, frame.tensors),
  moved: ({ frame, lowered, made }, name) => Math.abs(numberAt(lowered, name, frame.tensors) - numberAt(lowered, name, made.told.tensors)),
  gradient: ({ lowered, looked }, name) => numberAt(lowered, name, looked.gradients),
  activation: (seen, name) => unitNumber(seen, name, 'a'),
  delta: (seen, name) => unitNumber(seen, name, 'delta'),
  factor: ({ layers }) => layers.reduce((all, { slope, weights }) => all * slope * weights, 1),
  dead: ({ layers }, number) => layerOf(layers, number).dead,
  saturated: ({ layers }, number) => layerOf(layers, number).saturated,
  distinct: ({ layers }, number) => ((own) => Math.round((1 - own.duplicate) * own.width))(layerOf(layers, number)),
};

const layerOf = (layers, number) => layers.find((own) => own.number + 1 === Number(number)) ?? refuse('lessons.unknown', { name: `layer ${number}` });

// w5 or b2, in the arrays of the tensors.
const numberAt = ({ tensors, operations }, name, arrays) => {
  const [letter, number] = [name?.[0], Number(name?.slice(1)) - 1];
  let before = 0;
  for (const op of operations.filter((own) => own.kind === 'affine').sort((a, b) => a.tensors[0] - b.tensors[0])) {
    const k = op.tensors['wb'.indexOf(letter)];
    const { rows, columns } = tensors[k] ?? { rows: 0, columns: 0 };
    if (number >= before && number < before + rows * columns) return arrays[k][number - before];
    before += rows * columns;
  }
  return refuse('lessons.unknown', { name: String(name) });
};

// The activation or delta of h1 or o2, for the example that is looked at.
const unitNumber = ({ columns, lowered, looked, example }, name, kind) => {
  for (const [c, { layer, value, width }] of columns.entries()) {
    for (let j = 0; j < width; j += 1) {
      if (unitName(columns, c, j) !== name) continue;
      const own = looked.values[value];
      const activates = layer >= 0 && lowered.layers[layer].own.at(-1)?.kind === 'activate';
      return { a: own.a, delta: activates ? own.went : own.came }[kind][example * width + j];
    }
  }
  return refuse('lessons.unknown', { name: String(name) });
};

const SIGNS_OF = { '<': (a, b) => a < b, '>': (a, b) => a > b, '<=': (a, b) => a <= b, '>=': (a, b) => a >= b, '=': (a, b) => a === b };

const isReached = (reach, seen) => reach.every(([left, sign, right]) => SIGNS_OF[sign](figureIs(left, seen), figureIs(right, seen)));

// What a reader's number is: "right", "wrong", or "elsewhere" where the run stands at another step.
const judged = ({ figure, within, share, step }, given, seen) => {
  if (step !== null && seen.frame.at.step !== step) return 'elsewhere';
  const own = figureIs(figure, seen);
  return Math.abs(given - own) <= Math.max(within, share * Math.abs(own)) * (1 + 1e-9) ? 'right' : 'wrong';
};
