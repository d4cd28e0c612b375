"""Figures: how many digits of each number a line prints, so that the line is true as it stands.

A line such as 0.13849856163 · 0.59326999211 = 0.0821670406 gives a result and the numbers that
it is worked out from, all rounded. It is honest where working it out from the printed numbers
gives the printed result. So the numbers put in get as many digits as that takes, up to the 17
that tell doubles apart; where it takes more, as in a difference of nearly equal numbers, the
result gets fewer; and where that does not help the line says that it is rounded.
"""

from __future__ import annotations

from decimal import ROUND_HALF_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from typing import Any, NamedTuple

import mpmath  # type: ignore[import-untyped]

from chainrule.explain.expressions import MANY_DIGITS, Expression, Quantity, compute

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
    def number(self) -> Any:
        """The printed number, to all digits that formulas are worked out with."""
        sign = "-" if self.negative else ""
        with mpmath.workdps(MANY_DIGITS):
            return mpmath.mpf(f"{sign}{self.mantissa}e{self.exponent}")


class Line(NamedTuple):
    """A result, the digits of the numbers put in, and whether they give it only roughly."""

    result: Figure
    digits: int
    rounded: bool


def figure(value: Any, digits: int = DIGITS, rounding: str = ROUND_HALF_EVEN) -> Figure:
    """Return a number rounded to significant digits, without zeros at its end.

    >>> figure(0.082167040564)
    Figure(negative=False, mantissa='0.0821670406', exponent=0)
    >>> figure(-1.5e-12)
    Figure(negative=True, mantissa='1.5', exponent=-12)
    """
    given = _decimal(value)
    if not given.is_finite():
        return Figure(given.is_signed(), "NaN" if given.is_nan() else "∞", 0)
    if not given:
        return Figure(False, "0", 0)
    shown = abs(given).normalize(Context(prec=digits, rounding=rounding))
    power = shown.adjusted()
    exponent = 0 if power in PLAIN else power
    return Figure(given < 0, f"{shown.scaleb(-exponent).normalize():f}", exponent)


def _decimal(value: Any) -> Decimal:
    """The number itself, of a double, or 40 digits of it."""
    if isinstance(value, float | int):
        return Decimal(value)
    return Decimal(mpmath.nstr(value, 40))


def line(expression: Expression, value: float, digits: int | None = None) -> Line:
    """Return how a result is printed beside the expression that it comes from.

    Digits that are given are used for every number, whatever comes of it.

    >>> a, b = (Quantity(("a", 0), v) for v in (0.138498561629, 0.593269992107))
    >>> line(a * b, 0.138498561629 * 0.593269992107)[1:]
    (11, False)
    """
    if digits is not None:
        result = figure(value, digits)
        return Line(result, digits, not _agrees(expression, result, digits, digits))
    for shown in range(DIGITS, FEWEST - 1, -1):
        result = figure(value, shown)
        for put_in in range(DIGITS, MOST + 1):
            if _agrees(expression, result, shown, put_in):
                return Line(result, put_in, rounded=False)
    return Line(figure(value), DIGITS, rounded=True)


def _agrees(expression: Expression, result: Figure, shown: int, put_in: int) -> bool:
    """Whether the printed numbers give the printed result, by the case that holds for it."""

    def printed(quantity: Quantity) -> Any:
        return figure(quantity.value, put_in).number

    try:
        found = compute(expression, printed)
    except (ZeroDivisionError, ValueError):
        return False
    if not isinstance(found, mpmath.mpf) or not mpmath.isfinite(found):
        return False
    ways = (ROUND_HALF_UP, ROUND_HALF_DOWN)  # a reader may round the half between two in either
    return all(figure(found, shown, way) == result for way in ways)
