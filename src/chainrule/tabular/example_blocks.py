r"""The prepared examples, dealt into blocks: in memory where they fit, else in a temporary file.

X   (n, features)   float32      y   (n,) labels, or (n, outputs)      w   (n,)   weights, or None

Each example is dealt to a block by the hash of its number, so that a block is a random part of the
table whatever the order of its rows. An epoch visits the blocks one after the other, in an order
that the seed gives, and goes through the examples of each in an order of its own. What memory there
is decides where the blocks lie and nothing else: the steps of training are the same, to the bit.
Of several ranks each has the examples of its shards; a block is what all of them have of it.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.batches import Examples
from chainrule.tabular.columns.row_sample import hashes
from chainrule.tabular.one_hot_rows import Group, OneHotRows, OneHotStore
from chainrule.tabular.row_store import RowStore
from chainrule.tabular.table_error import TableError
from chainrule.tabular.table_shards import UNPARTED, ShardSums, TableShards

Array = NDArray[Any]

BLOCK_BYTES = 2**25
"""The size of a block's inputs, about: more lie in one block where all of them fit in it."""


HASHED = 2**18
"""The examples that are dealt at a time: their hashes take several times their own room."""


def block_count(examples: int, features: int) -> int:
    """Return into how many blocks so many examples are dealt.

    >>> block_count(1_000, 30), block_count(1_000_000, 30)
    (1, 4)
    """
    return max(1, -(-examples * features * 4 // BLOCK_BYTES))


def one_hot_way(rows: int, features: int, groups: tuple[Group, ...]) -> OneHotRows | None:
    """Return how the inputs of so many rows are kept by places, or None where they lie as they are.

    >>> one_hot_way(10**6, 40, ((0, 40),)).row_bytes, one_hot_way(1_000, 40, ((0, 40),))
    (1, None)
    """
    way = OneHotRows.of(features, groups)
    return way if way.pays and block_count(rows, features) > 1 else None


class ExampleBlocks:
    """The examples in training, to be filled once and then read block by block.

    `numbers` are the numbers of the examples' rows in the table. They are added in that order. Of
    several ranks each has those of its `shards`; `sizes` and `mean_weight` are those of all.
    Where there are several blocks, features of `one_hot` groups are kept as places if that pays.

    >>> blocks = ExampleBlocks(np.arange(3), features=1, outputs=None, weighted=False, seed=0)
    >>> blocks.add(np.array([[1.0], [2.0], [3.0]]), np.array([0, 1, 1]), None)
    >>> blocks[0].X.ravel(), blocks[0].y
    (array([1., 2., 3.], dtype=float32), array([0, 1, 1]))
    """

    count: int
    added: int
    seed: int
    folder: Path | None
    ends: NDArray[np.int32]
    sizes: Any

    def __init__(
        self,
        numbers: NDArray[np.int64],
        *,
        features: int,
        outputs: int | None,
        weighted: bool,
        seed: int,
        folder: Path | None = None,
        shards: TableShards = UNPARTED,
        one_hot: tuple[Group, ...] = (),
    ) -> None:
        n = len(numbers)
        self.shards: TableShards = (
            shards if shards.sizes is not None else shards.chosen(np.arange(n))
        )
        self.count, self.added = block_count(self.shards.rows, features), 0
        self.asked: dict[str, Any] = {
            "features": features,
            "outputs": outputs,
            "weighted": weighted,
            "one_hot": one_hot,
        }
        self.seed, self.folder = seed, folder
        self.of: NDArray[np.int16] = _dealt(numbers, self.count, seed)
        own = np.bincount(self.of, minlength=self.count)
        self.ends, self.sizes = np.cumsum(own), self.shards.added(own)
        self.filled: NDArray[np.signedinteger[Any]] = self.ends - own
        self._mean_weight: float | None = None
        self.weights: ShardSums = ShardSums(self.shards, (self.count,))
        y: tuple[tuple[int, ...], Any] = ((), np.int64) if outputs is None else ((outputs,), "f4")
        kinds: list[tuple[tuple[int, ...], Any]] = [y, *[((), "f4")] * weighted]
        way = one_hot_way(self.shards.rows, features, one_hot)
        inputs = OneHotStore(n, way, folder) if way else RowStore(n, (features,), "f4", folder)
        self.places: list[OneHotStore | RowStore] = [
            inputs,
            *(RowStore(n, shape, dtype, folder) for shape, dtype in kinds),
        ]

    def like(self, numbers: NDArray[np.int64], shards: TableShards) -> ExampleBlocks:
        """Return blocks of the same kind for other rows, to be filled."""
        return ExampleBlocks(
            numbers, **self.asked, seed=self.seed, folder=self.folder, shards=shards
        )

    def add(self, X: Array, y: Array, w: Array | None) -> None:
        """Deal the next examples, of one shard."""
        of = self.of[self.added : self.added + len(X)]
        parts = [part for part in (X, y, w) if part is not None]
        try:
            if self.count == 1:
                self._append(0, parts)
            else:
                for k in np.unique(of).tolist():
                    rows = np.flatnonzero(of == k)
                    self._append(k, [part[rows] for part in parts])
        except OSError as error:
            raise TableError(
                f"the prepared examples do not fit beside the memory that is allowed: "
                f"{error.strerror} in {tempfile.gettempdir()}; set TMPDIR to a folder with more "
                "room, or give more `memory=`"
            ) from None
        self.added += len(X)

    @property
    def mean_weight(self) -> float:
        """The mean weight of the examples, once all are there: first asked for by all ranks."""
        if self._mean_weight is None:
            self._mean_weight = float(self.weights.total().sum()) / self.shards.rows
        return self._mean_weight

    def _append(self, k: int, parts: list[Array]) -> None:
        for place, part in zip(self.places, parts, strict=True):
            place.write(int(self.filled[k]), part)
        self.filled[k] += len(parts[0])
        weight = len(parts[0]) if len(self.places) < 3 else float(parts[2].sum(dtype=float))
        self.weights.of(self.shards.shard_of(self.added))[k] += weight

    def __getitem__(self, k: int) -> Examples:
        stop = int(self.ends[k])
        return self._between(int(self.ends[k - 1]) if k else 0, stop)

    def _between(self, start: int, stop: int) -> Examples:
        X, y, *w = [place.read(start, stop) for place in self.places]
        return Examples(X, y, w[0] if w else None)

    def in_shards(self) -> Iterator[Iterator[Examples]]:
        """Yield of each of this rank's shards what the blocks have of it, one after the other."""
        starts = self.ends - np.bincount(self.of, minlength=self.count)
        for each in self.shards.slices:
            ends = starts + np.bincount(self.of[each], minlength=self.count)
            yield itertools.starmap(self._between, zip(starts.tolist(), ends.tolist(), strict=True))
            starts = ends

    def __enter__(self) -> ExampleBlocks:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the room back."""
        for place in self.places:
            place.close()


def _dealt(numbers: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int16]:
    """Return the block of each example."""
    of = np.zeros(len(numbers), np.int16)
    start = hashes(np.array([seed], np.uint64))
    for first in range(0, len(of) if count > 1 else 0, HASHED):
        rows = slice(first, first + HASHED)
        with np.errstate(over="ignore"):
            of[rows] = hashes(numbers[rows].astype(np.uint64) + start) % np.uint64(count)
    return of
