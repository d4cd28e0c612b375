// What the slider and the fields do: rounds of training, and changes of a number.

const WORK = 5e7; // multiplications that may be done without being asked for

const trained = () => {
  if (training || !page.update?.rounds) return training;
  training = new Training(new Net(engine, page), start, page.update.rounds);
  training.progress = chart;
  return training;
};

const go = (round) => soon(() => goTo(round));

const goTo = (round) => {
  Object.assign(state, { wanted: round });
  delete document.documentElement.dataset.round;
  showRound(round);
  trained().reach(round, (tensors) => {
    if (state.wanted !== round) return;
    Object.assign(state, { tensors, round });
    refresh();
  });
};

const showRound = (round) => {
  const { rounds } = page.update;
  $('slider').value = 1000 * shareOf(round, rounds);
  $('slider').setAttribute('aria-valuetext', `round ${round} of ${rounds}`);
  if ($('round') !== document.activeElement) $('round').value = round;
};

let drawn = 0;
const chart = () => {
  if (!page.update?.rounds) return;
  const finished = !training?.waiting.length;
  if (!finished && performance.now() - drawn < 100) return;
  drawn = performance.now();
  if (training) curve.draw(training, state.round, $('curve').clientWidth);
  else $('curve').replaceChildren(el('p', {}, 'Move the slider, and the rounds are worked out.'));
  $('cost').textContent = text(values.of(page.letters.C));
};

const restart = () => {
  training?.stop();
  training = undefined;
  if (page.update?.rounds && page.engine.program.work / 6 * page.data.n * page.update.rounds < WORK) {
    setTimeout(() => trained().reach(page.update.rounds, chart));
  }
};

const flat = { x: ['X', 0], y: ['y', 1] };

const changed = (kind, { layer, unit, source, text }, number) => {
  if (kind === 'rate') return { ...start, rate: number };
  if (kind === 'x' || kind === 'y') {
    const own = start[flat[kind][0]].slice();
    const width = kind === 'x' ? page.widths[0] : page.widths.at(-1);
    const at = state.row * width;
    const head = kind === 'y' && page.headOf(unit);
    if (head?.target === 'class') own.fill(0, at + head.first, at + head.end);
    own[at + unit] = number;
    return { ...start, [flat[kind][0]]: own };
  }
  const tensors = copied(start.tensors); // a training that begins here has the states that it began with
  tensors.forEach((own, k) => own.array.set(state.tensors[k].array));
  const own = values.entry({ kind, layer, unit, source, text });
  const tied = net.ties.find((group) => group.some((each) => String(each) === String(own)));
  for (const [tensor, at] of tied ?? [own]) tensors[tensor].array[at] = number;
  return { ...start, tensors };
};

// What is no finite number with these: the cost, a unit, a derivative or an update.
const notFinite = (now) => {
  if (!Number.isFinite(net.run(now.tensors, now.X, now.y))) return 'the cost';
  const { infinite } = net;
  if (infinite) return `unit ${page.unitOf(infinite.layer, infinite.unit)}`.trim();
  if (!net.hasFiniteSlopes) return 'a derivative of the cost';
  const then = new Values(page, net, { ...state, ...now });
  return subjects.every(({ id }) => Number.isFinite(then.updated(id) ?? 0)) ? undefined : 'an update';
};

// Why an input cannot be so: another level, or another bin, has other formulas than the page.
const outside = (kind, { unit }, number) => {
  const [low, high] = (kind === 'x' && page.bounds[unit]?.[state.row]) || [];
  if (number >= (low ?? -Infinity) && number < (high ?? Infinity)) return '';
  const hold = [low === null ? '' : `from ${text(low)}`, high === null ? '' : `to below ${text(high)}`].filter(Boolean).join(' ');
  return `has other formulas than those of this page, which hold ${hold}`;
};

// Make a change, or return why not. A new weight is one that the training starts from.
const edit = (kind, place, number, name) => {
  const other = outside(kind, place, number);
  if (other) return `${name} = ${number} ${other}; nothing is changed`;
  const next = changed(kind, place, number);
  const weights = Boolean(WORDS[kind]);
  const now = { ...next, tensors: weights ? next.tensors : state.tensors, round: weights ? 0 : state.round };
  const unknown = notFinite(now);
  if (unknown) {
    net.run(state.tensors, state.X, state.y);
    return `with ${name} = ${number} ${unknown} is not finite; nothing is changed`;
  }
  const { round } = now;
  start = next;
  Object.assign(state, now);
  restart();
  if (page.update?.rounds) showRound(round);
  refresh();
  if (round) go(round);
  say(`${name} is now ${number}`);
  $('reset').disabled = false;
  return undefined;
};

const reset = () => {
  start = given();
  Object.assign(state, start, { round: 0 });
  document.querySelectorAll('[aria-invalid]').forEach((input) => complain(input, ''));
  restart();
  if (page.update) $('rate').show(start.rate);
  if (page.update?.rounds) showRound(0);
  refresh();
  $('reset').disabled = true;
  say('everything is as it was');
};
