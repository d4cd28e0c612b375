"""Shards: the M logical parts of all rows, and the tree in which sums over them are taken.

M is a power of two. The tree is (0 + 1) + (2 + 3), and so on: an inner node stands over the shards
first … first + count − 1, count a power of two that divides first. What a shard is, and in which
order sums are taken, does not depend on the number of ranks.

| letter | meaning |
|---|---|
| M | the number of shards |
| P | the number of ranks |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from chainrule.errors import check_whole

T = TypeVar("T")

Subtree = tuple[int, int]
"""A node of the tree: its first shard, and how many it has."""

LEAST = 8
"""So many shards there are by default where the batch is large enough: for so many ranks."""

MOST = 4096
"""So many shards there are at most."""

ROWS = 128
"""So many rows of a batch a shard takes by default, where that makes more than the least number."""


def part_of(k: int, parts: int, n: int) -> range:
    """Return which of n things in order are in part k of so many.

    >>> [part_of(k, 3, 8) for k in range(3)]
    [range(0, 2), range(2, 5), range(5, 8)]
    """
    return range(k * n // parts, (k + 1) * n // parts)


def shards_of(rank: int, size: int, shards: int) -> range:
    """Return the shards that a rank of so many has.

    >>> [shards_of(rank, 3, 8) for rank in range(3)]
    [range(0, 2), range(2, 5), range(5, 8)]
    """
    return part_of(rank, size, shards)


def default_shards(batch_size: int) -> int:
    """Return the number of shards where none is given: that of the batch alone decides.

    >>> [default_shards(n) for n in (1, 7, 256, 1024, 5000)]
    [1, 4, 8, 8, 32]
    """
    most = min(max(LEAST, batch_size // ROWS), max(batch_size, 1))
    return 1 << (most.bit_length() - 1)


def check_shards(where: str, shards: int) -> int:
    """Return a number of shards, or raise TypeError or ValueError where it is none.

    >>> check_shards("fit: shards", 6)
    Traceback (most recent call last):
    ...
    ValueError: fit: shards must be a power of two, got 6; use 4 or 8
    """
    shards = check_whole(where, shards, least=1)
    if shards & (shards - 1):
        below = 1 << (shards.bit_length() - 1)
        raise ValueError(
            f"{where} must be a power of two, got {shards}; use {below} or {2 * below}"
        )
    if shards > MOST:
        raise ValueError(f"{where} must be at most {MOST}, got {shards}")
    return shards


def subtrees(shards: range) -> list[Subtree]:
    """Return the largest nodes of the tree that make up shards in a row.

    >>> subtrees(range(2, 5)), subtrees(range(4, 8)), subtrees(range(0))
    ([(2, 2), (4, 1)], [(4, 4)], [])
    """
    found = []
    first = shards.start
    while rest := max(shards.stop - first, 0):
        count = 1 << (rest.bit_length() - 1)
        while first % count:
            count //= 2
        found.append((first, count))
        first += count
    return found


def in_tree(parts: Iterable[T], nodes: Sequence[Subtree], merge: Callable[[T, T], T]) -> T:
    """Return what all parts make together, each of a node, merged as the tree has them.

    The nodes are in order and make up the whole. `merge(left, right)` is that of two neighbours.

    >>> in_tree("abcd", [(0, 1), (1, 1), (2, 2), (4, 4)], lambda left, right: f"({left}{right})")
    '(((ab)c)d)'
    """
    waiting: list[tuple[int, T]] = []  # the number of shards, and the part
    for part, (first, count) in zip(parts, nodes, strict=True):
        whole = part
        while waiting and waiting[-1][0] == count and first % (2 * count):
            whole = merge(waiting.pop()[1], whole)
            first, count = first - count, 2 * count  # noqa: PLW2901
        waiting.append((count, whole))
    ((_, total),) = waiting
    return total
