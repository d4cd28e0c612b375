"""Sums of which the largest terms are written, and the exact rest in one."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from chainrule.explanation.expressions import Expression, Quantity, Sum
from chainrule.explanation.notation import Key

Row = NDArray[np.float64]

OTHERS, EVERY, EACH_0 = "the other {}", "all {}", ", each 0"
"""What is said of a rest, of one that is all, and of one that is of no more than zeros."""


def largest(values: Sequence[float] | Row, top: int) -> list[int]:
    """Return the places of the `top` largest sizes, in order; of all where one more is all.

    >>> largest([0.5, -3.0, 2.0, 0.25], 2)
    [1, 2]
    """
    sizes = np.abs(np.asarray(values))
    if len(sizes) <= top + 1:
        return list(range(len(sizes)))
    return sorted(map(int, np.argsort(-sizes, kind="stable")[:top]))


def exact_sum(values: Sequence[float] | Row) -> float:
    """Return the sum of numbers, rounded once; what double precision cannot hold is ±∞ or NaN.

    >>> exact_sum([0.1] * 10), exact_sum([1e308, 1e308])
    (1.0, inf)
    """
    try:
        return math.fsum(values)
    except (OverflowError, ValueError):
        with np.errstate(all="ignore"):
            return float(np.sum(np.asarray(values)))


def total(
    values: Sequence[float] | Row,
    formula: Callable[[int], Expression],
    top: int,
    shown: Collection[int] | None = None,
) -> Expression:
    """Return the sum of terms: the largest or the shown ones, and one for the exact rest.

    `formula` gives a term by its place among the values. Where there is a rest, terms that are 0
    are in it, and a rest of these alone says so.

    >>> total([0.5, -3.0, 2.0, 0.25], lambda k: Quantity(Key("x", -1, k), 1.0), top=2).terms[-1]
    Quantity(key=Key(kind='rest', ... text='the other 2', example=0), value=0.75)
    >>> total([0.0, -3.0, 0.0, 0.0], lambda k: Quantity(Key("x", -1, k), 1.0), top=2).terms[-1]
    Quantity(key=Key(kind='rest', ... text='the other 3, each 0', example=0), value=0.0)
    """
    places = largest(values, top) if shown is None else sorted(shown)
    if shown is None and len(places) < len(values):
        places = [k for k in places if values[k] != 0]
    terms = [formula(k) for k in places]
    if len(places) < len(values):
        rest = np.delete(np.asarray(values), places)
        text = (OTHERS if places else EVERY).format(len(rest))
        text += "" if rest.any() else EACH_0
        terms.append(Quantity(Key("rest", text=text), exact_sum(rest)))
    return terms[0] if len(terms) == 1 else Sum(tuple(terms))
