// The layers of the network, one below the other: added, removed, moved, changed. The last that has units
// has as many as the data need.

const layerList = ({ state, run, words, known: { choices }, root }) => {
  const change = (layers, ends) => {
    const changes = [['net.layers', layers], ...(same(state.get('net.weights'), null) ? [] : [['net.weights', keptWeights(state.value.net, choices, layers)]])];
    state.together(suiting({ choices, examplesOf: run.examplesOf }, state.value, changes, ends));
  };

  // The list that a path leads to, "net.layers" or that of a residual, and what replaces it in all layers.
  const replaced = (layers, path, own) => {
    if (!path.length) return own;
    const [k, ...rest] = path;
    return layers.map((layer, j) => (j === k ? [layer[0], { ...layer[1], layers: replaced(layer[1].layers, rest, own) }] : layer));
  };
  const listAt = (path) => path.reduce((layers, k) => layers[k][1].layers, state.value.net.layers);
  const put = (path, own) => change(replaced(state.value.net.layers, path, own), false);

  // The width of what enters a list.
  const enters = (path) => path.reduce(([layers, width], k) => [layers[k][1].layers, layerWidths(layers, width)[k]], [state.value.net.layers, run.made?.examples.inputs ?? 0])[1];

  const acts = { up: (own, k) => [k, k - 1], down: (own, k) => [k, k + 1] };
  const acted = (path, k, name) => {
    const own = [...listAt(path)];
    if (name === 'remove') {
      if (own.length === 1) refuse('network.one_layer');
      own.splice(k, 1);
    } else {
      const [from, to] = acts[name](own, k);
      if (to < 0 || to >= own.length) return;
      own.splice(to, 0, ...own.splice(from, 1));
    }
    put(path, own);
  };

  const listOf = (path) => {
    const layers = listAt(path);
    const wrong = node('p', { class: 'wrong', role: 'alert' });
    let refused = null;
    const sayRefused = () => { wrong.textContent = refused ? refusalSaid(words, refused) : ''; };
    const tried = (act) => {
      refused = null;
      try {
        act();
      } catch (error) {
        if (!error.word) throw error;
        refused = error;
      }
      sayRefused();
    };
    const cards = layers.map(([kind, options], k) => layerCard({
      words, choices, kind,
      get: () => listAt(path)[k][1],
      set: (made) => put(path, listAt(path).map((layer, j) => (j === k ? [kind, made] : layer))),
      act: (name) => tried(() => acted(path, k, name)),
      entered: () => layerWidths(listAt(path), enters(path))[k],
      fixed: () => listAt(path).findLastIndex(([, own]) => 'units' in own) === k,
      within: options.layers ? listOf([...path, k]) : null,
    }));
    const kinds = Object.keys(choices.layers).filter((kind) => !choices.by_column.includes(kind) && (!path.length || !('layers' in choices.layers[kind])));
    const chosen = node('select', { 'data-label': 'network.kind' }, ...kinds.map((kind) => new Option(kind, kind)));
    const added = () => tried(() => {
      const own = listAt(path);
      const last = own.findLastIndex(([, each]) => 'units' in each);
      const at = last < 0 ? own.length : last; // before the layer whose units the data set
      const width = layerWidths(own, enters(path))[at];
      put(path, own.toSpliced(at, 0, newLayer(chosen.value, choices, 'layers' in choices.layers[chosen.value] ? width : 0)));
    });
    const add = node('div', { class: 'add' }, chosen, node('button', { type: 'button', 'data-act': 'add', 'data-say': 'network.add', click: added }));
    const show = () => {
      words.fill(own);
      cards.forEach((card) => card.show());
      sayRefused();
    };
    const own = node('div', { class: 'layers' }, node('ol', {}, ...cards.map((card) => card.root)), add, wrong);
    return { root: own, show };
  };

  let list = null;
  let made = '';
  const inputs = node('p', { class: 'note' });
  const parameters = node('p', { class: 'note' });
  const kinds = (layers) => layers.map(([kind, options]) => [kind, options.layers ? kinds(options.layers) : null]);
  const show = () => {
    const now = JSON.stringify(kinds(state.value.net.layers));
    if (now !== made) {
      const { act } = document.activeElement?.dataset ?? {};
      const place = act && [...root.querySelectorAll(`[data-act=${act}]`)].indexOf(document.activeElement);
      made = now;
      list = listOf([]);
      root.replaceChildren(inputs, list.root, parameters);
      if (act) [...root.querySelectorAll(`[data-act=${act}]`)][place]?.focus();
    }
    list.show();
    const examples = run.made?.examples;
    inputs.textContent = examples ? words.say('network.inputs', { count: examples.inputs }) : '';
    const count = run.made?.told.tensors.reduce((sum, { length }) => sum + length, 0);
    parameters.textContent = count === undefined ? '' : words.say('network.parameters', { count: whole(count) });
  };
  state.on('net', show);
  run.on('made', show);
  show();
  return ofLanguage(words, show);
};
