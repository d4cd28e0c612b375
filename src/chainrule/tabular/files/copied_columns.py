"""Columns that are copied as they stand, beside those that are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from chainrule.tabular.files.source import Source, columns_of, paired

FramePair = tuple[pl.DataFrame, pl.DataFrame]


def with_copies(source: Source, needed: Sequence[str], kept: Sequence[str]) -> Iterator[FramePair]:
    """Yield the rows in their order: of some columns as they are read, of others as they stand.

    >>> from chainrule.tabular.files.data_frames import Frame
    >>> trees = Frame("trees", pl.DataFrame({"height": [3.5], "name": ["oak"]}))
    >>> [(read.row(0), copied.row(0)) for read, copied in with_copies(trees, ["height"], ["name"])]
    [((3.5,), ('oak',))]
    """
    copied = source.as_text(kept)
    if copied is not source and set(kept) & set(needed):  # each of these is wanted in two ways
        yield from paired(source.name, source.chunks(needed), copied.chunks(kept))
        return
    for chunk in copied.chunks(list(dict.fromkeys((*needed, *kept)))):
        yield columns_of(chunk, needed), columns_of(chunk, kept)
