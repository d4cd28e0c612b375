"""Data frames as sources: polars' own, and those that narwhals knows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from chainrule.tabular.files.arrow_types import check_columns, in_known_zones
from chainrule.tabular.files.decode_errors import decoding
from chainrule.tabular.files.pandas_frames import from_pandas
from chainrule.tabular.files.source import CHUNK, Source, columns_of, digest
from chainrule.tabular.formats.column_values import different_names
from chainrule.tabular.read_options import column_name
from chainrule.tabular.table_error import TableError

NUMBERS = (
    *(pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64),
    *(pl.Float32, pl.Float64),
)
"""The dtypes that NumPy has too."""


class Frame(Source):
    """A data frame of polars.

    >>> Frame("trees", pl.DataFrame({"height": [3.5, 2.0]})).rows
    2
    """

    is_given = False
    """Whether it is one of Python's own, of which each of several ranks gives a part."""

    def __init__(self, name: str, frame: pl.DataFrame, *, may_be_empty: bool = False) -> None:
        self.name, self._frame = name, frame
        self.columns, self.rows = tuple(frame.columns), frame.height
        if not self.rows and not may_be_empty:
            raise TableError(f"{name}: has no rows")

    @property
    def dtypes(self) -> dict[str, pl.DataType]:
        """The dtype of each column."""
        return dict(self._frame.schema)

    def fingerprint(self) -> str:
        """Return the SHA-256 of names, dtypes and values, in hexadecimal."""
        sha = hashlib.sha256(repr(self._frame.schema).encode())
        for chunk in self.chunks():
            for column in chunk.iter_columns():
                sha.update(_bytes(column))
        return sha.hexdigest()

    def between(self, columns: Sequence[str], first: int, stop: int) -> Iterator[pl.DataFrame]:
        """Yield some columns of the rows from the number `first`, from 0, to that of `stop`."""
        yield columns_of(self._frame, columns)[first:stop]

    def _whole(self, columns: list[str]) -> pl.DataFrame:
        return columns_of(self._frame, columns)

    def _frames(self, columns: list[str]) -> Iterator[pl.DataFrame]:
        yield from columns_of(self._frame, columns).iter_slices(CHUNK)


MOST = 2**30
"""The most bytes of a file that is held in memory."""


def check_size(name: str, size: int) -> None:
    """Raise TableError for a file of more bytes than are held in memory.

    >>> check_size("trees.jsonl", 2**31)
    Traceback (most recent call last):
    ...
    chainrule.TableError: trees.jsonl: must have at most 1,073,741,824 bytes, for \
it is read whole, got more; save it as CSV or Parquet
    """
    if size > MOST:
        must = f"must have at most {MOST:,} bytes, for it is read whole, got more"
        raise TableError(f"{name}: {must}; save it as CSV or Parquet")


class FileInMemory(Frame):
    """A table of a file, in memory.

    >>> FileInMemory("trees", Path("trees.jsonl"), pl.DataFrame({"height": [3.5, 2.0]})).rows
    2
    """

    def __init__(
        self, name: str, path: Path, frame: pl.DataFrame, notes: tuple[str, ...] = ()
    ) -> None:
        super().__init__(name, frame.cast({pl.Null: pl.String}))
        self._path, self.notes = path, notes

    def fingerprint(self) -> str:
        """Return the SHA-256 of the file's bytes, in hexadecimal."""
        return digest(self._path)


def _bytes(column: pl.Series) -> bytes:
    """Return bytes that are equal for equal values, however they are held in memory."""
    if column.dtype in NUMBERS:
        nulls = column.is_null().to_numpy().tobytes() if column.null_count() else b""
        return nulls + column.fill_null(0).to_numpy().tobytes()
    if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Object):
        return repr(column.to_list()).encode()
    return column.to_frame().write_csv(include_header=False).encode()


def from_native(frame: Any, *, numbered: bool = False, may_be_empty: bool = False) -> Frame:
    """Return a source of a frame of polars, pandas or Arrow, whose columns are known by text.

    Raises TableError for what is none, with how to make it one, and for names that come twice
    unless they are to be `numbered`.

    >>> from_native(pl.DataFrame({"height": [3.5]}).lazy().collect()).columns
    ('height',)
    """
    kind = f"{type(frame).__module__.partition('.')[0]}.{type(frame).__name__}"
    try:
        made = _as_polars(frame, numbered=numbered)
    except ModuleNotFoundError as error:
        raise TableError(f"{kind}: to read it, install {error.name or 'pyarrow'}") from None
    except TypeError:
        must = "must be the path of a file, sklearn:name or a data frame"
        raise TableError(f"a table {must}, got {kind}{_instead(frame)}") from None
    except TableError as error:
        raise TableError(f"{kind}: {error}") from None
    source = Frame(kind, made, may_be_empty=may_be_empty)
    source.is_given = True
    source.notes = _notes_of_index(frame)
    return source


def _as_polars(frame: Any, *, numbered: bool) -> pl.DataFrame:
    import narwhals as nw

    if nw.dependencies.is_pandas_dataframe(frame):
        return from_pandas(frame, numbered=numbered)
    if nw.dependencies.is_pyarrow_table(frame):
        return _of_arrow(frame, numbered=numbered)
    known = nw.from_native(frame, eager_only=True)
    with decoding("cannot be read"):
        found: pl.DataFrame = known.to_polars()
    return found


def _notes_of_index(frame: Any) -> tuple[str, ...]:
    """Return what is said of the index of a frame, where pandas gives it names."""
    names = getattr(getattr(frame, "index", None), "names", ())
    named = ", ".join(repr(column_name(name)) for name in names if name is not None)
    return (f"the index {named} is no column; frame.reset_index() makes it one",) if named else ()


def _of_arrow(table: Any, *, numbered: bool) -> pl.DataFrame:
    """Return a table of Arrow, its ordered dictionaries in their order."""
    table = table.rename_columns(list(different_names(table.column_names, numbered=numbered)))
    try:
        with decoding("cannot be read"):
            made = pl.DataFrame(table)
    except TableError:
        check_columns(table.schema, lambda name: pl.DataFrame(table.select([name])))
        raise
    made, schema = in_known_zones(made, made.schema)
    orders = {
        field.name: table[field.name].unify_dictionaries().chunk(0).dictionary.to_pylist()
        for field in table.schema
        if getattr(field.type, "ordered", False) and schema[field.name] == pl.Categorical
    }
    return made.cast({name: pl.Enum(_different(words)) for name, words in orders.items()})


def _different(words: Iterable[str | None]) -> list[str]:
    """Return the words of an order, each once."""
    return list(dict.fromkeys(word for word in words if word is not None))


def _instead(thing: Any) -> str:
    """Return what to write in place of what is no data frame, where there is something."""
    if hasattr(thing, "collect"):
        return "; write table.collect()"
    if hasattr(thing, "to_frame"):
        return "; write table.to_frame()"
    if hasattr(thing, "__array_interface__") and thing.ndim == 2:
        return "; name its columns: polars.DataFrame(table, schema=[...])"
    of_columns = isinstance(thing, dict | list) or hasattr(thing, "to_pydict")
    made = of_columns or getattr(getattr(thing, "dtype", None), "names", None)
    return "; write polars.DataFrame(table)" if made else ""
