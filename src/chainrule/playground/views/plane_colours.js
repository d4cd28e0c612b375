// What a network says of each point of a plane, as colours.
//
//   outputs   (n, width)     predictions, or what leaves a layer, row by row
//   share     0 to 1         how far a colour goes from that of the paper
//   ramps     (2 or more)    of each class its colours by share, as pixels of four bytes

const SHADES = 256;

const LOUD = { plane: 0.62, unit: 0.92 }; // of a colour: points stand out from the plane, and units have none

// #1f5f9e, or #fff as paper is.
const colourOf = (hex) => {
  const long = hex.length > 4 ? hex : hex.replace(/[^#]/g, '$&$&');
  return [1, 3, 5].map((k) => parseInt(long.slice(k, k + 2), 16));
};

const rampsOf = ({ paper, classes }, loudest) => {
  const from = colourOf(paper);
  return classes.map((hex) => {
    const to = colourOf(hex);
    return Uint32Array.from({ length: SHADES }, (_, k) => {
      const [red, green, blue] = from.map((part, c) => Math.round(part + (to[c] - part) * loudest * (k / (SHADES - 1))));
      return (255 << 24 | blue << 16 | green << 8 | red) >>> 0;
    });
  });
};

const shade = (ramp, share) => ramp[Math.round((SHADES - 1) * share)];

// What is shown of a prediction: a class and by how much it is ahead, or on which side of the middle a
// number lies and how far.
//
//   range     between what a prediction goes, of classes and of numbers
//   classed   whether each output is a class's
const shownOf = ({ range: [low, high], classed }, predicted) => {
  if (!classed || predicted.length === 1) return sided((2 * predicted[0] - low - high) / (high - low || 1));
  let [best, second] = [0, -Infinity];
  for (let k = 1; k < predicted.length; k += 1) {
    if (predicted[k] > predicted[best]) [best, second] = [k, predicted[best]];
    else second = Math.max(second, predicted[k]);
  }
  const ahead = (predicted[best] - second) / (high - low);
  return { class: best, share: ahead >= 0 ? Math.min(1, ahead) : 0 };
};

// Between what predictions of some examples go: for classes what stands for them, else the least and the
// greatest target.
const shownRange = ({ classes, signs, train: { y } }) => {
  if (classes) return { range: signs ?? [0, 1], classed: true };
  return { range: [y.reduce((a, b) => Math.min(a, b), Infinity), y.reduce((a, b) => Math.max(a, b), -Infinity)], classed: false };
};

// The class of each of some examples, which a loss may have as numbers.
const labelsOf = ({ n, labels, y }, { signs }) => {
  if (labels || !n) return labels ?? [];
  const width = y.length / n;
  return Int32Array.from({ length: n }, (_, k) => (width === 1 ? Number(y[k] === signs[1]) : y.subarray(k * width, (k + 1) * width).indexOf(signs[1])));
};

// Below 0 the first, above it the second.
const sided = (value) => ({ class: value < 0 ? 0 : 1, share: Number.isFinite(value) ? Math.min(1, Math.abs(value)) : 0 });

// Pixels of the predictions of a network, one for each point.
const planePixels = (shown, predicted, width, ramps, pixels) => {
  const one = Array(width);
  for (let k = 0; k < pixels.length; k += 1) {
    for (let j = 0; j < width; j += 1) one[j] = predicted[k * width + j];
    const own = shownOf(shown, one);
    pixels[k] = shade(ramps[own.class % ramps.length], own.share);
  }
  return pixels;
};

// Pixels of one unit: its numbers go from the paper, at 0, to a colour at the largest of the picture.
const unitPixels = (values, unit, width, [minus, plus], pixels) => {
  let largest = 0;
  for (let k = unit; k < values.length; k += width) {
    const size = Math.abs(values[k]);
    if (size > largest && size < Infinity) largest = size;
  }
  const scale = largest ? (SHADES - 1) / largest : 0;
  for (let k = 0, at = unit; k < pixels.length; k += 1, at += width) {
    const own = values[at];
    const size = Math.abs(own) * scale;
    pixels[k] = (own < 0 ? minus : plus)[size < SHADES ? Math.round(size) : 0];
  }
  return pixels;
};
