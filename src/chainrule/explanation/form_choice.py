"""Which way of writing a number is chosen, where a formula has several: by its numbers."""

from __future__ import annotations

from collections.abc import Iterator

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


def settled(e: Expression) -> Expression:
    """Return a formula in the form that is written, by the numbers in it.

    >>> from chainrule.explanation.expressions import node
    >>> settled(1 + Either(Condition(node(2), "<", node(3)), node(4), node(5)))
    Sum(terms=(Number(text='1'), Number(text='4')))
    """
    return _chosen(e) if open_conditions(e) else e


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


def _chosen(e: Expression) -> Expression:  # noqa: PLR0911 - by kind
    def of(*parts: Expression) -> tuple[Expression, ...]:
        return tuple(map(_chosen, parts))

    match e:
        case Quantity() | Number():
            return e
        case Either():
            return _chosen(e.written)
        case Cases(rows):
            return Cases(tuple((_chosen(value), _within(c)) for value, c in rows))
        case Sum(terms):
            return Sum(of(*terms))
        case Product(factors):
            return Product(of(*factors))
        case Call(name, arguments):
            return Call(name, of(*arguments))
        case Quotient() | Power() | Negative():
            return type(e)(*of(*e.parts))
    raise TypeError(f"an expression must be made of the nodes of expressions, got {e!r}")


def _within(c: Condition) -> Condition:
    return Condition(_chosen(c.left), c.sign, _chosen(c.right))
