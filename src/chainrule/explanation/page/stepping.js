// Stepping through the derivation, by button, by key or by itself.

const step = () => {
  derivation.show(state.stage);
  const stage = derivation.stages[state.stage];
  const count = derivation.stages.length;
  $('place').textContent = stage ? `step ${state.stage + 1} of ${count}` : `${count} steps`;
  const unit = stage && (drawing.items.get(stage.own)?.getAttribute('aria-label') ?? '').split(',')[0];
  const shown = stage ? stage.said.slice(-3).join(',  ') : '';
  if (stage) say(`${stage.title}${unit ? ` · ${unit}` : ''}: ${shown}`);
  $('first').disabled = $('back').disabled = !stage;
  $('next').disabled = $('last').disabled = state.stage === count - 1;
  light();
};

const move = (to) => {
  const last = derivation.stages.length - 1;
  state.stage = to < 0 ? undefined : Math.min(to, last);
  if (state.stage === undefined) say('');
  if (state.stage === last) pause();
  step();
};

const forth = () => move((state.stage ?? -1) + 1);
const back = () => move((state.stage ?? 0) - 1);

const pause = () => {
  clearInterval(playing);
  playing = undefined;
  $('play').setAttribute('aria-label', 'play');
  $('play').dataset.playing = '';
};

const play = () => {
  if (playing) return pause();
  if (state.stage === derivation.stages.length - 1) state.stage = undefined;
  forth();
  playing = setInterval(forth, 1400);
  $('play').setAttribute('aria-label', 'pause');
  $('play').dataset.playing = 'yes';
  return undefined;
};
