// What can be made of the two coordinates of a point, and enter the network in their place or beside them.

const FEATURES = {
  x1: { symbol: 'x₁', of: (x1) => x1 },
  x2: { symbol: 'x₂', of: (x1, x2) => x2 },
};

// The inputs (n, features) of points (n, 2), row by row.
const planeInputs = (features, points) => {
  const rules = features.map((name) => FEATURES[name].of);
  return Float64Array.from({ length: (points.length / 2) * rules.length }, (_, k) => {
    const point = 2 * Math.floor(k / rules.length);
    return rules[k % rules.length](points[point], points[point + 1]);
  });
};
