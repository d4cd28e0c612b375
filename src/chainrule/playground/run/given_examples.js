// Examples that came with the page or with a file, as they stand: the set `given`, beside those that the page
// makes. `known.given` holds them.

const withGiven = (known, examplesOf) => (data, loss) => {
  if (data.set !== 'given') return examplesOf(data, loss);
  const { n, inputs, outputs, names, X, labels, y, said = [], scale = [] } = known.given ?? refuse('run.no_examples');
  const targets = labels ? { labels: Int32Array.from(labels) } : { y: Float64Array.from(y) };
  return {
    inputs, outputs, names, classes: labels ? names.outputs : null, signs: null, scale, said,
    train: { n, rows: Int32Array.from({ length: n }, (_, k) => k), X: Float64Array.from(X), ...targets },
    test: { n: 0 }, plane: null,
  };
};
