// Model files, byte for byte as file_header.py says what they are: written of the network as it stands, and
// read with mistrust.
//
//   8 bytes   the length of the header, the least first
//   header    JSON: of each array its dtype, shape and place; what the file holds; its SHA-256
//   the rest  the arrays, one after the other

const MODEL_FORMAT = 1;
const NO_DIGEST = '0'.repeat(64);
const LONGEST_HEADER = 4 << 20;
const MODEL_DTYPES = { F64: Float64Array, F32: Float32Array, I64: BigInt64Array };

const digestOf = async (...parts) => {
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  const digest = await crypto.subtle.digest('SHA-256', bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
};

const modelHead = (tensors, about, digest) => {
  let end = 0;
  const entries = Object.fromEntries(tensors.map(({ name, array, shape }) => {
    const begin = end;
    end += array.byteLength;
    return [name, { dtype: array instanceof Float64Array ? 'F64' : 'F32', shape, data_offsets: [begin, end] }];
  }));
  const text = new TextEncoder().encode(JSON.stringify({ __metadata__: { chainrule: about, sha256: digest }, ...entries }));
  const head = new Uint8Array(8 + Math.ceil(text.length / 8) * 8).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(head.length - 8), true);
  head.set(text, 8);
  return head;
};

// `library` is the version that writes; `history` null, or what Python goes on from:
//
//   history   { step, epoch, optimizer: its class, losses, states: [[array, ...]] }   states by tensor
const modelBytes = async ({ inputs, layers, loss, l1, l2, tensors }, library, history = null) => {
  const network = { inputs, layers: layers.map(layerData), loss, l1, l2 };
  const about = JSON.stringify({ kind: 'network', network, history: history && courseOf(history), format: MODEL_FORMAT, library });
  const body = [...(history ? historyArrays(history, tensors) : []), ...tensors.map((own) => ({ ...own, array: Float32Array.from(own.array) }))];
  const digest = await digestOf(modelHead(body, about, NO_DIGEST), ...body.map(({ array }) => array));
  return new Blob([modelHead(body, about, digest), ...body.map(({ array }) => array)]);
};

const courseOf = ({ step, epoch, optimizer }) => ({ step, epoch, optimizer, best_epoch: 0, stopped: '', restored: false });

const historyArrays = ({ losses, states }, tensors) => [
  { name: 'loss', array: Float64Array.from(losses), shape: [losses.length] },
  { name: 'validation_loss', array: new Float64Array(0), shape: [0] },
  ...tensors.flatMap(({ name, shape }, k) => states[k].map((own, j) => ({ name: `states.${name}.${j}`, array: Float32Array.from(own), shape }))),
];

const layerData = ([kind, { layers, ...options }]) => ({ kind, ...options, ...(layers && { layers: layers.map(layerData) }) });

const layerOfData = ({ kind, layers, ...options }) => [kind, { ...options, ...(layers && { layers: layers.map(layerOfData) }) }];

// { inputs, layers, loss, l1, l2, weights, begun, columns }, where `begun` is null or as state.run has it, and
// `columns` of a model of a table as model_columns.js has them
const readModelBytes = async (bytes, choices) => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 9 || bytes[6] || bytes[7] || bytes[8] !== 0x7b) refuse('files.no_model');
  const length = Number(view.getBigUint64(0, true));
  if (length > LONGEST_HEADER) refuse('files.no_model');
  if (8 + length > bytes.length) refuse('files.cut');
  const { entries, about, digest } = headerOf(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  const end = Math.max(0, ...entries.map(([, { data_offsets: [, last] }]) => last));
  if (8 + length + end > bytes.length) refuse('files.cut');
  const blank = bytes.slice(0, 8 + length);
  const at = new TextDecoder('latin1').decode(blank).indexOf(digest);
  blank.set(new TextEncoder().encode(NO_DIGEST), at);
  if ((await digestOf(blank, bytes.subarray(8 + length))) !== digest) refuse('files.damaged');
  if (!['network', 'table'].includes(about.kind)) refuse('files.other_kind', { kind: String(about.kind).slice(0, 60) });
  const arrays = Object.fromEntries(entries.map(([name, { dtype, data_offsets: [first, last] }]) =>
    [name, Array.from(new MODEL_DTYPES[dtype](bytes.slice(8 + length + first, 8 + length + last).buffer), Number)]));
  const network = networkOf(about.network, arrays, choices);
  if (about.kind === 'table') return { ...network, begun: null, columns: columnsOfFile(about, arrays) };
  return { ...network, begun: begunOf(about.history, arrays, network, choices) };
};

// How a model of a table encodes its columns; of several networks the page has the first.
const columnsOfFile = ({ preparation, target, forms = null }, arrays) => {
  const others = Object.keys(arrays).map((name) => Number(/^members\.(\d+)\./.exec(name)?.[1] ?? 0));
  const of = 1 + Math.max(0, ...others);
  return { preparation, target, forms, said: of > 1 ? [['data.member', { member: 1, of }]] : [] };
};

// Where a training has come to that goes on from a file: null of one without, of parameters that are those of
// an epoch before the last, and of an optimizer of one's own.
const begunOf = (history, arrays, { layers }, choices) => {
  const [name] = Object.entries(choices.classes).find(([, own]) => own === history?.optimizer) ?? [];
  if (!name || history.restored) return null;
  const states = beginnings(layers.map((own) => wholeLayer(own, choices)), choices).map(({ name: of }) => {
    const own = [];
    while (arrays[`states.${of}.${own.length}`]) own.push(arrays[`states.${of}.${own.length}`]);
    return own;
  });
  return { step: history.step, epoch: history.epoch, optimizer: name, losses: arrays.loss ?? [], states };
};

const headerOf = (text) => {
  try {
    const { __metadata__: told, ...entries } = JSON.parse(text);
    const about = JSON.parse(told.chainrule);
    const places = Object.entries(entries);
    if (!/^[0-9a-f]{64}$/.test(told.sha256) || !places.every(([, own]) => isPlace(own))) throw new Error();
    if (about.format > MODEL_FORMAT) refuse('files.newer', { version: String(about.library).slice(0, 30) });
    return { entries: places, about, digest: told.sha256 };
  } catch (error) {
    return error.word ? refuse(error.word, error.holes) : refuse('files.no_model');
  }
};

const isPlace = ({ dtype, data_offsets: [first, last], shape }) =>
  Object.hasOwn(MODEL_DTYPES, dtype) && 0 <= first && last - first === shape.reduce((all, own) => all * own, MODEL_DTYPES[dtype].BYTES_PER_ELEMENT);

const networkOf = ({ inputs, layers, loss, l1, l2 }, arrays, choices) => {
  const made = layers.map(layerOfData);
  for (const [kind] of withInner(made)) if (!Object.hasOwn(choices.layers, kind)) refuse('run.kind', { kind });
  if (!Object.hasOwn(choices.losses, loss)) refuse('files.name', { key: 'loss', name: String(loss).slice(0, 60) });
  const weights = beginnings(made.map((own) => wholeLayer(own, choices)), choices).map(({ name }) => arrays[name] ?? refuse('files.no_array', { name }));
  return { inputs, layers: made, loss, l1, l2, weights };
};

const withInner = (layers) => layers.flatMap((own) => [own, ...withInner(own[1].layers ?? [])]);
