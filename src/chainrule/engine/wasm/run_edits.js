// What was done to a run by hand, by step: with it, each step can be made again.
//
//   [step, tensor, place, value]   a number typed before that step is made
//   [step]                         a step that the next example makes by itself
//   [step, settings]               rates, numbers of the optimizer, the batch or what is frozen were changed: what
//                                  held up to it

const editKind = ([, ...own]) => ['example', 'settings', null, 'typed'][own.length];

// Edits with one more at a step, or none: what was done behind it is no more, and what is set by now holds
// from there on.
const editsWith = (edits, step, what) => {
  const before = edits.filter((own) => own[0] < step || (own[0] === step && editKind(own) === 'typed'));
  const changed = edits.find((own) => own[0] >= step && editKind(own) === 'settings');
  return [...before, ...(changed ? [[step, changed[1]]] : []), ...(what ? [[step, ...what]] : [])];
};

// Edits with what held up to a step at which it was changed.
const editsChanged = (edits, step, before) => {
  const cut = editsWith(edits, step, null);
  const known = cut.some((own) => own[0] === step && editKind(own) === 'settings');
  return known ? cut : [...cut, [step, before]];
};

// What holds for the step behind one, of what is set by now.
const settingsOfStep = (edits, step, now) => edits.find((own) => own[0] > step && editKind(own) === 'settings')?.[1] ?? now;
