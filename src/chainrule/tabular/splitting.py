r"""Which examples are held out: at random in equal shares of the target, by groups, or by time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import argument
from chainrule.streams import Stream, generator
from chainrule.tabular.table_error import TableError

Array = NDArray[Any]

MOST_BYTES = 2**25
"""The most that the inputs of the examples held out take: they stay in memory."""


def hold_out(
    fraction: float,
    y: Array,
    *,
    features: int,
    seed: int,
    groups: Array | None = None,
    time: Array | None = None,
) -> NDArray[np.bool_]:
    """Return which examples are held out, about a fraction of them, and no more than memory takes.

    Sorted by the target, every so-manieth example is taken, so that classes have their share and
    numbers theirs of each size. Of `groups` none is on both sides; by `time` the last are held out.
    Raises TableError where one side would be empty.

    >>> hold_out(0.5, np.array([0, 0, 1, 1]), features=1, seed=0).reshape(2, 2).sum(axis=1)
    array([1, 1])
    """
    n = len(y)
    wanted = min(max(1, round(fraction * n)), max(1, MOST_BYTES // (4 * features)))
    draw = generator(Stream.HELD_OUT, seed)
    if time is not None:
        held = _last(time, wanted)
    elif groups is not None:
        held = _some_groups(groups, wanted, draw)
    else:
        order = np.lexsort((draw.permutation(n), y))
        places = (np.arange(wanted) + draw.random()) * (n / wanted)
        held = np.zeros(n, bool)
        held[order[places.astype(np.int64)]] = True
    if held.all() and n > 1 and (groups is not None or time is not None):
        option = argument("groups" if time is None else "time")
        raise TableError(
            f"the column of {option} holds one value only, so that all {n:,} rows stay together; "
            "name another, or leave it out"
        )
    if held.all() or not held.any():
        raise TableError(
            f"a validation part of {fraction:g} leaves no examples to train with; the table has "
            f"{n}: give more examples, or a smaller `validation=`"
        )
    return held


def _last(time: Array, wanted: int) -> NDArray[np.bool_]:
    """Whether each example is among the last, about so many; equal moments stay together."""
    at = np.partition(time, len(time) - wanted)[len(time) - wanted]
    from_then, after = np.asarray(time >= at), np.asarray(time > at)
    return after if from_then.sum() > 2 * wanted and after.any() else from_then


def _some_groups(groups: Array, wanted: int, draw: np.random.Generator) -> NDArray[np.bool_]:
    """Whether each example is of a group that was drawn; groups are drawn until it is enough."""
    _, of, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = draw.permutation(len(sizes))
    before = np.cumsum(sizes[order]) - sizes[order]
    return np.asarray(np.isin(of, order[before < wanted][: max(1, len(sizes) - 1)]))
