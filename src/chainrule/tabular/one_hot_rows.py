r"""Rows whose one-hot columns are kept as places: a byte for each group in place of its numbers.

X        (n, features)   float32; of a group's columns at most one is 1, all others are 0
places   (n, groups)     which of a group's columns is 1; `NONE` where none is
rest     (n, others)     the columns that are in no group, as they are
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.tabular.row_store import RowStore

Array = NDArray[Any]
Group = tuple[int, int]
"""The first column of a one-hot group, and that behind its last."""

NONE = 255
"""The place where no column is 1; a group that is kept as places has fewer columns."""

PAYS = 4
"""How many times less room the rows must take, for each reading writes them out."""


@dataclass(frozen=True)
class OneHotRows:
    """How rows of so many features, some of them in one-hot groups, become few bytes.

    >>> kept = OneHotRows(4, ((1, 4),))
    >>> places, rest = kept.pack(np.array([[0.5, 0, 0, 1], [2.5, 0, 0, 0]], np.float32))
    >>> places.tolist(), rest.tolist()
    ([[2], [255]], [[0.5], [2.5]])
    >>> kept.unpack(places, rest)
    array([[0.5, 0. , 0. , 1. ],
           [2.5, 0. , 0. , 0. ]], dtype=float32)
    """

    features: int
    groups: tuple[Group, ...]

    @classmethod
    def of(cls, features: int, groups: Iterable[Group]) -> OneHotRows:
        """Return the way for groups of which some may be too large for a byte."""
        return cls(features, tuple(group for group in groups if group[1] - group[0] < NONE))

    @cached_property
    def others(self) -> NDArray[np.int64]:
        """The columns that are in no group."""
        grouped = [np.arange(*group) for group in self.groups]
        return np.setdiff1d(np.arange(self.features), np.concatenate([np.empty(0, int), *grouped]))

    @property
    def row_bytes(self) -> int:
        """How many bytes a row takes."""
        return len(self.groups) + 4 * len(self.others)

    @property
    def pays(self) -> bool:
        """Whether rows are kept so."""
        return PAYS * self.row_bytes <= 4 * self.features

    def pack(self, X: Array) -> tuple[Array, Array]:
        """Return places and rest of some rows."""
        places = np.full((len(X), len(self.groups)), NONE, np.uint8)
        for k, (first, end) in enumerate(self.groups):
            rows, columns = np.nonzero(X[:, first:end])
            places[rows, k] = columns
        return places, X[:, self.others]

    def unpack(self, places: Array, rest: Array) -> Array:
        """Return the rows themselves."""
        X = np.zeros((len(places), self.features), np.float32)
        X[:, self.others] = rest
        for k, (first, _) in enumerate(self.groups):
            rows = np.flatnonzero(places[:, k] != NONE)
            X[rows, first + places[rows, k].astype(np.int64)] = 1
        return X


class OneHotStore:
    """Rows kept so, written and read in parts as those of a `RowStore` are.

    >>> store = OneHotStore(2, OneHotRows(3, ((0, 3),)), None)
    >>> store.write(1, np.array([[0, 1, 0]], np.float32))
    >>> store.read(1, 2)
    array([[0., 1., 0.]], dtype=float32)
    """

    def __init__(self, rows: int, way: OneHotRows, folder: Path | None) -> None:
        self.way = way
        self.places: RowStore = RowStore(rows, (len(way.groups),), np.uint8, folder)
        self.rest: RowStore = RowStore(rows, (len(way.others),), np.float32, folder)

    def write(self, start: int, rows: Array) -> None:
        """Put rows from `start` on."""
        places, rest = self.way.pack(rows)
        self.places.write(start, places)
        self.rest.write(start, rest)

    def read(self, start: int, stop: int) -> Array:
        """Return the rows from `start` to `stop`."""
        return self.way.unpack(self.places.read(start, stop), self.rest.read(start, stop))

    def close(self) -> None:
        """Give the room back."""
        self.places.close()
        self.rest.close()
