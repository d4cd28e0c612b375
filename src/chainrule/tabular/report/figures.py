r"""Confusion, calibration and residuals: the numbers behind the figures of the examples held out.

y   (n,) labels, or values in the target's units      p   (n, classes) probabilities
guess   (n,) the class predicted
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


def confusion(y: Array, guess: Array, classes: int) -> Array:
    """Return how often each class (a row) was taken for each (a column).

    >>> confusion(np.array([0, 1, 1]), np.array([0, 1, 0]), 2)
    array([[1, 0],
           [1, 1]])
    """
    return np.bincount(y * classes + guess, minlength=classes**2).reshape(classes, classes)


class Pair(NamedTuple):
    """A class, another that it was taken for, and how often."""

    true: int
    predicted: int
    examples: int


def confused_pairs(y: Array, guess: Array, classes: int) -> list[Pair]:
    """Return the pairs of classes that were confused, the most frequent first.

    >>> confused_pairs(np.array([0, 1, 2, 2]), np.array([0, 0, 1, 1]), 3)
    [Pair(true=2, predicted=1, examples=2), Pair(true=1, predicted=0, examples=1)]
    """
    wrong = y != guess
    codes, counts = np.unique(y[wrong] * classes + guess[wrong], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return [Pair(*divmod(int(codes[k]), classes), int(counts[k])) for k in order]


class ClassScore(NamedTuple):
    """The scores of a class: NaN for a share of nothing."""

    label: int
    precision: float
    recall: float
    f1: float
    examples: int


def class_scores(y: Array, guess: Array, classes: int) -> list[ClassScore]:
    """Return precision, recall and their harmonic mean for each class.

    >>> class_scores(np.array([0, 1, 1]), np.array([0, 1, 0]), 2)[1]
    ClassScore(label=1, precision=1.0, recall=0.5, f1=0.6666666666666666, examples=2)
    """
    each = [np.bincount(labels, minlength=classes) for labels in (y, guess, y[y == guess])]
    examples, guessed, right = each
    with np.errstate(invalid="ignore"):
        shares = right / guessed, right / examples, 2 * right / (examples + guessed)
    columns = (range(classes), *(share.tolist() for share in shares), examples.tolist())
    return [ClassScore(*row) for row in zip(*columns, strict=True)]


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
