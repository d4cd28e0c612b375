// A table as the examples of a model that `chainrule train` wrote: its columns as the model encodes them, which
// the guide's page on files says of each kind of encoder.
//
//   columns   { preparation: { encoders }, target, forms }   as a model's file has them
//   encoder   of a kind: names of its inputs, and write(row, put), where put(j, value) writes input j

const softened = (x, { centre, scale }) => {
  const { soft, limit } = tables.rules.held;
  const z = Math.max(-limit, Math.min(limit, (x - centre) / scale));
  return Number.isFinite(x) ? z / Math.sqrt(1 + (z / soft) ** 2) : 0;
};

// What a cell says, or null where it has no value.
const wordAt = ({ codes, levels }, row) => (codes[row] < 0 ? null : levels[codes[row]]);

const flagged = (name, { other, missing }) => [...(other ? [`${name} other`] : []), ...(missing ? [`${name} missing`] : [])];

const ENCODERS = {
  Number: (own, column) => ({
    names: [own.column, ...flagged(own.column, { missing: own.missing })],
    write: (row, put) => {
      put(0, softened(column.numbers[row], own));
      if (own.missing && !Number.isFinite(column.numbers[row])) put(1, 1);
    },
  }),

  Category: (own, column) => {
    const places = new Map(own.categories.map((word, k) => [word, k]));
    const { length } = own.categories;
    return {
      names: [...own.categories.map((word) => `${own.column}=${word}`), ...flagged(own.column, own)],
      write: (row, put) => {
        const word = wordAt(column, row);
        if (places.has(word)) put(places.get(word), 1);
        else if (word === null && own.missing) put(length + own.other, 1);
        else if (word !== null && word !== own.base && own.other) put(length, 1);
      },
    };
  },

  Rank: (own, column) => ({
    names: [`${own.column} rank`],
    write: (row, put) => {
      const rank = own.order.indexOf(wordAt(column, row));
      if (rank >= 0) put(0, softened(rank, own));
    },
  }),

  Many: (own, column) => {
    const places = new Map(own.categories.map((word, k) => [word, k]));
    const [count, { length }] = [own.categories.length, own.names];
    const more = [...(own.vectors ? ['level'] : []), ...(own.missing ? ['missing'] : [])];
    return {
      names: [...own.names, ...more].map((name) => `${own.column} ${name}`),
      write: (row, put) => {
        const word = wordAt(column, row);
        const place = places.get(word);
        if (place !== undefined) own.names.forEach((_, j) => put(j, own.means[j * count + place]));
        if (own.vectors) put(length, place < own.vectors ? place : -1);
        if (own.missing && word === null) put(length + (own.vectors > 0), 1);
      },
    };
  },

  Date: (...given) => dateEncoder(...given),
  Text: (...given) => textEncoder(...given),
};

// What of a model's columns only Python encodes is refused by its name.
const checkedColumn = (column, { kind, column: name, text }, forms) => {
  if (!Object.hasOwn(ENCODERS, kind) || (forms?.[name] && kind !== 'Date')) refuse('model.column', { name, kind });
  const isNumber = kind === 'Number';
  const [stray] = isNumber && !text ? column.strays : [];
  if (stray) refuse('model.stray', { name, text: stray[0], row: stray[1] + 1 });
  if (column.why && isNumber) refuse(column.why[0], { name, ...column.why[1] });
  if (!isNumber && !column.codes) refuse('model.column', { name, kind });
  return column;
};

// Of a target: whether a row has it, its label or its numbers there, and what its outputs are called.
const targetOfModel = ({ kind, column: name, classes, centre, scale, quantiles }, column) => {
  if (kind === 'Classes') {
    const places = new Map(classes.map((own, k) => [String(own), k]));
    const label = (row) => places.get(wordAt(column, row)) ?? refuse('model.no_class', { name, text: wordAt(column, row), row: row + 1 });
    return { has: (row) => wordAt(column, row) !== null, label, y: (row) => classes.map((_, k) => Number(k === label(row))), outputs: classes.map(String) };
  }
  if (kind !== 'Quantity') refuse('model.column', { name, kind });
  const outputs = quantiles.length ? quantiles.map((q) => `${name} ${q}`) : [name];
  return { has: (row) => Number.isFinite(column.numbers[row]), y: (row) => Array(outputs.length).fill((column.numbers[row] - centre) / scale), outputs };
};

const partsOfTarget = (target) => target.parts ?? [target];

// The rows that have the targets, and what a loss compares with: { rows, labels | y, outputs }.
const targetsOfModel = (target, columnOf, n) => {
  const parts = partsOfTarget(target).map((own) => ({ ...targetOfModel(own, columnOf(own.column)), column: own.column }));
  const rows = Array.from({ length: n }, (_, row) => row).filter((row) => parts.every(({ has }) => has(row)));
  const [{ label, outputs }] = parts;
  if (parts.length === 1 && label) return { rows, labels: rows.map(label), outputs };
  const named = parts.length === 1 ? outputs : parts.flatMap((own) => (own.label ? own.outputs.map((name) => `${own.column} ${name}`) : own.outputs));
  return { rows, y: rows.flatMap((row) => parts.flatMap(({ y }) => y(row))), outputs: named };
};

// Whether a table has all columns of a model.
const isTableOf = ({ preparation: { encoders }, target }, { columns }) => {
  const names = new Set(columns.map(({ name }) => name));
  return [...encoders, ...partsOfTarget(target)].every(({ column }) => names.has(column));
};

// What a model's inputs are called.
const inputNames = ({ preparation: { encoders } }) => encoders.flatMap((own) => ENCODERS[own.kind]?.(own, {}).names ?? [null]);

// The page's examples become those of a model's table: what is changed for it. The model's network comes with
// the first table alone, for it is trained on from there.
const encoded = (known, table, data) => {
  const { changes = [], ...columns } = known.model;
  const made = modelExamples(columns, table);
  known.given = { ...made, said: [...(columns.said ?? []), ...made.said] };
  known.model = columns;
  return [...changes, ['data', { ...data, set: 'given', test: 0 }]];
};

// Examples as given_examples.js has them.
const modelExamples = ({ preparation: { encoders }, target, forms, file }, table) => {
  const columnOf = (name) => table.columns.find((own) => own.name === name);
  const checked = (own) => checkedColumn(columnOf(own.column), own, forms);
  const part = (k, name) => file?.arrays[`encoders.${k}.${name}`];
  const more = (own, k) => ({ form: forms?.[own.column], idf: part(k, 'idf'), components: part(k, 'components') });
  const parts = encoders.map((own, k) => (Object.hasOwn(ENCODERS, own.kind) ? ENCODERS[own.kind](own, checked(own), more(own, k)) : checked(own)));
  const { rows, outputs, ...y } = targetsOfModel(target, columnOf, table.n);
  if (!rows.length) refuse('table.few_rows', { count: 0 });
  const inputs = parts.flatMap(({ names }) => names);
  const X = new Float64Array(rows.length * inputs.length);
  let first = 0;
  for (const { names, write } of parts) {
    const at = first;
    rows.forEach((row, k) => write(row, (j, value) => { X[k * inputs.length + at + j] = value; }));
    first += names.length;
  }
  const said = rows.length < table.n ? [['table.rows_without_y', { count: table.n - rows.length, name: partsOfTarget(target).map(({ column }) => column).join(', ') }]] : [];
  return { n: rows.length, inputs: inputs.length, outputs: outputs.length, X, ...y, names: { inputs, outputs }, said };
};
