"""Formulas as lists that JSON can hold, so that the page has no formula of its own.

| list | is |
|---|---|
| `["n", text]`, `["q", quantity]` | a constant, a quantity |
| `["t", after]` | the number of the step of training, or of one so many after it |
| `["+", ...]`, `["*", ...]`, `["/", a, b]`, `["^", a, b]`, `["-", a]` | arithmetic |
| `["f", name, ...]` | a function |
| `["?", [value, left, sign, right], ..., [value]]` | the first value whose condition holds |
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule.explanation.expressions import (
    Call,
    Cases,
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
        match part:
            case Quantity():
                return leaf(part)
            case StepNumber(_, after):
                return ["t", after]
            case Either(c, form, other):
                return ["?", [of(form), of(c.left), c.sign, of(c.right)], [of(other)]]
        return node_tree(part, of)

    return of(e)


def node_tree(e: Expression, of: Callable[[Expression], Tree]) -> Tree:  # noqa: PLR0911
    """Return a node as a list of what `of` makes of its parts.

    >>> node_tree(Number("1") / 2, str)
    ['/', "Number(text='1')", "Number(text='2')"]
    """
    match e:
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
            return ["?", *([of(v), of(c.left), c.sign, of(c.right)] for v, c in rows)]
    raise TypeError(f"an expression must be made of the nodes of expressions, got {e!r}")
