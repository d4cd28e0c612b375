"""Targets of mean 0 and standard deviation 1, for values of any size.

n   examples        t   targets        q   predictions of each target: 1, or one for each quantile
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class TargetScale(NamedTuple):
    """The mean and the standard deviation of each target, both (t,); of a constant, 1.

    >>> scale = TargetScale.of(np.array([[1.0], [3.0]]))
    >>> scale.scaled(np.array([[4.0]])), scale.unscaled(np.array([[[2.0]]]))
    (array([[2.]]), array([[[4.]]]))
    """

    mean: Array
    spread: Array

    @classmethod
    def of(cls, targets: Array, weights: Array | None = None) -> Self:
        """Return that of targets, (n, t).

        >>> TargetScale.of(np.array([[1e300], [3e300]]))
        TargetScale(mean=array([2.e+300]), spread=array([1.e+300]))
        """
        unit = powers_of_two(targets)
        within = targets / unit  # so that no square overflows or vanishes
        mean = np.average(within, axis=0, weights=weights)
        spread = np.sqrt(np.average((within - mean) ** 2, axis=0, weights=weights))
        return cls(mean * unit, np.where(spread > 0, spread * unit, 1.0))

    @classmethod
    def in_parts(
        cls,
        targets: Array,
        weights: Array | None,
        largest: Array,
        total: Callable[[Callable[[slice], float]], float],
    ) -> Self:
        """Return that of targets of which only some are here.

        `largest` are the largest of all, (1, t), and `total(f)` is the sum of f(rows) over all
        parts.

        >>> t = np.array([[1.0], [3.0]])
        >>> TargetScale.in_parts(t, None, t[1:], lambda f: f(slice(0, 2)))
        TargetScale(mean=array([2.]), spread=array([1.]))
        """
        unit = powers_of_two(largest)
        within = targets / unit
        w = np.ones(len(targets)) if weights is None else np.asarray(weights, np.float64)
        whole = total(lambda rows: w[rows].sum())

        def average(values: Array) -> Array:
            columns = [w * column for column in values.T]
            sums = [total(lambda rows, c=c: c[rows].sum()) for c in columns]  # type: ignore[misc]
            return np.array(sums) / whole

        mean = average(within)
        spread = np.sqrt(average((within - mean) ** 2))
        return cls(mean * unit, np.where(spread > 0, spread * unit, 1.0))

    def scaled(self, targets: Array) -> Array:
        """Return (y − mean) / spread for targets, (n, t)."""
        half = np.where(self.spread > 1, 0.5, 1.0)  # what is twice the largest number is none
        scaled: Array = (targets * half - self.mean * half) / (self.spread * half)
        return scaled

    def unscaled(self, values: Array) -> Array:
        """Return the targets of scaled values, (n, t, q), in a dtype that holds them."""
        dtype = values.dtype if self._fits(values.dtype) else np.float64
        mean, spread = (part[:, None].astype(dtype) for part in self)
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is for the caller
            unscaled: Array = values * spread + mean
        return unscaled

    def _fits(self, dtype: Any) -> bool:
        """Whether a dtype holds mean and spread, and a thousand times as much."""
        sizes, bounds = np.abs(np.concatenate(self)), np.finfo(dtype)
        return bool(np.all((sizes < bounds.max / 1e3) & ((sizes > bounds.tiny) | (sizes == 0))))


def powers_of_two(values: Array) -> Any:
    """Return the power of two below the largest of each column: to divide by it loses no digit.

    >>> powers_of_two(np.array([[3.0, 0.0], [-5.0, 1e300]])) == [4.0, 2.0**996]
    array([ True,  True])
    """
    _, exponents = np.frexp(np.abs(values.astype(np.float64)).max(axis=0))
    return np.ldexp(1.0, exponents - 1)
