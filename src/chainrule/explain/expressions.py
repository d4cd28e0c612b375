"""Formulas as trees: written with letters or with their numbers put in, and worked out from either.

| node | is |
|---|---|
| `Quantity(key, value)` | something with a name and a number: a weight, an activation |
| `Number(text)` | a constant, as it is written |
| `Sum`, `Product`, `Quotient`, `Power`, `Negative` | arithmetic |
| `Call(name, arguments)` | a function: exp, ln, tanh, max, ... |
| `Cases(rows)` | the first expression whose condition holds |

+ − · / and ** of nodes make nodes, so that a row of `forms` reads as its formula.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import mpmath  # type: ignore[import-untyped]

from chainrule.explain.names import Key

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
    """A function of `FUNCTIONS`."""

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

    @property
    def row(self) -> tuple[Expression, Condition]:
        """The row that holds."""
        return next(row for row in self.rows if row[1].holds)

    @property
    def parts(self) -> tuple[Expression, ...]:
        return (self.row[0],)


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    "≤": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "≥": lambda a, b: a >= b,
    "=": lambda a, b: a == b,
}

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": mpmath.exp,
    "ln": mpmath.log,
    "sqrt": mpmath.sqrt,
    "abs": abs,
    "tanh": mpmath.tanh,
    "cosh": mpmath.cosh,
    "max": max,
    "min": min,
    "sgn": mpmath.sign,
    "σ": lambda x: 1 / (1 + mpmath.exp(-x)),
    "Φ": mpmath.ncdf,
    "φ": mpmath.npdf,
}
"""What a `Call` can name."""


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
    yield expression
    for part in expression.parts:
        yield from walk(part)


def exact(expression: Expression) -> Any:
    """Return the value by the numbers that the quantities have, to many digits.

    >>> float(exact(Number("2") ** 3))
    8.0
    """
    return compute(expression, lambda quantity: mpmath.mpf(quantity.value))


def compute(expression: Expression, value: Callable[[Quantity], Any]) -> Any:
    """Return the value of an expression, given that of each quantity, to many digits.

    Raises ValueError where by these values another case holds than by the quantities' own.

    >>> float(compute(Number("2") / 3, lambda quantity: 0))
    0.6666666666666666
    """
    calls = {part.name for part in walk(expression) if isinstance(part, Call)}
    with mpmath.workdps(MANY_DIGITS if calls & NEAR_ONE else DIGITS):
        return _compute(expression, value)


NEAR_ONE = {"exp", "ln", "cosh", "σ"}
"""Calls that need many digits: of 1 + e^z, fewer would leave 1 where z is as low as −700."""


def _compute(e: Expression, value: Callable[[Quantity], Any]) -> Any:  # noqa: PLR0911 - by kind
    of = functools.partial(_compute, value=value)
    match e:
        case Quantity():
            return value(e)
        case Number(text):
            return mpmath.mpf(text)
        case Sum(terms):
            return mpmath.fsum(map(of, terms))
        case Product(factors):
            return mpmath.fprod(map(of, factors))
        case Quotient(above, below):
            return of(above) / of(below)
        case Power(base, exponent):
            return of(base) ** of(exponent)
        case Negative(inner):
            return -of(inner)
        case Call(name, arguments):
            return FUNCTIONS[name](*map(of, arguments))
        case Cases():
            chosen, (left, sign, right) = e.row
            if not COMPARISONS[sign](of(left), of(right)):
                raise ValueError("by these values another case holds")
            return of(chosen)
    raise TypeError(f"an expression must be made of the nodes of this module, got {e!r}")
