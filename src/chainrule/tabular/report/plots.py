"""The plots of the page as SVG: text stays text, and the colours are the page's, light or dark.

No name or value of the table stands in a plot: those stand beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from chainrule.estimators.displays import LossCurveDisplay
from chainrule.html_page.colours import BLUE, GREY, ORANGE
from chainrule.html_page.markup import Html
from chainrule.html_page.svg import SIZE, as_svg, one_axes, plain_numbers, styled, written
from chainrule.tabular.report.calibration import BINS, Bin, Histogram, QuantileCoverage
from chainrule.tabular.report.column_curves import ColumnCurve, as_floats, few, spread_of, times

Array = NDArray[Any]

COLOURS = (BLUE, ORANGE, GREY)
"""Those of several curves, in their order."""

ROWS, FROM_ONE_START = 20, 10
"""The most single rows that have a curve: behind the mean, and where they begin at one level."""


def loss_plot(
    losses: Array, validation: Array | None, best: int, loss_name: str, said: str
) -> Html:
    """Return the losses by epoch, the best epoch marked."""
    with styled():
        figure, ax = one_axes()
        held_out = None if validation is None else list(validation)
        display = LossCurveDisplay(list(losses), held_out, loss_name=loss_name, best_epoch=best)
        display.plot(ax=ax)
        ax.axvline(best, color=ORANGE, linewidth=1, linestyle=":")
        return as_svg(figure, "losses", said)


def metric_plot(values: Array, best: int, word: str, said: str) -> Html:
    """Return a score of the rows held out by epoch, the best epoch marked."""
    with styled():
        figure, ax = one_axes()
        ax.plot(np.arange(1, len(values) + 1), values, color=ORANGE, linewidth=2)
        ax.axvline(best, color=ORANGE, linewidth=1, linestyle=":")
        ax.set(xlabel="epoch", ylabel=word)
        ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        ax.grid(alpha=0.6)
        return as_svg(figure, "metric", said)


def race_plot(curves: Sequence[Array], marked: Mapping[int, int], word: str, said: str) -> Html:
    """Return what validation found of each run of a race by epoch, that of the winner first.

    `marked` tells of some runs an epoch at which a point stands.
    """
    with styled():
        figure, ax = one_axes()
        for k, values in reversed(list(enumerate(curves))):
            colour, style = COLOURS[min(k, 2)], "-" if k == 0 else "--"
            ax.plot(np.arange(1, len(values) + 1), values, style, color=colour, linewidth=2)
            if 0 < (at := marked.get(k, 0)) <= len(values):
                ax.plot([at], [values[at - 1]], "o", color=colour, markersize=7, zorder=4)
        found = np.concatenate(list(curves))
        if len(found) and 0 < 30 * found.min() < found.max():
            ax.set_yscale("log")
        ax.set(xlabel="epoch", ylabel=f"{word}, rows held out")
        ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        ax.grid(alpha=0.6)
        return as_svg(figure, "race", said)


def curve_plot(
    curve: ColumnCurve, outputs: Sequence[int], word: str, said: str, *, level: bool
) -> Html:
    """Return what is predicted over the values of a column, above where the rows lie.

    Behind the curve of one output stand those of single rows, moved to one level if asked for;
    where rows have no value, the prediction stands apart as a point.
    """
    x, mean, apart = as_floats(curve.values[: curve.some]), curve.mean, curve.values.null_count()
    with styled():
        figure = Figure(figsize=SIZE, layout="constrained")
        grid = figure.subplots(
            2, 1 + apart, height_ratios=(4, 1), width_ratios=(12, 1)[: 1 + apart], sharex="col",
            sharey="row", squeeze=False,
        )  # fmt: skip
        ax, below = grid[:, 0]
        if len(outputs) == 1:
            p = curve.p[:ROWS, : curve.some, outputs[0]]
            _single_rows(ax, x, p, mean[: curve.some, outputs[0]].mean() if level else None)
        for output, colour in zip(outputs, COLOURS, strict=False):
            ax.plot(x, mean[: curve.some, output], "o-" if curve.lies_apart else "-", color=colour,
                    linewidth=2, markersize=5)  # fmt: skip
            for beside in grid[0, 1:]:
                beside.plot([0], mean[-1:, output], "o", color=colour)
        _where_rows_lie(ax, below, x, curve)
        for beside in grid[1, 1:]:
            beside.bar([0], times(curve)[-1:], 0.8, color=GREY)
            beside.set(xticks=[0], xticklabels=["none"], xlim=(-1, 1))
        _tidy_curve(ax, below, word)
        _number_the_values(below, x, curve)
        return as_svg(figure, f"curve {curve.column}", said)


def rows_plot(curve: ColumnCurve, output: int, word: str, said: str) -> Html:
    """Return how what is predicted of single rows changes from the first value on, and the mean."""
    x, p = as_floats(curve.values[: curve.some]), curve.p[:, : curve.some, output]
    p = p - p[:, :1]
    with styled():
        figure, ax = one_axes()
        ax.axhline(0, color=GREY, linewidth=1, linestyle="--")
        _single_rows(ax, x, p[:FROM_ONE_START], None)
        style = "o-" if curve.lies_apart else "-"
        ax.plot(x, p.mean(axis=0), style, color=BLUE, linewidth=2, markersize=5)
        ax.set_ylabel(f"change of the {word}")
        ax.yaxis.set_major_locator(MaxNLocator(5))
        ax.yaxis.set_major_formatter(written)
        ax.grid(alpha=0.6)
        _number_the_values(ax, x, curve)
        return as_svg(figure, f"rows {curve.column}", said)


def _single_rows(ax: Any, x: Array, p: Array, level: float | None) -> None:
    """Draw the curves of single rows, each moved to a level if there is one."""
    p = p if level is None else p - p.mean(axis=1, keepdims=True) + level
    ax.plot(x, p.T, color=GREY, linewidth=0.6, alpha=0.35)


def _where_rows_lie(ax: Any, below: Any, x: Array, curve: ColumnCurve) -> None:
    """Draw how many rows have the values, and shade where few lie."""
    if curve.lies_apart:
        width = 0.3 * np.diff(x).min() if len(x) > 1 else 0.3
        below.bar(x, times(curve)[: curve.some], width, color=GREY)
        return
    edges, counts = spread_of(curve)
    below.stairs(counts, edges, fill=True, color=GREY)
    for low, high in few(edges, counts):
        ax.axvspan(low, high, color=GREY, alpha=0.14, linewidth=0)


def _tidy_curve(ax: Any, below: Any, word: str) -> None:
    ax.set_ylabel(word)
    below.set_ylabel("rows")
    ax.yaxis.set_major_locator(MaxNLocator(5))
    below.yaxis.set_major_locator(MaxNLocator(2, integer=True))
    for each in (ax, below):
        each.yaxis.set_major_formatter(written)
    ax.grid(alpha=0.6)


def _number_the_values(below: Any, x: Array, curve: ColumnCurve) -> None:
    """Have few enough dates or numbers below, by their logarithms where they are wide apart."""
    if curve.is_wide:
        below.set_xscale("log")
        below.xaxis.set_major_locator(LogLocator(numticks=5))
        below.xaxis.set_minor_locator(NullLocator())
    else:
        whole = bool((x == x.round()).all())
        below.xaxis.set_major_locator(MaxNLocator(5, integer=whole))
    below.xaxis.set_major_formatter(written)
    if curve.values.dtype.is_temporal():
        locator = AutoDateLocator(minticks=3, maxticks=7)  # type: ignore[no-untyped-call]
        below.xaxis.set_major_locator(locator)
        words = ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]
        below.xaxis.set_major_formatter(words)


def calibration_plot(bins: Sequence[Bin], said: str) -> Html:
    """Return what came of the probabilities above how many there were of each."""
    with styled():
        figure = Figure(figsize=(SIZE[0], 3.7), layout="constrained")
        ax, below = figure.subplots(2, sharex=True, height_ratios=(3, 1))
        predicted, observed, counts = np.array(bins).T
        ax.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--")
        ax.plot(predicted, observed, "o-", color=BLUE, linewidth=2, markersize=5)
        ax.set(ylabel="share that came true", ylim=(-0.03, 1.03))
        ax.grid(alpha=0.6)
        below.bar(predicted, counts, 0.5 / BINS, color=BLUE)
        below.set(xlabel="predicted probability", ylabel="rows", xlim=(-0.03, 1.03))
        below.yaxis.set_major_locator(MaxNLocator(3, integer=True))
        below.yaxis.set_major_formatter(written)
        return as_svg(figure, "calibration", said)


def coverage_plot(each: Sequence[QuantileCoverage], said: str) -> Html:
    """Return the shares of the targets below quantiles, over what they should be."""
    with styled():
        figure, ax = one_axes()
        level, below, _ = np.array(each).T
        ax.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--")
        ax.plot(level, below, "o-", color=BLUE, linewidth=2, markersize=5)
        ax.set(xlabel="quantile", ylabel="target at or below", xlim=(-0.03, 1.03))
        ax.set_ylim(-0.03, 1.03)
        ax.grid(alpha=0.6)
        return as_svg(figure, "coverage", said)


def fan_plot(
    true: Array, quantiles: Array, middle: int, said: str, word: str = "true, and quantiles"
) -> Html:
    """Return quantiles of rows as bands about the middle one, and the true values as points."""
    with styled():
        figure, ax = one_axes()
        x, last = np.arange(1, len(true) + 1), quantiles.shape[1] - 1
        for k in range((last + 1) // 2):
            ax.fill_between(
                x, quantiles[:, k], quantiles[:, last - k], color=ORANGE, alpha=0.22, linewidth=0
            )
        ax.plot(x, quantiles[:, middle], color=ORANGE, linewidth=1.5)
        _points(ax, x, true)
        ax.set(xlabel="rows, by the prediction", ylabel=word)
        plain_numbers(ax)
        return as_svg(figure, "fan", said)


def true_plot(true: Array, predicted: Array, said: str) -> Html:
    """Return points of predictions over what is true, with the line where both are equal."""
    with styled():
        figure, ax = one_axes()
        ends = [min(true.min(), predicted.min()), max(true.max(), predicted.max())]
        ax.plot(ends, ends, color=GREY, linewidth=1, linestyle="--")
        _points(ax, true, predicted)
        ax.set(xlabel="true", ylabel="predicted")
        plain_numbers(ax)
        return as_svg(figure, "true", said)


def residual_plot(predicted: Array, residuals: Array, said: str) -> Html:
    """Return points of residuals over predictions, with the line where they are 0."""
    with styled():
        figure, ax = one_axes()
        ax.axhline(0, color=GREY, linewidth=1, linestyle="--")
        _points(ax, predicted, residuals)
        ax.set(xlabel="predicted", ylabel="residual: true − predicted")
        plain_numbers(ax)
        return as_svg(figure, "residuals", said)


def histogram_plot(histogram: Histogram, said: str) -> Html:
    """Return the bars of a histogram of residuals."""
    with styled():
        figure, ax = one_axes()
        ax.stairs(histogram.counts, histogram.edges, fill=True, color=BLUE)
        ax.axvline(0, color=GREY, linewidth=1, linestyle="--")
        ax.set(xlabel="residual: true − predicted", ylabel="rows")
        plain_numbers(ax)
        return as_svg(figure, "histogram", said)


def _points(ax: Any, x: Array, y: Array) -> None:
    ax.plot(x, y, "o", color=BLUE, markersize=3.5, markeredgewidth=0, alpha=0.45)
    ax.grid(alpha=0.6)
