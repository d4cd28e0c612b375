// The learning rate as a number or as a schedule, which may hold another.

// What a field of a schedule holds at first: the first number is a rate, and steps are a thousand.
const newSchedule = (name, choices, rate) => {
  const fields = Object.entries(choices.schedules[name]);
  const first = fields.find(([, field]) => field.default === null && field.type === 'number')?.[0];
  const value = ([own, { type, default: given }]) => {
    if (given !== null) return [own, given];
    if (type === 'whole') return [own, 1000];
    return [own, own === first || type === 'rate' ? rate : 0.999];
  };
  return [name, Object.fromEntries(fields.map(value))];
};

// The highest of the rates that a schedule has, which another takes over.
const rateWithin = (given) => {
  if (!Array.isArray(given)) return given;
  const [, own] = given;
  return own.rate ?? own.peak ?? rateWithin(own.then);
};

// `get` gives a number or a schedule, and `set` takes one of the two.
const scheduleFields = ({ words, choices, label, hint, bounds, get, set }) => {
  const isSchedule = () => Array.isArray(get());
  const choice = new ChoiceField({
    words, long: true, label: () => words.say('hyper.schedule'), options: () => [['', words.say('hyper.constant')], ...Object.keys(choices.schedules).map((name) => [name, name])],
    get: () => (isSchedule() ? get()[0] : ''), set: (name) => set(name ? newSchedule(name, choices, rateWithin(get())) : rateWithin(get())),
  });
  const rate = new NumberField({ words, label, hint, bounds, get, set });
  const own = node('div', { class: 'fields within' });
  let fields = [];
  let made = null;
  const fieldOf = ([name, field]) => {
    const put = (value) => set([get()[0], { ...get()[1], [name]: value }]);
    const given = { words, label: () => name, hint: () => fieldHelp(words, get()[0], name), get: () => get()[1]?.[name], set: put, bounds: { ...field, whole: field.type === 'whole' } };
    return field.type === 'rate' ? scheduleFields({ ...given, choices }) : new NumberField(given);
  };
  const show = () => {
    const name = isSchedule() ? get()[0] : null;
    if (name !== made) {
      made = name;
      fields = name ? Object.entries(choices.schedules[name]).map(fieldOf) : [];
      own.replaceChildren(...fields.map((field) => field.root));
    }
    rate.root.hidden = Boolean(name);
    own.hidden = !name;
    choice.show();
    if (!name) rate.show();
    fields.forEach((field) => field.show());
  };
  return { root: node('div', { class: 'fields' }, rate.root, choice.root, own), show };
};
