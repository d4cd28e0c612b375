"""The bins of numbers, of which an embedding makes a slope each: found in the survey's sample."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import polars as pl

from chainrule.tabular.encoding.column_encoders import Encoder, Features
from chainrule.tabular.encoding.preparation import Preparation
from chainrule.tabular.formats.notes import Notes

BINS = 32
"""The most bins of a number."""

Edges: TypeAlias = tuple[float, ...]


def bins_of(preparation: Preparation, sample: pl.DataFrame) -> tuple[Edges, ...]:
    """Return the edges of the bins of each feature, as the network sees it; () of what has none.

    Numbers have some where they have more than two values in the sample, which is a bounded part
    of the rows, chosen as they pass.

    >>> from chainrule.tabular.encoding.column_encoders import NumberEncoder
    >>> age = NumberEncoder("age", centre=40.0, scale=10.0, missing=True, text=False)
    >>> bins_of(Preparation((age,)), pl.DataFrame({"age": [40, None, 45, 40, 90]}))
    ((0.0, 0.493197, 2.5724788), ())
    """
    return tuple(
        edges
        for encoder in preparation.encoders
        for edges in _of_encoder(encoder, sample.get_column(encoder.column))
    )


def _of_encoder(encoder: Encoder, series: pl.Series) -> Iterator[Edges]:
    numbers = encoder.numbers
    if numbers:
        out = np.zeros((len(series), len(encoder.features)), np.float32)
        encoder.write(series, out, Notes())
        there = out[:, -1] == 0 if getattr(encoder, "missing", False) else slice(None)
        yield from (edges_of(x) for x in out[there, :numbers].T)
    yield from ((),) * (len(encoder.features) - numbers)


def edges_of(x: Features) -> Edges:
    """Return the edges between which equally many numbers lie, of at most `BINS` bins.

    Each edge is one of the numbers, and equal edges are one. There are none for two different
    numbers or fewer.

    >>> edges_of(np.array([1, 1, 1, 1, 2, 2, 5], np.float32))
    (1.0, 2.0, 5.0)
    >>> len(edges_of(np.linspace(0, 1, 1000, dtype=np.float32)))
    33
    """
    x = np.sort(x)
    if np.count_nonzero(x[1:] != x[:-1]) < 2:
        return ()
    nearest = np.rint(np.linspace(0, 1, BINS + 1) * (len(x) - 1)).astype(np.int64)
    edges = np.unique(x[nearest])
    return tuple(float(str(edge)) for edge in edges)  # the shortest text of each
