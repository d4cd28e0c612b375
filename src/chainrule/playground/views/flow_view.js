// What signals and gradients do on their way through the layers: their sizes as bars, which units are dead or
// saturated, and in words what is wrong.

const FLOW_ROWS = 200; // examples that are looked at
const FLOW_EVERY = 400; // milliseconds, while training goes on, or ten times what a look takes

// A bar by the logarithm of a size: from a hundred thousandth to ten.
const barShare = (size) => (size > 0 ? Math.max(0.01, Math.min(1, (Math.log10(size) + 5) / 6)) : 0);

const flowTable = (words, layers) => {
  const bar = (size, kind) => {
    const own = node('span', { class: `bar ${kind}`, 'aria-hidden': 'true' });
    own.style.width = `${100 * barShare(size)}%`;
    return node('td', {}, node('span', { class: 'bars' }, own), figure(size, 3));
  };
  const percent = (part) => node('td', { class: 'number' }, part ? `${Math.round(100 * part)} %` : '–');
  const rows = layers.map((layer) => node('tr', {},
    node('th', { scope: 'row' }, `${layer.number + 1} ${layer.title}`),
    bar(layer.a, 'plus'), bar(layer.delta, 'minus'), bar(layer.gradient, 'minus'), percent(layer.dead), percent(layer.saturated)));
  const head = ['flow.layer', 'flow.activations', 'flow.deltas', 'flow.gradients', 'flow.dead', 'flow.saturated'];
  return node('table', {}, node('caption', {}, words.say('flow.caption')),
    node('thead', {}, node('tr', {}, ...head.map((word) => node('th', { scope: 'col' }, words.say(word))))), node('tbody', {}, ...rows));
};

const flowSentence = (words, { name, layer, numbers }) => {
  const holes = Object.fromEntries(Object.entries(numbers).map(([own, value]) => [own, own === 'share' ? `${Math.round(100 * value)} %` : figure(value, 2)]));
  return words.say(`flow.is_${name}`, { ...holes, layer: layer === null ? '' : layer + 1 });
};

const flowView = ({ run, words, known, root }) => {
  const sentences = node('ul', { class: 'findings', 'aria-live': 'polite' });
  const box = node('div', { class: 'table', tabindex: 0, role: 'region' });
  const factor = node('p', { class: 'note' });
  root.append(sentences, box, factor);
  let [lowered, rows, seen, next, asking, said] = [null, [], null, 0, false, {}];
  let visible = true;
  new IntersectionObserver(([entry]) => { visible = entry.isIntersecting; }).observe(root);

  const show = () => {
    if (!seen) return;
    const layers = seen.layers.map((layer) => ({ ...layer, title: lowered.told[layer.number][1].activation ?? layer.kind }));
    box.replaceChildren(flowTable(words, layers));
    box.ariaLabel = words.say('flow.caption');
    factor.textContent = words.say('flow.factor', { factor: figure(layers.reduce((all, { slope, weights }) => all * slope * weights, 1), 3) });
    const found = seen.found.map((own) => flowSentence(words, own));
    if (same(found, said.found) && words.language === said.language) return;
    said = { found, language: words.language };
    sentences.replaceChildren(...(found.length ? found : [words.say('flow.well')]).map((text) => node('li', { class: found.length ? 'found' : '' }, text)));
  };

  const measure = async (frame) => {
    if (asking || !lowered) return;
    asking = true;
    const [own, from] = [lowered, performance.now()];
    try {
      const looked = await run.look(rows, 0);
      if (!looked || own !== lowered) return;
      const layers = layerFlow(lowered, looked, frame.tensors, known.flow);
      seen = { layers, found: flowFindings(layers, looked.at.step, known.flow) };
      show();
    } catch (error) {
      if (!error.word) throw error;
    } finally {
      asking = false;
      const now = performance.now();
      next = now + Math.max(FLOW_EVERY, 10 * (now - from));
    }
  };

  run.on('made', ({ examples, told }) => {
    const parameters = Object.fromEntries(Object.entries(known.choices.activations).map(([name, row]) => [name, row.parameter]));
    lowered = { ...loweredLayers(new Lowering(known.patterns, parameters, true), { inputs: examples.inputs, layers: told.layers }), told: told.layers };
    rows = Array.from({ length: Math.min(FLOW_ROWS, examples.train.n) }, (_, k) => k);
    [seen, said] = [null, {}];
  });
  run.on('playing', (playing) => !playing && run.frame && measure(run.frame));

  const update = (frame) => {
    if (words.language !== said.language) show();
    if (!frame || (run.playing && (!visible || performance.now() < next))) return;
    measure(frame);
  };
  return { update };
};
