// A lesson as a teacher writes it: a text of lines, refused by the number of the first that is none.
//
//   title: XOR needs a hidden layer        what it is called
//   data.set = xor                         what of the page's state it begins with
//   net.layers = dense 4 tanh, dense 2     layers: kind, units, activation
//   ---
//   Words, in lines as long as one likes.  a page; a blank line begins the next
//   do: run.numbers.learning_rate = 0.1    a button that changes the state
//   highlight: outcome                     a part of the page that is meant
//   ? What is the cost?                    a question, and its answer:
//   = cost ± 0.01 at step 100                a figure of the run, or a number
//   ( ) a wrong answer                       one of several
//   (x) the right one
//   > cost < 0.1 and step > 99               something to be reached
//
//   made   { title, changes: [[path, value]], pages: [[part]] }
//   part   { text } | { changes, said } | { meant } | { question, answer }
//   answer { figure | number, within, share, step } | { choices: [{ text, right }] } | { reach: [[figure, sign, figure]] }

const LESSON_PARTS = ['data', 'net', 'run', 'seen'];

const LESSON_FIGURES = [
  'cost', 'test_cost', 'step', 'epoch', 'weight', 'bias', 'moved', 'activation', 'delta', 'gradient', 'factor', 'dead', 'saturated', 'distinct',
];

// What can be meant: the sections of the page.
const LESSON_SECTIONS = ['data', 'network', 'units', 'hyper', 'outcome', 'course', 'working', 'flow', 'weights', 'files', 'training'];

class LessonText {
  // `check` gets changes of the state, [[path, value]] at a time, and refuses those that the page cannot take.
  static read(text, check = () => {}) { return new LessonText(text, check).lesson(); }

  constructor(text, check) {
    this.check = check;
    this.lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
    this.at = 0;
  }

  refuse(word, holes = {}) {
    return refuse(word, { line: this.at + 1, text: (this.lines[this.at] ?? '').trim().slice(0, 60), ...holes });
  }

  lesson() {
    const { title, changes } = this.head();
    this.taken(changes);
    const pages = [[]];
    for (this.at += 1; this.at < this.lines.length; this.at += 1) {
      const line = this.lines[this.at].trim();
      if (line) this.part(line, pages.at(-1));
      else if (pages.at(-1).length) pages.push([]);
    }
    if (!pages.at(-1).length) pages.pop();
    const open = pages.flat().find((part) => part.question && !part.answer);
    if (open) refuse('lessons.no_answer', { line: open.line, text: open.question.slice(0, 60) });
    if (!pages.length) this.refuse('lessons.no_pages');
    return { title, changes: changes.map(({ change }) => change), pages };
  }

  // What is refused alone may be well with what stands behind it, as the numbers of another optimizer.
  taken(changes) {
    const refused = [];
    const take = (all, line) => {
      try {
        this.check(all);
      } catch (error) {
        if (!error.word) throw error;
        refused.push({ line, error, all });
      }
    };
    changes.forEach(({ line, change }) => take([change], line));
    const [first, ...others] = refused.splice(0);
    if (first) take([first, ...others].flatMap(({ all }) => all), first.line);
    if (refused.length) throw Object.assign(refused[0].error, { line: first.line });
  }

  head() {
    let title = null;
    const changes = [];
    for (; this.at < this.lines.length && this.lines[this.at].trim() !== '---'; this.at += 1) {
      const line = this.lines[this.at].trim();
      if (!line || line.startsWith('#')) continue;
      const named = /^title:\s*(.+)$/.exec(line);
      if (named) [, title] = named;
      else changes.push({ line: this.at + 1, change: this.change(line) });
    }
    if (title === null || this.at === this.lines.length) this.refuse(title === null ? 'lessons.no_title' : 'lessons.no_pages');
    return { title, changes };
  }

  change(line) {
    const [, path, text] = /^([\w.]+)\s*=\s*(.+)$/.exec(line) ?? this.refuse('lessons.no_change');
    if (!LESSON_PARTS.includes(path.split('.')[0])) this.refuse('lessons.no_path', { path });
    return [path, path === 'net.layers' && !text.startsWith('[') ? this.layers(text) : this.value(text)];
  }

  // dense 4 tanh, dropout 0.5: the kind, a number, and an activation, as far as it has them.
  layers(text) {
    return text.split(',').map((own) => {
      const [kind, ...options] = own.trim().split(/\s+/);
      const made = {};
      for (const option of options) {
        const number = Number(option);
        if (!Number.isFinite(number)) made.activation = option;
        else if (Number.isInteger(number)) made.units = number;
        else made.rate = number;
      }
      return [kind, made];
    });
  }

  // A number, text, list or table as JSON has it; a word by itself is a text.
  value(text) {
    try {
      return JSON.parse(text);
    } catch {
      return /^[\w-]+$/.test(text) ? text : this.refuse('lessons.no_change');
    }
  }

  part(line, page) {
    const last = page.at(-1);
    if (line.startsWith('#')) return;
    if (line.startsWith('do:')) {
      const changes = line.slice(3).split(';').map((own) => this.change(own.trim()));
      this.taken(changes.map((change) => ({ line: this.at + 1, change })));
      page.push({ changes, said: line.slice(3).trim() });
    }
    else if (line.startsWith('highlight:')) page.push({ meant: this.section(line.slice(10).trim()) });
    else if (line.startsWith('?')) page.push({ question: line.slice(1).trim() || this.refuse('lessons.no_question'), line: this.at + 1 });
    else if (/^([=>]|\((x| )\))/.test(line)) {
      if (!last?.question) this.refuse('lessons.no_question');
      this.answer(line, last);
    } else if (last?.text !== undefined) last.text += ` ${line}`;
    else page.push({ text: line });
  }

  section(name) {
    return LESSON_SECTIONS.includes(name) ? name : this.refuse('lessons.no_part', { known: LESSON_SECTIONS.join(', ') });
  }

  answer(line, part) {
    const choice = /^\((x| )\)\s*(.+)$/.exec(line);
    if (part.answer && !(choice && part.answer.choices)) this.refuse('lessons.two_answers');
    if (choice) (part.answer ??= { choices: [] }).choices.push({ right: choice[1] === 'x', text: choice[2] });
    else part.answer = line.startsWith('=') ? this.figureAnswer(line.slice(1)) : { reach: line.slice(1).split(/\band\b/).map((own) => this.condition(own)) };
  }

  // cost ± 0.01 at step 100;  0.39 ± 5 %
  figureAnswer(text) {
    const [, figure, within, percent, step] = /^(.+?)\s*(?:±|\+-)\s*([\d.e-]+)\s*(%)?(?:\s+at step (\d+))?$/.exec(text.trim()) ?? this.refuse('lessons.no_figure');
    const size = Number(within);
    if (!Number.isFinite(size)) this.refuse('lessons.no_figure');
    return { figure: this.figure(figure), within: percent ? 0 : size, share: percent ? size / 100 : 0, step: step === undefined ? null : Number(step) };
  }

  condition(text) {
    const [, left, sign, right] = /^(.+?)\s*(<=|>=|<|>|=)\s*(.+)$/.exec(text.trim()) ?? this.refuse('lessons.no_condition');
    return [this.figure(left), sign, this.figure(right)];
  }

  // 0.5, cost, weight w5, 2 * cost
  figure(text) {
    const [, times, name, of] = /^(?:([\d.e+-]+)\s*\*\s*)?([a-z_]+)(?:\s+(\w+))?$/.exec(text.trim()) ?? [];
    if (LESSON_FIGURES.includes(name)) return { name, of: of ?? null, times: times === undefined ? 1 : Number(times) };
    const number = Number(text.trim());
    return text.trim() && Number.isFinite(number) ? { number } : this.refuse('lessons.no_figure');
  }
}

// The words of a lesson in another language: line by line those that stand in place of the English ones.
const translatedLesson = (english, lines) => {
  const others = lines.split('\n').filter((line) => line.trim());
  let begun = false;
  return english.split('\n').map((line) => {
    if (line.trim() === '---') begun = true;
    const [marker] = (begun ? /^(\?\s*|\((x| )\)\s*)?(?!do:|highlight:|[=>#?(]|---|\s*$)/ : /^title:\s*/).exec(line) ?? [null];
    return marker === null ? line : marker + (others.shift() ?? refuse('lessons.no_pages'));
  }).join('\n');
};
