// A table as the examples of a model that `chainrule train` wrote: its columns as the model encodes them, which
// the guide's page on files says of each kind of encoder.
//
//   columns   { preparation: { encoders }, target, forms }   as a model's file has them
//   encoder   of a kind: names of its inputs, and write(row, put), where put(j, value) writes input j

const SOFT = 3; // where outliers are held, in standard deviations

const softened = (x, { centre, scale }) => {
  const z = Math.max(-1e9, Math.min(1e9, (x - centre) / scale));
  return Number.isFinite(x) ? z / Math.sqrt(1 + (z / SOFT) ** 2) : 0;
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
};

// What of a model's columns only Python encodes is refused by its name.
const checkedColumn = (column, { kind, column: name, text }, forms) => {
  if (!Object.hasOwn(ENCODERS, kind) || forms?.[name]) refuse('model.column', { name, kind });
  const isNumber = kind === 'Number';
  const [stray] = isNumber && !text ? column.strays : [];
  if (stray && !tables.missing.numbers.includes(stray[0])) refuse('model.stray', { name, text: stray[0], row: stray[1] + 1 });
  if (column.unclear && isNumber) refuse(column.unclear, { name });
  if (!isNumber && !column.codes) refuse('model.column', { name, kind });
  return column;
};

// The rows that have the target, and what a loss compares with: { rows, labels | y, outputs }.
const targetsOfModel = ({ kind, column: name, classes, centre, scale, quantiles }, column, n) => {
  const every = Array.from({ length: n }, (_, row) => row);
  if (kind === 'Classes') {
    const places = new Map(classes.map((own, k) => [String(own), k]));
    const rows = every.filter((row) => wordAt(column, row) !== null);
    const strange = rows.find((row) => !places.has(wordAt(column, row)));
    if (strange !== undefined) refuse('model.no_class', { name, text: wordAt(column, strange), row: strange + 1 });
    return { rows, labels: rows.map((row) => places.get(wordAt(column, row))), outputs: classes.length };
  }
  if (kind !== 'Quantity') refuse('model.column', { name, kind });
  const rows = every.filter((row) => Number.isFinite(column.numbers[row]));
  const outputs = Math.max(1, quantiles.length);
  return { rows, y: rows.flatMap((row) => Array(outputs).fill((column.numbers[row] - centre) / scale)), outputs };
};

// Whether a table has all columns of a model.
const isTableOf = ({ preparation: { encoders }, target }, { columns }) => {
  const names = new Set(columns.map(({ name }) => name));
  return [...encoders, target].every(({ column }) => names.has(column));
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
const modelExamples = ({ preparation: { encoders }, target, forms }, table) => {
  const columnOf = (own) => checkedColumn(table.columns.find(({ name }) => name === own.column), own, forms);
  const parts = encoders.map((own) => (Object.hasOwn(ENCODERS, own.kind) ? ENCODERS[own.kind](own, columnOf(own)) : columnOf(own)));
  const { rows, outputs, ...y } = targetsOfModel(target, table.columns.find(({ name }) => name === target.column), table.n);
  if (!rows.length) refuse('table.few_rows', { count: 0 });
  const inputs = parts.flatMap(({ names }) => names);
  const X = new Float64Array(rows.length * inputs.length);
  let first = 0;
  for (const { names, write } of parts) {
    const at = first;
    rows.forEach((row, k) => write(row, (j, value) => { X[k * inputs.length + at + j] = value; }));
    first += names.length;
  }
  const said = rows.length < table.n ? [['table.rows_without_y', { count: table.n - rows.length, name: target.column }]] : [];
  const names = { inputs, outputs: target.classes?.map(String) ?? (outputs > 1 ? target.quantiles.map((q) => `${target.column} ${q}`) : [target.column]) };
  return { n: rows.length, inputs: inputs.length, outputs, X, ...y, names, said };
};
