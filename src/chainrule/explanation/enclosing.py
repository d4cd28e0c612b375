"""Numbers that are exact, or known to lie between two others: what they decide is certain.

Fractions stay fractions under + − · / and whole powers, and so do the values that a function takes
at a few of them, such as ln 1. All other values of functions are irrational: of such a number two
bounds are known, as close as the working precision has them, and it is never taken for a 0.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import mpmath  # type: ignore[import-untyped]

GUARD = 10
"""The bits that a function of mpmath may be wrong in, and many more than it is."""

MOST_BITS = 20_000
"""The size up to which a power is an exact fraction."""

LARGEST_BITS = 5_000
"""The exponent of 2 beyond which a bound is as good as that, beside numbers of double precision."""

FAR = 10**6
"""From where on Φ is 0 or 1 to more digits than are ever asked for."""


class Between(NamedTuple):
    """A number of which two bounds are known, as mpmath's numbers.

    >>> Between(mpmath.mpf(1), mpmath.mpf(2)).middle
    mpf('1.5')
    """

    low: Any
    high: Any

    @property
    def middle(self) -> Any:
        """The number, as nearly as it is known."""
        return (self.low + self.high) / 2


Enclosed = Fraction | Between
"""A number that is exact, or one of which the bounds are known."""


def between(*ends: Any) -> Between:
    """Return a number between the least and the largest of some that may each be rounded.

    >>> third = between(mpmath.mpf(1) / 3)
    >>> 3 * third.low < 1 < 3 * third.high
    True
    """
    low, high = min(ends), max(ends)
    eps = mpmath.ldexp(1, GUARD - mpmath.mp.prec)
    return Between(low - abs(low) * eps, high + abs(high) * eps)


def bounds(x: Enclosed) -> Between:
    """Return a number by its bounds, exact or not.

    >>> bounds(Fraction(1, 2)).middle
    mpf('0.5')
    """
    if isinstance(x, Between):
        return x
    return between(mpmath.mpf(x.numerator) / x.denominator)


def added(terms: Sequence[Enclosed]) -> Enclosed:
    """Return a sum.

    >>> added([Fraction(1, 3), Fraction(2, 3), Fraction(-1)])
    Fraction(0, 1)
    """
    exact = sum((x for x in terms if isinstance(x, Fraction)), Fraction(0))
    others = [x for x in terms if isinstance(x, Between)]
    if not others:
        return exact
    ends = [bounds(exact), *others]
    low, high = mpmath.fsum(x.low for x in ends), mpmath.fsum(x.high for x in ends)
    return between(low, high)


def multiplied(x: Enclosed, y: Enclosed) -> Enclosed:
    """Return a product; 0 times anything is 0.

    >>> multiplied(Fraction(0), between(mpmath.pi()))
    Fraction(0, 1)
    """
    if isinstance(x, Fraction) and isinstance(y, Fraction):
        return x * y
    if Fraction(0) in (x, y):
        return Fraction(0)
    return between(*(a * b for a, b in itertools.product(bounds(x), bounds(y))))


def divided(x: Enclosed, y: Enclosed) -> Enclosed:
    """Return a quotient; raises ZeroDivisionError where the divisor may be 0.

    >>> divided(Fraction(1), Fraction(3))
    Fraction(1, 3)
    """
    if isinstance(y, Fraction):
        return multiplied(x, 1 / y)
    if y.low <= 0 <= y.high:
        raise ZeroDivisionError("a divisor of which it is not known that it is not 0")
    return multiplied(x, between(1 / y.low, 1 / y.high))


def raised(x: Enclosed, exponent: Enclosed) -> Enclosed:
    """Return a power with a whole exponent.

    >>> raised(Fraction(2, 3), Fraction(-2))
    Fraction(9, 4)
    """
    if not isinstance(exponent, Fraction) or exponent.denominator != 1:
        raise ValueError(f"a power must have a whole exponent, got {exponent}")
    n = int(exponent)
    if n < 0:
        return divided(Fraction(1), raised(x, Fraction(-n)))
    if isinstance(x, Fraction) and n * _bits(x) <= MOST_BITS:
        return x**n
    low, high = bounds(magnitude(x) if n % 2 == 0 else x)
    return between(low**n, high**n)


def _bits(x: Fraction) -> int:
    return max(x.numerator.bit_length(), x.denominator.bit_length())


def magnitude(x: Enclosed) -> Enclosed:
    """Return the size of a number.

    >>> magnitude(Fraction(-1, 2))
    Fraction(1, 2)
    """
    if isinstance(x, Fraction):
        return abs(x)
    ends = sorted((abs(x.low), abs(x.high)))
    return Between(mpmath.mpf(0) if x.low < 0 < x.high else ends[0], ends[1])


# Functions


def _of_points(at: dict[int, Fraction], f: Callable[[Any], Any]) -> Callable[[Enclosed], Enclosed]:
    """A monotone function, with its exact values at the few fractions that have one."""

    def value(x: Enclosed) -> Enclosed:
        if isinstance(x, Fraction) and x in at:
            return at[int(x)]
        return between(*map(f, bounds(x)))

    return value


def _even(f: Callable[[Enclosed], Enclosed]) -> Callable[[Enclosed], Enclosed]:
    return lambda x: f(magnitude(x))


def _root(x: Enclosed) -> Enclosed:
    """A root, which is a fraction for the squares of fractions."""
    if isinstance(x, Fraction) and x >= 0:
        root = Fraction(math.isqrt(x.numerator), math.isqrt(x.denominator))
        if root**2 == x:
            return root
    low, high = bounds(x)
    if low < 0:
        raise ValueError("the root of what may be less than 0")
    return between(mpmath.sqrt(low), mpmath.sqrt(high))


def _logarithm(x: Enclosed) -> Enclosed:
    if bounds(x).low <= 0:
        raise ValueError("the logarithm of what may be 0")
    return _of_points({1: Fraction(0)}, mpmath.log)(x)


def _normal_below(x: Enclosed) -> Enclosed:
    """Φ; far from 0 as near as its tail e^(−x²/2) tells."""
    low, high = bounds(x)
    if x == 0 or abs(low) < FAR:
        return _of_points({0: Fraction(1, 2)}, mpmath.ncdf)(x)
    tail = mpmath.exp(-(min(abs(low), abs(high)) ** 2) / 2)
    return between(0, tail) if high < 0 else between(1 - tail, 1)


def _wave(f: Callable[[Any], Any], at_0: Fraction) -> Callable[[Enclosed], Enclosed]:
    """A sine or cosine, which moves no faster than what it is of."""

    def value(x: Enclosed) -> Enclosed:
        if x == 0:
            return at_0
        low, high = bounds(x)
        middle, off = f((low + high) / 2), (high - low) / 2
        return between(middle - off, middle + off)

    return value


def _sign(x: Enclosed) -> Enclosed:
    if isinstance(x, Fraction):
        return Fraction((x > 0) - (x < 0))
    if x.low <= 0 <= x.high:
        raise ValueError("the sign of what may be 0")
    return Fraction(1 if x.low > 0 else -1)


def _chosen(choose: Callable[..., Any]) -> Callable[..., Enclosed]:
    """The larger or the smaller of numbers."""

    def value(*x: Enclosed) -> Enclosed:
        if all(isinstance(each, Fraction) for each in x):
            chosen: Fraction = choose(x)
            return chosen
        ends = [bounds(each) for each in x]
        return Between(choose(e.low for e in ends), choose(e.high for e in ends))

    return value


ZERO, HALF, ONE = Fraction(0), Fraction(1, 2), Fraction(1)

FUNCTIONS: dict[str, Callable[..., Enclosed]] = {
    "exp": _of_points({0: ONE}, mpmath.exp),
    "ln": _logarithm,
    "sqrt": _root,
    "abs": magnitude,
    "tanh": _of_points({0: ZERO}, mpmath.tanh),
    "sin": _wave(mpmath.sin, ZERO),
    "cos": _wave(mpmath.cos, ONE),
    "cosh": _even(_of_points({0: ONE}, mpmath.cosh)),
    "max": _chosen(max),
    "min": _chosen(min),
    "sgn": _sign,
    "σ": _of_points({0: HALF}, lambda x: 1 / (1 + mpmath.exp(-x))),
    "Φ": _normal_below,
    "φ": _even(_of_points({}, lambda x: mpmath.exp(-(x**2) / 2) / mpmath.sqrt(2 * mpmath.pi))),
}
"""What a `Call` can name."""


# What is decided


def lies(x: Enclosed, low: Fraction, high: Fraction) -> bool | None:
    """Return whether a number lies between two others; None where its bounds leave it open.

    >>> lies(between(mpmath.mpf(1) / 3), Fraction(0), Fraction(1))
    True
    >>> lies(Between(mpmath.mpf(0), mpmath.mpf(1)), Fraction(1, 2), Fraction(2)) is None
    True
    """
    least, most = (x, x) if isinstance(x, Fraction) else map(_fraction, x)
    if low < least and most < high:
        return True
    return False if most <= low or high <= least else None


def _fraction(x: Any) -> Fraction:
    """A bound as a fraction, cut where it is too large or too small for one."""
    sign, power = int(mpmath.sign(x)), mpmath.mag(x)
    if not sign or abs(power) > LARGEST_BITS:
        return sign * Fraction(2) ** max(-LARGEST_BITS, min(power, LARGEST_BITS)) if sign else ZERO
    mantissa, exponent = x.man_exp
    return sign * abs(int(mantissa)) * Fraction(2) ** int(exponent)
