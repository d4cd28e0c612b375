"""Rows that the ranks of a job give in any parts, dealt so that each has those of its shards.

| letter | meaning |
|---|---|
| N | the number of all rows, which are numbered through the ranks in order |
| M | the number of shards |
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Sequence

import numpy as np

from chainrule.distributed.ranks import Ranks
from chainrule.distributed.shards import in_tree, part_of, shards_of
from chainrule.distributed.tree_sum import Array


class DealtRows:
    """Which of all rows each rank gives, and which it is to have. All ranks make one together.

    Attributes
    ----------
    n
        How many rows there are in all.
    given
        The numbers of those that this rank gives.
    held
        The numbers of those that it is to have.
    by_shard
        Where the rows of each of its shards are among those.

    >>> from chainrule.distributed.ranks import Alone
    >>> rows = DealtRows(Alone(), shards=2, given=5)
    >>> rows.n, rows.by_shard, rows.deal(np.arange(5)).tolist()
    (5, [slice(0, 2, None), slice(2, 5, None)], [0, 1, 2, 3, 4])
    """

    ranks: Ranks
    shards: int
    given: range
    held: range

    def __init__(self, ranks: Ranks, shards: int, given: int) -> None:
        self.ranks, self.shards = ranks, shards
        counts = [int(count[0]) for count in ranks.gather(np.array([given]))]
        ends = [0, *itertools.accumulate(counts)]
        self.n: int = ends[-1]
        owners = (shards_of(k, ranks.size, shards) for k in range(ranks.size))
        self._held = [range(self._begin(own.start), self._begin(own.stop)) for own in owners]
        self._given = list(itertools.starmap(range, itertools.pairwise(ends)))
        self.given, self.held = self._given[ranks.rank], self._held[ranks.rank]
        parts = (part_of(s, shards, self.n) for s in shards_of(ranks.rank, ranks.size, shards))
        first = self.held.start
        self.by_shard: list[slice] = [
            slice(part.start - first, part.stop - first) for part in parts
        ]

    def _begin(self, shard: int) -> int:
        return part_of(shard, self.shards, self.n).start

    def deal(self, rows: Array, starts: Array | None = None) -> Array:
        """Return the rows that this rank is to have, of those that all give.

        Where all have them already, nothing moves, and those given are returned. With `starts`,
        row k is the entries from `starts[k]` to `starts[k + 1]`.
        """
        if all(len(a) == len(b) for a, b in zip(self._given, self._held, strict=True)):
            return rows
        first = self.given.start
        n = len(self.given)
        ends = [[min(max(k - first, 0), n) for k in (part.start, part.stop)] for part in self._held]
        if starts is not None:
            ends = [[int(starts[k]) for k in pair] for pair in ends]
        cuts = [slice(*pair) for pair in ends]
        return np.concatenate(self.ranks.deal([rows[cut] for cut in cuts]))


def total_of_shards(ranks: Ranks, shards: int, own: Sequence[float]) -> float:
    """Return the sum over all shards, in their tree, of a number for each that is here.

    >>> from chainrule.distributed.ranks import Alone
    >>> total_of_shards(Alone(), 4, [1.0, 2.0, 3.0, 4.0])
    10.0
    """
    parts, sums = iter(own), []
    for first, count in ranks.nodes(shards):
        nodes = [(first + k, 1) for k in range(count)]
        sums.append(in_tree(itertools.islice(parts, count), nodes, operator.add))
    return float(ranks.merge(np.array(sums, np.float64), shards))
