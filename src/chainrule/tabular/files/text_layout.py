"""Where the fields and the rows of a text lie: rows made plain, or the line of what is wrong."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chainrule.formatting import counted
from chainrule.tabular.files.bad_lines import UNCLOSED, BadLineError, decoded
from chainrule.tabular.files.quoting import (
    FEED,
    QUOTE,
    QuoteMask,
    QuotePlaces,
    among,
    blanks_beside,
    quoted,
)

UNPARTED = "cannot be read: {!r} expected after '\"'; within quotes, a quote is written twice"


def tidied(text: bytes, delimiter: str) -> bytes:
    r"""Return rows, whole ones, without the blanks that are part of no field.

    Spaces and tabs around a field are none of it, unless they stand in quotes. A field that holds a
    quote or a carriage return gets quotes.

    >>> tidied(b'20, State-gov ," ?"\r\n1,a\rb,5" wide\n', ",")
    b'20,State-gov," ?"\r\n1,"a\rb","5"" wide"\n'
    """
    layout = TextLayout(text, delimiter)
    rows = layout.written(layout.kept)
    return rows if text.endswith(b"\n") else rows[:-1]


def plain_rows(text: bytes, delimiter: str, width: int) -> bytes:
    r"""Return rows as plainly as they can be written, tidied and without blank lines.

    Raises BadLineError for a row of another width, and for what is no text or no row.

    >>> plain_rows(b'1,5" wide\r\n\r\n2, "a,b"\r\n', ",", 2)
    b'1,"5"" wide"\r\n2,"a,b"\r\n'
    """
    decoded(text)
    layout = TextLayout(text, delimiter)
    layout.check(width)
    return layout.written(layout.kept & ~layout.blank_lines())


class TextLayout:
    """A text between two line feeds, and where its fields and rows end.

    `ends` tells where a field ends: at a delimiter or a line feed outside quotes. Row k lies
    between `rows[k]` and `rows[k + 1]`, with the empty lines above it, and has `widths[k]` fields,
    none in a line of blanks. `kept` are the characters without the blanks around fields.
    """

    def __init__(self, text: bytes, delimiter: str) -> None:
        self._text = b"\n%b%b" % (text, b"" if text.endswith(b"\n") else b"\n")
        self._delimiter, self._blanks = delimiter, blanks_beside(delimiter)
        self._characters = np.frombuffer(self._text, np.uint8)
        self._quoted = quoted(self._text, delimiter)
        self.ends: NDArray[np.bool[bool]] = self._outside(f"{delimiter}\n".encode())
        self.ends[-1] = True  # where a quote is never closed too
        feeds = self.ends & (self._characters == FEED)
        returns = self._outside(b"\r")
        self._empty = _empty_lines(feeds, returns)
        self._feeds, self._returns = feeds & ~self._empty, returns & ~self._empty
        self._ends_of_lines = self._returns & _of_runs(self._returns, self._feeds_behind)
        self.kept: NDArray[np.bool[bool]] = self._kept()

    def _outside(self, some: bytes) -> QuoteMask:
        """Whether each character is one of some, outside quotes."""
        found = among(self._characters, some)
        found &= ~self._quoted.inside
        return found

    # Characters

    def _feeds_behind(self, before: QuotePlaces, last: QuotePlaces) -> QuoteMask:
        found: QuoteMask = self._feeds[last + 1]
        return found

    def _fields_beside(self, before: QuotePlaces, last: QuotePlaces) -> QuoteMask:
        return self.ends[before] | self.ends[last + 1]

    def _kept(self) -> QuoteMask:
        """Whether each character is part of a field, or ends one: one carriage return in a line."""
        blank = self._outside(self._blanks) | self._ends_of_lines
        kept = ~_of_runs(blank, self._fields_beside)
        kept[:-1] |= self._ends_of_lines[:-1] & self.ends[1:]
        return kept

    @cached_property
    def _solid(self) -> QuoteMask:
        """Whether each character is part of a field."""
        return self.kept & ~(self.ends | self._ends_of_lines | self._empty)

    def blank_lines(self) -> QuoteMask:
        """Whether each character is one of a line without fields."""
        blank = self._empty.copy()
        feeds = self.rows[1:][self.widths == 0]
        blank[feeds - 1] = self._ends_of_lines[feeds - 1]
        blank[feeds] = True
        return blank

    def written(self, kept: QuoteMask) -> bytes:
        """Return the characters that are kept, and the quotes that fields need."""
        needy = np.append(self._quoted.strays, np.flatnonzero(self._returns & ~self._ends_of_lines))
        if not len(needy):
            return self._characters[kept][1:].tobytes()
        quotes = np.sort(np.concatenate([*self._around(needy), self._quoted.strays]))
        quotes += np.arange(len(quotes))
        old = np.ones(len(kept) + len(quotes), bool)
        old[quotes] = False
        chosen = np.ones(len(old), bool)
        chosen[old] = kept
        written = np.full(len(old), QUOTE, np.uint8)
        written[old] = self._characters
        return written[chosen][1:].tobytes()

    def _around(self, places: QuotePlaces) -> tuple[QuotePlaces, QuotePlaces]:
        """Return where the fields begin in which some characters stand, and where they end."""
        ends = np.flatnonzero(self.ends)
        needy = np.zeros(len(ends), bool)
        needy[np.searchsorted(ends, places)] = True
        fields = np.flatnonzero(needy)
        last = ends[fields]
        return ends[fields - 1] + 1, last - self._ends_of_lines[last - 1]

    # Rows

    @cached_property
    def rows(self) -> QuotePlaces:
        """Where rows end, with the line feed in front of the first."""
        found: QuotePlaces = np.flatnonzero(self._feeds)
        return found

    @cached_property
    def widths(self) -> QuotePlaces:
        """How many fields each row has, 0 in a blank line."""
        widths = np.diff(self._ends_of_rows)
        filled = np.logical_or.reduceat(self._solid, self.rows[:-1])
        return np.where(filled | (widths > 1), widths, 0)

    @cached_property
    def _ends_of_rows(self) -> QuotePlaces:
        """Which of the ends of fields are ends of rows, but for empty lines."""
        found: QuotePlaces = np.flatnonzero(self._feeds[self.ends & ~self._empty])
        return found

    def check(self, width: int | None = None, above: int = 0) -> None:
        """Raise BadLineError for the first row that is none, or has another width.

        Its line is counted with those that stand above the text.
        """
        other = np.flatnonzero((self.widths != width) & (self.widths != 0))
        row, what = self._broken()
        if width is not None and len(other) and other[0] < row:
            row, fields = int(other[0]), int(self.widths[other[0]])
            what = f"has {counted(fields, 'field')}, the header has {width}"
        if row < len(self.widths):
            raise BadLineError(above + self._line(row), what)

    def _broken(self) -> tuple[int, str]:
        """Return the first row that is none, or how many there are, and what is wrong with it."""
        closed = self._quoted.closed
        wrong = closed[self._solid[closed]]
        if len(wrong):
            return int(np.searchsorted(self.rows, wrong[0])) - 1, UNPARTED.format(self._delimiter)
        return len(self.widths) - self._quoted.is_open, UNCLOSED

    def _line(self, row: int) -> int:
        """Return in which line a row begins, counted from 1."""
        return self._text.count(b"\n", 0, self._begin(row))

    def _begin(self, row: int) -> int:
        """Return where the first character of a row stands, below empty lines."""
        above = int(self.rows[row]) + 1
        return above + int(np.argmin(self._empty[above:]))

    def fields(self) -> Iterator[tuple[int, list[str]]]:
        """Yield each row that is no blank line: with how many lines it ends, and its fields.

        A row that is none ends them, as does the text.
        """
        ends, lines = np.flatnonzero(self.ends & ~self._empty), 0
        for row in range(self._broken()[0]):
            lines += self._text.count(b"\n", self.rows[row] + 1, self.rows[row + 1] + 1)
            if self.widths[row]:
                places = ends[self._ends_of_rows[row] + 1 : self._ends_of_rows[row + 1] + 1]
                yield lines, self._fields_between([self._begin(row) - 1, *places.tolist()])

    def _fields_between(self, places: list[int]) -> list[str]:
        """Return the fields of a row that end at some places, the first of which is before it."""
        row = self._text[places[0] + 1 : places[-1]]
        if QUOTE in row:
            return list(itertools.starmap(self._field, itertools.pairwise(places)))
        fields = row.rstrip(b"\r").decode().split(self._delimiter)
        blanks = self._blanks.decode()
        return [field.strip(blanks) for field in fields]

    def _field(self, before: int, end: int) -> str:
        """Return what the field says that lies between two places."""
        raw = self._text[before + 1 : end]
        raw = raw.rstrip(b"\r") if self._text[end] == FEED else raw
        field = raw.strip(self._blanks)
        return (field[1:-1].replace(b'""', b'"') if field[:1] == b'"' else field).decode()


def _empty_lines(feeds: QuoteMask, returns: QuoteMask) -> QuoteMask:
    """Whether each character is of a line without any, but for what ends it."""
    empty = np.zeros(len(feeds), bool)
    np.logical_and(feeds[1:], feeds[:-1], out=empty[1:])
    if returns.any():
        between = feeds[:-2] & returns[1:-1] & feeds[2:]
        empty[1:-1] |= between
        empty[2:] |= between
    return empty


def _of_runs(mask: QuoteMask, wanted: Callable[[QuotePlaces, QuotePlaces], QuoteMask]) -> QuoteMask:
    """Whether each character is of a run in a mask that is wanted, by what stands around it."""
    chosen = np.zeros(len(mask), bool)
    if not mask.any():
        return chosen
    edges = np.flatnonzero(mask[1:] != mask[:-1])
    before, last = edges[::2], edges[1::2]
    these = wanted(before, last)
    change = chosen.view(np.int8)
    change[before[these] + 1] = 1
    change[last[these] + 1] = -1
    np.cumsum(change, out=change)
    return chosen
