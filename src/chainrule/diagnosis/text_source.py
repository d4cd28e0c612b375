"""Texts that are checked, Markdown, LaTeX and notebooks, as passages whose lines have places."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from chainrule.regular_files import read_regular

MOST_BYTES = 2**23
"""The longest text that is read."""

LATEX = (".tex", ".latex", ".ltx")
"""How the names of files of LaTeX end; all others are Markdown."""


class Passage(NamedTuple):
    """A text by itself: a file, or a cell of a notebook, counted from 1; 0 where it is a file."""

    file: str
    cell: int
    text: str
    latex: bool

    def place(self, line: int) -> str:
        """Return where a line is, as an editor is told.

        >>> Passage("tutorial.md", 0, "", False).place(3)
        'tutorial.md:3'
        >>> Passage("tutorial.ipynb", 2, "", False).place(3)
        'tutorial.ipynb:cell 2:3'
        """
        return f"{self.file}:cell {self.cell}:{line}" if self.cell else f"{self.file}:{line}"


def read_passages(path: str | Path) -> list[Passage]:
    """Return a text's passages: the whole of it, or the Markdown cells of a notebook.

    Raises OSError where it cannot be read, and ValueError for what is no text or no notebook.

    >>> path = getfixture("tmp_path") / "tutorial.md"
    >>> path.write_text("net_h1 = 0.3775")
    15
    >>> [passage.text for passage in read_passages(path)]
    ['net_h1 = 0.3775']
    """
    file, data = str(path), read_regular(path, MOST_BYTES)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{file}: is not a text in UTF-8, at byte {error.start:,}; save it as UTF-8"
        ) from None
    if "\0" in text:
        raise ValueError(f"{file}: is not a text: it holds zero bytes")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    ending = Path(path).suffix.lower()
    if ending != ".ipynb":
        return [Passage(file, 0, text, ending in LATEX)]
    return [
        Passage(file, number, source, False)
        for number, source in enumerate(_cells(file, text), start=1)
        if source
    ]


def _cells(file: str, text: str) -> list[str]:
    """What the cells of a notebook hold; "" of a cell of code."""
    try:
        notebook = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{file}:{error.lineno}: is not a notebook: its JSON is broken, {error.msg}"
        ) from None
    except RecursionError:
        raise ValueError(f"{file}: is not a notebook: its JSON is nested too deep") from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise ValueError(f"{file}: is not a notebook of version 4: it has no list of cells")
    return [_source(file, number, cell) for number, cell in enumerate(cells, start=1)]


def _source(file: str, number: int, cell: Any) -> str:
    kind = cell.get("cell_type") if isinstance(cell, dict) else None
    source = cell.get("source") if isinstance(cell, dict) else None
    if isinstance(source, list) and all(isinstance(part, str) for part in source):
        source = "".join(source)
    if not isinstance(kind, str) or not isinstance(source, str):
        raise ValueError(f"{file}: cell {number} must have a cell_type and a source of text")
    return source if kind == "markdown" else ""
