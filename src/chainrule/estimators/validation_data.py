"""The examples that a run is measured by after each epoch: the user's own, or a part set aside."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit
from sklearn.utils.extmath import _approximate_mode

from chainrule.errors import unknown_name

Array = NDArray[Any]


class Held(NamedTuple):
    """Validation data as the user has them, with y as the core has it too.

    Where they were set aside, they are the `rows` of all the examples, which lie where they were.
    """

    X: Array
    y: Array
    target: Array
    weight: Array | None
    rows: Array | None = None

    @property
    def measured(self) -> tuple[Array, Array, Array | None]:
        """What scores and metrics are taken of: of a part set aside a copy, made for the moment."""
        X, y, weight, rows = self.X, self.y, self.weight, self.rows
        if rows is None:
            return X, y, weight
        return X[rows], y[rows], None if weight is None else weight[rows]


class Given(NamedTuple):
    """Examples with their weights, as they were given for validation."""

    X: Any
    y: Any
    weight: Any

    def check(self) -> None:
        """Raise unless X and y come together, and weights with them."""
        if (self.X is None) != (self.y is None):
            given, missing = ("X_val", "y_val") if self.y is None else ("y_val", "X_val")
            raise ValueError(f"{given} was given without {missing}; validation data need both")
        if self.X is None and self.weight is not None:
            raise ValueError("sample_weight_val was given without X_val and y_val")


def split(estimator: Any, X: Array, y: Array, stratify: Array | None) -> Array:
    """Return the rows to validate with.

    >>> model = cr.MLPRegressor(validation_split=[2, 0])
    >>> split(model, np.ones((4, 1)), np.ones(4), None)
    array([0, 2])
    """
    if estimator.validation_split is None:
        return _drawn(estimator, len(X), stratify)
    if hasattr(estimator.validation_split, "split"):
        held = _by_splitter(estimator, X, y)
    else:
        held = _by_rows(estimator, len(X))
    if not 0 < len(np.unique(held)) < len(X):
        raise ValueError(
            f"{type(estimator).__name__}: validation_split must leave examples on both sides; of "
            f"{len(X)} it holds out {len(held)}"
        )
    return held


def _drawn(estimator: Any, n: int, stratify: Array | None) -> Array:
    """Return what `train_test_split` would hold out, without the copies that it makes."""
    asked = {"test_size": estimator.validation_fraction, "random_state": estimator.seed_}
    if stratify is None:
        _, held = next(ShuffleSplit(**asked).split(np.zeros(n, bool)))
    else:
        held = _drawn_by_class(stratify, **asked)
    if len(held) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your "
            "dataset."
        )
    return np.sort(held)


def _drawn_by_class(y: Array, test_size: float, random_state: int) -> Array:
    """Return what `StratifiedShuffleSplit` holds out, without its lists of Python's numbers.

    It refuses what it would refuse.
    """
    n, (classes, counts) = len(y), np.unique(y, return_counts=True)
    wanted = math.ceil(test_size * n)
    if counts.min() < 2 or min(wanted, n - wanted) < len(classes):
        made = StratifiedShuffleSplit(test_size=test_size, random_state=random_state)
        return np.asarray(next(made.split(np.zeros(n, bool), y))[1])
    rng = np.random.RandomState(random_state)
    kept = _approximate_mode(counts, n - wanted, rng)
    ends = kept + _approximate_mode(counts - kept, wanted, rng)
    parts = [
        np.flatnonzero(y == value)[rng.permutation(count)[first:last]]
        for value, count, first, last in zip(classes, counts, kept, ends, strict=True)
    ]
    return np.concatenate(parts)


def _by_splitter(estimator: Any, X: Array, y: Array) -> Array:
    made = list(estimator.validation_split.split(X, y))
    if len(made) != 1:
        raise ValueError(
            f"{type(estimator).__name__}: validation_split must make one split, got "
            f"{len(made)} from {estimator.validation_split!r}; take PredefinedSplit, or "
            "ShuffleSplit with n_splits=1"
        )
    return np.asarray(made[0][1])


def _by_rows(estimator: Any, n: int) -> Array:
    rows = np.asarray(estimator.validation_split)
    if rows.dtype == bool and rows.shape == (n,):
        return np.flatnonzero(rows)
    inside = rows.ndim == 1 and rows.dtype.kind in "iu" and np.all((rows >= -n) & (rows < n))
    if not inside:
        raise ValueError(
            f"{type(estimator).__name__}: validation_split must be a splitter, a mask of the {n} "
            f"examples, or the rows to hold out, from 0 to {n - 1}; got "
            f"{estimator.validation_split!r}"
        )
    return np.unique(rows % n)


def scorers(estimator: Any) -> dict[str, Callable[..., float]]:
    """Return the metrics to take after each epoch as functions of a model, X and y.

    >>> list(scorers(cr.MLPRegressor(metrics={"error": "neg_max_error"})))
    ['error']
    """
    return {name: scorer(given) for name, given in (estimator.metrics or {}).items()}


def scorer(given: Any) -> Callable[..., float]:
    """Return a scorer, by its name in scikit-learn or a function, as one of (model, X, y, weight).

    The weights go to those that take them.

    >>> scorer(lambda model, X, y: model + len(X))(1, [2, 3], None, None)
    3.0
    """
    if not isinstance(given, str) and not callable(given):
        raise TypeError(f"a scorer must be a name or a function of (model, X, y), got {given!r}")
    try:
        found = get_scorer(given)
    except ValueError:
        raise unknown_name("scorer", given, get_scorer_names()) from None
    signature = inspect.signature(getattr(found, "_score_func", found))
    weighs = "sample_weight" in signature.parameters

    def measured(model: Any, X: Array, y: Array, weight: Array | None) -> float:
        weights = {"sample_weight": weight} if weighs and weight is not None else {}
        return float(found(model, X, y, **weights))

    return measured
