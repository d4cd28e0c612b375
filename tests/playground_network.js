// What tests ask the scripts of the playground's network: see page_scripts.py.

const ASKED = {
  rates: (given) => given.map(([schedule, to]) => ratesOf(schedule, 0, to)),

  fitted: ({ choices, nets }) => nets.map(([layers, inputs, outputs]) => {
    const made = fittedLayers(layers, inputs, outputs);
    return { made, end: endOf(made, choices), widths: layerWidths(made, inputs), linear: linearEnd(made) };
  }),

  made: ({ choices, widths }) =>
    widths.flatMap((width) => Object.keys(choices.layers).filter((kind) => !choices.by_column.includes(kind)).map((kind) => [width, newLayer(kind, choices, 'layers' in choices.layers[kind] ? width : 0)])),

  names: ({ table, texts }) => texts.map((text) => {
    const { name, numbers } = namedRow(table, text);
    return rowName(table, name, numbers);
  }),

  losses: ({ choices, texts }) => texts.map((text) => lossOf(choices, text)),

  numbered: ({ names, tensors, places }) => places.map(([k, place]) => weightNumber(names, tensors, k, place)),

  together: (given) => Promise.all(given.map((numbers) => tried(() => checkTogether(numbers) ?? 'goes'))),

  schedules: ({ choices, rate }) => Object.keys(choices.schedules).map((name) => newSchedule(name, choices, rate)),

  typed: (given) => Promise.all(given.map(([text, bounds]) => tried(() => checkedNumber('it', text, bounds)))),

  suits: ({ choices, asked }) => Promise.all(asked.map(([given, changes, ends]) => tried(() => Object.fromEntries(suiting({ choices, examplesOf }, State.with(given), changes, ends))))),

  undone: (changes) => {
    const state = new State();
    const before = JSON.stringify(state.value);
    state.together(changes);
    const after = JSON.stringify(state.value);
    state.undo();
    const back = JSON.stringify(state.value);
    state.redo();
    return [before === back, after === JSON.stringify(state.value), before === after, state.done.length];
  },
};
