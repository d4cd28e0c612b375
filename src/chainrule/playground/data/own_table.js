// A table of one's own as examples: which column is x, which is y, and which is left out, and why.
//
//   own   { id, name, uses: { column: 'x' | 'out' }, y: column, kind: 'classes' | 'quantity', text }

const MOST_CLASSES = 100;

// The different numbers of a column in their order, or null where there are more than so many.
const differentNumbers = (numbers, most) => {
  const found = new Set();
  for (const number of numbers) {
    if (number === number) found.add(number);
    if (found.size > most) return null;
  }
  return [...found].sort((a, b) => a - b);
};

// What y is unless the reader says otherwise: classes, where it has words or few whole numbers.
const suitedKind = (column, { kind }, { few, rows_each: each }) => {
  const found = kind === 'numbers' && differentNumbers(column.numbers, few);
  const isFew = found?.length === 2 || found?.length * each <= column.count;
  return kind !== 'numbers' || (isFew && found.every(Number.isInteger)) ? 'classes' : 'quantity';
};

// How a table is used at first: its last column with values is y, and all others that can be are x, but for those
// that number or name the rows, where others are left.
const suitedUses = (table, kinds, rules) => {
  const y = kinds.findLastIndex(({ kind, value, aside }) => value !== undefined || (kind !== 'out' && !(kind === 'words' && aside)));
  const last = y < 0 ? kinds.findLastIndex(({ kind }) => kind !== 'out') : y;
  if (last < 0) refuse('table.no_columns');
  const isOther = ({ kind, aside }, k) => k !== last && kind !== 'out' && !aside;
  const every = !kinds.some(isOther);
  const uses = table.columns.map(({ name }, k) => [name, kinds[k].kind !== 'out' && (every || k === last || !kinds[k].aside) ? 'x' : 'out']);
  return { uses: Object.fromEntries(uses), y: table.columns[last].name, kind: suitedKind(table.columns[last], kinds[last], rules) };
};

// Which class each row has, −1 where it has none: { labels (n,), classes }.
const classesOf = (column, { kind, levels }) => {
  if (kind === 'numbers') {
    const numbers = differentNumbers(column.numbers, MOST_CLASSES) ?? refuse('table.many_classes', { name: column.name, most: MOST_CLASSES });
    const places = new Map(numbers.map((number, k) => [number, k]));
    return { labels: Int32Array.from(column.numbers, (number) => places.get(number) ?? -1), classes: numbers.map(String) };
  }
  const sorted = [...levels].sort();
  const places = column.levels.map((text) => (text === null ? -1 : sorted.indexOf(text)));
  return { labels: column.codes.map((code) => (code < 0 ? -1 : places[code])), classes: sorted };
};

// Mean and deviation of the numbers of some rows; of numbers that are all the same the deviation is 1.
const spreadOf = (numbers, rows) => {
  let [count, mean, squares] = [0, 0, 0];
  for (const row of rows) {
    const number = numbers[row];
    if (number !== number) continue;
    count += 1;
    const gap = number - mean;
    mean += gap / count;
    squares += gap * (number - mean);
  }
  return { mean, deviation: Math.sqrt(squares / Math.max(1, count)) || 1 };
};

// The inputs that a column becomes: fill(X, place, width, rows, training) writes them, and says their scales.
const columnInputs = (column, { kind, levels, absent }) => {
  const { name, numbers, codes } = column;
  if (kind === 'words') {
    const places = column.levels.map((text) => levels.indexOf(text));
    const fill = (X, place, width, rows) => {
      rows.forEach((row, k) => { if (codes[row] >= 0) X[k * width + place + places[codes[row]]] = 1; });
      return [];
    };
    return { names: levels.map((level) => `${name} = ${level}`), fill };
  }
  const fill = (X, place, width, rows, training) => {
    const { mean, deviation } = spreadOf(numbers, training);
    for (let k = 0, at = place; k < rows.length; k += 1, at += width) {
      const number = numbers[rows[k]];
      if (number === number) X[at] = (number - mean) / deviation;
      else X[at + 1] = 1; // the mean, which is 0, and that it is missing
    }
    return [{ name, mean, deviation }];
  };
  return { names: absent ? [name, `${name} ?`] : [name], fill };
};

// A table as a source of examples: see examples.js.
const ownSource = (table, own, rules) => {
  const kinds = kindsOf(table, rules);
  const at = table.columns.findIndex(({ name }) => name === own.y);
  if (at < 0) refuse('table.no_y');
  const [column, kind] = [table.columns[at], kinds[at]];
  const value = kind.value ?? (kind.kind === 'numbers' ? differentNumbers(column.numbers, 1)?.[0] : undefined);
  if (value !== undefined) refuse('table.one_class', { name: own.y, value });
  if (kind.kind === 'out') refuse(...kind.why);
  if (own.kind === 'quantity' && kind.kind !== 'numbers') refuse('table.words_as_quantity', { name: own.y });
  const y = own.kind === 'classes' ? classesOf(column, kind) : { values: column.numbers, classes: null };
  if (y.classes?.length < 2) refuse('table.one_class', { name: own.y, value: y.classes[0] });
  const known = y.labels ? (row) => y.labels[row] >= 0 : (row) => !Number.isNaN(y.values[row]);
  const rows = Int32Array.from({ length: table.n }, (_, row) => row).filter(known);
  const isInput = ({ name }, k) => k !== at && own.uses[name] === 'x' && kinds[k].kind !== 'out';
  const parts = table.columns.flatMap((each, k) => (isInput(each, k) ? [columnInputs(each, kinds[k])] : []));
  if (!parts.length) refuse('table.no_inputs');
  if (rows.length < 2) refuse('table.few_rows', { count: rows.length });
  const names = parts.flatMap((part) => part.names);
  const of = (array) => array && rows.length < table.n ? array.constructor.from(rows, (row) => array[row]) : array;
  const filled = (training) => {
    const X = new (rows.length * names.length > 1e6 ? Float32Array : Float64Array)(rows.length * names.length);
    const trained = training.map((k) => rows[k]);
    let place = 0;
    const scale = parts.flatMap((part) => {
      const made = part.fill(X, place, names.length, rows, trained);
      place += part.names.length;
      return made;
    });
    return { X, scale };
  };
  const said = [...table.said];
  if (rows.length < table.n) said.push(['table.rows_without_y', { count: table.n - rows.length, name: own.y }]);
  if (kinds.every((each) => each.kind !== 'numbers')) said.push(['table.no_numbers', {}]);
  return {
    n: rows.length, inputs: names, outputs: y.classes ? null : [own.y], classes: y.classes, labels: of(y.labels),
    values: of(y.values), scaled: !y.classes, said, filled,
  };
};
