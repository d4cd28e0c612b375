"""How a text file holds its table: its delimiter and its header, found from its first rows."""

from __future__ import annotations

import itertools
import re
from typing import NamedTuple

from chainrule.tabular.files.bad_lines import BadLineError, decoded, lines_of
from chainrule.tabular.files.heading import heading, looked_at, table_begins, votes
from chainrule.tabular.files.text_file import TextFile
from chainrule.tabular.files.text_layout import TextLayout
from chainrule.tabular.read_options import Reading
from chainrule.tabular.table_error import TableError

HEAD, LONG = 2**20, 2**24
"""The bytes that are looked at, and those where the first two rows do not end in them."""

LOOKED_AT = 20
"""The rows that are looked at for a delimiter."""

DELIMITERS = "\t;|,"
"""Those that are found by themselves: the first that cuts the first rows alike."""

LINES = 100
"""The lines in which these are looked for."""

COMMENT = "#"


class CutError(BadLineError):
    """A row that does not end in the lines that were looked at."""


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


class Head(NamedTuple):
    """The first lines of a text that are not blank, and how many bytes and lines stand before them.

    `wanted` says how many rows must end in them.
    """

    lines: list[str]
    bytes_before: int
    lines_before: int
    wanted: int


def dialect(text: TextFile, reading: Reading) -> Dialect:
    """Return how a text file holds its table.

    Raises TableError for what is empty, for names that come twice, and where names cannot be told
    from values; BadLineError for no text.
    """
    try:
        return _dialect(text.name, _head(text, reading, HEAD, wanted=2), reading)
    except CutError:
        return _dialect(text.name, _head(text, reading, LONG, wanted=1), reading)


def _dialect(name: str, head: Head, reading: Reading) -> Dialect:
    lines = head.lines
    start, said = _above(lines, reading.skip_lines)
    if not "".join(lines[start:]).strip():
        raise TableError(f"{name}: has no rows below its first {head.lines_before + start:,} lines")
    asked = said if reading.delimiter is None else reading.delimiter
    chosen = _found(lines[start:]) if asked is None else _checked(asked)
    read = lines
    if reading.skip_lines is None and _heads(head, start, chosen):
        start -= 1
        read = [*lines[:start], _bare(lines[start]), *lines[start + 1 :]]
    rows, ends = _rows(head._replace(lines=read), start, chosen)
    found = heading(name, rows, reading)
    count = [start, *ends][found.above + found.header]
    above = head.bytes_before + len("".join(lines[:count]).encode())
    header = _line_of(rows[found.above], lines[count - 1], chosen) if found.header else b""
    notes = (*([f"delimiter {chosen!r}"] if asked is None and chosen != "," else ()), *found.notes)
    return Dialect(chosen, found.columns, above, head.lines_before + count, header, notes)


def _head(text: TextFile, reading: Reading, size: int, wanted: int) -> Head:
    """Return the lines in which the first bytes stand, from the first piece that is not blank."""
    pieces = text.pieces(0, size)
    length = lines = 0
    for piece in pieces:
        if piece.strip() or reading.skip_lines is not None:
            is_cut = next(pieces, None) is not None
            return Head(lines_of(decoded(piece)), length, lines, wanted * is_cut)
        length, lines = length + len(piece), lines + piece.count(b"\n")
    raise TableError(f"{text.name}: is empty")


# What stands above the table


def _above(lines: list[str], skipped: int | None) -> tuple[int, str | None]:
    """Return how many lines stand above the table for certain, and the delimiter they name.

    They are those to be skipped, or else a line such as Excel's `sep=;`, and comments.
    """
    if skipped is not None:
        return skipped, None
    said = _SEP.fullmatch(lines[0])
    start = 1 if said else 0
    comments = itertools.takewhile(lambda line: line.startswith(COMMENT), lines[start:])
    return start + len(list(comments)), said and said[1]


_SEP = re.compile(r'"?sep=(.)"?\r?\n?', re.IGNORECASE)


def _heads(head: Head, start: int, delimiter: str) -> bool:
    """Whether the comment above some rows is their header: it has a name for each column."""
    if not start or not head.lines[start - 1].startswith(COMMENT):
        return False
    rows, _ = _rows(head, start, delimiter)
    header = _fields_of(_bare(head.lines[start - 1]), delimiter)
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
    few = itertools.dropwhile(str.isspace, lines)
    text = "".join(itertools.islice(few, LINES)).encode()
    widths = TextLayout(text, delimiter).widths
    return widths[widths > 0][:LOOKED_AT].tolist() or [0]


def _rows(head: Head, start: int, delimiter: str) -> tuple[list[list[str]], list[int]]:
    """Return the first rows from a line on, and how many lines end with each.

    Raises BadLineError where the first is none, or where too few end in these lines.
    """
    most, above = looked_at(head.lines[start].count(delimiter)), head.lines_before + start
    for end in (start + most, len(head.lines)):  # further, where a second row does not end in these
        layout = TextLayout("".join(head.lines[start:end]).encode(), delimiter)
        found = list(itertools.islice(layout.fields(), most))
        if len(found) > 1:
            break
    if len(found) < head.wanted:
        raise CutError(above + 1, f"does not end within {LONG:,} bytes")
    if not found:
        layout.check(above=above)
    return [row for _, row in found], [start + count for count, _ in found]


def _fields_of(line: str, delimiter: str) -> list[str]:
    """Return the fields of a row that is a line, or none."""
    try:
        return [field for _, row in TextLayout(line.encode(), delimiter).fields() for field in row]
    except BadLineError:
        return []


def _line_of(header: list[str], line: str, delimiter: str) -> bytes:
    """Return the line of a header, or nothing where the header takes several."""
    return line.encode() if _fields_of(line, delimiter) == header else b""
