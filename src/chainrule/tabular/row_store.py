"""Rows of numbers that are written and read in parts: in memory, or in a temporary file."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from _thread import LockType

Array = NDArray[Any]


class RowStore:
    """Rows of one shape, written and read in parts: an array, or a file gone when it is closed."""

    shape: tuple[int, ...]
    dtype: Any

    def __init__(self, rows: int, shape: tuple[int, ...], dtype: Any, folder: Path | None) -> None:
        self.shape, self.dtype = shape, np.dtype(dtype)
        self.array: Array | None = None
        self.file: Any = None
        if folder is None:
            self.array = np.empty((rows, *shape), dtype)
        else:
            self.file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
        self.turn: LockType = threading.Lock()
        self.row_bytes: Any = self.dtype.itemsize * int(np.prod(shape, dtype=np.int64))

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
