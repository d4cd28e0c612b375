r"""Shapley values by exact enumeration: what each part of an example contributed, in all orders.

v   (2^g,)   the figure where some of the g parts are the example's, the others the baseline's
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

MOST = 12
"""The most parts: of each set of them there is a prediction."""


def shapley_values(
    figure: Callable[[Array], Array], x: Any, baseline: Any, parts: Sequence[Sequence[int]] = ()
) -> Array:
    r"""Return the Shapley value of each part of an example, against a baseline, (parts,).

    $$\phi_i = \sum_{S \not\ni i} \frac{|S|!\,(g - |S| - 1)!}{g!}
      \left(v(S \cup \{i\}) - v(S)\right),\qquad \sum_i \phi_i = F(x) - F(b)$$

    v(S) is the figure where the parts in S are those of the example, and the others those of the
    baseline. All 2^g sets are predicted.

    Parameters
    ----------
    figure
        What is explained: of examples (n, inputs) the figure of each, (n,).
    x, baseline
        The example and what it is compared with, (inputs,).
    parts
        Which inputs belong together, as lists of their places; left out, each is by itself.

    Returns
    -------
    numpy.ndarray
        A value for each part.

    Raises
    ------
    ValueError
        For more than 12 parts, or arrays of unequal shapes.

    Notes
    -----
    Source: Shapley (1953), A value for n-person games.

    Examples
    --------
    >>> cr.shapley_values(lambda X: X[:, 0] * X[:, 1], [3.0, 2.0], [1.0, 1.0])
    array([3., 2.])
    """
    x, baseline = np.asarray(x, np.float64), np.asarray(baseline, np.float64)
    if x.ndim != 1 or x.shape != baseline.shape:
        raise ValueError(
            f"x and baseline must have one shape, (inputs,), got {x.shape} and {baseline.shape}"
        )
    groups = [list(part) for part in parts] or [[k] for k in range(len(x))]
    g = len(groups)
    if g > MOST:
        raise ValueError(
            f"exact Shapley values are of at most {MOST} parts, for which there are "
            f"{2**MOST:,} predictions, got {g}"
        )
    sets = np.arange(2**g)
    X = np.tile(baseline, (2**g, 1))
    for k, places in enumerate(groups):
        X[:, places] = np.where((sets >> k & 1)[:, None], x[places], X[:, places])
    v = np.asarray(figure(X), np.float64)
    sizes = np.bitwise_count(sets)
    weights = [math.factorial(s) * math.factorial(g - s - 1) / math.factorial(g) for s in range(g)]

    def value(k: int) -> float:
        without = sets[(sets >> k & 1) == 0]
        return float(np.array(weights)[sizes[without]] @ (v[without | 1 << k] - v[without]))

    return np.array([value(k) for k in range(g)])
