r"""Calibration, quantiles and residuals: the numbers behind the figures of the examples held out.

y   (n,) labels, or values in the target's units      p   (n, classes) probabilities
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

BINS = 10
"""The bins of a calibration curve."""

BARS = 30
"""The bars of a histogram."""

TAIL = 0.005
"""The share of the residuals, on each side, that the outermost bar of their histogram may hold."""


class Bin(NamedTuple):
    """A bin of probabilities: their mean, the share of them that came true, and how many."""

    predicted: float
    observed: float
    examples: int


def calibration(y: Array, p: Array) -> list[Bin]:
    """Return what came of probabilities, in bins of equal width; empty ones are left out.

    Of two classes, they are those of the second; of more, those of the class predicted.

    >>> calibration(np.array([1, 0]), np.array([[0.25, 0.75], [0.25, 0.75]]))
    [Bin(predicted=0.75, observed=0.5, examples=2)]
    """
    if p.shape[1] == 2:
        predicted, came = p[:, 1], y == 1
    else:
        predicted, came = p.max(axis=1), y == p.argmax(axis=1)
    at = np.searchsorted(np.linspace(0, 1, BINS + 1)[1:-1], predicted)
    return [
        Bin(float(predicted[of].mean(dtype=float)), float(came[of].mean()), int(of.sum()))
        for of in (at == k for k in range(BINS))
        if of.any()
    ]


def calibration_error(bins: list[Bin]) -> float:
    """Return how far the probabilities lie from what came of them, on average over the examples.

    >>> calibration_error([Bin(predicted=0.75, observed=0.5, examples=2)])
    0.25
    """
    gaps = [abs(each.predicted - each.observed) for each in bins]
    return float(np.average(gaps, weights=[each.examples for each in bins]))


class QuantileCoverage(NamedTuple):
    """A quantile, the share of the targets at or below it, and its pinball loss."""

    level: float
    below: float
    pinball: float


def levels(y: Array, p: Array, asked: tuple[float, ...]) -> list[QuantileCoverage]:
    """Return how each of some quantiles p (n, levels) lies to the targets y (n,).

    >>> levels(np.array([1.0, 3.0]), np.array([[1.0], [2.0]]), (0.5,))
    [QuantileCoverage(level=0.5, below=0.5, pinball=0.25)]
    """
    from sklearn.metrics import mean_pinball_loss

    return [
        QuantileCoverage(q, float((y <= own).mean()), float(mean_pinball_loss(y, own, alpha=q)))
        for q, own in zip(asked, p.T, strict=True)
    ]


class Histogram(NamedTuple):
    """The bounds of the bars, their heights, and how many values lay beyond the outermost."""

    edges: Array
    counts: Array
    beyond: int


def histogram(values: Array) -> Histogram:
    """Return a histogram of values; the outermost bars hold the few that lie far out too.

    >>> histogram(np.arange(60.0)).counts.tolist() == [2] * 30
    True
    """
    low, high = np.quantile(values, [TAIL, 1 - TAIL], method="inverted_cdf")
    counts, edges = np.histogram(np.clip(values, low, high), bins=BARS)
    return Histogram(edges, counts, int(((values < low) | (values > high)).sum()))
