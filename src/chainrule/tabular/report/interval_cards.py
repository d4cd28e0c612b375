"""The card of how sure predictions are: what bounds hold, where, and how wide they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.formatting import counted, number
from chainrule.tabular import intervals
from chainrule.tabular.bounds import within
from chainrule.tabular.report import plots
from chainrule.tabular.report.findings import Findings
from chainrule.tabular.report.markup import (
    Html,
    card,
    facts,
    figure,
    number_cell,
    paragraph,
    table,
)
from chainrule.tabular.report.quality_cards import POINTS, plotted

Array = NDArray[Any]

PARTS, ROWS_OF_A_PART = 5, 10
"""The most parts of the rows, by the prediction, and the fewest rows of one."""


class Part(NamedTuple):
    """Some rows: their predictions, in what share of them bounds hold, and their mean width."""

    low: float
    high: float
    rows: int
    coverage: intervals.Coverage
    width: float


def bounds(found: Findings) -> Iterator[Html]:
    """Yield the card of the bounds of a quantity, if the model has some."""
    interval = found.model.interval
    if interval is None or found.bounds is None:
        return
    told = intervals.found(within(found.y, found.bounds), found.weight)
    width = found.model.about["validation"]["interval"]
    said = {
        "bounds": interval.in_words(found.model.about["options"]),
        "held out": f"in {100 * told.share:.1f} % of {counted(len(found.y), 'row')}, by which they "
        "were set",
        "width": f"{number(width['width'])} in the mean, of the baseline "
        f"{number(width['baseline'])}",
    }
    parts = by_prediction(found.y, found.p[:, 0], found.bounds, found.weight)
    least = min(parts, key=lambda part: part.coverage.share)
    note = (
        f"They hold least, in {100 * least.coverage.share:.1f} %, where the prediction lies "
        f"between {number(least.low)} and {number(least.high)}."
    )
    yield card("Bounds", facts(said), _fan(found), _parts(parts), paragraph(note))


def _fan(found: Findings) -> Html:
    """Return the figure of bounds and true values about the prediction, in the order of that."""
    assert found.bounds is not None
    n, p = len(found.y), found.p[:, :1]
    some = plotted(found)
    some = some[np.argsort(p[some, 0], kind="stable")]
    of = f"{n:,} rows held out" if n <= POINTS else f"{POINTS:,} of {n:,} rows held out, drawn"
    said = f"True values and bounds of {of}, less the prediction, in the order of that."
    lines = np.insert(found.bounds - p, 1, 0, axis=1)[some]
    true = found.y[some] - p[some, 0]
    return figure(plots.fan_plot(true, lines, 1, said, "true − predicted, and bounds"), said)


def by_prediction(y: Array, p: Array, bounds: Array, w: Array | None) -> list[Part]:
    """Return what bounds hold of the rows with the lowest predictions, and so on to the highest.

    >>> y, bounds = np.array([0.0, 9.0]), np.array([[-1.0, 1.0], [1.0, 3.0]])
    >>> [part] = by_prediction(y, np.array([0.0, 2.0]), bounds, None)
    >>> part.coverage.share, part.width
    (0.5, 2.0)
    """
    count = min(PARTS, max(1, len(y) // ROWS_OF_A_PART))
    return [
        Part(
            float(p[rows[0]]),
            float(p[rows[-1]]),
            len(rows),
            intervals.found(within(y[rows], bounds[rows]), None if w is None else w[rows]),
            float(np.diff(bounds[rows]).mean()),
        )
        for rows in np.array_split(np.argsort(p, kind="stable"), count)
    ]


def _parts(parts: list[Part]) -> Html:
    rows = [
        [f"{number(part.low)} to {number(part.high)}", part.rows,
         number_cell(f"{100 * part.coverage.share:.1f} %"),
         number_cell(_between(part)), part.width]
        for part in parts
    ]  # fmt: skip
    head = ["prediction", "rows", "within", "95 % certain", "mean width"]
    return table("what the bounds hold, by the prediction", head, rows)


def _between(part: Part) -> str:
    return f"{100 * part.coverage.least:.0f}–{100 * part.coverage.most:.0f} %"
