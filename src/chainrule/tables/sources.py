"""From what a person names to a source: by a file's ending, or else by its first bytes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from chainrule.reading import Reading
from chainrule.tables import arrays, columnar, frames
from chainrule.tables.delimited import Delimited
from chainrule.tables.errors import TableError
from chainrule.tables.source import Source
from chainrule.tables.text_file import GZIP, text_file

SHIPPED = "sklearn:"


class Format(NamedTuple):
    """A format: its name, how its files' names end, what they begin with, and what opens them."""

    name: str
    endings: tuple[str, ...]
    magic: bytes
    open: Callable[[str, Path], Source]


TEXT_ENDINGS = (".csv", ".tsv", ".tab", ".psv", ".txt")
FORMATS = (
    Format("Parquet", (".parquet", ".pq"), columnar.PARQUET.magic, columnar.parquet),
    Format("Arrow", (".arrow", ".feather", ".ipc"), columnar.ARROW.magic, columnar.arrow),
    Format("NPZ", (".npz",), b"PK\x03\x04", arrays.npz),
    Format("idx", (".idx", "ubyte", "ubyte.gz"), b"\0\0", arrays.idx),
)
"""The formats besides text."""


def open_source(where: Any, **reading: Any) -> Source:
    """Return a table to read: of a file, of scikit-learn's by `sklearn:name`, or of a data frame.

    A source is returned as it is. Text may have any delimiter, found by itself where none is given,
    and be compressed by gzip. The options are those of `Reading`. Raises TableError for what cannot
    be read, with the reason in a line.

    >>> open_source("sklearn:iris").whole().shape
    (150, 5)
    """
    asked = Reading.from_mapping(reading)
    if isinstance(where, Source):
        if asked.changed():
            raise TableError(f"{where.name}: is open; say how it is read where it is opened")
        return where
    source = _opened(where, asked)
    source.reading = asked
    return source


def _opened(where: Any, asked: Reading) -> Source:
    if isinstance(where, str) and where.startswith(SHIPPED):
        from chainrule.tables.shipped import shipped  # loads scikit-learn

        return shipped(where)
    if not isinstance(where, str | os.PathLike):
        return frames.from_native(where)
    name, path = str(where), Path(where)
    head = _head(name, path)
    ending = path.name.lower()
    if ending.removesuffix(".gz").endswith(TEXT_ENDINGS):
        _check_text(name, ending, head)
        return Delimited(text_file(name, path, asked.encoding), asked)
    found = [row for row in FORMATS if ending.endswith(row.endings)]
    found = found or [row for row in FORMATS if head.startswith(row.magic)]
    if found:
        return found[0].open(name, path)
    if asked.delimiter is None:
        raise TableError(f"{name}: unknown kind of file; {_KNOWN}")
    return Delimited(text_file(name, path, asked.encoding), asked)


_ENDINGS = sorted({*TEXT_ENDINGS, *(ending for row in FORMATS for ending in row.endings)})
_KNOWN = f"known endings: {', '.join(_ENDINGS)}; or give the delimiter of a text"


def _head(name: str, path: Path) -> bytes:
    """Return the first bytes of a file that can be read as often as wanted."""
    if not path.exists():
        raise TableError(f"{name}: there is no such file")
    if path.is_dir():
        raise TableError(f"{name}: is a folder; name a file")
    if not path.is_file():
        raise TableError(f"{name}: is no file that can be read more than once; save it first")
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise TableError(f"{name}: cannot be read: {error.strerror}") from None
    if not head:
        raise TableError(f"{name}: is empty")
    return head


def _check_text(name: str, ending: str, head: bytes) -> None:
    """Raise TableError where a file's ending speaks of text, and its first bytes do not."""
    if ending.endswith(".gz") and not head.startswith(GZIP):
        raise TableError(f"{name}: is not compressed by gzip; name it without .gz")
    for row in FORMATS:
        if head.startswith(row.magic) and b"\0" in head:
            raise TableError(
                f"{name}: is no text: it begins as {row.name} does; name it so: {row.endings[0]}"
            )
