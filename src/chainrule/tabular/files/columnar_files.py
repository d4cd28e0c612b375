"""Parquet and Arrow files, which know their columns: read through polars' scans."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import polars as pl

from chainrule.tabular.files.arrow_buffers import check_buffers
from chainrule.tabular.files.arrow_types import ELSE, check_types, in_known_zones
from chainrule.tabular.files.compression import MOST_TIMES
from chainrule.tabular.files.decode_errors import decoding
from chainrule.tabular.files.source import CHUNK, Source, Stamp, digest, stamp
from chainrule.tabular.formats.column_values import shown
from chainrule.tabular.memory import check_rows
from chainrule.tabular.table_error import TableError

GROUP, GROUP_ROWS = 4 * 2**20, 2**20
"""The values that are read at a time, and how many rows a row group has at most by default."""

AT_ONCE = GROUP // GROUP_ROWS
"""The fewest columns that are read at a time, where there are so many."""


MAPPED_FROM = 2**26
"""Arrow files of fewer bytes are read whole; larger ones polars can only map into memory.

A process dies of a mapped file that becomes shorter while it is read, and cannot say why.
"""


class Columnar(NamedTuple):
    """A format: what it is called, what its files begin and end with, and how they are read."""

    name: str
    magic: bytes
    scan: Callable[..., pl.LazyFrame]
    by_columns: bool


PARQUET = Columnar("Parquet", b"PAR1", pl.scan_parquet, by_columns=True)
ARROW = Columnar("Arrow", b"ARROW1", pl.scan_ipc, by_columns=False)


class Scanned(Source):
    """A Parquet or Arrow file, read in slices.

    Of Parquet, a few columns are read at a time: to give some of its rows, the whole of a row group
    comes into memory, often of a million rows. Of Arrow, a batch does, or all of a small file.
    `besides` are columns of one value in all rows.
    """

    name: str
    columns: tuple[str, ...]
    rows: int

    def __init__(
        self,
        name: str,
        path: Path,
        kind: Columnar,
        *,
        may_be_empty: bool = False,
        besides: Mapping[str, pl.Series] = MappingProxyType({}),
    ) -> None:
        self.name, self._path, self._kind = name, path, kind
        _check_ends(name, path, kind)
        self.stamps: dict[Path, Stamp] = {path: stamp(path)}
        with self.unchanged():
            scan, schema, rows = self._opened(_content(path) if kind is ARROW else path)
        scan = scan.with_columns(pl.lit(value) for value in besides.values())
        schema = pl.Schema({**schema, **{name: value.dtype for name, value in besides.items()}})
        self._scan, self._schema = in_known_zones(scan, schema)
        self.columns, self.rows = tuple(self._schema), rows
        if not rows and not may_be_empty:
            raise TableError(f"{name}: has no rows")
        if self.size > MOST_TIMES * path.stat().st_size:  # one row group may have them all
            at_once = min(len(self.columns), AT_ONCE)
            check_rows(name, rows, 8 * at_once, "reading takes")

    def _opened(self, content: Path | bytes) -> tuple[pl.LazyFrame, pl.Schema, int]:
        if self._kind is ARROW:
            check_buffers(self.name, content)
        try:
            with decoding(self._cannot):
                scan = self._kind.scan(content, glob=False)
                rows = scan.select(pl.len()).collect().item()
                return scan, scan.collect_schema(), rows
        except TableError:
            check_types(self._path, self._kind.name, f"{self.name}: ")
            raise

    @property
    def _cannot(self) -> str:
        return f"{self.name}: cannot be read as {self._kind.name}"

    @property
    def dtypes(self) -> dict[str, pl.DataType]:
        """The dtype of each column."""
        return dict(self._schema)

    def fingerprint(self) -> str:
        """Return the SHA-256 of the file's bytes, in hexadecimal."""
        return digest(self._path)

    def _whole(self, columns: list[str]) -> pl.DataFrame:
        return self._collect(columns)

    def _frames(self, columns: list[str]) -> Iterator[pl.DataFrame]:
        return self._slices(columns, 0, self.rows or 0)

    def between(self, columns: Sequence[str], first: int, stop: int) -> Iterator[pl.DataFrame]:
        """Yield some columns of the rows from the number `first`, from 0, to that of `stop`."""
        with self.unchanged():
            yield from self._slices(list(columns), first, stop)

    def _slices(self, columns: list[str], first: int, stop: int) -> Iterator[pl.DataFrame]:
        rows = self.rows or 0
        few = max(1, GROUP // min(rows, GROUP_ROWS)) if self._kind.by_columns else len(columns)
        groups = [columns[k : k + few] for k in range(0, len(columns), few)]
        for start in range(first, stop, CHUNK):
            parts = (self._collect(group, start, min(CHUNK, stop - start)) for group in groups)
            yield pl.concat(parts, how="horizontal")

    def _collect(
        self, columns: list[str], start: int = 0, length: int | None = None
    ) -> pl.DataFrame:
        part = self._scan.select(columns).slice(start, length)
        try:
            with decoding(self._cannot):
                return part.collect()
        except TableError as error:
            raise self._of_a_column(part, columns) or error from None

    def _of_a_column(self, part: pl.LazyFrame, columns: list[str]) -> TableError | None:
        """Return the error for the first column that cannot be read by itself, if there is one."""
        for column in columns:
            what = f"column {shown(column)}, {self._schema[column]}"
            try:
                with decoding(f"{self._cannot}: {what}"):
                    part.select(column).collect()
            except TableError as error:
                return TableError(f"{error}; {ELSE}")
        return None


def parquet(name: str, path: Path) -> Scanned:
    """Return a Parquet file as a source.

    >>> path = getfixture("tmp_path") / "trees.parquet"
    >>> pl.DataFrame({"height": [3.5, 2.0]}).write_parquet(path)
    >>> parquet("trees.parquet", path).rows
    2
    """
    return Scanned(name, path, PARQUET)


def arrow(name: str, path: Path) -> Scanned:
    """Return an Arrow file, also called Feather, as a source.

    >>> path = getfixture("tmp_path") / "trees.arrow"
    >>> pl.DataFrame({"height": [3.5, 2.0]}).write_ipc(path)
    >>> arrow("trees.arrow", path).columns
    ('height',)
    """
    return Scanned(name, path, ARROW)


def _content(path: Path) -> Path | bytes:
    """Return the bytes of a small file, or else where it is."""
    return path.read_bytes() if path.stat().st_size < MAPPED_FROM else path


def _check_ends(name: str, path: Path, kind: Columnar) -> None:
    size = len(kind.magic)
    with path.open("rb") as file:
        if file.read(size) != kind.magic:
            must = f"does not begin with {kind.magic!r}"
            raise TableError(f"{name}: is no {kind.name} file: it {must}")
        file.seek(-size, 2)
        if file.read(size) != kind.magic:
            must = f"does not end with {kind.magic!r}, as {kind.name} does"
            raise TableError(f"{name}: is cut short: it {must}")
