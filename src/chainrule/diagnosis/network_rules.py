"""Rules of what a network is built of, begins with and makes of its gradient."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from chainrule.activations import activation
from chainrule.diagnosis.evidence import LESS, Evidence
from chainrule.diagnosis.layer_measures import LayerMeasures, has_units
from chainrule.diagnosis.rule import MOST, Rule
from chainrule.network import Network

LOST, GRADIENT_LOST = 0.05, 0.01
"""Usual layers halve the signal at most; the gradient is halved by each layer of sigmoids twice."""

SLOPES_LOST = 1 / 16
"""Two layers of sigmoids, whose slope is 1/4 at most, leave a sixteenth; three leave less."""

GROWN = 100.0
"""Signals or deltas that grow so many times explode: residual blocks and norms make tens."""

BEYOND = 0.05
"""The share of targets beyond the outputs' range that is more than a few odd ones."""

DEAD, DEAD_LATER = 2 / 3, 0.9
"""Of a layer's units: before training, where a third is common, and after, where more may do."""

SATURATED_LATER = 0.9
"""Trained units may well saturate where classes are apart: only nearly all of them are a sign."""

FEW_IN_BATCH = 3
"""A variance of n examples has a relative error of √(2 / (n - 1)): of 100 % at three."""

SILENCED = 0.7
"""Dropout rates from 0.2 to 0.5 are usual (Srivastava et al. 2014)."""


# ---- what it is built of -------------------------------------------------------------------------


def _inner_layers(layers: Any) -> list[Any]:
    """Return all layers, those within others too."""
    found: list[Any] = []
    for layer in layers:
        found += [layer, *_inner_layers(getattr(layer, "layers", ()))]
    return found


def _link_message(e: Evidence) -> str:
    """Return what a network that is checked says of a link that is applied twice."""
    try:
        Network(e.net.inputs, e.net.layers, e.net.loss)
    except ValueError as error:
        return str(error).removeprefix("Network: ")
    return ""


def _range(e: Evidence) -> tuple[float, float]:
    """Return the least and the greatest output of the last layer, infinite without a bound."""
    name = getattr(e.net.layers[-1], "activation", None)
    if name is None or activation(name).pull is not None:
        return -math.inf, math.inf
    a = np.asarray(activation(name).f(np.linspace(-50, 50, 1001), np))
    low, high = float(a.min()), float(a.max())
    return (low if low > -20 else -math.inf), (high if high < 20 else math.inf)


def _beyond(e: Evidence) -> float:
    if e.net.row.link_name or e.net.row.parts:
        return 0.0
    low, high = _range(e)
    return float(np.mean((e.Y < low - 0.01) | (e.Y > high + 0.01)))  # noqa: SIM300


def _range_words(e: Evidence) -> str:
    low, high = _range(e)
    return (
        f"{_beyond(e):.0%} of the targets lie beyond what the last layer can say, "
        f"{low:.3g} to {high:.3g}"
    )


def _narrowest(e: Evidence) -> tuple[int, int]:
    """Return the number and the width of the narrowest hidden layer; -1 without any."""
    widths, width = list[int](), e.net.inputs
    for layer in e.net.layers[:-1]:
        width = layer.outputs(width)
        widths.append(width)
    return (int(np.argmin(widths)), min(widths)) if widths else (-1, 0)


def _classes(e: Evidence) -> int:
    return int(np.count_nonzero(e.shares))


def _kept_of_targets(e: Evidence, width: int) -> float:
    """Return which share of the targets' variance so many numbers can hand on in a line."""
    sizes = np.linalg.svd(e.Y - e.Y.mean(axis=0), compute_uv=False) ** 2
    return float(sizes[:width].sum() / sizes.sum()) if sizes.sum() > 0 else 1.0


def _bottleneck(e: Evidence) -> bool:
    place, width = _narrowest(e)
    if place < 0 or e.net.inputs <= width:
        return False
    if e.labels is not None:
        return width < math.log2(max(_classes(e), 1))
    return width < e.net.outputs and _kept_of_targets(e, width) < MOST


def _bottleneck_words(e: Evidence) -> str:
    place, width = _narrowest(e)
    numbers = f"layer {place} hands on {width} number{'' if width == 1 else 's'}"
    if e.labels is not None:
        least = math.log2(_classes(e))
        return (
            f"{numbers}, and to tell {_classes(e)} classes takes log₂ {_classes(e)} = {least:.1f}"
        )
    kept = _kept_of_targets(e, width)
    return f"{numbers}, which hold {kept:.0%} of the variance of {e.net.outputs} targets"


def _silenced(e: Evidence) -> float:
    rates = [getattr(x, "rate", 0.0) for x in _inner_layers(e.net.layers) if x.training_only]
    return max((float(rate) for rate in rates), default=0.0)


def _norm_of_few(e: Evidence) -> bool:
    over_batch = any(layer.over_batch for layer in e.net.layers)
    return e.options.optimizer is not None and e.batch <= FEW_IN_BATCH and over_batch


# ---- what it begins with -------------------------------------------------------------------------


def _distinct_units(e: Evidence) -> list[tuple[LayerMeasures, int, int]]:
    """Return of each hidden layer with weights how many of its units are distinct, and units."""
    pairs = zip(e.start.layers[:-1], e.start.params[:-1], strict=True)
    return [
        (layer, round((1 - layer.duplicate) * len(p.W)), len(p.W))
        for layer, p in pairs
        if has_units(p)
    ]


def _zero_weights(e: Evidence) -> bool:
    matrices = [p.W for p in e.start.params if hasattr(p, "W")]
    without = e.start.without_gradient >= 1 - e.net.outputs / max(e.net.size, 1)
    return bool(matrices) and not any(np.any(W) for W in matrices) and without


def _alike(e: Evidence) -> list[tuple[LayerMeasures, int, int]]:
    return [each for each in _distinct_units(e) if each[1] == 1]


def _copies(e: Evidence) -> list[tuple[LayerMeasures, int, int]]:
    return [each for each in _distinct_units(e) if 1 < each[1] <= each[2] * MOST]


def _units(found: list[tuple[LayerMeasures, int, int]]) -> str:
    layer, distinct, units = found[0]
    are = "is" if distinct == 1 else "are"
    return f"{layer.place}: {distinct} of its {units} units {are} distinct"


def _dead(e: Evidence) -> list[LayerMeasures]:
    return [layer for layer in e.start.layers if e.knows_start and layer.dead >= DEAD]


def _saturated(e: Evidence) -> list[LayerMeasures]:
    layers = e.start.layers[:-1] if e.knows_start else ()
    return [layer for layer in layers if layer.saturated >= MOST]


# ---- what signals and gradients do ---------------------------------------------------------------


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


def _exploding(e: Evidence) -> bool:
    return e.knows_start and (_signal(e) > GROWN or _slopes(e) * _weights(e) > GROWN)


def _lost(e: Evidence) -> bool:
    return e.knows_start and (_slopes(e) * _weights(e) < GRADIENT_LOST or _signal(e) < LOST)


def _by_weights(e: Evidence) -> bool:
    return _signal(e) < LOST or _weights(e) < _slopes(e)


def _slopes_lost(e: Evidence) -> bool:
    """Whether slopes leave less than two sigmoid layers do, and steeper ones teach far more."""
    return e.knows_start and _slopes(e) < SLOPES_LOST and e.falls_short(LESS, steep=True)


def _vanishing_slopes(e: Evidence) -> bool:
    return not _by_weights(e) if _lost(e) else _slopes_lost(e)


def _vanishing_words(e: Evidence) -> str:
    if _lost(e):
        return _factors(e)
    tried = e.tried(steep=True)
    return (
        f"{_factors(e)}; with tanh in their place the same training comes to a cost of "
        f"{tried:.3g}, and this one to {e.reached:.3g}"
    )


def _factors(e: Evidence) -> str:
    slopes, weights = _slopes(e), _weights(e)
    return (
        f"from the last layer to the first the gradient is multiplied by {slopes * weights:.2g}, "
        f"by slopes {slopes:.2g} and by weights {weights:.2g}; the signal, from the first to the "
        f"last, by {_signal(e):.2g}"
    )


# ---- what has become of it -----------------------------------------------------------------------


def _dead_later(e: Evidence) -> list[LayerMeasures]:
    layers = () if e.diverged or _dead(e) else e.now.layers
    return [layer for layer in layers if layer.dead >= DEAD_LATER]


def _saturated_later(e: Evidence) -> list[LayerMeasures]:
    layers = () if e.diverged or _saturated(e) else e.now.layers[:-1]
    return [layer for layer in layers if layer.saturated >= SATURATED_LATER]


def _dead_words(found: list[LayerMeasures]) -> str:
    return f"{found[0].place}: {found[0].dead:.0%} of its units have no gradient for any example"


def _saturated_words(found: list[LayerMeasures]) -> str:
    layer = found[0]
    return f"{layer.place}: {layer.saturated:.0%} of its activations lie where the function is flat"


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
        lambda e: _beyond(e) >= BEYOND,
        _range_words,
        "make the last layer linear, or bring the targets into its range",
    ),
    Rule(
        "batch_norm_of_few", 88,
        _norm_of_few,
        lambda e: f"a batch norm takes its mean and variance of a batch of {e.batch}",
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
        _exploding,
        _factors,
        "start from smaller weights, `net.init(seed)`, or put layer norms between",
    ),
    Rule(
        "saturated_units", 69,
        lambda e: bool(_saturated(e)),
        lambda e: "at the start, " + _saturated_words(_saturated(e)),
        "start from smaller weights and biases of 0, or scale X",
    ),
    Rule(
        "dead_units", 68,
        lambda e: bool(_dead(e)),
        lambda e: "at the start, " + _dead_words(_dead(e)),
        "start from biases of 0, scale X, or take 'leaky_relu'",
    ),
    Rule(
        "vanishing_weights", 67,
        lambda e: _lost(e) and _by_weights(e),
        _factors,
        "start from larger weights, `net.init(seed)`, or put layer norms between",
    ),
    Rule(
        "vanishing_slopes", 66,
        _vanishing_slopes,
        _vanishing_words,
        "take an activation whose slope is near 1, such as 'relu', fewer layers, or residual ones",
    ),
    Rule(
        "saturated_units", 59,
        lambda e: bool(_saturated_later(e)),
        lambda e: _saturated_words(_saturated_later(e)),
        "lower the rate, or scale X",
    ),
    Rule(
        "dead_units", 58,
        lambda e: bool(_dead_later(e)),
        lambda e: _dead_words(_dead_later(e)),
        "lower the rate, or take 'leaky_relu'",
    ),
)  # fmt: skip
"""Those of the network."""
