"""What Arrow has and polars has not: types of columns, and names of time zones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import polars as pl
from polars import selectors

from chainrule.tabular.files.decode_errors import decoding
from chainrule.tabular.formats.column_values import shown
from chainrule.tabular.table_error import TableError

FrameOrLazy = TypeVar("FrameOrLazy", pl.DataFrame, pl.LazyFrame)

ELSE = "write it anew or as another type, or leave it out"
"""What helps where a column cannot be read."""


def in_known_zones(frame: FrameOrLazy, schema: pl.Schema) -> tuple[FrameOrLazy, pl.Schema]:
    """Return a frame whose moments in a zone that is not known are in UTC, and its schema.

    In Arrow a moment with a zone counts from 1970 in UTC, whatever the zone is called.

    >>> in_known_zones(pl.DataFrame({"day": [1]}), pl.Schema({"day": pl.Int64()}))[1]
    Schema([('day', Int64)])
    """
    odd = {
        name: pl.Datetime(dtype.time_unit, "UTC")
        for name, dtype in schema.items()
        if isinstance(dtype, pl.Datetime) and not _is_known(dtype.time_zone)
    }
    moments = (selectors.by_name(name).cast(pl.Int64).cast(dtype) for name, dtype in odd.items())
    return frame.with_columns(moments), pl.Schema({**schema, **odd})


def _is_known(zone: str | None) -> bool:
    try:
        pl.select(pl.lit(0).cast(pl.Datetime("us", zone)))
    except pl.exceptions.PolarsError:
        return False
    return True


def check_columns(schema: Any, read: Callable[[str], object], of: str = "") -> None:
    """Raise TableError for the first field of an Arrow schema that cannot be read by itself.

    What polars says of a type names no column.
    """
    for field in schema:
        try:
            with decoding("cannot be read"):
                read(field.name)
        except TableError:
            what = f"column {shown(field.name)}, {field.type}, cannot be read"
            raise TableError(f"{of}{what}; {ELSE}") from None


def check_types(path: Path, kind: str, of: str) -> None:
    """Raise TableError for the first column of a file whose type polars has not.

    It is known where pyarrow is there, and can tell it.
    """
    try:
        import pyarrow
        from pyarrow import ipc, parquet
    except ImportError:
        return
    try:
        schema = parquet.read_schema(path) if kind == "Parquet" else ipc.open_file(path).schema
        check_columns(schema, lambda name: _read_alone(schema.field(name)), of)
    except (pyarrow.ArrowException, OSError, UnicodeError):  # of a damaged file
        return


def _read_alone(field: Any) -> pl.DataFrame:
    """Return what polars reads of a file that has one field, and no rows."""
    import pyarrow

    with pyarrow.BufferOutputStream() as written:
        pyarrow.ipc.new_file(written, pyarrow.schema([field])).close()
        return pl.read_ipc(written.getvalue().to_pybytes())
