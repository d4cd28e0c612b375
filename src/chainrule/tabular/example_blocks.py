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
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.batches import Examples
from chainrule.tabular.columns.row_sample import hashes
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


class RowStore:
    """Rows of one shape, written and read in parts: an array, or a file gone when it is closed."""

    def __init__(self, rows: int, shape: tuple[int, ...], dtype: Any, folder: Path | None) -> None:
        self.shape, self.dtype = shape, np.dtype(dtype)
        self.array: Array | None = None
        self.file: Any = None
        if folder is None:
            self.array = np.empty((rows, *shape), dtype)
        else:
            self.file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
        self.turn = threading.Lock()
        self.row_bytes = self.dtype.itemsize * int(np.prod(shape, dtype=np.int64))

    def write(self, start: int, rows: Array) -> None:
        """Put rows from `start` on."""
        if self.array is not None:
            self.array[start : start + len(rows)] = rows
            return
        left = np.ascontiguousarray(rows, self.dtype).reshape(-1).view(np.uint8)
        self.file.seek(start * self.row_bytes)
        while left.size:
            left = left[self.file.write(left.data) :]

    def read(self, start: int, stop: int) -> Array:
        """Return the rows from `start` to `stop`."""
        if self.array is not None:
            return self.array[start:stop]
        rows = np.empty((stop - start, *self.shape), self.dtype)
        left = rows.reshape(-1).view(np.uint8)
        with self.turn:  # several trainings read, and the file has one place
            self.file.seek(start * self.row_bytes)
            while left.size:
                left = left[self.file.readinto(left.data) :]
        return rows

    def close(self) -> None:
        """Give the room back."""
        self.array = None
        if self.file is not None:
            self.file.close()


class ExampleBlocks:
    """The examples in training, to be filled once and then read block by block.

    `numbers` are the numbers of the examples' rows in the table. They are added in that order. Of
    several ranks each has those of its `shards`; `sizes` and `mean_weight` are those of all.

    >>> blocks = ExampleBlocks(np.arange(3), features=1, outputs=None, weighted=False, seed=0)
    >>> blocks.add(np.array([[1.0], [2.0], [3.0]]), np.array([0, 1, 1]), None)
    >>> blocks[0].X.ravel(), blocks[0].y
    (array([1., 2., 3.], dtype=float32), array([0, 1, 1]))
    """

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
    ) -> None:
        n = len(numbers)
        self.shards = shards if shards.sizes is not None else shards.chosen(np.arange(n))
        self.count, self.added = block_count(self.shards.rows, features), 0
        self.asked: dict[str, Any] = {
            "features": features,
            "outputs": outputs,
            "weighted": weighted,
        }
        self.seed, self.folder = seed, folder
        self.of = _dealt(numbers, self.count, seed)
        own = np.bincount(self.of, minlength=self.count)
        self.ends, self.sizes = np.cumsum(own), self.shards.added(own)
        self.filled = self.ends - own
        self._mean_weight: float | None = None
        self.weights = ShardSums(self.shards, (self.count,))
        y: tuple[tuple[int, ...], Any] = ((), np.int64) if outputs is None else ((outputs,), "f4")
        kinds: list[tuple[tuple[int, ...], Any]] = [((features,), "f4"), y]
        kinds += [((), "f4")] if weighted else []
        self.places = [RowStore(n, shape, dtype, folder) for shape, dtype in kinds]

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
