// What the page begins with, out of its file, and the page as a file that begins with its present state: what is
// too long for a link is sent so.

// What came beside plain data: arrays in their places, as page_arrays.py has them, and of a model of a table the
// weights and columns of its file.
const unfold = (own) => {
  const arrays = own.arrays ? plainArrays(partsOfFile(bytesOf(own.arrays)).arrays) : {};
  for (const [path, array] of Object.entries(arrays)) {
    const names = path.split('.');
    partAt(own, names.slice(0, -1).join('.'))[names.at(-1)] = array;
  }
  if (!own.file) return;
  const { weights, columns } = modelOfParts(partsOfFile(bytesOf(own.file.bytes)), own.choices, own.file.member);
  if (own.file.weighs) own.state.net.weights = weights;
  own.model = columns;
};

// The arrays of a start by their places, of which nulls are left: as page_arrays.py takes them out.
const arraysApart = (start) => {
  const body = [];
  const without = (part, path) => {
    const isNumbers = ArrayBuffer.isView(part) || (Array.isArray(part) && part.length > 8 && part.every((own) => typeof own === 'number'));
    if (isNumbers) {
      const array = Float64Array.from(part);
      const single = Float32Array.from(part);
      const isSingle = array.every((own, k) => own === plainSingle(single[k]));
      body.push({ name: path, array: isSingle ? single : array, shape: [part.length] });
      return null;
    }
    if (Array.isArray(part)) return part.map((own, k) => without(own, `${path}.${k}`));
    if (!isTable(part)) return part;
    return Object.fromEntries(Object.entries(part).map(([name, own]) => [name, without(own, path ? `${path}.${name}` : name)]));
  };
  return { rest: without(start, ''), body };
};

const textOf = async (blob) => {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let signs = '';
  for (let k = 0; k < bytes.length; k += 0x8000) signs += String.fromCharCode(...bytes.subarray(k, k + 0x8000));
  return btoa(signs);
};

// Examples that only this page holds, as such that came with it.
const givenNow = (data, { examples }, given) => {
  if (data.set !== 'own' || data.own?.text) return data.set === 'given' ? given : undefined;
  const { n, X, labels, y } = examples.train;
  return { ...examples, n, X, labels, y, train: undefined, test: undefined, plane: undefined };
};

const pageNow = async (page, { state: { value }, run, known }) => {
  const begun = JSON.parse(element('known').textContent);
  const given = givenNow(value.data, run.made, known.given);
  const data = given && value.data.set === 'own' ? { ...value.data, set: 'given', own: null, test: 0 } : value.data;
  const { rest, body } = arraysApart({ state: State.apart({ ...value, data }), given });
  const arrays = body.length ? await textOf(await fileBytes(JSON.stringify({ kind: 'page' }), body)) : undefined;
  const text = JSON.stringify({ words: begun.words, ...rest, arrays, file: await fileNow(known) });
  const inert = text.replace(/[<>&\u2028\u2029]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
  const old = element('known').textContent;
  const at = page.indexOf(old);
  return new Blob([page.slice(0, at), inert, page.slice(at + old.length)], { type: 'text/html' });
};

// Of a model of a table its file, as the page holds it.
const fileNow = async ({ model }) => {
  if (!model) return undefined;
  const { prefix } = model.file;
  return { bytes: await textOf(await tableBytes(model.file, [])), member: 1 + Number(/\d+/.exec(prefix)?.[0] ?? 0) };
};
