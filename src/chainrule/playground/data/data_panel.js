// What the network is trained with: a set that is drawn or known, or a table of one's own, which is pasted,
// dropped or chosen as a file and never leaves the page.

const SCALE_DIGITS = 9; // of a mean and a deviation, as many as the engine's numbers have
const LONGEST_TEXT = 8192; // bytes of a table that an address may hold

const dataPanel = ({ state, run, words, known, root }) => {
  const { choices, table: begun } = known;
  const data = () => state.value.data;
  const suits = (changes) => suiting({ choices, examplesOf: run.examplesOf }, state.value, changes);
  const suited = (changes) => state.together(suits(changes));
  const isPlane = () => Boolean(PLANE_SETS[data().set]);
  const isOwn = () => data().set === 'own';
  let asked = false; // whether a table of one's own is asked for, which is not there yet

  // The example of the tutorials comes with its network, and goes with it.
  const chosen = (set) => {
    asked = set === 'own' && !data().own;
    if (asked) return show();
    const own = tables.sets[set]?.state ?? (data().set === 'tutorial' ? {} : null);
    const rest = own ? [['net', { ...START.net, ...own.net }], ['run', { ...START.run, ...own.run }]] : [];
    return suited([['data.set', set], ...rest]);
  };
  const set = new ChoiceField({
    words, label: () => words.say('data.set'), get: () => (asked ? 'own' : data().set), set: chosen,
    options: () => [...(known.given ? ['given'] : []), ...Object.keys(PLANE_SETS), ...Object.keys(tables.sets), 'own'].map((name) => [name, words.say(`data.set_${name}`)]),
  });

  const [n, noise, test, seed] = ['n', 'noise', 'test', 'seed'].map((name) => new NumberField({
    words, bounds: STATE_BOUNDS[`data.${name}`], label: () => words.say(`data.${name}`), get: () => data()[name], set: (value) => suited([[`data.${name}`, value]]),
  }));
  const again = node('button', { type: 'button', 'data-say': 'data.draw', click: () => suited([['data.seed', data().seed + 1]]) });

  const ticks = Object.keys(FEATURES).map((name) => new TickField({
    words, label: () => FEATURES[name].symbol, get: () => data().features.includes(name), set: (on) => {
      const made = Object.keys(FEATURES).filter((each) => (each === name ? on : data().features.includes(each)));
      if (!made.length) refuse('data.no_features');
      suited([['data.features', made]]);
    },
  }));
  const features = node('fieldset', { class: 'features' }, node('legend', { 'data-say': 'data.features' }), ...ticks.map((tick) => tick.root));

  // A table of one's own
  const wrong = node('p', { class: 'wrong', role: 'alert' });
  const busy = node('p', { class: 'note', 'aria-live': 'polite' });
  let refused = null;
  const held = (name, { table, text }) => {
    const kinds = kindsOf(table, tables.rules);
    const id = `${name} ${tables.own.size + 1}`;
    tables.own.set(id, { ...table, text });
    return [['data.own', { id, name, ...suitedUses(table, kinds, tables.rules) }], ['data.set', 'own']];
  };
  const read = async (name, reading) => {
    refused = null;
    busy.textContent = words.say('data.reading', { name });
    try {
      const made = await reading();
      const changes = known.model && isTableOf(known.model, made.table) ? encoded(known, made.table, data()) : null;
      if (changes) {
        state.together(changes);
        run.remake(false); // whose examples are others under the same name
      } else suited(held(name, made));
      asked = false;
    } catch (error) {
      if (!error.word) throw error;
      refused = error;
    }
    busy.textContent = '';
    show();
  };
  const readFile = (file) => read(file.name, async () => ({
    table: await readCsv(file, tables.rules), text: file.size <= LONGEST_TEXT ? await file.text() : null,
  }));
  const area = node('textarea', { rows: 4, spellcheck: 'false', 'data-label': 'data.paste', 'data-hint': 'data.paste' });
  const readArea = () => read(words.say('data.pasted'), async () => ({ table: csvOf(area.value, tables.rules), text: area.value }));
  area.addEventListener('paste', () => setTimeout(readArea));
  const isTable = ({ name, type }) => /\.(csv|tsv|tab)$/i.test(name) || type === 'text/csv';
  document.addEventListener('dragover', (event) => event.preventDefault());
  document.addEventListener('drop', (event) => {
    const dropped = [...event.dataTransfer.files].find((each) => isTable(each) || root.contains(event.target));
    if (!dropped) return;
    event.preventDefault();
    readFile(dropped);
  });

  const columns = node('tbody');
  const heads = ['column', 'use'].map((name) => node('th', { scope: 'col', 'data-say': `data.${name}` }));
  const caption = node('caption');
  const table = node('div', { class: 'table', tabindex: 0, role: 'region', 'data-label': 'data.columns' }, node('table', {}, caption, node('thead', {}, node('tr', {}, ...heads)), columns));
  const kind = new ChoiceField({
    words, label: () => words.say('data.y_is', { name: data().own?.y ?? '' }), get: () => data().own?.kind, set: (value) => suited([['data.own.kind', value]]),
    options: () => ['classes', 'quantity'].map((name) => [name, words.say(`data.${name}`)]),
  });
  const linked = new TickField({
    words, label: () => words.say('data.in_link'), get: () => Boolean(data().own?.text), set: (on) => {
      const { text } = tables.own.get(data().own.id) ?? {};
      if (on && !(text && new TextEncoder().encode(text).length <= LONGEST_TEXT)) refuse('data.too_long', { most: LONGEST_TEXT });
      state.change('data.own', { ...data().own, text: on ? text : undefined });
    },
  });
  const own = node('div', { class: 'own' },
    node('p', { class: 'note', 'data-say': 'data.own_note' }), fileButton('data.file', '.csv,.tsv,.tab,.txt,text/*', readFile), area,
    node('button', { type: 'button', 'data-say': 'data.read', click: readArea }), busy, wrong);
  const chosenColumns = node('div', { class: 'chosen' }, table, kind.root, linked.root);
  const said = node('ul', { class: 'note' });
  const summary = node('p', { class: 'note' });
  const scaled = node('tbody');
  const scales = node('details', { class: 'scales' }, node('summary', { 'data-say': 'data.scales' }), node('p', { class: 'note', 'data-say': 'data.scales_note' }),
    node('div', { class: 'table', tabindex: 0, role: 'region', 'data-label': 'data.scales' },
      node('table', { 'data-label': 'data.scales' }, node('thead', {}, node('tr', {}, ...['column', 'mean', 'deviation'].map((name) => node('th', { scope: 'col', 'data-say': `data.${name}` })))), scaled)));
  const scaleRow = ({ name, mean, deviation }) => node('tr', {}, node('th', { scope: 'row' }, name), ...[mean, deviation].map((own) => node('td', {}, figure(own, SCALE_DIGITS))));

  const holds = ({ name, numbers, example, strays, strayCount }, each) => {
    if (name === data().own.y) return '';
    if (each.kind === 'out') return refusalSaid(words, { word: each.why[0], holes: each.why[1] });
    if (each.aside && data().own.uses[name] !== 'x') return refusalSaid(words, { word: each.aside[0], holes: each.aside[1] });
    const levels = each.levels ? words.say('data.holds_words', { count: each.levels.length }) : words.say('data.holds_numbers');
    const said = [each.absent ? words.say('data.holds_missing', { what: levels, count: whole(each.absent) }) : levels];
    if (each.kind === 'numbers') {
      if (example) said.push(words.say('data.holds_read', { text: example[0], number: figure(numbers[example[1]], SCALE_DIGITS) }));
      const [[text, row] = []] = strays;
      if (strayCount) said.push(words.say('column.stray', { text, row: row + 1, count: whole(strayCount) }));
    }
    return said.join('; ');
  };
  const useOf = ({ name }, each) => {
    const is = () => (data().own.y === name ? 'y' : data().own.uses[name]);
    return new ChoiceField({
      words, label: () => words.say('data.use_of', { name }), get: is,
      options: () => (each.kind === 'out' ? ['out'] : ['x', 'y', 'out']).map((use) => [use, words.say(`data.use_${use}`)]),
      set: (use) => {
        const before = data().own;
        const uses = { ...before.uses, [name]: use === 'out' ? 'out' : 'x' };
        const column = tables.own.get(before.id).columns.find((own) => own.name === name);
        if (use === 'y') suited([['data.own', { ...before, uses, y: name, kind: suitedKind(column, each, tables.rules) }]]);
        else if (before.y === name) refuse('table.y_stays', { name });
        else suited([['data.own', { ...before, uses }]]);
      },
    });
  };
  let shownTable = null;
  let uses = [];
  const showTable = () => {
    const own = isOwn() ? tables.own.get(data().own?.id) : null;
    chosenColumns.hidden = !own;
    if (!own) return;
    const kinds = kindsOf(own, tables.rules);
    const now = `${data().own.id} ${words.language}`;
    if (now !== shownTable) {
      shownTable = now;
      uses = own.columns.map((column, k) => useOf(column, kinds[k]));
      const row = (column, k) => node('tr', {}, node('th', { scope: 'row' }, column.name, node('p', { class: 'note' })), node('td', {}, uses[k].root));
      columns.replaceChildren(...own.columns.map(row));
    }
    columns.querySelectorAll('p.note').forEach((place, k) => { place.textContent = holds(own.columns[k], kinds[k]); });
    caption.textContent = data().own.name;
    [...uses, kind, linked].forEach((field) => field.show());
  };

  root.append(set.root, node('div', { class: 'fields' }, n.root, noise.root, test.root, seed.root), again, features, own, chosenColumns, said, summary, scales);

  const show = () => {
    words.fill(root);
    [n, noise, test, seed].forEach((field, k) => { field.root.hidden = asked || (k < 2 && !isPlane()); });
    again.hidden = asked;
    features.hidden = asked || !isPlane();
    own.hidden = !isOwn() && !asked;
    [set, n, noise, test, seed, ...ticks].forEach((field) => field.show());
    wrong.textContent = refused ? refusalSaid(words, refused) : '';
    showTable();
    const examples = run.made?.examples;
    if (!examples) return;
    said.replaceChildren(...examples.said.map(([word, holes]) => node('li', {}, words.say(word, holes))));
    scales.hidden = !examples.scale.length;
    scaled.replaceChildren(...examples.scale.map(scaleRow));
    summary.textContent = words.say('data.summary', { train: whole(examples.train.n), test: whole(examples.test.n), inputs: examples.inputs });
  };
  state.on('data', (_, path) => {
    if (path === 'data') asked = false; // of another state, as of a link
    show();
  });
  run.on('made', show);
  if (begun) suits(held(begun.name, { table: csvOf(begun.text, tables.rules), text: begun.text })).forEach(([path, value]) => state.put(path, value));
  show();
  return ofLanguage(words, show);
};
