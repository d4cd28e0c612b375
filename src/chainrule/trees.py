"""Parameters are nested tuples with arrays as leaves; these functions walk such trees.

A leaf is named by its path: `0.W` is the field `W` of entry 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from chainrule.errors import unknown_name

Array = Any
"""An array of any library that follows the Python array API standard."""


def named_leaves(tree: Any, prefix: str = "") -> Iterator[tuple[str, Array]]:
    """Yield each leaf with its name, in order.

    >>> list(named_leaves((("a", "b"), (), ("c",))))
    [('0.0', 'a'), ('0.1', 'b'), ('2.0', 'c')]
    """
    if not isinstance(tree, tuple):
        yield prefix, tree
        return
    names = getattr(tree, "_fields", None) or range(len(tree))
    for name, branch in zip(names, tree, strict=True):
        yield from named_leaves(branch, f"{prefix}.{name}" if prefix else str(name))


def leaves(tree: Any) -> list[Array]:
    """Return the leaves of a tree, in order.

    >>> leaves((("a", "b"), (), ("c",)))
    ['a', 'b', 'c']
    """
    if not isinstance(tree, tuple):
        return [tree]
    return [leaf for branch in tree for leaf in leaves(branch)]


def rebuild(tree: Any, new: Iterable[Array]) -> Any:
    """Return a tree of the same form with other leaves.

    >>> rebuild((("a", "b"), (), ("c",)), [1, 2, 3])
    ((1, 2), (), (3,))
    """
    return _rebuilt(tree, iter(new))


def _rebuilt(tree: Any, source: Iterator[Array]) -> Any:
    if not isinstance(tree, tuple):
        return next(source)
    built = [_rebuilt(branch, source) for branch in tree]
    return type(tree)(*built) if hasattr(tree, "_fields") else tuple(built)


def tree_map(f: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """Return the tree of `f(leaf, …)` over the leaves of one tree or of several of one form.

    >>> tree_map(lambda a, b: a + b, ((1, 2), ()), ((10, 20), ()))
    ((11, 22), ())
    """
    columns = [leaves(tree), *map(leaves, others)]
    return rebuild(tree, [f(*row) for row in zip(*columns, strict=True)])


def leaf_names(tree: Any) -> Any:
    """Return the tree of the leaves' names.

    >>> leaf_names((("a", "b"), (), ("c",)))
    (('0.0', '0.1'), (), ('2.0',))
    """
    return rebuild(tree, [name for name, _ in named_leaves(tree)])


def number(params: Any, name: str, k: int) -> str:
    """Return the tutorials' number of entry k of a parameter, `w5` or `b2`, or `0.gamma[k]`.

    Weights are numbered through the network in the order of `W.ravel()`, layer by layer; biases
    likewise.

    >>> net = cr.Network(2, [cr.Dense(2), cr.Dense(2)], loss="half_squared_error")
    >>> number(net.init(), "1.W", 0), number(net.init(), "1.b", 1)
    ('w5', 'b4')
    """
    letter = name.rpartition(".")[2]
    if letter not in ("W", "b"):
        return f"{name}[{k}]"
    before = 0
    for other, leaf in named_leaves(params):
        if other == name:
            return f"{letter.lower()}{before + k + 1}"
        before += leaf.size if other.rpartition(".")[2] == letter else 0
    raise unknown_name("parameter", name, [other for other, _ in named_leaves(params)])
