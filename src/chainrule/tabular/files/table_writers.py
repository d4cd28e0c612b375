"""Tables into files: in chunks as they come, and whole under their names or not at all."""

from __future__ import annotations

import contextlib
import glob
import gzip
import os
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self

import polars as pl

from chainrule.atomic_write import AtomicFile
from chainrule.errors import escaped
from chainrule.tabular.table_error import TableError


class Sink(ABC):
    """What takes the chunks of a table within a `with` block, and keeps them if that ends well."""

    @abstractmethod
    def write(self, chunk: pl.DataFrame) -> None:
        """Take the next rows; raise TableError where there is no room for them."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class Output(Sink):
    """The standard output, which takes CSV."""

    def __init__(self) -> None:
        self._count = 0

    def write(self, chunk: pl.DataFrame) -> None:
        """Print the next rows, the first below a header."""
        to_terminal = sys.stdout.isatty()
        _write_text(chunk, sys.stdout.buffer, self._count, ",", for_people=to_terminal)
        sys.stdout.flush()
        self._count += 1


class WrittenFormat(NamedTuple):
    """How a chunk is put beside those before it, and how a file is made of them at the end."""

    append: Callable[[pl.DataFrame, Path, int], object]
    finish: Callable[[Path], object]


class File(Sink):
    """A file, which has its name once all is written; one of that name stands until then."""

    def __init__(self, path: Path, kind: WrittenFormat) -> None:
        self._path, self._kind, self._count = path, kind, 0
        self._file = AtomicFile(path)

    def __enter__(self) -> Self:
        with _said_of(self._path):
            self._file.beside.touch(exist_ok=False)
        return self

    def write(self, chunk: pl.DataFrame) -> None:
        """Take the next rows; raise TableError where there is no room for them."""
        with _said_of(self._path):
            self._kind.append(chunk, self._file.beside, self._count)
        self._count += 1

    def __exit__(self, kind: object = None, *_: object) -> None:
        with self._file, _said_of(self._path):
            if kind is None:
                self._finish()

    def _finish(self) -> None:
        if not self._count:
            raise TableError(f"{self._path}: no rows came to be written")
        self._kind.finish(self._file.beside)
        self._file.commit()


@contextlib.contextmanager
def _said_of(path: Path) -> Iterator[None]:
    """Say of what file it is that it cannot be written."""
    try:
        yield
    except (OSError, pl.exceptions.PolarsError) as error:
        cause = _of_the_system(error)
        raise TableError(f"{path}: cannot be written: {cause}") from cause


def _of_the_system(error: Exception) -> Exception:
    """Return the system's error; polars tells of it by words and a number."""
    number = error.errno if isinstance(error, OSError) else None
    if number is None and (found := re.search(r"os error (\d+)", str(error))):
        number = int(found[1])
    return error if number is None else _SystemsError(number, os.strerror(number))


class _SystemsError(OSError):
    """An error of the system, which says no more than what it is."""

    def __str__(self) -> str:
        return str(self.strerror)


# The formats


def _write_text(
    chunk: pl.DataFrame, file: Any, number: int, delimiter: str, *, for_people: bool = False
) -> None:
    """Write rows, the first below a header; one column's null is no blank line, which is no row.

    Blanks around a text are kept by quotes. For people, what would steer a terminal is escaped; a
    program gets each value as it stands. Python writes: its errors tell a pipe that nobody reads
    on from a disk that is full.
    """
    null = '""' if chunk.width == 1 else ""
    text = chunk.write_csv(
        include_header=number == 0,
        separator=delimiter,
        null_value=null,
        quote_style="non_numeric" if _has_blanks_around(chunk) else "necessary",
    )
    file.write((escaped(text) if for_people else text).encode())


def _has_blanks_around(chunk: pl.DataFrame) -> bool:
    """Whether a text begins or ends with a blank, which is no part of a field without quotes."""
    return any(
        bool(column.str.contains(r"^[ \t]|[ \t]$").any())
        for column in chunk.iter_columns()
        if column.dtype == pl.String
    )


def _append_text(
    chunk: pl.DataFrame, path: Path, number: int, *, delimiter: str = ",", compressed: bool = False
) -> None:
    with path.open("ab") as file:
        made: Any = gzip.GzipFile("", "ab", fileobj=file, mtime=0) if compressed else file
        with made:
            _write_text(chunk, made, number, delimiter)


def _text(delimiter: str, *, compressed: bool) -> WrittenFormat:
    append = partial(_append_text, delimiter=delimiter, compressed=compressed)
    return WrittenFormat(append, lambda path: None)


def _append_part(chunk: pl.DataFrame, path: Path, number: int) -> None:
    """Write a file of its own: polars has nothing that adds rows to a file."""
    part = path.with_name(f"{path.name}.{number:09}")
    chunk.write_parquet(part, compression="uncompressed")


def _parts(path: Path) -> pl.LazyFrame:
    parts = path.parent.glob(f"{glob.escape(path.name)}.*")
    return pl.scan_parquet(sorted(parts), glob=False)


FORMATS = {
    ".csv": _text(",", compressed=False),
    ".csv.gz": _text(",", compressed=True),
    ".tsv": _text("\t", compressed=False),
    ".tsv.gz": _text("\t", compressed=True),
    ".parquet": WrittenFormat(_append_part, lambda path: _parts(path).sink_parquet(path)),
    ".arrow": WrittenFormat(_append_part, lambda path: _parts(path).sink_ipc(path)),
    ".feather": WrittenFormat(_append_part, lambda path: _parts(path).sink_ipc(path)),
}
"""The formats by the endings of files' names."""


def open_sink(path: str | Path | None, *, overwrite: bool = False) -> Sink:
    r"""Return what writes a table to a file, in the format of its ending; to `-` or None, as CSV.

    Raises TableError for an ending that is not known, a missing folder, and a file that is there
    already unless it is to be overwritten.

    >>> path = getfixture("tmp_path") / "trees.csv"
    >>> with open_sink(path) as sink:
    ...     sink.write(pl.DataFrame({"height": [3.5]}))
    ...     sink.write(pl.DataFrame({"height": [2.0]}))
    >>> path.read_text()
    'height\n3.5\n2.0\n'
    """
    if path is None or str(path) == "-":
        return Output()
    place = Path(path)
    known = [kind for ending, kind in FORMATS.items() if place.name.lower().endswith(ending)]
    if not known:
        raise TableError(f"{path}: give it one of these endings: {', '.join(sorted(FORMATS))}")
    if not place.parent.is_dir():
        raise TableError(f"{path}: there is no folder {place.parent}")
    try:
        with _said_of(place):
            sink = File(place, known[0])
    except ValueError as error:  # that it is no file
        raise TableError(str(error)) from None
    if place.exists() and not overwrite:
        raise TableError(f"{path}: is there already; overwrite it, or choose another name")
    return sink
