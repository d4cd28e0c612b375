"""Figures: how many digits of each number a line prints, so that the line is true as it stands.

A line such as 0.13849856163 · 0.59326999211 = 0.0821670406 gives a result and the numbers that
it is worked out from, all rounded. It is honest where working it out from the printed numbers
gives the printed result. So the numbers put in get as many digits as that takes, up to the 17
that tell doubles apart; where it takes more, as in a difference of nearly equal numbers, the
result gets fewer; and where that does not help the line says that it is rounded.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import NamedTuple

from chainrule.explanation.enclosing import lies
from chainrule.explanation.expressions import Expression, Quantity, compute

DIGITS = 9
"""The significant digits of a result, unless told otherwise."""

FEWEST, MOST = 4, 17
"""To how many digits a result may be shortened, and how many tell two doubles apart."""

PLAIN = range(-5, 9)
"""The powers of ten of the first digit that are written without one."""


class Figure(NamedTuple):
    """A number as it is printed: ± mantissa · 10^exponent."""

    negative: bool
    mantissa: str
    exponent: int

    @property
    def number(self) -> Fraction:
        """The printed number; raises ValueError where it is none."""
        size = Fraction(self.mantissa) * Fraction(10) ** self.exponent
        return -size if self.negative else size


class Rounding(NamedTuple):
    """A result, the digits of the numbers put in, and whether they give it only roughly."""

    result: Figure
    digits: int
    rounded: bool


def figure(value: float, digits: int = DIGITS) -> Figure:
    """Return a number rounded to significant digits, without zeros at its end.

    Each printed digit is one of its own: no 0 fills the place of a digit that is left out.

    >>> figure(0.082167040564)
    Figure(negative=False, mantissa='0.0821670406', exponent=0)
    >>> figure(-1.5e-12)
    Figure(negative=True, mantissa='1.5', exponent=-12)
    >>> figure(123456, 3).mantissa, figure(123000, 3).mantissa
    ('1.23', '123000')
    """
    given = Decimal(value)
    if not given.is_finite():
        return Figure(given.is_signed(), "NaN" if given.is_nan() else "∞", 0)
    if not given:
        return Figure(False, "0", 0)
    size = abs(given)
    shown = Context(prec=digits, rounding=ROUND_HALF_EVEN).plus(size)
    power = shown.adjusted()
    is_plain = power in PLAIN and (power < digits or shown == size)
    exponent = 0 if is_plain else power
    return Figure(given < 0, f"{shown.scaleb(-exponent).normalize():f}", exponent)


def rounding(expression: Expression, value: float, digits: int | None = None) -> Rounding:
    """Return how a result is printed beside the expression that it comes from.

    Digits that are given are used for every number, whatever comes of it.

    >>> a, b = (Quantity(("a", 0), v) for v in (0.138498561629, 0.593269992107))
    >>> rounding(a * b, 0.138498561629 * 0.593269992107)[1:]
    (11, False)
    """
    if digits is not None:
        result = figure(value, digits)
        return Rounding(result, digits, not _agrees(expression, result, digits, digits))
    for shown in range(DIGITS, FEWEST - 1, -1):
        result = figure(value, shown)
        for put_in in range(DIGITS, MOST + 1):
            if _agrees(expression, result, shown, put_in):
                return Rounding(result, put_in, rounded=False)
    return Rounding(figure(value), DIGITS, rounded=True)


PRECISIONS = (30, 60, 400)
"""The digits with which a formula is worked out, more where fewer leave it open what it gives."""


def _agrees(expression: Expression, result: Figure, shown: int, put_in: int) -> bool:
    """Whether the printed numbers are certain to give the printed result, by the case that holds.

    That is an exact 0 where the result is 0, and else what is rounded to it, up or down.
    """

    def printed(quantity: Quantity) -> Fraction:
        return figure(quantity.value, put_in).number

    try:
        if not result.number:
            return compute(expression, printed) == Fraction(0)
        low, high = _rounded_to(result.number, shown)
        for digits in PRECISIONS:
            found = lies(compute(expression, printed, digits), low, high)
            if found is not None:
                return found
    except (ZeroDivisionError, ValueError):
        pass
    return False


def _rounded_to(number: Fraction, digits: int) -> tuple[Fraction, Fraction]:
    """Return between which numbers those lie that are rounded to one, whatever becomes of a half.

    >>> _rounded_to(Fraction(10), 2)
    (Fraction(199, 20), Fraction(21, 2))
    """
    size = abs(number)
    first = Context(prec=MOST).divide(Decimal(size.numerator), Decimal(size.denominator)).adjusted()
    half = Fraction(10) ** (first - digits + 1) / 2
    below = half / 10 if size == Fraction(10) ** first else half
    low, high = size - below, size + half
    return (low, high) if number > 0 else (-high, -low)
