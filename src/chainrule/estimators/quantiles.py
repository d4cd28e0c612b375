"""Several quantiles at once: one output for each target and quantile, their order and score.

y   (n, t)      targets             a   (n, t · q)   the outputs, all quantiles of the first target,
                                                    then all of the second, …
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import d2_pinball_score

Array = NDArray[Any]


def in_order(predicted: Array, count: int) -> Array:
    """Return predictions (n, t · q) as (n, t, q), where no quantile is above the next.

    Sorting never makes them worse: Chernozhukov, Fernández-Val and Galichon (2010), Quantile and
    probability curves without crossing.

    >>> in_order(np.array([[2.0, 1.0, 3.0, 4.0]]), 2)
    array([[[1., 2.],
            [3., 4.]]])
    """
    return np.sort(predicted.reshape(len(predicted), -1, count), axis=2)


def d2_score(
    y: Array, predicted: Array, levels: tuple[float, ...], weight: Array | None = None
) -> float:
    """Return the share of the pinball loss of constant quantiles that is gone, on the average.

    It is to these losses what R² is to the squared error. `predicted` is (n, t, q).

    >>> y = np.array([1.0, 2.0, 3.0])
    >>> d2_score(y, y.reshape(3, 1, 1), (0.5,))
    1.0
    """
    y = y.reshape(len(y), -1)
    return float(
        np.mean(
            [
                d2_pinball_score(y, predicted[:, :, k], sample_weight=weight, alpha=q)
                for k, q in enumerate(levels)
            ]
        )
    )
