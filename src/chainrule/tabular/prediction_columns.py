"""The columns of a table of predictions: what they are called, and their values.

p        (n, classes) probabilities, or (n, quantiles) values in the target's units, one of a mean
bounds   (n, 2) between which a quantity lies, or (n, classes) which are in the set of a row
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import polars as pl
from numpy.typing import NDArray

from chainrule.tabular.class_sets import written
from chainrule.tabular.encoding.several_targets import SeveralTargets
from chainrule.tabular.encoding.target_encoding import TargetEncoder
from chainrule.tabular.intervals import Interval
from chainrule.tabular.table_error import TableError

PREDICTION, QUANTILE = "prediction", "quantile_"
"""What columns of predictions are called, and what those of quantiles begin with."""

CONTRIBUTION = "contribution_"
"""What columns of contributions to predictions begin with."""

SET = "set"
"""What the column of the sets of classes is called."""

BOUNDS = ("lower", "upper")
"""What the columns of the bounds of a quantity are called."""


def are_predictions(columns: Iterable[str]) -> bool:
    """Whether a table of such columns is one of predictions.

    >>> are_predictions(["id", "prediction"]), are_predictions(["id", "price"])
    (True, False)
    """
    begins = (f"{PREDICTION}_", QUANTILE, CONTRIBUTION)
    return any(name == PREDICTION or name.startswith(begins) for name in columns)


def prediction_names(target: TargetEncoder, interval: Interval | None = None) -> list[str]:
    """Return what the columns of predictions are called, those of an interval among them.

    >>> from chainrule.tabular.encoding.target_encoding import ClassEncoder
    >>> prediction_names(ClassEncoder("dear", ("no", "yes")))
    ['prediction', 'probability_no', 'probability_yes']
    """
    if isinstance(target, SeveralTargets):
        return [_of_target(name, each) for each in target.parts for name in prediction_names(each)]
    if quantiles := getattr(target, "quantiles", ()):
        return [f"{QUANTILE}{q}" for q in quantiles]
    if target.task == "regression":
        return [PREDICTION, *BOUNDS] if interval else [PREDICTION]
    classes = getattr(target, "names", ())
    sets = [SET] if interval else []
    return [PREDICTION, *sets, *(f"probability_{name}" for name in classes)]


def _of_target(name: str, target: TargetEncoder) -> str:
    """Return what a column of predictions is called of one of several targets."""
    word, between, rest = name.partition("_")
    return f"{word}_{target.column}{between}{rest}"


def check_different(target: TargetEncoder) -> None:
    """Raise TableError where two columns of the predictions of several targets had one name.

    >>> from chainrule.tabular.encoding.target_encoding import QuantityEncoder
    >>> check_different(QuantityEncoder("price", 0.0, 1.0))
    """
    names = prediction_names(target)
    if len({*names}) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise TableError(
            f"targets {target.column}: two columns of their predictions would be called {twice!r}; "
            "rename one of the targets"
        )


def prediction_columns(
    target: TargetEncoder, p: NDArray[Any], bounds: NDArray[Any] | None = None
) -> list[pl.Series]:
    """Return outputs p as columns, of classes with the most probable before them, and bounds.

    The set of a row's classes stands behind the most probable.

    >>> from chainrule.tabular.encoding.target_encoding import QuantityEncoder
    >>> [column] = prediction_columns(QuantityEncoder("price", 0.0, 1.0), np.array([[1.5], [2.5]]))
    >>> column.name, column.to_list()
    ('prediction', [1.5, 2.5])
    """
    if isinstance(target, SeveralTargets):
        each = zip(target.parts, target.of_each(p), strict=True)
        columns = [column for own in each for column in prediction_columns(*own)]
        named = zip(columns, prediction_names(target), strict=True)
        return [column.alias(name) for column, name in named]
    if target.task == "classification":
        first, *probable = prediction_names(target)
        sets = [] if bounds is None else [written(bounds, target.names).alias(SET)]  # type: ignore[attr-defined]
        of_classes = [pl.Series(name, own) for name, own in zip(probable, p.T, strict=True)]
        return [target.decode(p).alias(first), *sets, *of_classes]
    named = zip(map(pl.Series, p.T), prediction_names(target), strict=True)
    of_bounds = [] if bounds is None else zip(map(pl.Series, bounds.T), BOUNDS, strict=True)
    return [column.alias(name) for column, name in (*named, *of_bounds)]
