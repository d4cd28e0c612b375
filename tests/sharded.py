"""Runs of `fit` in shards, on ranks that are threads: their bits, and who gives which rows."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.trees import leaves, tree_map
from ranks_in_threads import in_threads

UNEVEN = (5, 0, 1, 3, 7, 2, 0, 4)
"""What parts of the rows each rank gives, in proportion."""


def digest(params: Any, history: cr.History) -> str:
    states = [array for state in history.at.states for array in state]
    numbers = [history.loss, history.validation_loss, [history.at.step, history.at.epoch]]
    arrays = (*leaves(params), *leaves(history.at.params), *states, *map(np.asarray, numbers))
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()[:16]


def part(array: Any, rank: int, size: int, parts: Any = None) -> Any:
    """The rows that a rank gives: as many as others, or in proportion to what `parts` says."""
    if array is None:
        return None
    weights = np.ones(size) if parts is None else np.array(parts[:size]) + 1e-9
    ends = np.round(np.cumsum(weights) / weights.sum() * len(array)).astype(int)
    return array[0 if rank == 0 else ends[rank - 1] : ends[rank]]


def train(
    p: Any,
    optimizer: Any,
    dtype: str = "float64",
    ranks: Any = None,
    parts: Any = None,
    **more: Any,
):
    """A short run in shards: alone, or what one of `ranks` makes with its part of the rows."""
    params = tree_map(lambda leaf: leaf.astype(dtype), p.params)
    options = {"epochs": 3, "batch_size": 8, "engine": "native", "seed": 3, "shards": 4, **more}

    def own(array: Any) -> Any:
        return array if ranks is None else part(array, ranks.rank, ranks.size, parts)

    if "sample_weight" in options:
        options["sample_weight"] = own(options["sample_weight"])
    if isinstance(options.get("validation"), tuple):
        options["validation"] = tuple(map(own, options["validation"]))
    return cr.fit(p.net, params, own(p.X), own(p.y), optimizer, comm=ranks, **options)


def on_ranks(size: int, p: Any, optimizer: Any, dtype: str = "float64", **options: Any) -> set[str]:
    """The bits that a run comes to on so many ranks: of each rank."""

    def run(ranks: Any) -> str:
        return digest(*train(p, optimizer, dtype, ranks, **options))

    return set(in_threads(size, run))
