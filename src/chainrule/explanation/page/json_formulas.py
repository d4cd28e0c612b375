"""Formulas as lists that JSON can hold, so that the page has no formula of its own.

| list | is |
|---|---|
| `["n", text]`, `["q", quantity]` | a constant, a quantity |
| `["+", ...]`, `["*", ...]`, `["/", a, b]`, `["^", a, b]`, `["-", a]` | arithmetic |
| `["f", name, ...]` | a function |
| `["?", [value, left, sign, right], ..., [value]]` | the first value whose condition holds |
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule.activation_row import Activation
from chainrule.activations import activation
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
    Sum,
)
from chainrule.explanation.formulas import ACTIVATION_FORMULAS, LOSS_FORMULAS, Formula, number
from chainrule.explanation.notation import Key
from chainrule.explanation.unit_places import Places
from chainrule.loss_row import Head
from chainrule.network import Network

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


def _by_letter(quantity: Quantity) -> Tree:
    key = quantity.key
    return ["q", key.text, quantity.value] if key.text == "π" else ["q", key.text or key.kind]


def activation_formulas(net: Network) -> dict[str, Any]:
    """Return value and slope of each activation of a chain of layers, from z and a.

    >>> net = cr.Network(1, [cr.Dense(1, "tanh")], loss="half_squared_error")
    >>> activation_formulas(net)["tanh"]["value"]
    {'lets': [], 'tree': ['f', 'tanh', ['q', 'z']]}
    """
    layers: list[Any] = [place.layer for place in Places.of(net).layers]
    rows = [activation(layer.activation) for layer in layers]
    return {str(row): _activation_formula(row) for row in rows}


def _activation_formula(row: Activation) -> dict[str, Any]:
    value, slope = ACTIVATION_FORMULAS[row.name]
    more = [number(p) for p in row.parameters]

    def of(rule: Callable[..., Formula]) -> dict[str, Any]:
        form = rule(Quantity(Key("z"), 0.5), Quantity(Key("a"), 0.5), *more)
        lets = [[each.quantity.key.text, tree(each.expression, _by_letter)] for each in form.lets]
        return {"lets": lets, "tree": tree(form.expression, _by_letter)}

    return {"value": of(value), "slope": of(slope)}


def _with_log_of_p(made: Tree) -> Tree:
    """The logarithm of a probability as a number of its own, which is finite where p is 0."""
    if made == ["f", "ln", ["q", "p"]]:
        return ["q", "ln p"]
    return [_with_log_of_p(part) if isinstance(part, list) else part for part in made]


def loss_formula(head: Head) -> dict[str, Any]:
    """Return the share of an output in the loss, and its slope, from a, p, ln p and y.

    There is a form for each output of a group; the outputs take turns in them.

    >>> [head] = cr.losses.loss("squared_error").heads(1)
    >>> loss_formula(head)["forms"][0]["slope"]
    ['*', ['n', '2'], ['+', ['q', 'a'], ['-', ['q', 'y']]]]
    """
    row = head.loss
    softmax = row.name == "cross_entropy"
    form, o = LOSS_FORMULAS[row.name], number(head.outputs)
    a, p, y = (Quantity(Key(kind), 0.5) for kind in ("a", "p", "y"))

    def of(rule: Callable[..., Expression], j: int) -> Tree:
        if row.link_name in ("softmax", "sigmoid"):
            given = [p, y, o, *([] if softmax else [a])]
        else:
            given = [a, y, o, *map(number, row.parameters_of(j))]
        made = tree(rule(*given), _by_letter)
        return _with_log_of_p(made) if softmax else made

    return {
        "softmax": softmax,
        "sigmoid": row.link_name == "sigmoid",
        "smoothing": row.parameters[0] if softmax and row.parameters else 0,
        "forms": [
            {"value": of(form.value, j), "slope": of(form.slope, j)} for j in range(row.group)
        ],
    }
