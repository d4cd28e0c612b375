"""Scorers and metrics: by their names in scikit-learn, or functions of the user's own."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from numpy.typing import NDArray
from sklearn.metrics import get_scorer, get_scorer_names

from chainrule.errors import unknown_name
from chainrule.estimators.fit_state import FitState

Array = NDArray[Any]

Scorer = Callable[[Any, Array, Array, Array | None], float]
"""A function of a model, X, y and the weights."""


class Scoring(NamedTuple):
    """What looks at a model after each epoch.

    `model` makes an estimator of where a fit stands, `score` scores the validation data, None by
    their loss, and `metrics` are further scorers by name.
    """

    model: Callable[[FitState], Any]
    score: Scorer | None
    metrics: dict[str, Scorer]


def scorers(estimator: Any) -> dict[str, Scorer]:
    """Return the metrics to take after each epoch as functions of a model, X and y.

    >>> list(scorers(cr.MLPRegressor(metrics={"error": "neg_max_error"})))
    ['error']
    """
    return {name: scorer(given) for name, given in (estimator.metrics or {}).items()}


def scorer(given: Any) -> Scorer:
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
