"""How a column becomes numbers: what training fitted, as plain data, and its use.

An encoder writes the features of its column for n rows into zeros, shape (n, features), float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainrule.codec import Different
from chainrule.tabular.encoding.held_outliers import LIMIT, SOFT
from chainrule.tabular.formats.column_values import (
    as_moments,
    as_numbers,
    as_words,
    count,
    kind,
    not_read,
    shown,
)
from chainrule.tabular.formats.notes import Notes
from chainrule.tabular.formats.spelling import as_known, plainly
from chainrule.tabular.table_error import WRITTEN, TableError
from chainrule.value_types import Must

TINIEST = float(np.finfo(np.float64).tiny)
"""No scale lies below it, or its inverse would be infinite."""

ScaleFactor = Annotated[
    float, Must(f"a finite number >= {TINIEST:.3g}", lambda scale: scale >= TINIEST)
]
Cycle = Literal["month", "weekday", "hour"]
DifferentWords = Annotated[tuple[str, ...], Different]
Features = NDArray[np.float32]

CYCLES: dict[Cycle, tuple[int, Callable[[pl.Series], pl.Series]]] = {
    "month": (12, lambda moment: moment.dt.month() - 1),
    "weekday": (7, lambda moment: moment.dt.weekday() - 1),
    "hour": (24, lambda moment: moment.dt.hour() + moment.dt.minute() / 60),
}
"""What comes again and again in dates: its period, and where in it a moment stands."""


def standardised(x: NDArray[np.float64], centre: float, scale: float) -> Features:
    """Return numbers about 0 in float32, with outliers drawn in; 0 for what is not finite.

    z / √(1 + (z/3)²) with z = (x − centre) / scale, centred in float64.

    >>> standardised(np.array([10.0, 11.0, 1e300, np.nan]), centre=10, scale=1).round(3)
    array([0.   , 0.949, 3.   , 0.   ], dtype=float32)
    """
    with np.errstate(over="ignore", invalid="ignore"):
        z: Features = ((x - centre) * (1 / scale)).astype(np.float32)
    np.clip(z, -LIMIT, LIMIT, out=z)
    root = z * np.float32(1 / SOFT)
    root *= root
    root += 1
    z /= np.sqrt(root, out=root)
    finite = np.isfinite(x)
    return z if finite.all() else np.where(finite, z, np.float32(0))


class Encoder:
    """A column's way into numbers: the names of its features, a check of its type, the writing."""

    column: str

    numbers: ClassVar[int] = 0
    """How many of its features, the first ones, are numbers that may have any value."""

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the features."""
        raise NotImplementedError

    @property
    def levels(self) -> tuple[int, ...]:
        """Of each feature how many vectors it numbers; 0 where it is a number in its own right."""
        return (0,) * len(self.features)

    @property
    def record(self) -> Any:
        """What a file tells of it beside arrays: a record of plain data."""
        return self

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """What a file has of it in arrays, by name."""
        return {}

    def check(self, series: pl.Series, first: int) -> None:
        """Raise TableError where the column holds another type than in training."""

    def write(self, series: pl.Series, out: Features, notes: Notes) -> None:
        """Write the features of some rows into zeros."""
        raise NotImplementedError


@dataclass(frozen=True)
class NumberEncoder(Encoder):
    """A number, standardised: what is missing is the median, and has a feature of its own.

    `text` says that training had text, in which what is no number is missing.

    >>> import polars as pl
    >>> NumberEncoder("age", centre=40.0, scale=10.0, missing=True, text=False).features
    ('age', 'age missing')
    """

    kind: ClassVar[str] = "Number"
    numbers: ClassVar[int] = 1
    column: str
    centre: float
    scale: ScaleFactor
    missing: bool
    text: bool

    kinds: ClassVar[tuple[str, ...]] = ("integer", "float", "boolean")
    noun: ClassVar[str] = "number"

    @property
    def features(self) -> tuple[str, ...]:
        """The column, and whether it is missing."""
        return (self.column, f"{self.column} missing") if self.missing else (self.column,)

    def check(self, series: pl.Series, first: int) -> None:
        """Raise TableError for text that is no number, and for other types."""
        _check_kind(self, series, as_numbers, first)

    def write(self, series: pl.Series, out: Features, notes: Notes) -> None:
        """Write the number, and whether it is missing."""
        numbers = as_numbers(series)
        x = numbers.to_numpy()
        out[:, 0] = standardised(x, self.centre, self.scale)
        lost = ~np.isfinite(x)
        if lost.any():
            infinite = int(np.isinf(x).sum())
            notes.add(self.column, "infinite", infinite)
            _note_missing(self, series, numbers, int(lost.sum()) - infinite, notes)
            if self.missing:
                out[:, 1] = lost


@dataclass(frozen=True)
class DateEncoder(Encoder):
    """A moment: the time since the median, standardised, and where it stands in each cycle.

    Centre and scale are microseconds since 1970. What is missing is 0 throughout.

    >>> DateEncoder("day", 1.7e15, 1e13, cycles=("month",), missing=False, text=True).features
    ('day', 'day month sin', 'day month cos')
    """

    kind: ClassVar[str] = "Date"
    numbers: ClassVar[int] = 1
    column: str
    centre: float
    scale: ScaleFactor
    cycles: Annotated[tuple[Cycle, ...], Different]
    missing: bool
    text: bool

    kinds: ClassVar[tuple[str, ...]] = ("date",)
    noun: ClassVar[str] = "date"

    @property
    def features(self) -> tuple[str, ...]:
        """The column, the sine and cosine of its cycles, and whether it is missing."""
        waves = [f"{cycle} {wave}" for cycle in self.cycles for wave in ("sin", "cos")]
        more = [*waves, "missing"] if self.missing else waves
        return (self.column, *(f"{self.column} {name}" for name in more))

    def check(self, series: pl.Series, first: int) -> None:
        """Raise TableError for text that is no date, and for other types."""
        _check_kind(self, series, as_moments, first)

    def write(self, series: pl.Series, out: Features, notes: Notes) -> None:
        """Write the time, the waves, and whether they are missing."""
        moments = as_moments(series)
        x = moments.to_physical().cast(pl.Float64).to_numpy()
        out[:, 0] = standardised(x, self.centre, self.scale)
        for k, cycle in enumerate(self.cycles):
            period, place = CYCLES[cycle]
            angle = place(moments).cast(pl.Float64).to_numpy() * (2 * math.pi / period)
            out[:, 2 * k + 1] = np.nan_to_num(np.sin(angle))
            out[:, 2 * k + 2] = np.nan_to_num(np.cos(angle))
        if lost := moments.null_count():
            _note_missing(self, series, moments, lost, notes)
            if self.missing:
                out[:, -1] = moments.is_null().to_numpy()


@dataclass(frozen=True)
class CategoryEncoder(Encoder):
    """One of some categories, one-hot: a 0/1 feature for each, and for what is missing.

    `base` is a category without a feature: one of two needs none. With `other`, whatever else
    comes is one category more; without it, what training has not seen is 0 throughout.

    >>> CategoryEncoder("cut", ("Fair", "Good"), base=None, other=True, missing=True).features
    ('cut=Fair', 'cut=Good', 'cut other', 'cut missing')
    """

    kind: ClassVar[str] = "Category"
    column: str
    categories: DifferentWords
    base: str | None
    other: bool
    missing: bool

    def __post_init__(self) -> None:
        if self.base in self.categories:
            raise ValueError(f"the base {self.base!r} must be none of the categories")

    @property
    def features(self) -> tuple[str, ...]:
        """Column and category, and what stands for others and for none."""
        more = ("other",) * self.other + ("missing",) * self.missing
        named = (f"{self.column}={category}" for category in self.categories)
        return (*named, *(f"{self.column} {name}" for name in more))

    @cached_property
    def _codes(self) -> pl.Enum:
        return pl.Enum(self.categories)

    def check(self, series: pl.Series, first: int) -> None:
        """Raise TableError for types that have no words."""
        check_has_words(self.column, series)

    def write(self, series: pl.Series, out: Features, notes: Notes) -> None:
        """Write 1 for the category of each row."""
        words = as_words(series)
        codes = words.cast(self._codes, strict=False).to_physical()
        if codes.null_count() > words.null_count():
            base = () if self.base is None else (self.base,)
            words = as_known(words, (*self.categories, *base), plainly)
            codes = words.cast(self._codes, strict=False).to_physical()
        rows = codes.is_not_null().to_numpy().nonzero()[0]
        out[rows, codes.drop_nulls().to_numpy()] = 1
        if len(rows) < len(codes):
            self._write_rest(words, codes.is_null(), out, notes)

    def _write_rest(self, words: pl.Series, rest: pl.Series, out: Features, notes: Notes) -> None:
        if self.base is not None:
            rest &= words.ne_missing(self.base)
        missing = words.is_null()
        if self.missing:
            out[missing.to_numpy(), -1] = 1
        else:
            notes.add(self.column, "missing", count(missing))
        unseen = rest & ~missing
        if self.other:
            out[unseen.to_numpy(), len(self.categories)] = 1
        elif unseen.any():
            notes.add(self.column, "unseen", count(unseen), words.filter(unseen)[0])


@dataclass(frozen=True)
class RankEncoder(Encoder):
    """The place of a category in an order, standardised; 0 where it has none.

    >>> RankEncoder("cut", ("Fair", "Good", "Ideal"), centre=1.0, scale=1.0).features
    ('cut rank',)
    """

    kind: ClassVar[str] = "Rank"
    numbers: ClassVar[int] = 1
    column: str
    order: DifferentWords
    centre: float
    scale: ScaleFactor

    @property
    def features(self) -> tuple[str, ...]:
        """The column's rank."""
        return (f"{self.column} rank",)

    def write(self, series: pl.Series, out: Features, notes: Notes) -> None:
        """Write the rank; the categories themselves note what is unknown."""
        ranks = ranked(series, self.order)
        out[:, 0] = standardised(ranks.to_numpy(), self.centre, self.scale)


def ranked(series: pl.Series, order: tuple[str, ...]) -> pl.Series:
    """Return the place of each value in an order, from 0; null for what is not in it.

    >>> import polars as pl
    >>> ranked(pl.Series(["high", "low", "?"]), ("low", "mid", "high")).to_list()
    [2.0, 0.0, None]
    """
    words = as_known(as_words(series), order, plainly)
    return words.cast(pl.Enum(order), strict=False).to_physical().cast(pl.Float64)


def check_has_words(column: str, series: pl.Series) -> None:
    """Raise TableError where what held categories in training has no words."""
    if kind(series.dtype) == "other" and series.null_count() < len(series):
        held = f"column {column!r} held categories in training"
        raise TableError(f"{held}, holds {series.dtype} here")


def _check_kind(
    encoder: NumberEncoder | DateEncoder,
    series: pl.Series,
    read: Callable[[pl.Series], pl.Series],
    first: int,
) -> None:
    """Raise TableError where a column cannot be read as it was in training."""
    found = kind(series.dtype)
    if found in encoder.kinds or series.null_count() == len(series):
        return
    here = f"column {encoder.column!r} held {encoder.noun}s in training, holds"
    if found == "text":
        bad = not_read(series, read(series))
        if encoder.text or not bad.any():
            return
        row = bad.arg_max() or 0
        text = f"text here: {shown(series[row])} in row {first + row:,}"
        raise TableError(f"{here} {text}{WRITTEN[encoder.noun]}")
    raise TableError(f"{here} {series.dtype} here")


def _note_missing(
    encoder: NumberEncoder | DateEncoder,
    series: pl.Series,
    read: pl.Series,
    lost: int,
    notes: Notes,
) -> None:
    """Note what could not be read, and what is missing where training missed nothing."""
    if kind(series.dtype) == "text":
        unread = not_read(series, read)
        lost -= count(unread)
        if unread.any():
            notes.add(encoder.column, f"no {encoder.noun}", count(unread), series.filter(unread)[0])
    if not encoder.missing:
        notes.add(encoder.column, "missing", lost)
