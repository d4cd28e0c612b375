// The state in the address: a link shows the same, and one that cannot be read is kept to be copied. Where the
// state is too long for a link, the page can be saved in its place.

const LATER = 250; // ms after a change, so that a chain of them writes once

class AddressField {
  constructor({ state, field, save, say, open }) {
    Object.assign(this, { state, field, save, say, open, written: location.hash, timer: 0, reading: 0 });
    Object.keys(START).forEach((path) => state.on(path, () => this.changed()));
    addEventListener('hashchange', () => { if (location.hash !== this.written) this.turned(); });
    field.addEventListener('focus', () => field.select());
  }

  // Opens the state of the address, where it holds one; else the sentence says why not, and all is as it was.
  async read(kept = 'address.start') {
    const { hash, href } = location;
    const own = ++this.reading;
    const { state, refused } = await this.readable(hash);
    if (own !== this.reading) return false;
    this.written = hash;
    this.say(refused && { word: kept, why: refused, address: href });
    if (refused) return false;
    await this.open(state);
    return true;
  }

  async readable(hash) {
    const read = await stateOf(hash);
    try {
      if (read.state) this.state.check(read.state);
      return read;
    } catch (error) {
      if (!error.word) throw error;
      return { refused: 'address.unknown' };
    }
  }

  // Another address while the page is open: what was changed last is in the one before, and what is refused does
  // not stay there, for the page would be lost with the next visit.
  async turned() {
    clearTimeout(this.timer);
    if (!(await this.read('address.stays'))) this.write();
  }

  changed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.write(), LATER);
  }

  // Where another address stands by now, it is read first.
  async write() {
    const made = await addressOf(this.state.value);
    if (location.hash !== this.written) return;
    const isLong = made.length > LONGEST;
    history.replaceState(history.state, '', isLong ? location.href.split('#')[0] : made);
    this.written = location.hash;
    this.field.value = location.href;
    this.field.parentElement.hidden = isLong;
    this.save.hidden = !isLong;
  }
}
