// Points of the plane, |x| ≤ 6, drawn from a seed: of two classes, or of a quantity from −1 to 1.
//
//   place(own, share, u, v)   where a point of class `own` lies; the share goes from 0 to 1 through its class, and
//                             u and v are drawn from 0 to 1
//   value(x1, x2)             the quantity there

const PLANE_RANGE = 6;

const polar = (radius, angle) => [radius * Math.cos(angle), radius * Math.sin(angle)];

// A number between −5 and 5, and not within 0.3 of 0.
const offAxis = (u) => Math.sign(u - 0.5) * (0.3 + 4.7 * Math.abs(2 * u - 1));

const PLANE_SETS = {
  circles: { place: (own, share, u, v) => polar(own ? 2.5 * Math.sqrt(u) : 3.5 + 1.5 * u, 2 * Math.PI * v) },
  xor: {
    place: (own, share, u, v) => {
      const [x1, x2] = [offAxis(u), offAxis(v)];
      return [x1, x1 * x2 < 0 === Boolean(own) ? x2 : -x2];
    },
  },
  gaussians: { place: (own, share, u, v) => polar(Math.sqrt(-2 * Math.log(1 - u)), 2 * Math.PI * v).map((x) => x + (own ? 2 : -2)) },
  spiral: { place: (own, share) => polar(5 * share, 2 * Math.PI * (1.75 * share + own / 2)) },
  plane: { value: (x1, x2) => (x1 + x2) / 10 },
  sine: { value: (x1) => Math.sin(x1) },
};

// n points, alternately of one class and the other: { points (n, 2), labels (n,) } or { points, values (n,) }.
// Noise is the deviation of what is added to a quantity, and half of what moves points of classes.
const planePoints = ({ set, n, noise, seed }) => {
  const { place, value } = PLANE_SETS[set];
  const drawn = uniforms(seed, STREAMS.points, 0, 2 * n);
  const moved = normals(seed, STREAMS.noise, 0, 2 * n);
  const points = new Float64Array(2 * n);
  const [labels, values] = [new Int32Array(n), new Float64Array(n)];
  for (let k = 0; k < n; k += 1) {
    labels[k] = k % 2;
    const [u, v] = [drawn[2 * k], drawn[2 * k + 1]];
    const share = (Math.floor(k / 2) + 0.5) / Math.ceil(n / 2);
    const at = value ? [10 * u - 5, 10 * v - 5] : place(labels[k], share, u, v).map((x, j) => x + 2 * noise * moved[2 * k + j]);
    points.set(at, 2 * k);
    if (value) values[k] = value(...at) + noise * moved[2 * k];
  }
  return value ? { points, values } : { points, labels };
};
