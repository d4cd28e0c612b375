"""Rows read field by field: slow, but it knows the line of what is wrong, and mends the rest."""

from __future__ import annotations

import csv
import io

import numpy as np


class BadLineError(Exception):
    """What is wrong in a line of some text, counted from 1."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(line, what)
        self.line, self.what = line, what


def plain_rows(text: bytes, delimiter: str, width: int) -> bytes:
    r"""Return rows as plainly as they can be written, without blank lines.

    Raises BadLineError for a row of another width, and for what is no text or no row.

    >>> plain_rows(b'1,5" wide\r\n\r\n2,"a,b"\r\n', ",", 2)
    b'1,"5"" wide"\r\n2,"a,b"\r\n'
    """
    if _are_plain(text, delimiter, width):
        return text
    plain, begin = io.StringIO(newline=""), 1
    writer = csv.writer(plain, delimiter=delimiter)
    reader = csv.reader(lines_of(decoded(text)), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            if row and len(row) != width:
                fields = f"{len(row)} field{'s' * (len(row) != 1)}"
                raise BadLineError(begin, f"has {fields}, the header has {width}")
            if row:
                writer.writerow(row)
            begin = reader.line_num + 1
    except csv.Error as error:
        raise BadLineError(begin, said(error)) from None
    return plain.getvalue().encode()


def _are_plain(text: bytes, delimiter: str, width: int) -> bool:
    """Whether rows are ASCII without quotes or blank lines, and each is as wide as it should be."""
    if width < 2 or not text.isascii() or not text.endswith(b"\n"):
        return False
    if any(mark in text for mark in (b'"', b"\0", b"\r")):
        return False
    characters = np.frombuffer(text, np.uint8)
    feed = ord("\n")
    ends = characters[(characters == ord(delimiter)) | (characters == feed)] == feed
    rows, rest = divmod(len(ends), width)
    return not rest and bool((ends == np.tile(np.arange(1, width + 1) == width, rows)).all())


def said(error: csv.Error) -> str:
    """Return in plain words what the reader of rows says."""
    if "unexpected end of data" in str(error):
        return "opens a quote that is never closed"
    if "new-line" in str(error):
        return "holds a carriage return outside quotes"
    return f"cannot be read: {error}; within quotes, a quote is written twice"


def decoded(text: bytes) -> str:
    """Return UTF-8 as text; raise BadLineError where it is not."""
    bad, what = text.find(b"\0"), "holds a NUL byte"
    try:
        found = text.decode()
    except UnicodeDecodeError as error:
        bad, what = error.start, f"holds the byte 0x{text[error.start]:02x}, which is not UTF-8"
    if bad >= 0:
        line = text.count(b"\n", 0, bad) + 1
        raise BadLineError(line, f"{what}; give the encoding, such as latin-1")
    return found


def lines_of(text: str) -> list[str]:
    r"""Return lines with their ends, which are line feeds.

    >>> lines_of("a\rb\nc")
    ['a\rb\n', 'c']
    """
    lines = [f"{line}\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]
