"""Arrays in files, NumPy's .npz and the idx of MNIST, as tables: a row for each first index.

An array (n,) is a column under its own name; one (n, ...) gives the columns name0, name1, ...
"""

from __future__ import annotations

import contextlib
import math
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainrule.tabular.files.compression import check_growth, opened, packing_of
from chainrule.tabular.files.source import CHUNK, Source, digest, stamp
from chainrule.tabular.table_error import TableError

BLOCK = 16 * 2**20
"""The bytes that are read at a time."""

MOST_COLUMNS = 1_000_000

ENDS_EARLY = "it ends before its last number"
HOLDS_MORE = "it holds more than its header says"

IDX_DTYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
"""The dtypes of idx, by the third byte of a file."""

DAMAGE = (EOFError, OSError, ValueError, RuntimeError, zlib.error, zipfile.BadZipFile)
"""What Python raises in reading a damaged file."""


@dataclass(frozen=True)
class Stored:
    """An array in a file; `opened` yields the file where its numbers begin.

    `room` is how many bytes there are for them, where that is known without reading.
    """

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool
    opened: Callable[[], AbstractContextManager[IO[bytes]]]
    room: int | None

    @property
    def columns(self) -> list[str]:
        """The names of its columns."""
        names = [f"{self.name}{k}" for k in range(self.width)]
        return names if len(self.shape) > 1 else [self.name]

    @property
    def width(self) -> int:
        """How many columns it has."""
        return math.prod(self.shape[1:])

    @property
    def size(self) -> int:
        """How many bytes its numbers take in the file."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def kind(self) -> np.dtype[Any]:
        """The dtype of its columns: in the order of bytes and of a size that polars knows."""
        native = self.dtype.newbyteorder("=")
        if native.kind != "f":
            return native
        return np.dtype(np.float64 if native.itemsize >= 8 else np.float32)

    def blocks(self, rows: int) -> Iterator[NDArray[Any]]:
        """Yield its numbers, (rows, width) at a time."""
        with self.opened() as file:
            step = self.shape[0] if self.fortran else rows
            for start in range(0, self.shape[0], step):
                count = min(step, self.shape[0] - start)
                block = self._read(file, count)
                yield from (block[k : k + rows].astype(self.kind) for k in range(0, count, rows))
            if file.read(1):
                raise ValueError(HOLDS_MORE)

    def _read(self, file: IO[bytes], count: int) -> NDArray[Any]:
        size = count * self.width * self.dtype.itemsize
        data = file.read(size)
        if len(data) < size:
            raise ValueError(ENDS_EARLY)
        block = np.frombuffer(data, self.dtype)
        if self.fortran:
            block = block.reshape(self.shape, order="F")
        return block.reshape(count, self.width)


class ArraySource(Source):
    """Arrays in files, side by side."""

    def __init__(self, name: str, paths: list[Path], arrays: list[Stored], note: str = "") -> None:
        self.name, self._paths, self._arrays = name, paths, arrays
        self.notes = (note,) if note else ()
        self.stamps = {path: stamp(path) for path in paths}
        _check_shapes(name, arrays)
        self.rows = arrays[0].shape[0]
        self.columns = tuple(column for array in arrays for column in array.columns)
        for column, times in Counter(self.columns).items():
            if times > 1:
                raise TableError(f"{name}: {times} columns are called {column!r}; rename an array")

    @property
    def dtypes(self) -> dict[str, pl.DataType]:
        """The dtype of each column."""
        return {
            column: dtype
            for array in self._arrays
            for dtype in [pl.Series(np.empty(0, array.kind)).dtype]
            for column in array.columns
        }

    def fingerprint(self) -> str:
        """Return the SHA-256 of the bytes of the files, in hexadecimal."""
        return digest(*self._paths)

    def _frames(self, columns: list[str]) -> Iterator[pl.DataFrame]:
        arrays = [array for array in self._arrays if not set(columns).isdisjoint(array.columns)]
        row = sum(array.width * array.dtype.itemsize for array in arrays)
        rows = min(CHUNK, 1 + BLOCK // row)
        with _readable(self.name):
            for blocks in zip(*(array.blocks(rows) for array in arrays), strict=True):
                found = {
                    column: values
                    for array, block in zip(arrays, blocks, strict=True)
                    for column, values in zip(array.columns, block.T, strict=True)
                }
                yield pl.DataFrame({column: found[column] for column in columns})


@contextlib.contextmanager
def _readable(name: str) -> Iterator[None]:
    """Say of what file it is that it is damaged."""
    try:
        yield
    except TableError:
        raise
    except DAMAGE as error:
        raise TableError(f"{name}: cannot be read: {error}") from None


def _check_shapes(name: str, arrays: list[Stored]) -> None:
    """Raise TableError for arrays that make no table."""
    if not arrays:
        raise TableError(f"{name}: holds no arrays")
    for array in arrays:
        what = f"{name}: the array {array.name!r}"
        if array.dtype.kind not in "biufU":
            kind = "Python objects" if array.dtype.hasobject else f"{array.dtype}"
            raise TableError(f"{what} must hold numbers, Booleans or text, got {kind}")
        if not array.shape or array.shape[0] != (arrays[0].shape or [0])[0]:
            shapes = ", ".join(f"{array.name} {array.shape}" for array in arrays)
            raise TableError(f"{name}: its arrays must have as many rows as each other: {shapes}")
        if not 0 < array.width <= MOST_COLUMNS:
            must = f"must have 1 to {MOST_COLUMNS:,} columns"
            raise TableError(f"{what} {must}, got shape {array.shape}")
        if array.room is not None:
            _check_room(array.room, array.size)
    if not arrays[0].shape[0]:
        raise TableError(f"{name}: has no rows")


def _check_room(room: int, needed: int) -> None:
    """Raise ValueError where a header tells of other numbers than there is room for."""
    if room < needed:
        raise ValueError(ENDS_EARLY)
    if room > needed:
        raise ValueError(HOLDS_MORE)


# NumPy's .npz


def npz(name: str, path: Path) -> ArraySource:
    """Return the arrays of an .npz file, which may hold no Python objects, as a source.

    >>> path = getfixture("tmp_path") / "xor.npz"
    >>> np.savez(path, X=[[0, 0], [0, 1], [1, 0], [1, 1]], y=[0, 1, 1, 0])
    >>> npz("xor.npz", path).columns
    ('X0', 'X1', 'y')
    """
    with _readable(name), zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        check_growth(sum(each.file_size for each in members), path.stat().st_size)
        return ArraySource(name, [path], [_member(path, each) for each in members])


def _member(path: Path, member: zipfile.ZipInfo) -> Stored:
    with zipfile.ZipFile(path) as archive, archive.open(member) as file:
        shape, fortran, dtype = _header(file)
        room = member.file_size - file.tell()

    @contextlib.contextmanager
    def opened() -> Iterator[IO[bytes]]:
        with zipfile.ZipFile(path) as archive, archive.open(member) as file:
            _header(file)
            yield file

    name = member.filename.removesuffix(".npy")
    return Stored(name, dtype, shape, fortran, opened, room)


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return shape, whether in Fortran's order, and dtype of an array."""
    if np.lib.format.read_magic(file) == (1, 0):
        return np.lib.format.read_array_header_1_0(file)
    return np.lib.format.read_array_header_2_0(file)


# The idx of MNIST


def idx(name: str, path: Path) -> ArraySource:
    """Return images with the labels in the file beside them, or labels alone, as a source.

    >>> path = getfixture("tmp_path") / "two-images-idx3-ubyte"
    >>> _ = path.write_bytes(bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 1, 7, 9]))
    >>> idx("two", path).whole().to_dict(as_series=False)
    {'pixel0': [7, 9]}
    """
    with _readable(name):
        first = _idx_array(path, "pixel")
        if len(first.shape) < 2:
            return ArraySource(name, [path], [_idx_array(path, "label")])
        beside = _labels_of(path)
        if beside is None:
            return ArraySource(
                name, [path], [first], "no labels: there is no file of them beside it"
            )
        return ArraySource(name, [path, beside], [first, _idx_array(beside, "label")])


def begins_as_idx(head: bytes) -> bool:
    """Whether a file begins as idx does: 0, 0, a known type, the number of axes.

    >>> begins_as_idx(bytes([0, 0, 8, 3])), begins_as_idx(b"a,b")
    (True, False)
    """
    return len(head) > 3 and head[:2] == b"\0\0" and head[2] in IDX_DTYPES and 0 < head[3] < 9


def _labels_of(images: Path) -> Path | None:
    """Return the file of labels beside one of images, compressed or not, if there is one."""
    stem = images.name.removesuffix(".gz").replace("images", "labels").replace("idx3", "idx1")
    found = (images.with_name(stem + end) for end in ("", ".gz"))
    return next((path for path in found if path != images and path.is_file()), None)


def _idx_array(path: Path, name: str) -> Stored:
    @contextlib.contextmanager
    def at_numbers() -> Iterator[IO[bytes]]:
        with opened(path) as file:
            _idx_header(file)
            yield file

    size = path.stat().st_size
    with opened(path) as file:
        dtype, shape = _idx_header(file)
        room = None if packing_of(path) else size - file.tell()
    array = Stored(name, dtype, shape, fortran=False, opened=at_numbers, room=room)
    if room is None:
        check_growth(array.size, size)
    return array


def _idx_header(file: IO[bytes]) -> tuple[np.dtype[Any], tuple[int, ...]]:
    *zeros, code, axes = file.read(4).ljust(4, b"\xff")
    if zeros != [0, 0] or code not in IDX_DTYPES or not axes:
        raise ValueError("it does not begin as idx does: 0, 0, a known type, the number of axes")
    sizes = file.read(4 * axes)
    if len(sizes) < 4 * axes:
        raise ValueError("it ends within its header")
    return np.dtype(IDX_DTYPES[code]), tuple(np.frombuffer(sizes, ">u4").tolist())
