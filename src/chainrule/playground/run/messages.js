// What the page and its worker say to each other: plain data, each with its kind.
//
// The page asks, and each of its messages has an id; the answer has the same. What cannot be done is
// answered by `refused`, with the word of a sentence, and nothing has changed.
//
//   to the worker                                                       its answer
//   open    { modules: [of float32, of float64], as a page holds them } ready    {}
//   make    { id, program, run, rates, tensors, states, at, losses, edits,
//             data, test, plane }                                               made     { at }
//   steps   { count, ms, wants }                                        frame    { at, ... }
//   go      { step, wants }                                             frame    { at, ... }
//   set     { tensor, place, value, wants }                             frame    { at, ... }
//   change  { settings, wants }                                         frame    { at, ... }
//   example { wants }                                                   frame    { at, ... }
//   frame   { wants }                                                   frame    { at, ... }
//   stand   {}                                                          stands   { at, tensors, losses }
//   look    { id, rows, step }                                          looked   { at, tensors, values, losses, cost, gradients }
//
// `wants` are names of what a frame holds beside `at`: costs, tensors, plane, predicted, units.

const UNITS_APART = 2; // points of the plane, each way, that a unit's picture has one of

const ASKED = ['open', 'make', 'steps', 'go', 'set', 'change', 'example', 'frame', 'stand', 'look'];

// The page's side: ask(kind, what) is a promise of the answer.
class Asking {
  constructor(worker) {
    Object.assign(this, { worker, waiting: new Map(), last: 0 });
    worker.onmessage = ({ data }) => this.answered(data);
    worker.onerror = (event) => this.ended(event);
  }

  // Where a browser runs no worker, or ends it, nothing is answered any more.
  ended(event) {
    event.preventDefault();
    this.waiting.forEach(({ reject }) => reject(Object.assign(new Error(event.message), { word: 'browser.none', holes: { what: 'Worker' } })));
    this.waiting.clear();
  }

  ask(kind, what = {}, transferred = []) {
    if (!ASKED.includes(kind)) throw new Error(`a worker is asked for ${ASKED.join(', ')}, got ${kind}`);
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, kind, what }, transferred);
    });
  }

  answered({ id, kind, what }) {
    const { resolve, reject } = this.waiting.get(id);
    this.waiting.delete(id);
    if (kind === 'refused') reject(Object.assign(new Error(what.why), what));
    else resolve(what);
  }
}

// The worker's side: `doing` has a function for each kind, which returns [kind, what, transferred].
const answer = (scope, doing) => {
  scope.onmessage = async ({ data: { id, kind, what } }) => {
    try {
      const [own, made, transferred = []] = await doing[kind](what);
      scope.postMessage({ id, kind: own, what: made }, transferred);
    } catch (error) {
      const said = { word: error.word ?? 'run.refused', holes: error.holes ?? { why: error.message }, why: error.message };
      scope.postMessage({ id, kind: 'refused', what: said });
    }
  };
};
