"""Figures of matplotlib as SVG: text stays text, and the colours are the page's, light or dark."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.style import context
from matplotlib.ticker import MaxNLocator

from chainrule.formatting import number
from chainrule.html_page.colours import BLUE, GREY, ORANGE
from chainrule.html_page.markup import Html

INK, SOFT, LINE = "#010101", "#020202", "#030303"
"""Colours that are the page's to choose."""

VARIABLES = {INK: "ink", SOFT: "soft", LINE: "line", BLUE: "plus", ORANGE: "minus", GREY: "edge"}
"""What the page calls the colours."""

STYLE: dict[Any, Any] = {
    "axes.edgecolor": LINE,
    "axes.labelcolor": SOFT,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "font.size": 9,
    "grid.color": LINE,
    "legend.labelcolor": INK,
    "svg.fonttype": "none",
    "text.color": INK,
    "xtick.color": LINE,
    "xtick.labelcolor": SOFT,
    "ytick.color": LINE,
    "ytick.labelcolor": SOFT,
}

SIZE = (4.6, 3.1)
"""Inches: small enough to be read on a phone."""


@contextmanager
def styled() -> Iterator[None]:
    """Draw in the style of the pages, whatever the settings of matplotlib are.

    >>> with styled():
    ...     len(one_axes()[0].axes)
    1
    """
    with context(STYLE, after_reset=True):
        yield


def one_axes() -> tuple[Figure, Any]:
    """Return a figure of one axes, and that.

    >>> figure, ax = one_axes()
    >>> ax.figure is figure
    True
    """
    figure = Figure(figsize=SIZE, layout="constrained")
    return figure, figure.subplots()


def written(x: float, position: Any = None) -> str:
    """Return a number on an axis, in all the digits that it may have there.

    >>> written(1234567.5)
    '1,234,567.5'
    """
    return number(x, 10)


def plain_numbers(ax: Any) -> None:
    """Have few enough numbers on the axes for them to be written out.

    >>> _, ax = one_axes()
    >>> plain_numbers(ax)
    """
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(5))
        axis.set_major_formatter(written)


def as_svg(figure: Figure, name: str, said: str) -> Html:
    """Return a figure as a part of a page: the same each time, and with no id twice.

    Parameters
    ----------
    figure
        The figure, drawn as `styled` says.
    name
        A name that no other figure of the page has.
    said
        What it shows, in words.

    Examples
    --------
    >>> as_svg(one_axes()[0], "empty", "nothing at all")[:46]
    '<svg role="img" aria-label="nothing at all" xm'
    """
    file = io.StringIO()
    with rc_context({"svg.hashsalt": name}):
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    drawn = file.getvalue()
    drawn = drawn[drawn.index("<svg") :].strip()
    drawn = re.sub(r"<metadata>.*?</metadata>", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r'(<g) id="[^"]*"', r"\1", drawn)
    drawn = re.sub(r"<[^>]*>", lambda tag: _brief(tag[0]), drawn)
    for colour, variable in VARIABLES.items():
        drawn = drawn.replace(colour.lower(), f"var(--{variable})")
    return Html(drawn.replace("<svg", f'<svg role="img" aria-label="{html.escape(said)}"', 1))


def _brief(tag: str) -> str:
    """Return a tag with places to a hundredth of a point, and without fonts, which the page has."""
    return re.sub(r"(\d\.\d\d)\d+| ?font-family: [^;\"]*;?", r"\1", tag)
