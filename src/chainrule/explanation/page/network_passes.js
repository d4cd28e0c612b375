// Forward and backward, over arrays.
//
//   widths   of the inputs and of each dense layer       n   examples
//   x[l]     (n, i) what enters layer l; x[0] are the inputs, x[layers] the outputs
//   z[l], slope[l], delta[l]   (n, o)       dx[l]   (n, i) ∂C/∂x[l]
//   W[l]     (o, i)       b[l]   (o,)       share, y, p, logs (ln p)   (n, outputs)

const decode = (text) => {
  const [kind, code] = text.split(':');
  const { buffer } = Uint8Array.from(atob(code), (sign) => sign.charCodeAt(0));
  return kind === 'f8' ? new Float64Array(buffer) : Float64Array.from(new Float32Array(buffer));
};

// A form of one activation as a function of z and a.
const activationRule = ({ lets, tree }) => {
  const slots = new Map([['z', 0], ['a', 1], ...lets.map(([name], k) => [name, k + 2])]);
  const leaf = ([, name, value]) => {
    const slot = slots.get(name);
    return slot === undefined ? () => value : (e) => e[slot];
  };
  const parts = lets.map(([, part]) => compile(part, leaf));
  const whole = compile(tree, leaf);
  const e = new Float64Array(slots.size);
  return (z, a) => {
    e[0] = z;
    e[1] = a;
    for (let k = 0; k < parts.length; k++) e[k + 2] = parts[k](e);
    return whole(e);
  };
};

const lossRule = (tree) => {
  const slots = { a: 0, y: 1, p: 2, 'ln p': 3 };
  const e = new Float64Array(4);
  const whole = compile(tree, ([, name]) => () => e[slots[name]]);
  return (...given) => {
    given.forEach((value, k) => { e[k] = value; });
    return whole(e);
  };
};

const copyParams = (params) => params.map((layer) => layer.map((part) => part.slice()));

class Net {
  constructor({ widths, activations, heads, l1, l2, data, weight }) {
    Object.assign(this, { widths, l1, l2, n: data.n, layers: widths.length - 1 });
    this.rules = activations.map((row) => [activationRule(row.value), activationRule(row.slope)]);
    const rules = ({ forms }) => forms.map((form) => [lossRule(form.value), lossRule(form.slope)]);
    this.heads = heads.map((head) => ({ ...head, rules: rules(head) }));
    const each = (k) => new Float64Array(this.n * widths[k]);
    this.x = widths.map((_, k) => each(k));
    this.dx = widths.map((_, k) => each(k));
    [this.z, this.slope, this.delta] = [0, 0, 0].map(() => widths.slice(1).map((_, k) => each(k + 1)));
    this.share = each(this.layers);
    [this.p, this.logs] = [0, 0].map(() => each(this.layers));
    this.t = each(this.layers);
    this.costs = new Float64Array(this.n);
    this.gradients = widths.slice(1).map((o, k) => [new Float64Array(o * widths[k]), new Float64Array(o)]);
    this.weights = data.w ? decode(data.w) : new Float64Array(this.n).fill(1);
    this.weight = weight ?? this.weights.reduce((sum, w) => sum + w, 0);
  }

  // Work everything out: the cost is returned, the rest stays in the arrays.
  run(params, X, y) {
    this.length = undefined;
    this.x[0].set(X);
    for (let l = 0; l < this.layers; l++) this.forward(l, params[l]);
    this.output(y);
    for (let l = this.layers - 1; l >= 0; l--) this.backward(l, params[l]);
    this.penalise(params);
    return this.cost;
  }

  forward(l, [W, b]) {
    const [x, z, a, slope, [f, df]] = [this.x[l], this.z[l], this.x[l + 1], this.slope[l], this.rules[l]];
    const [i, o] = [this.widths[l], this.widths[l + 1]];
    for (let row = 0; row < this.n; row++) {
      for (let j = 0; j < o; j++) {
        let sum = 0;
        for (let k = 0; k < i; k++) sum += W[j * i + k] * x[row * i + k];
        const at = row * o + j;
        z[at] = sum + b[j];
        a[at] = f(z[at], 0);
        slope[at] = df(z[at], a[at]);
      }
    }
  }

  // The loss, and ∂C/∂a of the outputs.
  output(y) {
    const o = this.widths[this.layers];
    this.mean = 0;
    for (let row = 0; row < this.n; row++) {
      this.costs[row] = this.heads.reduce((sum, head) => sum + this.ofHead(head, row * o, y), 0);
      this.mean += this.weights[row] * this.costs[row] / this.weight;
    }
  }

  // The loss of one head's outputs in the row that begins at `start`.
  ofHead({ first, end, softmax, sigmoid, smoothing, rules }, start, y) {
    const [a, da] = [this.x[this.layers], this.dx[this.layers]];
    if (softmax) this.softmax(start + first, start + end);
    let loss = 0;
    for (let j = first; j < end; j++) {
      const at = start + j;
      if (sigmoid) this.p[at] = FUNCTIONS.σ(a[at]);
      const t = softmax && smoothing ? (1 - smoothing) * y[at] + smoothing / (end - first) : y[at];
      const given = [a[at], t, this.p[at], this.logs[at]];
      const [value, slope] = rules[(j - first) % rules.length];
      this.t[at] = t;
      this.share[at] = softmax && !t ? 0 : value(...given);
      da[at] = slope(...given);
      loss += this.share[at];
    }
    return loss;
  }

  softmax(from, to) {
    const own = this.x[this.layers].subarray(from, to);
    const largest = Math.max(...own);
    const powers = Array.from(own, (v) => Math.exp(v - largest));
    const sum = powers.reduce((s, v) => s + v, 0);
    powers.forEach((v, j) => {
      this.p[from + j] = v / sum;
      this.logs[from + j] = own[j] - largest - Math.log(sum);
    });
  }

  backward(l, [W]) {
    const [x, da, slope, delta, dx] = [this.x[l], this.dx[l + 1], this.slope[l], this.delta[l], this.dx[l]];
    const [i, o, [dW, db]] = [this.widths[l], this.widths[l + 1], this.gradients[l]];
    dx.fill(0);
    dW.fill(0);
    db.fill(0);
    for (let row = 0; row < this.n; row++) {
      const share = this.weights[row] / this.weight;
      for (let j = 0; j < o; j++) {
        const d = da[row * o + j] * slope[row * o + j];
        delta[row * o + j] = d;
        db[j] += share * d;
        for (let k = 0; k < i; k++) {
          dW[j * i + k] += share * d * x[row * i + k];
          dx[row * i + k] += d * W[j * i + k];
        }
      }
    }
  }

  // Add what λ₁ Σ|W| + ½ λ₂ ΣW² puts on the cost and the gradient.
  penalise(params) {
    [this.absolute, this.squares] = [0, 0];
    params.forEach(([W], l) => {
      const dW = this.gradients[l][0];
      for (let at = 0; (this.l1 || this.l2) && at < W.length; at++) {
        this.absolute += Math.abs(W[at]);
        this.squares += W[at] * W[at];
        dW[at] += this.l1 * Math.sign(W[at]) + this.l2 * W[at];
      }
    });
    this.cost = this.mean + this.l1 * this.absolute + this.l2 * this.squares / 2;
  }

  // A step of plain gradient descent, in place; what is frozen stays.
  step(params, rate, frozen) {
    params.forEach((layer, l) => layer.forEach((part, which) => {
      if (frozen[l][which]) return;
      const d = this.gradients[l][which];
      for (let at = 0; at < part.length; at++) part[at] -= rate * d[at];
    }));
  }
}
