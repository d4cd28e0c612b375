// What tests ask the scripts of the playground's data: see page_scripts.py.

const known = ({ sets = {}, missing }) => Object.assign(tables, { sets, missing });

const readInPieces = ([text, size]) => {
  const bytes = new TextEncoder().encode(text);
  const reader = new CsvReader([]);
  for (let k = 0; k < bytes.length; k += size) {
    reader.push(bytes.subarray(k, k + size));
    reader.read(false);
  }
  return reader.end().columns.map(({ name, numbers, codes, levels }) =>
    ({ name, numbers, texts: Array.from(codes, (code) => levels[code] ?? '') }));
};

const ASKED = {
  streams: (asked) => asked.map(([seed, number, step, n]) => [randomWords(seed, number, step, n), shuffledNumbers(n, seed, step, number)]),

  drawn: (n) => [uniforms(1, 4, 0, n), normals(1, 5, 0, n)],

  features: () => Object.keys(FEATURES),

  examples: (given) => {
    known(given);
    return Promise.all(given.asked.map(([data, loss]) => tried(() => examplesOf(data, loss))));
  },

  table: (given) => {
    known(given);
    return tried(() => {
      const table = csvOf(given.text, given.missing.text);
      const kinds = table.columns.map((column) => columnKind(column, new Set(given.missing.numbers)));
      const first = suitedUses(table, kinds);
      const own = { id: 'own', ...first, ...given.own, uses: { ...first.uses, ...given.uses } };
      tables.own.set('own', table);
      const made = examplesOf({ set: 'own', own, test: given.test, seed: 1 }, given.loss);
      return { kinds, first, made, said: made.said };
    });
  },

  pieces: (texts) => texts.map(readInPieces),

  numbers: (texts) => {
    const column = new CsvColumn(new Set());
    return texts.map((text) => column.number(new TextEncoder().encode(text), 0, text.length));
  },

  files: () => {
    const rows = Array.from({ length: 20000 }, (_, k) => `${k},${(k % 7) / 2},"käse ${k % 3}"`);
    const text = `zahl,halb,wort\r\n${rows.join('\r\n')}`;
    const codes = Uint16Array.from(`\ufeff${text}`, (sign) => sign.charCodeAt(0));
    const files = [[text], ['\ufeff', text], [codes], [Uint8Array.from(codes.slice(1))]];
    return Promise.all(files.map(async (parts) => {
      const { n, columns } = await readCsv(new Blob(parts), []);
      const sum = columns[0].numbers.reduce((a, b) => a + b);
      return [n, columns.map(({ name }) => name), columns[2].levels, sum, columns[1].numbers[6]];
    }));
  },

  million: () => {
    const reader = new CsvReader([]);
    const rows = new TextEncoder().encode('1,2\n'.repeat(300000));
    reader.push(new TextEncoder().encode('a,b\n'));
    const more = Array.from({ length: 5 }, () => reader.push(rows));
    const { n, said } = reader.end();
    return [more, n, said];
  },
};
