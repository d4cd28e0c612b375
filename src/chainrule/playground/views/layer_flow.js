// What one pass forward and back says of each layer, as layer_measures.py measures it.
//
//   a       what leaves a layer    delta   ∂C/∂z, for one example
//   da      ∂C/∂a                  dx      ∂C/∂x

// The root mean square of all entries of some arrays; 0 of none.
const sizeOf = (...arrays) => {
  let [sum, count, largest] = [0, 0, 0];
  for (const array of arrays) for (const own of array) largest = Math.max(largest, Math.abs(own));
  if (!(largest > 0 && largest < Infinity)) return largest;
  for (const array of arrays) {
    for (const own of array) sum += (own / largest) ** 2;
    count += array.length;
  }
  return largest * Math.sqrt(sum / count);
};

// 1 where both are 0, infinity where only the divisor is.
const ratioOf = (part, whole) => (whole ? part / whole : part ? Infinity : 1);

// Of each layer that makes units what `looked` of a pass shows; `tensors` are the parameters.
//
//   steepest   of each activation that is bounded its steepest slope
//   flat       a slope is flat below so large a share of it
const layerFlow = ({ values, layers }, { values: looked, gradients }, tensors, { steepest, flat }) => {
  const own = layers.map((layer, k) => ({ ...layer, number: k })).filter(({ units }) => units);
  const last = own.length - 1;
  return own.map((layer, k) => {
    const [out, entered] = [looked[layer.value], looked[layer.entered]];
    const op = layer.own.at(-1);
    const activates = op?.kind === 'activate' && op.output === layer.value;
    const widths = [values[layer.entered].width, layer.width].map(Math.sqrt);
    const reached = sizeOf(activates ? out.went : out.came);
    const leaves = Array.from({ length: (layers[layer.number + 1]?.tensor ?? tensors.length) - layer.tensor }, (_, t) => layer.tensor + t);
    const slopes = activates && op.activation !== 'softmax' ? out.slope : null;
    return {
      number: layer.number, kind: layer.kind, width: layer.width,
      a: sizeOf(out.a), delta: reached,
      gradient: sizeOf(...leaves.map((t) => gradients[t])), weight: sizeOf(...leaves.map((t) => tensors[t])),
      forward: ratioOf(sizeOf(out.a), sizeOf(entered.a)),
      slope: k < last && activates ? ratioOf(reached, sizeOf(out.came)) : 1,
      weights: k ? ratioOf(sizeOf(entered.came) * widths[0], reached * widths[1]) : 1,
      dead: slopes ? deadShare(slopes, layer.width) : 0,
      saturated: slopes && steepest[op.activation] ? shareWhere(slopes, (s) => Math.abs(s) < flat * steepest[op.activation]) : 0,
      duplicate: weighs(layer) ? duplicateShare(tensors[layer.tensor], tensors[layer.tensor + 1], layer.width) : 0,
    };
  });
};

const weighs = ({ own: [first] }) => first?.kind === 'affine' && first.tensors.length === 2;

const shareWhere = (array, holds) => {
  let count = 0;
  for (const own of array) if (holds(own)) count += 1;
  return count / (array.length || 1);
};

// Of units that have no slope for any example.
const deadShare = (slopes, width) => {
  const alive = new Set();
  slopes.forEach((slope, k) => slope && alive.add(k % width));
  return 1 - alive.size / width;
};

// Of units that have the weights and the bias of another, to three digits.
const duplicateShare = (W, b, units) => {
  if (units < 2) return 0;
  const scale = sizeOf(W, b) || 1;
  const inputs = W.length / units;
  const rows = Array.from({ length: units }, (_, j) => [...W.slice(j * inputs, (j + 1) * inputs), b[j]]);
  return 1 - new Set(rows.map((row) => row.map((own) => Math.round((1000 * own) / scale) + 0).join())).size / units;
};
