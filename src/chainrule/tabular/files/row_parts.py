"""A table of which each rank has a part: its shards, in the order of the rows.

A file is read by each rank where its rows lie; of a frame each rank gives a part, and rows go to
the rank that has their shard.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import operator
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from chainrule.distributed import Array, Ranks, shards_of
from chainrule.formatting import counted
from chainrule.tabular.files.data_frames import Frame
from chainrule.tabular.files.delimited_text import Delimited
from chainrule.tabular.files.source import CHUNK, Source, Stamp, chunks_of, rebatch
from chainrule.tabular.files.text_shards import text_parts
from chainrule.tabular.formats.column_values import shown
from chainrule.tabular.read_options import Reading
from chainrule.tabular.table_error import TableError
from chainrule.tabular.table_shards import TableShards

LOOK = 2**16
"""The bytes at both ends of a file by which it is known to be the same on all ranks."""

ShardsFor = Callable[[int], int | None]
"""From the number of rows of a table to how many shards it has; None for none."""


class RowPart(Source):
    """The rows of a file that are in some shards.

    >>> from chainrule.distributed import Alone
    >>> trees = Frame("trees", pl.DataFrame({"height": [3.5, 2.0, 8.0]}))
    >>> [chunk.height for chunk in RowPart(trees, TableShards.of(Alone(), 2, rows=3)).chunks()]
    [1, 2]
    """

    name: str
    columns: tuple[str, ...]
    notes: tuple[str, ...]
    reading: Reading
    spool: object
    typed: bool
    pointed: bool
    rows: int
    stamps: Mapping[Path, Stamp]
    parts: TableShards

    def __init__(self, table: Source, parts: TableShards) -> None:
        self._table, self.parts = table, parts
        self.name, self.columns, self.spool = table.name, table.columns, table.spool
        self.reading, self.typed, self.pointed = table.reading, table.typed, table.pointed
        self.notes, self.stamps, self.rows = table.notes, table.stamps, parts.own

    @property
    def dtypes(self) -> dict[str, pl.DataType]:
        """The dtype of each column."""
        return self._table.dtypes

    def fingerprint(self) -> str:
        """Return that of the table, which the first rank reads; every rank calls this."""
        return self.parts.by_first(self._table.fingerprint)

    def chunks(self, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """Yield the rows in their order, CHUNK of one shard at a time; an empty chunk for none."""
        return self._by_shards(self._chosen(columns))

    def _by_shards(self, columns: list[str]) -> Iterator[pl.DataFrame]:
        first, own = self.parts.first, self.parts.own
        if not own:
            yield pl.DataFrame(schema={name: self.dtypes[name] for name in columns})
            return
        frames = self._table.between(columns, first, first + own)
        pieces = cut_at(frames, [each.stop for each in self.parts.slices])
        for _, of_one in itertools.groupby(self.parts.in_shards(pieces), operator.itemgetter(0)):
            yield from rebatch((frame for _, frame in of_one), CHUNK)

    def _frames(self, columns: list[str]) -> Iterator[pl.DataFrame]:
        return self._by_shards(columns)

    def as_text(self, columns: Iterable[str], nulls: Iterable[str] = ()) -> RowPart:
        """Return these rows with some columns as the text that stands in the file."""
        return RowPart(self._table.as_text(columns, nulls), self.parts)

    def padded(self, columns: Sequence[str]) -> list[str]:
        """Return those of some columns of numbers in which digits stand behind a nought."""
        return self._table.padded(columns)


def cut_at(frames: Iterable[pl.DataFrame], places: Sequence[int]) -> Iterator[pl.DataFrame]:
    """Yield the rows of frames in frames that end at some places among them, which rise.

    >>> [frame.height for frame in cut_at([pl.DataFrame({"x": range(9)})] * 2, [4, 11, 18])]
    [4, 5, 2, 7]
    """
    start = 0
    for frame in frames:
        stop = start + frame.height
        ends = [start, *(place for place in places if start < place < stop), stop]
        for begin, end in itertools.pairwise(ends):
            yield frame[begin - start : end - start]
        start = stop


class DealtFrame(Frame):
    """The rows of a frame that are in some shards, where each rank gave a part."""

    name: str
    columns: tuple[str, ...]
    notes: tuple[str, ...]
    reading: Reading
    rows: int
    parts: TableShards

    def __init__(self, table: Source, frame: pl.DataFrame, parts: TableShards) -> None:
        self.name, self._frame, self.parts = table.name, frame, parts
        self.columns, self.rows = tuple(frame.columns), frame.height
        self.reading, self.notes = table.reading, table.notes

    def fingerprint(self) -> str:
        """Return the SHA-256 of the content of each shard, together; every rank calls this."""
        shards = (Frame(self.name, self._frame[each]) for each in self.parts.slices)
        own = [shard.fingerprint() for shard in shards]
        each = [digest for digests in self.parts.values(own) for digest in digests]
        return hashlib.sha256("".join(each).encode()).hexdigest()

    def chunks(self, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """Yield the rows in their order, CHUNK of one shard at a time; an empty chunk for none."""
        return chunks_of(self._frame.select(self._chosen(columns)), self.parts)


def parted(table: Source, ranks: Ranks, shards_for: ShardsFor) -> Source:
    """Return this rank's part of a table, by how many shards suit its rows; or all, where none do.

    Raises TableError where ranks have files that differ, or parts whose columns do.

    >>> from chainrule.distributed import Alone
    >>> trees = Frame("trees", pl.DataFrame({"height": [3.5, 2.0, 8.0]}))
    >>> parted(trees, Alone(), lambda rows: 2).parts.sizes
    (1, 2)
    """
    if isinstance(table, Frame) and table.is_given:
        return _of_frames(table, ranks, shards_for)
    if ranks.size == 1 and shards_for(0) is None:
        return table  # for which its rows would be counted
    return _of_file(table, ranks, shards_for)


# Files, which each rank can read


def _of_file(table: Source, ranks: Ranks, shards_for: ShardsFor) -> Source:
    every = ranks.values((platform.node(), _facts(table)))
    with TableShards(ranks).alike():
        for k, (_, facts) in enumerate(every):
            _check_alike(table.name, every[0][1], facts, k)
    on_this_host = [host for host, _ in every].count(platform.node())
    bare = table if isinstance(table, Delimited) and table.is_bare else None
    rows = bare.likely_rows if bare else _counted(table, ranks)
    shards = shards_for(rows)
    if shards is None:
        return table
    if bare:
        return text_parts(bare, shards, ranks, on_this_host)
    return RowPart(table, TableShards.of(ranks, shards, rows, on_this_host))


def _counted(table: Source, ranks: Ranks) -> int:
    """Return how many rows a table has; a packed text is read for that by each rank."""
    if isinstance(table, Delimited):
        return TableShards(ranks).by_each(lambda: table.look()[1])
    assert table.rows is not None
    return table.rows


def _facts(table: Source) -> dict[str, str]:
    """Return what is told of a file where it is another on another rank; its content last."""
    sizes = [path.stat().st_size for path in table.stamps]
    ends = hashlib.sha256(b"".join(map(_ends, table.stamps))).hexdigest()
    return {
        "columns": f"the columns {_listed(table.columns)}",
        **({} if table.rows is None else {"rows": counted(table.rows, "row")}),
        "size": counted(sum(sizes), "byte"),
        "content": f"other bytes: their SHA-256 begins with {ends[:8]}",
    }


def _listed(columns: Iterable[str]) -> str:
    return ", ".join(map(shown, columns))


def _ends(path: Path) -> bytes:
    """Return the first and the last bytes of a file, where Parquet says what is in it."""
    with path.open("rb") as file:
        begin = file.read(LOOK)
        file.seek(max(file.seek(0, io.SEEK_END) - LOOK, 0))
        return begin + file.read()


def _check_alike(name: str, first: dict[str, str], other: dict[str, str], rank: int) -> None:
    for what, said in first.items():
        if other[what] != said:
            raise TableError(
                f"{name}: has {said} on rank 0, and {other[what]} on rank {rank}; give every rank "
                "the same file"
            )


# Frames, of which each rank gives a part


def _of_frames(table: Frame, ranks: Ranks, shards_for: ShardsFor) -> Source:
    frame = table.whole()
    kinds = {
        name: (dtype, frame[name].null_count() < frame.height)
        for name, dtype in frame.schema.items()
    }
    every = ranks.values((platform.node(), frame.height, kinds))
    heights = [height for _, height, _ in every]
    shards = shards_for(sum(heights))
    if shards is None:
        return table
    with TableShards(ranks).alike():
        if not sum(heights):
            raise TableError(f"{table.name}: has no rows")
        schema = _schema(table.name, [kinds for _, _, kinds in every])
    frame = frame.cast(pl.Schema(schema))
    hosts = [host for host, _, _ in every]
    parts = TableShards.of(ranks, shards, sum(heights), hosts.count(platform.node()))
    return DealtFrame(table, _dealt(frame, heights, parts), parts)


Kinds = dict[str, tuple[pl.DataType, bool]]
"""Of each column what it holds, and whether it has values."""


def _schema(name: str, every: list[Kinds]) -> dict[str, pl.DataType]:
    """Return what the columns of all ranks hold: what those do that have values."""
    schema: dict[str, pl.DataType] = {}
    of: dict[str, int] = {}
    for k, kinds in enumerate(every):
        if list(kinds) != list(every[0]):
            raise TableError(
                f"{name}: has the columns {_listed(every[0])} on rank 0, and {_listed(kinds)} on "
                f"rank {k}; give every rank rows of the same table"
            )
        for column, (dtype, has_values) in kinds.items():
            if column in of and has_values and dtype != schema[column]:
                raise TableError(
                    f"{name}: column {column!r} holds {schema[column]} on rank {of[column]}, and "
                    f"{dtype} on rank {k}; give it one type"
                )
            if has_values:
                schema[column], of[column] = dtype, k
            schema.setdefault(column, dtype)
    return {column: schema[column] for column in every[0]}


def _dealt(frame: pl.DataFrame, heights: list[int], parts: TableShards) -> pl.DataFrame:
    """Return the rows that this rank is to have, of those that each gave."""
    ranks, first = parts.ranks, sum(heights[: parts.ranks.rank])
    wanted = [shards_of(k, ranks.size, parts.count) for k in range(ranks.size)]
    cuts = [
        slice(*(min(max(s * parts.rows // parts.count - first, 0), frame.height) for s in ends))
        for ends in ((each.start, each.stop) for each in wanted)
    ]
    sent = [_bytes(frame[cut] if k != ranks.rank else frame[:0]) for k, cut in enumerate(cuts)]
    there = [_frame(part) for part in ranks.deal(sent)]
    there[ranks.rank] = frame[cuts[ranks.rank]]
    some = [each for each in there if each is not None and each.height]
    return pl.concat(some, rechunk=len(some) > 1) if some else frame[:0]


def _bytes(frame: pl.DataFrame) -> Array:
    if not frame.height:
        return np.empty(0, np.uint8)
    buffer = io.BytesIO()
    frame.write_ipc(buffer)
    return np.frombuffer(buffer.getbuffer(), np.uint8)


def _frame(sent: Array) -> pl.DataFrame | None:
    return pl.read_ipc(io.BytesIO(sent.data)) if len(sent) else None
