"""Explanations in LaTeX: a document of its own, or the body for another one that has amsmath."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from chainrule.explanation import escaping
from chainrule.explanation.typeset import BREAK, WEAK, Typeset, equals, remarks, unbroken
from chainrule.explanation.writer import Line, WrittenCase

if TYPE_CHECKING:
    from chainrule.explanation.result import Explanation

PAGE, COLUMN = 84, 66
"""How many digits fit beside each other: in our document, and in one of LaTeX's own width."""

PREAMBLE = r"""\documentclass[11pt,a4paper]{article}
\usepackage{amsmath}
\usepackage[margin=22mm]{geometry}
\usepackage{xcolor}
\makeatletter
\renewcommand\section{\@startsection{section}{1}{0pt}{0pt}{8pt}{\normalfont\LARGE}}
\renewcommand\subsection{\@startsection{subsection}{2}{0pt}{16pt plus 6pt}{2pt}%
  {\normalfont\large\bfseries\color[HTML]{1F4E8C}}}
\makeatother
\allowdisplaybreaks
\setlength\parindent{0pt}
\setlength\jot{5pt}
\begin{document}
\setlength\abovedisplayskip{-9pt}
\setlength\abovedisplayshortskip{-9pt}
"""

_SIGNS = escaping.SIGNS | {"{": r"\{", "}": r"\}", "|": "|"}
_FUNCTIONS = {"sgn": r"\mathrm{sgn}", "σ": r"\sigma ", "Φ": r"\Phi ", "φ": r"\varphi "}


class Latex(Typeset):
    r"""Formulas in LaTeX with amsmath, as MathJax and KaTeX have them too.

    >>> writer = Latex()
    >>> print(writer.quotient("1", writer.brackets(writer.sum([(False, "1"), (True, "a")]))))
    \frac{1}{(1 - a)}
    """

    def number(self, text: str) -> str:
        return {"∞": r"\infty ", "NaN": r"\mathrm{NaN}"}.get(text, text)

    def tens(self, mantissa: str, exponent: int) -> str:
        return rf"{mantissa} \cdot 10^{{{exponent}}}"

    def minus(self, text: str) -> str:
        return f"-{text}"

    def words(self, text: str) -> str:
        return rf"\text{{{escaping.latex(text)}}}"

    def code(self, text: str) -> str:
        """Write code; MathJax knows no underscore within it."""
        return r"\_".join(rf"\texttt{{{escaping.latex(part)}}}" for part in text.split("_"))

    def sign(self, text: str) -> str:
        if text == "Σ":
            return r"{\textstyle\sum}"
        return rf"\mathrm{{{text}}}" if len(text) > 1 else _SIGNS.get(text, text)

    def hat(self, text: str) -> str:
        return rf"\hat{{{text}}}"

    def scripts(self, base: str, sub: str, sup: str) -> str:
        raised = "^" in base and not base.startswith(("(", r"\left"))
        grouped = f"{{{base}}}" if raised or base.startswith(r"\texttt") else base
        below, above = f"_{{{sub}}}" if sub else "", f"^{{{unbroken(sup)}}}" if sup else ""
        return f"{grouped}{below}{above}" if sub or sup else base

    def ratio(self, above: str, below: str) -> str:
        return rf"\frac{{\partial {above}}}{{\partial {below}}}"

    def further(self, text: str, *, taken: bool) -> str:
        return f"{BREAK}{'-' if taken else '+'} {text}"

    def product(self, factors: list[str]) -> str:
        return rf"{WEAK}\cdot ".join(map(unbroken, factors))

    def quotient(self, above: str, below: str) -> str:
        if above.isdigit() and below.isdigit():
            return rf"\tfrac{{{above}}}{{{below}}}"
        rows = r" \\ {}".join(broken(above, COLUMN * 2 // 3))
        if rows != above and r" \\ " in rows:
            above = rf"\begin{{gathered}} {rows} \end{{gathered}}"
        return rf"\frac{{{unbroken(above)}}}{{{unbroken(below)}}}"

    def power(self, base: str, exponent: str) -> str:
        return self.scripts(base, "", exponent)

    def call(self, name: str, arguments: list[str]) -> str:
        if name == "sqrt":
            return rf"\sqrt{{{unbroken(arguments[0])}}}"
        if name == "abs":
            return self._enclosed(r"\lvert ", arguments[0], r"\rvert ")
        sign, tall = _FUNCTIONS.get(name, f"\\{name}"), any(map(_tall, arguments))
        if len(arguments) == 1 or tall:
            return sign + self.brackets(", ".join(arguments))
        return f"{sign}({f',{WEAK}'.join(map(unbroken, arguments))})"

    def cases(self, rows: list[WrittenCase]) -> str:
        conditions = [f"{c.left} {_SIGNS.get(c.sign, c.sign)} {c.right}" for c in rows]
        if not rows[0].value:
            return unbroken(conditions[0])
        table = r" \\ ".join(
            rf"{row.value} & \text{{if }} {condition}"
            for row, condition in zip(rows, conditions, strict=True)
        )
        return rf"\begin{{cases}} {unbroken(table)} \end{{cases}}"

    def brackets(self, text: str) -> str:
        return self._enclosed("(", text, ")")

    @staticmethod
    def _enclosed(left: str, text: str, right: str) -> str:
        """Brackets as high as what they enclose."""
        if _tall(text):
            left, right = rf"\left{left}", rf"\right{right}"
        return f"{left}{unbroken(text)}{right}"


def _tall(text: str) -> bool:
    return r"\frac" in text or r"\begin" in text


# How wide a formula is, and where it is broken

_TOKENS = re.compile(r"\\[A-Za-z]+|\\.|.", re.DOTALL)

_WIDTHS = {
    **dict.fromkeys([BREAK, WEAK, "&", r"\mathrm", r"\hat", r"\textstyle", r"\boxed"], 0.0),
    **dict.fromkeys("().|", 0.7),
    **dict.fromkeys("ABCDEGLSwm", 1.4),
    **dict.fromkeys([r"\max", r"\min", r"\tanh", r"\cosh", r"\cos", r"\sin"], 4.2),
    r"\quad": 2.0,
    r"\cdot": 1.5,
    "+": 2.5,
    "-": 2.5,
    "=": 2.7,
    r"\approx": 2.7,
}

INDENT = 4
"""The digits that the equals sign takes, and the indent of a row that goes on."""


def width(formula: str) -> float:
    r"""Return about how wide a formula is, in digits.

    >>> width(r"0.25 + \frac{0.125}{3}")
    12.4
    """
    return _width(iter(_TOKENS.findall(formula)))


def _width(tokens: Iterator[str], blank: float = 0.0) -> float:
    """The width up to the end of a group, in which a blank has a width too, or none."""
    whole = 0.0
    for token in tokens:
        if token == "}":
            break
        if token == "{":
            whole += _width(tokens)
        elif token in (r"\frac", r"\tfrac"):
            whole += max(_group(tokens), _group(tokens)) + 1.5
        elif token in (r"\text", r"\texttt"):
            whole += 1.05 * _group(tokens, blank=1.0)
        elif token == " ":
            whole += blank
        elif token in "^_":
            whole += 0.75 * _group(tokens)
        else:
            whole += _WIDTHS.get(token, 1.0)
    return whole


def _group(tokens: Iterator[str], blank: float = 0.0) -> float:
    next(tokens)  # its opening brace
    return _width(tokens, blank)


def broken(formula: str, room: float) -> list[str]:
    r"""Return a formula in rows that fit into a room of so many digits, where it can be broken.

    >>> broken("0.25\n+ 0.125\n- 0.5", 12)
    ['0.25 + 0.125', '- 0.5']
    """
    rows = [""]
    for term in formula.split(BREAK):
        for part in term.split(WEAK) if width(term) > room else [term]:
            longer = f"{rows[-1]} {unbroken(part)}".lstrip()
            if rows[-1] and width(longer) > room:
                rows.append(unbroken(part))
            else:
                rows[-1] = longer
    return rows


def lines(line: Line, room: float, *, boxed: bool, remark: str = "") -> list[str]:
    """Return the rows of a step, with & at the equals sign; `boxed` frames the result."""
    parts = [(rf"{_relation(sign)} ", formula) for sign, formula in equals(line)]
    if boxed:
        sign, result = parts.pop()
        parts.append((sign, rf"\boxed{{{unbroken(result)}}}"))
    if len(parts) > 1 and r"\begin" not in parts[-2][1]:
        (sign, formula), result = parts[-2], "".join(parts[-1])
        if width(f"{formula} {result} {remark}") < room - INDENT:
            parts[-2:] = [(sign, f"{unbroken(formula)} {result}")]
    rows = []
    for sign, formula in parts:
        first, *more = broken(formula, room - INDENT)
        rows += [f"&{sign}{first}", *(rf"&\qquad {{}}{each}" for each in more)]
    rows[0] = f"{line.symbol} {rows[0]}"
    return [*rows[:-1], rows[-1] + remark]


def _relation(sign: str) -> str:
    return {"≈": r"\approx"}.get(sign, sign)


# The whole


def latex(explanation: Explanation, *, document: bool) -> str:
    """Return an explanation as a document, or as the body of one."""
    body = "\n".join(_body(explanation, PAGE if document else COLUMN))
    return f"{PREAMBLE}{body}\n\\end{{document}}\n" if document else f"{body}\n"


def _body(explanation: Explanation, room: float) -> Iterator[str]:
    writer = Latex()
    symbol = explanation.symbol(writer)
    yield rf"\section*{{$\displaystyle {symbol}$}}"
    yield f"{escaping.latex(explanation.network)}\n"
    if explanation.examples:
        yield f"{escaping.latex(explanation.examples)}\n"
    yield from _legend(explanation, writer)
    for part, written in explanation.written(writer):
        yield rf"\subsection*{{{escaping.latex(part.title)}}}"
        if part.note:
            yield rf"\noindent {escaping.latex(part.note)}\par"
        yield from _part(written, room, symbol)
    for before, formula, after in explanation.comparison(writer):
        yield rf"\par {escaping.latex(before)}${unbroken(formula)}${escaping.latex(after)}"


def _part(written: list[Line], room: float, subject: str) -> Iterator[str]:
    """A part: its steps in one block, so that their signs stand below each other."""
    left = room - max(width(line.symbol) for line in written)
    steps = []
    for line in written:
        rows = lines(line, left, boxed=line.symbol == subject, remark=_remark(line))
        steps.append(" \\\\*\n".join(rows))  # a star: the page is not broken here
    yield "\\begin{flalign*}"
    yield " && \\\\[5pt]\n".join(steps) + " &&"
    yield "\\end{flalign*}"


def _remark(line: Line) -> str:
    """What is said of a step, behind its result."""
    notes = [escaping.latex(text) for text in remarks(line)]
    if line.holds:
        notes.insert(0, f"for ${line.holds}$")
    return rf" \quad\text{{({'; '.join(notes)})}}" if notes else ""


def _legend(explanation: Explanation, writer: Latex) -> Iterator[str]:
    if not (legend := explanation.legend(writer)):
        return
    yield "\\medskip\n\\begin{tabular}{@{}r@{}ll@{}}"
    for name, symbol, value in legend:
        given = f" = {value}" if value else ""
        yield rf"${symbol}$ & ${{}}{given}$ & {escaping.latex(name)} \\"
    yield "\\end{tabular}\n"
