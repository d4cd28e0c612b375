"""The bins of numbers, of which an embedding makes a slope each: found in the survey's sample."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

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


def edges_of(x: NDArray[np.float32] | Features) -> Edges:
    """Return the edges between which equally many numbers lie, of at most `BINS` bins.

    Each edge is one of the numbers. One that comes so often that it would fill several bins fills
    one, and the others share the rest. There are none for two different numbers or fewer.

    >>> edges_of(np.array([1, 1, 1, 1, 2, 2, 5], np.float32))
    (1.0, 2.0, 5.0)
    >>> len(edges_of(np.linspace(0, 1, 1000, dtype=np.float32)))
    33
    """
    values, counts = np.unique(x, return_counts=True)
    if len(values) <= 2:
        return ()
    if len(values) > BINS + 1:
        filled = np.cumsum(np.minimum(counts, _of_a_bin(counts)))
        places = np.searchsorted(filled, np.linspace(0, filled[-1], BINS + 1))
        values = values[np.unique(np.minimum(places, len(values) - 1))]
    return tuple(float(str(value)) for value in values)  # the shortest text of each


def _of_a_bin(counts: NDArray[np.int64]) -> float:
    """Return what fills a bin where each value that comes more often fills one alone.

    >>> _of_a_bin(np.array([1000, *[2] * 31 * 5]))
    10.0
    """
    falling = np.sort(counts)[::-1][:BINS]
    rest = counts.sum() - np.cumsum(falling) + falling
    share = rest / np.arange(BINS, 0, -1)
    return float(share[np.argmax(falling <= share)])
