"""Which rows of a table each rank has, and what is found of all of them together.

Rows are numbered through the ranks; each shard has as many of them, in a row (see `distributed`).
One process without shards has one, of all rows.
"""

from __future__ import annotations

import bisect
import itertools
import operator
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from chainrule.distributed import Alone, Ranks, agreed, in_tree, part_of, shards_of
from chainrule.distributed.answers import by_each, by_first
from chainrule.tabular.table_error import TableError

Array = NDArray[Any]
T = TypeVar("T")
Rows = TypeVar("Rows", bound=Any)


@dataclass(frozen=True)
class TableShards:
    """The shards of some rows of a table that this rank has, all in a row.

    Attributes
    ----------
    shards
        How many there are on all ranks; None for one process that is not asked for any.
    sizes
        How many rows each of this rank's shards has; None where only reading them tells.
    first, rows
        How many rows the ranks before this one have, and all of them; 0 where that is not known.
    on_this_host
        How many ranks share the memory of this machine.

    >>> some = TableShards.of(Alone(), 4, rows=10)
    >>> some.sizes, some.slices[1]
    ((2, 3, 2, 3), slice(2, 5, None))
    >>> some.chosen(np.array([0, 3, 4, 9])).sizes
    (1, 2, 0, 1)
    """

    ranks: Ranks = field(default_factory=Alone)
    shards: int | None = None
    sizes: tuple[int, ...] | None = None
    first: int = 0
    rows: int = 0
    on_this_host: int = 1

    @classmethod
    def of(cls, ranks: Ranks, shards: int, rows: int, on_this_host: int = 1) -> TableShards:
        """Return this rank's shards of so many rows."""
        cuts = [part_of(s, shards, rows) for s in shards_of(ranks.rank, ranks.size, shards)]
        before = shards_of(ranks.rank, ranks.size, shards).start * rows // shards
        return cls(ranks, shards, tuple(map(len, cuts)), before, rows, on_this_host)

    @property
    def count(self) -> int:
        """How many shards there are on all ranks."""
        return self.shards or 1

    @property
    def own(self) -> int:
        """How many rows this rank has, where that is known."""
        return sum(self.sizes or ())

    @property
    def slices(self) -> list[slice]:
        """Where the rows of each shard stand among those of this rank."""
        ends = list(itertools.accumulate(self.sizes or (), initial=0))
        return [slice(*pair) for pair in itertools.pairwise(ends)]

    def shard_of(self, place: int) -> int:
        """Return which of this rank's shards has the row in a place; rows behind, the last."""
        ends = list(itertools.accumulate(self.sizes or ()))
        return min(bisect.bisect_right(ends, place), max(len(ends) - 1, 0))

    def chosen(self, places: Array) -> TableShards:
        """Return the shards of some of the rows, which stand in these places among this rank's."""
        if self.sizes is None:
            sizes = (len(places),)
        else:
            ends = np.searchsorted(places, [0, *itertools.accumulate(self.sizes)])
            sizes = tuple(np.diff(ends).tolist())
        each = self.values(len(places))
        before = sum(each[: self.ranks.rank])
        return replace(self, sizes=sizes, first=before, rows=sum(each))

    def in_shards(self, chunks: Iterable[Rows]) -> Iterator[tuple[int, Rows]]:
        """Yield chunks of rows, none of two shards, with which of this rank's shards has them."""
        seen = 0
        for chunk in chunks:
            yield self.shard_of(seen), chunk
            seen += len(chunk)

    # What is found together

    def total(self, of: Callable[[slice], Any]) -> Any:
        """Return the sum over all shards of a function of a shard's rows, added up in the tree."""
        parts = (np.asarray(of(each)) for each in self.slices)
        sums = [
            in_tree(itertools.islice(parts, count), _leaves(first, count), operator.add)
            for first, count in self.ranks.nodes(self.count)
        ]
        none = np.asarray(of(slice(0, 0)))[np.newaxis][:0]
        return self.ranks.merge(np.stack(sums) if sums else none, self.count)

    def mean(self, values: Array, w: Array | None) -> float:
        """Return the mean of numbers over all rows, each counting its weight."""
        if w is None:
            return float(self.total(lambda rows: values[rows].sum()) / self.rows)
        product, weight = self.total(
            lambda rows: np.array([(values[rows] * w[rows]).sum(), w[rows].sum(dtype=np.float64)])
        )
        return float(product / weight)

    def by_first(self, find: Callable[[], T]) -> T:
        """Return what the first rank finds; what it raises, all raise."""
        return by_first(self.ranks, find)

    def by_each(self, find: Callable[[], T]) -> T:
        """Return what this rank finds; raise at all what the lowest rank raises that does."""
        return by_each(self.ranks, find)

    def at_first(self, own: Array) -> Array:
        """Return the rows of all ranks on the first one, and none on the others."""
        return self._dealt(own, lambda rank: rank == 0)

    def at_each(self, own: Array) -> Array:
        """Return the rows of all ranks."""
        return self._dealt(own, lambda rank: True)

    def _dealt(self, own: Array, wants: Callable[[int], bool]) -> Array:
        if self.ranks.size == 1:
            return own
        parts = [own if wants(rank) else own[:0] for rank in range(self.ranks.size)]
        return np.concatenate(self.ranks.deal(parts))

    @contextmanager
    def alike(self) -> Iterator[None]:
        """Say of what is refused that all ranks refuse it, by what they know together."""
        try:
            yield
        except (TableError, ValueError, TypeError) as error:
            raise agreed(error, self.ranks) from None

    def values(self, own: T) -> list[T]:
        """Return every rank's value, in the order of ranks."""
        return self.ranks.values(own) if self.ranks.size > 1 else [own]

    def added(self, whole: Any) -> Any:
        """Return the sum over the ranks of whole numbers: exact, whatever the order."""
        return sum(self.values(whole))

    def in_turn(self, found: T, take: Callable[[T], T]) -> T:
        """Return what is found where each rank takes in its own, one after the other."""
        for rank in range(self.ranks.size):
            found = take(found) if rank == self.ranks.rank else found
            found = self.values(found if rank == self.ranks.rank else None)[rank]  # type: ignore[assignment]
        return found


UNPARTED = TableShards()
"""All rows of a table, in one process that is not asked for shards."""


def _leaves(first: int, count: int) -> list[tuple[int, int]]:
    return [(shard, 1) for shard in range(first, first + count)]


class ShardSums:
    """Sums over the rows of this rank's shards as they pass, of few nodes of the tree at a time.

    >>> sums = ShardSums(TableShards.of(Alone(), 4, rows=4), (1,))
    >>> for shard in range(4):
    ...     sums.of(shard)[:] += shard
    >>> sums.total()
    array([6.])
    """

    def __init__(self, of: TableShards, shape: tuple[int, ...]) -> None:
        self._ranks, self._count = of.ranks, of.count
        self._own = shards_of(of.ranks.rank, of.ranks.size, of.count)
        self._shape, self._nodes = shape, list[tuple[int, Array]]()
        self._at, self._now = 0, np.zeros(shape)

    def of(self, shard: int) -> Array:
        """Return the sums of a shard, to be added to: of one shard after the other."""
        while self._at < shard:
            self._close()
        return self._now

    def _close(self) -> None:
        """Put the shard's sums into the tree, and begin those of the next."""
        first, count, sums = self._own[self._at], 1, self._now
        while self._nodes and self._nodes[-1][0] == count and first % (2 * count):
            sums = self._nodes.pop()[1] + sums
            first, count = first - count, 2 * count
        self._nodes.append((count, sums))
        self._at, self._now = self._at + 1, np.zeros(self._shape)

    def total(self) -> Array:
        """Return the sums over all shards."""
        while self._at < len(self._own):
            self._close()
        rows = [sums.ravel() for _, sums in self._nodes] or [self._now.ravel()]
        if self._ranks.size > 1 or len(rows) > 1:
            rows = np.stack(rows)  # type: ignore[assignment]
            self._ranks.add_up(rows, self._count)  # type: ignore[arg-type]
        return rows[0].reshape(self._shape)
