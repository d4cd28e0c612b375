"""Which way of writing a number is chosen, where a formula has several: by its numbers, or all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
    Sum,
)

Choose = Callable[[Condition], bool | None]
"""Whether a condition is taken to hold; None leaves it open."""


def settled(e: Expression) -> Expression:
    """Return a formula in the form that is written, by the numbers in it.

    >>> from chainrule.explanation.expressions import node
    >>> settled(1 + Either(Condition(node(2), "<", node(3)), node(4), node(5)))
    Sum(terms=(Number(text='1'), Number(text='4')))
    """
    return _chosen(e, lambda condition: condition.holds) if open_conditions(e) else e


def forms(
    e: Expression, made: Callable[[Expression], Any], shown: Callable[[Condition], list[Any]]
) -> Any:
    """Return what is `made` of a formula in every form: `[*shown, forms, other forms]`.

    The first are those where a condition holds, which is `shown` before them.

    >>> from chainrule.explanation.expressions import node
    >>> either = Either(Condition(node(2), "<", node(3)), node(4), node(5))
    >>> forms(either, str, lambda condition: [condition.sign])
    ['<', "Number(text='4')", "Number(text='5')"]
    """
    if not (found := open_conditions(e)):
        return made(e)
    sides = (_chosen(e, {found[0]: holds}.get) for holds in (True, False))
    return [*shown(found[0]), *(forms(side, made, shown) for side in sides)]


def open_conditions(e: Expression) -> list[Condition]:
    """Return the conditions by which a form is chosen, those that stand above others first.

    >>> from chainrule.explanation.expressions import node
    >>> open_conditions(node(2) * 3)
    []
    """
    own = [e.condition] if isinstance(e, Either) else []
    return own + [found for part in _parts(e) for found in open_conditions(part)]


def _parts(e: Expression) -> Iterator[Expression]:
    """All parts of a node, of every form and every case."""
    match e:
        case Either(_, form, other):
            yield from (form, other)
        case Cases(rows):
            for value, c in rows:
                yield from (value, c.left, c.right)
        case _:
            yield from e.parts


def _chosen(e: Expression, choose: Choose) -> Expression:  # noqa: PLR0911 - by kind
    def of(*parts: Expression) -> tuple[Expression, ...]:
        return tuple(_chosen(part, choose) for part in parts)

    match e:
        case Quantity() | Number():
            return e
        case Either(condition, form, other):
            holds = choose(condition)
            if holds is None:
                return Either(condition, *of(form, other))
            return _chosen(form if holds else other, choose)
        case Cases(rows):
            return Cases(tuple((_chosen(value, choose), _within(c, choose)) for value, c in rows))
        case Sum(terms):
            return Sum(of(*terms))
        case Product(factors):
            return Product(of(*factors))
        case Call(name, arguments):
            return Call(name, of(*arguments))
        case Quotient() | Power() | Negative():
            return type(e)(*of(*e.parts))
    raise TypeError(f"an expression must be made of the nodes of expressions, got {e!r}")


def _within(c: Condition, choose: Choose) -> Condition:
    return Condition(_chosen(c.left, choose), c.sign, _chosen(c.right, choose))
