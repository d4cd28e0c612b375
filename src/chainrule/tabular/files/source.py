"""What every table is read as: an immutable source of rows, in chunks or all at once."""

from __future__ import annotations

import hashlib
import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import polars as pl

from chainrule.errors import unknown_name
from chainrule.tabular.read_options import Reading
from chainrule.tabular.table_error import TableError
from chainrule.tabular.table_shards import UNPARTED, TableShards

CHUNK = 65_536
"""The rows of a chunk."""


Stamp = tuple[int, ...]
"""A file's number, size and time of change."""


def stamp(path: Path) -> Stamp:
    """Return what is another where a file has changed; () where it is gone."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns


def changed(name: str) -> TableError:
    """Return the error for a table of which another pass finds other rows."""
    return TableError(f"{name}: has changed while it was read; read a copy that nobody writes to")


class Source(ABC):
    """A table that can be read as often as wanted.

    Attributes
    ----------
    name
        What messages call it.
    columns
        The names of the columns, in their order.
    notes
        What was decided in reading it, a line each.
    reading
        How it was asked to be read.
    spool
        What holds a file of its own for it.
    typed
        Whether its format has types, and nulls of its own, so that a text is meant as one.
    pointed
        Whether a point in a number is the decimal separator by its format.
    rows
        How many rows there are, where that is known without reading them.
    stamps
        The files that it is read from, each with what tells whether it has changed since.
    parts
        Which of the rows of a table these are, where ranks have some each.
    """

    name: str
    columns: tuple[str, ...]
    notes: tuple[str, ...] = ()
    reading: Reading = Reading()
    spool: object = None
    typed: bool = True
    pointed: bool = True
    rows: int | None = None
    stamps: Mapping[Path, Stamp] = MappingProxyType({})
    parts: TableShards = UNPARTED

    @property
    @abstractmethod
    def dtypes(self) -> dict[str, pl.DataType]:
        """The dtype that each column has in every chunk."""

    @property
    def size(self) -> int:
        """How many bytes the rows take in memory, about."""
        return (self.rows or 0) * len(self.columns) * 8

    @abstractmethod
    def fingerprint(self) -> str:
        """Return the SHA-256 of the file's bytes, or of a frame's content, in hexadecimal."""

    def chunks(self, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """Yield the rows in their order, CHUNK at a time, in memory that does not grow.

        Raises TableError for a column that is not there, for what cannot be read, and for a file
        that is not what it was when it was opened.
        """
        return rebatch(self._while_unchanged(self._chosen(columns)), CHUNK)

    def between(self, columns: Sequence[str], first: int, stop: int) -> Iterator[pl.DataFrame]:
        """Yield some columns of the rows from the number `first`, from 0, to that of `stop`.

        Where a format does not find them by their number, those before are read too.
        """
        start = 0
        with self.unchanged():
            for frame in self._frames(list(columns)):
                if first < start + frame.height:
                    yield frame[max(first - start, 0) : stop - start]
                start += frame.height
                if start >= stop:
                    break

    def whole(self, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Return all rows, in the fastest way; the errors are those of `chunks`."""
        with self.unchanged():
            return self._whole(self._chosen(columns))

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Raise TableError at the end where a file has changed, whatever else was wrong in it."""
        try:
            yield
        except (TableError, OSError):
            self._check_unchanged()
            raise
        self._check_unchanged()

    def _check_unchanged(self) -> None:
        if any(stamp(path) != before for path, before in self.stamps.items()):
            raise changed(self.name)

    def as_text(self, columns: Iterable[str], nulls: Iterable[str] = ()) -> Source:
        """Return this table with some columns as the text that stands in it, where it is a text.

        Nothing of such a column is read as a number: `007` stays `007`, `1.10` stays `1.10`. Fields
        without a character are null, and those that hold one of the words in `nulls`. What is no
        text, as a frame, has its columns as they are.
        """
        self._chosen(tuple(columns))
        return self

    def padded(self, columns: Sequence[str]) -> list[str]:
        """Return those of some columns of numbers in which digits stand behind a nought.

        A whole number would lose it; only a text has such.
        """
        return []

    def _while_unchanged(self, columns: list[str]) -> Iterator[pl.DataFrame]:
        with self.unchanged():
            yield from self._frames(columns)

    def _whole(self, columns: list[str]) -> pl.DataFrame:
        return pl.concat(self._frames(columns), rechunk=True)

    @abstractmethod
    def _frames(self, columns: list[str]) -> Iterator[pl.DataFrame]:
        """Yield some columns as frames of any number of rows."""

    def _chosen(self, columns: Sequence[str] | None) -> list[str]:
        known = set(self.columns) if columns else set()
        for column in columns or ():
            if column not in known:
                error = unknown_name("column", column, self.columns)
                raise TableError(f"{self.name}: {error}")
        return list(self.columns if columns is None else columns)


def columns_of(frame: pl.DataFrame, names: Iterable[str]) -> pl.DataFrame:
    """Return some columns of a frame as they lie.

    `frame.select` plans a query, which takes as long as all else of a row's prediction.

    >>> columns_of(pl.DataFrame({"a": [1], "b": [2]}), ["b"]).row(0)
    (2,)
    """
    return pl.DataFrame([frame.get_column(name) for name in names])


def paired(
    name: str, one: Iterable[pl.DataFrame], other: Iterable[pl.DataFrame]
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Yield the same rows of a table in two readings; raise TableError where they are not so many.

    >>> frame = pl.DataFrame({"x": [1, 2]})
    >>> list(paired("trees.csv", [frame], []))
    Traceback (most recent call last):
    ...
    chainrule.TableError: trees.csv: has changed while it was read; read a copy ...
    """
    none = pl.DataFrame()
    for left, right in itertools.zip_longest(one, other, fillvalue=none):
        if left.height != right.height:
            raise changed(name)
        yield left, right


def chunks_of(frame: pl.DataFrame, parts: TableShards) -> Iterator[pl.DataFrame]:
    """Yield the rows of a frame in chunks, none of two shards; one is empty where there are none.

    >>> [len(chunk) for chunk in chunks_of(pl.DataFrame({"x": range(9)}), UNPARTED)]
    [9]
    """
    if parts.sizes is None:
        yield from frame.iter_slices(CHUNK)
        return
    for each in parts.slices:
        yield from frame[each].iter_slices(CHUNK) if each.start < each.stop else ()
    if not parts.own:
        yield frame


def rebatch(frames: Iterable[pl.DataFrame], rows: int) -> Iterator[pl.DataFrame]:
    """Yield the rows of frames in frames of so many rows, the last with what is left.

    >>> frames = [pl.DataFrame({"x": range(n)}) for n in (3, 1, 4)]
    >>> [frame.height for frame in rebatch(frames, 5)]
    [5, 3]
    """
    waiting: list[pl.DataFrame] = []
    missing = rows
    for frame in frames:
        start = 0
        while frame.height - start >= missing:
            waiting.append(frame.slice(start, missing))
            start, missing = start + missing, rows
            yield _joined(waiting)
        if start < frame.height:
            waiting.append(frame.slice(start))
            missing -= frame.height - start
    if waiting:
        yield _joined(waiting)


def _joined(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Return frames as one, and let go of them."""
    joined = pl.concat(frames, rechunk=True)
    frames.clear()
    return joined


def digest(*paths: Path) -> str:
    """Return the SHA-256 of the bytes of files, one after the other, in hexadecimal.

    >>> digest()[:12]
    'e3b0c44298fc'
    """
    sha = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while piece := file.read(2**20):
                sha.update(piece)
    return sha.hexdigest()
