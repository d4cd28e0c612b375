// What can be made of the two coordinates of a point, and enter the network in their place or beside them.

const FEATURES = {
  x1: { symbol: 'x₁', of: (x1) => x1 },
  x2: { symbol: 'x₂', of: (x1, x2) => x2 },
  x1_squared: { symbol: 'x₁²', of: (x1) => x1 * x1 },
  x2_squared: { symbol: 'x₂²', of: (x1, x2) => x2 * x2 },
  x1_x2: { symbol: 'x₁x₂', of: (x1, x2) => x1 * x2 },
  sin_x1: { symbol: 'sin x₁', of: (x1) => Math.sin(x1) },
  sin_x2: { symbol: 'sin x₂', of: (x1, x2) => Math.sin(x2) },
};

// The inputs (n, features) of points (n, 2), row by row.
const planeInputs = (features, points) => {
  const rules = features.map((name) => FEATURES[name].of);
  const X = new Float64Array((points.length / 2) * rules.length);
  for (let k = 0, place = 0; k < points.length; k += 2) {
    for (const rule of rules) {
      X[place] = rule(points[k], points[k + 1]);
      place += 1;
    }
  }
  return X;
};
