"""What is in the columns of a table, from one pass over its rows.

The same rows give the same survey however they are cut into chunks: what counts and what is least
or greatest comes from all rows, and what would depend on their order from a sample.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from chainrule.tabular.columns.row_counters import RowSteps
from chainrule.tabular.columns.row_sample import CELLS, FEWEST, SAMPLE, Sample
from chainrule.tabular.formats.column_formats import ColumnFormats, Read
from chainrule.tabular.formats.column_values import check_known, count, in_calendar, kind, plain
from chainrule.tabular.table_error import TableError
from chainrule.tabular.table_shards import UNPARTED, TableShards

MOST = 10_000
"""The most different values of a column that are told apart."""

Targets = str | tuple[str, ...]
"""The name of a target, or those of several."""

PIECE = 65_536
"""The rows that are looked at together: their columns fit into the processor's caches."""


@dataclass(frozen=True)
class Column:
    """What is in a column: NaN counts as null, and infinite values stand outside the bounds.

    Attributes
    ----------
    kind
        What the type holds: integer, float, boolean, text, date or other.
    infinite
        How many are infinite; of dates, of a year that is none of 1 to 9999.
    whole
        Whether it holds whole numbers alone.
    counts
        How often each value comes, in the order of the values; None where there are too many, for
        dates, and for numbers that are not whole.
    step
        1 where each row of the table has the whole number behind that of the row before it, also
        in text; -1 where it has the one before; else 0.
    text
        Whether it is written as text.
    said
        What is said of the form in which it is written, behind a comma.
    words
        How often each word comes that means that there is no value.
    unread
        How many values its form does not read, and some of them.
    """

    name: str
    dtype: str
    kind: str
    rows: int
    nulls: int
    infinite: int
    least: Any
    greatest: Any
    whole: bool
    counts: Mapping[Any, int] | None = field(repr=False)
    step: int = 0
    text: bool = False
    said: str = ""
    words: Mapping[str, int] = field(default_factory=dict)
    unread: tuple[int, tuple[str, ...]] = (0, ())

    @property
    def values(self) -> int:
        """The number of rows that have a value, and a finite one."""
        return self.rows - self.nulls - self.infinite


@dataclass(frozen=True)
class Survey:
    """The columns of a table, a sample of its rows, and what was left out of both.

    Attributes
    ----------
    rows
        The rows that were surveyed: those that have a target.
    without_target
        The rows that were not.
    """

    columns: Mapping[str, Column]
    sample: pl.DataFrame = field(repr=False, compare=False)
    target: Targets | None
    rows: int
    without_target: int

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of the target, or of each of several."""
        return names_of(self.target)


def names_of(target: Targets | None) -> tuple[str, ...]:
    """Return the name of a target, or those of several.

    >>> names_of("price"), names_of(("price", "rent")), names_of(None)
    (('price',), ('price', 'rent'), ())
    """
    return (target,) if isinstance(target, str) else tuple(target or ())


def survey(
    chunks: Iterable[pl.DataFrame],
    target: Targets | None = None,
    forms: ColumnFormats | None = None,
    kept: TableShards = UNPARTED,
) -> Survey:
    """Return what is in a table's columns, from its rows in one or more frames.

    Text is read by its form, where it has one. Rows without a target are left out. Raises
    TableError where no rows are left, or the target is no column. Of several ranks each gives its
    rows, of which `kept` are those with a target, and gets the survey of all.

    >>> import polars as pl
    >>> found = survey([pl.DataFrame({"x": [1, 2, 2], "y": [0.5, None, 1.5]})], target="y")
    >>> found.columns["x"].counts, found.rows, found.without_target
    ({1: 1, 2: 1}, 2, 1)
    """
    whole: _Table | None = None
    for chunk in chunks:
        with kept.alike():
            whole = whole or _Table(chunk, target, forms or ColumnFormats(), kept.first)
        for piece in chunk.iter_slices(PIECE) if chunk.height else [chunk]:
            whole.add(piece)
    whole = whole and whole.of_all(kept)
    with kept.alike():
        if whole is None or not whole.seen:
            raise TableError("the table has no rows")
        return whole.survey()


_ALL = pl.Series([True])


class _Table:
    """What is known of a table after the rows so far."""

    def __init__(
        self, first: pl.DataFrame, target: Targets | None, forms: ColumnFormats, before: int
    ) -> None:
        self.target, self.targets, self.forms = target, names_of(target), forms
        check_known("target", self.targets, first.columns)
        self.seen = 0
        schema = forms.read(first.clear()).schema
        self.tallies = {name: _Tally(name, dtype) for name, dtype in schema.items()}
        self.lost = {name: _Lost() for name in schema}
        self.text = {name for name, dtype in first.schema.items() if kind(dtype) == "text"}
        self.sample = Sample(max(FEWEST, min(SAMPLE, CELLS // max(first.width, 1))), before)

    def add(self, piece: pl.DataFrame) -> None:
        self.seen += piece.height
        written, parts = piece, self.forms.parts(piece)
        piece = piece.with_columns(part.values for part in parts.values())
        for column in piece.iter_columns():
            self.tallies[column.name].steps.add(column)
        has = _ALL
        for target in self.targets:
            has = has & has_target(piece[target])
        piece = piece if has.all() else piece.filter(has)
        for name, part in parts.items():
            self.lost[name].add(written[name], part, _ALL if name in self.targets else has)
        for column in piece.iter_columns():
            self.tallies[column.name].add(column)
        self.sample.add(piece)

    def of_all(self, kept: TableShards) -> _Table:
        """Return what is known of the rows of all ranks."""
        self.sample.of_all(kept)
        sample, self.sample = self.sample, Sample(0)  # which is not to be sent
        whole, *others = kept.values(self)
        for other in others:
            whole.merge(other)
        whole.sample = sample
        return whole

    def merge(self, behind: _Table) -> None:
        """Take in what is known of the rows behind these."""
        self.seen += behind.seen
        for name, tally in self.tallies.items():
            tally.merge(behind.tallies[name])
            self.lost[name].merge(behind.lost[name])

    def survey(self) -> Survey:
        rows = self.sample.seen
        if not rows:
            if len(self.targets) > 1:
                all_of_them = " and ".join(map(repr, self.targets))
                raise TableError(f"none of {self.seen:,} rows has all of the targets {all_of_them}")
            raise TableError(f"target {self.target!r} has no value in any of {self.seen:,} rows")
        said = self.forms.said
        columns = {
            name: dataclasses.replace(
                tally.column(rows),
                text=name in self.text,
                said=said.get(name, ""),
                **vars(self.lost[name]),
            )
            for name, tally in self.tallies.items()
        }
        return Survey(columns, self.sample.rows(), self.target, rows, self.seen - rows)


def with_target(frame: pl.DataFrame, target: Targets) -> pl.DataFrame:
    """Return the rows that have a target, or all of several: neither null nor NaN.

    >>> import polars as pl
    >>> with_target(pl.DataFrame({"y": [1.0, None, float("nan")]}), "y").height
    1
    """
    has = _ALL
    for name in names_of(target):
        has = has & has_target(frame.get_column(name))
    return frame if has.all() else frame.filter(has)


def has_target(column: pl.Series) -> pl.Series:
    """Whether each row has a target.

    >>> import polars as pl
    >>> has_target(pl.Series([1.0, None, float("nan")])).to_list()
    [True, False, False]
    """
    has = column.is_not_null()
    return has & column.is_not_nan().fill_null(value=False) if column.dtype.is_float() else has


class _Lost:
    """What the format of a column leaves out: words that mean no value, and what it cannot read."""

    def __init__(self) -> None:
        self.words: dict[str, int] = {}
        self.unread: tuple[int, tuple[str, ...]] = 0, ()

    def add(self, written: pl.Series, part: Read, has: pl.Series) -> None:
        if part.words.any():
            text = plain(written).filter(part.words & has).cast(pl.String).alias("word")
            for word, times in text.value_counts(name="count").sort("word").iter_rows():
                self.words[word] = self.words.get(word, 0) + times
        if part.unread.any():
            others = plain(written).filter(part.unread & has).cast(pl.String)
            some = others.unique().sort().head(2).to_list()
            self._add(len(others), some)

    def _add(self, unread: int, some: Iterable[str]) -> None:
        self.unread = self.unread[0] + unread, tuple(sorted({*self.unread[1], *some})[:2])

    def merge(self, behind: _Lost) -> None:
        """Take in what the rows behind these left out."""
        for word, times in behind.words.items():
            self.words[word] = self.words.get(word, 0) + times
        self._add(*behind.unread)


def _are_whole(column: pl.Series) -> bool:
    x = column.drop_nulls().to_numpy()
    return bool((x == np.rint(x)).all())


class _Tally:
    """What is known of a column after the rows so far."""

    def __init__(self, name: str, dtype: pl.DataType) -> None:
        self.name, self.dtype, self.kind = name, dtype, kind(dtype)
        self.nulls = self.infinite = 0
        self.least: Any = None
        self.greatest: Any = None
        self.whole = self.kind in ("integer", "float")
        self.counts: pl.DataFrame | None = None
        self.counted = self.kind in ("integer", "float", "boolean", "text")
        self.steps = RowSteps(dtype)

    def add(self, column: pl.Series) -> None:
        self.nulls += column.null_count()
        if self.kind == "other":
            return
        column = plain(column)
        if self.kind == "date":
            column = self._in_calendar(column)
        if self.kind == "float":
            column = self._finite(column)
            if self.whole and not _are_whole(column):
                self.whole = self.counted = False
        if column.null_count() < len(column):
            self._bound(column)
        if self.counted:
            self._count(column)

    def _finite(self, column: pl.Series) -> pl.Series:
        """Return the column with its finite values alone, and count the others."""
        if math.isfinite(column.sum()):  # only if all of them are, and it is quickly found
            return column
        self.nulls += count(column.is_nan())
        self.infinite += count(column.is_infinite())
        return column.filter(column.is_finite())

    def _in_calendar(self, column: pl.Series) -> pl.Series:
        """Return the column, null where a date is none, and count these."""
        found = in_calendar(column)
        self.infinite += found.null_count() - column.null_count()
        return found

    def _bound(self, column: pl.Series) -> None:
        least: Any = column.min()
        greatest: Any = column.max()
        if self.kind == "float":  # 0 is as small as -0, whichever comes first
            least, greatest = least + 0.0, greatest + 0.0
        self._reach(least, greatest)

    def _reach(self, least: Any, greatest: Any) -> None:
        self.least = least if self.least is None else min(self.least, least)
        self.greatest = greatest if self.greatest is None else max(self.greatest, greatest)

    def _count(self, column: pl.Series) -> None:
        self._add_counts(column.drop_nulls().alias("value").value_counts(name="count"))

    def _add_counts(self, new: pl.DataFrame) -> None:
        if self.counts is not None:
            new = pl.concat([self.counts, new]).group_by("value").agg(pl.sum("count"))
        self.counted = new.height <= MOST
        self.counts = new if self.counted else None

    def merge(self, behind: _Tally) -> None:
        """Take in what is known of the rows behind these."""
        self.nulls += behind.nulls
        self.infinite += behind.infinite
        self.whole &= behind.whole
        if behind.least is not None:
            self._reach(behind.least, behind.greatest)
        self.counted &= behind.counted
        if self.counted and behind.counts is not None:
            self._add_counts(behind.counts)
        self.counts = self.counts if self.counted else None
        self.steps.merge(behind.steps)

    def column(self, rows: int) -> Column:
        counts = None
        if self.counted and self.counts is not None:
            counts = dict(sorted(self.counts.rows()))
        return Column(
            name=self.name,
            dtype=str(self.dtype),
            kind=self.kind,
            rows=rows,
            nulls=self.nulls,
            infinite=self.infinite,
            least=self.least,
            greatest=self.greatest,
            whole=self.whole and self.least is not None,
            counts=counts,
            step=self.steps.step if self.whole or self.kind == "text" else 0,
        )
