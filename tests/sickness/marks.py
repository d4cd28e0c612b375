"""The mark that a sickness leaves, measured; that of a sick case is larger than its twin's.

x, z, a, delta of a layer, and W, b of its parameters   as in `chainrule.backprop`
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.trees import leaves
from sickness.evidence import Outcome

FACTORS = {"mild": 1.4, "strong": 2.0}
"""How many times larger the mark of a sick case is at least, by its severity."""


def _rms(array: Any) -> float:
    with np.errstate(over="ignore"):
        return float(np.sqrt(np.mean(np.asarray(array, float) ** 2)))


def _share(part: float, whole: float) -> float:
    return part / whole if whole else np.inf


def _hidden(outcome: Outcome, params: Any) -> Iterator[tuple[Any, Any]]:
    """Each hidden dense layer with its record, of the examples of training."""
    trace = cr.forward(outcome.setup.net, params, outcome.setup.X)
    for layer, record in list(zip(outcome.setup.net.layers, trace, strict=True))[:-1]:
        if isinstance(layer, cr.Dense):
            yield layer, record


def delta_lost(outcome: Outcome) -> float:
    """How many times larger the last delta is than the first, when training begins."""
    net, params, X, y, *_ = outcome.setup
    deltas = cr.backward(cr.forward(net, params, X), y)
    return _share(_rms(deltas[-1]), _rms(deltas[0]))


def signal_grown(outcome: Outcome) -> float:
    """How many times larger the outputs are than the inputs, when training begins."""
    records = list(cr.forward(outcome.setup.net, outcome.setup.params, outcome.setup.X))
    return _rms(records[-1].a) / _rms(records[0].x)


def ended_early(outcome: Outcome) -> float:
    """Whether a value stopped being finite."""
    return float(outcome.diverged)


def loss_left(outcome: Outcome) -> float:
    """The cost of the rows of training when it is over, infinite where it diverged."""
    net, _, X, y, *_ = outcome.setup
    return np.inf if outcome.diverged else cr.cost_and_gradient(net, outcome.params, X, y)[0]


def dead(outcome: Outcome) -> float:
    """The share of hidden units that are 0 for every example, when training is over."""
    return float(np.mean(np.concatenate([
        np.all(record.a == 0, axis=0) for _, record in _hidden(outcome, outcome.params)
    ])))  # fmt: skip


def saturated(outcome: Outcome) -> float:
    """The share of hidden activations within 1 % of an end, when training begins."""
    parts = []
    for layer, record in _hidden(outcome, outcome.setup.params):
        low = 0.0 if layer.activation == "sigmoid" else -1.0
        near = 0.01 * (1 - low)
        parts.append(np.ravel((record.a < low + near) | (record.a > 1 - near)))
    return float(np.mean(np.concatenate(parts)))


def alike(outcome: Outcome) -> float:
    """The share of the first layer's units that are copies of another, when training is over."""
    p = outcome.params[0]
    units = np.column_stack([p.W, p.b]).astype(float)
    distinct = len(np.unique(np.round(units / _rms(units), 3), axis=0))
    return 1 - distinct / len(units)


def without_gradient(outcome: Outcome) -> float:
    """The share of parameters whose gradient is 0 when training begins."""
    net, params, X, y, *_ = outcome.setup
    _, gradient = cr.cost_and_gradient(net, params, X, y)
    return float(np.mean(np.concatenate([np.ravel(leaf) == 0 for leaf in leaves(gradient)])))


def unmoved(outcome: Outcome) -> float:
    """The share of parameters that are what they were."""
    pairs = zip(leaves(outcome.setup.params), leaves(outcome.params), strict=True)
    return float(np.mean(np.concatenate([np.ravel(a == b) for a, b in pairs])))


def stayed(outcome: Outcome) -> float:
    """How large the parameters were at first, relative to how far they moved."""
    pairs = list(zip(leaves(outcome.setup.params), leaves(outcome.params), strict=True))
    before = np.sqrt(sum(np.sum(a.astype(float) ** 2) for a, _ in pairs))
    return _share(before, np.sqrt(sum(np.sum((b.astype(float) - a) ** 2) for a, b in pairs)))


def shrunk(outcome: Outcome) -> float:
    """How many times smaller the weights are than they were."""
    before, after = (
        np.concatenate([np.ravel(p.W) for p in params if hasattr(p, "W")])
        for params in (outcome.setup.params, outcome.params)
    )
    return _share(_rms(before), _rms(after))


def gap(outcome: Outcome) -> float:
    """By how much the validation loss is above that of training, after the last epoch."""
    return outcome.history.validation_loss[-1] - outcome.history.loss[-1]


def missed(outcome: Outcome) -> float:
    """The share of the rarest class, in training, that is said to be another."""
    net, _, X, y, *_ = outcome.setup
    rarest = np.argmin(np.bincount(y))
    said = np.argmax(cr.predict(net, outcome.params, X[y == rarest]), axis=1)
    return float(np.mean(said != rarest))


def spread(outcome: Outcome) -> float:
    """The largest scale or mean of a column of X, or its inverse."""
    X = np.asarray(outcome.setup.X, float)
    size = np.max(np.sqrt(np.mean(X**2, axis=0)))
    return float(max(size, 1 / size))


def constant(outcome: Outcome) -> float:
    """The share of columns of X that hold one value."""
    return float(np.mean(np.ptp(outcome.setup.X, axis=0) == 0))


def largest_share(outcome: Outcome) -> float:
    """The largest share that one example has in the sum of squared gradients, at the start."""
    norms = cr.example_squared_norms(*outcome.setup[:4])
    return float(np.max(norms) / np.sum(norms))


def of_target(outcome: Outcome) -> float:
    """The largest target."""
    return float(np.max(np.abs(outcome.setup.y)))


MARKS: dict[str, Callable[[Outcome], float]] = {
    "vanishing_slopes": delta_lost,
    "vanishing_weights": delta_lost,
    "exploding": signal_grown,
    "divergence": ended_early,
    "rate_too_high": loss_left,
    "rate_too_low": stayed,
    "dead_units": dead,
    "saturated_units": saturated,
    "symmetry": alike,
    "zero_weights": without_gradient,
    "duplicate_units": alike,
    "unscaled_inputs": spread,
    "constant_inputs": constant,
    "shifted_labels": loss_left,
    "random_labels": loss_left,
    "mislabelled": loss_left,
    "double_link": loss_left,
    "unscaled_target": of_target,
    "bottleneck": loss_left,
    "overfitting": gap,
    "imbalance": missed,
    "noisy_batches": loss_left,
    "too_much_decay": shrunk,
    "frozen_layers": unmoved,
    "clipped_too_tight": stayed,
    "epsilon_too_large": stayed,
    "momentum_too_high": loss_left,
    "schedule_ends_early": stayed,
    "warm_up_too_long": stayed,
    "outlier": largest_share,
    "overflow": ended_early,
    "summed_loss": loss_left,
}
"""What is measured of a sickness; of those left out, what is lost on held-out rows says all."""
