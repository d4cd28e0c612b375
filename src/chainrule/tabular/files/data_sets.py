"""A table of many Parquet files: a folder, the files that a pattern names, or what is elsewhere.

The rows of one file follow those of the one before it, in the order of the files' names. What
stands in names of folders, `year=2024`, is a column.
"""

from __future__ import annotations

import glob
import hashlib
import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

import polars as pl

from chainrule.tabular.files.arrow_types import in_known_zones
from chainrule.tabular.files.columnar_files import PARQUET, Scanned
from chainrule.tabular.files.decode_errors import decoding
from chainrule.tabular.files.source import Source, digest
from chainrule.tabular.formats.column_values import shown
from chainrule.tabular.table_error import TableError

ENDINGS = (".parquet", ".pq")
"""How the names of files end that are parts of a data set."""

NONE = "__HIVE_DEFAULT_PARTITION__"
"""What stands in the name of a folder whose rows have no value."""

SLICE = 2**18
"""The rows of a table elsewhere that are read at a time: each time its files are asked for."""

_ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


class DataSet(Source):
    """A table of many files.

    >>> folder = getfixture("tmp_path")
    >>> for k in range(2):
    ...     pl.DataFrame({"height": [k + 0.0, k + 0.5]}).write_parquet(folder / f"part-{k}.parquet")
    >>> trees = DataSet(str(folder), folder, sorted(folder.iterdir()))
    >>> trees.rows, [frame["height"].to_list() for frame in trees.between(["height"], 1, 3)]
    (4, [[0.5], [1.0]])
    """

    def __init__(self, name: str, root: Path, paths: Sequence[Path]) -> None:
        self.name, self._paths = name, paths
        self._named = _in_names(name, root, paths)
        self._files = [
            Scanned(str(path), path, PARQUET, may_be_empty=True, besides=besides)
            for path, besides in zip(paths, self._named, strict=True)
        ]
        first = self._files[0]
        self.columns, self._dtypes = first.columns, first.dtypes
        for other in self._files[1:]:
            _check_alike(name, first, other)
        self.rows = sum(file.rows or 0 for file in self._files)
        self.stamps = {path: each for file in self._files for path, each in file.stamps.items()}
        if not self.rows:
            raise TableError(f"{name}: has no rows")

    @property
    def dtypes(self) -> dict[str, pl.DataType]:
        """The dtype of each column."""
        return self._dtypes

    def fingerprint(self) -> str:
        """Return the SHA-256 of the bytes of all files, in hexadecimal."""
        return digest(*self._paths)

    def between(self, columns: Sequence[str], first: int, stop: int) -> Iterator[pl.DataFrame]:
        """Yield some columns of the rows from the number `first`, from 0, to that of `stop`."""
        ends = list(itertools.accumulate((file.rows or 0 for file in self._files), initial=0))
        for file, (start, end) in zip(self._files, itertools.pairwise(ends), strict=True):
            if max(first, start) < min(stop, end):
                yield from file.between(columns, max(first - start, 0), min(stop, end) - start)

    def _frames(self, columns: list[str]) -> Iterator[pl.DataFrame]:
        return self.between(columns, 0, self.rows or 0)


def _in_names(name: str, root: Path, paths: Sequence[Path]) -> list[dict[str, pl.Series]]:
    """Return what the names of folders say of the rows of each file, as series of one value."""
    words = [
        dict(part.split("=", 1) for part in path.relative_to(root).parts[:-1] if "=" in part)
        for path in paths
    ]
    if not all(each.keys() == words[0].keys() for each in words):
        raise TableError(f"{name}: some of its folders are named such as key=value, others not")
    every = {
        key: [None if each[key] == NONE else unquote(each[key]) for each in words]
        for key in words[0]
    }
    columns = {key: _whole_or_text(pl.Series(key, values)) for key, values in every.items()}
    return [{key: column[k : k + 1] for key, column in columns.items()} for k in range(len(paths))]


def _whole_or_text(words: pl.Series) -> pl.Series:
    """Return words as whole numbers where all are, and none begins with a nought."""
    some = words.drop_nulls().cast(pl.String)
    whole = len(some) > 0 and some.str.contains(r"^(0|-?[1-9][0-9]{0,17})$").all()
    return words.cast(pl.Int64 if whole else pl.String)


def _check_alike(name: str, first: Scanned, other: Scanned) -> None:
    """Raise TableError where two files have other columns."""
    odd = {*first.columns} ^ {*other.columns}
    column = next((each for each in (*first.columns, *other.columns) if each in odd), None)
    if column is not None:
        has, has_not = (first, other) if column in first.columns else (other, first)
        raise TableError(
            f"{name}: {has_not.name} lacks column {shown(column)}, which {has.name} has; the files "
            "of a table must have the same columns"
        )
    for column, dtype in first.dtypes.items():
        if other.dtypes[column] != dtype:
            raise TableError(
                f"{name}: column {shown(column)} holds {dtype} in {first.name}, and "
                f"{other.dtypes[column]} in {other.name}; write all files with one type"
            )


class Elsewhere(Source):
    """A Parquet file, or many, on a file system that polars knows by its name, such as s3://.

    >>> path = getfixture("tmp_path") / "trees.parquet"
    >>> pl.DataFrame({"height": [3.5, 2.0]}).write_parquet(path)
    >>> Elsewhere(path.as_uri()).rows
    2
    """

    def __init__(self, name: str) -> None:
        self.name = name
        with decoding(self._cannot, OSError):
            scan = pl.scan_parquet(name)
            schema, self.rows = scan.collect_schema(), scan.select(pl.len()).collect().item()
        self._scan, self._schema = in_known_zones(scan, schema)
        self.columns = tuple(self._schema)
        if not self.rows:
            raise TableError(f"{name}: has no rows")

    @property
    def _cannot(self) -> str:
        return f"{self.name}: cannot be read as Parquet"

    @property
    def dtypes(self) -> dict[str, pl.DataType]:
        """The dtype of each column."""
        return dict(self._schema)

    def fingerprint(self) -> str:
        """Return the SHA-256 of its name, columns and first and last rows, in hexadecimal.

        All of it would have to come here for more.
        """
        with decoding(self._cannot, OSError):
            ends = pl.concat([self._scan.head(1_000), self._scan.tail(1_000)]).collect()
        facts = repr((self.name, self.rows, self._schema)) + ends.write_json()
        return hashlib.sha256(facts.encode()).hexdigest()

    def between(self, columns: Sequence[str], first: int, stop: int) -> Iterator[pl.DataFrame]:
        """Yield some columns of the rows from the number `first`, from 0, to that of `stop`."""
        for start in range(first, stop, SLICE):
            part = self._scan.select(columns).slice(start, min(SLICE, stop - start))
            with decoding(self._cannot, OSError):
                frame = part.collect()
            yield frame

    def _frames(self, columns: list[str]) -> Iterator[pl.DataFrame]:
        return self.between(columns, 0, self.rows or 0)


def is_elsewhere(name: str) -> bool:
    """Whether a name says on which file system a table is.

    >>> is_elsewhere("s3://trees/2024"), is_elsewhere("trees.parquet")
    (True, False)
    """
    return _ELSEWHERE.match(name) is not None


def data_set(name: str, path: Path) -> Source | None:
    """Return the table that a folder holds, or the files that a pattern names; None for a file.

    Raises TableError where there is none.

    >>> data_set("trees.csv", Path("trees.csv")) is None
    True
    """
    if path.is_dir():
        found = sorted(_parts(path))
        if not found:
            raise TableError(
                f"{name}: is a folder; name a file, or a folder that holds Parquet files"
            )
        return DataSet(name, path, found)
    if not glob.has_magic(name) or path.exists():
        return None
    found = [Path(each) for each in sorted(glob.glob(name, recursive=True))]
    if not found:
        raise TableError(f"{name}: there is no such file")
    if others := [str(each) for each in found if not each.name.lower().endswith(ENDINGS)]:
        raise TableError(
            f"{name}: names {others[0]}; several files are one table where all are Parquet, "
            "*.parquet or *.pq"
        )
    return DataSet(name, _root(name), found)


def _root(pattern: str) -> Path:
    """Return the folder that a pattern begins with."""
    parts = itertools.takewhile(lambda part: not glob.has_magic(part), Path(pattern).parts)
    return Path(*parts)


def _parts(folder: Path) -> Iterator[Path]:
    """Yield the Parquet files of a folder, and of those in it that are named key=value.

    Writers leave others beside them, such as _SUCCESS.
    """
    for path in folder.iterdir():
        if path.name.startswith((".", "_")):
            continue
        if path.name.lower().endswith(ENDINGS):
            yield path
        elif "=" in path.name and path.is_dir():
            yield from _parts(path)
