// A table of one's own as examples: which column is x, which is y, and which is left out, and why.
//
//   own   { id, name, uses: { column: 'x' | 'out' }, y: column, kind: 'classes' | 'quantity', text }

const MOST_WORDS = 20;
const MOST_CLASSES = 100;

// What a column can be: { kind: 'numbers' | 'words' | 'out', why: [word, holes], levels, absent }.
const columnKind = (column, missingInNumbers) => {
  const { name, n, strays, strayCount, absent, unclear } = column;
  const out = (word, holes = {}) => ({ kind: 'out', why: [word, { name, ...holes }], absent });
  if (absent === n) return out('column.empty');
  const levels = column.levels.filter((text) => text !== null);
  if (column.codes && levels.length === 1) return { ...out('column.constant', { value: levels[0] }), value: levels[0] };
  const isMissing = strays.size < MOST_STRAYS && [...strays.keys()].every((text) => missingInNumbers.has(text));
  if (strayCount + absent < n && isMissing) {
    return unclear ? out(unclear) : { kind: 'numbers', absent: absent + strayCount };
  }
  if (column.codes && levels.length <= MOST_WORDS) return { kind: 'words', levels, absent };
  const [text, row] = strays.entries().next().value;
  if (10 * strayCount < n - absent) return out('column.stray', { text, row: row + 1, count: strayCount });
  return out('column.levels', { count: column.codes ? levels.length : `> ${MOST_LEVELS}`, most: MOST_WORDS });
};

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
const suitedKind = (column, { kind }) => {
  const few = kind === 'numbers' && differentNumbers(column.numbers, 10);
  return kind !== 'numbers' || few?.every(Number.isInteger) ? 'classes' : 'quantity';
};

// How a table is used at first: its last column with values is y, and all others that can be are x.
const suitedUses = (table, kinds) => {
  const last = kinds.findLastIndex(({ kind, value }) => kind !== 'out' || value !== undefined);
  if (last < 0) refuse('table.no_columns');
  const y = table.columns[last].name;
  const uses = Object.fromEntries(table.columns.map(({ name }, k) => [name, kinds[k].kind === 'out' ? 'out' : 'x']));
  return { uses, y, kind: suitedKind(table.columns[last], kinds[last]) };
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
const ownSource = (table, own, missingInNumbers) => {
  const kinds = table.columns.map((column) => columnKind(column, missingInNumbers));
  const at = table.columns.findIndex(({ name }) => name === own.y);
  if (at < 0) refuse('table.no_y');
  const [column, kind] = [table.columns[at], kinds[at]];
  if (kind.value !== undefined) refuse('table.one_class', { name: own.y, value: kind.value });
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
