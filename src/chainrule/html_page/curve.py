"""Losses by epoch as a small picture, drawn without any library."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from chainrule.formatting import number
from chainrule.html_page.colours import BLUE, ORANGE
from chainrule.html_page.markup import Html, figure, text

POINTS = 200
"""The most points of a line; the first, the last and the best epoch's are among them."""

WIDE, HIGH = 420, 170
"""The size of a picture, in its own units."""

LEFT, BELOW, EDGE = 66, 20, 8
"""The room beside the axes, and at the other sides."""

RATIO = 30.0
"""Losses of which the greatest is more times the least are drawn on a scale of logarithms."""


class _Scale(NamedTuple):
    """Which values lie at which two places; values between them lie between these."""

    low: float
    high: float
    first: float
    last: float

    def place(self, value: float) -> float:
        """Return the place of a value.

        >>> _Scale(0.0, 10.0, 100.0, 200.0).place(5.0), _Scale(1.0, 1.0, 0.0, 8.0).place(1.0)
        (150.0, 4.0)
        """
        span = self.high / 2 - self.low / 2  # finite, where the whole may not be
        share = (value / 2 - self.low / 2) / span if span else 0.5
        return self.first + share * (self.last - self.first)


def curves(lines: Mapping[str, Sequence[float]], best: int, said: str) -> Html:
    """Return losses by epoch as a picture with a caption; nothing where none is finite.

    Parameters
    ----------
    lines
        At most two, each under its name; what is not finite is left out.
    best
        The epoch that is marked, counted from 1; 0 for none.
    said
        What the picture shows, in words.

    Examples
    --------
    >>> curves({"training": [2.0, 1.0]}, 0, "It falls.").count("<polyline")
    1
    >>> curves({"training": [math.inf]}, 0, "It does not.")
    ''
    """
    points = {name: _points(line, best) for name, line in lines.items() if len(line)}
    values = [y for line in points.values() for _, y in line]
    if not values:
        return Html()
    low, high = min(values), max(values)
    bent = low > 0 and high / RATIO > low
    height = math.log10 if bent else float
    across = _Scale(1, max(map(len, lines.values())), LEFT, WIDE - EDGE)
    down = _Scale(height(low), height(high), HIGH - BELOW, EDGE)
    drawn, keys = [_axes(across, low, high)], []
    for (name, line), colour in zip(points.items(), (BLUE, ORANGE), strict=False):
        places = [(across.place(x), down.place(height(y))) for x, y in line]
        drawn.append(_line(places, colour))
        dots = [at for at, (x, _) in zip(places, line, strict=True) if x == best]
        drawn += [_dot(*at, colour) for at in (places if len(places) == 1 else dots)]
        keys.append(f'<b style="color: {colour}">━</b> {text(name)} ')
    picture = f'<svg role="img" aria-label="{text(said)}" viewBox="0 0 {WIDE} {HIGH}">'
    scale = ", on a scale of logarithms" if bent else ""
    key = f"<div>{''.join(keys)}{scale}</div>"
    return figure(Html(f"{picture}{''.join(drawn)}</svg>{key}"), said)


def _points(line: Sequence[float], best: int) -> list[tuple[int, float]]:
    """Return epochs with their values: those that are finite, and not too many."""
    step = math.ceil(len(line) / POINTS)
    return [
        (k, float(value))
        for k, value in enumerate(line, 1)
        if math.isfinite(value) and ((k - 1) % step == 0 or k in (best, len(line)))
    ]


def _axes(across: _Scale, low: float, high: float) -> str:
    said = [(LEFT - 6, HIGH - BELOW, number(low), "end"), (LEFT - 6, EDGE + 8, number(high), "end")]
    said = said[: 1 + (high > low)]
    said.append((WIDE - EDGE, HIGH - 5, f"epoch {across.high:,}", "end"))
    words = (f'<text x="{x}" y="{y}" text-anchor="{end}">{word}</text>' for x, y, word, end in said)
    lines = f"M{LEFT} {EDGE}V{HIGH - BELOW}H{WIDE - EDGE}"
    axes = f'<path d="{lines}" fill="none" stroke="currentColor" stroke-opacity=".35"/>'
    return axes + "".join(words)


def _line(places: Sequence[tuple[float, float]], colour: str) -> str:
    way = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="1.6"/>'


def _dot(x: float, y: float, colour: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'
