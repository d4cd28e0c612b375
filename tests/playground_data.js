// What tests ask the scripts of the playground's data: see page_scripts.py.

const known = ({ sets = {}, rules }) => Object.assign(tables, { sets, rules });

const readInPieces = (rules) => ([text, size]) => {
  const bytes = new TextEncoder().encode(text);
  const reader = new CsvReader(rules);
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
      const table = csvOf(given.text, given.rules);
      const kinds = kindsOf(table, given.rules);
      const first = suitedUses(table, kinds, given.rules);
      const own = { id: 'own', ...first, ...given.own, uses: { ...first.uses, ...given.uses } };
      tables.own.set('own', table);
      const made = examplesOf({ set: 'own', own, test: given.test, seed: 1 }, given.loss);
      return { kinds, first, made, said: made.said };
    });
  },

  // How tables are read, and used at first; each is given as bytes in base64.
  readings: async ({ rules, texts }) => {
    const made = [];
    for (const text of texts) {
      made.push(await tried(async () => {
        const table = await readCsv(new Blob([Buffer.from(text, 'base64')]), rules);
        const kinds = kindsOf(table, rules);
        const first = suitedUses(table, kinds, rules);
        const columns = table.columns.map(({ name, numbers }, k) => ({ name, numbers, ...kinds[k] }));
        return { n: table.n, columns, said: table.said, ...first };
      }));
    }
    return made;
  },

  pieces: ({ rules, texts }) => texts.map(readInPieces({ ...rules, text: [] })),

  numbers: ({ rules, texts }) => {
    const tally = new NumberTally(new NumberRules(rules));
    return texts.map((text) => tally.plain(new TextEncoder().encode(text), 0, text.length));
  },

  files: ({ rules }) => {
    const rows = Array.from({ length: 20000 }, (_, k) => `${k},${(k % 7) / 2},"käse ${k % 3}"`);
    const text = `zahl,halb,wort\r\n${rows.join('\r\n')}`;
    const codes = Uint16Array.from(`\ufeff${text}`, (sign) => sign.charCodeAt(0));
    const files = [[text], ['\ufeff', text], [codes], [Uint8Array.from(codes.slice(1))]];
    return Promise.all(files.map(async (parts) => {
      const { n, columns } = await readCsv(new Blob(parts), rules);
      const sum = columns[0].numbers.reduce((a, b) => a + b);
      return [n, columns.map(({ name }) => name), columns[2].levels, sum, columns[1].numbers[6]];
    }));
  },

  million: ({ rules }) => {
    const reader = new CsvReader(rules);
    const rows = new TextEncoder().encode('1,2\n'.repeat(300000));
    reader.push(new TextEncoder().encode('a,b\n'));
    const more = Array.from({ length: 5 }, () => reader.push(rows));
    const { n, said } = reader.end();
    return [more, n, said];
  },
};
