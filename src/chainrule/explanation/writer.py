"""Writing formulas: where brackets stand is decided here, what a sign looks like by each format.

A `Writer` is a format: text, LaTeX, MathML. It writes a formula with the names of its quantities,
or with figures in their places; both come from the one tree.
"""

from __future__ import annotations

import abc
import enum
from collections.abc import Callable, Sequence
from typing import NamedTuple

from chainrule.explanation.derivation_steps import Step
from chainrule.explanation.expressions import (
    Call,
    Cases,
    Condition,
    Expression,
    Negative,
    Number,
    Power,
    Product,
    Quantity,
    Quotient,
    Sum,
)
from chainrule.explanation.notation import Name, Notation, Ratio, name_of
from chainrule.explanation.printed_digits import DIGITS, Figure, figure, rounding
from chainrule.explanation.unit_places import Places


class Precedence(enum.IntEnum):
    """How tightly a written formula holds together."""

    SUM = 0
    PRODUCT = 1
    POWER = 2
    ATOM = 3


class Written(NamedTuple):
    """A formula as it is written, and how tightly it holds together."""

    text: str
    level: Precedence


class WrittenCase(NamedTuple):
    """A written row of cases: the value, and its condition."""

    value: str
    left: str
    sign: str
    right: str


Put = Callable[[Quantity], Written]
"""What stands in the place of a quantity: its name, or its figure."""


class Writer(abc.ABC):
    """A format in which formulas are written."""

    fractions = False
    """Whether a quotient is drawn with a bar, which holds it together."""

    # What each format says

    @abc.abstractmethod
    def number(self, text: str) -> str:
        """Write a constant or the digits of a figure."""

    @abc.abstractmethod
    def tens(self, mantissa: str, exponent: int) -> str:
        """Write mantissa · 10^exponent."""

    @abc.abstractmethod
    def minus(self, text: str) -> str:
        """Write −text."""

    @abc.abstractmethod
    def name(self, name: Name) -> str:
        """Write a name."""

    @abc.abstractmethod
    def ratio(self, above: str, below: str) -> str:
        """Write ∂above/∂below."""

    @abc.abstractmethod
    def further(self, text: str, *, taken: bool) -> str:
        """Write a term that is added to others, or taken off."""

    @abc.abstractmethod
    def product(self, factors: list[str]) -> str:
        """Write factors."""

    @abc.abstractmethod
    def quotient(self, above: str, below: str) -> str:
        """Write above over below."""

    @abc.abstractmethod
    def power(self, base: str, exponent: str) -> str:
        """Write base to the power of exponent."""

    @abc.abstractmethod
    def call(self, name: str, arguments: list[str]) -> str:
        """Write a function other than exp, of written arguments."""

    @abc.abstractmethod
    def cases(self, rows: list[WrittenCase]) -> str:
        """Write the rows of cases, or one condition."""

    @abc.abstractmethod
    def brackets(self, text: str) -> str:
        """Write text in brackets."""

    # What they share

    def sum(self, terms: list[tuple[bool, str]]) -> str:
        """Write terms, each with whether it is taken off."""
        (taken, first), *others = terms
        head = self.minus(first) if taken else first
        return head + "".join(self.further(text, taken=off) for off, text in others)

    def figure(self, shown: Figure) -> Written:
        """Write a printed number."""
        text, level = self.number(shown.mantissa), Precedence.ATOM
        if shown.exponent:
            text, level = self.tens(shown.mantissa, shown.exponent), Precedence.PRODUCT
        return Written(self.minus(text), Precedence.SUM) if shown.negative else Written(text, level)

    def named(self, name: Name | Ratio) -> Written:
        """Write the name of a quantity."""
        if isinstance(name, Name):
            return Written(self.name(name), Precedence.ATOM)
        text = self.ratio(self.name(name.above), self.name(name.below))
        return Written(text, Precedence.PRODUCT)

    def bracketed(self, written: Written, least: Precedence) -> str:
        """Write a part in brackets where it holds together less than its place asks for."""
        return written.text if written.level >= least else self.brackets(written.text)

    def write(self, e: Expression, put: Put, *, chosen: bool) -> Written:
        """Write a formula; of cases all, or the chosen one alone."""

        def part(e: Expression, least: Precedence = Precedence.SUM) -> str:
            return self.bracketed(self.write(e, put, chosen=chosen), least)

        match e:
            case Quantity():
                return put(e)
            case Number(text):
                mantissa, _, exponent = text.partition("e")
                return self.figure(Figure(False, mantissa, int(exponent or 0)))
            case Cases(rows):
                return self.write(e.row[0], put, chosen=True) if chosen else self._cases(rows, part)
        return self._joined(e, part)

    def _joined(self, e: Expression, part: Callable[..., str]) -> Written:
        """Write a node of its written parts."""
        match e:
            case Negative(inner):
                made = Written(self.minus(part(inner, Precedence.PRODUCT)), Precedence.SUM)
            case Sum(terms):
                made = Written(self.sum(_terms(terms, part)), Precedence.SUM)
            case Product(factors):
                parts = [part(f, Precedence.PRODUCT) for f in factors]
                made = Written(self.product(parts), Precedence.PRODUCT)
            case Quotient(above, below):
                least = (
                    (Precedence.SUM,) * 2
                    if self.fractions
                    else (Precedence.PRODUCT, Precedence.POWER)
                )
                both = map(part, (above, below), least)
                made = Written(self.quotient(*both), Precedence.PRODUCT)
            case Power(base, exponent):
                made = Written(
                    self.power(part(base, Precedence.ATOM), part(exponent)), Precedence.POWER
                )
            case Call("exp", (x,)):
                made = Written(self.power("e", part(x)), Precedence.POWER)
            case Call(name, arguments):
                made = Written(self.call(name, [*map(part, arguments)]), Precedence.ATOM)
            case _:
                raise TypeError(
                    f"an expression must be made of the nodes of expressions, got {e!r}"
                )
        return made

    def _cases(
        self, rows: Sequence[tuple[Expression, Condition]], part: Callable[..., str]
    ) -> Written:
        written = [
            WrittenCase(part(value), part(c.left), c.sign, part(c.right)) for value, c in rows
        ]
        return Written(self.cases(written), Precedence.SUM)


def _terms(terms: Sequence[Expression], part: Callable[..., str]) -> list[tuple[bool, str]]:
    """The terms of a sum, each with whether it is taken off."""
    return [
        (True, part(term.inner, Precedence.PRODUCT))
        if isinstance(term, Negative)
        else (False, part(term, Precedence.PRODUCT if k else Precedence.SUM))
        for k, term in enumerate(terms)
    ]


class Line(NamedTuple):
    """A step as a format writes it; `numbers` is "" where it would repeat the result.

    `holds` says which of several cases holds, by the figures.
    """

    symbol: str
    formula: str
    numbers: str
    result: str
    note: str
    rounded: bool
    holds: str = ""


def write_step(
    step: Step, writer: Writer, at: Places, notation: Notation, digits: int | None
) -> Line:
    """Write one step: its symbol, its formula, the formula with the figures put in, its result."""

    def name(quantity: Quantity) -> Written:
        return writer.named(name_of(quantity.key, at, notation))

    symbol = name(step.quantity).text
    if step.formula is None:
        given = writer.figure(figure(step.value, digits or DIGITS)).text
        return Line(symbol, "", "", given, step.note, rounded=False)
    asked = digits is not None
    printed = rounding(step.formula, step.value, digits) if asked else step.rounding

    def put(quantity: Quantity) -> Written:
        return writer.figure(figure(quantity.value, printed.digits))

    result = writer.figure(printed.result).text
    formula = writer.write(step.formula, name, chosen=False).text
    numbers = writer.write(step.formula, put, chosen=True).text
    return Line(
        symbol,
        formula,
        "" if numbers in (result, formula) else numbers,
        "" if formula == result else result,
        step.note,
        printed.rounded,
        _condition(step.formula, writer, put),
    )


def _condition(formula: Expression, writer: Writer, put: Put) -> str:
    """Which of several cases holds, with figures put in; "" where there are none."""
    if not isinstance(formula, Cases):
        return ""
    c = formula.row[1]
    left, right = (writer.write(side, put, chosen=True).text for side in (c.left, c.right))
    return writer.cases([WrittenCase("", left, c.sign, right)])
