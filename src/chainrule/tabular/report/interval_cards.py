"""The card of how sure predictions are: what bounds or sets hold, and how large they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.formatting import counted, number
from chainrule.html_page.markup import (
    Html,
    bar,
    card,
    facts,
    figure,
    number_cell,
    paragraph,
    short,
    table,
)
from chainrule.tabular import intervals
from chainrule.tabular.bounds import within
from chainrule.tabular.report import plots
from chainrule.tabular.report.findings import Findings
from chainrule.tabular.report.quality_cards import CLASSES, POINTS, plotted
from chainrule.tabular.table_evaluation import held

Array = NDArray[Any]

PARTS, ROWS_OF_A_PART = 5, 10
"""The most parts of the rows, by the prediction, and the fewest rows of one."""


LARGE = 10
"""Sets of so many classes or more are told of together."""


class Part(NamedTuple):
    """Some rows: their predictions, in what share of them bounds hold, and their mean width."""

    low: float
    high: float
    rows: int
    coverage: intervals.Coverage
    width: float


def interval(found: Findings) -> Iterator[Html]:
    """Yield the card of the bounds of a quantity, or of sets of classes, if the model has some."""
    if found.bounds is None or found.model.interval is None:
        return
    told = held(found.model, found.model.in_units(found.labels), found.bounds, found.weight)
    is_of_sets = found.model.target.task == "classification"
    size = f"{number(told['size' if is_of_sets else 'width'])} in the mean"
    said = {
        "interval": found.model.interval.in_words(found.model.about["options"]),
        "held out": f"in {100 * told['coverage']:.1f} % of {counted(len(found.y), 'row')}, by "
        "which they were set",
        "classes" if is_of_sets else "width": f"{size}, of the baseline {number(told['baseline'])}",
    }
    if is_of_sets:
        yield card(
            "Sets of classes",
            facts(said),
            _sizes(found.y, found.bounds, found.weight),
            _classes(found),
        )
    else:
        yield card("Bounds", facts(said), _fan(found), *_parts(found))


def _weights(rows: int, w: Array | None) -> Array:
    """Return the weights of rows; those of weight 0 count for nothing, and stand in no table."""
    return np.ones(rows) if w is None else w.astype(np.float64)


def _sizes(y: Array, sets: Array, w: Array | None = None) -> Html:
    """Return the table of how large sets are, and how often they have the class of the row."""
    w = _weights(len(y), w)
    size, inside = np.minimum(sets.sum(axis=1), LARGE), sets[np.arange(len(y)), y]
    rows = []
    for k in np.unique(size[w > 0]).tolist():
        of = (size == k) & (w > 0)
        said = f"{k} or more" if k == LARGE else str(k)
        share, held_in = w[of].sum() / w.sum(), np.average(inside[of], weights=w[of])
        rows.append([said, bar(share), int(of.sum()), _percent(held_in)])
    return table("the sets by their size", ["classes", "share", "rows", "with the class"], rows)


def _classes(found: Findings) -> Html:
    """Return the table of how often sets have each class; of many, those that they lack most."""
    each = sets_by_class(found.y, found.bounds, found.weight)
    shown = sorted(each, key=lambda own: own.coverage.share)[:CLASSES]
    names = found.model.outputs_named
    rows = [
        [short(names[own.label]), own.rows, _percent(own.coverage.share), _between(own.coverage),
         own.size]
        for own in shown
    ]  # fmt: skip
    caption = "the rows of each class"
    if len(shown) < len(each):
        caption = f"the {len(shown)} of {len(each):,} classes that their sets have least often"
    return table(caption, ["class", "rows", "in the set", "95 % certain", "mean size"], rows)


class OfClass(NamedTuple):
    """The rows of a class: how many, in what share the set has it, and how large sets are."""

    label: int
    rows: int
    coverage: intervals.Coverage
    size: float


def sets_by_class(y: Array, sets: Any, w: Array | None = None) -> list[OfClass]:
    """Return what sets hold of each class that comes.

    >>> [first, other] = sets_by_class(np.array([0, 2, 2]), np.eye(3, dtype=bool)[[0, 2, 1]])
    >>> first.coverage.share, other.label, other.rows, other.coverage.share, other.size
    (1.0, 2, 2, 0.5, 1.0)
    """
    w = _weights(len(y), w)
    of_each = ((label, (y == label) & (w > 0)) for label in np.unique(y[w > 0]).tolist())
    return [
        OfClass(
            label,
            int(of.sum()),
            intervals.found(sets[of, label], w[of]),
            float(np.average(sets[of].sum(axis=1), weights=w[of])),
        )
        for label, of in of_each
    ]


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
    w, rising = _weights(len(y), w), np.argsort(p, kind="stable")
    rising = rising[w[rising] > 0]
    count = min(PARTS, max(1, len(rising) // ROWS_OF_A_PART))
    return [
        Part(
            float(p[rows[0]]),
            float(p[rows[-1]]),
            len(rows),
            intervals.found(within(y[rows], bounds[rows]), w[rows]),
            float(np.average(np.diff(bounds[rows])[:, 0], weights=w[rows])),
        )
        for rows in np.array_split(rising, count)
    ]


def _parts(found: Findings) -> Iterator[Html]:
    """Yield the table of what bounds hold, by the prediction, and where it is the least."""
    assert found.bounds is not None
    parts = by_prediction(found.y, found.p[:, 0], found.bounds, found.weight)
    rows = [
        [f"{number(part.low)} to {number(part.high)}", part.rows, _percent(part.coverage.share),
         _between(part.coverage), part.width]
        for part in parts
    ]  # fmt: skip
    head = ["prediction", "rows", "within", "95 % certain", "mean width"]
    yield table("what the bounds hold, by the prediction", head, rows)
    least = min(parts, key=lambda part: part.coverage.share)
    yield paragraph(
        f"They hold least, in {100 * least.coverage.share:.1f} %, where the prediction lies "
        f"between {number(least.low)} and {number(least.high)}."
    )


def _percent(share: Any) -> Html:
    return number_cell(f"{100 * share:.1f} %")


def _between(coverage: intervals.Coverage) -> Html:
    return number_cell(f"{100 * coverage.least:.0f}–{100 * coverage.most:.0f} %")
