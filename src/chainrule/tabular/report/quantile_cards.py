"""The cards of quantiles: how often the target lies below each, and how far they lie apart."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.formatting import number
from chainrule.html_page.markup import Html, card, figure, table
from chainrule.tabular.report import calibration, plots
from chainrule.tabular.report.findings import Findings
from chainrule.tabular.report.quality_cards import POINTS, plotted


def quantiles(found: Findings) -> Iterator[Html]:
    """Yield the cards of quantiles: what share lies below each, and the fan that they make."""
    levels = found.model.quantiles
    each = calibration.levels(found.y, found.p, levels)
    far = max(abs(own.below - own.level) for own in each)
    said = (
        "How often the target lies at or below each quantile, beside the line of equality: at most "
        f"{number(far)} away from it."
    )
    yield card("Coverage", figure(plots.coverage_plot(each, said), said), table(
        "each quantile",
        ["quantile", "target at or below", "pinball loss"],
        each,
        "levels",
    ))  # fmt: skip
    yield _fan(found)


def _fan(found: Findings) -> Html:
    """Return the card of the quantiles of each row, in the order of the middle one."""
    n, levels = len(found.y), found.model.quantiles
    some = plotted(found)
    middle = len(levels) // 2
    some = some[np.argsort(found.p[some, middle], kind="stable")]
    of = f"{n:,} rows held out" if n <= POINTS else f"{POINTS:,} of {n:,} rows held out, drawn"
    said = f"True values of {of}, in the order of the quantile {levels[middle]:g}, and "
    if len(levels) == 1:
        said += "that quantile."
    else:
        width = np.median(found.p[:, -1] - found.p[:, 0])
        said += (
            f"the quantiles {levels[0]:g} to {levels[-1]:g}: they lie {number(float(width))} "
            "apart in the median."
        )
    return card("Fan", figure(plots.fan_plot(found.y[some], found.p[some], middle, said), said))
