"""CSV and its kin: text with delimiters, read in pieces or all at once."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import polars as pl

from chainrule.tabular.files import text_file
from chainrule.tabular.files.ahead import ahead
from chainrule.tabular.files.bad_lines import BadLineError
from chainrule.tabular.files.dialect import dialect
from chainrule.tabular.files.odd_rows import (
    count,
    holds_its_names,
    holds_odd,
    is_odd,
    longest,
    may_be_padded,
    without,
)
from chainrule.tabular.files.quoting import MIXED, QUOTED, UNQUOTED, quote_of
from chainrule.tabular.files.source import Source, Stamp, changed, digest, stamp
from chainrule.tabular.files.text_fields import (
    EMPTY,
    PADDED,
    Fields,
    FieldType,
    seen,
    where,
    widened,
)
from chainrule.tabular.files.text_file import TextFile
from chainrule.tabular.files.text_layout import plain_rows
from chainrule.tabular.read_options import Reading
from chainrule.tabular.table_error import TableError

LOOK = 2**20
"""The bytes from which the kinds of the columns are first taken; all of them settle these."""

LARGE = 8 * LOOK
"""A piece of so many bytes has a long row, whose fields are counted before it is parsed.

Parsing takes a hundred bytes for each field of a first row, however many the header has.
"""

MANY = 1.5
"""How many times as many rows as in the first bytes there may be in others of as many."""


class TextRows(NamedTuple):
    """Rows for polars: their bytes or file, how fields are quoted, the lines that stand above."""

    rows: bytes | Path
    quote: str = QUOTED
    above: int = 0

    @property
    def options(self) -> dict[str, Any]:
        """What `Fields` are to be told of them."""
        return {"quote_char": self.quote or None, "skip_lines": self.above}


class Delimited(Source):
    """A text file with delimiters.

    A column holds Booleans, whole numbers, numbers or text: the first of these that every value in
    the file fits. Blank lines are left out.
    """

    _as_text: Mapping[str, Sequence[str]] = MappingProxyType({})
    """The columns that are not read but copied, with the words that are null in each."""

    name: str
    typed = False

    def __init__(self, text: TextFile, reading: Reading) -> None:
        self.name, self._text = text.name, text
        self.stamps: dict[Path, Stamp] = {text.path: stamp(text.path)}
        self._untidy: set[int] = set()
        try:
            self._dialect = dialect(text, reading)
        except BadLineError as bad:
            raise self._error(bad.line, bad.what) from None
        self.columns: tuple[str, ...] = self._dialect.columns
        self._repeats = [0]  # how often the header's line came again: a list, for copies to share
        first = self._first_rows()
        if not first:
            raise TableError(
                f"{self.name}: has a header and no rows; if it is no header, give `header=False`"
            )
        self.pointed: bool = self._dialect.delimiter == ","
        points = False if reading.parts_by_point else self.pointed or None
        self._fields = Fields(self.columns, self._dialect.delimiter, points)
        self._row_size = len(first) / first.count(b"\n")
        self._first_kinds = self._fields.kinds_in(first, first=True)
        self._begins_plainly = self._is_plain(first) and not self._is_plain(self._dialect.header)
        self._notes = (*text.notes, *self._dialect.notes)

    def _first_rows(self) -> bytes:
        """Return the first rows in plain form, or nothing where there are none."""
        for number, piece in enumerate(self._pieces(min(LOOK, text_file.PIECE))):
            rows = self._plain(number, piece)
            if number == 0 and rows != piece and self._quote_of(piece) != UNQUOTED:
                self._untidy.add(0)
            if rows:
                return rows
        return b""

    @property
    def notes(self) -> tuple[str, ...]:  # type: ignore[override]
        """What was decided in reading it, as far as it was read."""
        (repeats,) = self._repeats
        said = {0: (), 1: ("1 line repeats the header, and is no row",)}
        many = (f"{repeats:,} lines repeat the header, and are no rows",)
        return (*self._notes, *said.get(repeats, many))

    @property
    def dtypes(self) -> dict[str, pl.DataType]:
        """The dtype of each column, for which the file is read through once."""
        return {**self._kinds, **dict.fromkeys(self._as_text, pl.String())}

    @cached_property
    def size(self) -> int:
        """How many bytes the rows take in memory, about: as many as the text, which is read."""
        return self._text.size()

    def fingerprint(self) -> str:
        """Return the SHA-256 of the file's bytes, in hexadecimal."""
        return digest(self._text.path)

    def as_text(self, columns: Iterable[str], nulls: Iterable[str] = ()) -> Delimited:
        """Return this table with some columns as the text that stands in the file."""
        chosen = dict.fromkeys(self._chosen(tuple(columns)), tuple(nulls))
        other = copy.copy(self)
        other._as_text = {**self._as_text, **chosen}
        return other

    @property
    def is_bare(self) -> bool:
        """Whether the bytes of the file are those of the text, any of which can be read alone."""
        return self._text.is_bare

    @property
    def likely_rows(self) -> int:
        """How many rows there are, as long as the first ones."""
        return round((self._text.bare_size() - self._dialect.header_bytes) / self._row_size)

    @property
    def rows_begin(self) -> tuple[TextFile, str, int]:
        """The text, its delimiter, and where in it the rows begin."""
        return self._text, self._dialect.delimiter, self._dialect.header_bytes

    def part(self, begin: int, end: int) -> Delimited:
        """Return the rows between two places in a bare text, to be read by themselves."""
        other = copy.copy(self)
        other._text = self._text._replace(begin=begin, end=end)
        other._untidy, other._repeats = set(), [0]
        for known in ("size", "_kinds"):
            vars(other).pop(known, None)
        return other

    def settle(self, kinds: Mapping[str, FieldType], repeats: int) -> None:
        """Take for granted what the columns hold, and how often the header comes again."""
        self._kinds = {name: kind or pl.String() for name, kind in kinds.items()}
        self._repeats = [repeats]

    def look(self) -> tuple[Mapping[str, FieldType], int, int]:
        """Return what the columns hold, how many rows there are, and how many repeated headers."""
        _ = self._kinds
        return self.kinds, self.counted, self._repeats[0]

    def padded(self, columns: Sequence[str]) -> list[str]:
        """Return those of some columns of numbers in which digits stand behind a nought."""
        left, found = dict.fromkeys(columns), []
        for number, piece in enumerate(self._pieces()):
            if left and may_be_padded(self._dialect.delimiter, piece):
                _, rows = self._frame(number, piece, self._kinds)
                read = self._fields.text(rows.rows, dict.fromkeys(left, EMPTY), **rows.options)
                new = where(pl.DataFrame(read).select(pl.all().str.contains(PADDED).any()))
                left = {name: None for name in left if name not in set(new)}
                found += new
        return found

    def _whole(self, columns: list[str]) -> pl.DataFrame:
        for way in (self._of_numbers, self._at_once):
            if (frame := way(columns)) is not None:
                return frame
        frames = [] if "_kinds" in vars(self) else self._as_begun(columns)
        if not frames:
            return super()._whole(columns)
        return pl.concat(frames, rechunk=True).cast(pl.Schema({n: self.dtypes[n] for n in columns}))

    # All at once: most files are throughout as they begin

    def _is_plain(self, rows: bytes) -> bool:
        return self._fields.plain(rows, self._first_kinds) is not None

    def _of_numbers(self, columns: list[str]) -> pl.DataFrame | None:
        """Return all rows where they are plainly of numbers, or None."""
        if self._as_text or not self._begins_plainly:
            return None
        if not (self._text.is_bare and self._text.ends_a_line()):
            return None
        kinds, places = self._first_kinds, [self.columns.index(name) for name in columns]
        frames: list[pl.DataFrame] = []
        pieces = self._text.bare_pieces(self._dialect.header_bytes)
        for frame in ahead(lambda piece: self._fields.plain(piece, kinds, places), pieces):
            if frame is None:
                return None
            frames.append(frame)
        self._kinds = {name: kind or pl.String() for name, kind in kinds.items()}
        return pl.concat(frames)

    def _at_once(self, columns: list[str]) -> pl.DataFrame | None:
        """Return all rows, or None where only a look at the pieces can tell what they are."""
        if 0 in self._untidy or not self._text.is_plain or not self._text.ends_a_line():
            return None
        text = TextRows(self._text.path, self._quote(), self._dialect.header_lines)
        frame = self._parsed(text, self._first_kinds, self.size) if text.quote != MIXED else None
        if frame is None or not self._is_certain(frame, text.quote):
            return None
        kinds = seen(self._first_kinds, frame)
        self._kinds = {name: kind or pl.String() for name, kind in kinds.items()}
        frame = self._with_text(frame.cast(pl.Schema(self._kinds)).select(columns), text)
        return None if self._as_text and holds_odd(frame) else frame

    def _quote(self) -> str:
        """Return how the fields of all pieces are quoted, MIXED where pieces are read better."""
        may_hold_marks, holds_blanks = self._text.glance()
        if not may_hold_marks or holds_blanks:
            return MIXED if holds_blanks else QUOTED
        quotes: set[str] = set()
        try:
            for piece in self._pieces():
                if b'"' in piece:
                    quotes.add(self._quote_of(piece))
                if MIXED in quotes or len(quotes) > 1 or is_odd(piece):
                    return MIXED
        except TableError:  # which is to come behind those of the rows above
            return MIXED
        return quotes.pop() if quotes else QUOTED

    def _is_certain(self, frame: pl.DataFrame, quote: str) -> bool:
        """Whether the rows of the file are those of a frame, as far as they are not known to be."""
        may_be_long = self.size > text_file.LONGEST
        if (may_be_long and longest(frame) > text_file.LONGEST) or holds_its_names(frame):
            return False
        return not self._may_be_ragged(frame, self._pieces(), quote)

    def _as_begun(self, columns: list[str]) -> list[pl.DataFrame]:
        """Return frames of all rows by the kinds of the first; none where those are not all."""
        kinds: Mapping[str, FieldType] = self._first_kinds
        frames: list[pl.DataFrame] = []
        for number, piece in enumerate(self._pieces()):
            frame, text = self._frame(number, piece, kinds)
            if frame is None:
                return []
            kinds = seen(kinds, frame)
            frames.append(self._made(number, piece, frame.select(columns), text))
        self._kinds = {name: kind or pl.String() for name, kind in kinds.items()}
        return frames

    # In pieces

    def _pieces(self, size: int | None = None) -> Iterator[bytes]:
        """Yield the rows; where the header comes again in them, a blank line takes its place."""
        header, repeats = self._dialect.header, 0
        for piece in self._text.pieces(
            self._dialect.header_bytes, size or text_file.PIECE, self._dialect.delimiter
        ):
            rows, found = without(header, piece)
            repeats += found
            self._repeats[0] = max(self._repeats[0], repeats)
            yield rows

    @cached_property
    def _kinds(self) -> dict[str, pl.DataType]:
        """The kind of each column, settled by all of its values."""
        kinds: Mapping[str, FieldType] = self._first_kinds
        self.counted: int = 0
        for number, piece in enumerate(self._pieces()):
            frame, text = self._frame(number, piece, kinds)
            if frame is None:
                found = self._fields.kinds_in(text.rows)
                kinds = {name: widened(kind, found[name]) for name, kind in kinds.items()}
                self.counted += self._fields.count(text.rows)
            else:
                kinds = seen(kinds, frame)
                self.counted += frame.height
        self.kinds: Mapping[str, FieldType] = kinds
        return {name: kind or pl.String() for name, kind in kinds.items()}

    def _frames(self, columns: list[str]) -> Iterator[pl.DataFrame]:
        needed = {*columns, self.columns[-1]}
        places = [place for place, name in enumerate(self.columns) if name in needed]
        for number, piece in enumerate(self._pieces()):
            frame, text = self._frame(number, piece, self._kinds, places)
            if frame is None:
                raise changed(self.name)
            yield self._made(number, piece, frame.select(columns), text)

    def _made(self, number: int, piece: bytes, frame: pl.DataFrame, text: TextRows) -> pl.DataFrame:
        """Return the frame of a piece with its columns as text where that is asked for."""
        made = self._with_text(frame, text)
        if self._as_text and holds_odd(made):
            made = self._with_text(made, TextRows(self._plain(number, piece)))
        return made

    def _with_text(self, frame: pl.DataFrame, text: TextRows) -> pl.DataFrame:
        nulls = {
            name: self._as_text[name]
            for name, dtype in frame.schema.items()
            if name in self._as_text and (dtype != pl.String or self._as_text[name] != EMPTY)
        }  # the others are read so already
        return frame.with_columns(self._fields.text(text.rows, nulls, **text.options))

    def _frame(
        self,
        number: int,
        piece: bytes,
        kinds: Mapping[str, FieldType],
        places: Sequence[int] | None = None,
    ) -> tuple[pl.DataFrame | None, TextRows]:
        """Return the frame of a piece, or None where a value is not of its kind, and its rows.

        Behind an untidy piece, the next is likely to be one.
        """
        plain = self._fields.plain(piece, kinds, places)
        if plain is not None:
            return plain, TextRows(piece)
        is_tried = self._untidy.isdisjoint((number - 1, number)) and not self._may_be_wide(piece)
        if is_tried:
            text = TextRows(piece, self._quote_of(piece))
            certain = text.quote != MIXED and not is_odd(piece)
            frame = self._parsed(text, kinds, len(piece), columns=places) if certain else None
            if frame is not None and not self._may_be_ragged(frame, [piece], text.quote):
                return frame, text
        text = TextRows(self._plain(number, piece))
        if is_tried or text.rows != piece:
            self._untidy.add(number)
        return self._fields.parse(text.rows, kinds, columns=places), text

    def _may_be_wide(self, piece: bytes) -> bool:
        """Whether a row may have so many fields that polars would take all memory to say so."""
        most = len(self.columns) * (piece.count(b"\n") + 1)
        return len(piece) >= LARGE and piece.count(self._dialect.delimiter.encode()) > most

    def _parsed(
        self, text: TextRows, kinds: Mapping[str, FieldType], size: int, **options: Any
    ) -> pl.DataFrame | None:
        """Return rows as columns, or None where they are odd, or more than their size tells.

        Blank lines are rows for polars, of nulls, which could take all memory.
        """
        most = int(MANY * (2 + size / self._row_size))
        frame = self._fields.parse(text.rows, kinds, n_rows=most, **text.options, **options)
        if frame is None or frame.height == most or holds_odd(frame):
            return None
        return frame

    def _may_be_ragged(self, frame: pl.DataFrame, pieces: Iterable[bytes], quote: str) -> bool:
        """Whether a row may be too short, which fills its last column with a null."""
        if not frame[self.columns[-1]].null_count():
            return False
        width = len(self.columns)
        found = sum(count(self._dialect.delimiter, piece, quote) for piece in pieces)
        return width == 1 or found != frame.height * (width - 1)

    def _quote_of(self, piece: bytes) -> str:
        return quote_of(piece, self._dialect.delimiter)

    def _plain(self, number: int, piece: bytes) -> bytes:
        """Return the rows of a piece in plain form, or raise with the line of what is wrong."""
        try:
            return plain_rows(piece, self._dialect.delimiter, len(self.columns))
        except BadLineError as bad:
            raise self._error(self._lines_before(number) + bad.line, bad.what) from None

    def _error(self, line: int, what: str) -> TableError:
        return TableError(f"{self.name}: line {line} {what}")

    def _lines_before(self, number: int) -> int:
        """Return how many lines stand before a piece."""
        pieces = itertools.islice(self._pieces(), number)
        before = self._dialect.header_lines + self._text.lines_since(self._dialect.header_bytes)
        return before + sum(piece.count(b"\n") for piece in pieces)
