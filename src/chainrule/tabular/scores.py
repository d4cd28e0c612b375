r"""How good predictions are, beside what a guess without the inputs would reach: one row a score.

y   (n,) labels, or (n, 1) values in their own units      w   (n,) weights, or None
p   (n, classes) probabilities, (n, 1) values, or (n, levels) quantiles
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.formatting import decimals, number

Array = NDArray[Any]
Levels = tuple[float, ...]


@dataclass(frozen=True)
class Score:
    """A row of the table: a score with everything that is known of it.

    Attributes
    ----------
    word
        What it is called where people read it.
    of
        The kinds of prediction that it is of: classes, quantity, counts, quantiles.
    formula
        `formula(y, p, w, levels)`, or None where it has no meaning for such a y.
    best
        The value of predictions that are right: 0 of losses, 1 of what rises with them.
    in_units
        Whether it has the units of the target.
    """

    word: str
    of: tuple[str, ...]
    formula: Callable[[Array, Array, Array | None, Levels], float | None]
    best: float = 0.0
    in_units: bool = False

    def value(self, y: Array, p: Array, w: Array | None, levels: Levels) -> float | None:
        """Return the score of predictions, or None where it has no meaning for such a y.

        Rows of weight 0 are as good as not there.

        >>> y, p = np.array([0, 1]), np.array([[0.9, 0.1], [0.4, 0.6]])
        >>> SCORES["roc_auc"].value(y, p, np.array([2.0, 0.0]), ())
        """
        if w is None or w.all():
            return self.formula(y, p, w, levels)
        counts = w > 0
        return self.formula(y[counts], p[counts], w[counts], levels)

    def distance(self, value: float) -> float:
        """Return how far a value is from the best, or the value of such a distance.

        >>> SCORES["accuracy"].distance(0.75), SCORES["rmse"].distance(0.75)
        (0.25, 0.75)
        """
        return 1.0 - value if self.best else value

    def text(self, value: float | None) -> str:
        """Return a value as people read it: what is in units in digits, a share in decimals.

        >>> SCORES["rmse"].text(1234.5), SCORES["r2"].text(-0.00005), SCORES["roc_auc"].text(None)
        ('1,234', '−0.0001', '–')
        """
        return number(value) if self.in_units else decimals(value, 4)


def _accuracy(y: Array, p: Array, w: Array | None, levels: Levels) -> float:
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(y, p.argmax(axis=1), sample_weight=w))


def _balanced_accuracy(y: Array, p: Array, w: Array | None, levels: Levels) -> float:
    """The mean recall of the classes that y has."""
    from sklearn.metrics import recall_score

    guess, labels = p.argmax(axis=1), np.unique(y)
    return float(
        recall_score(y, guess, labels=labels, average="macro", sample_weight=w, zero_division=0)
    )


def _f1_macro(y: Array, p: Array, w: Array | None, levels: Levels) -> float:
    from sklearn.metrics import f1_score

    guess = p.argmax(axis=1)
    return float(f1_score(y, guess, average="macro", sample_weight=w, zero_division=0))


def _log_loss(y: Array, p: Array, w: Array | None, levels: Levels) -> float:
    from sklearn.metrics import log_loss

    p = p.astype(float)
    p = p / p.sum(axis=1, keepdims=True)  # 1 to the last digit of float32 is not enough for it
    return float(log_loss(y, p, labels=np.arange(p.shape[1]), sample_weight=w))


def _roc_auc(y: Array, p: Array, w: Array | None, levels: Levels) -> float | None:
    """Of several classes, the mean over each against the rest."""
    from sklearn.metrics import roc_auc_score

    areas = []
    for k in range(1 if p.shape[1] == 2 else 0, p.shape[1]):
        of_class = y == k
        if of_class.any() and not of_class.all():
            areas.append(float(roc_auc_score(of_class, p[:, k], sample_weight=w)))
    return float(np.mean(areas)) if areas else None


# Scores of quantities by NumPy: importing scikit-learn takes more memory than many a training.


def _squared(error: Array, w: Array | None) -> float:
    return float(np.average(error**2, weights=w))


def _rmse(y: Array, p: Array, w: Array | None, levels: Levels) -> float:
    return math.sqrt(_squared((y - p)[:, 0], w))


def _mae(y: Array, p: Array, w: Array | None, levels: Levels) -> float:
    return float(np.average(np.abs(y - p)[:, 0], weights=w))


def _r2(y: Array, p: Array, w: Array | None, levels: Levels) -> float | None:
    spread = _squared(y[:, 0] - np.average(y[:, 0], weights=w), w)
    return 1 - _squared((y - p)[:, 0], w) / spread if np.ptp(y) > 0 and spread else None


def _poisson_deviance(y: Array, p: Array, w: Array | None, levels: Levels) -> float | None:
    from sklearn.metrics import mean_poisson_deviance

    if (y < 0).any():
        return None
    rates = np.maximum(p.astype(float), np.finfo(np.float32).tiny)  # e^a may round to 0
    return float(mean_poisson_deviance(y[:, 0], rates[:, 0], sample_weight=w))


def _pinball(y: Array, p: Array, w: Array | None, levels: Levels) -> float:
    """The mean over the quantiles."""
    from sklearn.metrics import mean_pinball_loss

    each = [
        mean_pinball_loss(y[:, 0], own, alpha=q, sample_weight=w)
        for q, own in zip(levels, p.T, strict=True)
    ]
    return float(np.mean(each))


def _coverage(y: Array, p: Array, w: Array | None, levels: Levels) -> float | None:
    """How often y lies between the first quantile and the last, if there are several."""
    if len(levels) < 2:
        return None
    inside = (p[:, 0] <= y[:, 0]) & (y[:, 0] <= p[:, -1])
    return float(np.average(inside, weights=w))


_CLASSES, _NUMBERS, _COUNTS, _QUANTILES = (
    ("classes",), ("quantity", "counts"), ("counts",), ("quantiles",),
)  # fmt: skip

SCORES: dict[str, Score] = {
    "accuracy": Score("accuracy", _CLASSES, _accuracy, best=1.0),
    "log_loss": Score("log loss", _CLASSES, _log_loss),
    "roc_auc": Score("AUC", _CLASSES, _roc_auc, best=1.0),
    "balanced_accuracy": Score("balanced accuracy", _CLASSES, _balanced_accuracy, best=1.0),
    "f1_macro": Score("F1, mean of classes", _CLASSES, _f1_macro, best=1.0),
    "rmse": Score("RMSE", _NUMBERS, _rmse, in_units=True),
    "mae": Score("mean absolute error", _NUMBERS, _mae, in_units=True),
    "r2": Score("R²", _NUMBERS, _r2, best=1.0),
    "poisson_deviance": Score("Poisson deviance", _COUNTS, _poisson_deviance),
    "pinball": Score("pinball loss", _QUANTILES, _pinball, in_units=True),
    "coverage": Score("coverage", _QUANTILES, _coverage, best=1.0),
}
"""The scores, in the order in which they are shown; scikit-learn's functions where it has them."""

METRICS = tuple(name for name in SCORES if name != "coverage")
"""Those that training can go by: a coverage of 1 is no aim."""

MAIN = {
    "classes": "log_loss",
    "quantity": "rmse",
    "counts": "poisson_deviance",
    "quantiles": "pinball",
}
"""What tells how good a model is where nothing else is asked for."""


def scored(
    kind: str, y: Array, p: Array, w: Array | None = None, levels: Levels = ()
) -> dict[str, float]:
    """Return the scores of a kind of prediction; one that has no meaning for y is left out.

    >>> scores = scored("classes", np.array([0, 1]), np.array([[0.9, 0.1], [0.4, 0.6]]))
    >>> scores["accuracy"], scores["roc_auc"]
    (1.0, 1.0)
    >>> scored("quantity", np.array([[0.0], [2.0]]), np.array([[0.0], [1.0]]))["r2"]
    0.5
    >>> scored("quantiles", np.array([[1.0], [2.0]]), np.array([[0.0, 2.0]] * 2), None, (0.1, 0.9))
    {'pinball': 0.1, 'coverage': 1.0}
    """
    found = {
        name: score.value(y, p, w, levels) for name, score in SCORES.items() if kind in score.of
    }
    return {name: value for name, value in found.items() if value is not None}
