// The fields of a choice of rows by their full names, leaky_relu(0.2): the name, and each number.
const namedRowFields = ({ words, table, kind, label, hint, long, get, set }) => {
  const isOfHeads = () => kind === 'loss' && get().startsWith('heads(');
  const own = () => (isOfHeads() ? { name: get(), row: { takes: [] }, numbers: [] } : namedRow(table, get()));
  const choice = new ChoiceField({
    words, label, hint, long, get: () => own().name, set: (name) => set(name), options: () => [...(isOfHeads() ? [get()] : []), ...Object.keys(table)].map((name) => [name, name]),
  });
  const numbers = node('div', { class: 'numbers' });
  let fields = [];
  let made = null;
  const show = () => {
    choice.show();
    const { name, row, numbers: { length } } = own();
    if (made !== `${name} ${length}`) {
      made = `${name} ${length}`;
      fields = Array.from({ length }, (_, k) => {
        const taken = row.takes[Math.min(k, row.takes.length - 1)];
        return new NumberField({
          words, bounds: taken, label: () => (length > 1 ? `${taken.name}${k + 1}` : taken.name), hint: () => fieldHelp(words, name, taken.name), get: () => own().numbers[k],
          set: (number) => set(rowName(table, name, own().numbers.map((old, j) => (j === k ? number : old)))),
        });
      });
      numbers.replaceChildren(...fields.map((field) => field.root));
    }
    fields.forEach((field) => field.show());
  };
  return { root: node('div', { class: 'fields', 'data-table': kind }, choice.root, numbers), show };
};
