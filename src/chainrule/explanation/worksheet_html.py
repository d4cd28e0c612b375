"""Worksheets as a page of HTML: one file, nothing loaded, made to be printed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from chainrule.explanation import escaping
from chainrule.explanation.drawing import RADIUS, layout
from chainrule.explanation.mathml import MathML, math
from chainrule.explanation.typeset import equals
from chainrule.explanation.writer import Line
from chainrule.html_page.notebook_part import Page

if TYPE_CHECKING:
    from chainrule.explanation.worksheet import Worksheet

STYLE = """
@page { margin: 15mm; }
html { color: #111; background: #fff; }
body { max-width: 180mm; margin: 8mm auto; padding: 0 5mm; font: 11pt/1.45 system-ui, sans-serif; }
h1 { font-size: 1.5em; margin: 0; }
h2 { font-size: 1.1em; margin: 1.4em 0 .5em; border-bottom: 1px solid #999; break-after: avoid; }
header p { margin: .3em 0; }
.who { display: flex; gap: 2em; margin: 1.2em 0; }
.who span { flex: 1; border-bottom: 1px solid #111; }
.who span + span { flex: .4; }
figure { margin: 1em 0; text-align: center; break-inside: avoid; }
svg { width: 100%; max-width: var(--wide); height: auto; }
table { border-collapse: collapse; }
th { text-align: left; font-weight: normal; padding: .2em 1.5em .2em 0; vertical-align: baseline; }
td span { display: inline-block; margin-right: 1.6em; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .9em .5em; margin: 0;
  align-items: first baseline; }
dt { text-align: right; }
dd { margin: 0; display: flex; flex-wrap: wrap; gap: .6em .5em; align-items: baseline; }
dt, dd { break-inside: avoid; }
.blank { display: inline-block; width: 8em; height: 1.3em; border-bottom: 1px solid #555; }
.long { width: 15em; }
footer { margin-top: 2em; color: #444; font-size: .8em; }
@media print { body { max-width: none; margin: 0; padding: 0; } }
"""

BLANKS = {
    "long": '<span class="blank long" role="img" aria-label="blank"></span>',
    "short": '<span class="blank" role="img" aria-label="blank"></span>',
}

EDGE = 12.0
"""The room around the units of the drawing, for what stands beside them, in millimetres."""


def html(sheet: Worksheet, *, key: bool) -> Page:
    """Return a worksheet as a page, or its key."""
    return Page("\n".join(_page(sheet, key=key)) + "\n")


def _page(sheet: Worksheet, *, key: bool) -> Iterator[str]:
    title = escaping.html(sheet.title + (" (key)" if key else ""))
    yield '<!DOCTYPE html>\n<html lang="en">\n<meta charset="utf-8">'
    yield (
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    )
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}</title>\n<style>{STYLE}</style>"
    yield f"<header><h1>{title}</h1><p>{escaping.html(sheet.explanation.network)}</p></header>"
    if not key:
        yield '<p class="who">Name <span></span> Date <span></span></p>'
    yield f"<p>{escaping.html(sheet.instructions)}</p>"
    yield from _figure(sheet)
    yield from _given(sheet)
    for name, lines in sheet.parts(MathML(), key=key, blanks=("long", "short")):
        yield f"<h2>{escaping.html(name)}</h2>\n<dl>"
        for line in lines:
            yield f"<dt>{math(line.symbol)}</dt><dd>{''.join(_equals(line))}</dd>"
        yield "</dl>"
    yield f"<footer><code>{escaping.html(sheet.command)}</code></footer>\n</html>"


def _equals(line: Line) -> Iterator[str]:
    for sign, formula in equals(line):
        if formula in BLANKS:
            yield f"<span>{math(f'<mo>{sign}</mo>')} {BLANKS[formula]}</span>"
        else:
            yield f"<span>{math(f'<mo>{sign}</mo>{formula}')}</span>"
    if line.holds:
        yield f"<span>for {math(line.holds)}</span>"


def _given(sheet: Worksheet) -> Iterator[str]:
    yield "<h2>Given</h2>\n<table>"
    for what, numbers in sheet.given(MathML()):
        shown = " ".join(
            f"<span>{math(f'{symbol}<mo>=</mo>{value}')}</span>" for symbol, value in numbers
        )
        yield f'<tr><th scope="row">{what}</th><td>{shown}</td></tr>'
    yield "</table>"


def _figure(sheet: Worksheet) -> Iterator[str]:
    """The network as SVG, in millimetres; what it shows stands in the formulas too."""
    drawing = layout(sheet.at)
    width, height = drawing.width + 2 * EDGE, drawing.height + 2 * EDGE
    left, top = -EDGE, -height / 2
    yield f'<figure style="--wide: {width:g}mm">'
    yield (
        f'<svg viewBox="{left:g} {top:g} {width:g} {height:g}" role="img" '
        f'aria-label="The network {"-".join(map(str, sheet.at.widths))}: units and weights" '
        'font-family="system-ui, sans-serif" font-size="3.6" text-anchor="middle">'
    )
    for edge in drawing.edges:
        (x1, y1), (x2, y2) = edge.start, edge.end
        yield f'<path d="M{x1:g} {y1:g}L{x2:g} {y2:g}" stroke="#777" stroke-width=".3"/>'
    for edge in drawing.edges:
        yield (
            f'<text x="{edge.at.x:g}" y="{edge.at.y + 1.2:g}" stroke="#fff" stroke-width="1.6" '
            f'paint-order="stroke">{edge.name}</text>'
        )
    for unit in drawing.units:
        x, y = unit.at
        circle = f'<circle cx="{x:g}" cy="{y:g}" r="{RADIUS:g}"'
        yield f'{circle} fill="#fff" stroke="#111" stroke-width=".4"/>'
        yield f'<text x="{x:g}" y="{y + 1.3:g}" font-weight="bold">{unit.name}</text>'
        if unit.bias:
            yield f'<text x="{x:g}" y="{y + RADIUS + 3.8:g}" fill="#444">+ {unit.bias}</text>'
    yield "</svg>\n</figure>"
