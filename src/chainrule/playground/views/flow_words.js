// What is wrong with the flow, by the rules of network_rules.py: which sentence, of which layer, with which
// figures. The thresholds are Python's own.
//
//   rules   those of flow_rules.py

const productOf = (numbers) => numbers.reduce((all, own) => all * own, 1);

const flowFindings = (layers, step, rules) => {
  const [slopes, weights, signal] = ['slope', 'weights', 'forward'].map((name) => productOf(layers.map((layer) => layer[name])));
  const hidden = layers.slice(0, -1);
  const found = [];
  const note = (name, numbers, layer = null) => found.push({ name, layer, numbers });
  const finite = layers.every((layer) => [layer.a, layer.delta, layer.gradient].every(Number.isFinite));
  if (!finite) return [{ name: 'diverged', layer: null, numbers: {} }];
  for (const layer of hidden) {
    const distinct = Math.round((1 - layer.duplicate) * layer.width);
    if (layer.duplicate && distinct === 1) note('symmetry', { units: layer.width }, layer.number);
    else if (layer.duplicate && distinct <= layer.width * rules.most) note('duplicate_units', { distinct, units: layer.width }, layer.number);
  }
  for (const layer of layers) {
    if (layer.dead >= (step ? rules.dead_later : rules.dead)) note('dead_units', { share: layer.dead }, layer.number);
  }
  for (const layer of hidden) {
    if (layer.saturated >= (step ? rules.saturated_later : rules.saturated)) note('saturated_units', { share: layer.saturated }, layer.number);
  }
  const factors = { factor: slopes * weights, slopes, weights, signal };
  if (signal > rules.grown || slopes * weights > rules.grown) note('exploding', factors);
  else if (slopes * weights < rules.gradient_lost || signal < rules.lost) {
    note(signal < rules.lost || weights < slopes ? 'vanishing_weights' : 'vanishing_slopes', factors);
  }
  return found;
};
