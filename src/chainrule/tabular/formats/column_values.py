"""The values of a column under one of their readings: as numbers, as moments, as words.

A value that a reading does not allow is null in it.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

from chainrule.errors import bare, did_you_mean
from chainrule.tabular.formats.date_formats import DateFormat
from chainrule.tabular.formats.missing_words import IN_NUMBERS
from chainrule.tabular.table_error import TableError

LONGEST = 30
"""The most characters of a text that a message quotes."""


def kind(dtype: pl.DataType) -> str:
    """Return what a type holds: integer, float, boolean, text, date, or other.

    >>> import polars as pl
    >>> kind(pl.UInt8()), kind(pl.Categorical()), kind(pl.Datetime("us")), kind(pl.Binary())
    ('integer', 'text', 'date', 'other')
    """
    if dtype.is_integer():
        return "integer"
    if dtype.is_numeric():
        return "float"
    if dtype == pl.Boolean:
        return "boolean"
    if dtype in (pl.Date, pl.Datetime):
        return "date"
    return "text" if dtype in (pl.String, pl.Categorical, pl.Enum) else "other"


def plain(series: pl.Series) -> pl.Series:
    """Return a column in the types that the rest knows: text as such, decimals as floats.

    >>> import polars as pl
    >>> plain(pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"]))).dtype
    String
    """
    if series.dtype in (pl.Categorical, pl.Enum):
        return series.cast(pl.String)
    return series.cast(pl.Float64) if series.dtype.is_decimal() else series


def as_numbers(series: pl.Series) -> pl.Series:
    """Return the values as Float64; text that is no number, as null.

    >>> import polars as pl
    >>> as_numbers(pl.Series([" 1.5", "2e3", "unknown"])).to_list()
    [1.5, 2000.0, None]
    """
    series = plain(series)
    if kind(series.dtype) == "text":
        return series.str.strip_chars().cast(pl.Float64, strict=False).fill_nan(None)
    return series.cast(pl.Float64)


def as_moments(series: pl.Series) -> pl.Series:
    """Return the values as moments in UTC, to the microsecond; text that is no date, as null.

    Without an offset from UTC, a moment is taken as it stands.

    >>> import polars as pl
    >>> [str(moment) for moment in as_moments(pl.Series(["2024-05-01T12:00+02:00", "May"]))]
    ['2024-05-01 10:00:00', 'None']
    """
    series = in_calendar(plain(series))
    if series.dtype == pl.Datetime and series.dtype.time_zone:  # type: ignore[attr-defined]
        series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return ISO.read(series) if kind(series.dtype) == "text" else series.cast(pl.Datetime("us"))


ISO = DateFormat()

DAYS = -719_162, 2_932_896
"""The first day of the year 1 and the last of 9999, counted from 1970: Python has no others."""

PARTS = {"ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
"""How many of each unit a day has."""


def in_calendar(series: pl.Series) -> pl.Series:
    """Return dates and moments, null where their year is none of 1 to 9999.

    >>> in_calendar(pl.Series([0, 2**31 - 1]).cast(pl.Int32).cast(pl.Date)).to_list()
    [datetime.date(1970, 1, 1), None]
    """
    if kind(series.dtype) != "date":
        return series
    parts = PARTS[series.dtype.time_unit] if isinstance(series.dtype, pl.Datetime) else 1
    within = (series.to_physical() // parts).is_between(*DAYS)
    return series if within.all() else series.set(~within, None)


def not_read(series: pl.Series, read: pl.Series) -> pl.Series:
    """Whether a text of each row is neither read nor a word that means no value.

    >>> text = pl.Series(["1.5", "-", "soon"])
    >>> not_read(text, as_numbers(text)).to_list()
    [False, False, True]
    """
    return read.is_null() & series.is_not_null() & ~series.is_in(IN_NUMBERS)


def as_words(series: pl.Series) -> pl.Series:
    """Return the values as text; whole numbers without a point, so that 3 and 3.0 are one word.

    >>> import polars as pl
    >>> as_words(pl.Series([3.0, 2.5, None])).to_list()
    ['3', '2.5', None]
    """
    series = plain(series)
    if kind(series.dtype) != "float":
        return series.cast(pl.String)
    number = pl.col(series.name).cast(pl.Float64).fill_nan(None)
    whole = number.cast(pl.Int64, strict=False)
    words = pl.when(whole == number).then(whole.cast(pl.String)).otherwise(number.cast(pl.String))
    return series.to_frame().select(words).to_series()


def values_in(column: str, values: Iterable[Any]) -> pl.Series:
    """Return some values of one column; whole numbers may be greater than polars expects.

    >>> values_in("id", [-(2**63), 2**63]).dtype
    Int128
    """
    values = list(values)
    whole = all(type(value) is int for value in values)
    if not whole or all(-(2**63) <= value < 2**63 for value in values):
        return pl.Series(column, values)
    return pl.Series(column, values, dtype=pl.Int128 if max(values) < 2**127 else pl.UInt128)


def count(holds: pl.Series) -> int:
    """Return how many of some Booleans are true.

    >>> import polars as pl
    >>> count(pl.Series([True, None, True]))
    2
    """
    return int(holds.sum())


def shown(value: Any) -> str:
    """Return a value as messages quote it: short, and without the characters that only steer.

    >>> shown("a" * 50), shown(2.50)
    ("'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'…", '2.5')
    """
    if isinstance(value, float):
        return f"{value:.6g}"
    if not isinstance(value, str):
        return bare(str(value)).removesuffix(" 00:00:00")
    return repr(value) if len(value) <= LONGEST else f"{value[:LONGEST]!r}…"


def unknown_column(what: str, name: str, known: Sequence[str]) -> TableError:
    """Return the error for a column that a table does not have, with the nearest that it has.

    >>> print(unknown_column("target", "Pric", ["carat", "price"]))
    unknown target 'Pric'; did you mean 'price'? The table has carat, price
    """
    more = ", …" if len(known) > 10 else ""
    has = ", ".join(map(bare, known[:10])) + more
    return TableError(f"unknown {what} {did_you_mean(name, known, most=1)} The table has {has}")


def check_known(what: str, names: Iterable[str], known: Sequence[str]) -> None:
    """Raise TableError for a name that is none of a table's columns.

    >>> check_known("target", ["price"], ["carat", "price"])
    """
    there = set(known)
    for name in names:
        if name not in there:
            raise unknown_column(what, name, known)


def different_names(names: Sequence[str], *, numbered: bool) -> tuple[str, ...]:
    """Return the names of a table's columns, each once: with a number where that is asked for.

    Raises TableError for a name that several columns have otherwise.

    >>> different_names(["x", "x", "x_2"], numbered=True)
    ('x', 'x_3', 'x_2')
    """
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice and not numbered:
        raise TableError(
            f"{names.count(twice[0])} columns are called {shown(twice[0])}; rename them, or let "
            "`number_duplicates=True` do it"
        )
    given, taken = set(names), dict[str, None]()
    numbers = {name: itertools.count(2) for name in twice}
    for name in names:
        others = (f"{name}_{number}" for number in numbers.get(name, ()))
        free = (other for other in others if other not in taken and other not in given)
        taken[next(free) if name in taken else name] = None
    return tuple(taken)
