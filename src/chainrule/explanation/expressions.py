"""Formulas as trees: written with letters or with their numbers put in, and worked out from either.

| node | is |
|---|---|
| `Quantity(key, value)` | something with a name and a number: a weight, an activation |
| `Number(text)` | a constant, as it is written |
| `Sum`, `Product`, `Quotient`, `Power`, `Negative` | arithmetic |
| `Call(name, arguments)` | a function: exp, ln, tanh, max, ... |
| `Cases(rows)` | the first expression whose condition holds |
| `Either(condition, form, other)` | one of two ways to write a number |

+ − · / and ** of nodes make nodes, so that a row of `forms` reads as its formula.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import mpmath  # type: ignore[import-untyped]

from chainrule.explanation import enclosing
from chainrule.explanation.enclosing import Enclosed
from chainrule.explanation.notation import Key

DIGITS, MANY_DIGITS = 50, 400
"""How many digits formulas are worked out with, and those of the calls `NEAR_ONE`."""


class Expression:
    """A node of a formula."""

    def __add__(self, other: Expression | int) -> Sum:
        return Sum((*_terms(self), *_terms(node(other))))

    def __radd__(self, other: int) -> Sum:
        return node(other) + self

    def __sub__(self, other: Expression | int) -> Sum:
        return self + Negative(node(other))

    def __rsub__(self, other: int) -> Sum:
        return node(other) - self

    def __mul__(self, other: Expression | int) -> Product:
        return Product((*_factors(self), *_factors(node(other))))

    def __rmul__(self, other: int) -> Product:
        return node(other) * self

    def __truediv__(self, other: Expression | int) -> Quotient:
        return Quotient(self, node(other))

    def __rtruediv__(self, other: int) -> Quotient:
        return Quotient(node(other), self)

    def __pow__(self, other: Expression | int) -> Power:
        return Power(self, node(other))

    def __neg__(self) -> Negative:
        return Negative(self)

    @property
    def parts(self) -> tuple[Expression, ...]:
        """The nodes directly below this one that its value is worked out from."""
        return ()


@dataclass(frozen=True)
class Quantity(Expression):
    """Something that has a name, and the number that the core has for it."""

    key: Key
    value: float


@dataclass(frozen=True)
class Number(Expression):
    """A constant, as it is written."""

    text: str


@dataclass(frozen=True)
class StepNumber(Number):
    """The number of a step of training, or of one so many steps after it.

    >>> StepNumber("3", after=1).text
    '3'
    """

    after: int = 0


@dataclass(frozen=True)
class Sum(Expression):
    """Terms, of which a `Negative` one is written with a minus before it."""

    terms: tuple[Expression, ...]

    @property
    def parts(self) -> tuple[Expression, ...]:
        return self.terms


@dataclass(frozen=True)
class Product(Expression):
    """Factors."""

    factors: tuple[Expression, ...]

    @property
    def parts(self) -> tuple[Expression, ...]:
        return self.factors


@dataclass(frozen=True)
class Quotient(Expression):
    """above / below."""

    above: Expression
    below: Expression

    @property
    def parts(self) -> tuple[Expression, ...]:
        return self.above, self.below


@dataclass(frozen=True)
class Power(Expression):
    """base to the power of exponent."""

    base: Expression
    exponent: Expression

    @property
    def parts(self) -> tuple[Expression, ...]:
        return self.base, self.exponent


@dataclass(frozen=True)
class Negative(Expression):
    """−inner."""

    inner: Expression

    @property
    def parts(self) -> tuple[Expression, ...]:
        return (self.inner,)


@dataclass(frozen=True)
class Call(Expression):
    """A function of `enclosing.FUNCTIONS`."""

    name: str
    arguments: tuple[Expression, ...]

    @property
    def parts(self) -> tuple[Expression, ...]:
        return self.arguments


class Condition(NamedTuple):
    """left < right, or another comparison of `COMPARISONS`."""

    left: Expression
    sign: str
    right: Expression

    @property
    def holds(self) -> bool:
        """Whether it holds for the numbers that its quantities have."""
        return COMPARISONS[self.sign](exact(self.left), exact(self.right))


@dataclass(frozen=True)
class Cases(Expression):
    """Expressions with the condition of each: by the numbers in them, exactly one holds."""

    rows: tuple[tuple[Expression, Condition], ...]

    @functools.cached_property
    def row(self) -> tuple[Expression, Condition]:
        """The row that holds."""
        return next(row for row in self.rows if row[1].holds)

    @property
    def parts(self) -> tuple[Expression, ...]:
        return (self.row[0],)


@dataclass(frozen=True)
class Either(Expression):
    """Two ways to write a number: `form` where a condition holds, and else `other`.

    One of them is written, and the condition is not.
    """

    condition: Condition
    form: Expression
    other: Expression

    @property
    def written(self) -> Expression:
        """The one that is written, by the numbers."""
        return self.form if self.condition.holds else self.other

    @property
    def parts(self) -> tuple[Expression, ...]:
        return (self.written,)


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    "≤": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "≥": lambda a, b: a >= b,
    "=": lambda a, b: a == b,
}


def node(given: Expression | float) -> Expression:
    """Return a whole number as a node; nodes as they are.

    >>> node(-2)
    Negative(inner=Number(text='2'))
    """
    if isinstance(given, Expression):
        return given
    return Negative(node(-given)) if given < 0 else Number(repr(given))


def _terms(given: Expression) -> tuple[Expression, ...]:
    return given.terms if isinstance(given, Sum) else (given,)


def _factors(given: Expression) -> tuple[Expression, ...]:
    return given.factors if isinstance(given, Product) else (given,)


def call(name: str, *arguments: Expression | float) -> Call:
    """Return a function of other expressions.

    >>> call("tanh", Number("0.5"))
    Call(name='tanh', arguments=(Number(text='0.5'),))
    """
    return Call(name, tuple(map(node, arguments)))


def walk(expression: Expression) -> Iterator[Expression]:
    """Yield a node and all below it whose value counts, from left to right.

    >>> [type(part).__name__ for part in walk(Number("2") / 3)]
    ['Quotient', 'Number', 'Number']
    """
    left = [expression]
    while left:
        yield (part := left.pop())
        left.extend(reversed(part.parts))


def exact(expression: Expression) -> Any:
    """Return the value by the numbers that the quantities have: a fraction, or to many digits.

    >>> exact(Number("2") ** 3)
    Fraction(8, 1)
    """
    calls = {part.name for part in walk(expression) if isinstance(part, Call)}
    digits = MANY_DIGITS if calls & NEAR_ONE else DIGITS
    found = compute(expression, _given, digits)
    return found if isinstance(found, Fraction) else found.middle


def _given(quantity: Quantity) -> Fraction:
    if not math.isfinite(quantity.value):
        raise ArithmeticError(f"{quantity} has no value that can be worked with")
    return Fraction(quantity.value)


NEAR_ONE = {"exp", "ln", "cosh", "σ"}
"""Calls that need many digits: of 1 + e^z, fewer would leave 1 where z is as low as −700."""


def in_double(expression: Expression) -> float:
    """Return the value in double precision; ±∞ where that cannot hold it, NaN where it has none.

    >>> in_double(Number("1e300") ** 2)
    inf
    """
    try:
        value = exact(expression)
    except ArithmeticError:  # a quantity is not finite, or a divisor 0
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def compute(
    expression: Expression, value: Callable[[Quantity], Fraction], digits: int = DIGITS
) -> Enclosed:
    """Return the value of an expression, given that of each quantity: exact, or by its bounds.

    Raises ValueError where by these values another case holds than by the quantities' own, or where
    a function has no value; and ZeroDivisionError.

    >>> compute(Number("2") / 3, lambda quantity: Fraction(0))
    Fraction(2, 3)
    """
    with mpmath.workdps(digits):
        return _compute(expression, value)


def _compute(  # noqa: PLR0911 - by kind
    e: Expression, value: Callable[[Quantity], Fraction]
) -> Enclosed:
    of = functools.partial(_compute, value=value)
    match e:
        case Quantity():
            return value(e)
        case Number(text):
            return Fraction(text)
        case Sum(terms):
            return enclosing.added(list(map(of, terms)))
        case Product(factors):
            return functools.reduce(enclosing.multiplied, map(of, factors))
        case Quotient(above, below):
            return enclosing.divided(of(above), of(below))
        case Power(base, exponent):
            return enclosing.raised(of(base), of(exponent))
        case Negative(inner):
            return enclosing.multiplied(Fraction(-1), of(inner))
        case Call(name, arguments):
            return enclosing.FUNCTIONS[name](*map(of, arguments))
        case Cases():
            chosen, (left, sign, right) = e.row
            if not COMPARISONS[sign](of(left), of(right)):
                raise ValueError("by these values another case holds")
            return of(chosen)
        case Either():
            return of(e.written)
    raise TypeError(f"an expression must be made of the nodes of this module, got {e!r}")
