// What predictions come to beside what is true, for data that are no plane.
//
//   predicted   (n, outputs)   part   { n, labels | y }

const chosenClass = (predicted, k, width, middle) => {
  if (width === 1) return predicted[k] > middle ? 1 : 0;
  let best = 0;
  for (let j = 1; j < width; j += 1) if (predicted[k * width + j] > predicted[k * width + best]) best = j;
  return best;
};

// How often each class, a row, was told to be each, a column, and how many were told right.
const confusionOf = (predicted, labels, classes, width, [low, high]) => {
  const counts = Array.from({ length: classes }, () => Array(classes).fill(0));
  const told = Array.from({ length: predicted.length / width }, (_, k) => chosenClass(predicted, k, width, (low + high) / 2));
  told.forEach((own, k) => { counts[labels[k]][own] += 1; });
  const right = counts.reduce((sum, row, k) => sum + row[k], 0);
  return { counts, told, right, n: told.length };
};

// How far off numbers are: the mean of |p − y|, and which share of the variance of y is left over.
const distanceOf = (predicted, y) => {
  const n = predicted.length;
  const mean = predicted.reduce((sum, _, k) => sum + y[k], 0) / n;
  let [off, squares, variance] = [0, 0, 0];
  for (let k = 0; k < n; k += 1) {
    off += Math.abs(predicted[k] - y[k]);
    squares += (predicted[k] - y[k]) ** 2;
    variance += (y[k] - mean) ** 2;
  }
  return { off: off / n, left: variance ? squares / variance : NaN };
};
