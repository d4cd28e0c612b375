// What starts and ends the training, and where it stands, in figures.

const trainingBar = ({ state, run, words, root }) => {
  const at = (name) => root.querySelector(`[name=${name}]`);
  const [play, speed, said] = [at('play'), at('speed'), root.querySelector('.said')];
  const press = (name, act) => at(name).addEventListener('click', act);

  press('play', () => (run.playing ? run.pause() : run.play()));
  press('example', () => run.example());
  press('step', () => run.steps(1));
  press('epoch', () => run.wholeEpoch());
  press('reset', () => run.reset());
  speed.addEventListener('change', () => state.change('seen.speed', speed.value ? Number(speed.value) : null));

  const show = (name, text) => { at(name).textContent = text; };

  const update = (frame) => {
    play.dataset.label = run.playing ? 'training.pause' : 'training.play';
    play.dataset.playing = run.playing;
    play.ariaLabel = words.say(play.dataset.label);
    speed.value = state.value.seen.speed ?? '';
    const { costs } = frame ?? {};
    if (!costs) return;
    show('at_step', whole(frame.at.step));
    show('at_epoch', whole(frame.at.epoch));
    show('cost', figure(costs.training));
    show('test_cost', figure(costs.test));
    at('test_cost').parentElement.hidden = costs.test === null;
    if (run.playing) return;
    const holes = { step: whole(frame.at.step), cost: figure(costs.training), test: figure(costs.test) };
    said.textContent = words.say(costs.test === null ? 'training.stands' : 'training.stands_test', holes);
  };

  run.on('playing', () => update(run.frame));
  run.on('frame', update);
  return { update };
};
