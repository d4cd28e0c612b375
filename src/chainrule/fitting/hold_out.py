r"""Which examples are held out for validation: in equal shares, by groups, by time, as asked.

y   (n,) targets, labels or numbers      groups, time   (n,)   what keeps examples together

Each function returns the numbers of their rows, in their order, and raises ValueError where one
side would be empty. What `fit` itself holds out of a fraction is `batches.split`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.batches import Rows

Array = NDArray[Any]


def hold_out(
    y: Array,
    fraction: float,
    draw: np.random.Generator,
    *,
    most: int,
    groups: Array | None = None,
    time: Array | None = None,
) -> Rows:
    """Hold out about a fraction, and no more than `most`, with shares of each class or size.

    The examples are sorted by y and taken at equal distances, so that classes have their share and
    numbers theirs of each size. Of `groups` none is on both sides; by `time` the last are held out.

    >>> hold_out(np.array([0, 0, 1, 1]), 0.5, np.random.default_rng(0), most=9) // 2
    array([0, 1])
    """
    n = len(y)
    wanted = min(max(1, round(fraction * n)), most)
    if time is not None:
        held = _last(time, wanted)
    elif groups is not None:
        held = _some_groups(groups, wanted, draw)
    else:
        held = _in_shares(y, wanted, draw)
    by = {"time": time, "groups": groups}
    _check_sides(held, n, fraction, [name for name, column in by.items() if column is not None])
    return held


def _in_shares(y: Array, wanted: int, draw: np.random.Generator) -> Rows:
    """So many examples at equal distances, as y rises, those of equal y in a drawn order.

    Both are sorted as one number, in little memory; those at the places are found by their draws.
    """
    n = len(y)
    drawn = draw.permutation(n).astype(np.uint32)
    keys = _rising(y)
    keys <<= np.uint64(32)
    keys |= drawn
    keys.sort()
    places = (np.arange(wanted) + draw.random()) * (n / wanted)
    chosen = np.zeros(n, bool)
    chosen[keys[places.astype(np.int64)] & np.uint64(2**32 - 1)] = True
    return np.flatnonzero(chosen[drawn])


def _rising(y: Array) -> NDArray[np.uint64]:
    """Numbers of 32 bits in the order of y.

    >>> _rising(np.array([-1.5, 0.0, -0.0, 2.0], np.float32)).argsort(kind="stable")
    array([0, 1, 2, 3])
    """
    if y.dtype == np.float32:
        bits = (y + np.float32(0)).view(np.uint32)  # in which −0 is 0
        bits ^= (bits.view(np.int32) >> 31).view(np.uint32) | np.uint32(2**31)  # all of negatives
        return bits.astype(np.uint64)
    if y.dtype.kind in "iu" and y.min() >= 0 and y.max() < 2**32:
        return y.astype(np.uint64)
    return np.unique(y, return_inverse=True)[1].astype(np.uint64)


def _check_sides(held: Rows, n: int, fraction: float, by: list[str]) -> None:
    if 0 < len(held) < n:
        return
    if by and len(held) == n > 1:
        raise ValueError(
            f"the column of `{by[0]}=` holds one value only, so that all {n:,} rows stay together; "
            "name another, or leave it out"
        )
    raise ValueError(
        f"a validation part of {fraction:g} leaves no examples to train with; the table has {n}: "
        "give more examples, or a smaller `validation=`"
    )


def _last(time: Array, wanted: int) -> Rows:
    """The last examples, about so many; equal moments stay together."""
    at = np.partition(time, len(time) - wanted)[len(time) - wanted]
    from_then, after = np.flatnonzero(time >= at), np.flatnonzero(time > at)
    return after if len(from_then) > 2 * wanted and len(after) else from_then


def _some_groups(groups: Array, wanted: int, draw: np.random.Generator) -> Rows:
    """The examples of groups that are drawn until they are enough, but never all."""
    _, of, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = draw.permutation(len(sizes))
    before = np.cumsum(sizes[order]) - sizes[order]
    return np.flatnonzero(np.isin(of, order[before < wanted][: max(1, len(sizes) - 1)]))


AT_LEAST_TWO = (
    "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
)


def drawn_places(n: int, wanted: int, draw: np.random.Generator) -> Rows:
    """Draw so many of n places, one of each part of about n / wanted in a row.

    So whatever is sorted along them has its share.

    >>> drawn_places(9, 3, np.random.default_rng(0)) // 3
    array([0, 1, 2])
    """
    ends = np.arange(wanted + 1) * n // wanted
    first, size = ends[:-1], np.diff(ends)
    return np.asarray(first + (draw.random(wanted) * size).astype(np.int64))


def as_scikit_learn(n: int, fraction: float, seed: int, classes: Array | None = None) -> Rows:
    """Hold out what `train_test_split` would, by class where these are given, without its copies.

    >>> as_scikit_learn(4, 0.5, seed=0)
    array([2, 3])
    """
    from sklearn.model_selection import ShuffleSplit

    if classes is None:
        _, held = next(ShuffleSplit(test_size=fraction, random_state=seed).split(np.zeros(n, bool)))
    else:
        held = _by_class(classes, fraction, seed)
    if len(held) < 2:
        raise ValueError(AT_LEAST_TWO)
    return np.sort(held)


def _by_class(y: Array, fraction: float, seed: int) -> Rows:
    """What `StratifiedShuffleSplit` holds out, without its lists of Python's numbers.

    It refuses what it would refuse.
    """
    from sklearn.model_selection import StratifiedShuffleSplit

    from chainrule.fitting.sklearn_versions import approximate_mode

    n, (classes, counts) = len(y), np.unique(y, return_counts=True)
    wanted = math.ceil(fraction * n)
    if counts.min() < 2 or min(wanted, n - wanted) < len(classes):
        made = StratifiedShuffleSplit(test_size=fraction, random_state=seed)
        return np.asarray(next(made.split(np.zeros(n, bool), y))[1])
    rng = np.random.RandomState(seed)
    kept = approximate_mode(counts, n - wanted, rng)
    ends = kept + approximate_mode(counts - kept, wanted, rng)
    parts = [
        np.flatnonzero(y == value)[rng.permutation(count)[first:last]]
        for value, count, first, last in zip(classes, counts, kept, ends, strict=True)
    ]
    return np.concatenate(parts)


def as_given(what: str, split: Any, X: Array, y: Array) -> Rows:
    """Hold out what a splitter of one split does, or what a mask or the numbers of rows say.

    `what` names the split in messages.

    >>> as_given("validation_split", [2, 0], np.ones((4, 1)), np.ones(4))
    array([0, 2])
    """
    by_splitter = hasattr(split, "split")
    held = _by_splitter(what, split, X, y) if by_splitter else _by_rows(what, split, len(y))
    if not 0 < len(np.unique(held)) < len(y):
        raise ValueError(
            f"{what} must leave examples on both sides; of {len(y)} it holds out {len(held)}"
        )
    return held


def _by_splitter(what: str, split: Any, X: Array, y: Array) -> Rows:
    made = list(split.split(X, y))
    if len(made) != 1:
        raise ValueError(
            f"{what} must make one split, got {len(made)} from {split!r}; take PredefinedSplit, or "
            "ShuffleSplit with n_splits=1"
        )
    return np.asarray(made[0][1])


def _by_rows(what: str, split: Any, n: int) -> Rows:
    rows = np.asarray(split)
    if rows.dtype == bool and rows.shape == (n,):
        return np.flatnonzero(rows)
    inside = rows.ndim == 1 and rows.dtype.kind in "iu" and np.all((rows >= -n) & (rows < n))
    if not inside:
        raise ValueError(
            f"{what} must be a splitter, a mask of the {n} examples, or the rows to hold out, from "
            f"0 to {n - 1}; got {split!r}"
        )
    return np.unique(rows % n)
