"""The sum over all shards, to the same bits on any number of ranks, whatever nodes they have.

Of the numbers, each rank adds up one slice: all send it what they have of that, it adds in the
order of the tree, and gives the slice of the total to all. Where the number of ranks is no power of
two, a rank has several nodes, and sends them all; where it is, `pairwise_sum.py` has the way.

| letter | shape | meaning |
|---|---|---|
| P | | the number of ranks |
| M | | the number of shards |
| k | | the nodes of the tree over shards that a rank has |
| n | | the numbers of a sum |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.distributed.shards import Subtree, in_tree, part_of

Array = np.ndarray[Any, np.dtype[Any]]

Swap = Callable[[Mapping[int, Array], Mapping[int, Array]], None]


class TreeSum:
    """How sums of one length are added up, with the memory that takes: made once, used each step.

    `nodes` are those of each rank.
    """

    def __init__(self, rank: int, nodes: Sequence[Sequence[Subtree]], n: int, dtype: Any) -> None:
        size = len(nodes)
        slices = [part_of(k, size, n) for k in range(size)]
        self._rank, self._rows = rank, len(nodes[rank])
        self._cuts = [slice(each.start, each.stop) for each in slices]
        self._nodes = [node for held in nodes for node in held]
        self._received = {
            k: np.empty((len(held), len(slices[rank])), dtype)
            for k, held in enumerate(nodes)
            if k != rank
        }
        self._total_is_first = rank == 0 and self._rows > 0

    def add_up(self, sums: Array, swap: Swap) -> None:
        """Make `sums[0]` the total of `sums` (k, n); other rows are lost."""
        cuts, received = self._cuts, self._received
        own, mine = sums[: self._rows], sums[0, cuts[self._rank]]
        swap({k: np.ascontiguousarray(own[:, cuts[k]]) for k in received}, received)
        parts = [received.get(k, own[:, cut]) for k, cut in enumerate(cuts)]
        with np.errstate(all="ignore"):  # what is not finite is found where sums are used
            total = in_tree((row for part in parts for row in part), self._nodes, _add_to_left)
        if not self._total_is_first:  # there it is in its place
            mine[:] = total
        swap(dict.fromkeys(received, mine), {k: sums[0, cuts[k]] for k in received})


def _add_to_left(left: Array, right: Array) -> Array:
    left += right
    return left
