// Fields of wings: numbers, choices, ticks. What does not fit is refused by a sentence below the field, stays
// in it, and nothing else has changed.

// An element; attributes that are functions listen, and those that are null are left out.
const node = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(name, value);
    else if (typeof value === 'boolean') made.toggleAttribute(name, value);
    else if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
};

let fieldsMade = 0;

// A field by its input: `label` and `hint` are functions that give texts in the language of the page, `get`
// gives the value that it shows, and `set` takes what is chosen, or refuses it. A long one has a row of its own.
class Field {
  constructor({ words, label, hint = () => '', long = false, get, set }, input) {
    Object.assign(this, { words, label, hint, get, set, input, refused: null });
    fieldsMade += 1;
    input.id = `field-${fieldsMade}`;
    this.wrong = node('p', { class: 'wrong', role: 'alert', id: `wrong-${fieldsMade}`, hidden: true });
    this.name = node('label', { for: input.id });
    this.root = node('div', { class: long ? 'field long' : 'field' }, this.name, input, this.wrong);
    input.setAttribute('aria-describedby', this.wrong.id);
    input.addEventListener('change', () => this.taken());
  }

  taken() {
    this.refused = null;
    try {
      this.set(this.value());
    } catch (error) {
      if (!error.word) throw error;
      this.refused = { error, shown: JSON.stringify(this.get()) };
    }
    this.show();
  }

  // A refusal stays until its field is changed, or what it shows is.
  show() {
    this.name.textContent = this.label();
    this.input.title = this.hint();
    if (this.refused && this.refused.shown !== JSON.stringify(this.get())) this.refused = null;
    if (this.refused) this.input.setAttribute('aria-invalid', 'true');
    else this.input.removeAttribute('aria-invalid');
    this.wrong.hidden = !this.refused;
    this.wrong.textContent = this.refused ? refusalSaid(this.words, this.refused.error) : '';
    if (!this.refused) this.write(this.get());
    return this;
  }
}

class NumberField extends Field {
  constructor(given) {
    super(given, node('input', { type: 'text', inputmode: 'decimal', autocomplete: 'off', spellcheck: 'false' }));
    this.bounds = given.bounds ?? {};
  }

  value() { return checkedNumber(this.label(), this.input.value, this.bounds); }

  write(number) { this.input.value = String(number ?? ''); }
}

// A number of a tensor, where `at` gives [tensor, place]: a few of its digits, and all while it is edited. What is
// typed is the number from the step on that the training is at.
class ParameterField extends NumberField {
  constructor({ run, at, ...given }) {
    super({
      ...given, get: () => run.frame?.tensors?.[at()[0]]?.[at()[1]], set: (value) => run.set(...at(), value),
    });
    this.input.addEventListener('focus', () => {
      run.pause();
      if (!this.refused) this.input.value = String(this.get());
      this.input.select(); // which the new text has undone: what is typed takes its place
    });
    this.input.addEventListener('blur', () => this.show());
  }

  write(number) {
    if (number === undefined || this.input === document.activeElement) return;
    this.input.value = figure(number).replace('−', '-');
    if (this.input.value.includes('×')) this.input.value = number.toExponential(3);
  }
}

// `options` gives [[value, text]].
class ChoiceField extends Field {
  constructor(given) {
    super(given, node('select'));
    this.options = given.options;
  }

  value() { return this.input.value; }

  show() {
    const options = this.options();
    const shown = JSON.stringify(options);
    if (shown !== this.shown) {
      const { value } = this.input;
      this.input.replaceChildren(...options.map(([own, text]) => new Option(text, own)));
      this.input.value = value;
      this.shown = shown;
    }
    return super.show();
  }

  write(value) { this.input.value = value; }
}

class TickField extends Field {
  constructor(given) {
    super(given, node('input', { type: 'checkbox' }));
    this.root.classList.add('tick');
    this.name.before(this.input);
  }

  value() { return this.input.checked; }

  write(value) { this.input.checked = Boolean(value); }
}

// A button that opens a file of the reader's, by the language of the page and not of the browser.
const fileButton = (word, accept, take) => {
  const input = node('input', { type: 'file', accept, hidden: true, change: async () => {
    if (input.files.length) await take(input.files[0]);
    input.value = ''; // so that the same can be chosen again
  } });
  return node('span', {}, node('button', { type: 'button', 'data-say': word, click: () => input.click() }), input);
};

// A section of the page comes to sight, and has the focus.
const goTo = (section) => {
  section.tabIndex = -1;
  section.scrollIntoView();
  section.focus({ preventScroll: true });
};

// What a field of choices.py is for, in the language of the page.
const fieldHelp = (words, kind, name) => {
  const word = [`field.${kind}.${name}`, `field.${name}`].find((each) => each in words.tables.en);
  return word ? words.say(word) : '';
};
