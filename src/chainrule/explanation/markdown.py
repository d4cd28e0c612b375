"""Explanations in Markdown, as GitHub and Jupyter show it, with formulas in LaTeX."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from chainrule.explanation import escaping
from chainrule.explanation.derivation_steps import Part
from chainrule.explanation.latex import COLUMN, Latex, lines
from chainrule.explanation.latex import width as latex_width
from chainrule.explanation.typeset import remarks, unbroken
from chainrule.explanation.writer import Line

if TYPE_CHECKING:
    from chainrule.explanation.result import Explanation


def markdown(explanation: Explanation) -> str:
    """Return an explanation as Markdown."""
    return "\n\n".join([head(explanation), *sections(explanation)]) + "\n"


def head(explanation: Explanation) -> str:
    """Return the title, the network, and the legend of the user's names."""
    writer = Latex()
    rows = [f"# ${explanation.symbol(writer)}$", "", escaping.markdown(explanation.network)]
    rows += ["", explanation.examples] if explanation.examples else []
    if legend := explanation.legend(writer):
        rows += ["", "| symbol | value | name |", "|---|---|---|"]
    for name, symbol, value in legend:
        # Within code Jupyter looks for no formulas.
        shown = f"<code>{escaping.markdown(name)}</code>"
        rows.append(f"| ${symbol}$ | {f'${value}$' if value else ''} | {shown} |")
    return "\n".join(rows)


def sections(explanation: Explanation) -> Iterator[str]:
    """Yield each part, and the closing sentences."""
    writer = Latex()
    subject = explanation.symbol(writer)
    for part, written in explanation.written(writer):
        yield _part(part, written, subject)
    if sentences := explanation.comparison(writer):
        (before, formula, after), *others = sentences
        rows = [f"{before}${unbroken(formula)}${after}", ""]
        yield "\n".join(rows + [f"- {b}${unbroken(f)}${a}" for b, f, a in others])


def _part(part: Part, written: list[Line], subject: str) -> str:
    blocks = [f"## {escaping.markdown(part.title)}"]
    blocks += [escaping.markdown(part.note)] if part.note else []
    for line in written:
        blocks += [*_remark(line), _block(line, subject)]
    return "\n\n".join(blocks)


def _block(line: Line, subject: str) -> str:
    room = COLUMN - latex_width(line.symbol)
    rows = " \\\\\n".join(lines(line, room, boxed=line.symbol == subject))
    return f"$$\n\\begin{{aligned}}\n{rows}\n\\end{{aligned}}\n$$"


def _remark(line: Line) -> list[str]:
    """What is said of a line, as a paragraph before it."""
    notes = [escaping.markdown(text) for text in remarks(line)]
    if line.holds:
        notes.insert(0, f"for ${line.holds}$")
    return ["; ".join(notes) + ":"] if notes else []
