"""Tables in files of Markdown, as the benchmarks write them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

RESULTS = Path(__file__).parents[2] / "benchmarks/results"

NUMBER = re.compile(r"[-−]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")


class Table(NamedTuple):
    """A table, with the heading of its section and the line above it."""

    section: str
    above: str
    head: list[str]
    rows: list[list[str]]

    def column(self, name: str, nth: int = 0) -> list[float]:
        """Return the numbers of a column, NaN where there is none; of several, the nth so named."""
        at = [k for k, head in enumerate(self.head) if head == name][nth]
        return [value(row[at]) for row in self.rows]

    def names(self) -> list[str]:
        """Return the first column."""
        return [row[0] for row in self.rows]


def value(cell: str) -> float:
    """Return the first number of a cell, or NaN.

    >>> value("8,384 (114)"), value("~1.27e+03"), value("−0.5 %"), value("1/26"), value("–")
    (8384.0, 1270.0, -0.5, 1.0, nan)
    """
    found = NUMBER.search(cell)
    return float(found[0].replace(",", "").replace("−", "-")) if found else float("nan")


def tables_of(stem: str) -> list[Table]:
    """Return the tables of a file in `benchmarks/results/`."""
    section, above, table = "", "", list[list[str]]()
    found = []
    lines = (RESULTS / f"{stem}.md").read_text(encoding="utf-8").splitlines()
    for line in [*lines, ""]:
        if line.startswith("|"):
            table.append([cell.strip() for cell in line.strip("|").split("|")])
            continue
        if table:
            found.append(Table(section, above, table[0], table[2:]))
            table = []
        if line.startswith("#"):
            section = line.lstrip("# ")
        above = line or above
    return found
