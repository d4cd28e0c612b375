r"""Worksheets in LaTeX: a document that pdflatex compiles, the network drawn with `picture`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from chainrule.explanation import escaping
from chainrule.explanation.drawing import RADIUS, Point, layout
from chainrule.explanation.latex import PAGE, PREAMBLE, Latex, broken, width
from chainrule.explanation.notation import Name
from chainrule.explanation.typeset import equals
from chainrule.explanation.writer import Line

if TYPE_CHECKING:
    from chainrule.explanation.worksheet import Worksheet

LONG, SHORT = r"\rule{46mm}{0.4pt}", r"\rule{28mm}{0.4pt}"

BLANKS = {LONG: 24.0, SHORT: 15.0}
"""How wide the blanks are, in digits, as formulas are measured."""


def latex(sheet: Worksheet, *, key: bool) -> str:
    """Return a worksheet as a document, or its key."""
    body = "\n".join(_body(sheet, key=key))
    return f"{PREAMBLE}{body}\n\\end{{document}}\n"


def _body(sheet: Worksheet, *, key: bool) -> Iterator[str]:
    title = sheet.title + (" (key)" if key else "")
    yield rf"\section*{{{escaping.latex(title)}}}"
    yield f"{escaping.latex(sheet.explanation.network)}\n"
    if not key:
        yield "\\bigskip Name \\hrulefill\\quad Date \\rule{35mm}{0.4pt}\n"
    yield f"\\bigskip {escaping.latex(sheet.instructions)}\n"
    yield from _picture(sheet)
    yield r"\subsection*{Given}"
    yield from _given(sheet)
    for name, written in sheet.parts(Latex(), key=key, blanks=(LONG, SHORT)):
        yield rf"\subsection*{{{escaping.latex(name)}}}"
        yield from _part(written)
    yield f"\\bigskip {{\\footnotesize\\texttt{{{escaping.latex(sheet.command)}}}}}"


def _part(written: list[Line]) -> Iterator[str]:
    """A part in one block, so that its signs stand below each other."""
    room = PAGE - max(width(line.symbol) for line in written)
    steps = [" \\\\*\n".join(_rows(line, room)) for line in written]
    yield "\\begin{flalign*}"
    yield " && \\\\[9pt]\n".join(steps) + " &&"
    yield "\\end{flalign*}"


def _rows(line: Line, room: float) -> list[str]:
    """A step's rows: what its symbol equals, as far as it fits beside each other."""
    rows: list[str] = []
    left = 0.0
    for sign, formula in equals(line):
        size = BLANKS.get(formula) or width(formula)
        first, *more = broken(formula, room - 3)
        relation = "=" if sign == "=" else r"\approx"
        if rows and size + 3 < left and not more:
            rows[-1] += f" {relation} {first}"
            left -= size + 3
        else:
            rows += [f"&{relation} {first}", *(rf"&\qquad {{}}{each}" for each in more)]
            left = 0.0 if more else room - size - 3
    condition = rf" \quad\text{{(for ${line.holds}$)}}" if line.holds else ""
    rows[0] = f"{line.symbol} {rows[0]}"
    return [*rows[:-1], rows[-1] + condition]


def _given(sheet: Worksheet) -> Iterator[str]:
    yield r"\begin{tabular}{@{}lp{140mm}@{}}"
    for what, numbers in sheet.given(Latex()):
        shown = r"\quad ".join(f"${symbol} = {value}$" for symbol, value in numbers)
        yield rf"{what} & \raggedright {shown} \tabularnewline"
    yield r"\end{tabular}"


def _picture(sheet: Worksheet) -> Iterator[str]:
    """The network, in millimetres; y goes up."""
    drawing, writer = layout(sheet.at), Latex()
    room = RADIUS + 5
    height = drawing.height + 2 * room
    yield "\\begin{center}\\setlength\\unitlength{1mm}\\setlength\\fboxsep{1pt}"
    yield r"\linethickness{0.2pt}"
    yield (
        rf"\begin{{picture}}({drawing.width + 2 * RADIUS:g},{height:g})"
        rf"({-RADIUS:g},{-height / 2:g})"
    )
    for edge in drawing.edges:
        start, end = _between(edge.start, edge.end), _between(edge.end, edge.start)
        middle = Point((start.x + end.x) / 2, (start.y + end.y) / 2)
        yield rf"\qbezier{_at(start)}{_at(middle)}{_at(end)}"
    for edge in drawing.edges:
        name = writer.name(Name(edge.name[0], edge.name[1:]))
        yield rf"\put{_at(edge.at)}{{\makebox(0,0){{\colorbox{{white}}{{$\scriptstyle {name}$}}}}}}"
    for unit in drawing.units:
        name = writer.name(Name(unit.name[0], unit.name[1:]))
        yield rf"\put{_at(unit.at)}{{\circle{{{2 * RADIUS:g}}}\makebox(0,0){{${name}$}}}}"
        if unit.bias:
            bias = writer.name(Name("b", unit.bias[1:]))
            below = Point(unit.at.x, unit.at.y + RADIUS + 2.5)
            yield rf"\put{_at(below)}{{\makebox(0,0){{$\scriptstyle +\,{bias}$}}}}"
    yield "\\end{picture}\n\\end{center}"


def _between(start: Point, end: Point) -> Point:
    """Where an edge leaves the circle of the unit at its start."""
    way = RADIUS / math.dist(start, end)
    return Point(start.x + way * (end.x - start.x), start.y + way * (end.y - start.y))


def _at(point: Point) -> str:
    return f"({point.x:.2f},{-point.y:.2f})"
