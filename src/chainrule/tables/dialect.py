"""How a text file holds its table: its delimiter and its header, found from its first rows."""

from __future__ import annotations

import csv
import itertools
import re
from typing import NamedTuple

from chainrule.reading import Reading
from chainrule.tables.by_hand import BadLineError, decoded, lines_of, said
from chainrule.tables.errors import TableError
from chainrule.tables.heading import heading, looked_at, table_begins, votes
from chainrule.tables.text_file import TextFile
from chainrule.tables.tidying import tidied

HEAD = 2**20
"""The bytes that are looked at, and the rest of the row in which they end."""

LOOKED_AT = 20
"""The rows that are looked at for a delimiter."""

DELIMITERS = "\t;|,"
"""Those that are found by themselves: the first that cuts the first rows alike."""

COMMENT = "#"


class Dialect(NamedTuple):
    """What parts the fields, what the columns are called, and how much stands before the rows.

    `header` is the line of the names, or empty where they do not stand on one line.
    """

    delimiter: str
    columns: tuple[str, ...]
    header_bytes: int
    header_lines: int
    header: bytes
    notes: tuple[str, ...]


def dialect(text: TextFile, reading: Reading) -> Dialect:
    """Return how a text file holds its table.

    Raises TableError for what is empty, for names that come twice, and where names cannot be told
    from values; BadLineError for no text.
    """
    lines = _first_lines(text)
    start, told = _above(lines, reading.skip_lines)
    if not "".join(lines[start:]).strip():
        raise TableError(f"{text.name}: has no rows below its first {start:,} lines")
    asked = told if reading.delimiter is None else reading.delimiter
    chosen = _found(lines[start:]) if asked is None else _checked(asked)
    read = lines
    if reading.skip_lines is None and _heads(lines, start, chosen):
        start -= 1
        read = [*lines[:start], _bare(lines[start]), *lines[start + 1 :]]
    rows, ends = _rows(read, start, chosen)
    found = heading(text.name, rows, reading)
    count = [start, *ends][found.above + found.header]
    above = "".join(lines[:count]).encode()
    header = _line_of(rows[found.above], lines[count - 1], chosen) if found.header else b""
    notes = (*([f"delimiter {chosen!r}"] if asked is None and chosen != "," else ()), *found.notes)
    return Dialect(chosen, found.columns, len(above), count, header, notes)


def _first_lines(text: TextFile) -> list[str]:
    head = decoded(next(text.pieces(0, HEAD), b""))
    if not head.strip():
        raise TableError(f"{text.name}: is empty")
    return lines_of(head)


# What stands above the table


def _above(lines: list[str], skipped: int | None) -> tuple[int, str | None]:
    """Return how many lines stand above the table for certain, and the delimiter they name.

    They are those to be skipped, or else a line such as Excel's `sep=;`, and comments.
    """
    if skipped is not None:
        return skipped, None
    told = _SEP.fullmatch(lines[0])
    start = 1 if told else 0
    comments = itertools.takewhile(lambda line: line.startswith(COMMENT), lines[start:])
    return start + len(list(comments)), told and told[1]


_SEP = re.compile(r'"?sep=(.)"?\r?\n?', re.IGNORECASE)


def _heads(lines: list[str], start: int, delimiter: str) -> bool:
    """Whether the comment above some rows is their header: it has a name for each column."""
    if not start or not lines[start - 1].startswith(COMMENT):
        return False
    rows, _ = _rows(lines, start, delimiter)
    (header,) = csv.reader([_bare(lines[start - 1])], delimiter=delimiter)
    names, values = votes(rows[0], rows[1:])
    return len(header) == len(rows[0]) > 1 and names <= values


def _bare(comment: str) -> str:
    """Return a comment without its mark, unless that is part of a name."""
    return re.sub(r"^#+[ \t]+", "", comment)


# Delimiter and rows


def _checked(delimiter: str) -> str:
    """Return a delimiter that was asked for."""
    delimiter = delimiter.replace("\\t", "\t")  # as a shell passes it on
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n':
        raise TableError(f"a delimiter must be one character, such as ';', got {delimiter!r}")
    return delimiter


def _found(lines: list[str]) -> str:
    """Return the delimiter that cuts the first rows alike, or else the first into most fields.

    A few lines above the table may have fewer fields.
    """
    widths = {delimiter: _widths(lines, delimiter) for delimiter in DELIMITERS}
    begins = {delimiter: table_begins(found) for delimiter, found in widths.items()}
    plain = [d for d, found in widths.items() if found[-1] > 1 and begins[d] < len(found)]
    if plain:
        return min(plain, key=lambda delimiter: begins[delimiter])
    return max(reversed(DELIMITERS), key=lambda delimiter: widths[delimiter][0])


def _widths(lines: list[str], delimiter: str) -> list[int]:
    """Return how many fields each of the first rows has."""
    rows = csv.reader(lines, delimiter=delimiter)
    try:
        return [len(row) for row in itertools.islice(filter(None, rows), LOOKED_AT)] or [0]
    except csv.Error:
        return [0]


def _rows(lines: list[str], start: int, delimiter: str) -> tuple[list[list[str]], list[int]]:
    """Return the first rows from a line on, and how many lines end with each."""
    most = looked_at(lines[start].count(delimiter))
    few = "".join(lines[start : start + most]).encode()
    reader = csv.reader(lines_of(tidied(few, delimiter).decode()), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    ends: list[int] = []
    try:
        for row in filter(None, reader):
            rows.append(row)
            ends.append(start + reader.line_num)
    except csv.Error as error:
        if not rows:
            raise BadLineError(start + 1, said(error)) from None
    return rows, ends


def _line_of(header: list[str], line: str, delimiter: str) -> bytes:
    """Return the line of a header, or nothing where the header takes several."""
    tidy = tidied(line.encode(), delimiter).decode()
    return line.encode() if [*csv.reader([tidy], delimiter=delimiter)] == [header] else b""
