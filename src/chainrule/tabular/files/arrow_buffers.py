"""The sizes that an Arrow file tells of, looked at before polars believes them.

Polars asks for as much memory as a buffer says that it has, and where there is none, the whole
process ends. The layout is that of the Arrow columnar format, "IPC file format", in FlatBuffers:
a table begins with the distance back to its vtable, which has the place of each field in it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.tabular.table_error import TableError

MOST_TIMES = {0: 256, 1: 40_000}
"""How many times its size a buffer can become at most, by LZ4 and by Zstandard."""

TAIL = struct.Struct("<i6s")
"""What stands at the end of a file: the length of the footer before it, and ARROW1."""

DICTIONARIES, BATCHES = 2, 3
"""The fields of a footer that list blocks; also the kinds of message that the blocks hold."""

Numbers = NDArray[np.int64]
Bytes = NDArray[np.uint8]


class FlatTable(NamedTuple):
    """A table of FlatBuffers: the bytes, and where in them it begins."""

    data: bytes
    at: int

    @classmethod
    def root(cls, data: bytes, start: int = 0) -> FlatTable:
        """Return the table that bytes begin with."""
        return cls(data, start)._follow(start)

    def _number(self, kind: str, at: int) -> int:
        return int(struct.unpack_from(kind, self.data, at)[0])

    def _follow(self, at: int) -> FlatTable:
        return self._replace(at=at + self._number("<I", at))

    def _field(self, place: int) -> int:
        """Return where a field stands, or 0 where it is left out."""
        vtable = self.at - self._number("<i", self.at)
        within = 4 + 2 * place
        offset = self._number("<H", vtable + within) if within < self._number("<H", vtable) else 0
        return self.at + offset if offset else 0

    def byte(self, place: int) -> int:
        """Return a field of one byte, which is 0 where it is left out."""
        at = self._field(place)
        return self.data[at] if at else 0

    def table(self, place: int) -> FlatTable | None:
        """Return a field that is a table."""
        at = self._field(place)
        return self._follow(at) if at else None

    def records(self, place: int, width: int) -> Numbers:
        """Return a field that is a list of records, each so many numbers of 64 bits."""
        found = self.table(place)
        if found is None:
            return np.zeros((0, width), np.int64)
        count = self._number("<I", found.at)
        return np.frombuffer(self.data, "<i8", count * width, found.at + 4).reshape(count, width)


def check_buffers(name: str, file: Path | bytes) -> None:
    """Raise TableError for a buffer of a file, or of its bytes, that says that it has too many.

    A file of another layout is for polars to judge.
    """
    content = (
        np.frombuffer(file, np.uint8) if isinstance(file, bytes) else np.memmap(file, np.uint8, "r")
    )
    try:
        found = any(_is_too_great(content, *block) for block in _blocks(content))
    except (struct.error, IndexError, ValueError):
        return
    if found:
        raise TableError(f"{name}: cannot be read as Arrow: a buffer is damaged")


def _blocks(content: Bytes) -> Iterator[tuple[int, int]]:
    """Yield where each block of a file begins, and how many bytes its metadata has."""
    (length, _) = TAIL.unpack(content[-TAIL.size :].tobytes())
    footer = FlatTable.root(content[-TAIL.size - length : -TAIL.size].tobytes())
    for place in (DICTIONARIES, BATCHES):
        for start, metadata, _ in footer.records(place, 3).tolist():
            yield start, metadata & 0x7FFFFFFF  # beside which stand four bytes of nothing


def _is_too_great(content: Bytes, start: int, metadata: int) -> bool:
    """Whether a buffer of a block does not lie in the file, or becomes more than it can."""
    data = content[start : start + metadata].tobytes()
    message = FlatTable.root(data, 8 if data.startswith(b"\xff" * 4) else 4)
    batch = message.table(2)
    if batch is not None and message.byte(1) == DICTIONARIES:
        batch = batch.table(1)
    if batch is None:
        return False
    places, sizes = batch.records(2, 2).T
    places = places + start + metadata
    if ((places < 0) | (sizes < 0) | (sizes > len(content) - places)).any():
        return True
    packed = batch.table(3)
    return packed is not None and _unpack_to_too_much(content, places, sizes, packed.byte(0))


def _unpack_to_too_much(content: Bytes, places: Numbers, sizes: Numbers, codec: int) -> bool:
    """Whether one of some buffers says, in its first 8 bytes, that it becomes more than it can."""
    some = sizes >= 8
    said = content[places[some, np.newaxis] + np.arange(8)].view("<i8")[:, 0]
    return bool((said > sizes[some] * MOST_TIMES.get(codec, 1)).any())
