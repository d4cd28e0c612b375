"""Several quantiles at once: the loss, one output for each target and quantile, and their order.

y   (n, t)      targets             a   (n, t · q)   the outputs, all quantiles of the first target,
                                                    then all of the second, …
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import d2_pinball_score

from chainrule.errors import check_number
from chainrule.losses import Loss
from chainrule.trees import Array as AnyArray

Array = NDArray[Any]


def check_quantiles(what: str, given: Any) -> tuple[float, ...]:
    """Return quantiles in rising order, or raise where they are not between 0 and 1.

    >>> check_quantiles("MLPRegressor: quantiles", [0.9, 0.1])
    (0.1, 0.9)
    """
    try:
        levels = [check_number(what, q, above=0, below=1) for q in given]
    except TypeError:
        levels = []
    if not levels or len(set(levels)) < len(levels):
        raise ValueError(
            f"{what} must be different numbers between 0 and 1, such as (0.1, 0.5, 0.9); got "
            f"{given!r}"
        )
    return tuple(sorted(levels))


@dataclass(frozen=True)
class Pinball:
    """The pinball loss of outputs that each have a quantile of their own, and its derivative."""

    levels: tuple[float, ...]
    derivative: bool

    def __call__(self, a: AnyArray, y: AnyArray, xp: Any) -> AnyArray:
        q = xp.asarray(np.resize(self.levels, a.shape[1]), dtype=a.dtype)
        if self.derivative:
            return (1 - q) * xp.astype(a > y, a.dtype) - q * xp.astype(a < y, a.dtype)
        return xp.maximum((1 - q) * (a - y), q * (y - a))


def _residual(a: AnyArray, y: AnyArray, xp: Any) -> AnyArray:
    return a - y


def _itself(a: AnyArray, xp: Any) -> AnyArray:
    return a


def pinball(levels: tuple[float, ...]) -> Loss:
    r"""Return the sum of the quantile losses of outputs that take turns in their quantile.

    $$L = \sum_j \max\big((1 - q_j)(a_j - y_j),\ q_j (y_j - a_j)\big)$$

    Source: Koenker and Bassett (1978), Regression quantiles.

    >>> pinball((0.1, 0.9)).value(np.array([[1.0, 1.0]]), np.zeros((1, 2)), np)
    array([[0.9, 0.1]])
    """
    return Loss(
        "pinball",
        value=Pinball(levels, derivative=False),
        grad=Pinball(levels, derivative=True),
        link=_itself,
        latex=r"\sum_j \max((1 - q_j)(a_j - y_j),\ q_j (y_j - a_j))",
        kink=_residual,
        parameters=levels,
        check=False,
    )


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
