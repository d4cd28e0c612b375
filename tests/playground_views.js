// What the views work out: node playground_views.js SCRIPTS engine64.wasm < given > results

const { readFileSync } = require('fs');

const files = process.argv.slice(2);
const scripts = files.slice(0, -1).map((name) => readFileSync(name, 'utf8')).join('\n');
const views = new Function(`'use strict';${scripts}\nreturn { Engine, Lowering, LossCourse, columnEdges, costAxis, costTicks, flowFindings, layerFlow, loweredLayers, nearestEdge, networkColumns, placeColumns, planePixels, rampsOf, roundTicks, shareOfCost, shownOf, shownRange, labelsOf, confusionOf, distanceOf, unitName, unitPixels, weightName };`)();

const doing = {
  // Columns, names and lines of a network.
  columns({ patterns, activations }, { net }) {
    const lowered = views.loweredLayers(new views.Lowering(patterns, activations, true), net);
    const columns = views.networkColumns(lowered);
    const edges = views.columnEdges(columns, lowered);
    const placed = views.placeColumns(columns, 400, { tile: 30, gap: 10, margin: 8 });
    const middle = edges.find(({ tensor }) => tensor !== null);
    const at = middle && [(columns[middle.from].x + 30 + columns[middle.to].x) / 2,
      (columns[middle.from].units[middle.k].y + columns[middle.to].units[middle.j].y) / 2 + 15];
    return {
      units: columns.map((column, c) => column.units.map(({ j }) => views.unitName(columns, c, j))),
      rests: columns.map(({ rest }) => rest),
      weights: edges.filter(({ tensor }) => tensor !== null).map((edge) =>
        [views.weightName(lowered, edge), views.unitName(columns, edge.from, edge.k), views.unitName(columns, edge.to, edge.j)]),
      near: middle ? Boolean(views.nearestEdge(placed, edges, at)) : null,
      far: views.nearestEdge(placed, edges, [-100, -100]),
      height: placed.height,
    };
  },

  // The flow through a network, and what is said of it.
  flow({ patterns, activations, rules, engine }, { net, program, tensors, data, step }) {
    const lowered = views.loweredLayers(new views.Lowering(patterns, activations, true), net);
    const session = engine.session(program, { optimizer: 'sgd', batch: 1 });
    session.data(data);
    tensors.forEach((array, k) => session.load(k, array));
    session.ready();
    const looked = { ...session.look({ rows: Array.from({ length: session.n }, (_, k) => k) }), ...session.gradient() };
    const layers = views.layerFlow(lowered, looked, tensors, rules);
    return { layers, found: views.flowFindings(layers, step, rules) };
  },

  course(_, { adds, cut }) {
    const course = new views.LossCourse();
    adds.forEach((each) => course.add(...each));
    if (cut !== undefined) course.cut(cut);
    return { points: course.points, axis: views.costAxis(course.values()), ticks: views.costTicks(views.costAxis(course.values())) };
  },

  shown(_, { examples, predicted }) { return predicted.map((own) => views.shownOf(views.shownRange(examples), own.map((each) => each ?? NaN))); },

  labels(_, { part, signs }) { return [...views.labelsOf({ ...part, y: Float64Array.from(part.y) }, { signs })]; },

  pixels(_, { shown, outputs, width, colours, unit }) {
    const ramps = views.rampsOf(colours, 1);
    const [own, pixels] = [Float64Array.from(outputs), new Uint32Array(outputs.length / width)];
    return [...(unit === undefined ? views.planePixels(shown, own, width, ramps, pixels) : views.unitPixels(own, unit, width, ramps, pixels))];
  },

  confusion(_, { predicted, labels, classes, width, range }) { return views.confusionOf(predicted, labels, classes, width, range); },

  distance(_, { predicted, y }) { return views.distanceOf(predicted, y); },
};

const run = async ({ shared, asked }) => {
  const engine = await views.Engine.open(readFileSync(files.at(-1)));
  return asked.map(([what, given]) => doing[what]({ ...shared, engine }, given));
};
run(JSON.parse(readFileSync(0, 'utf8'))).then((results) => process.stdout.write(JSON.stringify(results, (_, v) => (v === Infinity ? 'inf' : v))));
