// States, their addresses and their changes: node playground_state.js state.js address.js < given

const { readFileSync } = require('fs');

const scripts = process.argv.slice(2).map((name) => readFileSync(name, 'utf8')).join('\n');
const { State, addressOf, stateOf } = new Function(`'use strict';${scripts}\nreturn { State, addressOf, stateOf };`)();

// States after changes; the same read from their addresses, whole and cut; after all is taken back.
const made = async (changes) => {
  const state = new State();
  const heard = [];
  state.on('run', (_, path) => heard.push(path));
  changes.forEach(([path, value]) => state.change(path, value));
  const address = await addressOf(state.value);
  const cut = await Promise.all(Array.from(address, (_, end) => stateOf(address.slice(0, end))));
  const result = { value: JSON.parse(JSON.stringify(state.value)), address, read: await stateOf(address), heard: [...heard] };
  changes.forEach(() => state.undo());
  result.undone = JSON.parse(JSON.stringify(state.value));
  changes.forEach(() => state.redo());
  return { ...result, redone: state.value, cut: cut.slice(2).filter(({ refused }) => !refused).length };
};

const given = JSON.parse(readFileSync(0, 'utf8'));
Promise.all(given.changes.map(made)).then(async (states) => {
  const refused = await Promise.all(given.addresses.map(stateOf));
  process.stdout.write(JSON.stringify({ start: new State().value, states, refused }));
});
