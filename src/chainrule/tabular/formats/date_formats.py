"""How text becomes moments: the formats in which dates and times are written.

format   as polars has it: %d.%m.%Y; one of `FORMATS`, or what a person gives
shape    a text with 9 for each digit, or 0: 31.12.2012 is 99.99.9999
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import polars as pl

from chainrule.tabular.formats.date_parts import COMPACT, ISO, MONTHS, TIDIED, TOKENS
from chainrule.tabular.read_options import Reading

ORDERS = {
    "day first": ("%d", "%m", "%Y"), "month first": ("%m", "%d", "%Y"),
    "day first, years of two digits": ("%d", "%m", "%y"),
    "month first, years of two digits": ("%m", "%d", "%y"),
    "year first": ("%y", "%m", "%d"),
}  # fmt: skip
"""The orders in which day, month and year come where all are digits."""

_LAST = [s.join(order) for order, s in itertools.product(ORDERS.values(), "./-")]
_FIRST = [f"%Y{s}%m{s}%d" for s in "-/."]
_NAMED = [
    *("%d %B %Y", "%d-%B-%Y", "%d/%B/%Y", "%d.%B.%Y", "%d. %B %Y", "%d%B%Y", "%d %B, %Y"),
    *("%d %B %y", "%d-%B-%y", "%d/%B/%y", "%d%B%y", "%B %d, %Y", "%B %d %Y", "%B-%d-%Y"),
    *("%B/%d/%Y", "%B %d, %y", "%Y-%B-%d", "%Y %B %d", "%Y/%B/%d"),
]
_MONTHLY = [
    *("%Y-%m", "%Y/%m", "%m/%Y", "%m-%Y", "%m.%Y", "%B-%Y", "%B %Y", "%B, %Y", "%B/%Y", "%B%Y"),
    *("%B-%y", "%B/%y", "%Y-%B", "%Y %B", "%Y/%B"),
]
DATES = (*_FIRST, *_LAST, *_NAMED, "%Y%m%d")
TIMES = (
    *(" %H:%M", " %H:%M:%S%.f", " %I:%M %p", " %I:%M:%S%.f %p", " %I %p", " %H%M", " %H%M%S"),
    *(", %H:%M", ", %H:%M:%S%.f", ", %I:%M %p", ", %I:%M:%S%.f %p", ":%H:%M:%S%.f", ":%H:%M"),
)
LONGEST = 100
"""The most characters of a format."""

ZONES = ("", "%#z")
WHOLE = ("%B %d %H:%M:%S%.f %Y", "%d %B %H:%M:%S%.f %Y", *_MONTHLY)
"""The formats that are no date with a time behind it."""

OF_DIGITS = {4: "%Y", 6: "%Y%m", 8: "%Y%m%d"}
"""The formats of whole numbers that are dates, by how many digits they have."""

ZONE = re.compile(r"[09]{1,2}:[09]{2}\S*\s+(?P<zone>[A-Z]{2,5}|[A-Z]\w+/\w+)$")
"""A time zone by its name, behind a time."""


def tidied(text: pl.Series) -> pl.Series:
    """Return dates in text in the one way that the formats know.

    >>> tidied(pl.Series(["Mon, 1st Sept. 2012", "2012-01-01T11:59:00,5PM UTC"])).to_list()
    ['1 Sep 2012', '2012-01-01 11:59:00.5 PmZ']
    """
    text = text.str.strip_chars()
    for pattern, put in TIDIED:
        text = text.str.replace_all(pattern, put)
    return text


@cache
def pattern_of(form: str) -> str:
    """Return the pattern of what a format stands for.

    >>> pattern_of("%d.%m.%Y")
    '(?i)^\\\\d{1,2}\\\\.\\\\d{1,2}\\\\.\\\\d{4}$'
    """
    parts = re.split(r"(%(?:-|#|\.)?[a-zA-Z%])", form)
    compact = "%Y%m" in form or "%H%M" in form
    tokens = TOKENS | COMPACT if compact else TOKENS
    known = (tokens.get(p, ".+" if p.startswith("%") else re.escape(p)) for p in parts)
    return f"(?i)^{''.join(known)}$"


@cache
def _patterns(forms: tuple[str, ...]) -> dict[str, re.Pattern[str]]:
    return {form: re.compile(pattern_of(form)) for form in forms}


@cache
def _starts() -> dict[str, re.Pattern[str]]:
    return {form: re.compile(pattern_of(form).removesuffix("$")) for form in DATES}


@cache
def _behind(rest: str) -> tuple[str, ...]:
    """Return the formats of what stands behind a date."""
    forms = ("", *(time + zone for time in TIMES for zone in ZONES))
    return tuple(form for form, pattern in _patterns(forms).items() if pattern.match(rest))


def formats_of(shapes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the formats that each shape of a date has, without those that are none.

    >>> formats_of(["9/9/9999", "99 Apr 9999", "soon"])
    {'9/9/9999': ('%d/%m/%Y', '%m/%d/%Y'), '99 Apr 9999': ('%d %B %Y',)}
    """
    dates = [shape for shape in shapes if _MAY_BE.search(shape)]
    found = zip(dates, tidied(pl.Series(dates, dtype=pl.String)), strict=True)
    formats = {shape: _formats(text) for shape, text in found}
    return {shape: forms for shape, forms in formats.items() if forms}


_MAY_BE = re.compile(rf"(?i)[09].*[-/.][09]*.*[09]|[09]{{8}}|(?:{MONTHS}).*[09]|[09].*(?:{MONTHS})")


@cache
def _formats(text: str) -> tuple[str, ...]:
    """Return the formats of a tidied shape."""
    whole = [form for form, pattern in _patterns(WHOLE).items() if pattern.match(text)]
    for form, pattern in _starts().items():
        if start := pattern.match(text):
            whole += [form + behind for behind in _behind(text[start.end() :])]
    return tuple(whole)


def order_of(form: str) -> str | None:
    """Return in which order day, month and year come where that is to be found out, or None.

    >>> order_of("%d/%m/%Y %H:%M"), order_of("%d %B %Y")
    ('day first', None)
    """
    return next((name for name, start in _ORDERED if form.startswith(start)), None)


_ORDERED = [(name, s.join(order)) for name, order in ORDERS.items() for s in "./-"]


def columns_of(asked: Iterable[str]) -> list[str]:
    """Return the columns for which formats are asked.

    >>> columns_of(["%d/%m/%Y", "sold=%m/%d/%Y"])
    ['sold']
    """
    return [each.partition("=")[0].strip() for each in asked if "=" in each]


def format_asked(name: str, reading: Reading) -> tuple[str, bool] | None:
    """Return the format that was asked for a column, and whether for this one alone.

    >>> format_asked("sold", Reading(date_format=("%d/%m/%Y", "sold=%m/%d/%Y")))
    ('%m/%d/%Y', True)
    """
    general = None
    for asked in reading.date_format or ():
        column, equals, form = asked.partition("=")
        if equals and column.strip() == name:
            return form.strip(), True
        if not equals:
            general = asked, False
    return general


@cache
def is_format(form: str) -> bool:
    """Whether dates can be read by a format.

    >>> is_format("%d.%m.%Y"), is_format("%H"), is_format("%d" * 100)
    (True, False, False)
    """
    if len(form) > LONGEST:
        return False
    try:
        parsed(pl.Series([form]), form)
    except pl.exceptions.PolarsError:
        return False
    return True


@dataclass(frozen=True)
class DateFormat:
    """How text becomes moments, by formats of which the first that fits is taken.

    `missing` are the words that mean no value besides those that do so by themselves, and `others`
    says that training had text besides, which is missing.

    >>> DateFormat(("%d.%m.%Y",)).read(pl.Series(["31.12.2012", "12/31/2012"])).to_list()
    [datetime.datetime(2012, 12, 31, 0, 0), None]
    """

    kind: ClassVar[str] = "DateForm"
    formats: tuple[str, ...] = ISO
    missing: tuple[str, ...] = ()
    others: bool = False

    def __post_init__(self) -> None:
        for form in self.formats:
            if form not in ISO and not is_format(form):  # ours are, and polars starts no threads
                raise ValueError(f"{form[:LONGEST]!r} is no format of dates, such as %d/%m/%Y")

    @property
    def said(self) -> str:
        """What is said of the form, behind a comma."""
        other = [form for form in self.formats if form not in ISO]
        return f", written as {' and '.join(other[:3])}" if other else ""

    def read(self, text: pl.Series) -> pl.Series:
        """Return moments in UTC, to the microsecond; null for what is none.

        Without an offset from UTC, a moment is taken as it stands.
        """
        text = text.str.strip_chars()
        moments = pl.Series(text.name, [None], dtype=pl.Datetime("us")).new_from_index(0, len(text))
        for form in self.formats:
            moments = _filled(moments, text, form)
        if (moments.is_null() & text.is_not_null()).any():
            text = tidied(text)
            for form in self.formats:
                moments = _filled(moments, text, form)
        return moments


def _filled(moments: pl.Series, text: pl.Series, form: str) -> pl.Series:
    """Return moments with those filled in that one more format finds."""
    rest = (moments.is_null() & text.is_not_null()).arg_true()
    return moments.scatter(rest, parsed(text.gather(rest), form)) if len(rest) else moments


def parsed(text: pl.Series, form: str) -> pl.Series:
    """Return tidied text as moments by one format; null where it has another.

    >>> parsed(pl.Series(["12/2012", "2012"]), "%m/%Y").to_list()
    [datetime.datetime(2012, 12, 1, 0, 0), None]
    """
    text = text.set(~text.str.contains(pattern_of(form)), None)
    head = (
        "" if re.search("%[dejFDvcs+-]", form) else "01 " if re.search("%[mbB]", form) else "01 01 "
    )
    start = {"": "", "01 ": "%d ", "01 01 ": "%d %m "}[head]
    found = (head + text).str.to_datetime(start + form, time_unit="us", strict=False)
    return found.dt.replace_time_zone(None)
