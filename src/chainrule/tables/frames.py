"""Data frames as sources: polars' own, and those that narwhals knows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from chainrule.tables.errors import TableError
from chainrule.tables.source import CHUNK, Source


class Frame(Source):
    """A data frame of polars.

    >>> Frame("trees", pl.DataFrame({"height": [3.5, 2.0]})).rows
    2
    """

    def __init__(self, name: str, frame: pl.DataFrame) -> None:
        self.name, self._frame = name, frame
        self.columns, self.rows = tuple(frame.columns), frame.height
        if not self.rows:
            raise TableError(f"{name}: has no rows")

    @property
    def dtypes(self) -> dict[str, pl.DataType]:
        """The dtype of each column."""
        return dict(self._frame.schema)

    def fingerprint(self) -> str:
        """Return the SHA-256 of the content as CSV, behind names and dtypes, in hexadecimal."""
        sha = hashlib.sha256(repr(self._frame.schema).encode())
        for chunk in self.chunks():
            sha.update(chunk.write_csv(include_header=False).encode())
        return sha.hexdigest()

    def whole(self, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Return all rows."""
        return self._frame.select(self._chosen(columns))

    def _frames(self, columns: list[str]) -> Iterator[pl.DataFrame]:
        yield from self._frame.select(columns).iter_slices(CHUNK)


def from_native(frame: Any) -> Frame:
    """Return a source of a frame of polars, pandas or Arrow.

    >>> from_native(pl.DataFrame({"height": [3.5]}).lazy().collect()).columns
    ('height',)
    """
    import narwhals as nw

    kind = f"{type(frame).__module__.partition('.')[0]}.{type(frame).__name__}"
    try:
        eager = nw.from_native(frame, eager_only=True)
    except TypeError:
        raise TableError(
            f"a table must be the path of a file, sklearn:name or a data frame, got {kind}"
        ) from None
    try:
        return Frame(kind, eager.to_polars())
    except ModuleNotFoundError as error:
        raise TableError(f"{kind}: to read it, install {error.name or 'pyarrow'}") from None
