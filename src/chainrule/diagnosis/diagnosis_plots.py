"""The pictures of a diagnosis, as SVG in the colours of the page; each can be read without colour.

Bars have hatches of their own, and curves lines and marks of their own. Layers are numbered from 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, PercentFormatter
from numpy.typing import NDArray

from chainrule.diagnosis.layer_measures import LayerMeasures
from chainrule.html_page.colours import BLUE, GREY, ORANGE
from chainrule.html_page.curve import RATIO
from chainrule.html_page.markup import Html
from chainrule.html_page.svg import SIZE, as_svg, one_axes, styled, written

Vector = NDArray[np.float64]

LINES = {BLUE: "-", ORANGE: "--", GREY: ":"}
"""How lines of each colour are drawn."""

USUAL = (1e-4, 1e-2)
"""Between which ratios of step and weights most trainings go well: a thousandth is usual."""

BINS = 30

MARKED = 60
"""More layers than this are lines without marks and bars."""

FEW = 100.0
"""Axes that span less than this have numbers between the powers of ten too."""


def flow_plot(layers: Sequence[LayerMeasures], name: str, said: str) -> Html:
    """Return the sizes of the gradient by layer, above the factors that it is multiplied by."""
    with styled():
        figure = Figure(figsize=(SIZE[0], 4.2), layout="constrained")
        ax, below = figure.subplots(2, sharex=True, height_ratios=(3, 2))
        k = np.arange(len(layers))
        deltas, weights = (_positive([getattr(m, of) for m in layers]) for of in
                           ("delta", "gradient"))  # fmt: skip
        marks = ("o", "s") if len(layers) <= MARKED else ("", "")
        ax.plot(k, deltas, f"{marks[0]}-", color=BLUE, linewidth=2, label="δ = ∂C/∂z")
        ax.plot(k, weights, f"{marks[1]}--", color=ORANGE, linewidth=2, label="∂C/∂w")
        _logarithmic(ax, np.concatenate([deltas, weights]))
        ax.set_ylabel("root mean square")
        _legend(ax)
        slopes = _positive([m.slope for m in layers[:-1]])
        from_above = _positive([m.weights for m in layers[1:]])
        _bars(below, k[:-1] - 0.18, slopes, BLUE, "", "slope f′")
        _bars(below, k[:-1] + 0.18, from_above, ORANGE, "////", "W of the layer above")
        below.axhline(1, color=GREY, linewidth=1)
        _logarithmic(below, np.concatenate([slopes, from_above, [0.5, 2.0]]))
        below.set(xlabel="layer, from the input to the output", ylabel="factor")
        if len(layers) > 1:
            _legend(below)
        _number_the_layers(below, len(layers))
        return as_svg(figure, f"flow {name}", said)


def units_plot(layers: Sequence[LayerMeasures], said: str) -> Html:
    """Return the shares of dead, saturated and duplicate units by layer."""
    with styled():
        figure, ax = one_axes()
        k = np.arange(len(layers))
        kinds = (("dead", BLUE, "", -0.27), ("saturated", ORANGE, "////", 0.0),
                 ("duplicate", GREY, "----", 0.27))  # fmt: skip
        for of, colour, hatch, shift in kinds:
            shares = [getattr(m, of) for m in layers]
            if len(layers) > MARKED:
                ax.plot(k, shares, LINES[colour], color=colour, linewidth=2, label=of)
            else:
                ax.bar(k + shift, shares, 0.25, label=of, **_filled(colour, hatch))
        ax.set(xlabel="layer, from the input to the output", ylabel="share", ylim=(0, 1.03))
        ax.yaxis.set_major_formatter(PercentFormatter(1.0))
        ax.grid(axis="y", alpha=0.6)
        _legend(ax)
        _number_the_layers(ax, len(layers))
        return as_svg(figure, "units", said)


def updates_plot(ratios: Sequence[float | None], said: str) -> Html:
    """Return the ratios of the first step to the parameters by layer, over what is usual."""
    with styled():
        figure, ax = one_axes()
        k, shown = np.arange(len(ratios)), _positive(ratios)
        ax.axhspan(*USUAL, color=GREY, alpha=0.18, linewidth=0, label="usual")
        many = len(ratios) > MARKED
        if not many:
            ax.vlines(k, USUAL[0] / 10, shown, color=BLUE, linewidth=1)
        ax.plot(k, shown, "-" if many else "o", color=BLUE, markersize=7,
                label="step over parameters")  # fmt: skip
        _logarithmic(ax, np.concatenate([shown, USUAL]))
        ax.set(xlabel="layer, from the input to the output", ylabel="‖Δw‖ / ‖w‖")
        _legend(ax)
        _number_the_layers(ax, len(ratios))
        return as_svg(figure, "updates", said)


def norms_plot(norms: Sequence[float], said: str) -> Html:
    """Return a histogram of the norms of the examples' gradients, the largest marked."""
    with styled():
        figure, ax = one_axes()
        known = _positive(norms)
        known = known[np.isfinite(known)]
        if len(known):
            low, high = known.min(), known.max()
            edges = np.geomspace(low / 1.05, high * 1.05, BINS + 1)
            ax.hist(known, edges, color=BLUE)
            ax.set_axisbelow(True)
            ax.plot(
                [high], [0], "v", color=ORANGE, markersize=9, clip_on=False, label="the longest"
            )
            _legend(ax)
            ax.set_xscale("log")
            _logarithmic_axis(ax.xaxis, low, high)
        ax.set(xlabel="|gradient| of one example", ylabel="examples")
        ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        ax.grid(axis="y", alpha=0.6)
        return as_svg(figure, "norms", said)


def course_plot(
    losses: Sequence[float], validation: Sequence[float], chance: float, said: str
) -> Html:
    """Return the losses by epoch over the cost of the best constant."""
    with styled():
        figure, ax = one_axes()
        marks: Any = {"marker": "o", "markersize": 4} if len(losses) < 12 else {}
        ax.plot(np.arange(1, len(losses) + 1), losses, "-", color=BLUE, linewidth=2,
                label="training", **marks)  # fmt: skip
        if validation:
            ax.plot(np.arange(1, len(validation) + 1), validation, "--", color=ORANGE, linewidth=2,
                    label="validation", **marks)  # fmt: skip
        if np.isfinite(chance):
            ax.axhline(chance, color=GREY, linewidth=1.5, linestyle=":", label="best constant")
        known = _positive([*losses, *validation])
        if np.nanmin(known, initial=np.inf) * RATIO < np.nanmax(known, initial=0.0):
            ax.set_yscale("log")
        ax.set(xlabel="epoch", ylabel="loss")
        ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        ax.grid(alpha=0.6)
        _legend(ax)
        return as_svg(figure, "course", said)


def _positive(values: Sequence[float | None]) -> Vector:
    """Return values, NaN where a logarithmic axis has no place for one."""
    given = np.asarray(values, np.float64)
    return np.where(np.isfinite(given) & (given > 0), given, np.nan)


def _filled(colour: str, hatch: str) -> dict[str, Any]:
    """Return how a bar is filled: by a colour, or by a hatch in it."""
    face = "none" if hatch else colour
    return {"facecolor": face, "edgecolor": colour, "hatch": hatch, "linewidth": 1}


def _bars(ax: Any, at: NDArray[Any], factors: Vector, colour: str, hatch: str, label: str) -> None:
    """Draw factors as bars from 1 up or down, or where they are many as a line."""
    if len(factors) > MARKED:
        ax.plot(at, factors, LINES[colour], color=colour, linewidth=2, label=label)
        return
    heights = np.nan_to_num(factors, nan=1.0) - 1
    ax.bar(at, heights, 0.34, bottom=1.0, label=label, **_filled(colour, hatch))


def _legend(ax: Any) -> None:
    ax.legend(frameon=False, loc="lower center", ncols=3, bbox_to_anchor=(0.5, 1))


def _number_the_layers(ax: Any, count: int) -> None:
    ax.set_xlim(-0.6, count - 0.4)
    ax.xaxis.set_major_locator(MaxNLocator(12, integer=True))


def _logarithmic(ax: Any, values: Vector) -> None:
    """Let an axis be logarithmic, with room about the values, if any is known."""
    known = values[np.isfinite(values)]
    if len(known):
        ax.set_yscale("log")
        ax.set_ylim(known.min() / 2, known.max() * 2)
        _logarithmic_axis(ax.yaxis, known.min() / 2, known.max() * 2)
    ax.grid(axis="y", alpha=0.6)


def _logarithmic_axis(axis: Any, low: float, high: float) -> None:
    """Have few enough numbers on it, with those between powers of ten where these are few."""
    few = high / low < FEW
    subs = (1.0, 2.0, 5.0) if few else (1.0,)
    narrow = high / low < 10
    axis.set_major_locator(MaxNLocator(5) if narrow else LogLocator(subs=subs, numticks=9))
    axis.set_minor_locator(NullLocator())
    if few:
        axis.set_major_formatter(written)
