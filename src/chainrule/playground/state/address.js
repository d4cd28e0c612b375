// A state as the end of an address: version, what is not as at the start, deflated, and a checksum.
//
//   #1.q1YqUbJSUPJUqgUA.aZ09_-
//
// What was cut short or changed on its way is told by the checksum, and never half read. What programs for mail
// and chat put behind it, or write by its code within it, is no part of it.

const LONGEST = 8192; // signs: what programs for mail and chat let through

const passed = async (bytes, stream) =>
  new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());

const toText = (bytes) =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '');

const toBytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (sign) => sign.charCodeAt(0));

// FNV-1a of 32 bits, in six signs.
const checksum = (text) => {
  let sum = 0x811c9dc5;
  for (const sign of text) sum = Math.imul(sum ^ sign.charCodeAt(0), 0x01000193) >>> 0;
  return toText(new Uint8Array(new Uint32Array([sum]).buffer));
};

const addressOf = async (value) => {
  const text = new TextEncoder().encode(JSON.stringify(State.apart(value)));
  const body = `${VERSION}.${toText(await passed(text, new CompressionStream('deflate-raw')))}`;
  return `#${body}.${checksum(body)}`;
};

// { state }, or { refused: the word of a sentence } of an address that holds none.
const stateOf = async (address) => {
  const given = plainAddress(address);
  if (!given) return { state: State.with({}) };
  const [, version, body, sum] = /^(\d+)(?:\.([\w-]*)(?:\.([\w-]{6}))?)?/.exec(given) ?? [];
  if (!version) return { refused: 'address.unknown' };
  if (Number(version) > VERSION) return { refused: 'address.newer' };
  if (checksum(`${version}.${body}`) !== sum) return { refused: 'address.cut' };
  const text = await inflated(body);
  const value = text === null ? null : parsed(text);
  return isTable(value) ? { state: State.with(value) } : { refused: 'address.unknown' };
};

// What stands behind #: without blanks, and signs that were written by their codes as themselves.
const plainAddress = (address) => {
  try {
    return decodeURIComponent(address.slice(1)).replace(/\s/g, '');
  } catch {
    return address.slice(1); // a % that begins no code
  }
};

// Null of what was never deflated, as of what is no JSON.
const inflated = async (body) => {
  const stream = new DecompressionStream('deflate-raw');
  try {
    return new TextDecoder().decode(await passed(toBytes(body), stream));
  } catch (error) {
    if (error instanceof TypeError || error.name === 'InvalidCharacterError') return null;
    throw error;
  }
};

const parsed = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};
