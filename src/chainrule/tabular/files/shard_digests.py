"""What a table is known by of which each rank reads a part: the same on any number of ranks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from chainrule.distributed import part_of, shards_of
from chainrule.tabular.files.source import Source
from chainrule.tabular.table_shards import TableShards

PIECE = 2**20
"""The bytes that are read at a time."""


def together(own: Sequence[str], parts: TableShards) -> str:
    """Return the SHA-256 of the digests of all shards, of which each rank has its own.

    >>> from chainrule.distributed import Alone
    >>> together(["ab", "cd"], TableShards.of(Alone(), 2, rows=2))[:8]
    '88d4266f'
    """
    each = [digest for digests in parts.values(list(own)) for digest in digests]
    return hashlib.sha256("".join(each).encode()).hexdigest()


def fingerprint(table: Source, parts: TableShards) -> str:
    """Return what a table is known by: each rank reads a part of the bytes of its files.

    Where it has no files, the first rank finds out.

    >>> from chainrule.distributed import Alone
    >>> from chainrule.tabular.files.data_frames import Frame
    >>> import polars as pl
    >>> trees = Frame("trees", pl.DataFrame({"height": [3.5, 2.0]}))
    >>> fingerprint(trees, TableShards.of(Alone(), 2, rows=2)) == trees.fingerprint()
    True
    """
    if not table.stamps:
        return parts.by_first(table.fingerprint)
    ranks, files = parts.ranks, list(table.stamps)
    total = sum(path.stat().st_size for path in files)
    own = shards_of(ranks.rank, ranks.size, parts.count)
    found = parts.by_each(lambda: [_of_bytes(files, part_of(s, parts.count, total)) for s in own])
    return together(found, parts)


def _of_bytes(files: Iterable[Path], places: range) -> str:
    """Return the SHA-256 of some bytes of files, which are one after the other."""
    sha, start = hashlib.sha256(), 0
    for path in files:
        size = path.stat().st_size
        with path.open("rb") as file:
            file.seek(max(places.start - start, 0))
            left = min(places.stop - start, size) - file.tell()
            while left > 0 and (piece := file.read(min(PIECE, left))):
                sha.update(piece)
                left -= len(piece)
        start += size
    return sha.hexdigest()
