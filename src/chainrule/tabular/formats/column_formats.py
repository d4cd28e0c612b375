"""How the columns of a table are read: which text is a number, a moment, a word, or no value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, NamedTuple

import polars as pl

from chainrule import codec
from chainrule.codec import to_data
from chainrule.tabular.formats.column_values import as_words, count, kind, plain, shown
from chainrule.tabular.formats.date_formats import DateFormat, format_asked
from chainrule.tabular.formats.date_parts import ISO
from chainrule.tabular.formats.missing_words import IN_NUMBERS, IN_TEXT
from chainrule.tabular.formats.notes import Notes
from chainrule.tabular.formats.number_formats import PERCENT, NumberFormat
from chainrule.tabular.read_options import Reading
from chainrule.tabular.table_error import WRITTEN, TableError


@dataclass(frozen=True)
class WordFormat:
    """Words as they stand, but for those that mean no value; None for those that always do.

    Of a column of Booleans, small and capital letters are one.

    >>> WordFormat().read(pl.Series(["yes", "NA", "?"])).to_list()
    ['yes', 'NA', '?']
    """

    kind: ClassVar[str] = "WordForm"
    missing: tuple[str, ...] | None = None
    boolean: bool = False

    @property
    def said(self) -> str:
        """Nothing is said of words."""
        return ""

    def read(self, text: pl.Series) -> pl.Series:
        """Return the words."""
        return text.str.to_lowercase() if self.boolean else text


ColumnFormat = NumberFormat | DateFormat | WordFormat
PLAIN = WordFormat()
NO_THOUSANDS = {"thousands": ""}


class Read(NamedTuple):
    """A column as it is read: its values, and where a word means none, or text is not read.

    >>> read(NumberFormat(), pl.Series(["1.5", "-"])).words.to_list()
    [False, True]
    """

    values: pl.Series
    words: pl.Series
    unread: pl.Series


def words_of(form: ColumnFormat) -> tuple[str, ...]:
    """Return the words that mean no value under a form.

    >>> words_of(WordFormat(("-999",)))
    ('-999',)
    """
    if isinstance(form, WordFormat):
        return IN_TEXT if form.missing is None else form.missing
    return (*IN_NUMBERS, *form.missing)


def read(form: ColumnFormat, column: pl.Series) -> Read:
    """Return a column under its form.

    >>> [part.to_list() for part in read(NumberFormat(), pl.Series(["1.5", "-", "soon"]))]
    [[1.5, None, None], [False, True, False], [False, False, True]]
    """
    column = plain(column)
    if kind(column.dtype) != "text":
        return _typed(form, column)
    bare = column if isinstance(form, WordFormat) else column.str.strip_chars()
    words = bare.is_in(words_of(form)).fill_null(value=False)
    if not isinstance(form, WordFormat):
        words |= (bare == "").fill_null(value=False)
    text = column.set(words, None) if words.any() else column
    values = form.read(text).alias(column.name)
    return Read(values, words, values.is_null() & text.is_not_null())


def _typed(form: ColumnFormat, column: pl.Series) -> Read:
    """Return a column that is no text: numbers may be dates, or mean that there is no value."""
    none = pl.Series([False]).new_from_index(0, len(column))
    if kind(column.dtype) not in ("integer", "float"):
        return Read(column, none, none)
    words = none
    if sentinels := [x for x in map(_number, form.missing or ()) if x is not None]:
        words = column.cast(pl.Float64).is_in(sentinels).fill_null(value=False)
        column = column.set(words, None) if words.any() else column
    if isinstance(form, DateFormat):
        values = form.read(as_words(column)).alias(column.name)
        return Read(values, words, values.is_null() & column.is_not_null())
    return Read(column, words, none)


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None


@dataclass(frozen=True)
class ColumnFormats:
    """The forms of columns that are not read plainly, by name, and what is said of them.

    `time` is the form of a column that tells when, where its own is another; `plain` is that of
    the columns of text that have none.

    >>> ColumnFormats({"x": NumberFormat(",")}).of(pl.Series("x", ["1,5"])).decimal
    ','
    """

    columns: Mapping[str, ColumnFormat] = field(default_factory=dict)
    said: Mapping[str, str] = field(default_factory=dict, compare=False)
    time: ColumnFormat | None = field(default=None, compare=False)
    plain: WordFormat = field(default=PLAIN, compare=False)

    def of(self, column: pl.Series) -> ColumnFormat | None:
        """Return the form of a column; None where it is taken as it comes."""
        return self.columns.get(column.name, self.plain if column.dtype == pl.String else None)

    def asked(self, reading: Reading, numbers: Iterable[str]) -> ColumnFormats:
        """Return the forms of a table that is to be read so; `numbers` are columns of numbers.

        >>> ColumnFormats().asked(Reading(decimal=","), ["x"]).columns["x"].decimal
        ','
        """
        separators = _separators(reading)
        columns = dict(self.columns)
        if separators or reading.missing:
            columns = {name: NumberFormat() for name in numbers} | columns
        asked = {name: _as_asked(form, name, reading) for name, form in columns.items()}
        words = self.plain if reading.missing is None else WordFormat(reading.missing)
        return replace(self, columns=asked, plain=words)

    def parts(self, frame: pl.DataFrame) -> dict[str, Read]:
        """Return the columns of a frame that have a form, as they are read."""
        formed = ((column, self.of(column)) for column in frame.iter_columns())
        return {column.name: read(form, column) for column, form in formed if form is not None}

    def read(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return a frame with its columns as they are read.

        >>> ColumnFormats({"x": NumberFormat(",")}).read(
        ...     pl.DataFrame({"x": ["1,5"], "y": ["NA"]})
        ... ).row(0)
        (1.5, None)
        """
        return frame.with_columns(part.values for part in self.parts(frame).values())

    def read_new(
        self, frame: pl.DataFrame, notes: Notes | None = None, *, first: int = 1
    ) -> pl.DataFrame:
        """Return a frame as `read` does, of a table that training did not know.

        What is not read is counted in the notes, if training had such too; `first` is the number of
        the frame's first row in its table. Raises TableError where training had none.
        """
        new = replace(self, columns={name: _for_new(form) for name, form in self.columns.items()})
        parts = new.parts(frame)
        if notes is not None:
            for column in frame.iter_columns():
                _note_percent(self.columns.get(column.name), column, notes)
        for name, part in parts.items():
            if part.unread.any():
                _check_others(self.columns[name], frame[name], part.unread, first)
                if notes is not None:
                    what = f"no {_noun(self.columns[name])}"
                    example = frame[name].filter(part.unread)[0]
                    notes.add(name, what, count(part.unread), example)
        return frame.with_columns(part.values for part in parts.values())

    def to_data(self) -> dict[str, Any]:
        """Return the forms as JSON values."""
        return {name: to_data(form) for name, form in self.columns.items() if form != PLAIN}

    @classmethod
    def from_data(cls, data: Any) -> ColumnFormats:
        """Return the forms that `to_data` wrote down; raise ValueError where they are none."""
        return cls(codec.read(data, dict[str, ColumnFormat], "forms"))


def _noun(form: ColumnFormat) -> str:
    return "date" if isinstance(form, DateFormat) else "number"


def _note_percent(form: ColumnFormat | None, column: pl.Series, notes: Notes) -> None:
    """Note numbers of a type, which have no unit, where training had percent."""
    if getattr(form, "unit", "") == PERCENT and column.dtype.is_numeric():
        values = column.drop_nulls()
        notes.add(column.name, "no percent", len(values), next(iter(values), None))


def _check_others(form: ColumnFormat, column: pl.Series, unread: pl.Series, first: int) -> None:
    """Raise TableError where a form does not read what training had none of."""
    if not getattr(form, "others", True):
        row, noun = unread.arg_max() or 0, _noun(form)
        written = f" ({form.said.removeprefix(', ')})" if form.said else ""
        raise TableError(
            f"column {column.name!r} held {noun}s in training, holds {shown(column[row])} here, in "
            f"row {first + row:,}, which is no {noun}{written}{WRITTEN[noun]}"
        )


def _for_new(form: ColumnFormat) -> ColumnFormat:
    """Return a form that reads ISO 8601 too, which can be meant in one way alone.

    >>> new = _for_new(DateFormat(("%d.%m.%Y",)))
    >>> new.read(pl.Series(["31.12.2012", "2012-12-31"])).n_unique()
    1
    """
    if isinstance(form, DateFormat) and not any(each.startswith("%Y") for each in form.formats):
        return replace(form, formats=(*form.formats, *ISO))
    return form


def _separators(reading: Reading) -> dict[str, Any]:
    """Return the separators of numbers that are asked for; one of thousands says the other too."""
    if reading.thousands in (".", ","):
        return {"thousands": reading.thousands, "decimal": ".,".replace(reading.thousands, "")}
    asked = {"thousands": reading.thousands, "decimal": reading.decimal}
    return {name: sign for name, sign in asked.items() if sign is not None}


def _as_asked(form: ColumnFormat, name: str, reading: Reading) -> ColumnFormat:
    """Return the form of a column in a table that is to be read so."""
    if reading.missing is not None:
        form = replace(form, missing=reading.missing)
    if isinstance(form, NumberFormat):
        own = {"decimal": form.decimal, "thousands": form.thousands, **_separators(reading)}
        return replace(form, **own if own["decimal"] != own["thousands"] else own | NO_THOUSANDS)
    if isinstance(form, DateFormat) and (asked := format_asked(name, reading)):
        return replace(form, formats=(asked[0],))
    return form
