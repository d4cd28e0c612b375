"""Formulas as lists that JSON can hold, so that a page has no formula of its own.

| list | is |
|---|---|
| `["n", text]`, `["q", ...]` | a constant, a quantity |
| `["#", "t"]`, `["#", "t + 1"]` | the number of the step of training, of one after it |
| `["+", ...]`, `["*", ...]`, `["/", a, b]`, `["^", a, b]`, `["-", a]` | arithmetic |
| `["f", name, ...]` | a function |
| `["?", [value, left, sign, right], ...]` | the first value whose condition holds |
| `["|", form, left, sign, right, other]` | one of two ways to write a number |
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule.explanation.expressions import (
    Call,
    Cases,
    Condition,
    Either,
    Expression,
    Negative,
    Number,
    Power,
    Product,
    Quantity,
    Quotient,
    StepNumber,
    Sum,
)

Tree = list[Any]


def tree(e: Expression, leaf: Callable[[Quantity], Tree]) -> Tree:
    """Return a formula as nested lists.

    >>> tree(Number("1") / 2, lambda quantity: [])
    ['/', ['n', '1'], ['n', '2']]
    """

    def of(part: Expression) -> Tree:
        return leaf(part) if isinstance(part, Quantity) else node_tree(part, of)

    return of(e)


def condition_tree(c: Condition, of: Callable[[Expression], Any]) -> Tree:
    """Return a condition as its left side, its sign and its right side.

    >>> condition_tree(Condition(Number("1"), "<", Number("2")), lambda side: side.text)
    ['1', '<', '2']
    """
    return [of(c.left), c.sign, of(c.right)]


def node_tree(e: Expression, of: Callable[[Expression], Any]) -> Tree:  # noqa: PLR0911
    """Return a node as a list of what `of` makes of its parts.

    >>> node_tree(Number("1") / 2, str)
    ['/', "Number(text='1')", "Number(text='2')"]
    """
    match e:
        case StepNumber(_, after):
            return ["#", f"t + {after}" if after else "t"]
        case Number(text):
            return ["n", text]
        case Sum(terms):
            return ["+", *map(of, terms)]
        case Product(factors):
            return ["*", *map(of, factors)]
        case Quotient(above, below):
            return ["/", of(above), of(below)]
        case Power(base, exponent):
            return ["^", of(base), of(exponent)]
        case Negative(inner):
            return ["-", of(inner)]
        case Call(name, arguments):
            return ["f", name, *map(of, arguments)]
        case Cases(rows):
            return ["?", *([of(value), *condition_tree(c, of)] for value, c in rows)]
        case Either(c, form, other):
            return ["|", of(form), *condition_tree(c, of), of(other)]
    raise TypeError(f"an expression must be made of the nodes of expressions, got {e!r}")
