// The examples of a state, in training and held out, as the engine and the views take them.

// Which rows train and which are held out, from the seed alone; one row trains at least.
const partedRows = (n, { test, seed }) => {
  const order = shuffledNumbers(n, seed, 1, STREAMS.heldOut);
  const count = Math.min(n - 1, Math.round(test * n));
  return { test: order.slice(0, count).sort(), train: order.slice(count).sort() };
};

// `loss` is its row in choices.py.
const examplesOf = (data, loss) => {
  const { points, labels } = planePoints(data);
  const parts = partedRows(data.n, data);
  const X = planeInputs(data.features, points);
  const inputs = data.features.length;
  const of = (rows) => ({ n: rows.length, rows, X: Float64Array.from([...rows].flatMap((k) => [...X.subarray(k * inputs, (k + 1) * inputs)])), labels: rows.map((k) => labels[k]) });
  const pointsOf = (rows) => Float64Array.from([...rows].flatMap((k) => [points[2 * k], points[2 * k + 1]]));
  return {
    inputs, outputs: 2, classes: ['0', '1'], train: of(parts.train), test: of(parts.test),
    plane: { range: PLANE_RANGE, train: pointsOf(parts.train), test: pointsOf(parts.test) },
  };
};
