"""The examples that a run is measured by after each epoch: the user's own, or a part set aside."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from numpy.typing import NDArray
from sklearn.metrics import get_scorer, get_scorer_names

from chainrule.errors import unknown_name
from chainrule.fitting.hold_out import as_given, as_scikit_learn

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
    asked, kind = estimator.validation_split, type(estimator).__name__
    if asked is None:
        return as_scikit_learn(len(X), estimator.validation_fraction, estimator.seed_, stratify)
    return as_given(f"{kind}: validation_split", asked, X, y)


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
