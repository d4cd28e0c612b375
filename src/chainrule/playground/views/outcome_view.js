// What comes of it: the plane, or what is said of examples that are none.

const outcomeView = ({ state, run, words, root }) => {
  const key = node('p', { class: 'key' }, node('span', { class: 'dot' }), node('span', { 'data-say': 'views.training' }), node('span', { class: 'box' }), node('span', { 'data-say': 'views.test' }));
  const [planeBox, otherBox] = [node('div', { class: 'drawing' }), node('div', { class: 'drawing' })];
  root.append(key, planeBox, otherBox);
  const colours = new PageColours(() => again());
  const plane = new PlaneDrawing(planeBox, colours);
  const other = new PredictionDrawing(otherBox, words, colours);
  const beside = new TableBeside(root, run, () => run.frame?.plane && planeTable(words, shown, run.frame.plane));
  const saved = pictureButtons('prediction', run, () => drawing());
  root.append(saved);
  const wants = {}; // what each frame is to hold
  run.want(wants);
  let shown = null;

  const drawing = () => (shown?.examples.plane ? plane : other);
  const again = () => {
    plane.drawPoints();
    drawing().draw(run.frame);
  };

  run.on('looked', (own) => {
    plane.looked = own;
    drawing().draw(run.frame);
  });

  atWidth(root, (width) => [plane, other].forEach((own) => own.resized(width)));

  run.on('made', ({ examples, told }) => {
    const range = shownRange(examples);
    const labels = examples.classes && { train: labelsOf(examples.train, examples), test: labelsOf(examples.test, examples) };
    shown = { examples, told, labels, shown: range, picture: state.value.data.set === 'digits' ? [8, 8] : null };
    const flat = Boolean(examples.plane);
    wants.plane = flat;
    wants.predicted = !flat;
    planeBox.hidden = key.hidden = beside.details.hidden = !flat;
    otherBox.hidden = flat;
    saved.hidden = !flat && Boolean(labels);
    key.querySelectorAll('.box, [data-say="views.test"]').forEach((own) => { own.hidden = !examples.test.n; });
    drawing().renewed(shown);
  });

  const update = (frame) => {
    if (!shown) return;
    drawing().draw(frame);
    if (run.playing || !frame) return;
    if (shown.examples.plane) plane.canvas.ariaLabel = words.say('outcome.said', { n: whole(shown.examples.train.n), test: whole(shown.examples.test.n) });
    beside.update();
  };
  return { update };
};
