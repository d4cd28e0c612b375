// What the training follows: loss, optimizer with its numbers, schedule, batches, penalties, seeds.

// What two numbers of an optimizer may not be together, as its class in optimizers.py has it.
const checkTogether = ({ momentum = 0, nesterov, dampening = 0, step_min: least = 0, step_max: most = Infinity }) => {
  if (dampening && (nesterov || !momentum)) refuse('hyper.dampening');
  if (least > most) refuse('hyper.step_sizes', { least, most });
};

const hyperPanel = ({ state, run, words, known: { choices }, root }) => {
  const at = (path, more = {}) => ({
    words, bounds: STATE_BOUNDS[path], label: () => words.say(`hyper.${path.split('.').at(-1)}`), hint: () => '', get: () => state.get(path), set: (value) => state.change(path, value), ...more,
  });
  const suited = (changes) => state.together(suiting({ choices, examplesOf: run.examplesOf }, state.value, changes));

  const loss = namedRowFields({ ...at('net.loss'), table: choices.losses, kind: 'loss', long: true, set: (name) => suited([['net.loss', name]]) });

  // The optimizer, and its own numbers; its learning rate is a number or a schedule.
  const numbers = node('div', { class: 'fields' });
  const optimizer = new ChoiceField({
    ...at('run.optimizer'), options: () => Object.keys(choices.optimizers).map((name) => [name, name]),
    set: (name) => state.together([['run.optimizer', name], ['run.numbers', {}], ['run.schedule', null]]),
  });
  const fieldsOf = () => choices.optimizers[state.value.run.optimizer];
  const held = () => Object.fromEntries(Object.entries(fieldsOf()).map(([name, field]) => [name, state.value.run.numbers[name] ?? field.default]));
  const rate = ([name, field]) => scheduleFields({
    words, choices, label: () => name, hint: () => fieldHelp(words, state.value.run.optimizer, name), bounds: field,
    get: () => state.value.run.schedule ?? held()[name],
    set: (value) => state.together(Array.isArray(value) ? [['run.schedule', value]] : [['run.schedule', null], ['run.numbers', { ...state.value.run.numbers, [name]: value }]]),
  });
  const numberOf = ([name, field]) => {
    if (field.type === 'rate') return rate([name, field]);
    const set = (value) => {
      checkTogether({ ...held(), [name]: value });
      state.change('run.numbers', { ...state.value.run.numbers, [name]: value });
    };
    const given = { words, label: () => name, hint: () => fieldHelp(words, state.value.run.optimizer, name), get: () => held()[name], set, bounds: field };
    return field.type === 'flag' ? new TickField(given) : new NumberField(given);
  };
  let own = [];
  let made = null;

  const reseeded = (value) => state.together([['net.seed', value], ['net.weights', keptWeights(state.value.net, choices)]]);
  const batch = new NumberField(at('run.batch'));
  const shuffle = new TickField(at('run.shuffle'));
  const penalties = ['l1', 'l2'].map((name) => new NumberField(at(`net.${name}`, { label: () => name, hint: () => words.say(`hyper.${name}`) })));
  const seeds = [
    new NumberField({ ...at('net.seed', { label: () => words.say('hyper.weights_seed') }), set: (value) => reseeded(value) }),
    new NumberField(at('run.seed', { label: () => words.say('hyper.order_seed') })),
  ];
  const again = node('button', { type: 'button', 'data-say': 'hyper.draw', click: () => reseeded(state.value.net.seed + 1) });
  const typed = node('p', { class: 'note', 'data-say': 'hyper.typed_weights' });
  const goesOn = node('p', { class: 'note', 'data-say': 'hyper.goes_on' });

  root.append(
    loss.root, node('hr'), optimizer.root, numbers, node('hr'),
    node('div', { class: 'fields' }, batch.root, shuffle.root, ...penalties.map((field) => field.root), ...seeds.map((field) => field.root)), again, typed, goesOn,
  );

  const show = () => {
    words.fill(root);
    if (state.value.run.optimizer !== made) {
      made = state.value.run.optimizer;
      own = Object.entries(fieldsOf()).map(numberOf);
      numbers.replaceChildren(...own.map((field) => field.root));
    }
    typed.hidden = !state.value.net.weights;
    [loss, optimizer, ...own, batch, shuffle, ...penalties, ...seeds].forEach((field) => field.show());
  };
  ['net', 'run'].forEach((path) => state.on(path, show));
  show();
  return ofLanguage(words, show);
};
