"""Mistakes made by hand: dense networks in plain NumPy, each mistake written where it is made.

Nothing here comes from Chainrule but the form of its networks: it is the oracle of `find_mistake`.
"""

import itertools
import re
from typing import NamedTuple

import numpy as np

import chainrule as cr

SQUARES = {"half_squared_error": 0.5, "squared_error": 1.0, "mean_squared_error": None}


class Problem(NamedTuple):
    """A dense network with data, and how it is trained."""

    kinds: list
    loss: str
    W: list
    b: list
    X: np.ndarray
    Y: np.ndarray
    w: np.ndarray | None
    rate: float
    rule: str  # plain, momentum, nesterov, dampened, adam, adamw
    l1: float
    l2: float
    reduction: str
    frozen: bool
    steps: int

    @property
    def sizes(self):
        return [self.W[0].shape[1], *(len(b) for b in self.b)]


def random_problem(seed):
    rng = np.random.default_rng(seed)
    loss = rng.choice([*SQUARES, *SQUARES, "binary_cross_entropy", "cross_entropy"])
    sizes = [int(rng.integers(1, 5)) for _ in range(int(rng.integers(3, 5)))]
    if rng.random() < 0.3:
        sizes = [int(rng.integers(2, 4))] * len(sizes)
    last = str(rng.choice(["sigmoid", "tanh", "softmax", "identity"], p=[0.5, 0.2, 0.15, 0.15]))
    if "cross" in loss:
        last = "identity"
    if loss == "cross_entropy" or last == "softmax":
        sizes[-1] = max(sizes[-1], 2)
    kinds = [str(rng.choice(["sigmoid", "sigmoid", "tanh", "relu"])) for _ in sizes[2:]] + [last]
    n, o = int(rng.integers(1, 5)), sizes[-1]
    if loss == "cross_entropy":
        Y = np.eye(o)[rng.integers(o, size=n)]
    elif loss == "binary_cross_entropy":
        Y = rng.integers(2, size=(n, o)).astype(float)
    else:
        Y = np.round(rng.uniform(size=(n, o)), 2)
    pairs = list(itertools.pairwise(sizes))
    return Problem(
        kinds, str(loss),
        [np.round(rng.normal(scale=0.8, size=(j, i)), 2) for i, j in pairs],
        [np.round(rng.normal(scale=0.5, size=j), 2) for _, j in pairs],
        np.round(rng.normal(size=(n, sizes[0])), 2), Y,
        np.round(rng.uniform(0.5, 2, size=n), 1) if n > 1 and rng.random() < 0.3 else None,
        float(rng.choice([0.05, 0.1, 0.5])),
        str(rng.choice(["plain", "plain", "momentum", "nesterov", "dampened", "adam", "adamw"])),
        0.0,
        float(rng.choice([0.0, 0.0, 0.1])),
        str(rng.choice(["mean", "mean", "sum"])),
        bool(rng.random() < 0.4),
        int(rng.choice([1, 1, 2, 3])),
    )  # fmt: skip


def as_chainrule(p):
    """The same for `find_mistake`: net, params, X, y, and its options."""
    layers = [cr.Dense(len(b), kind) for b, kind in zip(p.b, p.kinds, strict=True)]
    net = cr.Network(p.sizes[0], layers, p.loss, p.l1, p.l2, p.reduction)
    rules = {
        "plain": cr.SGD(p.rate), "momentum": cr.SGD(p.rate, 0.9),
        "nesterov": cr.SGD(p.rate, 0.9, nesterov=True),
        "dampened": cr.SGD(p.rate, 0.9, dampening=0.9),
        "adam": cr.Adam(p.rate), "adamw": cr.AdamW(p.rate, weight_decay=0.1),
    }  # fmt: skip
    options = {"optimizer": rules[p.rule], "freeze": ["*.b"] if p.frozen else []}
    if p.w is not None:
        options["sample_weight"] = p.w
    if p.steps > 1:
        options["step"] = p.steps
    return (net, net.parameters(list(zip(p.W, p.b, strict=True))), p.X, p.Y), options


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


F = {
    "sigmoid": sigmoid, "tanh": np.tanh, "relu": lambda z: np.maximum(z, 0),
    "softmax": softmax, "identity": lambda z: z,
}  # fmt: skip


def slope(kind, z, a):
    if kind == "sigmoid":
        return a * (1 - a)
    if kind == "tanh":
        return 1 - a**2
    return (z > 0).astype(z.dtype) if kind == "relu" else np.ones_like(z)


def back_through(  # noqa: PLR0911 - a line for each mistake
    kind, z, a, da, m, place, r
):
    """∂C/∂z from ∂C/∂a; `place` is "end" or "hidden"."""
    if kind == "identity":
        return da * 1.0
    if m in (
        "slope left out",
        f"slope left out of the {'outputs' if place == 'end' else 'hidden layers'}",
    ):
        return da * 1.0
    if m == "slope of a sigmoid" and kind != "sigmoid":
        return da * (a * (1 - a))
    if m == "slope of a tanh" and kind != "tanh":
        return da * (1 - a**2)
    if kind == "softmax":
        if m == "softmax without its other terms":
            return da * a * (1 - a)
        back = a * (da - (a * da).sum(axis=1, keepdims=True))
        return -back if m == "stray minus at the slope" else back
    if m == "slope of a":
        return da * slope(kind, a, F[kind](a))
    if m == "output's formula at z" and kind in ("sigmoid", "tanh"):
        return da * slope(kind, z, z)
    if m == "stray minus at the slope":
        return -da * slope(kind, z, a)
    return da * r(slope(kind, z, a))


def rounder(m):
    """What a mistake rounds by, and whether products too."""
    found = re.fullmatch(r"(results|factors) rounded to (\d) (decimals|significant digits)", m)
    if not found:
        return lambda v: v, False
    digits = int(found[2])
    if found[3] == "decimals":
        return lambda v: np.round(v, digits), found[1] == "results"

    def significant(v):
        return np.vectorize(lambda x: float(f"%.{digits - 1}e" % x), otypes=[float])(v)

    return significant, found[1] == "results"


def across(W):
    return W.ravel().reshape(W.shape[1], W.shape[0]).T


def flipped(W):
    return W.T if W.shape[0] == W.shape[1] else W


def by_hand(p, m=""):  # noqa: PLR0912, PLR0915 - the whole computation, to be read in one go
    """Every figure of the step by its name, with a mistake made on the way."""
    r, everything = rounder(m)
    product = r if everything else lambda v: v
    W, b = [W.copy() for W in p.W], [b.copy() for b in p.b]
    X, Y, w = p.X, p.Y, p.w
    if m == "single precision":
        W, b = [v.astype(np.float32) for v in W], [v.astype(np.float32) for v in b]
        X, Y = X.astype(np.float32), Y.astype(np.float32)
        w = None if w is None else w.astype(np.float32)
    if m == "weights of examples forgotten":
        w = None
    if m == "inputs and targets exchanged":
        X, Y = Y, X
    if m == "inputs in reverse order":
        X = X[:, ::-1]
    if m == "targets in reverse order":
        Y = Y[:, ::-1]
    n, o, last = len(X), p.sizes[-1], len(W) - 1
    reduction = p.reduction
    if m == "mean and sum over examples":
        reduction = "sum" if reduction == "mean" else "mean"
    divisor = n if reduction == "mean" else 1
    weights = np.ones(n) if w is None else w
    if w is not None and reduction == "mean":
        weights = w / w.mean()
    if m == "single precision":
        weights = weights.astype(np.float32)
    link = {"binary_cross_entropy": sigmoid, "cross_entropy": softmax}.get(p.loss, lambda z: z)
    squares = {
        "half the squares": 0.5, "sum of the squares": 1.0, "mean of the squares": 1 / o,
    }.get(m, SQUARES.get(p.loss) or 1 / o)  # fmt: skip
    if p.loss not in SQUARES:
        squares = None
    l1, l2 = p.l1, p.l2
    if m == "penalty forgotten":
        l1 = l2 = 0
    if m == "penalty without its ½":
        l2 = 2 * l2

    def seen():
        VW = [across(v) for v in W] if m == "weights transposed" else W
        return VW, [0 * v for v in b] if m == "biases forgotten" else b

    def forward():
        VW, Vb = seen()
        zs, outs, a = [], [X], X
        for k in range(last + 1):
            z = r(a @ VW[k].T + Vb[k])
            kind = "identity" if k == last and m == "outputs without activation" else p.kinds[k]
            a = r(F[kind](z))
            zs.append(z)
            outs.append(a)
        logits = r(link(a)) if m == "activation twice" else a
        if squares is not None:
            each = squares * (a - Y) ** 2
        elif p.loss == "cross_entropy":
            each = -Y * np.log(softmax(logits))
        else:
            q = sigmoid(logits)
            each = -(Y * np.log(q) + (1 - Y) * np.log(1 - q))
        penalty = sum(l1 * np.abs(v).sum() + l2 / 2 * (v**2).sum() for v in VW)
        return zs, outs, (weights[:, None] * each).sum() / divisor + penalty

    def seed(a):
        if squares is not None:
            da, residual = 2 * squares * (a - Y), a - Y
        else:
            given = link(a) if m == "activation twice, its slope once" else a
            if m == "activation twice":
                given = r(link(a))
            da, residual = link(given) - Y, link(a) - Y
        q = link(a)
        da = {
            "sign of the error": -da, "gradient doubled": 2 * da, "gradient halved": da / 2,
            "mean over outputs": da / o, "sum over outputs": da * o,
            "stray square, negative": -da * residual, "stray square": da * residual,
            "slope beside a cross-entropy": da * q * (1 - q),
        }.get(m, da)  # fmt: skip
        da = r(da) * weights[:, None]
        if m == "activation twice":
            q = r(link(a))
            if p.loss == "cross_entropy":
                da = q * (da - (q * da).sum(axis=1, keepdims=True))
            else:
                da = da * q * (1 - q)
        return da

    rate, rule = p.rate, p.rule
    rate = {"rate forgotten": 1.0, "rate twice": rate * rate}.get(m, rate)
    rule = {
        "momentum as a running mean": "dampened", "momentum as a sum": "momentum",
        "momentum forgotten": "plain", "look-ahead added": "nesterov",
        "look-ahead forgotten": "momentum",
    }.get(m, rule)  # fmt: skip
    frozen = {"biases frozen": True, "biases updated": False}.get(m, p.frozen)
    state = {}

    def stepped(name, v, g, t, keep=True):
        """The parameter after the step."""
        if name[0] == "b" and frozen:
            return v
        if m == "update uphill":
            g = -g
        old = state.get(name, (0 * v, 0 * v))
        if rule == "plain":
            d, new = rate * g, old
        elif rule == "dampened":
            u = 0.9 * old[0] + (1 - 0.9) * g
            d, new = rate * u, (u, 0)
        elif rule in ("momentum", "nesterov"):
            u = 0.9 * old[0] + rate * g
            d, new = (0.9 * u + rate * g if rule == "nesterov" else u), (u, 0)
        else:
            u, s = 0.9 * old[0] + 0.1 * g, 0.999 * old[1] + 0.001 * g * g
            new = (u, s)
            fixed = m != "means not corrected"
            u, s = (u / (1 - 0.9**t), s / (1 - 0.999**t)) if fixed else (u, s)
            d = rate * u / (np.sqrt(s) + 1e-8)
            if rule == "adamw" and name[0] == "W" and m != "decay forgotten":
                d = d + rate * 0.1 * v
        if keep:
            state[name] = new
        return product(v - d)

    T = p.steps + {"one step too many": 1, "one step too few": -1}.get(m, 0)
    for t in range(1, max(T, 1) + 1):
        zs, outs, cost = forward()
        VW, _ = seen()
        deltas, dW, db = [None] * (last + 1), [None] * (last + 1), [None] * (last + 1)
        da = seed(outs[-1])
        for k in reversed(range(last + 1)):
            kind = "identity" if k == last and m == "outputs without activation" else p.kinds[k]
            place = "end" if k == last else "hidden"
            deltas[k] = product(back_through(kind, zs[k], outs[k + 1], da, m, place, r))
            x = outs[k]
            if m == "own output for the input" and outs[k].shape == outs[k + 1].shape:
                x = outs[k + 1]
            dW[k] = product((deltas[k] / divisor).T @ x) + l1 * np.sign(VW[k]) + l2 * VW[k]
            db[k] = product((deltas[k] / divisor).sum(axis=0))
            if m == "gradient transposed":
                dW[k] = flipped(dW[k])
            if m == "weights transposed":
                dW[k] = dW[k].T.ravel().reshape(dW[k].shape)
            if m == "bias shared":
                db[k] = np.full_like(db[k], db[k].sum())
            back = VW[k]
            if m == "updated weights in the hidden deltas":
                back = stepped(f"W{k}", W[k], dW[k], t, keep=False)
            if m == "weights not transposed on the way back":
                back = flipped(back)
            if m == "weights left out on the way back":
                back = np.ones_like(back)
            d = deltas[k]
            if m == "one path only":
                d = np.hstack([d[:, :1], 0 * d[:, 1:]])
            da = product(d @ back)
        if T >= 1:
            W = [stepped(f"W{k}", v, dW[k], t) for k, v in enumerate(W)]
            b = [stepped(f"b{k}", v, db[k], t) for k, v in enumerate(b)]
    found = {"cost": cost, "cost+": forward()[2]}
    for letter, grads, new in (("w", dW, W), ("b", db, b)):
        found |= {f"{letter}{k + 1}": g for k, g in enumerate(flat(grads))}
        found |= {f"{letter}{k + 1}+": v for k, v in enumerate(flat(new))}
    row = ",1" if n > 1 else ""
    hidden = 0
    for k, size in enumerate(p.sizes[1:]):
        for j in range(size):
            name = f"o{j + 1}" if k == last else f"h{hidden + j + 1}"
            found[f"out_{name}{row}"] = outs[k + 1][0, j]
            found[f"net_{name}{row}"] = zs[k][0, j]
            found[f"delta_{name}{row}"] = deltas[k][0, j]
        hidden += size
    return {name: float(v) for name, v in found.items()}


def flat(arrays):
    return np.concatenate([np.ravel(v) for v in arrays])


def printed(value, digits, m=""):
    """A figure as somebody prints it, to significant digits."""
    if m == "cut off":
        exponent = int(f"{value:.16e}".partition("e")[2]) if value else 0
        places = digits - 1 - exponent
        text = f"{value:.{places + 8}f}"
        return text[: text.index(".") + places + 1] if places > 0 else f"{value:.{digits - 1}e}"
    text = f"{value:.{digits - 1}e}"
    if m != "last digit" or not value:
        return text
    mantissa, _, exponent = text.partition("e")
    last = int(mantissa[-1])
    return f"{mantissa[:-1]}{last + 1 if last < 9 else last - 1}e{exponent}"


def claims_of(p, m, seed, most=6):
    """Some figures with a mistake, as they are printed; {} where it moves none.

    Figures that are next to nothing are left out: what cancels has no digits to print.
    """
    digits = {"single precision": 9, "last digit": 7, "cut off": 7}.get(m, 8)
    digits = 10 if "rounded" in m else digits
    with np.errstate(all="ignore"):
        figures, right = by_hand(p, m), by_hand(p)
    usable = [x for x, v in figures.items() if np.isfinite(v) and 1e-6 < abs(v) < 1e9]
    shown = {x: printed(figures[x], digits, m) for x in usable}
    moved = [x for x in usable if m and shown[x] != printed(right[x], digits)]
    if m and not moved:
        return {}
    rng = np.random.default_rng(seed)
    order = [str(x) for x in (*rng.permutation(moved)[:1], *rng.permutation(usable))]
    return {x: shown[x] for x in list(dict.fromkeys(order))[:most]}
