"""The whole cost written a second time, plainly, for another differentiator: HIPS autograd.

It shares no line with the library: textbook formulas that autograd differentiates by itself.
"""

from __future__ import annotations

import re
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd import grad, jacobian
from autograd.scipy.special import erf

import chainrule as cr
from chainrule.layers.dropout import keep_mask
from strategies import Problem


def _sigmoid(z: Any) -> Any:
    return 1 / (1 + anp.exp(-z))


def _elu(z: Any, alpha: float) -> Any:
    return anp.where(z > 0, z, alpha * (anp.exp(anp.minimum(z, 0.0)) - 1))


ACTIVATIONS = {
    "identity": lambda z: z,
    "sigmoid": _sigmoid,
    "softmax": lambda z: anp.exp(z) / anp.sum(anp.exp(z), axis=1, keepdims=True),
    "bipolar_sigmoid": lambda z: 2 * _sigmoid(z) - 1,
    "tanh": anp.tanh,
    "relu": lambda z: anp.where(z > 0, z, 0.0 * z),
    "leaky_relu": lambda z: anp.where(z > 0, z, 0.01 * z),
    "elu": lambda z: _elu(z, 1.0),
    "selu": lambda z: 1.0507009873554805 * _elu(z, 1.6732632423543772),
    "gelu": lambda z: 0.5 * z * (1 + erf(z / anp.sqrt(2.0))),
    "gelu_tanh": lambda z: 0.5 * z * (1 + anp.tanh(anp.sqrt(2 / anp.pi) * (z + 0.044715 * z**3))),
    "silu": lambda z: z * _sigmoid(z),
    "softplus": lambda z: anp.log(1 + anp.exp(z)),
    "softsign": lambda z: z / (1 + anp.abs(z)),
    "mish": lambda z: z * anp.tanh(anp.log(1 + anp.exp(z))),
    "hard_tanh": lambda z: anp.where(z > 1, 1.0 + 0 * z, anp.where(z < -1, -1.0 + 0 * z, z)),
}


def _huber(r: Any) -> Any:
    return anp.where(anp.abs(r) <= 1, r**2 / 2, anp.abs(r) - 0.5)


LOSSES = {
    "half_squared_error": lambda a, y: anp.sum((a - y) ** 2 / 2, axis=1),
    "squared_error": lambda a, y: anp.sum((a - y) ** 2, axis=1),
    "mean_squared_error": lambda a, y: anp.mean((a - y) ** 2, axis=1),
    "absolute_error": lambda a, y: anp.sum(anp.abs(a - y), axis=1),
    "huber": lambda a, y: anp.sum(_huber(a - y), axis=1),
    "quantile": lambda a, y: anp.sum(0.5 * anp.abs(a - y), axis=1),
    "log_cosh": lambda a, y: anp.sum(anp.log(anp.cosh(a - y)), axis=1),
    "poisson": lambda a, y: anp.sum(anp.exp(a) - y * a, axis=1),
    "hinge": lambda a, y: anp.sum(anp.where(y * a < 1, 1 - y * a, 0.0 * a), axis=1),
    "binary_cross_entropy": lambda a, y: (
        -anp.sum(y * anp.log(_sigmoid(a)) + (1 - y) * anp.log(1 - _sigmoid(a)), axis=1)
    ),
    "cross_entropy": lambda a, y: (
        anp.log(anp.sum(anp.exp(a), axis=1)) * anp.sum(y, axis=1) - anp.sum(y * a, axis=1)
    ),
}


WITH_PARAMETERS = {
    "huber(0.3)": lambda a, y: anp.sum(0.09 * _huber((a - y) / 0.3), axis=1),
    "quantile(0.1, 0.9)": lambda a, y: anp.sum(
        0.5 * anp.abs(a - y) + np.array([0.4, -0.4]) * (a - y), axis=1
    ),
    "cross_entropy(0.1)": lambda a, y: LOSSES["cross_entropy"](a, 0.9 * y + 0.1 / y.shape[1]),
}


def losses_by_example(p: Problem, arrays: list[Any], X: Any) -> Any:
    """Return the loss of each example, (n,), with W and b of each dense layer in one list."""
    a, remaining = X, list(arrays)
    for k, layer in enumerate(p.net.layers):
        if isinstance(layer, cr.Dropout):
            draw = p.draw._replace(layer=k)
            a = a * keep_mask(draw, layer.rate, a.shape) / (1 - layer.rate)
        else:
            W, b = remaining.pop(0), remaining.pop(0)
            a = ACTIVATIONS[layer.activation](anp.dot(a, W.T) + b)
    parts = p.net.loss.removeprefix("heads(")
    heads = re.findall(r"(\w+(?:\([^)]*\))?): (\d+)", parts) or [(parts, a.shape[1])]
    total, first = 0.0, 0
    for name, outputs in heads:
        own = slice(first, first := first + int(outputs))
        total = total + (LOSSES | WITH_PARAMETERS)[name](a[:, own], p.y[:, own])
    return total


def cost(p: Problem, arrays: list[Any], X: Any) -> Any:
    """Return C: the weighted mean of the losses, plus the penalty."""
    penalty = sum(
        p.net.l1 * anp.sum(anp.abs(W)) + p.net.l2 / 2 * anp.sum(W**2) for W in arrays[::2]
    )
    return anp.sum(p.w * losses_by_example(p, arrays, X)) / anp.sum(p.w) + penalty


def gradients(p: Problem) -> tuple[list[Any], Any]:
    """Return the gradient of C by each parameter array, and by X."""
    arrays = [leaf for layer in p.params for leaf in layer]
    by_params = [
        grad(lambda part, k=k: cost(p, [*arrays[:k], part, *arrays[k + 1 :]], p.X))(arrays[k])
        for k in range(len(arrays))
    ]
    return by_params, grad(lambda X: cost(p, arrays, X))(p.X)


def example_gradients(p: Problem) -> list[Any]:
    """Return each example's share of the gradient without the penalty, (n, …) by each array."""
    arrays = [leaf for layer in p.params for leaf in layer]

    def shares(part: Any, k: int) -> Any:
        each = losses_by_example(p, [*arrays[:k], part, *arrays[k + 1 :]], p.X)
        return p.w * each / anp.sum(p.w)

    return [jacobian(shares)(arrays[k], k) for k in range(len(arrays))]
