"""What the lines of `table_peers.py` say: errors, ranks, ratios and times, as a page.

A figure of a contestant on a table is the mean over the splits, and is there once all of them are.
An error is shown as a multiple of the least mean error of all contestants on that table.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from scipy.stats import gmean, rankdata

Figures = Mapping[tuple[str, str], Mapping[str, float]]
"""Of a table and a contestant, the mean of each field of its lines."""

OURS, BEFORE, BASE = "chainrule", "chainrule before", "HGB"
"""Ours, ours before the recipe of today, and the one that all are held against."""

SHORT_NAMES = {
    "LightGBM": "LGBM", "XGBoost": "XGB", "CatBoost": "CatB", "perceptron": "MLP",
    "RealMLP-TD": "RealMLP", BEFORE: "before",
}  # fmt: skip
"""For columns."""

CLOSE = 1.01
"""Errors whose ratio is less are called close."""


class Ground(NamedTuple):
    """Tables, who was trained on all of them, and the figures."""

    tables: list[str]
    names: list[str]
    figures: Figures

    def column(self, name: str, field: str) -> list[float]:
        """Return a field of a contestant on each table."""
        return [self.figures[table, name][field] for table in self.tables]

    def least(self, table: str, field: str) -> float:
        """Return the least of all contestants."""
        return min(self.figures[table, name][field] for name in self.names)

    def relative(self, name: str, field: str) -> list[float]:
        """Return a field of a contestant on each table, as a multiple of the least of all."""
        own = self.column(name, field)
        return [value / self.least(t, field) for value, t in zip(own, self.tables, strict=True)]

    def ratios(self, name: str, other: str = BASE) -> list[float]:
        """Return how many times the error of another a contestant has on each table."""
        pairs = zip(self.column(name, "error"), self.column(other, "error"), strict=True)
        return [own / theirs for own, theirs in pairs]

    def mean_ranks(self) -> dict[str, float]:
        """Return the mean rank of each contestant by its error; ours of before has none."""
        ranked = [name for name in self.names if name != BEFORE]
        columns = [self.column(name, "error") for name in ranked]
        ranks = rankdata(columns, axis=0).mean(axis=1)
        return dict(zip(ranked, map(float, ranks), strict=True))

    def only(self, field: str) -> Ground:
        """Return the same of the tables that have a field, such as the log loss of classes."""
        first = self.names[0]
        having = [t for t in self.tables if self.figures[t, first].get(field) is not None]
        return self._replace(tables=having)


def ground(
    lines: Sequence[dict[str, Any]], tables: list[str], names: list[str], splits: int
) -> Ground:
    """Return what there is of those who were trained on each split of all the tables."""
    by_place: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for line in lines:
        by_place.setdefault((line["table"], line["contestant"]), []).append(line)
    figures = {place: means(own) for place, own in by_place.items() if len(own) == splits}
    whole = [name for name in names if all((table, name) in figures for table in tables)]
    return Ground(tables, whole, figures)


MEASURED = ("error", "log_loss", "train_seconds", "predict_seconds")


def means(lines: list[dict[str, Any]]) -> dict[str, float]:
    """Return the means over the splits; `disturbed` says that the times are not to be relied on."""
    known = [field for field in MEASURED if lines[0][field] is not None]
    found = {field: statistics.fmean(line[field] for line in lines) for field in known}
    return found | {"disturbed": float(any(map(disturbed, lines)))}


def disturbed(line: Mapping[str, Any]) -> bool:
    """Return whether others kept the cores busy, or may have; older lines have only the load."""
    others = line["others"] > 0.1 if "others" in line else line["load"] > 1.5
    return others or line["threads"] != 2


def table_of(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown whose columns stand below one another."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = [heads, rule, *rows]
    return "\n".join(
        "| " + " | ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) + " |"
        for line in lines
    )


def grid(of: Ground, cells: Callable[[str], list[str]], first: Sequence[str], title: str) -> str:
    """Return a table with a row for each table and a column for each contestant."""
    heads = ["table", title, *(SHORT_NAMES.get(name, name) for name in of.names)]
    columns = [of.tables, list(first), *map(cells, of.names)]
    return table_of(heads, list(zip(*columns, strict=True)))


def relative_grid(of: Ground, field: str) -> str:
    """Return the table of a field as multiples of the least, which stands in front."""

    def cells(name: str) -> list[str]:
        return [f"{value:.3f}" for value in of.relative(name, field)]

    return grid(of, cells, [f"{of.least(table, field):.4g}" for table in of.tables], "least")


def seconds_grid(of: Ground, field: str) -> str:
    """Return the table of seconds, the shortest in front; ~ marks what may be too long."""

    def cells(name: str) -> list[str]:
        marks = ["~" if value else "" for value in of.column(name, "disturbed")]
        return [m + f"{s:.3g}" for m, s in zip(marks, of.column(name, field), strict=True)]

    return grid(of, cells, [f"{of.least(table, field):.3g}" for table in of.tables], "least")


def standings(of: Ground) -> str:
    """Return the table of the contestants, by their mean rank."""
    ranks = of.mean_ranks()
    heads = ["contestant", "rank", "error", "better", "close", "worse", "× HGB", "worst", "s"]
    rows = [
        [name, f"{ranks[name]:.2f}", *standing(of, name)] for name in sorted(ranks, key=ranks.get)
    ]
    if BEFORE in of.names:
        rows.append([BEFORE, "", *standing(of, BEFORE)])
    return table_of(heads, rows)


def standing(of: Ground, name: str) -> list[str]:
    """Return the cells of a contestant: its error beside the best, and all that beside HGB's."""
    ratios = of.ratios(name)
    better, worse = sum(r < 1 for r in ratios), sum(r > CLOSE for r in ratios)
    return [
        f"{statistics.fmean(of.relative(name, 'error')):.3f}",
        *map(str, (better, len(ratios) - better - worse, worse)),
        f"{gmean(ratios):.3f}",
        f"{max(ratios):.3f}",
        f"{statistics.median(of.column(name, 'train_seconds')):.3g}",
    ]


def verdict(of: Ground) -> str:
    """Return in words where Chainrule stands."""
    ranks = of.mean_ranks()
    place = sorted(ranks.values()).index(ranks[OURS]) + 1
    ratios = dict(zip(of.tables, of.ratios(OURS), strict=True))
    lost = ", ".join(f"{table} ({r:.3f})" for table, r in ratios.items() if r > CLOSE)
    return (
        f"Chainrule's mean rank is {ranks[OURS]:.2f}, place {place} of {len(ranks)}. Its error is "
        f"less than HGB's on {sum(r < 1 for r in ratios.values())} of {len(ratios)} tables, and "
        f"more by over 1 % on {lost or 'none'}."
    )


def section(of: Ground) -> list[str]:
    """Return the tables of a ground."""
    if BASE not in of.names:
        return ["There are no figures of HGB on all of these tables yet."]
    classes = of.only("log_loss")
    words = [verdict(of)] if OURS in of.names else []
    return [
        *words,
        standings(of),
        "Errors as multiples of the least of all:",
        relative_grid(of, "error"),
        "Log losses as multiples of the least of all:",
        relative_grid(classes, "log_loss"),
        "Seconds of training:",
        seconds_grid(of, "train_seconds"),
        "Seconds of predicting the test rows:",
        seconds_grid(of, "predict_seconds"),
    ]


ABOUT = """\
The error is the root mean squared one of a number, and the share of rows in the wrong class. Of
each contestant: the mean rank of its error; the mean of its errors as multiples of the least of all
on each table; on how many tables its error is less than that of HistGradientBoosting (HGB), close
(more by at most 1 %), or worse; the geometric mean and the largest of these ratios; and the median
of the seconds of training. All are at their defaults and get the same rows; Chainrule is given the
target and nothing else. "Before" is Chainrule as it was without embeddings, race and members. A
time with ~ was taken on one core or beside other work, so it is only a rough one."""


def markdown(whole: Ground, short: Ground, machine: Sequence[str]) -> str:
    """Return the page."""
    parts = [
        "# Chainrule beside boosted trees and other networks on public tables",
        ABOUT,
        "\n".join(f"- {each}" for each in machine),
        "## Five splits of sixteen tables, up to 20,000 rows to train with",
        *section(whole),
        "## One split of every second table, up to 5,000 rows, with the slow networks",
        *section(short),
    ]
    return "\n\n".join(parts) + "\n"
