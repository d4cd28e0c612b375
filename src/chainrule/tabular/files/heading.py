"""What stands above the rows of a table: titles to leave out, and a header or none."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from chainrule.tabular.formats.column_values import different_names, shown
from chainrule.tabular.formats.missing_words import IN_NUMBERS
from chainrule.tabular.formats.number_signs import YEARS
from chainrule.tabular.read_options import Reading
from chainrule.tabular.table_error import TableError

FieldRow = Sequence[str]

ROWS, CELLS, FEWEST = 1_000, 10_000, 20
"""The rows that are looked at: so many, or those with so many fields, but no fewer than a few."""

LAST, TOLD_BY = 20, 3
"""The rows that are looked at for a column without a name, and those that it takes."""


class Heading(NamedTuple):
    """How many rows stand above the table, whether a header does, and the columns' names."""

    above: int
    header: bool
    columns: tuple[str, ...]
    notes: tuple[str, ...]


def heading(name: str, rows: Sequence[FieldRow], reading: Reading) -> Heading:
    """Return what stands above the rows of a table, from its first rows.

    Raises TableError for names that come twice, and where names cannot be told from values.

    >>> rows = [["Sales of 2024"], ["size", "kind", "price"], ["1", "a", "3"], ["2", "b", "5"]]
    >>> heading("sales.csv", rows, Reading())[:3]
    (1, True, ('size', 'kind', 'price'))
    """
    try:
        return _heading(rows, reading.header, reading)
    except TableError as error:
        raise TableError(f"{name}: {error}") from None


def _heading(rows: Sequence[FieldRow], header: bool | None, reading: Reading) -> Heading:
    above = _titles(rows) if reading.skip_lines is None else 0
    first, below = rows[above], rows[above + 1 :]
    notes = [_said_of(rows[:above])] if above else []
    is_header = has_header(first, below) if header is None else header
    if not is_header:
        if header is None:
            notes.append(
                "no header: the first row is like those below; the columns are column_1, …"
            )
        return Heading(
            above, False, _names([""] * len(first), reading.number_duplicates), tuple(notes)
        )
    names = [name.strip() for name in _with_all(first, below)]
    notes += [
        f"column {k} has no name in the header; it is called column_{k}"
        for k, name in enumerate(names, 1)
        if not name
    ]
    filled = [name for name in names if name]
    if header is None and filled and all(map(_is_number, filled)):
        notes.append(
            f"header: the numbers from {filled[0]} on are taken as the names of the columns"
        )
    return Heading(above, True, _names(names, reading.number_duplicates), tuple(notes))


def looked_at(width: int) -> int:
    """Return how many rows of a width are looked at.

    >>> looked_at(5), looked_at(100), looked_at(10_000)
    (1000, 100, 20)
    """
    return max(FEWEST, min(ROWS, CELLS // max(width, 1)))


# Names


def _names(given: Sequence[str], numbered: bool) -> tuple[str, ...]:
    """Return the names of columns: by their places where they have none, each once."""
    names = [name or f"column_{k}" for k, name in enumerate(given, 1)]
    return different_names(names, numbered=numbered)


def _with_all(header: FieldRow, below: Sequence[FieldRow]) -> FieldRow:
    """Return a header with a name for each column, "" where it has none.

    Rows that all end with a delimiter have a column more, which is empty; and a header without a
    name for the column that counts or names the rows is one of R's.
    """
    below = below[:LAST]
    if len(below) < TOLD_BY or any(len(row) != len(header) + 1 for row in below):
        return header
    if not any(row[-1].strip() for row in below):
        return [*header, ""]
    return ["", *header] if _names_rows([row[0] for row in below]) else header


def _names_rows(fields: FieldRow) -> bool:
    """Whether fields are different words, or the numbers from 0 or 1 on."""
    counted = [[str(k + start) for k in range(len(fields))] for start in (0, 1)]
    words = not any(_is_number(field) or not field.strip() for field in fields)
    return len(set(fields)) == len(fields) and (words or fields in counted)


# Titles


def table_begins(widths: Sequence[int]) -> int:
    """Return how many of the first rows are no part of a table, by how many fields rows have.

    All rows of the table, two at least, have as many; those above it have fewer. Where it is not
    so, none is part of it.

    >>> table_begins([1, 3, 3, 3]), table_begins([3, 3]), table_begins([3, 2, 3])
    (1, 0, 3)
    """
    other = [k for k, width in enumerate(widths) if width != widths[-1]]
    above = other[-1] + 1 if other else 0
    plain = len(widths) - above > 1 and max(widths) == widths[-1]
    return above if plain or not above else len(widths)


def _titles(rows: Sequence[FieldRow]) -> int:
    """Return how many rows stand above the header, where that is plain.

    They have fewer fields than all rows from the header on; or one at most that is filled.
    """
    width, above = len(rows[-1]), table_begins([len(row) for row in rows])
    if width > 2:
        above = next((k for k in range(above, len(rows)) if _filled(rows[k]) > 1), above)
    if not above or above + 1 >= len(rows):
        return 0
    titles, header, below = rows[:above], rows[above], rows[above + 1 :]
    names, values = votes(header, below)
    single = width > 2 and not values and all(_filled(row) < 2 for row in titles)
    return above if names > values or single else 0


def _filled(row: FieldRow) -> int:
    return sum(map(bool, map(str.strip, row)))


def _said_of(rows: Sequence[FieldRow]) -> str:
    first = " ".join(filter(None, (field.strip() for row in rows for field in row)))
    count = f"{len(rows)} lines" if len(rows) > 1 else "a line"
    return f"above the header: {count} left out, {shown(first)}"


# Header or none


def has_header(first: FieldRow, below: Sequence[FieldRow]) -> bool:
    """Whether the first row of a table names its columns: it does not read like the rows below.

    Raises TableError where as much speaks for values as for names.

    >>> has_header(["size", "kind"], [["1.5", "a"]]), has_header(["1.5", "a"], [["2.5", "a"]])
    (True, False)
    """
    names, values = votes(first, below)
    if 0 < names <= values:
        raise TableError(
            f"the first row, {shown(', '.join(first))}, may hold names or values; say which by "
            "`header=True` or `header=False`"
        )
    filled = [field for field in first if not _is_missing(field)]
    if names or values or not all(map(_is_number, filled)):
        return names >= values
    return bool(filled) and any(kind(filled) for kind in (_counts, _years))


def votes(first: FieldRow, below: Sequence[FieldRow]) -> tuple[int, int]:
    """Return in how many columns the first row looks like a name, and in how many like a value.

    >>> votes(["size", "kind", "2019"], [["1.5", "a", "3"], ["2.5", "b", "4"]])
    (1, 0)
    """
    below = [row for row in below if list(row) != list(first) and len(row) == len(first)]
    may_be_names = _may_be_names(first, below)
    columns = zip(*below, strict=True) if below else [()] * len(first)
    votes = Counter(map(_vote, first, columns, itertools.repeat(may_be_names)))
    filled = [field for field in first if not _is_missing(field)]
    return votes[1], votes[-1] + (len(set(filled)) < len(filled) and not votes[1])


def _vote(field: str, below: Sequence[str], numbers_may_be_names: bool) -> int:
    """Return 1 for a name, -1 for a value, 0 where a column's first field may be either."""
    values = {value for value in set(below) if not _is_missing(value)}
    if not values or _is_missing(field):
        return 0
    if all(map(_is_number, values)):
        return 1 if not _is_number(field) else 0 if numbers_may_be_names else -1
    if field in values:
        return -1
    forms = set(map(_form, values))
    if not all("9" in form for form in forms):
        return 0
    return 1 if "9" not in _form(field) else -1 if _form(field) in forms else 0


def _is_missing(field: str) -> bool:
    """Whether a field holds no value, or has nothing that a name has."""
    return field.strip() in IN_NUMBERS or _NOTHING.fullmatch(field) is not None


_NOTHING = re.compile(r"[\W_]*")


def _is_number(field: str) -> bool:
    return _NUMBER.fullmatch(field.strip()) is not None


_NUMBER = re.compile(
    r"[(+−-]?\s?[^\w\s]?\s?[.,]?\d[\d.,'\s]*(?:e[+-]?\d+)?\s?[^\w\s]?\)?", re.IGNORECASE
)
"""A number in any dress: with a sign, a currency, thousands, brackets, a percent sign."""


def _form(field: str) -> str:
    """Return what a field looks like: 9 for digits, a for letters.

    >>> _form("2024-01-31"), _form("ABC-7")
    ('9999-99-99', 'aaa-9')
    """
    return re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", field.strip()))


# Numbers as names


def _may_be_names(first: FieldRow, below: Sequence[FieldRow]) -> bool:
    """Whether the numbers of a first row go on as names do, and those of the second do not."""
    places = [k for k, field in enumerate(first) if _is_number(field)]
    names = [first[k] for k in places]
    second = [below[0][k] for k in places] if below else []
    if _counts(names) or _years(names):
        return not _counts(second) and not all(map(_is_year, second))
    only_numbers = all(_is_number(field) or _is_missing(field) for field in first)
    return not only_numbers and _steps(names) and not _steps(second)


def _counts(fields: FieldRow) -> bool:
    """Whether fields count the columns, from 0."""
    return list(fields) == [str(k) for k in range(len(fields))]


def _is_year(field: str) -> bool:
    return field.strip().isdecimal() and int(field) in YEARS


def _years(fields: FieldRow) -> bool:
    """Whether fields are years, one after the other."""
    if not all(map(_is_year, fields)):
        return False
    steps = {int(b) - int(a) for a, b in itertools.pairwise(fields)}
    return not steps or (len(steps) == 1 and (len(fields) > 2 or steps <= {1, -1}))


def _steps(fields: FieldRow) -> bool:
    """Whether fields are three numbers or more that rise or fall by the same step."""
    try:
        numbers = [float(field) for field in fields]
    except ValueError:
        return False
    steps = {round(b - a, 9) for a, b in itertools.pairwise(numbers)}
    return len(numbers) > 2 and len(steps) == 1 and steps != {0}
