// Sentences by their words, in the language that is chosen: a table of each language, whose entries
// have holes, "step {n}", and what is said of one or of several, "{n:row|rows}". Phrases of Python's lines
// are found by what they are in English.

const SAID = { say: 'textContent', label: 'ariaLabel', hint: 'title' };

class Words {
  constructor(tables, language) {
    Object.assign(this, { tables, language, phrases: {} });
  }

  // The language of a reader, as far as there is a table of it.
  static suits(tables, asked) {
    return asked.map((each) => each.split('-')[0]).find((each) => each in tables) ?? 'en';
  }

  // A sentence; one that a language lacks is English.
  say(word, holes = {}) {
    const sentence = this.tables[this.language]?.[word] ?? this.tables.en[word];
    if (sentence === undefined) throw new Error(`there is no sentence ${word}`);
    return sentence
      .replace(/\{(\w+):([^|{}]*)\|([^|{}]*)\}/g, (_, name, one, several) => (String(holes[name]) === '1' ? one : several))
      .replace(/\{(\w+)\}/g, (whole, name) => holes[name] ?? whole);
  }

  // A phrase of a line, "all {}", with what stands in its holes; what is no phrase, as a name, stays.
  phrase(text, ...holes) { return holes.reduce((said, hole) => said.replace('{}', hole), this.phrases[this.language]?.[text] ?? text); }

  // All elements that say by `data-say` what they hold, by `data-label` what they are called, and by
  // `data-hint` what they are for.
  fill(root) {
    for (const [name, property] of Object.entries(SAID)) {
      root.querySelectorAll(`[data-${name}]`).forEach((element) => { element[property] = this.say(element.dataset[name]); });
    }
  }
}

// A wing that is shown anew once sentences are of another language.
const ofLanguage = (words, show) => {
  let { language } = words;
  return {
    update() {
      if (words.language !== language) show();
      ({ language } = words);
    },
  };
};
