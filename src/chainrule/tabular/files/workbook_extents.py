"""How far the sheets of a workbook reach, looked at before they are loaded.

A sheet is loaded as the rectangle around its values, whatever stands between them: two values in
opposite corners are 17 thousand million cells, and where there is no memory for them, the whole
process ends.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import IO
from xml.parsers import expat

from chainrule.tabular.memory import for_this_process

MOST, MOST_TO_A_BYTE = 2**24, 3
"""More cells than these, and so many to a byte of the file, are refused."""

OF_A_CELL = 100
"""The bytes that a cell takes while it is loaded, about."""

PIECE = 2**16


class _NoSheetError(Exception):
    """A file of an archive has no sheets in it."""


class _Reach:
    """How far the values of sheets reach; elements are told to it in their order."""

    def __init__(self) -> None:
        self.row = self.column = self.rows = self.columns = 0
        self._start: Callable[[str, dict[str, str]], None] = self._root

    @property
    def begun(self) -> bool:
        """Whether the file is of sheets."""
        return self._start != self._root

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Take note of an element that begins."""
        self._start(tag.rpartition(":")[2], attributes)

    def _root(self, tag: str, _: dict[str, str]) -> None:
        kinds = {"worksheet": self._excel, "document-content": self._opendocument}
        if tag not in kinds:
            raise _NoSheetError
        self._start = kinds[tag]

    def _excel(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "c":
            at = attributes.get("r")
            column, row = (self.column + 1, self.row) if at is None else _place(at)
            self.row, self.column = row, column
        elif tag in ("v", "is"):
            self._filled()
        elif tag == "row":
            self.row, self.column = int(attributes.get("r", self.row + 1)), 0

    def _opendocument(self, tag: str, attributes: dict[str, str]) -> None:
        if tag in ("table-cell", "covered-table-cell"):
            self.column += int(attributes.get("table:number-columns-repeated", 1))
            if any(name.endswith(("value-type", "formula")) for name in attributes):
                self._filled()
        elif tag == "p":
            self._filled()
        elif tag == "table-row":
            self.row += int(attributes.get("table:number-rows-repeated", 1))
            self.column = 0
        elif tag == "table":
            self.row = self.column = 0

    def _filled(self) -> None:
        self.rows, self.columns = max(self.rows, self.row), max(self.columns, self.column)


@lru_cache(2**15)
def _number(letters: str) -> int:
    """Return the number of a column, from 1."""
    number = 0
    for letter in letters.upper():
        number = 26 * number + ord(letter) - ord("A") + 1
    return number


def _place(at: str) -> tuple[int, int]:
    """Return the column and the row of a cell such as B7, from 1."""
    letters = at.rstrip("0123456789")
    return _number(letters), int(at[len(letters) :])


def check_extents(path: Path) -> None:
    """Raise ValueError for a workbook, a zip archive, one of whose sheets reaches too far.

    Raises ExpatError too, for a sheet that is no XML.

    >>> path = getfixture("tmp_path") / "trees.xlsx"
    >>> with zipfile.ZipFile(path, "w") as archive:
    ...     archive.writestr("sheet.xml", '<worksheet><c r="XFD1048576"><v>1</v></c></worksheet>')
    >>> check_extents(path)
    Traceback (most recent call last):
    ...
    ValueError: a sheet has values as far as row 1,048,576 and column 16,384, which are 17,179,...
    """
    most = max(MOST, MOST_TO_A_BYTE * path.stat().st_size)
    most = min(most, for_this_process() // OF_A_CELL)
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            with archive.open(member) as file:
                rows, columns = _reach(file)
            if rows * columns > most:
                raise ValueError(
                    f"a sheet has values as far as row {rows:,} and column {columns:,}, which are "
                    f"{rows * columns:,} cells, and {most:,} are taken; delete what stands far "
                    "from the table, or save it as CSV"
                )


def _reach(file: IO[bytes]) -> tuple[int, int]:
    """Return how many rows and columns a file of a workbook reaches over; none if it is no sheet.

    >>> import io
    >>> _reach(io.BytesIO(b'<worksheet><row><c r="B7"><v>1</v></c><c r="XFD9"/></row></worksheet>'))
    (7, 2)
    """
    reach, parser = _Reach(), expat.ParserCreate()
    parser.StartElementHandler = reach.start
    parser.EntityDeclHandler = _refuse_entity
    try:
        while piece := file.read(PIECE):
            parser.Parse(piece)
    except _NoSheetError:
        return 0, 0
    except expat.ExpatError:
        if reach.begun:
            raise
    return reach.rows, reach.columns


def _refuse_entity(*_: object) -> None:
    raise ValueError("a sheet declares entities, which none does")
