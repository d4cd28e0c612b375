r"""What the model saved makes of the columns that matter most, found in rows held out.

p   (n, g, outputs)   what is predicted of n rows where a column has each of g values
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainrule.distributed import by_first
from chainrule.streams import Stream, generator
from chainrule.tabular.column_dependence import (
    CATEGORIES,
    POINTS,
    finite,
    has_curve,
    is_ordered,
    predicted,
    values_of,
)
from chainrule.tabular.files.source import Source
from chainrule.tabular.prepare import Prepared
from chainrule.tabular.table_model import TableModel
from chainrule.tabular.table_shards import TableShards

Array = NDArray[Any]

COLUMNS = 8
"""The most columns that have a curve: the most important."""

SEEN = 2_000
"""The most rows that show where the values of a column lie."""

AVERAGED, FEWEST = 300, 20
"""The most rows whose predictions are averaged, and how many are however long it lasts."""

WORK = 2**34
"""The weights that rows may pass in all."""

BARS, FEWEST_BARS, A_BAR = 30, 5, 10
"""The bars of a histogram of values, and how many rows there are for each between these bounds."""

APART = 12
"""So many different values or fewer have a point and a bar each."""

WIDE, TINY = 20.0, 1e-100
"""Where the greatest of positive values is so many times their median, they have a log axis.

Below the latter and beyond its inverse they have none, whose ends would not be finite.
"""

FEW = 3
"""A bar with fewer rows is one of which little is known."""

OUTPUTS = 3
"""The most outputs that have a curve of a column: of classes, those that vary most."""


@dataclass(frozen=True, eq=False)
class ColumnCurve:
    """What is predicted where a column has each of some values.

    Attributes
    ----------
    values
        The values, (g,); the last is null where rows have none.
    ordered
        Whether they are numbers or dates, and not categories.
    seen
        The values of rows held out.
    p
        The predictions, (n, g, outputs).
    """

    values: pl.Series
    ordered: bool
    seen: pl.Series
    p: Array

    @property
    def column(self) -> str:
        """The column."""
        return self.values.name

    @property
    def mean(self) -> Array:
        """The mean over the rows, (g, outputs)."""
        return np.asarray(self.p.mean(axis=0, dtype=float))

    @property
    def some(self) -> int:
        """How many of the values, the first ones, are not null."""
        return len(self.values) - self.values.null_count()

    @property
    def lies_apart(self) -> bool:
        """Whether the values are few."""
        return self.some <= APART

    @property
    def is_wide(self) -> bool:
        """Whether the values are better shown by their logarithms."""
        x = as_floats(self.values[: self.some])
        spans = x[0] > TINY and WIDE * np.median(x) < x[-1] < 1 / TINY
        return bool(not self.lies_apart and spans)

    @property
    def varying(self) -> list[int]:
        """The outputs that vary most, in their order."""
        most = np.argsort(-np.ptp(self.mean, axis=0), kind="stable")[:OUTPUTS]
        return sorted(most.tolist())


def column_curves(
    model: TableModel, prepared: Prepared, source: Source, columns: Iterable[str], seed: int
) -> list[ColumnCurve]:
    """Return the curves of some columns, as they are in rows held out."""
    chosen = [column for column in columns if has_curve(model, column)][:COLUMNS]
    if not chosen:
        return []
    rng, rows = generator(Stream.CURVES, seed), prepared.held_out_rows
    some = np.sort(rng.permutation(len(rows))[:SEEN])
    seen = picked_by_ranks(source.parts, model.read(source, chosen), rows[some])
    X = prepared.held_out.X[some]
    X = X[np.sort(rng.permutation(len(X))[: _averaged(model, len(chosen))])]
    return by_first(prepared.ranks, lambda: [_curve(model, X, seen[each]) for each in chosen])


def _averaged(model: TableModel, columns: int) -> int:
    """Return how many rows the work allows."""
    passes = columns * max(POINTS, CATEGORIES) * model.net.size * len(model.members)
    return min(AVERAGED, max(FEWEST, WORK // passes))


def _curve(model: TableModel, X: Array, seen: pl.Series) -> ColumnCurve:
    values, ordered = values_of(model, seen), is_ordered(model, seen.name)
    return ColumnCurve(values, ordered, seen, predicted(model, X, values))


def picked_by_ranks(
    parts: TableShards, frames: Iterable[pl.DataFrame], rows: Array
) -> pl.DataFrame:
    """Return some rows of a table, of which each rank has a part that comes in frames.

    >>> import polars as pl
    >>> from chainrule.tabular.table_shards import UNPARTED
    >>> picked_by_ranks(UNPARTED, [pl.DataFrame({"x": range(10)})], np.array([2]))["x"].to_list()
    [1]
    """
    if parts.sizes is None:
        return picked(frames, rows)
    own = rows - parts.first
    return pl.concat(parts.values(picked(frames, own[(own > 0) & (own <= parts.own)])))


def picked(frames: Iterable[pl.DataFrame], rows: Any) -> pl.DataFrame:
    """Return some rows of a table that comes in frames; they are counted from 1, and rise.

    >>> import polars as pl
    >>> picked(pl.DataFrame({"x": range(10)}).iter_slices(4), [2, 9])["x"].to_list()
    [1, 8]
    """
    return pl.concat(list(_picked(frames, np.asarray(rows))))


def _picked(frames: Iterable[pl.DataFrame], rows: Array) -> Iterator[pl.DataFrame]:
    first = 1
    for frame in frames:
        here = rows[(rows >= first) & (rows < first + frame.height)]
        yield frame[(here - first).tolist()]
        first += frame.height
        if not len(rows) or first > rows[-1]:
            return


def spread_of(curve: ColumnCurve) -> tuple[Array, Array]:
    """Return the edges of a histogram over the values of an ordered column, and its counts.

    Rows beyond the outermost values are in none of its bars.

    >>> seen = pl.Series("x", range(100))
    >>> edges, counts = spread_of(ColumnCurve(seen[20:60], True, seen, np.zeros((1, 40, 1))))
    >>> edges[:3].tolist(), counts.tolist()
    ([20.0, 23.9, 27.8], [4, 4, 4, 4, 4, 4, 4, 4, 4, 4])
    """
    x, seen = as_floats(curve.values[: curve.some]), as_floats(finite(curve.seen))
    bars = min(BARS, max(FEWEST_BARS, len(seen) // A_BAR))
    edges = (np.geomspace if curve.is_wide else np.linspace)(x[0], x[-1], bars + 1)
    return edges, np.histogram(seen, edges)[0]


def times(curve: ColumnCurve) -> list[int]:
    """Return how many rows have each of the values.

    >>> seen = pl.Series("count", [1, 2, 2, None])
    >>> times(ColumnCurve(pl.Series("count", [1, 2, None]), True, seen, np.zeros((1, 3, 1))))
    [1, 2, 1]
    """
    counts = dict(curve.seen.alias("value").value_counts(name="times").iter_rows())
    return [counts.get(value, 0) for value in curve.values]


def few(edges: Array, counts: Array) -> list[tuple[float, float]]:
    """Return the stretches of a histogram in which each bar has few rows.

    >>> few(np.arange(5), np.array([9, 0, 2, 3]))
    [(1.0, 3.0)]
    """
    padded = np.concatenate([[0], counts < FEW, [0]]).astype(int)
    starts, ends = (np.flatnonzero(np.diff(padded) == step) for step in (1, -1))
    return [(float(edges[a]), float(edges[b])) for a, b in zip(starts, ends, strict=True)]


def as_floats(values: pl.Series) -> Array:
    """Return numbers as they are, and dates as days since 1970, as plots take them.

    >>> from datetime import date
    >>> as_floats(pl.Series([date(1970, 1, 2)]))
    array([1.])
    """
    if values.dtype.is_temporal():
        values = values.cast(pl.Datetime("us")).to_physical() / 86_400_000_000
    return values.cast(pl.Float64).to_numpy()
