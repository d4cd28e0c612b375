"""The cards of how good the model is for the examples held out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.formatting import decimals, number
from chainrule.html_page.markup import Html, card, figure, number_cell, short, table
from chainrule.streams import Stream, generator
from chainrule.tabular import class_scores
from chainrule.tabular.report import calibration, plots
from chainrule.tabular.report.findings import Findings

CLASSES = 20
"""The most classes whose confusion is shown whole, and that have a row each."""

POINTS = 1_000
"""The most points of a plot."""


def classification(found: Findings, most: int = CLASSES) -> Iterator[Html]:
    """Yield the cards of classes: what they were taken for, and what probabilities are worth."""
    names = list(found.model.target.names)  # type: ignore[attr-defined]
    guess = found.p.argmax(axis=1)
    yield _confusion(found, guess, names, most)
    yield _classes(found, guess, names, most)
    yield _calibration(found, names)


def _confusion(found: Findings, guess: Any, names: list[str], most: int) -> Html:
    if len(names) > most:
        pairs = class_scores.confused_pairs(found.y, guess, len(names))
        return card("Confusion", table(
            f"the most frequent of {len(pairs):,} pairs of classes that were confused",
            ["class", "taken for", "rows"],
            [[names[a], names[b], count] for a, b, count in pairs[:most]],
        ))  # fmt: skip
    counts = class_scores.confusion(found.y, guess, len(names))
    rows = [
        [name, *(_shaded(int(count), count / max(own.sum(), 1), j == k)
                 for k, count in enumerate(own))]
        for j, (name, own) in enumerate(zip(names, counts, strict=True))
    ]  # fmt: skip
    return card("Confusion", table(
        "rows of each class by the class predicted", ["class", *names], rows, "confusion"
    ))  # fmt: skip


def _shaded(count: int, share: float, right: bool) -> Html:
    colour = "plus" if right else "minus"
    return Html(
        f'<td class="number" style="background: color-mix(in srgb, var(--{colour}) '
        f'{45 * share**0.5:.0f}%, transparent)">{count:,}</td>'
    )


def _classes(found: Findings, guess: Any, names: list[str], most: int) -> Html:
    scores = class_scores.class_scores(found.y, guess, len(names))
    caption = "the scores of each class"
    if len(scores) > most:
        caption = f"the {most} of {len(scores):,} classes with the lowest scores"
        known = [score for score in scores if not np.isnan(score.f1)]
        scores = sorted(known, key=lambda score: score.f1)[:most]
    return card("Classes", table(
        caption,
        ["class", "precision", "recall", "F1", "rows"],
        [
            [names[label], *(number_cell(decimals(share, 4)) for share in shares), support]
            for label, *shares, support in scores
        ],
    ))  # fmt: skip


def _calibration(found: Findings, names: list[str]) -> Html:
    bins = calibration.calibration(found.y, found.p)
    two = len(names) == 2
    whose = f"of {short(names[1])}" if two else "of the class predicted"
    said = (
        f"What came of the predicted probabilities {whose}, beside the line of equality: they are "
        f"{number(calibration.calibration_error(bins))} away from it on average."
    )
    if found.calibration:
        t, before, after = found.calibration[:3]
        said += (
            f" They are calibrated by the temperature {t:g}, here each by that of other rows: "
            f"log loss {number(after)}, {number(before)} without."
        )
    return card("Calibration", figure(plots.calibration_plot(bins, said), said), table(
        "the bins of the curve",
        ["predicted", "came true", "rows"],
        bins,
    ))  # fmt: skip


def plotted(found: Findings, points: int = POINTS) -> Any:
    """Return the places of the rows held out that a plot shows, of many some that are drawn."""
    rng = generator(Stream.PLOTTED, int(found.model.about["options"]["seed"]))
    return rng.permutation(len(found.y))[:points]


def regression(found: Findings, points: int = POINTS) -> Iterator[Html]:
    """Yield the cards of a quantity: predictions beside what is true, and what is left over."""
    predicted = found.p[:, 0].astype(float)
    residuals = found.y - predicted
    n = len(residuals)
    some = plotted(found, points)
    of = "" if n <= points else f" ({points:,} of {n:,} rows, drawn)"
    said = f"Predicted over true values of the rows held out{of}."
    yield card("Predicted and true", figure(
        plots.true_plot(found.y[some], predicted[some], said), said
    ))  # fmt: skip
    said = f"Residuals, true less predicted, over predicted values{of}."
    yield card("Residuals", figure(
        plots.residual_plot(predicted[some], residuals[some], said), said
    ))  # fmt: skip
    yield _histogram(residuals)


def _histogram(residuals: Any) -> Html:
    bars = calibration.histogram(residuals)
    low, middle, high = (number(float(q)) for q in np.quantile(residuals, [0.05, 0.5, 0.95]))
    said = (
        f"Residuals of {len(residuals):,} rows held out: nine in ten lie between {low} and {high}, "
        f"the median is {middle}."
    )
    if bars.beyond:
        said += f" The outermost bars hold {bars.beyond:,} that lie beyond them."
    return card("Distribution of the residuals", figure(plots.histogram_plot(bars, said), said))
