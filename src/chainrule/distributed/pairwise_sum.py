"""The sum over all shards where the number of ranks is a power of two: as cheap as a sum can be.

Each rank then has one node of the tree, and neighbours in it make pairs: in each round two ranks
halve the numbers that both still have, and each adds up one half, until each has the total of n/P
of them; then they give each other what they have, the other way round. So each number goes over the
wire twice, less 1/P, in 2 log₂ P messages.

| letter | meaning |
|---|---|
| P | the number of ranks |
| M | the number of shards |
| n | the numbers of a sum |

Source: R. Thakur, R. Rabenseifner, W. Gropp, Optimization of Collective Communication Operations in
MPICH (2005), section 4.5. Their pairs are in the order of the tree here, and a + b is b + a to the
bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.distributed.tree_sum import Array, Swap


def pairs_up(size: int, shards: int) -> bool:
    """Whether each of so many ranks has one node of the tree over shards, as large as all others.

    >>> pairs_up(4, 8), pairs_up(3, 8), pairs_up(8, 4)
    (True, False, False)
    """
    return size & (size - 1) == 0 and size <= shards


class PairwiseSum:
    """How sums of one length are added up by pairs of ranks, with the memory that takes."""

    def __init__(self, rank: int, size: int, n: int, dtype: Any) -> None:
        self._rounds: list[tuple[int, slice, slice]] = []  # partner; what is kept, what is given
        first, last = 0, n
        for distance in (1 << k for k in range(size.bit_length() - 1)):
            middle = (first + last) // 2
            low, high = slice(first, middle), slice(middle, last)
            kept, given = (high, low) if rank & distance else (low, high)
            self._rounds.append((rank ^ distance, kept, given))
            first, last = kept.start, kept.stop
        self._received = np.empty((n + 1) // 2, dtype)

    def add_up(self, sums: Array, swap: Swap) -> None:
        """Make `sums[0]` the total of `sums` (1, n)."""
        own = sums[0]
        for partner, kept, given in self._rounds:
            received = self._received[: kept.stop - kept.start]
            swap({partner: own[given]}, {partner: received})
            with np.errstate(all="ignore"):  # what is not finite is found where sums are used
                own[kept] += received
        for partner, kept, given in reversed(self._rounds):
            swap({partner: own[kept]}, {partner: own[given]})
