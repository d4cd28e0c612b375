"""Explanations as a piece of HTML, which Jupyter shows for the value of a cell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from chainrule.explanation.escaping import html
from chainrule.explanation.mathml import MathML, math
from chainrule.explanation.typeset import equals, remarks
from chainrule.explanation.writer import Line

if TYPE_CHECKING:
    from chainrule.explanation.result import Explanation

STYLE = """
.chainrule-steps { font-size: 15px; line-height: 1.45; max-width: 60em; }
.chainrule-steps h3 { font-size: 1.5em; font-weight: normal; margin: .4em 0 .2em; }
.chainrule-steps h4 { font-size: 1.05em; margin: 1.5em 0 .5em; padding-bottom: .2em;
  border-bottom: 1px solid color-mix(in srgb, currentcolor 25%, transparent); }
.chainrule-steps p { margin: .2em 0; }
.chainrule-steps small, .chainrule-steps p { opacity: .75; font-size: .9em; }
.chainrule-steps dl { display: grid; grid-template-columns: max-content minmax(0, 1fr);
  gap: .7em .4em; align-items: first baseline; margin: 0; padding-block: .2em;
  overflow: auto hidden; }
.chainrule-steps dt { text-align: right; font-weight: normal; margin: 0; padding: 0; }
.chainrule-steps dd { margin: 0; padding: 0; }
.chainrule-steps dd div { padding: .2em 0 .2em 2em; text-indent: -2em; }
.chainrule-steps math { text-indent: 0; }
.chainrule-steps mtd { text-align: left; padding: .15em .6em .15em 0; }
.chainrule-steps math code { font-size: .9em; background: none; padding: 0; color: inherit; }
.chainrule-steps .result { outline: 1px solid; outline-offset: 3px; border-radius: 2px; }
.chainrule-steps table { border-collapse: collapse; margin: .7em 0; font-size: .95em; }
.chainrule-steps table td { padding: .15em 1.2em .15em 0; text-align: left; }
"""


def snippet(explanation: Explanation) -> str:
    """Return an explanation as HTML with a style of its own, for any page."""
    return f"<style>{STYLE}</style>\n{steps_of(explanation)}"


def steps_of(explanation: Explanation) -> str:
    """Return an explanation as HTML, for a page that has its style."""
    # What runs through a notebook for formulas between dollars leaves these classes alone.
    begun = '<div class="chainrule-steps tex2jax_ignore mathjax_ignore">'
    return "\n".join([begun, *_body(explanation), "</div>"]) + "\n"


def _body(explanation: Explanation) -> Iterator[str]:
    writer = MathML()
    symbol = explanation.symbol(writer)
    yield f"<h3>{math(symbol)}</h3>"
    yield f"<p>{html(explanation.network)}</p>"
    if explanation.examples:
        yield f"<p>{html(explanation.examples)}</p>"
    yield from _legend(explanation, writer)
    for part, written in explanation.written(writer):
        yield f"<h4>{html(part.title)}</h4>"
        if part.note:
            yield f"<p>{html(part.note)}</p>"
        yield "<dl>"
        for line in written:
            yield f"<dt>{math(line.symbol)}</dt><dd>{_rows(line, line.symbol == symbol)}</dd>"
        yield "</dl>"
    if sentences := explanation.comparison(writer):
        yield "<h4>In other texts</h4>"
        for before, formula, after in sentences:
            yield f"<p>{html(before)}{math(formula)}{html(after)}</p>"


def _legend(explanation: Explanation, writer: MathML) -> Iterator[str]:
    if not (legend := explanation.legend(writer)):
        return
    yield "<table>"
    for name, symbol, value in legend:
        shown = math(f"<mo>=</mo>{value}") if value else ""
        yield f"<tr><td>{math(symbol)} {shown}</td><td>{html(name)}</td></tr>"
    yield "</table>"


def _rows(line: Line, is_subject: bool) -> str:
    """What a symbol equals, below each other, and what is said of it."""
    parts = list(equals(line))
    rows = [math(f"<mo>{sign}</mo>{formula}") for sign, formula in parts]
    if is_subject:
        sign, result = parts[-1]
        rows[-1] = f'{math(f"<mo>{sign}</mo>")} <span class="result">{math(result)}</span>'
    notes = [html(text) for text in remarks(line)]
    if line.holds:
        notes.insert(0, f"for {math(line.holds)}")
    if notes:
        rows[-1] += f" <small>({'; '.join(notes)})</small>"
    return "".join(f"<div>{row}</div>" for row in rows)
