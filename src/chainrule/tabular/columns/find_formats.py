"""The formats of a table's columns, found from all their values, or asked for.

Raises TableError where a column can be read in more than one way, and nothing decides.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from chainrule.errors import argument
from chainrule.tabular.columns.find_dates import ChunksOf, date_format, of_digits, share
from chainrule.tabular.columns.find_numbers import (
    Convention,
    UndecidedError,
    mark_of,
    number_format,
)
from chainrule.tabular.columns.survey import Targets, names_of
from chainrule.tabular.columns.tallies import Tally
from chainrule.tabular.columns.task import is_few
from chainrule.tabular.formats.column_formats import ColumnFormat, ColumnFormats, WordFormat
from chainrule.tabular.formats.column_values import check_known, kind, plain, shown
from chainrule.tabular.formats.date_formats import OF_DIGITS, DateFormat, columns_of, formats_of
from chainrule.tabular.formats.missing_words import IN_NUMBERS, IN_TEXT
from chainrule.tabular.formats.number_formats import NumberFormat, evidence
from chainrule.tabular.read_options import Reading
from chainrule.tabular.table_error import TableError
from chainrule.tabular.table_shards import UNPARTED, TableShards

MOSTLY = 0.9
"""The share of a text column that must be numbers, or dates, for it to be taken so."""


@dataclass(frozen=True)
class Wanted:
    """What was asked of the columns, and how their table is written.

    Attributes
    ----------
    roles
        What columns are to be: words, number, date, weight, target or regression; the others are
        found.
    time
        The column that tells when.
    pointed
        Whether a point in a number is the decimal separator, as in text separated by commas.
    typed
        Whether the table has types, and nulls of its own: there a word is a word.

    >>> Wanted(reading=Reading(missing=("NA", ""))).missing
    ('NA',)
    """

    roles: Mapping[str, str] = field(default_factory=dict)
    time: str | None = None
    reading: Reading = Reading()
    pointed: bool = True
    typed: bool = True

    @property
    def missing(self) -> tuple[str, ...]:
        """The words that are asked to mean no value, besides the empty one."""
        return self.reading.missing or ()

    def words(self, tally: Tally) -> WordFormat:
        """Return the format of a column of words."""
        if self.reading.missing is not None:
            return WordFormat(self.missing)
        return WordFormat(()) if self.typed and set(IN_TEXT) & set(tally.words) else WordFormat()


def roles_of(
    target: Targets | None,
    *,
    task: str | None = None,
    numbers: Iterable[str] = (),
    categories: Iterable[str] = (),
    dates: Iterable[str] = (),
    texts: Iterable[str] = (),
    leave_out: Iterable[str] = (),
    order: Iterable[str] = (),
    weight: str | None = None,
) -> dict[str, str]:
    """Return what the options make of columns.

    >>> roles_of("price", dates=["sold"])
    {'sold': 'date', 'price': 'target'}
    """
    roles = {
        **dict.fromkeys(numbers, "number"),
        **dict.fromkeys(dates, "date"),
        **dict.fromkeys([*categories, *texts, *order, *leave_out], "words"),
    }
    if weight is not None:
        roles[weight] = "weight"
    given = {"classification": "words", "regression": "regression"}
    return {**roles, **dict.fromkeys(names_of(target), given.get(task or "", "target"))}


def find_formats(
    schema: Mapping[str, pl.DataType],
    chunks: ChunksOf,
    wanted: Wanted,
    shards: TableShards = UNPARTED,
) -> ColumnFormats:
    """Return the formats of the columns that are not read plainly.

    `chunks` gives the rows of some columns as often as wanted, those of this rank's `shards`.

    >>> table = pl.DataFrame({"price": ["1,5", "2,25"], "cut": ["Fair", "Good"]})
    >>> found = find_formats(table.schema, lambda names: iter([table.select(names)]), Wanted())
    >>> found.columns == {"price": NumberFormat(decimal=",")}
    True
    """
    asked = wanted.reading.date_format or ()
    with shards.alike():
        check_known("column in `date_format=`", columns_of(asked), list(schema))
    finder = _Finder(wanted, {name for name, dtype in schema.items() if dtype.is_float()})
    tallies = tally_texts(schema, chunks, wanted, shards)
    with shards.alike():
        finder.settle_all(tallies)
    digits = {name: dtype for name, dtype in schema.items() if dtype.is_integer()}
    for name, form in of_digits(digits, chunks, wanted.roles, wanted.reading, shards).items():
        finder.columns[name] = form
    if wanted.missing:
        for name, dtype in schema.items():
            if dtype.is_numeric():
                finder.columns.setdefault(name, NumberFormat(missing=wanted.missing))
    forms = finder.formats()
    with shards.alike():
        _check_used([form for form in asked if "=" not in form], forms)
    return forms


def _check_used(asked: Iterable[str], forms: ColumnFormats) -> None:
    """Raise TableError for a format of dates that no column has."""
    of_columns = {name: getattr(form, "formats", ()) for name, form in forms.columns.items()}
    used = {form for formats in of_columns.values() for form in formats}
    used |= set(getattr(forms.time, "formats", ()))
    has = (f"column {name!r} has {formats[0]}" for name, formats in of_columns.items() if formats)
    for form in asked:
        if form not in used:
            hint = next(has, "write it such as %d/%m/%Y, or for one column sold=%d/%m/%Y")
            raise TableError(f"no column has dates as {argument('date_format', form)} says; {hint}")


def tally_texts(
    schema: Mapping[str, pl.DataType], chunks: ChunksOf, wanted: Wanted, shards: TableShards
) -> dict[str, Tally]:
    """Return what is written in the columns of text: of each shard, then of all in their order.

    >>> table = pl.DataFrame({"cut": ["Fair", "Good"]})
    >>> found = tally_texts(table.schema, lambda names: iter([table]), Wanted(), UNPARTED)
    >>> found["cut"].some
    ['Fair', 'Good']
    """
    forced = {name for name, role in wanted.roles.items() if role in ("number", "date", "weight")}
    text = [
        name
        for name, dtype in schema.items()
        if dtype == pl.String or (name in forced and kind(dtype) == "text")
    ]
    if not text:
        return {}
    own: dict[int, Tallies] = defaultdict(lambda: _none_of(text, wanted))
    for shard, chunk in shards.in_shards(chunks(text)):
        for name, tally in own[shard].items():
            tally.add(plain(chunk[name]))
    return shards.in_turn(
        _none_of(text, wanted), lambda before: functools.reduce(_merged, own.values(), before)
    )


Tallies = dict[str, Tally]


def _none_of(text: Iterable[str], wanted: Wanted) -> Tallies:
    return {name: Tally((*IN_NUMBERS, *wanted.missing)) for name in text}


def _merged(before: Tallies, behind: Tallies) -> Tallies:
    for name, tally in before.items():
        tally.merge(behind[name])
    return before


def _undated(tally: Tally) -> str:
    """Return a value that is neither a date nor a number, if one was kept."""
    known = {*formats_of(list(tally.shapes)), "9", "9.9"}
    return next((v for shape, (_, v) in tally.shapes.items() if shape not in known), tally.some[0])


class _Finder:
    """The formats so far, and the columns that wait for the others to decide."""

    def __init__(self, wanted: Wanted, fractions: set[str]) -> None:
        self.wanted = wanted
        self.columns: dict[str, ColumnFormat] = {}
        self.said: dict[str, str] = {}
        self.time: ColumnFormat | None = None
        self.marks: dict[str, str] = {}
        self.open: dict[str, Tally] = {}
        if not wanted.typed:
            self.marks = dict.fromkeys(fractions, ".")

    def settle_all(self, tallies: Mapping[str, Tally]) -> None:
        """Find the formats of columns of text; raise TableError for what stays open."""
        for name, tally in tallies.items():
            self.settle(name, tally)
        self.settle_the_open()

    def settle(self, name: str, tally: Tally) -> None:
        """Find the format of a column of text, or leave it open."""
        try:
            self._take(name, self._format(name, tally, None))
        except UndecidedError:
            self.open[name] = tally

    def settle_the_open(self) -> None:
        """Find the formats that the other columns decide; raise TableError for what stays open."""
        marks = set(self.marks.values())
        mark = next(iter(marks)) if len(marks) == 1 else None
        for name, tally in self.open.items():
            try:
                self._take(name, self._format(name, tally, mark))
            except UndecidedError as undecided:
                raise undecided.error from None
            self.said[name] += f", as in {next(iter(self.marks))}"

    def _take(self, name: str, form: ColumnFormat) -> None:
        self.columns[name] = form
        in_text = ", in text" if self.wanted.typed and not isinstance(form, WordFormat) else ""
        self.said[name] = self.said.get(name, "") + in_text

    def formats(self) -> ColumnFormats:
        """Return the formats that are not plain."""
        columns = {name: form for name, form in self.columns.items() if form != WordFormat()}
        said = {name: form.said + self.said.pop(name, "") for name, form in columns.items()}
        return ColumnFormats(columns, {**self.said, **said}, self.time)

    def _format(self, name: str, tally: Tally, mark: str | None) -> ColumnFormat:
        role = self.wanted.roles.get(name, "")
        if name == self.wanted.time:
            values = tally.values > 0
            self.time = self._found(name, tally, mark, "time") if values else NumberFormat()
            if role != "words":
                return self.time
        if role == "words" or not tally.values:
            return self.wanted.words(tally)
        return self._found(name, tally, mark, role)

    def _found(self, name: str, tally: Tally, mark: str | None, role: str) -> ColumnFormat:
        """Return a column's format by what is written in it, and by what it is to be."""
        dates = self._date(name, tally, role)
        if role == "date":
            return dates or self.wanted.words(tally)
        if dates is not None and role != "target" and self._is_sure(dates):
            return dates
        numbers = self._number(name, tally, mark, role)
        if numbers is not None:
            return numbers
        if role == "time" and dates is None:
            raise TableError(
                f"{argument('time', name)} must hold dates or numbers, got text such as "
                f"{shown(_undated(tally))}; say how dates are written by `date_format=`, or leave "
                "those rows out"
            )
        if dates is not None and role != "target":
            return dates
        truths = {shape.casefold() for shape in tally.shapes} <= {"true", "false"}
        words = self.wanted.words(tally)
        return WordFormat(words.missing, boolean=True) if truths and role == "" else words

    def _is_sure(self, dates: DateFormat) -> bool:
        """Whether a column of dates is one though its values may be numbers."""
        return bool(self.wanted.reading.date_format) or dates.formats == (OF_DIGITS[8],)

    def _date(self, name: str, tally: Tally, role: str) -> DateFormat | None:
        if role in ("number", "weight", "regression"):
            return None
        least = {"date": 0.0, "time": 1.0}.get(role, MOSTLY)
        found = date_format(name, tally, role, least, self.wanted.reading)
        if isinstance(found, str):
            self.said[name] = found
        if not isinstance(found, tuple):
            return None
        return DateFormat(found, self.wanted.missing, others=share(found, tally) < 1)

    def _number(self, name: str, tally: Tally, mark: str | None, role: str) -> NumberFormat | None:
        convention = Convention(self.wanted.reading, self.wanted.pointed, mark)
        least = {"number": 0.0, "weight": 0.0, "time": 1.0, "regression": 1.0, "target": 1.0}.get(
            role, MOSTLY
        )
        if role == "target" and is_few(len(tally.some), tally.values):
            return None
        found = number_format(name, tally, role, least, convention)
        if isinstance(found, str):
            self.said[name] = found
        if not isinstance(found, NumberFormat):
            return None
        seen = evidence(tally.shapes)
        if mark is None and (sign := mark_of(found, seen)):
            self.marks[name] = sign
        if seen.brackets:
            self.said[name] = ", negative in brackets"
        return replace(found, missing=self.wanted.missing)
