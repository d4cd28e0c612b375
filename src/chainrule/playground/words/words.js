// Sentences by their words, in the language that is chosen: a table of each language, whose entries
// have holes, "step {n}".

class Words {
  constructor(tables, language) {
    Object.assign(this, { tables, language });
  }

  // A sentence; one that a language lacks is English.
  say(word, holes = {}) {
    const sentence = this.tables[this.language]?.[word] ?? this.tables.en[word];
    if (sentence === undefined) throw new Error(`there is no sentence ${word}`);
    return sentence.replace(/\{(\w+)\}/g, (whole, name) => holes[name] ?? whole);
  }

  // All elements that say by `data-say` what they hold.
  fill(root) {
    for (const element of root.querySelectorAll('[data-say]')) element.textContent = this.say(element.dataset.say);
  }
}
