"""CSV and its kin: text with delimiters, read in pieces or all at once."""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl

from chainrule.reading import Reading
from chainrule.tables import text_file
from chainrule.tables.by_hand import BadLineError, plain_rows
from chainrule.tables.dialect import dialect
from chainrule.tables.errors import TableError
from chainrule.tables.fields import EMPTY, PADDED, Fields, Kind, seen, where, widened
from chainrule.tables.source import Source, changed, digest, stamp
from chainrule.tables.text_file import TextFile
from chainrule.tables.tidying import tidied

LOOK = 2**20
"""The bytes from which the kinds of the columns are first taken; all of them settle these."""


class Delimited(Source):
    """A text file with delimiters.

    A column holds Booleans, whole numbers, numbers or text: the first of these that every value in
    the file fits. Blank lines are left out.
    """

    _as_text: Mapping[str, Sequence[str]] = MappingProxyType({})
    """The columns that are not read but copied, with the words that are null in each."""

    typed = False

    def __init__(self, text: TextFile, reading: Reading) -> None:
        self.name, self._text = text.name, text
        self.stamps = {text.path: stamp(text.path)}
        self._untidy: set[int] = set()
        try:
            self._dialect = dialect(text, reading)
        except BadLineError as bad:
            raise self._error(bad.line, bad.what) from None
        self.columns = self._dialect.columns
        self._repeats = [0]  # how often the header's line came again: a list, for copies to share
        looks = enumerate(self._pieces(min(LOOK, text_file.PIECE)))
        plain = (self._by_hand(number, self._tidied(piece)) for number, piece in looks)
        first = next(filter(None, plain), b"")
        if not first:
            raise TableError(
                f"{self.name}: has a header and no rows; if it is no header, give --no-header"
            )
        self.pointed = self._dialect.delimiter == ","
        points = False if reading.parts_by_point else self.pointed or None
        self._fields = Fields(self.columns, self._dialect.delimiter, points)
        self._first_kinds = self._fields.kinds_in(first, first=True)
        self._notes = (*text.notes, *self._dialect.notes)

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

    def padded(self, columns: Sequence[str]) -> list[str]:
        """Return those of some columns of numbers in which digits stand behind a nought."""
        left, found = dict.fromkeys(columns), []
        for number, piece in enumerate(self._pieces()):
            if left and _may_be_padded(self._dialect.delimiter, piece):
                _, rows = self._frame(number, piece, self._kinds)
                text = pl.DataFrame(self._fields.text(rows, dict.fromkeys(left, EMPTY)))
                new = where(text.select(pl.all().str.contains(PADDED).any()))
                left = {name: None for name in left if name not in set(new)}
                found += new
        return found

    def _whole(self, columns: list[str]) -> pl.DataFrame:
        frame = self._at_once()
        if frame is not None:
            lines = self._dialect.header_lines
            frame = self._with_text(frame.select(columns), self._text.path, skip_lines=lines)
        if frame is None or (self._as_text and _holds_odd(frame)):
            return super()._whole(columns)
        return frame

    # All at once: most files are throughout as they begin

    def _at_once(self) -> pl.DataFrame | None:
        """Return all rows, or None where only a look at the pieces can tell what they are."""
        if not self._text.is_plain or not self._text.ends_a_line():
            return None
        assert self.size  # or it is refused, where polars would unpack it however long it is
        kinds, lines = self._first_kinds, self._dialect.header_lines
        frame = self._fields.parse(self._text.path, kinds, skip_lines=lines)
        if frame is None or _holds_odd(frame) or self._may_be_ragged(frame, self._pieces()):
            return None
        if _holds_its_names(frame):
            return None
        empty = [name for name, kind in seen(kinds, frame).items() if kind is None]
        frame = frame.cast(dict.fromkeys(empty, pl.String()))
        self._kinds = dict(frame.schema)
        return frame

    # In pieces

    def _pieces(self, size: int | None = None) -> Iterator[bytes]:
        """Yield the rows; where the header comes again in them, a blank line takes its place."""
        header, repeats = self._dialect.header, 0
        for piece in self._text.pieces(self._dialect.header_bytes, size or text_file.PIECE):
            rows, found = _without(header, piece)
            repeats += found
            self._repeats[0] = max(self._repeats[0], repeats)
            yield rows

    @cached_property
    def _kinds(self) -> dict[str, pl.DataType]:
        """The kind of each column, settled by all of its values."""
        kinds: Mapping[str, Kind] = self._first_kinds
        for number, piece in enumerate(self._pieces()):
            frame, rows = self._frame(number, piece, kinds)
            if frame is None:
                found = self._fields.kinds_in(rows)
                kinds = {name: widened(kind, found[name]) for name, kind in kinds.items()}
            else:
                kinds = seen(kinds, frame)
        return {name: kind or pl.String() for name, kind in kinds.items()}

    def _frames(self, columns: list[str]) -> Iterator[pl.DataFrame]:
        needed = {*columns, self.columns[-1]}
        places = [place for place, name in enumerate(self.columns) if name in needed]
        for number, piece in enumerate(self._pieces()):
            frame, rows = self._frame(number, piece, self._kinds, places)
            if frame is None:
                raise changed(self.name)
            made = self._with_text(frame.select(columns), rows)
            if self._as_text and _holds_odd(made):
                made = self._with_text(made, self._tidied(rows))
            yield made

    def _with_text(self, frame: pl.DataFrame, rows: bytes | Path, **options: Any) -> pl.DataFrame:
        """Return the frame of some rows with its columns as text where that is asked for."""
        nulls = {
            name: self._as_text[name]
            for name, dtype in frame.schema.items()
            if name in self._as_text and (dtype != pl.String or self._as_text[name] != EMPTY)
        }  # the others are read so already
        return frame.with_columns(self._fields.text(rows, nulls, **options))

    def _frame(
        self,
        number: int,
        piece: bytes,
        kinds: Mapping[str, Kind],
        places: Sequence[int] | None = None,
    ) -> tuple[pl.DataFrame | None, bytes]:
        """Return the frame of a piece, or None where a value is not of its kind, and its rows."""
        if number not in self._untidy:
            frame = self._plainly(piece, kinds, places)
            if frame is not None and not _holds_odd(frame):
                return frame, piece
            self._untidy.add(number)
        rows = self._tidied(piece)
        frame = self._plainly(rows, kinds, places)
        if frame is None:
            rows = self._by_hand(number, rows)
            frame = self._fields.parse(rows, kinds, columns=places)
        return frame, rows

    def _plainly(
        self, rows: bytes, kinds: Mapping[str, Kind], places: Sequence[int] | None
    ) -> pl.DataFrame | None:
        """Return the frame of rows, or None where they are not as plain as they must be."""
        frame = self._fields.parse(rows, kinds, columns=places)
        if frame is None or _is_odd(rows) or self._may_be_ragged(frame, [rows]):
            return None
        return frame

    def _tidied(self, piece: bytes) -> bytes:
        return tidied(piece, self._dialect.delimiter)

    def _may_be_ragged(self, frame: pl.DataFrame, pieces: Iterable[bytes]) -> bool:
        """Whether a row may be too short, which fills its last column with a null."""
        if not frame[self.columns[-1]].null_count():
            return False
        width = len(self.columns)
        found = sum(_count(self._dialect.delimiter, piece) for piece in pieces)
        return width == 1 or found != frame.height * (width - 1)

    def _by_hand(self, number: int, piece: bytes) -> bytes:
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
        return self._dialect.header_lines + sum(piece.count(b"\n") for piece in pieces)


def _without(header: bytes, rows: bytes) -> tuple[bytes, int]:
    """Return rows with a blank line for each that is the header's, and how many there are."""
    if not header or header not in rows:
        return rows, 0
    return re.subn(b"^" + re.escape(header), b"\n", rows, flags=re.MULTILINE)


def _count(delimiter: str, piece: bytes) -> int:
    """Return how many delimiters stand outside quotes."""
    outside = b"".join(piece.split(b'"')[::2]) if b'"' in piece else piece
    return int(np.count_nonzero(np.frombuffer(outside, np.uint8) == ord(delimiter)))


def _may_be_padded(delimiter: str, piece: bytes) -> bool:
    """Whether a field, or a word in it, begins with a nought and another digit."""
    text = np.frombuffer(piece, np.uint8)
    digit = text[2:] - np.uint8(ord("0")) < 10  # what is less wraps around
    noughts = np.flatnonzero((text[1:-1] == ord("0")) & digit)
    begins = np.zeros(256, bool)
    begins[list(f'\n\t" +-{delimiter}'.encode())] = True
    return bool(begins[text[noughts]].any()) or piece[:1] == b"0"


def _is_odd(piece: bytes) -> bool:
    """Whether there are NUL bytes, or carriage returns other than in ends of lines."""
    return b"\0" in piece or piece.count(b"\r") != piece.count(b"\r\n")


def _holds_odd(frame: pl.DataFrame) -> bool:
    """Whether a field holds what is to be looked at in the pieces: a mark, a blank beside it."""
    text = pl.col(pl.String)
    odd = text.str.contains_any(["\0", "\r", "\ufeff", "\x1a"]).any().name.prefix("odd ")
    blank = text.str.contains(r"^[ \t]|[ \t]$").any()
    return any(frame.select(pl.lit(False).alias(""), odd, blank).row(0))


def _holds_its_names(frame: pl.DataFrame) -> bool:
    """Whether a row holds the names of the columns."""
    if any(dtype != pl.String for dtype in frame.dtypes):
        return False
    names = (pl.col(name) == name for name in frame.columns)
    return bool(frame.select(pl.all_horizontal(*names).any()).item())
