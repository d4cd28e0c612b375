"""Kinds of layer that the package does not have, and networks that hold them.

LayerNorm normalises each example, BatchNorm each column of the batch (with running statistics that
prediction uses), and Residual adds what other layers make of x to x.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

import chainrule as cr
from chainrule.targets import TARGETS
from chainrule.trees import tree_map

# The kinds


class Norm(NamedTuple):
    gamma: np.ndarray
    beta: np.ndarray


class BatchNormParameters(NamedTuple):
    gamma: np.ndarray
    beta: np.ndarray
    running_mean: np.ndarray
    running_variance: np.ndarray


class NormRecord(NamedTuple):
    x: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    scaled: np.ndarray
    of_batch: bool
    a: np.ndarray


def normalised(x, mean, variance, params, xp, of_batch=True, epsilon=1e-5):
    scaled = (x - mean) / xp.sqrt(variance + epsilon)
    a = params.gamma * scaled + params.beta
    return a, NormRecord(x, mean, variance, scaled, of_batch, a)


def through_norm(g, record, axis, xp, epsilon=1e-5):
    """∂C/∂x from g = ∂C/∂scaled, where mean and variance are those of x along the axis."""
    scaled = record.scaled
    along = xp.mean(g * scaled, axis=axis, keepdims=True)
    g = g - xp.mean(g, axis=axis, keepdims=True) - scaled * along
    return g / xp.sqrt(record.variance + epsilon)


@dataclass(frozen=True)
class LayerNorm(cr.Layer):
    def form(self, inputs):
        return Norm(np.broadcast_to(0.0, inputs), np.broadcast_to(0.0, inputs))

    def init(self, inputs, rng):
        return Norm(np.ones(inputs), np.zeros(inputs))

    def forward(self, params, x, draw, xp):
        mean = xp.mean(x, axis=1, keepdims=True)
        variance = xp.mean((x - mean) ** 2, axis=1, keepdims=True)
        return normalised(x, mean, variance, params, xp)

    def delta(self, params, record, da, xp):
        return da

    def dx(self, params, record, delta, xp):
        return through_norm(delta * params.gamma, record, 1, xp)

    def gradient(self, record, delta, xp):
        return Norm(xp.sum(delta * record.scaled, axis=0), xp.sum(delta, axis=0))

    def per_example_gradients(self, record, delta, xp):
        return Norm(delta * record.scaled, delta)

    def squared_norms(self, record, delta, xp):
        return xp.sum((delta * record.scaled) ** 2 + delta**2, axis=1)


@dataclass(frozen=True)
class BatchNorm(cr.Layer):
    momentum: float = 0.9

    def form(self, inputs):
        return BatchNormParameters(*(np.broadcast_to(0.0, inputs) for _ in range(4)))

    def init(self, inputs, rng):
        ones, zeros = np.ones(inputs), np.zeros(inputs)
        return BatchNormParameters(ones, zeros, zeros, ones)

    def forward(self, params, x, draw, xp):
        if draw is None:
            mean, variance = params.running_mean, params.running_variance
            return normalised(x, mean, variance, params, xp, of_batch=False)
        mean = xp.mean(x, axis=0)
        return normalised(x, mean, xp.mean((x - mean) ** 2, axis=0), params, xp)

    def delta(self, params, record, da, xp):
        return da

    def dx(self, params, record, delta, xp):
        g = delta * params.gamma
        if record.of_batch:
            return through_norm(g, record, 0, xp)
        return g / xp.sqrt(record.variance + 1e-5)

    def gradient(self, record, delta, xp):
        gamma, beta = xp.sum(delta * record.scaled, axis=0), xp.sum(delta, axis=0)
        return BatchNormParameters(gamma, beta, xp.zeros_like(beta), xp.zeros_like(beta))

    def after_step(self, params, record):
        keep, new = self.momentum, 1 - self.momentum
        return params._replace(
            running_mean=keep * params.running_mean + new * record.mean,
            running_variance=keep * params.running_variance + new * record.variance,
        )


class ResidualRecord(NamedTuple):
    x: np.ndarray
    inner: tuple
    a: np.ndarray


class ResidualDelta(NamedTuple):
    da: np.ndarray
    inner: tuple


@dataclass(frozen=True, init=False, repr=False)
class Residual(cr.Layer):
    layers: tuple[cr.Layer, ...]

    def __init__(self, *layers):
        object.__setattr__(self, "layers", layers)

    def __repr__(self):
        return f"Residual({', '.join(map(repr, self.layers))})"

    def outputs(self, inputs):
        width = inputs
        for layer in self.layers:
            width = layer.outputs(width)
        if width != inputs:
            raise ValueError(f"the layers of {self!r} must lead back to {inputs}, got {width}")
        return inputs

    def widths(self, inputs):
        for layer in self.layers:
            yield layer, inputs
            inputs = layer.outputs(inputs)

    def form(self, inputs):
        return tuple(layer.form(i) for layer, i in self.widths(inputs))

    def init(self, inputs, rng):
        return tuple(layer.init(i, rng) for layer, i in self.widths(inputs))

    def forward(self, params, x, draw, xp):
        a, inner = x, []
        for k, (layer, own) in enumerate(zip(self.layers, params, strict=True)):
            a, record = layer.forward(own, a, nested(draw, k), xp)
            inner.append(record)
        return x + a, ResidualRecord(x, tuple(inner), x + a)

    def delta(self, params, record, da, xp):
        g, inner = da, []
        for k in reversed(range(len(self.layers))):
            own, seen = params[k], record.inner[k]
            inner.insert(0, self.layers[k].delta(own, seen, g, xp))
            if k > 0:
                g = self.layers[k].dx(own, seen, inner[0], xp)
        return ResidualDelta(da, tuple(inner))

    def dx(self, params, record, delta, xp):
        return delta.da + self.layers[0].dx(params[0], record.inner[0], delta.inner[0], xp)

    def gradient(self, record, delta, xp):
        return self.each("gradient", record, delta, xp)

    def per_example_gradients(self, record, delta, xp):
        return self.each("per_example_gradients", record, delta, xp)

    def squared_norms(self, record, delta, xp):
        return sum(self.each("squared_norms", record, delta, xp))

    def kinks(self, record):
        inner = zip(self.layers, record.inner, strict=True)
        return [kink for layer, seen in inner for kink in layer.kinks(seen)]

    def after_step(self, params, record):
        inner = zip(self.layers, params, record.inner, strict=True)
        return tuple(layer.after_step(own, seen) for layer, own, seen in inner)

    def each(self, name, record, delta, xp):
        inner = zip(self.layers, record.inner, delta.inner, strict=True)
        return tuple(getattr(layer, name)(seen, part, xp) for layer, seen, part in inner)


def nested(draw, k):
    """The draw of layer k within a layer: a stream of its own."""
    return draw and draw.within(k)


# Networks that hold them

BLOCK = Residual(cr.Dense(5, "tanh"), cr.Dense(3))
RICH = Residual(LayerNorm(), cr.Dense(4, "silu"), cr.Dropout(0.25), cr.Dense(3, "relu"))
LAYERS = {
    "layer norm first": [LayerNorm(), cr.Dense(2)],
    "layer norm within": [cr.Dense(4, "tanh"), LayerNorm(), cr.Dense(2)],
    "layer norm last": [cr.Dense(4), LayerNorm()],
    "residual": [cr.Dense(3, "tanh"), BLOCK, cr.Dense(2)],
    "residual first": [BLOCK, cr.Dense(2)],
    "residual of much": [cr.Dense(3), RICH, RICH, cr.Dense(2)],
    "residual in residual": [cr.Dense(3), Residual(BLOCK, cr.Dense(3, "elu")), cr.Dense(2)],
}
WITH_BATCH_NORM = {
    "batch norm first": [BatchNorm(), cr.Dense(2)],
    "batch norm within": [cr.Dense(4), BatchNorm(), cr.Dense(2, "tanh")],
    "batch norm twice": [cr.Dense(4, "tanh"), BatchNorm(), cr.Dense(3), BatchNorm(), cr.Dense(2)],
    "batch norm in residual": [cr.Dense(3), Residual(BatchNorm(), cr.Dense(3)), cr.Dense(2)],
}
ALL = {**LAYERS, **WITH_BATCH_NORM}
DRAW = cr.Draw(seed=5, step=1)


class Data(NamedTuple):
    net: cr.Network
    params: tuple
    X: np.ndarray
    y: np.ndarray
    w: np.ndarray


def data(name, loss="half_squared_error", n=7, **penalties):
    """A network of the table with random parameters, none of them 0, variances positive."""
    rng = np.random.default_rng(0)
    net = cr.Network(3, ALL[name], loss=loss, **penalties, check=False)
    params = tree_map(lambda p: rng.uniform(0.2, 1.2, size=p.shape), net.form)
    X, w = rng.normal(size=(n, 3)), rng.uniform(0.5, 2.0, size=n)
    y = TARGETS[cr.losses.loss(loss).target].sample(rng, n, net.outputs)
    return Data(net, params, X, y, w)


def gradients(d, draw=None):
    trace = cr.forward(d.net, d.params, d.X, draw)
    deltas = cr.backward(d.net, d.params, trace, d.y, d.w)
    return trace, deltas, cr.gradient(trace, deltas)
