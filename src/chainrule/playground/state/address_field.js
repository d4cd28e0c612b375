// The state in the address: a link shows the same, and one that cannot be read is kept to be copied.

const LATER = 250; // ms after a change, so that a chain of them writes once

class AddressField {
  constructor({ state, field, say, open }) {
    Object.assign(this, { state, field, say, open, written: null, timer: 0 });
    Object.keys(START).forEach((path) => state.on(path, () => this.changed()));
    addEventListener('hashchange', () => { if (location.hash !== this.written) this.read(); });
    field.addEventListener('focus', () => field.select());
  }

  // Opens the state of the address, where it holds one; else the sentence says why not. What it holds may be
  // whole and yet nothing that this page can be in: then all is as it was.
  async read() {
    const { hash, href } = location;
    const { state, refused } = await stateOf(hash);
    if (refused) this.say(refused, href);
    else {
      const before = copy(this.state.value);
      try {
        this.written = hash;
        await this.open(state);
        return true;
      } catch {
        this.say('address.unknown', href);
        await this.open(before);
      }
    }
    return false;
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
