"""What there is in rows of a text that is to be looked at before they are read plainly."""

from __future__ import annotations

import re

import numpy as np
import polars as pl

from chainrule.tabular.files.quoting import QUOTED


def without(header: bytes, rows: bytes) -> tuple[bytes, int]:
    r"""Return rows with a blank line for each that is the header's, and how many there are.

    >>> without(b"a,b\n", b"1,2\na,b\n3,4\n")
    (b'1,2\n\n3,4\n', 1)
    """
    if not header or header not in rows:
        return rows, 0
    return re.subn(b"^" + re.escape(header), b"\n", rows, flags=re.MULTILINE)


def count(delimiter: str, piece: bytes, quote: str) -> int:
    r"""Return how many delimiters stand outside quotes.

    >>> count(",", b'1,"a,b"\n', '"')
    1
    """
    quoted = quote == QUOTED and b'"' in piece
    outside = b"".join(piece.split(b'"')[::2]) if quoted else piece
    return int(np.count_nonzero(np.frombuffer(outside, np.uint8) == ord(delimiter)))


def may_be_padded(delimiter: str, piece: bytes) -> bool:
    r"""Whether a field, or a word in it, begins with a nought and another digit.

    >>> may_be_padded(",", b"1,007\n"), may_be_padded(",", b"1,700\n")
    (True, False)
    """
    text = np.frombuffer(piece, np.uint8)
    digit = text[2:] - np.uint8(ord("0")) < 10  # what is less wraps around
    noughts = np.flatnonzero((text[1:-1] == ord("0")) & digit)
    begins = np.zeros(256, bool)
    begins[list(f'\n\t" +-{delimiter}'.encode())] = True
    return bool(begins[text[noughts]].any()) or piece[:1] == b"0"


def is_odd(piece: bytes) -> bool:
    r"""Whether there are NUL bytes, or carriage returns other than in ends of lines.

    >>> is_odd(b"a\rb\r\n"), is_odd(b"a\r\n")
    (True, False)
    """
    return b"\0" in piece or piece.count(b"\r") != piece.count(b"\r\n")


def holds_odd(frame: pl.DataFrame) -> bool:
    """Whether a field holds what is to be looked at in the pieces: a mark, a blank beside it.

    >>> holds_odd(pl.DataFrame({"x": ["a "]})), holds_odd(pl.DataFrame({"x": ["a"]}))
    (True, False)
    """
    text = pl.col(pl.String)
    odd = text.str.contains_any(["\0", "\r", "\ufeff", "\x1a"]).any().name.prefix("odd ")
    blank = text.str.contains(r"^[ \t]|[ \t]$").any()
    return any(frame.select(pl.lit(False).alias(""), odd, blank).row(0))


def longest(frame: pl.DataFrame) -> int:
    """Return how many bytes of text a row has at most.

    >>> longest(pl.DataFrame({"x": ["a", "bcd"], "y": ["e", "f"]}))
    4
    """
    found = frame.select(pl.col(pl.String).str.len_bytes().max())
    return sum(filter(None, found.row(0))) if found.width else 0


def holds_its_names(frame: pl.DataFrame) -> bool:
    """Whether a row holds the names of the columns.

    >>> holds_its_names(pl.DataFrame({"x": ["x", "1"], "y": ["y", "2"]}))
    True
    """
    if any(dtype != pl.String for dtype in frame.dtypes):
        return False
    names = (pl.col(name) == name for name in frame.columns)
    return bool(frame.select(pl.all_horizontal(*names).any()).item())
