r"""Rows of a text that one of several ranks has: parts of its bytes, each cut between rows.

The text is cut behind the first line feed after each M-th of its bytes. Where that stands in quotes
only the text before it tells, which other ranks have: so each finds both, on which side the text is
behind its part if it is outside quotes before, and if it is inside, and where the first row then
ends. From rank to rank that adds up to where rows begin.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from chainrule.distributed import Ranks, shards_of
from chainrule.tabular.files.delimited_text import Delimited
from chainrule.tabular.files.quoting import FEED, Quotes
from chainrule.tabular.files.source import Source, Stamp
from chainrule.tabular.files.text_fields import FieldType, widened
from chainrule.tabular.files.text_file import TextFile
from chainrule.tabular.read_options import Reading
from chainrule.tabular.table_shards import TableShards

LOOK = 2**16
"""The bytes that are read at a time to find the end of a line."""


class Stretch(NamedTuple):
    """Bytes of a text between two ends of lines, and what quotes make of them.

    `inside` says whether the text behind it is in quotes, if before it is not, and if it is;
    `row` where the first row begins in it in the second case, None where none does.
    """

    begin: int
    inside: tuple[bool, bool]
    row: int | None


def starts_of_rows(text: TextFile, delimiter: str, begin: int, ranks: Ranks, M: int) -> list[int]:
    """Return where the rows of each of M shards begin in a bare text, and where the last ends."""
    size = text.bare_size()
    own = shards_of(ranks.rank, ranks.size, M)
    cuts = [begin + s * (size - begin) // M for s in range(own.start, own.stop + 1)]
    places = [_behind_line(text, cut, size) if cut > begin else begin for cut in cuts]
    found = [_stretch(text, delimiter, *pair) for pair in itertools.pairwise(places)]
    every = [each for part in ranks.values(found) for each in part]
    return [*_starts(every, size), size]


def _starts(every: Sequence[Stretch], size: int) -> list[int]:
    starts: list[int | None] = []
    inside = False
    for each in every:
        starts.append(each.row if inside else each.begin)
        inside = each.inside[inside]
    for k in reversed(range(len(starts))):  # no row begins in a shard: it has none
        if starts[k] is None:
            starts[k] = starts[k + 1] if k + 1 < len(starts) else size
    return [start for start in starts if start is not None]


def _behind_line(text: TextFile, place: int, size: int) -> int:
    """Return where the first line behind a place begins, or the end of the text."""
    for block in text.bare_blocks(place, size, LOOK):
        if (found := block.find(b"\n")) >= 0:
            return place + found + 1
        place += len(block)
    return size


def _stretch(text: TextFile, delimiter: str, begin: int, end: int) -> Stretch:
    if not any(b'"' in block for block in text.bare_blocks(begin, end)):
        return Stretch(begin, (False, True), None)
    after, _ = _followed(text, delimiter, begin, end, inside=False)
    if_inside, row = _followed(text, delimiter, begin, end, inside=True)
    return Stretch(begin, (after, if_inside), row)


def _followed(
    text: TextFile, delimiter: str, begin: int, end: int, *, inside: bool
) -> tuple[bool, int | None]:
    """Return on which side a stretch ends, and where the first row ends in it, if one does."""
    quotes, place, row = Quotes(delimiter), begin - 1, None
    quotes.inside = inside
    for block in text.bare_blocks(begin, end):
        known, runs = quotes.follow(block)
        if row is None:
            feeds = 1 + np.flatnonzero(np.frombuffer(known, np.uint8)[1:] == FEED)
            outside = feeds[~runs.inside[np.searchsorted(runs.begins, feeds)]]
            row = place + int(outside[0]) + 1 if len(outside) else None
        place += len(known) - 1
    return quotes.inside, row


class TextParts(Source):
    """The rows of a text that are in some shards, each a part of its bytes."""

    name: str
    columns: tuple[str, ...]
    reading: Reading
    spool: object
    typed = False
    pointed: bool
    rows: int
    stamps: Mapping[Path, Stamp]
    parts: TableShards

    def __init__(self, table: Delimited, each: Sequence[Delimited], parts: TableShards) -> None:
        self._table, self._each, self.parts = table, each, parts
        self.name, self.columns, self.spool = table.name, table.columns, table.spool
        self.reading, self.pointed, self.stamps = table.reading, table.pointed, table.stamps
        self.rows = parts.own

    @property
    def notes(self) -> tuple[str, ...]:  # type: ignore[override]
        """What was decided in reading all of the text."""
        return self._table.notes

    @property
    def dtypes(self) -> dict[str, pl.DataType]:
        """The dtype of each column."""
        return self._table.dtypes

    @property
    def size(self) -> int:
        """How many bytes the rows take in memory, about."""
        return sum(each.size for each in self._each)

    def fingerprint(self) -> str:
        """Return that of the text, which the first rank reads; every rank calls this."""
        return self.parts.by_first(self._table.fingerprint)

    def as_text(self, columns: Iterable[str], nulls: Iterable[str] = ()) -> TextParts:
        """Return these rows with some columns as the text that stands in the file."""
        columns, nulls = tuple(columns), tuple(nulls)
        each = [part.as_text(columns, nulls) for part in self._each]
        return TextParts(self._table.as_text(columns, nulls), each, self.parts)

    def padded(self, columns: Sequence[str]) -> list[str]:
        """Return those of some columns of numbers in which digits stand behind a nought here."""
        return list(dict.fromkeys(name for part in self._each for name in part.padded(columns)))

    def chunks(self, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """Yield the rows in their order, CHUNK of one shard at a time; an empty chunk for none."""
        chosen = self._chosen(columns)
        for part in self._each:
            yield from part.chunks(chosen)
        if not self.parts.own:
            yield pl.DataFrame(schema={name: self.dtypes[name] for name in chosen})

    def _frames(self, columns: list[str]) -> Iterator[pl.DataFrame]:
        return self.chunks(columns)


def text_parts(table: Delimited, shards: int, ranks: Ranks, on_this_host: int) -> TextParts:
    """Return the rows of a bare text that this rank has, of which it reads no others."""
    text, delimiter, begin = table.rows_begin
    starts = starts_of_rows(text, delimiter, begin, ranks, shards)
    own = shards_of(ranks.rank, ranks.size, shards)
    each = [table.part(*starts[s : s + 2]) for s in own]
    unsettled = TableShards(ranks, shards, on_this_host=on_this_host)
    looks = unsettled.by_each(lambda: [part.look() for part in each])
    every = [look for part in unsettled.values(looks) for look in part]
    kinds = functools.reduce(_both, (kinds for kinds, _, _ in every))
    repeats = sum(found for _, _, found in every)
    for part in (table, *each):
        part.settle(kinds, repeats)
    heights = [height for _, height, _ in every]
    sizes = tuple(heights[own.start : own.stop])
    first = sum(heights[: own.start])
    return TextParts(
        table, each, TableShards(ranks, shards, sizes, first, sum(heights), on_this_host)
    )


def _both(one: Mapping[str, FieldType], other: Mapping[str, FieldType]) -> dict[str, FieldType]:
    return {name: widened(kind, other[name]) for name, kind in one.items()}
