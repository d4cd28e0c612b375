"""What is written in columns of text, told from all their values in bounded memory.

shape   a text with 9 for each digit, and 0 for a nought with which its digits begin
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from chainrule.tabular.formats.number_formats import spelled

MOST_SHAPES = 1_000
"""The most shapes of a column that are told apart: numbers and dates have few."""

LONGEST = 200
"""The characters of a value that are looked at: no number or date has so many."""

KEPT = 1_000
"""The different values that are kept to try a format on."""

POINT, THREE, YEAR = r"[.eEnN]", r"^[+-]?[1-9]\d{0,2}\.\d{3}$", r"^\d{1,2}\.\d{4}$"
"""What makes a plain number none of the whole ones, one that a point may part into thousands, and
one that may be a month of a year."""

FIELDS = r"^\D*(\d{1,2})[./-](\d{1,2})[./-](\d{4}|\d{2})(?:\D|$)"
"""Dates of digits, of which the year comes last."""


def shapes_of(values: pl.Series) -> pl.Series:
    """Return the shape of each text.

    >>> shapes_of(pl.Series(["1,417.77", "0,500", "3 kg"])).to_list()
    ['9,999.99', '0,999', '9 kg']
    """
    values = values.str.head(LONGEST)
    shapes = values.str.replace_all(r"[0-9]", "9")
    nought = values.str.contains(r"^[^0-9]*0").arg_true()
    return shapes.scatter(nought, shapes.gather(nought).str.replace("9", "0", literal=True))


class Tally:
    """What is written in a column of text, after the rows so far.

    Attributes
    ----------
    shapes
        How often each shape comes, and the least value that has it.
    rest
        How many values have a shape that is not told apart.
    words
        How often each of some words comes, which mean that there is no value.
    kept
        Some different values, as far as they are looked at.
    greatest, least
        Of the fields of dates such as 31/12/2012; and whether day and month are equal throughout.

    >>> tally = Tally(("NA",))
    >>> tally.add(pl.Series(["1", "2", "NA", None]))
    >>> tally.shapes, tally.words
    ({'9': (2, '1')}, {'NA': 1})
    """

    def __init__(self, words: tuple[str, ...]) -> None:
        self._words = words
        self.shapes: dict[str, tuple[int, str]] = {}
        self.words: dict[str, int] = {}
        self.rest: int = 0
        self.kept: set[str] = set()
        self.greatest: list[int] = [0, 0, 0]
        self.least: list[int] = [99, 99, 9999]
        self.alike: bool = True

    @property
    def values(self) -> int:
        """How many values there are, without the words that mean none."""
        return self.rest + sum(count for count, _ in self.shapes.values())

    @property
    def some(self) -> list[str]:
        """The values that were kept, in their order."""
        return sorted(self.kept - set(self.words))

    def add(self, column: pl.Series) -> None:
        """Take in the next rows of the column."""
        counts = spelled(column.drop_nulls()).alias("value").value_counts(name="count")
        counts = counts.filter(pl.col("value") != "")
        if len(self.kept) < KEPT:
            some = counts["value"].sort().head(KEPT - len(self.kept))
            self.kept |= set(some.str.head(LONGEST))
        counts = self._without_words(counts)
        number = counts["value"].cast(pl.Float64, strict=False).fill_nan(None)
        padded = counts["value"].str.contains(r"^[+-]?0\d")
        plain = number.is_not_null() & ~padded
        in_any_way = (number == 0) | number.is_infinite()  # their writing tells nothing
        self._add_plain(counts.filter(plain & ~in_any_way))
        self._add_as("0", counts.filter(plain & in_any_way))
        self._add_shapes(counts.filter(~plain))

    def merge(self, behind: Tally) -> None:
        """Take in the rows behind these, as another tally has them.

        >>> one, other = Tally(()), Tally(())
        >>> one.add(pl.Series(["1", "x"])), other.add(pl.Series(["2"]))
        (None, None)
        >>> one.merge(other)
        >>> one.shapes, one.some
        ({'9': (2, '1'), 'x': (1, 'x')}, ['1', '2', 'x'])
        """
        self.kept |= set(sorted(behind.kept)[: KEPT - len(self.kept)])
        for word, count in behind.words.items():
            self.words[word] = self.words.get(word, 0) + count
        for shape, (count, value) in behind.shapes.items():
            self._count(shape, count, value)
        self.rest += behind.rest
        self._reach(behind.least, behind.greatest)
        self.alike &= behind.alike

    def _without_words(self, counts: pl.DataFrame) -> pl.DataFrame:
        is_word = counts["value"].is_in(self._words)
        for word, count in counts.filter(is_word).iter_rows():
            self.words[word] = self.words.get(word, 0) + count
        return counts.filter(~is_word)

    def _add_plain(self, counts: pl.DataFrame) -> None:
        """Count numbers as a program writes them by the three shapes that matter."""
        if counts.is_empty():
            return
        digits = counts["value"].str.len_chars()
        point, three, year = (counts["value"].str.contains(p) for p in (POINT, THREE, YEAR))
        many = ~point & (digits > 15)
        for shape, holds in (
            ("9", ~point & ~many), ("9999999999999999", many), ("9.9", point & ~three & ~year),
            ("9.999", three), ("99.9999", year),
        ):  # fmt: skip
            self._add_as(shape, counts.filter(holds))

    def _add_as(self, shape: str, counts: pl.DataFrame) -> None:
        if counts.height:
            self._count(shape, int(counts["count"].sum()), str(counts["value"].min()))

    def _add_shapes(self, counts: pl.DataFrame) -> None:
        if counts.is_empty():
            return
        shaped = counts.with_columns(shapes_of(counts["value"]).alias("shape"))
        found = shaped.group_by("shape").agg(pl.sum("count"), pl.min("value")).sort("shape")
        for shape, count, value in found.iter_rows():
            self._count(shape, count, value)
        self._add_fields(counts["value"])

    def _count(self, shape: str, count: int, value: str) -> None:
        if shape in self.shapes:
            before, least = self.shapes[shape]
            self.shapes[shape] = before + count, min(least, value)
        elif len(self.shapes) < MOST_SHAPES:
            self.shapes[shape] = count, value
        else:
            self.rest += count

    def _add_fields(self, values: pl.Series) -> None:
        """Bound the fields of dates of digits: above 12 there is no month, above 31 no day."""
        dates = values.filter(values.str.contains(FIELDS))
        if dates.is_empty():
            return
        found = dates.str.extract_groups(FIELDS).struct.unnest().cast(pl.Int64)
        greatest: Any = found.max().row(0)
        least: Any = found.min().row(0)
        self._reach(least, greatest)
        self.alike &= bool((found.to_series(0) == found.to_series(1)).all())

    def _reach(self, least: Sequence[int], greatest: Sequence[int]) -> None:
        self.greatest = [max(pair) for pair in zip(self.greatest, greatest, strict=True)]
        self.least = [min(pair) for pair in zip(self.least, least, strict=True)]
