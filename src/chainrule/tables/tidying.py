"""Rows as plain as they can be: no blanks around fields, and quotes where a field needs them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

import numpy as np
from numpy.typing import NDArray

QUOTE, FEED, RETURN = b'"\n\r'


def tidied(text: bytes, delimiter: str) -> bytes:
    r"""Return rows, whole ones, without the blanks that are part of no field.

    Spaces and tabs around a field are none of it, unless they stand in quotes. A carriage return
    within a field gets quotes, for it would end the row.

    >>> tidied(b'20, State-gov ," ?"\r\n1,a\rb,2\n', ",")
    b'20,State-gov," ?"\r\n1,"a\rb",2\n'
    """
    blanks = bytes(blank for blank in b" \t" if blank != ord(delimiter))
    if text.count(b"\r") != text.count(b"\r\n"):
        text = _returns(delimiter).sub(lambda found: _quoted(found, blanks), text)
    made = _without_blanks(text, delimiter, blanks)
    return made if _regular(made, delimiter) else _by_fields(delimiter, blanks).sub(rb"\1", text)


def _among(characters: NDArray[np.uint8], some: Iterable[int]) -> NDArray[np.bool_]:
    """Whether each character is one of some."""
    table = np.zeros(256, bool)
    table[list(some)] = True
    among: NDArray[np.bool_] = table[characters]
    return among


def _separate(characters: NDArray[np.uint8], delimiter: str) -> NDArray[np.bool_]:
    """Whether each character ends a field."""
    return _among(characters, [ord(delimiter), FEED, RETURN])


def _inside(characters: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether each character stands in quotes, where all quotes stand around fields."""
    inside: NDArray[np.bool_] = np.cumsum(characters == QUOTE, dtype=np.uint8) % 2 == 1
    return inside


def _without_blanks(text: bytes, delimiter: str, blanks: bytes) -> bytes:
    """Return a text without the runs of blanks outside quotes that touch the end of a field."""
    if not any(blank in text for blank in blanks):
        return text
    framed = np.frombuffer(b"\n%b\n" % text, np.uint8)
    blank = _among(framed, blanks)
    if QUOTE in text:
        blank &= ~_inside(framed)
    edges = np.flatnonzero(np.diff(blank))
    before, last = edges[::2], edges[1::2]
    separates = _separate(framed[[*before, *(last + 1)]], delimiter)
    around = separates[: len(before)] | separates[len(before) :]
    change = np.zeros(len(framed), np.int8)
    change[before[around] + 1], change[last[around] + 1] = 1, -1
    left: NDArray[np.uint8] = framed[np.cumsum(change, dtype=np.int8) == 0]
    return left[1:-1].tobytes()


def _regular(text: bytes, delimiter: str) -> bool:
    """Whether all quotes stand around fields, or twice within quotes."""
    if QUOTE not in text:
        return True
    framed = np.frombuffer(b"\n%b\n" % text, np.uint8)
    quotes = np.flatnonzero(framed == QUOTE)
    beside = np.concatenate([framed[quotes[::2] - 1], framed[quotes[1::2] + 1]])
    return bool((_separate(beside, delimiter) | (beside == QUOTE)).all())


# Where quotes stand within fields: field by field

_QUOTED = rb'"(?:[^"]++|"")*+"'


def _field(delimiter: str) -> tuple[bytes, bytes]:
    """Return patterns of where a field begins and ends."""
    between = re.escape(delimiter.encode())
    return rb"(?:(?<=[\n%b])|\A)" % between, rb"(?=%b|\r*\n|\r*\Z)" % between


@cache
def _by_fields(delimiter: str, blanks: bytes) -> re.Pattern[bytes]:
    """Return the pattern of a field in quotes with the blanks around it, and of other blanks."""
    begin, end = _field(delimiter)
    some = b"[%b]" % blanks
    quoted = b"%b*+(%b)%b*+%b" % (some, _QUOTED, some, end)
    return re.compile(b"%b(?:%b|%b++)|(?<!%b)%b++%b" % (begin, quoted, some, some, some, end))


@cache
def _returns(delimiter: str) -> re.Pattern[bytes]:
    """Return the pattern of a field in quotes, of one that needs them, and of ends of lines."""
    begin, end = _field(delimiter)
    part = rb'[^"\r\n%b]*+' % re.escape(delimiter.encode())
    bare = rb"%b(?:\r++(?!\n|\Z)%b)++" % (part, part)
    return re.compile(rb"%b(?:(%b)|(%b)%b)|(?<!\r)\r+(?=\r\n)" % (begin, _QUOTED, bare, end))


def _quoted(found: re.Match[bytes], blanks: bytes) -> bytes:
    """Return a field with the quotes it needs; nothing for what stands twice at a line's end."""
    quoted, bare = found.groups()
    return quoted or (b'"%b"' % bare.strip(blanks) if bare else b"")
