"""How a text file holds its table: its delimiter and its header, found from its first rows."""

from __future__ import annotations

import csv
import itertools
from collections import Counter
from typing import NamedTuple

from chainrule.tables.by_hand import BadLineError, decoded, lines_of, said
from chainrule.tables.errors import TableError
from chainrule.tables.missing import IN_TEXT
from chainrule.tables.text_file import TextFile
from chainrule.tables.tidying import tidied

HEAD = 2**20
"""The bytes that are looked at, and the rest of the row in which they end."""

LOOKED_AT, FEWEST = 20, 3
"""The rows that are looked at, and those that it takes to say what a header leaves out."""

DELIMITERS = "\t;|,"
"""Those that are found by themselves: the first that cuts the first rows alike."""


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


def dialect(text: TextFile, delimiter: str | None) -> Dialect:
    """Return how a text file holds its table.

    Raises TableError for what is empty and for names that come twice; BadLineError for no text.
    """
    lines = _first_lines(text)
    chosen = _found(lines) if delimiter is None else _checked(delimiter)
    first, count = _first_row(lines, chosen)
    notes = [f"delimiter {chosen!r}"] if delimiter is None and chosen != "," else []
    if _is_data(first, chosen):
        notes.append("no header: the first line holds numbers; the columns are column_0, ...")
        names, count = [f"column_{k}" for k in range(len(first))], 0
    else:
        whole = _with_all(first, lines[count:], chosen)
        names = [name.strip() or f"column_{k}" for k, name in enumerate(whole)]
        notes += _notes_on(whole)
    for name, times in Counter(names).items():
        if times > 1:
            raise TableError(f"{text.name}: {times} columns are called {name!r}; rename them")
    above = "".join(lines[:count]).encode()
    header = _line_of(first, lines[count - 1], chosen) if count else b""
    return Dialect(chosen, tuple(names), len(above), count, header, tuple(notes))


def _first_lines(text: TextFile) -> list[str]:
    head = decoded(next(text.pieces(0, HEAD), b""))
    if not head.strip():
        raise TableError(f"{text.name}: is empty")
    if "\r" in head[:-2] and "\n" not in head[:-1]:
        raise TableError(f"{text.name}: its lines end in carriage returns; save it with line feeds")
    return lines_of(head)


def _checked(delimiter: str) -> str:
    """Return a delimiter that was asked for."""
    delimiter = delimiter.replace("\\t", "\t")  # as a shell passes it on
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n':
        raise TableError(f"a delimiter must be one character, such as ';', got {delimiter!r}")
    return delimiter


def _found(lines: list[str]) -> str:
    """Return the delimiter that cuts the first rows alike, or else the first into most fields."""
    widths = {delimiter: _widths(lines, delimiter) for delimiter in DELIMITERS}
    for delimiter, found in widths.items():
        if len(set(found)) == 1 and found[0] > 1:
            return delimiter
    return max(reversed(DELIMITERS), key=lambda delimiter: widths[delimiter][0])


def _widths(lines: list[str], delimiter: str) -> list[int]:
    """Return how many fields each of the first rows has."""
    rows = csv.reader(lines, delimiter=delimiter)
    try:
        return [len(row) for row in itertools.islice(filter(None, rows), LOOKED_AT)]
    except csv.Error:
        return [0]


def _first_row(lines: list[str], delimiter: str) -> tuple[list[str], int]:
    """Return the fields of the first row, and how many lines end with it."""
    tidy = lines_of(tidied("".join(lines).encode(), delimiter).decode())
    reader = csv.reader(tidy, delimiter=delimiter, strict=True)
    try:
        return next(filter(None, reader)), reader.line_num
    except csv.Error as error:
        raise BadLineError(1, said(error)) from None


def _with_all(header: list[str], below: list[str], delimiter: str) -> list[str]:
    """Return a header with a name for each column, "" where it has none.

    Rows that all end with a delimiter have a column more, which is empty; and a header without a
    name for the column that counts or names the rows is one of R's.
    """
    rows = csv.reader(below, delimiter=delimiter)
    try:
        found = list(itertools.islice(filter(None, rows), LOOKED_AT))
    except csv.Error:
        return header
    if len(found) < FEWEST or any(len(row) != len(header) + 1 for row in found):
        return header
    if not any(row[-1].strip() for row in found):
        return [*header, ""]
    return ["", *header] if _names_rows([row[0] for row in found]) else header


def _line_of(header: list[str], line: str, delimiter: str) -> bytes:
    """Return the line of a header, or nothing where the header takes several."""
    return line.encode() if [*csv.reader([line], delimiter=delimiter)] == [header] else b""


def _names_rows(fields: list[str]) -> bool:
    """Whether fields are different words, or the numbers from 0 or 1 on."""
    counted = [[str(k + start) for k in range(len(fields))] for start in (0, 1)]
    words = not any(_is_number(field, ",") or not field.strip() for field in fields)
    return len(set(fields)) == len(fields) and (words or fields in counted)


def _is_data(first: list[str], delimiter: str) -> bool:
    """Whether the first row holds numbers, other than those that count the columns from 0."""
    filled = [field for field in first if field.strip() and field.strip() not in IN_TEXT]
    return bool(filled) and not _counts(filled) and all(_is_number(f, delimiter) for f in filled)


def _counts(fields: list[str]) -> bool:
    return fields == [str(k) for k in range(len(fields))]


def _is_number(field: str, delimiter: str) -> bool:
    try:
        float(field if delimiter == "," else field.replace(",", "."))
    except ValueError:
        return False
    return True


def _notes_on(header: list[str]) -> list[str]:
    """Return what is said of a header with gaps, or with numbers for names."""
    names = [name.strip() for name in header]
    notes = [
        f"column {k + 1} has no name in the header; it is called column_{k}"
        for k, name in enumerate(names)
        if not name
    ]
    if _counts([name for name in names if name]):
        notes.append("header: the numbers from 0 on are taken as the names of the columns")
    return notes
