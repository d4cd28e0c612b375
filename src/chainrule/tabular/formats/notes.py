"""What preparing a table met that training did not know."""

from __future__ import annotations

from typing import Any

from chainrule.errors import bare
from chainrule.tabular.formats.column_values import shown

WORDS = {
    "infinite": "infinite, taken as missing",
    "missing": "missing, unlike in training",
    "no date": "not a date, taken as missing",
    "no number": "not a number, taken as missing",
    "no percent": "without %, taken as percent",
    "strange": "with no part of a word that training knew",
    "unseen": "not seen in training",
}
"""What can be met, in words."""


class Notes:
    """How often each column held what training did not know, over one frame or many.

    >>> notes = Notes()
    >>> notes.add("cut", "unseen", 2, "Superb")
    >>> notes.add("cut", "unseen", 1, "Odd")
    >>> notes.lines()
    ["cut: 3 not seen in training, such as 'Superb'"]
    """

    def __init__(self) -> None:
        self.found: dict[tuple[str, str], tuple[int, Any]] = {}

    def add(self, column: str, what: str, count: int, example: Any = None) -> None:
        """Count values of one kind in a column; the first example stays."""
        before, first = self.found.get((column, what), (0, example))
        if count:
            self.found[column, what] = before + count, first

    def lines(self) -> list[str]:
        """Return what was met: a line for each column and kind."""
        return [
            f"{bare(column)}: {count:,} {WORDS[what]}"
            + (f", such as {shown(example)}" if example is not None else "")
            for (column, what), (count, example) in self.found.items()
        ]
