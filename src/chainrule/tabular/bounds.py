r"""Bounds of a quantity: two of its quantiles, moved until they hold a share of the rows held out.

n   rows      y   (n,) values      p   (n,) predictions      q   (n, 2) the quantiles of each row
r   how far the bounds reach from p to q    t   how far they move outwards; below 0, inwards

    lower = min(p + r (q₁ − p) − t, p),  upper = max(p + r (q₂ − p) + t, p)

so that the bounds never cross, and hold the prediction. With r = 0 they are as wide for every row,
which suits a quantity whose mean is better known than its quantiles; with r = 1 they follow the
quantiles. It is ¾ where no other makes bounds that are clearly narrower in the rows held out: the
narrowest would be taken by chance on few rows, and hold less.

Source: Romano, Patterson and Candès (2019), Conformalized quantile regression, where r = 1 and no
prediction stands between the bounds.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.tabular.intervals import Interval, conformal, effective_rows

Array = NDArray[Any]

USUAL, OTHERS = 0.75, (0.0, 0.25, 0.5, 1.0)
"""How far bounds reach, and may where that is clearly better."""


def levels(share: float) -> tuple[float, float]:
    """Return the quantiles that such a share of values lies between; they are never the same.

    >>> levels(0.9), levels(1e-20)
    ((0.05, 0.95), (0.4999995, 0.5000005000000001))
    """
    outside = round((1 - max(share, 1e-6)) / 2, 12)
    return outside, 1 - outside


def reached(p: Array, q: Array, r: float) -> Array:
    """Return how far the bounds reach before they move, (n, 2).

    >>> reached(np.array([4.0]), np.array([[2.0, 8.0]]), 0.25).tolist()
    [[3.5, 5.0]]
    """
    from_p: Array = p[:, None] + r * (q - p[:, None])
    return from_p


def narrowest(y: Array, p: Array, q: Array, share: float, w: Array | None = None) -> Interval:
    """Return the interval of the usual reach, or of another that is clearly narrower.

    Clearly is by more than 1/√n: about as much does the width vary from one n rows to another.

    >>> y, p = np.array([0.0, 4.0] * 9), np.full(18, 2.0)
    >>> narrowest(y, p, np.array([[1.5, 2.5]] * 9 + [[-8.0, 12.0]] * 9), 0.9).reach
    0.0
    """
    usual, *others = (_at(r, y, p, q, share, w) for r in (USUAL, *OTHERS))
    width = {each.reach: _width(bounded(p, q, each), w) for each in (usual, *others)}
    best = min(others, key=lambda each: width[each.reach])
    clearly = 1 - 1 / math.sqrt(effective_rows(len(y), w))
    return best if width[best.reach] < clearly * width[usual.reach] else usual


def _at(r: float, y: Array, p: Array, q: Array, share: float, w: Array | None) -> Interval:
    scores = outside(y, p, reached(p, q, r))
    return dataclasses.replace(conformal(scores, share, w), reach=r)


def _width(bounds: Array, w: Array | None) -> float:
    return float(np.average(np.diff(bounds)[:, 0], weights=w))


def outside(y: Array, p: Array, q: Array) -> Array:
    """Return the least t with which the bounds hold each value, (n,); any holds the prediction.

    >>> outside(np.array([1.0, 9.0, 5.0]), np.full(3, 5.0), np.array([[2.0, 8.5]] * 3))
    array([ 1. ,  0.5, -3.5])
    """
    sides = [q[:, 0] - y, y - q[:, 1]]
    return np.select([y < p, y > p], sides, np.minimum(*sides))


def bounded(p: Array, q: Array, interval: Interval) -> Array:
    """Return the bounds of predictions, (n, 2).

    >>> interval = Interval(0.9, 0.5, rows=9, least=0.7, most=1.0)
    >>> bounded(np.array([5.0, 9.0]), np.array([[2.0, 8.5], [4.0, 6.0]]), interval)
    array([[1.5, 9. ],
           [3.5, 9. ]])
    """
    low, high = reached(p, q, interval.reach).T
    t = interval.threshold
    return np.stack([np.minimum(low - t, p), np.maximum(high + t, p)], axis=1)


def within(y: Array, bounds: Array) -> NDArray[np.bool_]:
    """Return which values lie within their bounds, (n,).

    >>> within(np.array([1.0, 3.0]), np.array([[1.0, 2.0]] * 2))
    array([ True, False])
    """
    inside: NDArray[np.bool_] = (bounds[:, 0] <= y) & (y <= bounds[:, 1])
    return inside
