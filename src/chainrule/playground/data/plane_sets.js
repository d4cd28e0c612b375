// Points of the plane, |x| ≤ 6, of two classes, drawn from a seed.
//
//   point(class, t, u, v)   where a point lies; t goes from 0 to 1 through the points of its class, and
//                           u and v are drawn from 0 to 1

const PLANE_RANGE = 6;

const polar = (radius, angle) => [radius * Math.cos(angle), radius * Math.sin(angle)];

const PLANE_SETS = {
  circles: { point: (own, t, u, v) => polar(own ? 3.5 + 1.5 * u : 2.5 * Math.sqrt(u), 2 * Math.PI * v) },
  spiral: { point: (own, t) => polar(5 * t, 2 * Math.PI * (1.75 * t + own / 2)) },
};

// n points, alternately of the first class and the second: { points (n, 2), labels }. Noise moves them by a
// normal number of deviation 2·noise.
const planePoints = ({ set, n, noise, seed }) => {
  const drawn = uniforms(seed, STREAMS.points, 0, 2 * n);
  const moved = normals(seed, STREAMS.noise, 0, 2 * n);
  const points = new Float64Array(2 * n);
  for (let k = 0; k < n; k += 1) {
    const at = PLANE_SETS[set].point(k % 2, ((k >> 1) + 0.5) / Math.ceil(n / 2), drawn[2 * k], drawn[2 * k + 1]);
    points.set(at.map((x, j) => x + 2 * noise * moved[2 * k + j]), 2 * k);
  }
  return { points, labels: Int32Array.from({ length: n }, (_, k) => k % 2) };
};
