"""The graph of values that a model computes, taken apart into layers one after the other.

A value is made of others by a layer, or is the sum of two: x + F(x) is a residual.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import NamedTuple

from chainrule.interop.imported_layers import Imported, joined, residual


class Made(NamedTuple):
    """How a value is made: of which others, by which layers, and where that stands.

    Of none it is an input; of one it is made by the layers that `read` returns, which may be none;
    of two it is the sum.
    """

    place: str
    of: tuple[Hashable, ...] = ()
    read: Callable[[], list[Imported]] = list


Graph = Callable[[Hashable], Made]


def layers_between(start: Hashable, end: Hashable, graph: Graph) -> list[Imported]:
    """Return the layers that make one value of another, each activation in its dense layer.

    Raises ValueError for a sum that is no residual, and where the way leads past the start.

    >>> sums = {"x": Made("x"), "f": Made("f", ("x",), lambda: [Imported(cr.Activate("tanh"))])}
    >>> layers_between("x", "y", (sums | {"y": Made("y", ("x", "f"))}).get)[0].layer
    Residual(Activate('tanh'))
    """
    found: list[list[Imported]] = []
    while end != start:
        made = graph(end)
        if not made.of:
            raise ValueError(f"{made.place}: must be made of one input, by layers and residuals")
        if len(made.of) == 1:
            (end,) = made.of
            found.append(made.read())
        else:
            end, other = _skipped(made, graph)
            found.append([residual(layers_between(end, other, graph))])
    return joined([each for part in reversed(found) for each in part])


def _skipped(made: Made, graph: Graph) -> tuple[Hashable, Hashable]:
    """Return which of the two parts of a sum is x, and which F(x)."""
    for x, fx in (made.of, made.of[::-1]):
        if x in _before(fx, graph):
            return x, fx
    raise ValueError(
        f"{made.place}: must be x + F(x), in which some layers F make the one part of the other; "
        "it adds values of which neither comes of the other"
    )


def _before(value: Hashable, graph: Graph) -> set[Hashable]:
    """All values of which a value is made."""
    found: set[Hashable] = set()
    left = list(graph(value).of)
    while left:
        each = left.pop()
        if each not in found:
            found.add(each)
            left += graph(each).of
    return found
