"""The card of learnt curves: what the model makes of each of the columns that matter most."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np

from chainrule.formatting import decimals, number
from chainrule.html_page.markup import (
    Html,
    card,
    figure,
    key,
    number_cell,
    paragraph,
    short,
    table,
    text,
)
from chainrule.html_page.svg import VARIABLES
from chainrule.tabular.column_dependence import LEVELS
from chainrule.tabular.report import plots
from chainrule.tabular.report.column_curves import FEW, ColumnCurve, times
from chainrule.tabular.report.findings import Findings

ENDS = LEVELS[0], LEVELS[-1]
"""The quantiles over the rows that stand beside the mean."""

NAMED = 5
"""The most columns without a curve that are named."""


def curves(found: Findings) -> Html:
    """Return the card of the learnt curves."""
    each = [_part(found, curve) for curve in found.curves]
    parts = [Html(f'<div class="curves">{"".join(each)}</div>')] if each else []
    return card("Learnt curves", *parts, paragraph(_how(found) + _without(found)), wide=True)


def _how(found: Findings) -> str:
    """Return in words what the curves are."""
    if not found.curves:
        return "No column that matters has a curve."
    first = found.curves[0]
    level = "" if _is_of_classes(found) else ", moved to one level"
    single = f"; faint, single rows{level}" if len(_outputs(found, first)) == 1 else ""
    return (
        "What the model saved predicts on average where a column has the same value in all of "
        f"{len(first.p):,} rows held out (partial dependence){single}. Below, "
        f"where {len(first.seen):,} of them lie; shaded, where a bar has fewer than {FEW}. Columns "
        "that go together are varied one at a time, and so beyond what occurs."
    )


def _without(found: Findings) -> str:
    """Return in words which columns have no curve."""
    there = {curve.column for curve in found.curves}
    left = [column for column in found.model.preparation.columns if column not in there]
    matter = set(found.importances.mattering) if found.importances else set()
    why = "they matter less, or are texts" if matter & set(left) else "they do not matter"
    names = ", ".join(short(column) for column in left[:NAMED])
    more = f" and {len(left) - NAMED:,} more" if len(left) > NAMED else ""
    return f" Without a curve, for {why}: {names}{more}." if left else ""


def _is_of_classes(found: Findings) -> bool:
    return found.model.target.task == "classification"


def _what(found: Findings) -> str:
    return "probability" if _is_of_classes(found) else "prediction"


def _part(found: Findings, curve: ColumnCurve) -> Html:
    """Return the part of one column, under its name."""
    shown = _plot(found, curve) if curve.ordered and curve.some else _bars(found, curve)
    return Html(f"<section><h3>{text(short(curve.column))}</h3>{shown}</section>")


def _outputs(found: Findings, curve: ColumnCurve) -> dict[int, str]:
    """Return what the outputs that are shown are called."""
    names = found.model.outputs_named
    if _is_of_classes(found):
        return {k: short(names[k]) for k in ([1] if len(names) == 2 else curve.varying)}
    if levels := found.model.quantiles:
        ends = {0, len(levels) // 2, len(levels) - 1}
        return {k: f"quantile {levels[k]:g}" for k in sorted(ends)}
    return {0: short(names[0])}


def _plot(found: Findings, curve: ColumnCurve) -> Html:
    """Return the plot of a number or a date, and the numbers behind it, folded."""
    words, level = _outputs(found, curve), not _is_of_classes(found)
    lines = [_range(found, curve, output, word) for output, word in words.items()]
    said = f"{short(curve.column)}: {'; '.join(lines)}."
    plot = plots.curve_plot(curve, list(words), _what(found), said, level=level)
    return Html(
        f"{figure(plot, _keyed(lines))}{_rows(found, curve, words)}"
        f"<details><summary>the numbers</summary>{_numbers(found, curve, words)}</details>"
    )


def _rows(found: Findings, curve: ColumnCurve, words: dict[int, str]) -> Html:
    """Return the plot of single rows from one start, folded: of the output that varies most."""
    if curve.some < 2:
        return Html("")
    output = max(words, key=lambda k: float(np.ptp(curve.mean[: curve.some, k])))
    rises = curve.p[:, curve.some - 1, output] - curve.p[:, 0, output]
    low, high = (_figure(found, np.quantile(rises, q)) for q in ENDS)
    start, end = (_value(curve.values[k]) for k in (0, curve.some - 1))
    said = (
        f"{words[output]}: from {start} to {end} it changes by {_figure(found, rises.mean())} on "
        f"average, by {low} to {high} in four of five rows."
    )
    plot = plots.rows_plot(curve, output, _what(found), said)
    title = "single rows, from one start"
    return Html(f"<details><summary>{title}</summary>{figure(plot, text(said))}</details>")


def _range(found: Findings, curve: ColumnCurve, output: int, word: str) -> str:
    """Return in words where an output is lowest and highest, and what it is without a value."""
    mean = curve.mean[:, output]
    low, high = int(mean[: curve.some].argmin()), int(mean[: curve.some].argmax())
    ends = (
        f"{_figure(found, mean[k])} at {_value(curve.values[k])}"
        for k in sorted({low, high}, key=mean.__getitem__)
    )
    apart = f", {_figure(found, mean[-1])} without a value" if curve.values.null_count() else ""
    return f"{word} {'from ' * (low != high)}{' to '.join(ends)}{apart}"


def _keyed(lines: list[str]) -> Html:
    """Return what is said below a plot; of several curves, with the colour of each."""
    if len(lines) == 1:
        return text(lines[0])
    keys = (key(VARIABLES[colour]) for colour in plots.COLOURS)
    each = (f"{sign}{text(line)}" for sign, line in zip(keys, lines, strict=False))
    return Html("".join(f'<span class="line">{line}</span>' for line in each))


def _numbers(found: Findings, curve: ColumnCurve, words: dict[int, str]) -> Html:
    """Return the table of the mean and of how far the rows lie about it."""
    low, high = (np.quantile(curve.p, q, axis=0) for q in ENDS)
    head = [short(curve.column)]
    for word in words.values():
        head += [word, *(f"{q} of rows" for q in ENDS)]
    rows = [
        [_value(value), *(_cell(found, part[k, output])
                          for output in words for part in (curve.mean, low, high))]
        for k, value in enumerate(curve.values)
    ]  # fmt: skip
    return table(f"{short(curve.column)}: mean and quantiles over the rows", head, rows)


def _bars(found: Findings, curve: ColumnCurve) -> Html:
    """Return the table of categories, with bars about the mean of all rows if it is one output."""
    words, of_each = _outputs(found, curve), times(curve)
    mean = curve.mean[:, list(words)]
    gaps = mean[:, 0] - np.average(mean[:, 0], weights=of_each)
    shares = gaps / (np.abs(gaps).max() or 1.0)
    rows = [
        [_value(curve.values[k]), *[_bar(shares[k])] * (len(words) == 1),
         *(_cell(found, each) for each in mean[k]), of_each[k]]
        for k in np.argsort(-mean[:, 0], kind="stable").tolist()
    ]  # fmt: skip
    beside = ["beside the mean"] * (len(words) == 1)
    head = [short(curve.column), *beside, *words.values(), "rows"]
    said = f"{short(curve.column)}: mean {_what(found)} of each category"
    return table(said, head, rows, "effects")


def _bar(share: float) -> Html:
    """Return a bar to the left or the right of the middle."""
    side, colour = ("left", "plus") if share >= 0 else ("right", "minus")
    return Html(
        f'<td class="beside"><span style="{side}: 50%; width: {50 * abs(share):.1f}%; '
        f'background: var(--{colour})"></span></td>'
    )


def _cell(found: Findings, value: Any) -> Html:
    return number_cell(_figure(found, value))


def _figure(found: Findings, value: Any) -> str:
    """Return a prediction as it is written."""
    return decimals(float(value), 3) if _is_of_classes(found) else number(float(value))


def _value(value: Any) -> str:
    """Return a value of a column in words."""
    if value is None:
        return "none"
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        value = value.date()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number(value)
    return short(value)
