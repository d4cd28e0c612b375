"""From what a person names to a source: by a file's ending, or else by its first bytes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import url2pathname

from chainrule.distributed import Ranks
from chainrule.tabular.files import array_files, columnar_files, data_frames
from chainrule.tabular.files.compression import ENDINGS, PACKINGS, head, members, packing_of
from chainrule.tabular.files.data_sets import Elsewhere, data_set, is_elsewhere
from chainrule.tabular.files.delimited_text import Delimited
from chainrule.tabular.files.json_records import begins_as_records, records
from chainrule.tabular.files.source import Source
from chainrule.tabular.files.spool import STANDARD_INPUT, Spool
from chainrule.tabular.files.text_file import text_file
from chainrule.tabular.files.workbooks import workbook
from chainrule.tabular.forked import check_threads_of_polars
from chainrule.tabular.formats.column_values import shown
from chainrule.tabular.read_options import Reading
from chainrule.tabular.table_error import TableError

SHIPPED, LOCAL = "sklearn:", "file://"
ZSTD = b"\x28\xb5\x2f\xfd"


class Content(NamedTuple):
    """What a file holds: its first bytes, without packing, and the files in it if it is a zip."""

    head: bytes
    members: tuple[str, ...]


class ReadFormat(NamedTuple):
    """A format: how its files' names end, how it is known by what they hold, what opens them."""

    endings: tuple[str, ...]
    is_in: Callable[[Content], bool]
    open: Callable[[str, Path, Reading], Source]


def _begins(*magics: bytes) -> Callable[[Content], bool]:
    return lambda content: content.head.startswith(magics) and b"\0" in content.head


def _has(*names: str) -> Callable[[Content], bool]:
    return lambda content: any(member.endswith(names) for member in content.members)


def _plainly(open: Callable[[str, Path], Source]) -> Callable[[str, Path, Reading], Source]:
    return lambda name, path, reading: open(name, path)


TEXT_ENDINGS = (".csv", ".tsv", ".tab", ".psv", ".txt", ".data", ".dat")
WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
IN_WORKBOOKS = ("xl/workbook.xml", "xl/workbook.bin", "content.xml")
OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"
JSON = (".jsonl", ".ndjson", ".json")
FORMATS = (
    ReadFormat(
        (".parquet", ".pq"), _begins(columnar_files.PARQUET.magic), _plainly(columnar_files.parquet)
    ),
    ReadFormat(
        (".arrow", ".feather", ".ipc"),
        _begins(columnar_files.ARROW.magic),
        _plainly(columnar_files.arrow),
    ),
    ReadFormat(WORKBOOKS, _has(*IN_WORKBOOKS), workbook),
    ReadFormat(WORKBOOKS, _begins(OLD_WORKBOOK), workbook),
    ReadFormat((".npz",), _has(".npy"), _plainly(array_files.npz)),
    ReadFormat(
        (".idx", "ubyte"), lambda it: array_files.begins_as_idx(it.head), _plainly(array_files.idx)
    ),
    ReadFormat(JSON, lambda it: begins_as_records(it.head), records),
)
"""The formats besides text."""


def open_source(where: Any, *, ranks: Ranks | None = None, **reading: Any) -> Source:
    """Return a table to read: of a file, of scikit-learn's by `sklearn:name`, or of a data frame.

    A folder, or a pattern such as `trees/*.parquet`, is the table of all its Parquet files; so is
    what polars reads elsewhere, such as `s3://trees/2024/`.

    A source is returned as it is. Text may have any delimiter, found by itself where none is given,
    and be compressed by gzip. The options are those of `Reading`. Raises TableError for what cannot
    be read, with the reason in a line.

    >>> open_source("sklearn:iris").whole().shape
    (150, 5)
    """
    check_threads_of_polars()
    asked = Reading.from_mapping(reading)
    if isinstance(where, Source):
        if asked.changed():
            raise TableError(f"{where.name}: is open; say how it is read where it is opened")
        return where
    source = _opened(where, asked, in_parts=ranks is not None and ranks.size > 1)
    _check_names(source)
    source.reading = asked
    return source


def _check_names(source: Source) -> None:
    """Raise TableError for a name that polars takes for the names of other columns."""
    for name in source.columns:
        if name == "*" or (name.startswith("^") and name.endswith("$")):
            raise TableError(
                f"{source.name}: no column can be called {shown(name)}: polars, which reads "
                "tables, takes * and any name from ^ to $ for a pattern of names; rename it"
            )


def _opened(where: Any, asked: Reading, *, in_parts: bool) -> Source:
    if isinstance(where, str) and where.startswith(SHIPPED):
        from chainrule.tabular.files.sklearn_data import shipped  # loads scikit-learn

        return shipped(where)
    if not isinstance(where, str | os.PathLike):
        numbered = asked.number_duplicates
        return data_frames.from_native(where, numbered=numbered, may_be_empty=in_parts)
    if str(where).startswith(LOCAL):
        where = url2pathname(str(where).removeprefix(LOCAL))
    name, path = str(where), Path(where)
    if is_elsewhere(name):
        return Elsewhere(name)
    if name == STANDARD_INPUT or path.is_fifo():
        if in_parts:
            raise TableError(f"{name}: comes to one process only; give a file that all can read")
        return _spooled(name, asked)
    if (found := data_set(name, path)) is not None:
        return found
    _check_file(name, path)
    return _of_file(name, path, asked)


def _of_file(name: str, path: Path, asked: Reading, *, is_text: bool = False) -> Source:
    """Return the table in a file: by what it holds, or else by its name; or else it is text."""
    content = Content(head(path, 2**12), members(path))
    ending = path.name.lower()
    inner = content.members[0].lower() if len(content.members) == 1 else ""
    unpacked = next((ending.removesuffix(e) for e in ENDINGS if ending.endswith(e)), ending)
    found = [row for row in FORMATS if row.is_in(content)]
    found = found or [row for row in FORMATS if unpacked.endswith(row.endings)]
    if found:
        return found[0].open(name, path, asked)
    _check_packing(name, path, content)
    known = unpacked.endswith(TEXT_ENDINGS) or inner.endswith(TEXT_ENDINGS) or is_text
    if not known and asked.delimiter is None:
        raise TableError(f"{name}: unknown kind of file; {_KNOWN}")
    return Delimited(text_file(name, path, asked.encoding), asked)


def is_table(path: Path) -> bool:
    """Whether a file is a table, by its name or by what it holds; text is one with two columns.

    >>> path = getfixture("tmp_path") / "notes.md"
    >>> path.write_text("These are notes, and no table.")
    30
    >>> is_table(path)
    False
    """
    content = Content(head(path, 2**12), members(path))
    named = path.name.lower().endswith((*ENDINGS, *_ENDINGS)) and path.suffix.lower() != ".txt"
    if (
        named
        or packing_of(path)
        or any(row.is_in(content) for row in FORMATS if row.endings != JSON)
    ):
        return True
    try:
        return len(_of_file(str(path), path, Reading(), is_text=True).columns) > 1
    except TableError:
        return False


_ENDINGS = sorted({*TEXT_ENDINGS, *(ending for row in FORMATS for ending in row.endings)})
_KNOWN = f"known endings: {', '.join(_ENDINGS)}; or give the delimiter of a text"


def _check_file(name: str, path: Path) -> None:
    """Raise TableError for what is no file that can be read as often as wanted."""
    if not name.isascii() and name != name.encode(errors="replace").decode():
        raise TableError(f"{name}: its name is no UTF-8; rename it")
    if not path.exists():
        raise TableError(f"{name}: there is no such file")
    if not path.is_file():
        raise TableError(f"{name}: is no file that can be read more than once; save it first")
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise TableError(f"{name}: is empty")
    except OSError as error:
        raise TableError(f"{name}: cannot be read: {error.strerror}") from None


def _check_packing(name: str, path: Path, content: Content) -> None:
    """Raise TableError where a file is packed otherwise than its name says, or not to be read."""
    packing = packing_of(path)
    with path.open("rb") as file:
        if file.read(4) == ZSTD:
            raise TableError(f"{name}: is compressed by Zstandard; unpack it first")
    said = next((each for each in PACKINGS if name.lower().endswith(each.ending)), None)
    if said is not None and packing is None:
        must = f"is not compressed by {said.name}; name it without {said.ending}"
        raise TableError(f"{name}: {must}")
    if packing is not None and packing.name == "zip" and len(content.members) != 1:
        many = f"holds {len(content.members)} files: {', '.join(content.members[:5])}"
        raise TableError(f"{name}: {many}; unpack the one that is meant")


# What can be read only once


def _spooled(name: str, asked: Reading) -> Source:
    """Return a table that comes once, by way of a file of its own."""
    spool = Spool(name)
    _check_file(spool.called, spool.path)
    source = _of_file(spool.called, spool.path, asked, is_text=True)
    source.spool = spool  # which lives as long as the source and its copies
    return source
