// The state in the address: a link shows the same, and one that cannot be read is kept to be copied. Where the
// state is too long for a link, the page can be saved in its place.

const LATER = 250; // ms after a change, so that a chain of them writes once

class AddressField {
  constructor({ state, field, save, say, open }) {
    Object.assign(this, { state, field, save, say, open, written: null, timer: 0 });
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
    const made = await addressOf(this.state.value);
    const isLong = made.length > LONGEST;
    this.written = isLong ? '' : made;
    history.replaceState(history.state, '', this.written || location.href.split('#')[0]);
    this.field.value = location.href;
    this.field.parentElement.hidden = isLong;
    this.save.hidden = !isLong;
  }
}
