"""Rules of what a network is built of, begins with and makes of its gradient."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from chainrule.activations import activation
from chainrule.diagnose.evidence import Evidence
from chainrule.diagnose.layer_measures import LayerMeasures
from chainrule.diagnose.rule import MOST, Rule
from chainrule.network import Network

LOST = 0.05
"""Signals or deltas that come to a twentieth are lost: usual layers lose a half at most."""

GROWN = 100.0
"""Signals or deltas that grow so many times explode: a residual block or a norm makes tens."""

SMALL = 0.05

DEAD, DEAD_LATER = 2 / 3, 0.9
"""Of a layer's units: before training, where a third is common, and after, where more may do."""

SATURATED_LATER = 0.9
"""Trained units may well saturate where classes are apart: only nearly all of them are a sign."""

FEW_IN_BATCH = 3
"""A variance of n examples has a relative error of √(2 / (n - 1)): of 100 % at three."""

SILENCED = 0.8
"""Dropout rates from 0.2 to 0.5 are usual (Srivastava et al. 2014)."""


def _inner_layers(layers: Any) -> list[Any]:
    """Return all layers, those within others too."""
    found: list[Any] = []
    for layer in layers:
        found += [layer, *_inner_layers(getattr(layer, "layers", ()))]
    return found


def _distinct_units(e: Evidence) -> list[tuple[LayerMeasures, int, int]]:
    """Return of each hidden layer with weights how many of its units are distinct, and units."""
    pairs = zip(e.start.layers[:-1], e.start.params[:-1], strict=True)
    return [
        (layer, round((1 - layer.duplicate) * len(p.W)), len(p.W))
        for layer, p in pairs
        if getattr(p, "W", None) is not None and np.ndim(p.W) == 2 and len(p.W) > 1
    ]


def _zero_weights(e: Evidence) -> bool:
    sizes = [getattr(p, "W", None) for p in e.start.params]
    none = all(W is None or not np.any(W) for W in sizes)
    return none and e.start.without_gradient >= 1 - e.net.outputs / max(e.net.size, 1)


def _alike(e: Evidence) -> list[tuple[LayerMeasures, int, int]]:
    return [each for each in _distinct_units(e) if each[1] == 1]


def _copies(e: Evidence) -> list[tuple[LayerMeasures, int, int]]:
    return [each for each in _distinct_units(e) if 1 < each[1] <= each[2] * MOST]


def _units(found: list[tuple[LayerMeasures, int, int]]) -> str:
    layer, distinct, units = found[0]
    return f"{layer.place}: {distinct} of its {units} units {_are(distinct)} distinct"


def _are(n: int) -> str:
    return "is" if n == 1 else "are"


def _link_message(e: Evidence) -> str:
    try:
        Network(e.net.inputs, e.net.layers, e.net.loss)
    except ValueError as error:
        return str(error).removeprefix("Network: ")
    return ""


def _reach(e: Evidence) -> tuple[float, float]:
    """Return the least and the greatest output of the last layer, infinite without a bound."""
    name = getattr(e.net.layers[-1], "activation", None)
    if name is None or activation(name).pull is not None:
        return -math.inf, math.inf
    a = np.asarray(activation(name).f(np.concatenate([np.linspace(-50, 50, 1001)]), np))
    low, high = float(a.min()), float(a.max())
    return (low if low > -20 else -math.inf), (high if high < 20 else math.inf)


def _beyond(e: Evidence) -> float:
    if e.net.row.link_name or e.net.row.parts:
        return 0.0
    low, high = _reach(e)
    return float(np.mean((low - 0.01 > e.Y) | (high + 0.01 < e.Y)))


def _narrowest(e: Evidence) -> tuple[int, int]:
    """Return the number and the width of the narrowest hidden layer; -1 without any."""
    widths, width = list[int](), e.net.inputs
    for layer in e.net.layers[:-1]:
        width = layer.outputs(width)
        widths.append(width)
    return (int(np.argmin(widths)), min(widths)) if widths else (-1, 0)


def _kept_of_targets(e: Evidence, width: int) -> float:
    """Return which share of the targets' variance so many numbers can hand on in a line."""
    sizes = np.linalg.svd(e.Y - e.Y.mean(axis=0), compute_uv=False) ** 2
    return float(sizes[:width].sum() / sizes.sum()) if sizes.sum() > 0 else 1.0


def _bottleneck(e: Evidence) -> bool:
    place, width = _narrowest(e)
    if place < 0 or e.net.inputs <= width:
        return False
    if e.labels is not None:
        return width < math.log2(max(int(np.count_nonzero(e.shares)), 1))
    return width < e.net.outputs and _kept_of_targets(e, width) < MOST


def _bottleneck_words(e: Evidence) -> str:
    place, width = _narrowest(e)
    plural = "" if width == 1 else "s"
    if e.labels is not None:
        classes = int(np.count_nonzero(e.shares))
        return (
            f"layer {place} hands on {width} number{plural}, and {classes} classes need "
            f"log₂ {classes} = {math.log2(classes):.1f} at least"
        )
    return (
        f"layer {place} hands on {width} number{plural}, which hold "
        f"{_kept_of_targets(e, width):.0%} of the variance of {e.net.outputs} targets"
    )


def _silenced(e: Evidence) -> float:
    rates = [getattr(x, "rate", 0.0) for x in _inner_layers(e.net.layers) if x.training_only]
    return max((float(rate) for rate in rates), default=0.0)


def _product(values: Iterable[float]) -> float:
    return math.prod(values)


def _signal(e: Evidence) -> float:
    """Return by which factor the signal grows through all layers."""
    return _product(layer.forward for layer in e.start.layers)


def _slopes(e: Evidence) -> float:
    """Return by which factor all slopes change the gradient on its way back."""
    return _product(layer.slope for layer in e.start.layers)


def _weights(e: Evidence) -> float:
    """Return by which factor all weights change the gradient on its way back."""
    return _product(layer.weights for layer in e.start.layers)


def _lost(e: Evidence) -> bool:
    return _slopes(e) * _weights(e) < LOST or _signal(e) < LOST


def _by_weights(e: Evidence) -> bool:
    return _signal(e) < LOST or _weights(e) < _slopes(e)


def _factors(e: Evidence) -> str:
    slopes, weights = _slopes(e), _weights(e)
    return (
        f"from the last layer to the first the gradient comes to {slopes * weights:.2g} times: "
        f"slopes make {slopes:.2g} times of it, weights {weights:.2g} times; the signal comes to "
        f"{_signal(e):.2g} times"
    )


def _dead(e: Evidence) -> list[LayerMeasures]:
    untrained = () if e.trained and e.initial is None else e.start.layers
    found = [layer for layer in untrained if layer.dead >= DEAD]
    return found + [layer for layer in e.now.layers if layer.dead >= DEAD_LATER]


def _saturated(e: Evidence) -> tuple[float, str]:
    found = [(layer.saturated, layer.place, MOST) for layer in e.start.layers[:-1]]
    found += [(layer.saturated, layer.place, SATURATED_LATER) for layer in e.now.layers[:-1]]
    share, place, _ = max(
        (each for each in found if each[0] >= each[2]), default=(0.0, "", 0.0)
    )  # fmt: skip
    return share, place


RULES: tuple[Rule, ...] = (
    Rule(
        "zero_weights", 95,
        _zero_weights,
        lambda e: f"all weights are 0, and {e.start.without_gradient:.1%} of the parameters have "
        "no gradient",
        "start from `net.init(seed)`, whose weights are random",
    ),
    Rule(
        "symmetry", 94,
        lambda e: bool(_alike(e)),
        lambda e: _units(_alike(e)) + ", and equal units have equal gradients",
        "start from `net.init(seed)`, whose weights are random",
    ),
    Rule(
        "duplicate_units", 93,
        lambda e: bool(_copies(e)),
        lambda e: _units(_copies(e)) + ", and copies have equal gradients",
        "draw the weights of each unit by itself, as `net.init(seed)` does",
    ),
    Rule(
        "double_link", 92,
        lambda e: bool(_link_message(e)),
        _link_message,
        "make the last layer linear: the loss applies the rest",
    ),
    Rule(
        "output_range", 90,
        lambda e: _beyond(e) >= SMALL,
        lambda e: f"{_beyond(e):.0%} of the targets lie beyond the outputs' range, "
        f"{_reach(e)[0]:.3g} to {_reach(e)[1]:.3g}",
        "make the last layer linear, or bring the targets into its range",
    ),
    Rule(
        "batch_norm_of_few", 88,
        lambda e: e.options.optimizer is not None and e.batch <= FEW_IN_BATCH
        and any(layer.over_batch for layer in e.net.layers),
        lambda e: f"a batch norm takes its mean and variance of {e.batch} examples",
        "take batches of 16 or more, or a layer norm",
    ),
    Rule(
        "too_much_dropout", 87,
        lambda e: _silenced(e) >= SILENCED,
        lambda e: f"dropout silences {_silenced(e):.0%} of what reaches it at each step",
        "take rates from 0.1 to 0.5",
    ),
    Rule(
        "bottleneck", 86,
        _bottleneck,
        _bottleneck_words,
        "make the layer wider",
    ),
    Rule(
        "exploding", 70,
        lambda e: _signal(e) > GROWN or _slopes(e) * _weights(e) > GROWN,
        _factors,
        "start from smaller weights, `net.init(seed)`, or put layer norms between",
    ),
    Rule(
        "saturated_units", 69,
        lambda e: _saturated(e)[0] > 0,
        lambda e: "{1}: {0:.0%} of its activations lie where the function is flat".format(
            *_saturated(e)
        ),
        "start from smaller weights and biases of 0, scale X, or lower the rate",
    ),
    Rule(
        "dead_units", 68,
        lambda e: bool(_dead(e)),
        lambda e: f"{_dead(e)[0].place}: {_dead(e)[0].dead:.0%} of its units have no gradient "
        "for any example",
        "lower the rate, start from biases of 0, or take 'leaky_relu'",
    ),
    Rule(
        "vanishing_weights", 67,
        lambda e: _lost(e) and _by_weights(e),
        _factors,
        "start from larger weights, `net.init(seed)`, or put layer norms between",
    ),
    Rule(
        "vanishing_slopes", 66,
        lambda e: _lost(e) and not _by_weights(e),
        _factors,
        "take an activation whose slope is near 1, such as 'relu', fewer layers, or residual ones",
    ),
)  # fmt: skip
"""Those of the network."""
