// One layer as a card: its kind, its fields, and what moves and removes it.

// What a field of choices.py holds where nothing is given: so many units, a rectifier.
const FIRST_VALUES = { whole: 4, activation: 'relu', number: 0 };

// A new layer of a kind; one made of layers has one within, of the kind that has units, which leads back.
const newLayer = (kind, choices, width) => {
  const fields = Object.entries(choices.layers[kind]);
  const value = ([name, { type, default: own }]) => {
    if (type === 'layers') {
      const within = Object.keys(choices.layers).find((each) => 'units' in choices.layers[each]);
      return [name, [newLayer(within, choices, width)]];
    }
    return [name, own ?? FIRST_VALUES[type] ?? null];
  };
  const options = Object.fromEntries(fields.map(value).filter(([, own]) => own !== null));
  if ('units' in options && width) options.units = width;
  return [kind, options];
};

// A field of a layer, by its type; `fixed` says whether the data set it.
const layerField = ({ words, choices, kind, name, get, set, fixed }) => {
  const field = choices.layers[kind][name];
  const given = { words, label: () => name, hint: () => fieldHelp(words, kind, name), get: () => get()[name] ?? field.default, set: (value) => set({ ...get(), [name]: value }) };
  if (field.type === 'activation') return namedRowFields({ ...given, table: choices.activations, kind: 'activation' });
  if (field.type === 'initialiser') {
    const options = () => [['', words.say('network.suits')], ...choices.initialiser_names.map((each) => [each, each])];
    return new ChoiceField({ ...given, long: true, get: () => get()[name] ?? '', set: (value) => given.set(value || null), options });
  }
  const made = new NumberField({ ...given, bounds: { ...field, whole: field.type === 'whole' } });
  const show = made.show.bind(made);
  made.show = () => {
    made.input.readOnly = name === 'units' && fixed();
    if (made.input.readOnly) made.hint = () => words.say('network.units_fixed');
    else made.hint = given.hint;
    return show();
  };
  return made;
};

// `act(name)` moves the card up or down, or removes it; `entered` gives how many values enter. A layer with an
// entry for each column of a table stays as its file has it.
const layerCard = ({ words, choices, kind, get, set, act, entered, fixed, within = null }) => {
  const isByColumn = choices.by_column.includes(kind);
  const names = isByColumn ? [] : Object.keys(choices.layers[kind]).filter((name) => choices.layers[kind][name].type !== 'layers');
  const note = node('p', { class: 'note', hidden: !isByColumn });
  const fields = names.map((name) => layerField({ words, choices, kind, name, get, set, fixed }));
  const button = (name, sign) => node('button', { type: 'button', 'data-act': name, 'data-label': `network.${name}`, 'data-hint': `network.${name}`, click: () => act(name) }, sign);
  const head = node('div', { class: 'head' }, node('code', {}, kind), node('span', { class: 'acts' }, button('up', '↑'), button('down', '↓'), button('remove', '×')));
  const root = node('li', { class: 'layer' }, head, node('div', { class: 'fields' }, ...fields.map((field) => field.root)), note, ...(within ? [within.root] : []));
  const show = () => {
    words.fill(root);
    fields.forEach((field) => field.show());
    if (isByColumn) note.textContent = words.say('network.by_column', { columns: columnsOf(get(), entered()).embedded, inputs: entered(), outputs: columnsOf(get(), entered()).outputs });
    within?.show();
  };
  return { root, show };
};
