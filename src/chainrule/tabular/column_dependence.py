r"""What a model makes of a column: its predictions where all rows have the same value in it.

n   rows        v   (g,) the values that the column is given        p   (n, g, outputs)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainrule.errors import check_whole, unknown_name
from chainrule.tabular.asked_values import asked_values
from chainrule.tabular.columns.row_sample import Sample
from chainrule.tabular.encoding.column_encoders import DateEncoder, NumberEncoder
from chainrule.tabular.encoding.preparation import Preparation
from chainrule.tabular.encoding.text_encoder import TextEncoder
from chainrule.tabular.read_options import column_name
from chainrule.tabular.table_error import TableError
from chainrule.tabular.table_model import TableModel

Array = NDArray[Any]

ROWS = 500
"""The rows whose predictions are averaged, where no other number is asked for."""

POINTS = 33
"""The most values of a number or a date that a column is given."""

TAIL = 0.005
"""The share of the rows, on each side, that lie beyond the first and the last of them."""

CATEGORIES = 20
"""The most categories that a column is given: the most frequent."""

LEVELS = (0.1, 0.5, 0.9)
"""The quantiles over the rows that are told beside their mean."""


def partial_dependence(
    model: TableModel,
    table: Any,
    column: Any,
    *,
    values: Sequence[Any] | None = None,
    rows: int = ROWS,
    **reading: Any,
) -> pl.DataFrame:
    r"""Return what a model predicts on average where a column has each of some values.

    $$\hat f(v) = \frac{1}{n} \sum_{i=1}^{n} f(v, x_i)$$

    where x_i is all else in row i. How far apart the quantiles over the rows lie tells how much the
    other columns matter. Sources: Friedman (2001), Greedy function approximation; Goldstein and
    others (2015), Peeking inside the black box.

    Parameters
    ----------
    model
        A model of `cr.train`, or `model_` of an estimator.
    table
        What `TableModel.predict` takes.
    column
        One of the columns that the model predicts from, but none of text.
    values
        The values that the column is given, read as in a table; None where rows have no value. A
        category that training had not is refused, or, where it left rare ones out, warned of. Left
        out, they are quantiles of a number or a date from the table, up to 33, or its most frequent
        categories, up to 20; with None, where rows have no value.
    rows
        The most rows that are averaged; of more, so many are drawn, the same each time.
    **reading
        How a file is read where that differs from training, as in `TableModel.predict`.

    Returns
    -------
    polars.DataFrame
        For each value and each output of the model, a class, a quantile or the target: the mean
        over the rows and the quantiles 0.1, 0.5 and 0.9. Each row counts once, whatever its weight.

    Raises
    ------
    TableError
        Where the table lacks what the model needs, or the column cannot be varied.
    TypeError, ValueError
        Where `model`, `values` or `rows` are not what they must be.

    Examples
    --------
    >>> wine = cr.train("sklearn:wine", "target", effort="fast", epochs=10)
    >>> cr.partial_dependence(wine, "sklearn:wine", "alcohol", values=[12, 14]).columns
    ['value', 'output', 'mean', 'quantile_0.1', 'quantile_0.5', 'quantile_0.9']
    """
    return _summed_up(model, *column_predictions(model, table, column, values, rows, reading))


def column_predictions(
    model: TableModel,
    table: Any,
    column: Any,
    values: Sequence[Any] | None,
    rows: int,
    reading: dict[str, Any],
) -> tuple[pl.Series, Array]:
    """Return the values that a column is given, and p of the rows drawn, as `partial_dependence`.

    >>> table = pl.DataFrame({"x": [k * k for k in range(9)], "y": range(9)})
    >>> model = cr.train(table, "y", epochs=1)
    >>> column_predictions(model, table, "x", [1, 2], 5, {})[1].shape
    (5, 2, 1)
    """
    _check_model(model)
    sample = Sample(check_whole("rows", rows, least=1))
    _check_varied(model, column := column_name(column))
    asked = None if values is None else asked_values(model, column, values)
    for frame in model.read(model.opened(table, **reading), model.preparation.columns):
        sample.add(frame)
    drawn = sample.rows()
    X = model.preparation.transform(drawn)
    given = values_of(model, drawn[column]) if asked is None else asked
    return given, predicted(model, X, given)


def _check_model(model: Any) -> None:
    if not isinstance(model, TableModel):
        got = type(model).__name__
        raise TypeError(f"model must be a TableModel, as `model_` of an estimator is, got {got}")


def _check_varied(model: TableModel, column: str) -> None:
    """Raise TableError where a model does not take a column, or it has no curve."""
    if column not in model.preparation.columns:
        known = model.preparation.columns
        raise TableError(str(unknown_name("column of the model", column, known)))
    if not has_curve(model, column):
        raise TableError(f"column {column!r} is a text, which has no curve; take another `column=`")


def has_curve(model: TableModel, column: str) -> bool:
    """Whether a column has values that can be set: a text has none.

    >>> model = cr.train(
    ...     pl.DataFrame({"x": [k * k for k in range(9)], "y": range(9)}), "y", epochs=1
    ... )
    >>> has_curve(model, "x")
    True
    """
    return not any(isinstance(each, TextEncoder) for each in _own(model, column))


def values_of(model: TableModel, seen: pl.Series) -> pl.Series:
    """Return the values that a column is given, of those that rows have.

    >>> model = cr.train(
    ...     pl.DataFrame({"x": [k * k for k in range(9)], "y": range(9)}), "y", epochs=1
    ... )
    >>> values_of(model, pl.Series("x", [3, 1, None, 2, 1])).to_list()
    [1, 2, 3, None]
    """
    ordered = is_ordered(model, seen.name)
    there = finite(seen) if ordered else seen.drop_nulls()
    found = _quantiles(there) if ordered else _most_frequent(there)
    return found.extend_constant(None, 1) if len(there) < len(seen) else found


def is_ordered(model: TableModel, column: str) -> bool:
    """Whether a column is a number or a date.

    >>> model = cr.train(
    ...     pl.DataFrame({"x": [k * k for k in range(9)], "y": range(9)}), "y", epochs=1
    ... )
    >>> is_ordered(model, "x")
    True
    """
    return any(isinstance(each, NumberEncoder | DateEncoder) for each in _own(model, column))


def predicted(model: TableModel, X: Array, values: pl.Series) -> Array:
    """Return p: what is predicted of prepared rows where the column has each of the values.

    >>> table = pl.DataFrame({"x": [k * k for k in range(9)], "y": range(9)})
    >>> model = cr.train(table, "y", epochs=1)
    >>> X = model.preparation.transform(table)
    >>> predicted(model, X, pl.Series("x", [0, 5, 9])).shape
    (9, 3, 1)
    """
    own = Preparation(_own(model, values.name)).transform(values.to_frame())
    places, parts = model.preparation.places[values.name], []
    for features in own:
        changed = X.copy()
        changed[:, places] = features
        parts.append(model.outputs_of(changed))
    return np.stack(parts, axis=1)


def _own(model: TableModel, column: str) -> tuple[Any, ...]:
    return tuple(each for each in model.preparation.encoders if each.column == column)


def finite(seen: pl.Series) -> pl.Series:
    """Return the values of a number or date that are some.

    >>> finite(pl.Series([1.0, float("nan"), None])).to_list()
    [1.0]
    """
    return seen.filter(seen.is_finite()) if seen.dtype.is_numeric() else seen.drop_nulls()


def _quantiles(seen: pl.Series) -> pl.Series:
    """Return values between which equally many lie, or all where they are few."""
    if len(different := seen.unique().sort()) <= POINTS:
        return different
    places = np.linspace(TAIL, 1 - TAIL, POINTS) * (len(seen) - 1)
    return seen.sort()[np.unique(places.round().astype(int))].unique().sort()


def _most_frequent(seen: pl.Series) -> pl.Series:
    counts = seen.to_frame().group_by(seen.name).len("times")
    first = counts.sort("times", seen.name, descending=[True, False]).head(CATEGORIES)
    return first[seen.name]


def _summed_up(model: TableModel, values: pl.Series, p: Array) -> pl.DataFrame:
    """Return the mean and the quantiles over the rows, value by value and output by output."""
    names = model.outputs_named
    figures = {"mean": p.mean(axis=0, dtype=float)} | {
        f"quantile_{q}": each
        for q, each in zip(LEVELS, np.quantile(p, LEVELS, axis=0), strict=True)
    }
    return pl.DataFrame(
        {
            "value": values.gather(np.repeat(np.arange(len(values)), len(names))),
            "output": [*names] * len(values),
            **{name: each.ravel().astype(float) for name, each in figures.items()},
        }
    )
