"""Parquet and Arrow files, which know their columns: read through polars' scans."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from chainrule.tables.errors import TableError
from chainrule.tables.source import CHUNK, Source, digest

GROUP, GROUP_ROWS = 4 * 2**20, 2**20
"""The values that are read at a time, and how many rows a row group has at most by default."""


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
    comes into memory, often of a million rows. Of Arrow, a record batch does.
    """

    def __init__(self, name: str, path: Path, kind: Columnar) -> None:
        self.name, self._path, self._kind = name, path, kind
        _check_ends(name, path, kind)
        self._scan = kind.scan(path, glob=False)
        try:
            self._schema = self._scan.collect_schema()
            rows = self._scan.select(pl.len()).collect().item()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise self._unreadable(error) from None
        self.columns, self.rows = tuple(self._schema), rows
        if not rows:
            raise TableError(f"{name}: has no rows")

    @property
    def dtypes(self) -> dict[str, pl.DataType]:
        """The dtype of each column."""
        return dict(self._schema)

    def fingerprint(self) -> str:
        """Return the SHA-256 of the file's bytes, in hexadecimal."""
        return digest(self._path)

    def whole(self, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Return all rows, in the fastest way."""
        return self._collect(self._scan.select(self._chosen(columns)))

    def _frames(self, columns: list[str]) -> Iterator[pl.DataFrame]:
        rows = self.rows or 0
        few = max(1, GROUP // min(rows, GROUP_ROWS)) if self._kind.by_columns else len(columns)
        groups = [columns[k : k + few] for k in range(0, len(columns), few)]
        for start in range(0, rows, CHUNK):
            parts = (self._scan.select(group).slice(start, CHUNK) for group in groups)
            yield pl.concat(map(self._collect, parts), how="horizontal")

    def _collect(self, part: pl.LazyFrame) -> pl.DataFrame:
        try:
            return part.collect()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: Exception) -> TableError:
        said = str(error).partition("\n")[0]
        return TableError(f"{self.name}: cannot be read as {self._kind.name}: {said}")


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
