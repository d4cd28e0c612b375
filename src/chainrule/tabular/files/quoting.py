"""What stands in quotes, followed through a text block by block.

A quote opens a field where it is its first character, blanks aside. Within quotes, two of them
stand for one, and one closes. Any other quote is a character like others: `5" wide`.

In runs of quotes that means: an odd run at the beginning of a field changes sides; any other odd
run leads outside, from wherever; an even run changes nothing. So all sides follow from two
cumulative operations, in time that goes with the length of the text.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

QUOTE, FEED, RETURN = b'"\n\r'

QUOTED, UNQUOTED, MIXED = '"', "", "mixed"
"""How a text uses quotes: around fields, as characters like others, or both."""

QuotePlaces = NDArray[np.intp]
QuoteMask = NDArray[np.bool_]


def blanks_beside(delimiter: str) -> bytes:
    """Return the characters that are part of no field at its ends.

    >>> blanks_beside(","), blanks_beside("\\t")
    (b' \\t', b' ')
    """
    return bytes(blank for blank in b" \t" if chr(blank) != delimiter)


def among(characters: NDArray[np.uint8], some: bytes) -> QuoteMask:
    """Whether each character is one of some."""
    found: QuoteMask = characters == some[0]
    for each in some[1:]:
        found |= characters == each
    return found


class Runs(NamedTuple):
    """Runs of quotes: where they begin and end, and on which side the text is.

    `opening` says whether one stands at the beginning of a field, if that is outside quotes;
    `inside` whether what follows is in quotes, with what comes before the first run in front.
    """

    begins: QuotePlaces
    ends: QuotePlaces
    opening: QuoteMask
    inside: QuoteMask

    def mark(self, characters: QuoteMask) -> None:
        """Write down whether each character stands in quotes, the first one of which does."""
        change = np.zeros(len(characters), np.int8)
        changed = self.inside[1:] != self.inside[:-1]
        change[self.begins[changed]] = np.where(self.inside[1:][changed], 1, -1)
        change[:1] += self.inside[0]
        np.cumsum(change, out=change)
        characters |= change.view(bool)

    def strays(self) -> QuotePlaces:
        """Return where the quotes stand that are characters like others."""
        stray = ~self.inside[:-1] & ~self.opening
        begins, lengths = self.begins[stray], (self.ends - self.begins)[stray]
        before = np.cumsum(lengths) - lengths
        found: QuotePlaces = np.arange(lengths.sum()) + np.repeat(begins - before, lengths)
        return found

    def closed(self) -> QuotePlaces:
        """Return where the character stands behind each field in quotes."""
        return self.ends[~self.inside[1:] & (self.inside[:-1] | self.opening)]


class Quotes:
    """The quotes of a text of which one block comes after the other."""

    inside: bool

    def __init__(self, delimiter: str, before: bytes = b"\n") -> None:
        self.inside, self._delimiter = False, delimiter
        self._blanks = blanks_beside(delimiter)
        self._between = delimiter.encode() + b"\n"
        self._waiting = before  # what was read, from the last character on whose side is known

    def follow(self, block: bytes) -> tuple[bytes, Runs]:
        """Return what is known with a block more, and the runs of quotes in it.

        It begins with the last character that was known before, and ends ahead of blanks and quotes
        that may go on.
        """
        text = self._waiting + block
        known = text.rstrip(b'"' + self._blanks)
        self._waiting = text[max(len(known) - 1, 0) :]
        runs = self._runs(np.frombuffer(known, np.uint8))
        self.inside = bool(runs.inside[-1])
        return known, runs

    def last_row(self, block: bytes) -> int:
        """Return where in the next block its last row ends, or 0 where none does."""
        before, end = len(self._waiting), block.rfind(b"\n") + 1
        if end and self._ends_rows(block, end):
            self._waiting = block[end - 1 :]
            return end
        known, runs = self.follow(block)
        return max(_last_feed(known, runs) + 1 - before, 0)

    def _ends_rows(self, block: bytes, end: int) -> bool:
        """Whether the lines up to an end in a block end a row for certain, at a glance."""
        if self.inside or QUOTE not in block:
            return not (self.inside or QUOTE in self._waiting)
        begins_row = self._waiting[:1] == b"\n"
        return begins_row and is_regular(self._waiting + block[:end], self._delimiter)

    def _runs(self, characters: NDArray[np.uint8]) -> Runs:
        quotes = np.flatnonzero(characters == QUOTE)
        apart = np.flatnonzero(np.diff(quotes, prepend=-2) != 1)
        begins = quotes[apart]
        ends = quotes[np.append(apart[1:], len(quotes))[: len(apart)] - 1] + 1
        opening = among(self._in_front(characters, begins), self._between)
        return Runs(begins, ends, opening, self._sides((ends - begins) % 2 == 1, opening))

    def _in_front(self, characters: NDArray[np.uint8], begins: QuotePlaces) -> NDArray[np.uint8]:
        """Return the last characters before some places that are no blanks."""
        found = characters[begins - 1]
        behind_blanks = among(found, self._blanks)
        if behind_blanks.any():
            blank = among(characters, self._blanks)
            fronts = np.flatnonzero(blank[1:] & ~blank[:-1])
            nearest = np.searchsorted(fronts, begins[behind_blanks] - 1) - 1
            found[behind_blanks] = characters[fronts[nearest]]
        return found

    def _sides(self, odd: QuoteMask, opening: QuoteMask) -> QuoteMask:
        """Return on which side the text is before the first run and behind each."""
        changes = np.cumsum(odd & opening) + self.inside
        since = np.maximum.accumulate(np.where(odd & ~opening, changes, 0))
        return np.append(self.inside, (changes - since) % 2 == 1)


class Unquoted:
    """A text in which quotes are characters like others."""

    inside = False

    def last_row(self, block: bytes) -> int:
        """Return where in the next block its last line ends, or 0 where none does."""
        return block.rfind(b"\n") + 1


def _last_feed(text: bytes, runs: Runs) -> int:
    """Return where the last line feed outside quotes stands, or -1."""
    begin = runs.ends[-1] if len(runs.ends) else 0
    if not runs.inside[-1] and (found := text.rfind(b"\n", begin)) >= 0:
        return found
    feeds = np.flatnonzero(np.frombuffer(text, np.uint8) == FEED)
    outside = feeds[~runs.inside[np.searchsorted(runs.begins, feeds)]]
    return int(outside[-1]) if len(outside) else -1


def is_regular(text: bytes, delimiter: str) -> bool:
    r"""Whether all quotes stand around fields, or twice within quotes, as the standard has it.

    >>> is_regular(b'1,"a ""b""\nc"\n', ","), is_regular(b'1,5" wide\n', ",")
    (True, False)
    """
    if QUOTE not in text:
        return True
    framed = np.frombuffer(b"\n%b\n" % text, np.uint8)
    quotes = np.flatnonzero(framed == QUOTE)
    beside = np.concatenate([framed[quotes[::2] - 1], framed[quotes[1::2] + 1]])
    return len(quotes) % 2 == 0 and bool(among(beside, b'"\n\r' + delimiter.encode()).all())


def quote_of(rows: bytes, delimiter: str) -> str:
    r"""Return how whole rows use quotes.

    >>> [quote_of(rows, ",") for rows in (b'1,"a"\n', b'1,5" wide\n', b'"a",5" wide\n')]
    ['"', '', 'mixed']
    """
    if is_regular(rows, delimiter):
        return QUOTED
    _, runs = Quotes(delimiter).follow(rows)
    return MIXED if runs.opening.any() else UNQUOTED


BLOCK = 4 * 2**20
"""The bytes whose quotes are looked at together."""


class Quoted(NamedTuple):
    """What is quoted in a text, which begins with a line feed.

    Whether each character stands in quotes; where the quotes are that are characters like others;
    where the character stands behind each field in quotes; whether the last is never closed.
    """

    inside: QuoteMask
    strays: QuotePlaces
    closed: QuotePlaces
    is_open: bool


def quoted(text: bytes, delimiter: str) -> Quoted:
    r"""Return what stands in quotes.

    >>> found = quoted(b'\n1,"a\n"\n5" x\n', ",")
    >>> found.inside.nonzero()[0], found.strays, found.closed, found.is_open
    (array([3, 4, 5]), array([9]), array([7]), False)
    """
    inside = np.zeros(len(text), bool)
    strays, closed = [np.zeros(0, np.intp)], [np.zeros(0, np.intp)]
    if QUOTE not in text:
        return Quoted(inside, strays[0], closed[0], False)
    quotes, place = Quotes(delimiter, before=b""), 0
    for begin in range(0, len(text), BLOCK):
        known, runs = quotes.follow(text[begin : begin + BLOCK])
        runs.mark(inside[place : place + len(known)])
        strays.append(runs.strays() + place)
        closed.append(runs.closed() + place)
        place += len(known) - 1
    return Quoted(inside, np.concatenate(strays), np.concatenate(closed), quotes.inside)
