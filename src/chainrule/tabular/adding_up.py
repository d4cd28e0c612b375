"""Figures rounded so that, as they are printed, they add up.

v   (n,)   what is added to a start, to come to an end
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

DIGITS = 4
"""The digits that the largest of them has at least, before and behind the point."""

PRECISE = 14
"""The digits of a double that are surely right."""

MORE = 1
"""How many more decimals are tried, where figures that are rounded do not add up."""


class AddingUp(NamedTuple):
    """Figures in whole steps of 10^−places: start, values and end, which add up."""

    places: int
    start: float
    values: tuple[float, ...]
    end: float


def adding_up(values: Sequence[float], start: float, end: float) -> AddingUp:
    """Return figures rounded to as many decimals as they need to add up.

    Where rounding leaves a step or two, those that lie nearest to the other side take them: each
    figure is less than a step from what it was.

    >>> adding_up([1.004, 2.004], 0.5, 3.508)
    AddingUp(places=3, start=0.5, values=(1.004, 2.004), end=3.508)
    >>> adding_up([1 / 3] * 3, 0.0, 1.0)
    AddingUp(places=3, start=0.0, values=(0.334, 0.333, 0.333), end=1.0)
    """
    v = np.asarray(values, np.float64)
    largest = max(np.abs(v).max(initial=0), abs(end - start))
    most = PRECISE - _magnitude(max(largest, abs(start), abs(end)))
    places = max(0, min(DIGITS - 1 - _magnitude(largest), most - MORE))
    for more in range(MORE + 1):
        steps, first, last = _in_steps(v, start, end, places + more)
        if steps.sum() == last - first:
            return _of_steps(places + more, first, steps, last)
    steps, first, last = _in_steps(v, start, end, places)
    rest = v * 10.0**places - steps
    lacking = int(last - first - steps.sum())
    order = np.argsort(-rest if lacking > 0 else rest, kind="stable")
    for k in range(abs(lacking)):
        steps[order[k % len(order)]] += np.sign(lacking)
    return _of_steps(places, first, steps, last)


def _magnitude(size: float) -> int:
    """Return the power of ten of the first digit; 0 of nothing."""
    return math.floor(math.log10(size)) if size else 0


def _in_steps(
    v: NDArray[Any], start: float, end: float, places: int
) -> tuple[NDArray[Any], float, float]:
    unit = 10.0**places
    return np.rint(v * unit), float(np.rint(start * unit)), float(np.rint(end * unit))


def _of_steps(places: int, first: float, steps: NDArray[Any], last: float) -> AddingUp:
    unit = 10.0**places
    return AddingUp(places, first / unit, tuple((steps / unit).tolist()), last / unit)
