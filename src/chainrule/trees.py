"""Parameters are nested tuples with arrays as leaves; these functions walk such trees.

A leaf is named by its path: `0.W` is the field `W` of entry 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

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
