r"""Bounds of a quantity: two of its quantiles, moved until they hold a share of the rows held out.

n   rows      y   (n,) values      p   (n,) predictions      q   (n, 2) the quantiles of each row
t   how far the bounds move outwards; below 0, inwards

    lower = min(q₁ − t, p),  upper = max(q₂ + t, p)

so that the bounds never cross, and hold the prediction. Source: Romano, Patterson and Candès
(2019), Conformalized quantile regression, whose bounds need not hold a prediction beside them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def levels(share: float) -> tuple[float, float]:
    """Return the quantiles that such a share of values lies between.

    >>> levels(0.9)
    (0.05, 0.95)
    """
    outside = round((1 - share) / 2, 12)
    return outside, 1 - outside


def outside(y: Array, p: Array, q: Array) -> Array:
    """Return the least t with which the bounds hold each value, (n,); any holds the prediction.

    >>> outside(np.array([1.0, 9.0, 5.0]), np.full(3, 5.0), np.array([[2.0, 8.5]] * 3))
    array([ 1. ,  0.5, -3.5])
    """
    sides = [q[:, 0] - y, y - q[:, 1]]
    return np.select([y < p, y > p], sides, np.minimum(*sides))


def bounded(p: Array, q: Array, t: float) -> Array:
    """Return the bounds of predictions, (n, 2).

    >>> bounded(np.array([5.0, 9.0]), np.array([[2.0, 8.5], [4.0, 6.0]]), 0.5)
    array([[1.5, 9. ],
           [3.5, 9. ]])
    """
    lower, upper = np.minimum(q[:, 0] - t, p), np.maximum(q[:, 1] + t, p)
    return np.stack([lower, upper], axis=1)


def within(y: Array, bounds: Array) -> NDArray[np.bool_]:
    """Return which values lie within their bounds, (n,).

    >>> within(np.array([1.0, 3.0]), np.array([[1.0, 2.0]] * 2))
    array([ True, False])
    """
    inside: NDArray[np.bool_] = (bounds[:, 0] <= y) & (y <= bounds[:, 1])
    return inside
