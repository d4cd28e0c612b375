r"""The scores of each class, and what it is taken for.

y   (n,) labels      guess   (n,) the class predicted
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class ClassScore(NamedTuple):
    """The scores of a class: NaN for a share of nothing."""

    label: int
    precision: float
    recall: float
    f1: float
    support: float


def class_scores(
    y: Array, guess: Array, classes: int, weight: Array | None = None
) -> list[ClassScore]:
    """Return precision, recall and their harmonic mean for each class, and the rows it has.

    >>> class_scores(np.array([0, 1, 1]), np.array([0, 1, 0]), 2)[1]
    ClassScore(label=1, precision=1.0, recall=0.5, f1=0.6666666666666666, support=2)
    """
    w = np.ones(len(y), np.int64) if weight is None else weight
    of = y, guess, np.where(y == guess, y, classes)
    each = [np.bincount(labels, weights=w, minlength=classes)[:classes] for labels in of]
    support, guessed, right = each
    with np.errstate(invalid="ignore"):
        shares = right / guessed, right / support, 2 * right / (support + guessed)
    counted = support if weight is not None else support.astype(np.int64)
    columns = (range(classes), *(share.tolist() for share in shares), counted.tolist())
    return [ClassScore(*row) for row in zip(*columns, strict=True)]


def scores_by_name(scores: list[ClassScore], names: list[str]) -> list[dict[str, Any]]:
    """Return the scores of each class as JSON has them; None for what is NaN.

    >>> scores_by_name([ClassScore(0, 1.0, 0.5, float("nan"), 2)], ["yes"])
    [{'class': 'yes', 'precision': 1.0, 'recall': 0.5, 'f1': None, 'support': 2}]
    """
    return [
        {
            "class": names[own.label],
            **{
                name: None if np.isnan(value) else value
                for name, value in own._asdict().items()
                if name != "label"
            },
        }
        for own in scores
    ]


def confusion(y: Array, guess: Array, classes: int) -> Array:
    """Return how often each class (a row) was taken for each (a column).

    >>> confusion(np.array([0, 1, 1]), np.array([0, 1, 0]), 2)
    array([[1, 0],
           [1, 1]])
    """
    return np.bincount(y * classes + guess, minlength=classes**2).reshape(classes, classes)


class Confused(NamedTuple):
    """A class, the one that it was taken for, and how often."""

    true: int
    predicted: int
    examples: int


def pairs(y: Array, guess: Array, classes: int) -> list[Confused]:
    """Return what classes were taken for, the most frequent first; their own class too.

    >>> pairs(np.array([0, 0, 1]), np.array([0, 0, 0]), 2)
    [Confused(true=0, predicted=0, examples=2), Confused(true=1, predicted=0, examples=1)]
    """
    codes, counts = np.unique(y * classes + guess, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return [Confused(*divmod(int(codes[k]), classes), int(counts[k])) for k in order]


def confused_pairs(y: Array, guess: Array, classes: int) -> list[Confused]:
    """Return the pairs of classes that were confused, the most frequent first.

    >>> confused_pairs(np.array([0, 1, 2, 2]), np.array([0, 0, 1, 1]), 3)
    [Confused(true=2, predicted=1, examples=2), Confused(true=1, predicted=0, examples=1)]
    """
    return [pair for pair in pairs(y, guess, classes) if pair.true != pair.predicted]


def confusion_by_name(y: Array, guess: Array, names: list[str]) -> dict[str, dict[str, int]]:
    """Return how often each class was taken for each, by their names; what never was is left out.

    >>> confusion_by_name(np.array([0, 1, 1]), np.array([0, 0, 1]), ["no", "yes"])
    {'no': {'no': 1}, 'yes': {'no': 1, 'yes': 1}}
    """
    found: dict[str, dict[str, int]] = {}
    for true, predicted, count in sorted(pairs(y, guess, len(names))):
        found.setdefault(names[true], {})[names[predicted]] = count
    return found
