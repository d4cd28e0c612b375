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
    return [name, { dtype: Object.keys(MODEL_DTYPES).find((own) => array instanceof MODEL_DTYPES[own]), shape, data_offsets: [begin, end] }];
  }));
  const text = new TextEncoder().encode(JSON.stringify({ __metadata__: { chainrule: about, sha256: digest }, ...entries }));
  const head = new Uint8Array(8 + Math.ceil(text.length / 8) * 8).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(head.length - 8), true);
  head.set(text, 8);
  return head;
};

// `library` is the version that writes; `history` null, or what Python goes on from:
//
//   history   { step, epoch, optimizer: its class, settings, losses, states: [[array, ...]] }   states by tensor
const modelBytes = async ({ inputs, layers, loss, l1, l2, tensors }, library, history = null) => {
  const network = { inputs, layers: layers.map(layerData), loss, l1, l2 };
  const about = JSON.stringify({ kind: 'network', network, history: history && courseOf(history), format: MODEL_FORMAT, library });
  return fileBytes(about, [...(history ? historyArrays(history, tensors) : []), ...tensors.map((own) => ({ ...own, array: Float32Array.from(own.array) }))]);
};

// A file of arrays, [{ name, array, shape }], and of what is said of them, a text.
const fileBytes = async (about, body) => {
  const digest = await digestOf(modelHead(body, about, NO_DIGEST), ...body.map(({ array }) => array));
  return new Blob([modelHead(body, about, digest), ...body.map(({ array }) => array)]);
};

// The file of a model of a table with other weights of the network that the page has taken from it.
const tableBytes = ({ told, entries, arrays, prefix }, tensors) => {
  const weights = new Map(tensors.map(({ name, array }) => [`${prefix}${name}`, array]));
  return fileBytes(told, entries.map(([name, { dtype, shape }]) =>
    ({ name, shape, array: weights.has(name) ? MODEL_DTYPES[dtype].from(weights.get(name)) : arrays[name] })));
};

const courseOf = ({ step, epoch, optimizer, settings }) => ({ step, epoch, optimizer, settings, best_epoch: 0, stopped: '', restored: false });

// An optimizer with all its numbers, and a schedule, as data: { kind, ...fields }.
const dataOf = (kind, fields, given) =>
  ({ kind, ...Object.fromEntries(Object.keys(fields).map((name) => [name, given[name] ?? fields[name].default])) });

const scheduleData = (given, { schedules }) => (Array.isArray(given)
  ? dataOf(given[0], schedules[given[0]], Object.fromEntries(Object.entries(given[1]).map(([name, own]) => [name, scheduleData(own, { schedules })]))) : given);

const settingsData = (optimizer, { numbers, schedule }, choices) =>
  dataOf(optimizer, choices.optimizers[optimizer], schedule ? { ...numbers, learning_rate: scheduleData(schedule, choices) } : numbers);

const historyArrays = ({ losses, states }, tensors) => [
  { name: 'loss', array: Float64Array.from(losses), shape: [losses.length] },
  { name: 'validation_loss', array: new Float64Array(0), shape: [0] },
  ...tensors.flatMap(({ name, shape }, k) => states[k].map((own, j) => ({ name: `states.${name}.${j}`, array: Float32Array.from(own), shape }))),
];

const layerData = ([kind, { layers, ...options }]) => ({ kind, ...options, ...(layers && { layers: layers.map(layerData) }) });

const layerOfData = ({ kind, layers, ...options }) => [kind, { ...options, ...(layers && { layers: layers.map(layerOfData) }) }];

// What a file holds: { about, told, digest, entries, arrays, from }; its checksum is not looked at.
const partsOfFile = (bytes) => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 9 || bytes[6] || bytes[7] || bytes[8] !== 0x7b) refuse('files.no_model');
  const length = Number(view.getBigUint64(0, true));
  if (length > LONGEST_HEADER) refuse('files.no_model');
  if (8 + length > bytes.length) refuse('files.cut');
  const head = headerOf(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  const from = 8 + length;
  const end = head.entries.reduce((most, [, { data_offsets: [, last] }]) => Math.max(most, last), 0);
  if (from + end > bytes.length) refuse('files.cut');
  const arrays = Object.fromEntries(head.entries.map(([name, { dtype, data_offsets: [first, last] }]) =>
    [name, new MODEL_DTYPES[dtype](bytes.slice(from + first, from + last).buffer)]));
  return { ...head, arrays, from };
};

// A number of single precision with six digits, where they tell it apart, or nine, which always do.
const plainSingle = (own) => {
  const short = Number(own.toPrecision(6));
  return Math.fround(short) === own ? short : Number(own.toPrecision(9));
};

// Numbers as a state has them.
const plainNumbers = (array) => Array.from(array, array instanceof Float32Array ? plainSingle : Number);

const plainArrays = (arrays) => Object.fromEntries(Object.entries(arrays).map(([name, own]) => [name, plainNumbers(own)]));

// { inputs, layers, loss, l1, l2, weights, begun, columns }, where `begun` is null or as state.run has it, and
// `columns` of a model of a table as model_columns.js has them
const readModelBytes = async (bytes, choices) => {
  const parts = partsOfFile(bytes);
  const blank = bytes.slice(0, parts.from);
  const at = new TextDecoder('latin1').decode(blank).indexOf(parts.digest);
  blank.set(new TextEncoder().encode(NO_DIGEST), at);
  if ((await digestOf(blank, bytes.subarray(parts.from))) !== parts.digest) refuse('files.damaged');
  return modelOfParts(parts, choices);
};

// The same of the parts of a file; of several networks with columns it is one of them.
const modelOfParts = (parts, choices, member = 1) => {
  const { about } = parts;
  if (!['network', 'table'].includes(about.kind)) refuse('files.other_kind', { kind: String(about.kind).slice(0, 60) });
  const prefix = member > 1 ? `members.${member - 1}.` : '';
  const arrays = plainArrays(parts.arrays);
  const network = networkOf(about.network, arrays, choices, prefix, Object.fromEntries(parts.entries));
  if (about.kind !== 'table') return { ...network, begun: begunOf(about.history, arrays, network, choices) };
  const { preparation, target, forms = null } = about;
  const of = 1 + Object.keys(arrays).reduce((most, name) => Math.max(most, Number(/^members\.(\d+)\./.exec(name)?.[1] ?? 0)), 0);
  const said = of > 1 ? [['data.member', { member, of }]] : [];
  const { layers, loss } = network;
  return { ...network, begun: null, columns: { preparation, target, forms, said, file: { ...parts, prefix, layers, loss } } };
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
  return { step: history.step, epoch: history.epoch, optimizer: name, losses: arrays.loss ?? [], states, settings: history.settings };
};

const headerOf = (text) => {
  try {
    const { __metadata__: told, ...entries } = JSON.parse(text);
    const about = JSON.parse(told.chainrule);
    const places = Object.entries(entries);
    if (!/^[0-9a-f]{64}$/.test(told.sha256) || !places.every(([, own]) => isPlace(own))) throw new Error();
    if (about.format > MODEL_FORMAT) refuse('files.newer', { version: String(about.library).slice(0, 30) });
    return { entries: places, about, told: told.chainrule, digest: told.sha256 };
  } catch (error) {
    return error.word ? refuse(error.word, error.holes) : refuse('files.no_model');
  }
};

const isPlace = ({ dtype, data_offsets: [first, last], shape }) =>
  Object.hasOwn(MODEL_DTYPES, dtype) && 0 <= first && last - first === shape.reduce((all, own) => all * own, MODEL_DTYPES[dtype].BYTES_PER_ELEMENT);

const networkOf = ({ inputs, layers, loss, l1, l2, reduction = 'mean' }, arrays, choices, prefix, entries) => {
  const made = layers.map(layerOfData);
  for (const [kind] of withInner(made)) if (!Object.hasOwn(choices.layers, kind)) refuse('files.kind', { kind });
  lossNamed(choices, loss);
  if (reduction !== 'mean') refuse('files.name', { key: 'reduction', name: reduction });
  checkLayers(made, choices, 'layers');
  const names = beginnings(made.map((own) => wholeLayer(own, choices)), choices).map(({ name }) => `${prefix}${name}`);
  const weights = names.map((name) => arrays[name] ?? refuse('files.no_array', { name }));
  const shapes = names.map((name) => entries[name].shape);
  return { inputs, layers: made, loss, l1, l2, weights, shapes };
};

const withInner = (layers) => layers.flatMap((own) => [own, ...withInner(own[1].layers ?? [])]);

// The row of a loss that a file names.
const lossNamed = (choices, loss) => {
  try {
    return lossOf(choices, loss);
  } catch {
    return refuse('files.name', { key: 'loss', name: String(loss).slice(0, 60) });
  }
};
