"""What a diagnosis tells of the examples: who dominates, and whose label is likely wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.diagnosis.data_rules import enough
from chainrule.diagnosis.evidence import Evidence
from chainrule.diagnosis.rule import MOST
from chainrule.streams import Stream, generator


class Part(NamedTuple):
    """Which part of many examples is looked at.

    Parameters
    ----------
    rows
        How many of them, at most.
    together
        How many that follow each other.

    Examples
    --------
    >>> len(Part(256, together=64).of(100)), len(Part(256, together=64).of(60_000))
    (100, 256)
    """

    rows: int
    together: int

    def of(self, n: int) -> NDArray[np.intp]:
        """Return the numbers of n examples that are looked at: all, or some parts in their order.

        Parameters
        ----------
        n
            How many examples there are.
        """
        if n <= self.rows:
            return np.arange(n)
        parts = generator(Stream.DIAGNOSED).permutation(n // self.together)
        first = np.sort(parts[: self.rows // self.together]) * self.together
        return np.ravel(first[:, None] + np.arange(self.together))


SHOWN = 10
"""How many examples are told, at most: those with the longest gradients."""


@dataclass(frozen=True)
class LookedAt:
    r"""The examples that were looked at.

    Parameters
    ----------
    rows
        Their numbers, from 0, among those that were given.
    norms
        $|g_i|$ of each, the norm of the gradient of its own loss by all parameters.
    likely_mislabelled
        The numbers of those whose label hardly any of the nearest have, the longest gradients
        first.
    """

    rows: tuple[int, ...]
    norms: tuple[float, ...]
    likely_mislabelled: tuple[int, ...]

    @property
    def largest(self) -> list[tuple[int, float, float]]:
        r"""Return the row, the norm and the share in $\sum |g_i|^2$ of those with the longest."""
        norms = np.asarray(self.norms, np.float64)
        order = np.argsort(-np.where(np.isnan(norms), np.inf, norms), kind="stable")[:SHOWN]
        total = float(np.sum(norms**2))
        shares = norms**2 / total if 0 < total < np.inf else np.full(len(norms), np.nan)
        return [(self.rows[k], float(norms[k]), float(shares[k])) for k in order]

    def as_dict(self) -> dict[str, Any]:
        """Return the largest and the likely mislabelled as lists and dictionaries."""
        names = ("row", "norm", "share")
        return {
            "count": len(self.rows),
            "largest": [dict(zip(names, each, strict=True)) for each in self.largest],
            "likely_mislabelled": list(self.likely_mislabelled),
        }


def looked_at(e: Evidence) -> LookedAt:
    """Return what a diagnosis tells of the examples.

    Parameters
    ----------
    e
        What is known.
    """
    norms = np.sqrt(e.now.examples.squared_norms)
    suspects = np.zeros(0, np.intp)
    if e.labels is not None and e.tries and enough(e):
        suspects = np.flatnonzero(e.among_others)
    if len(suspects) > MOST * e.data.n:  # labels are at odds with X as a whole
        suspects = suspects[:0]
    suspects = suspects[np.argsort(-norms[suspects], kind="stable")]
    return LookedAt(
        tuple(map(int, e.rows)), tuple(map(float, norms)), tuple(map(int, e.rows[suspects]))
    )  # fmt: skip
