"""Which columns of a text are to be read as they stand, once it is known what they are.

As numbers 01234 and 1234 are one; as names they are two, and labels come out as they went in. Where
each value is written as it would be anyhow, a column keeps its type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import polars as pl

from chainrule.tabular.columns.decision import Decision
from chainrule.tabular.files.source import Source, paired
from chainrule.tabular.formats.column_values import as_words, kind
from chainrule.tabular.formats.spelling import plainly

Chunks = Iterator[pl.DataFrame]


def spelled_otherwise(
    source: Source,
    decisions: Iterable[Decision],
    chunks: Callable[[list[str]], Chunks],
    numbers: Iterable[str] = (),
    categories: Iterable[str] = (),
) -> list[str]:
    r"""Return the columns of names that are written otherwise than their values would be.

    `chunks` gives the rows of some columns as they are read; `numbers` are no names for certain,
    and `categories` are: as asked, they are compared as they stand, where others that are written
    as `1` and `1.0`, or as `TRUE` and `true`, are alike.

    >>> path = getfixture("tmp_path") / "shops.csv"
    >>> _ = path.write_text("shop,y\n1,1.0\n2,2.0\n")
    >>> from chainrule.tabular.files.open_source import open_source
    >>> source = open_source(path)
    >>> decisions = [
    ...     Decision("shop", "category", ""),
    ...     Decision("y", "target", "", task="classification"),
    ... ]
    >>> spelled_otherwise(source, decisions, source.chunks)
    ['y']
    """
    dtypes = {} if source.typed else source.dtypes
    kinds = {name: kind(dtype) for name, dtype in dtypes.items()}
    asked = set(categories)
    ways = {
        each.column: _way(each, kinds.get(each.column), each.column in asked) for each in decisions
    }
    names = [name for name, way in ways.items() if way]
    whole = [each.column for each in decisions if each.role == "number"]
    whole = [name for name in whole if kinds.get(name) == "integer" and name not in numbers]
    found = source.padded(whole) if whole else []
    for chunk, copied in _compared(source, names, chunks):
        found += [
            name
            for name in names
            if name not in found and _differ(chunk[name], copied[name], ways[name])
        ]
    return found


def _compared(
    source: Source, names: list[str], chunks: Callable[[list[str]], Chunks]
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Yield the rows of some columns as they are read, and as they stand."""
    if names:
        yield from paired(source.name, chunks(names), source.as_text(names).chunks(names))


def _differ(values: pl.Series, fields: pl.Series, way: Any) -> bool:
    """Whether a field stands otherwise than its value would; a workbook has values alone."""
    return bool((as_words(values) != way(as_words(fields))).any())


def _way(decision: Decision, kind: str | None, asked: bool) -> Any:
    """Return how the fields of a column of names are compared with its values; None where not."""
    if (asked or decision.task == "classification") and kind in ("integer", "float", "boolean"):
        return lambda fields: fields
    return plainly if decision.role == "category" and kind in ("integer", "float") else None
