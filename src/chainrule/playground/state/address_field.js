// The state in the address: a link shows the same, and one that cannot be read is kept to be copied.

const LATER = 250; // ms after a change, so that a chain of them writes once

class AddressField {
  constructor({ state, field, say, open }) {
    Object.assign(this, { state, field, say, open, written: null, timer: 0 });
    Object.keys(START).forEach((path) => state.on(path, () => this.changed()));
    addEventListener('hashchange', () => { if (location.hash !== this.written) this.read(); });
    field.addEventListener('focus', () => field.select());
  }

  // The state of the address, where it holds one; else the sentence says why not.
  async read() {
    const { state, refused } = await stateOf(location.hash);
    if (refused) this.say(refused, location.href);
    else {
      this.written = location.hash;
      this.open(state);
    }
    return state;
  }

  changed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.write(), LATER);
  }

  async write() {
    const address = await addressOf(this.state.value);
    if (address.length > LONGEST) {
      this.say('address.long');
      return;
    }
    this.written = address;
    history.replaceState(history.state, '', address);
    this.field.value = location.href;
  }
}
