r"""How sure predictions are: bounds that hold a share of new rows, by split conformal prediction.

n   rows held out      s   (n,) scores: the less, the better a row fits what is predicted of it
w   (n,) weights of the rows, or None

Where the rows held out and a new one come from the same table in any order, its score is as likely
to have any place among theirs: it is at most the ⌈(n + 1) share⌉-th of them with a probability of
that share or more. Source: Vovk, Gammerman and Shafer (2005), Algorithmic Learning in a Random
World. How often that holds of all new rows follows a Beta distribution: Vovk (2012), Conditional
validity of inductive conformal predictors. Rows that have weights are as sure as (Σ w)² / Σ w² rows
without; source: Kish (1965), Survey Sampling.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import argument
from chainrule.formatting import counted
from chainrule.tabular.table_error import HOLD_OUT_MORE, TableError
from chainrule.value_types import AtLeastOne, Must, Share

Array = NDArray[Any]
InnerShare = Annotated[
    float, Must("a share between 0 and 1, such as 0.9", lambda share: 0 < share < 1)
]
"""A share that is neither none nor all."""

CERTAINTY = 0.95
"""How certainly a coverage lies between the bounds that are told of it."""

RESTS_ON = {
    "groups": "; less certain, as rows of a group are alike",
    "time": ", not drawn at random: new rows must be like them",
}
"""What an interval rests on beside rows that are held out at random, by the option."""

ALIKE = 1 - 1e-12
"""The rounding of sums of weights: from such a part of a number on, it is reached."""


@dataclass(frozen=True)
class Interval:
    """What share of new rows are within bounds, or have their class in a set, and how sure that is.

    Parameters
    ----------
    share
        What is asked for.
    threshold
        The greatest score of what is within.
    rows
        How many rows held out it rests on.
    least, most
        Between which coverage lies with a certainty of 95 %.
    reach
        Of bounds, how far they reach from a prediction to its quantiles before they move.

    Examples
    --------
    >>> print(Interval(0.9, 1.5, 1200, 0.8826, 0.9166).in_words())
    holds 90 % of new rows (88.3–91.7 % with 95 % certainty, from 1,200 rows held out)
    """

    share: InnerShare
    threshold: float
    rows: AtLeastOne
    least: Share
    most: Share
    reach: Share = 1.0

    def in_words(self, options: Mapping[str, Any] | None = None) -> str:
        """Return what is known of it, by the options of the training.

        >>> print(Interval(0.8, 1.5, 9, 0.555, 0.9975).in_words({"time": "sold"})[-63:])
        rows held out, not drawn at random: new rows must be like them)
        """
        more = " or more" if self.least > self.share else ""
        rests_on = [said for name, said in RESTS_ON.items() if (options or {}).get(name)]
        sure = between(self.least, self.most)
        return (
            f"holds {percent(self.share)}{more} of new rows ({sure}, from "
            f"{counted(self.rows, 'row')} held out{''.join(rests_on)})"
        )


@dataclass(frozen=True)
class Coverage:
    """In what share of some rows an interval held, and between which it lies for all such rows."""

    share: float
    least: float
    most: float


def conformal(s: Array, share: float, w: Array | None = None) -> Interval:
    """Return the interval that scores of rows held out call for.

    A new row weighs as much as those do in the mean over weights.

    >>> conformal(np.arange(1, 100), 0.9).threshold
    90.0
    >>> conformal(np.arange(1, 4), 0.5, np.array([1.0, 1.0, 2.0])).threshold
    3.0
    """
    check_enough(share, len(s), w)
    order = np.argsort(s, kind="stable")
    mass = np.cumsum(_weights(len(s), w)[order])
    rows = effective_rows(len(s), w)
    need = share * (mass[-1] + mass[-1] / rows)
    threshold = s[order[int(np.argmax(mass >= ALIKE * need))]]
    last = int(np.searchsorted(s[order], threshold, side="right")) - 1
    within = rows * float(mass[last] / mass[-1])
    least, most = _beta(within, rows + 1 - within)
    return Interval(share, float(threshold), len(s), least, most)


def check_enough(share: float, rows: int, w: Array | None = None) -> None:
    """Raise TableError where so many rows held out are too few for such a share.

    >>> check_enough(0.9, 9)
    >>> check_enough(0.9, 3)
    Traceback (most recent call last):
    ...
    chainrule.TableError: `interval=0.9` needs 9 rows held out or more, got 3; ...
    """
    least = math.ceil(share / (1 - share) * ALIKE)
    sure = effective_rows(rows, w)
    if sure >= ALIKE * share / (1 - share):
        return
    worth = "" if w is None else f", which by their weights count as {sure:.3g}"
    raise TableError(
        f"{argument('interval', share)} needs {counted(least, 'row')} held out or more, got "
        f"{rows:,}{worth}; {HOLD_OUT_MORE}, give more rows, or take a lower `interval=`"
    )


def effective_rows(rows: int, w: Array | None) -> float:
    """Return as how many rows without weights some are as sure.

    >>> effective_rows(2, None), effective_rows(2, np.array([3.0, 0.0]))
    (2.0, 1.0)
    """
    weights = _weights(rows, w)
    return float(weights.sum() ** 2 / (weights**2).sum()) if weights.any() else 0.0


def found(within: Array, w: Array | None = None) -> Coverage:
    """Return in what share of rows an interval held, and how sure that is.

    The bounds are exact where rows have no weights: Clopper and Pearson (1934), The use of
    confidence or fiducial limits.

    >>> found(np.array([True] * 9 + [False])).share
    0.9
    """
    share, rows = float(np.average(within, weights=w)), effective_rows(len(within), w)
    held = share * rows
    least = _beta(held, rows - held + 1)[0] if held else 0.0
    most = _beta(held + 1, rows - held)[1] if held < rows else 1.0
    return Coverage(share, least, most)


def percent(share: float) -> str:
    """Return a share that is asked for in words.

    >>> percent(0.9), percent(0.9995)
    ('90 %', '99.95 %')
    """
    return f"{100 * share:.10g} %"


def between(least: float, most: float) -> str:
    """Return the shares that a coverage lies between in words.

    >>> between(0.8826, 0.9166)
    '88.3–91.7 % with 95 % certainty'
    """
    return f"{100 * least:.1f}–{100 * most:.1f} % with {percent(CERTAINTY)} certainty"


def _weights(rows: int, w: Array | None) -> Array:
    return np.ones(rows) if w is None else w.astype(np.float64)


def _beta(a: float, b: float) -> tuple[float, float]:
    """Return the bounds that a Beta distribution is between with that certainty."""
    from scipy.special import betaincinv

    tail = (1 - CERTAINTY) / 2
    return float(betaincinv(a, b, tail)), float(betaincinv(a, b, 1 - tail))
