"""The rows that an estimator is handed to train with, and those that it is handed to hold out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainrule.errors import argument
from chainrule.tabular.estimator_table import with_column
from chainrule.tabular.formats.column_values import kind

Array = NDArray[Any]


class EstimatorRows(NamedTuple):
    """Rows of a table, with their y and their weights, if any; the last `held_out` are held out.

    >>> EstimatorRows(pl.DataFrame({"x": [1, 2]}), np.array([3, 4]), None).held_out
    0
    """

    frame: pl.DataFrame
    y: Array
    weight: Array | None
    held_out: int = 0

    def that_count(self) -> Self:
        """Return those whose weight is not 0.

        >>> rows = EstimatorRows(pl.DataFrame({"x": [1, 2]}), np.array([3, 4]), np.array([0, 2]))
        >>> rows.that_count().y
        array([4])
        """
        if self.weight is None:
            return self
        counts = self.weight > 0
        return self._replace(
            frame=self.frame.filter(counts), y=self.y[counts], weight=self.weight[counts]
        )

    def holding_out(self, others: Self) -> Self:
        """Return these rows with others behind them, which are held out.

        Raises ValueError where a column cannot hold the values of both.

        >>> rows = EstimatorRows(pl.DataFrame({"x": [1, 2]}), np.array([3, 4]), None)
        >>> rows.holding_out(EstimatorRows(pl.DataFrame({"x": [0.5]}), np.array([7]), None)).y
        array([3, 4, 7])
        """
        weights = [np.ones(len(each.y)) if each.weight is None else each.weight
                   for each in (self, others)]  # fmt: skip
        alike = self.weight is others.weight is None
        return self._replace(
            frame=_stacked(self.frame, others.frame),
            y=np.concatenate([self.y, others.y]),
            weight=None if alike else np.concatenate(weights),
            held_out=len(others.y),
        )

    def table(
        self, names: Sequence[str], options: Mapping[str, Any]
    ) -> tuple[pl.DataFrame, list[str], dict[str, Any]]:
        """Return a table that `train` takes, its targets and the options, with others added.

        The target and what else is known of the rows are its last columns. With rows that are held
        out, no network is trained with them unless that is asked for.

        >>> rows = EstimatorRows(pl.DataFrame({"x": [1, 2]}), np.array([3, 4]), None)
        >>> rows.table(["y"], {"epochs": 3})[1:]
        (['y'], {'epochs': 3})
        """
        frame, asked = self.frame, dict(options)
        if self.weight is not None:
            frame, asked["weight"] = with_column(frame, "sample_weight", self.weight)
        if self.held_out:
            is_held_out = np.arange(len(self.y)) >= len(self.y) - self.held_out
            frame, mark = with_column(frame, "held_out", is_held_out.astype(np.int8))
            asked |= {
                "time": mark,
                "leave_out": [*(asked.get("leave_out") or ()), mark],
                "validation": self.held_out / len(self.y),
                "refit": bool(asked.get("refit")),
            }
        targets = []
        for name, own in zip(names, self.y.reshape(len(self.y), len(names)).T, strict=True):
            frame, target = with_column(frame, name, own)
            targets.append(target)
        return frame, targets, asked


def _stacked(frame: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of two frames with the same columns, in types that hold both."""
    pairs = zip(frame.iter_columns(), others.iter_columns(), strict=True)
    return pl.DataFrame([_both(*pair) for pair in pairs])


def _both(column: pl.Series, other: pl.Series) -> pl.Series:
    kinds = {kind(each.dtype) for each in (column, other) if each.null_count() < len(each)}
    try:
        if len(kinds) > 1 and not kinds <= {"integer", "float"}:
            raise pl.exceptions.SchemaError
        parts = [each.to_frame() for each in (column, other)]
        return pl.concat(parts, how="vertical_relaxed").to_series()
    except pl.exceptions.PolarsError:
        raise ValueError(
            f"column {column.name!r} of X_val holds {other.dtype}, and of X {column.dtype}; make "
            "them alike"
        ) from None


def check_not_held_out_twice(options: Mapping[str, Any]) -> None:
    """Raise ValueError where rows are given to hold out, and others are asked to be.

    >>> check_not_held_out_twice({"groups": "city"})
    Traceback (most recent call last):
    ...
    ValueError: X_val and `groups='city'` both say which rows are held out; give one of them
    """
    for name in ("groups", "time"):
        if (asked := options.get(name)) is not None:
            both = f"X_val and {argument(name, asked)}"
            raise ValueError(f"{both} both say which rows are held out; give one of them")
