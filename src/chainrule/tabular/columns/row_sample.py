"""A sample of the rows of a table that is read piece by piece.

The rows whose numbers have the smallest hashes are taken, so that the sample depends on the number
of the rows alone, not on how they come.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainrule.tabular.table_shards import TableShards

SAMPLE = 100_000
"""The most rows of a sample."""

CELLS = 10_000_000
"""The most values of a sample: of wide tables it has fewer rows."""

FEWEST = 1_000
"""The rows that a sample may have however wide it is."""


def hashes(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the hash of each number, by the generator SplitMix64: different for different numbers.

    Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.

    >>> hashes(np.array([0], np.uint64))
    array([16294208416658607535], dtype=uint64)
    """
    z = (numbers + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))


class Sample:
    """The rows of smallest hash so far; `size` of them, or all where there are no more.

    `first` is the number of the first row, of which others have those before.

    >>> import polars as pl
    >>> sample = Sample(size=2)
    >>> for piece in pl.DataFrame({"x": range(5)}).iter_slices(3):
    ...     sample.add(piece)
    >>> sample.rows()["x"].to_list()
    [2, 4]
    """

    size: int
    first: int

    def __init__(self, size: int, first: int = 0) -> None:
        self.size, self.first = size, first
        self.seen: int = 0
        self.limit: np.uint64 = np.uint64(2**64 - 1)
        self.frames: list[pl.DataFrame] = []
        self.numbers: NDArray[np.uint64] = np.zeros(0, np.uint64)

    def add(self, piece: pl.DataFrame) -> None:
        """Take in the next rows of the table."""
        first = self.first + self.seen
        numbers = np.arange(first, first + piece.height, dtype=np.uint64)
        self.seen += piece.height
        chosen = hashes(numbers) <= self.limit
        self.frames.append(piece if chosen.all() else piece.filter(pl.Series(chosen)))
        self.numbers = np.concatenate([self.numbers, numbers[chosen]])
        if len(self.numbers) > 1.5 * self.size:
            self._shrink()

    def rows(self) -> pl.DataFrame:
        """Return the sample, in the order of the table."""
        self._shrink()
        return pl.concat(self.frames)

    def of_all(self, shards: TableShards) -> None:
        """Take in what the other ranks have of the table, and lie in one piece, as it does there.

        Only rows that stay are sent.
        """
        if shards.shards is None:
            return
        self._shrink()
        self.numbers, own = shards.at_each(self.numbers), self.numbers
        if len(self.numbers) > self.size:
            self.limit = np.partition(hashes(self.numbers), self.size - 1)[self.size - 1]
        chosen = pl.Series(hashes(own) <= self.limit)
        every = shards.values(pl.concat(self.frames).filter(chosen))
        self.frames = [pl.concat(every).rechunk()]
        self.numbers = self.numbers[hashes(self.numbers) <= self.limit]
        self.seen = shards.added(self.seen)

    def _shrink(self) -> None:
        """Keep the rows of the smallest hashes; frame by frame, or all would be there twice."""
        if len(self.numbers) <= self.size:
            return
        hashed = hashes(self.numbers)
        self.limit = np.partition(hashed, self.size - 1)[self.size - 1]
        chosen, start = hashed <= self.limit, 0
        for k, frame in enumerate(self.frames):
            rows = slice(start, start := start + frame.height)
            self.frames[k] = frame.filter(pl.Series(chosen[rows]))
        self.numbers = self.numbers[chosen]
