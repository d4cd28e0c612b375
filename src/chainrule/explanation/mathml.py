"""Formulas in MathML Core, which browsers show by themselves."""

from __future__ import annotations

import re

from chainrule.explanation.escaping import html
from chainrule.explanation.typeset import BREAK, WEAK, Typeset, unbroken
from chainrule.explanation.writer import WrittenCase

_ONE = re.compile(r"<(m[ino])>[^<]*</\1>")

TIMES = '<mo form="infix" lspace=".24em" rspace=".24em">·</mo>'
"""The sign between factors, as far from them as + and − are: browsers set it closer."""


class MathML(Typeset):
    """Formulas as the content of a `math` element.

    >>> writer = MathML()
    >>> writer.power(writer.sign("a"), writer.number("2"))
    '<msup><mi>a</mi><mn>2</mn></msup>'
    """

    def number(self, text: str) -> str:
        return f"<mi>{text}</mi>" if text in ("∞", "NaN") else f"<mn>{text}</mn>"

    def tens(self, mantissa: str, exponent: int) -> str:
        size = self.number(str(abs(exponent)))
        power = self.power(self.number("10"), self.minus(size) if exponent < 0 else size)
        return unbroken(self.product([self.number(mantissa), power]))

    def minus(self, text: str) -> str:
        return f'<mo form="prefix">−</mo>{text}'

    def words(self, text: str) -> str:
        return f"<mtext>{html(text)}</mtext>"

    def code(self, text: str) -> str:
        return f"<mtext><code>{html(text)}</code></mtext>"

    def sign(self, text: str) -> str:
        if text[0].isalpha() and text != "Σ":
            return f"<mi>{text}</mi>"
        return f"<mo>{'∑' if text == 'Σ' else html(text)}</mo>"

    def hat(self, text: str) -> str:
        return f'<mover accent="true">{text}<mo stretchy="false">^</mo></mover>'

    def scripts(self, base: str, sub: str, sup: str) -> str:
        base, below, above = (_row(part) for part in (base, sub, sup))
        if sub and sup:
            return f"<msubsup>{base}{below}{above}</msubsup>"
        if sub:
            return f"<msub>{base}{below}</msub>"
        return f"<msup>{base}{above}</msup>" if sup else base

    def ratio(self, above: str, below: str) -> str:
        return self.quotient(f"<mi>∂</mi>{above}", f"<mi>∂</mi>{below}")

    def sum(self, terms: list[tuple[bool, str]]) -> str:
        return super().sum([(taken, unbroken(text)) for taken, text in terms])

    def further(self, text: str, *, taken: bool) -> str:
        return f'{BREAK}<mo form="infix">{"−" if taken else "+"}</mo>{text}'

    def product(self, factors: list[str]) -> str:
        return f"{WEAK}{TIMES}".join(map(unbroken, factors))

    def quotient(self, above: str, below: str) -> str:
        return f"<mfrac>{_row(above)}{_row(below)}</mfrac>"

    def power(self, base: str, exponent: str) -> str:
        return self.scripts("<mi>e</mi>" if base == "e" else base, "", exponent)

    def call(self, name: str, arguments: list[str]) -> str:
        if name == "abs":
            return f"<mrow><mo>|</mo>{unbroken(arguments[0])}<mo>|</mo></mrow>"
        if name == "sqrt":
            return f"<msqrt>{unbroken(arguments[0])}</msqrt>"
        inner = "<mo>,</mo>".join(_row(argument) for argument in arguments)
        return f"<mi>{name}</mi><mo>&#x2061;</mo>{self.brackets(inner)}"

    def cases(self, rows: list[WrittenCase]) -> str:
        conditions = [f"{_row(c.left)}<mo>{html(c.sign)}</mo>{_row(c.right)}" for c in rows]
        if not rows[0].value:
            return conditions[0]
        table = "".join(
            f"<mtr><mtd>{unbroken(row.value)}</mtd>"
            f"<mtd><mtext>if&#xA0;</mtext>{condition}</mtd></mtr>"
            for row, condition in zip(rows, conditions, strict=True)
        )
        return f"<mrow><mo>{{</mo><mtable>{table}</mtable></mrow>"

    def brackets(self, text: str) -> str:
        return f"<mrow><mo>(</mo>{unbroken(text)}<mo>)</mo></mrow>"


def _row(text: str) -> str:
    """A formula as one element."""
    return text if _ONE.fullmatch(text) else f"<mrow>{unbroken(text)}</mrow>"


def math(text: str) -> str:
    """Return an element with a formula, which may be broken between its terms or its factors.

    >>> print(math("<mi>a</mi>"))
    <math displaystyle="true"><mi>a</mi></math>
    """
    parts = text.replace(WEAK, BREAK).split(BREAK)
    return "<wbr/>".join(f'<math displaystyle="true">{part}</math>' for part in parts)
