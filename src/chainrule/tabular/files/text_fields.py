"""From the bytes of rows to columns: what a field may hold, and of which kind a column is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from chainrule.tabular.files.decode_errors import decoding
from chainrule.tabular.files.plain_numbers import NUMBERS, plain_numbers
from chainrule.tabular.table_error import TableError

PARTED = r"^[+-]?[1-9]\d{0,2}\.\d{3}$"
"""A number whose point may be the decimal separator, or part thousands."""

MONTH = r"^0\d\.\d{4}$"
"""A month of a year, such as 01.2012, and no number."""

PADDED = r"^\s*[+-]?0\d+\s*$"
"""Digits behind a nought, which a number would lose."""

LONG = r"^\s*[+-]?\d{19,}\s*$"
"""More digits than a number holds: where all are so, they are names."""

EMPTY = ("",)
"""The fields that hold no value whatever their column: words are for its form to judge."""

FieldType = pl.DataType | None
"""What a column holds: Booleans, whole numbers, numbers or text; None where it has no values."""


class Fields(NamedTuple):
    """How the fields of a row are parted and written.

    `points` says whether a point is the decimal separator: None where the numbers of a column are
    to decide, which is then read as text.
    """

    columns: tuple[str, ...]
    delimiter: str
    points: bool | None = True

    def parse(
        self, rows: bytes | Path, kinds: Mapping[str, FieldType], **options: Any
    ) -> pl.DataFrame | None:
        """Return rows as columns, or None where a value is not of its column's kind.

        A row that is too short is filled up with nulls.
        """
        wanted = [kinds[name] for name in self.columns]
        frame = None
        if all(kind in NUMBERS for kind in wanted):  # twice as fast, where no field is a word
            frame = self._tried(rows, wanted, null_values=None, **options)
        frame = self._tried(rows, wanted, **options) if frame is None else frame
        return frame if frame is None or not _holds_nan(frame) else frame.fill_nan(None)

    def plain(
        self, rows: bytes, kinds: Mapping[str, FieldType], places: Sequence[int] | None = None
    ) -> pl.DataFrame | None:
        """Return rows as columns, or those in some places, where all are plainly of numbers."""
        wanted = {name: kinds[name] for name in self.columns}
        return plain_numbers(rows, self.delimiter, wanted, places)

    def _tried(
        self, rows: bytes | Path, kinds: Sequence[FieldType], **options: Any
    ) -> pl.DataFrame | None:
        try:
            with decoding("the rows cannot be read"):
                return self._read(rows, kinds, **options)
        except TableError:
            return None  # what is wrong is found in the pieces

    def text(
        self, rows: bytes | Path, nulls: Mapping[str, Sequence[str]], **options: Any
    ) -> list[pl.Series]:
        r"""Return some columns as they stand, null where they hold one of the words given for them.

        >>> found = Fields(("a", "b"), ",").text(b"01,NA\n1.10,x\n", {"a": [], "b": ["NA"]})
        >>> [column.to_list() for column in found]
        [['01', '1.10'], [None, 'x']]
        """
        alike: dict[tuple[str, ...], list[str]] = {}
        for name, words in nulls.items():
            alike.setdefault(tuple(words), []).append(name)
        texts = [pl.String()] * len(self.columns)
        place = {name: k for k, name in enumerate(self.columns)} if nulls else {}
        found: list[pl.Series] = []
        for words, names in alike.items():
            places = sorted(place[name] for name in names)
            frame = self._read(rows, texts, list(words), columns=places, **options)
            found += frame.get_columns()
        return found

    def kinds_in(self, rows: bytes | Path, *, first: bool = False) -> dict[str, FieldType]:
        r"""Return the narrowest kind that all values of each column are of.

        The first rows tell, besides, where digits are names.

        >>> Fields(("a", "b"), ",").kinds_in(b"1,yes\n2.5,no\n")
        {'a': Float64, 'b': String}
        """
        text = self._read(rows, [pl.String()] * len(self.columns))
        no_blanks = text.select(pl.all().str.contains(r"[^ \t]").sum())
        counts = [text.count(), no_blanks, *(self._fitting(kind, rows) for kind in NARROW)]
        found = zip(*(count.row(0) for count in counts), strict=True)
        kinds = {name: _kind(*row) for name, row in zip(self.columns, found, strict=True)}
        numbers = [name for name, kind in kinds.items() if kind == NARROW[2]]
        whole = [name for name, kind in kinds.items() if kind == NARROW[1]]
        odd = self._may_be_no_numbers(text.select(numbers))
        if first:
            odd += _names_among(text.select(numbers), text.select(whole))
        return kinds | dict.fromkeys(odd, pl.String())

    def count(self, rows: bytes | Path) -> int:
        r"""Return how many rows there are.

        >>> Fields(("a", "b"), ",").count(b'1,"x\n"\n2,y\n')
        2
        """
        return self._read(rows, [pl.String()] * len(self.columns)).height

    def _may_be_no_numbers(self, numbers: pl.DataFrame) -> list[str]:
        """Return those columns of numbers that are months, or whose points may part thousands."""
        if self.points is False:
            return numbers.columns
        odd = pl.all().str.contains(MONTH).any()
        if self.points is None:
            pointed = pl.all().filter(pl.all().str.contains("[.eE]"))
            odd |= pointed.len().gt(0) & pointed.str.strip_chars().str.contains(PARTED).all()
        return where(numbers.select(odd))

    def _fitting(self, kind: FieldType, rows: bytes | Path) -> pl.DataFrame:
        """Return how many values of each column are of a kind."""
        return self._read(rows, [kind] * len(self.columns), ignore_errors=True).count()

    def _read(
        self,
        rows: bytes | Path,
        kinds: Sequence[FieldType],
        null_values: Sequence[str] | None = EMPTY,
        **options: Any,
    ) -> pl.DataFrame:
        return pl.read_csv(
            rows,
            glob=False,
            has_header=False,
            schema={n: kind or NARROW[0] for n, kind in zip(self.columns, kinds, strict=True)},
            separator=self.delimiter,
            null_values=null_values and list(null_values),
            raise_if_empty=False,
            infer_schema_length=0,
            **options,
        )


NARROW = (pl.Boolean(), *NUMBERS)
"""The kinds besides text. What fits a whole number fits a number; everything fits text."""


def _holds_nan(frame: pl.DataFrame) -> bool:
    """Whether a column may hold NaN, which is a way to spell that there is no value."""
    sums = frame.select(pl.col(pl.Float64).sum())
    return any(math.isnan(total) for total in sums.row(0)) if sums.width else False


def _names_among(numbers: pl.DataFrame, whole: pl.DataFrame) -> list[str]:
    """Return the columns whose fields would lose, as numbers, digits that names have."""
    padded = pl.all().str.contains(PADDED).any()
    long = pl.all().str.contains(LONG).all()
    return [
        *where(numbers.select(padded)),
        *where(numbers.select(long)),
        *where(whole.select(padded)),
    ]


def where(flags: pl.DataFrame) -> list[str]:
    """Return the columns of a row that hold True.

    >>> where(pl.DataFrame({"a": [True], "b": [None], "c": [False]}))
    ['a']
    """
    return [name for name, holds in flags.to_dict(as_series=False).items() if holds[0]]


def _kind(values: int, no_blanks: int, booleans: int, whole: int, numbers: int) -> FieldType:
    """Return the narrowest kind, by how many values are of each; a number may be blank."""
    if not values:
        return None
    if booleans == values:
        return NARROW[0]
    if numbers == no_blanks:
        return NARROW[1] if whole == no_blanks else NARROW[2]
    return pl.String()


def seen(kinds: Mapping[str, FieldType], frame: pl.DataFrame) -> dict[str, FieldType]:
    """Return the kinds by which a frame was parsed: a column without one may now have values.

    >>> seen({"a": None, "b": pl.Int64()}, pl.DataFrame({"a": [True], "b": [1]}))
    {'a': Boolean, 'b': Int64}
    """
    return {
        name: kind or (NARROW[0] if frame[name].count() else None) for name, kind in kinds.items()
    }


def widened(one: FieldType, other: FieldType) -> FieldType:
    """Return the narrowest kind that has room for the values of two.

    >>> widened(pl.Int64(), pl.Float64()), widened(None, pl.Boolean())
    (Float64, Boolean)
    >>> widened(pl.Boolean(), pl.Int64())
    String
    """
    if one is None or other is None or one == other:
        return one or other
    return NARROW[2] if {one, other} <= set(NARROW[1:]) else pl.String()
