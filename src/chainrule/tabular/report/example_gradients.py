r"""The examples with the largest gradients.

A label that is wrong makes a large gradient, and so does a row unlike all others.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.batches import Examples
from chainrule.distributed import by_first
from chainrule.evaluation import example_squared_norms
from chainrule.streams import Stream, generator
from chainrule.tabular.files.source import Source
from chainrule.tabular.prepare import Prepared
from chainrule.tabular.report.column_curves import picked_by_ranks
from chainrule.tabular.report.importance import drawn
from chainrule.tabular.table_model import TableModel

Array = NDArray[Any]

DRAWN = 100_000
"""The most examples of a part whose gradients are taken."""

SHOWN = 15
"""How many of them are shown."""


class ExampleGradient(NamedTuple):
    """An example: its row in the table, from 1, the length of its gradient, and y and p of it."""

    row: int
    norm: float
    y: Any
    p: Array


class LargestGradients(NamedTuple):
    """The largest of some examples, of how many, and how many there are."""

    largest: list[ExampleGradient]
    taken: int
    examples: int


def training_gradients(prepared: Prepared, model: TableModel, seed: int) -> LargestGradients:
    """Return the largest in training, of those in its first block, a random part.

    Of several ranks all call it, and the first finds them.
    """
    every, n = prepared.examples, prepared.training_rows
    within = np.flatnonzero(prepared.blocks.of == 0)
    rows = every.at_first(prepared.rows[~prepared.is_held_out][within])
    X, y, w = prepared.blocks[0]
    data = Examples(every.at_first(X), every.at_first(y), None if w is None else every.at_first(w))
    rng = generator(Stream.PULLS, seed)
    return by_first(prepared.ranks, lambda: largest_gradients(model, data, rows, rng, examples=n))


def validation_gradients(prepared: Prepared, model: TableModel, seed: int) -> LargestGradients:
    """Return the largest of the examples held out."""
    rows, data = prepared.held_out_rows, prepared.held_out
    rng = generator(Stream.PULLS_HELD_OUT, seed)
    return by_first(
        prepared.ranks, lambda: largest_gradients(model, data, rows, rng, examples=len(rows))
    )


def largest_gradients(
    model: TableModel,
    data: Examples,
    rows: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    examples: int,
    most: int = DRAWN,
) -> LargestGradients:
    r"""Return the examples whose own losses have the longest gradients, longest first.

    $$\Bigl|\frac{\partial L_i}{\partial (W, b)}\Bigr|$$

    `rows` are their rows in the table; of more than `most`, some are drawn. Weights are left aside.
    """
    places, taken = drawn(data, most, rng)
    n = len(taken.X)
    norms = n * np.sqrt(example_squared_norms(model.net, model.params, taken.X, taken.y))
    first = np.argsort(-norms, kind="stable")[:SHOWN]
    p = model.outputs_of(taken.X[first])
    largest = [
        ExampleGradient(int(rows[places[k]]), float(norms[k]), taken.y[k], own)
        for k, own in zip(first.tolist(), p, strict=True)
    ]
    return LargestGradients(largest, n, examples)


def rows_of(
    source: Source, rows: Iterable[int], columns: Iterable[str]
) -> dict[int, dict[str, Any]]:
    """Return the values of some rows, which are counted from 1, as they stand in a table.

    Of several ranks, each of which has a part of it, all call it.

    >>> import polars as pl
    >>> from chainrule.tabular.files.open_source import open_source
    >>> table = open_source(pl.DataFrame({"x": [1, 2, 3], "y": ["a", "b", "c"]}))
    >>> rows_of(table, [3, 1], ["y"])
    {1: {'y': 'a'}, 3: {'y': 'c'}}
    """
    wanted = np.unique(np.fromiter(rows, np.int64))
    found = picked_by_ranks(source.parts, source.chunks(list(columns)), wanted)
    return dict(zip(wanted.tolist(), found.iter_rows(named=True), strict=True))
