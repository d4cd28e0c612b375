"""Explanations as text for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from chainrule.explanation.escaping import plain
from chainrule.explanation.notation import Name
from chainrule.explanation.printed_digits import figure
from chainrule.explanation.writer import Line, Writer, WrittenCase

UPPER = str.maketrans("0123456789+-−()L", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁽⁾ᴸ")
LOWER = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


class Text(Writer):
    """Formulas on one line, in Unicode."""

    def number(self, text: str) -> str:
        return text

    def tens(self, mantissa: str, exponent: int) -> str:
        return f"{mantissa} · 10{str(exponent).translate(UPPER)}"

    def minus(self, text: str) -> str:
        return f"−{text}"

    def name(self, name: Name) -> str:
        if name.code:
            return name.base
        base = f"{name.base}\N{COMBINING CIRCUMFLEX ACCENT}" if name.hat else name.base
        plus, sup = ("⁺", name.sup[:-1]) if name.sup.endswith("+") else ("", name.sup)
        return f"{base}{sup.translate(UPPER)}{self._below(name, sup)}{plus}"

    @staticmethod
    def _below(name: Name, sup: str) -> str:
        """The index: behind a letter as it is, behind a word or a raised number set off."""
        if not name.sub:
            return ""
        if not name.sub.isdigit() or len(name.base) > 1:
            return f"_{name.sub}"
        return name.sub.translate(LOWER) if sup or name.base in "aCypδzxt" else name.sub

    def ratio(self, above: str, below: str) -> str:
        return f"∂{above}/∂{below}"

    def further(self, text: str, *, taken: bool) -> str:
        return f" {'−' if taken else '+'} {text}"

    def product(self, factors: list[str]) -> str:
        return " · ".join(factors)

    def quotient(self, above: str, below: str) -> str:
        return "½" if (above, below) == ("1", "2") else f"{above} / {below}"

    def power(self, base: str, exponent: str) -> str:
        if exponent.isdigit():
            return base + exponent.translate(UPPER)
        return f"{base}^({exponent})"

    def call(self, name: str, arguments: list[str]) -> str:
        if name == "abs":
            return f"|{arguments[0]}|"
        return f"{'√' if name == 'sqrt' else name}({', '.join(arguments)})"

    def cases(self, rows: list[WrittenCase]) -> str:
        return ", ".join(
            f"{row.value}{' if ' if row.value else ''}{row.left} {row.sign} {row.right}"
            for row in rows
        )

    def brackets(self, text: str) -> str:
        return f"({text})"


def figure_text(value: float, digits: int = 6) -> str:
    """Return a number as text.

    >>> figure_text(-1234.5), figure_text(1.5e-7)
    ('−1234.5', '1.5 · 10⁻⁷')
    """
    return Text().figure(figure(float(value), digits)).text


def legend_text(legend: Sequence[tuple[str, str, str]]) -> list[str]:
    """Return the rows of text of a legend: symbol, value, and the user's name.

    >>> legend_text([("height", "i1", "0.05"), ("weight", "i2", "")])
    ['  i1 = 0.05   height', '  i2   weight']
    """
    width = max((len(symbol) for _, symbol, _ in legend), default=0)
    return [
        f"  {symbol:{width}}{value and f' = {value}'}   {plain(name)}"
        for name, symbol, value in legend
    ]


def note_text(note: str, width: int) -> list[str]:
    """Return what is said of a part, as rows of text.

    >>> note_text("Each factor is worked out below.", 30)
    ['  (Each factor is worked out', '  below.)']
    """
    return _wrapped(f"({plain(note)})", width, "  ", "") if note else []


def line_text(line: Line, width: int) -> list[str]:
    """Return the rows of text of a step: what it is, and below each other what that equals."""
    head = f"  {line.symbol} "
    rows, indent = [], " " * len(head)
    same = [part for part in (line.formula, line.numbers) if part]
    for part in same:
        rows += _wrapped(f"= {part}", width, indent)
    if line.result:
        sign = "≈" if line.rounded else "="
        remarks = [
            line.holds and f"for {line.holds}",
            plain(line.note),
            "rounded" if line.rounded else "",
        ]
        remark = "; ".join(filter(None, remarks))
        text = f"{sign} {line.result}" + (f"   ({remark})" if remark else "")
        rows += _wrapped(text, width, indent)
    return [head + rows[0][len(indent) :], *rows[1:]]


def _wrapped(text: str, width: int, indent: str, deeper: str = "  ") -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent + deeper,
        break_long_words=False,
        break_on_hyphens=False,
    )
