"""Rules of the examples and their targets."""

from __future__ import annotations

import numpy as np

from chainrule.diagnosis.data_measures import NEIGHBOURS
from chainrule.diagnosis.evidence import Evidence
from chainrule.diagnosis.rule import MOST, Rule

NO_DEPENDENCE, PLAIN_DEPENDENCE = 3.0, 6.0
"""In deviations from random orders: within three is chance, beyond six is not."""

FAR_FROM_ONE = 10.0
"""Initial weights suit inputs and targets of size 1; ten times that saturates what follows."""

OFFSET = 3.0
"""By how many deviations inputs may lie off 0 until their mean outweighs what varies."""

TINY = 0.05
"""A target whose deviation is a twentieth is lost beside outputs of size 1."""

WRONG, FEW_AMONG_THEIR_OWN = 0.2, 0.1
"""More labels that differ from their neighbours' than where classes overlap at their borders."""

ALONE_AT_LEAST = 0.05
"""One label in twenty: of clean ones, one in fifty is without its like nearby."""

OF_CHANCE = 0.15
"""Labels of classes that overlap are more akin to those about them; wrong ones come of chance."""

ALONE, BESIDE = 0.2, 10.0
"""An outlier has a fifth of the sum, and ten times as much as the next."""

FEWEST = 30
"""Rows below which nothing is said of outliers and of how targets depend on examples."""

RARE = 0.25
"""A class is rare that occurs a quarter as often as it would if all were alike."""


def _outlier(e: Evidence) -> bool:
    each = np.sort(e.start.examples.squared_norms)
    if not e.knows_start or e.data.n < FEWEST or e.start.examples.share < ALONE:
        return False
    return bool(each[-1] >= BESIDE * each[-2])


def _unscaled_inputs(e: Evidence) -> bool:
    c = e.columns
    return c.largest >= FAR_FROM_ONE or 0 < c.size <= 1 / FAR_FROM_ONE or c.offset >= OFFSET


def _unscaled_words(e: Evidence) -> str:
    c = e.columns
    if c.largest >= FAR_FROM_ONE:
        return f"column {e.passed[c.column]} of X has a root mean square of {c.largest:.3g}"
    if c.size <= 1 / FAR_FROM_ONE:
        return f"the entries of X have a root mean square of {c.size:.2g}"
    return f"the columns of X lie {c.offset:.1f} of their deviations off 0"


def _unscaled_target(e: Evidence) -> bool:
    if e.net.row.link_name or e.net.row.target != "real":
        return False
    one_hot = bool(np.all((e.Y == 0) | (e.Y == 1)))
    return e.target >= FAR_FROM_ONE or (0 < e.deviation <= TINY and not one_hot)


def enough(e: Evidence) -> bool:
    """Whether there are examples enough to say how targets depend on them."""
    return e.data.n >= FEWEST and e.deviation > 0 and e.columns.constant < 1


def _random(e: Evidence) -> bool:
    return enough(e) and e.dependence.here < NO_DEPENDENCE and not _shifted(e)


def _shifted(e: Evidence) -> bool:
    if not enough(e):
        return False
    return e.dependence.best >= PLAIN_DEPENDENCE and e.dependence.here < e.dependence.best / 2


def _shifted_words(e: Evidence) -> str:
    d = e.dependence
    way = "up" if d.moved < 0 else "down"
    return (
        f"moved {way} by {abs(d.moved)}, targets depend on the examples by {d.best:.1f} deviations "
        f"from random orders; as they stand, by {d.here:.1f}"
    )


def _mislabelled(e: Evidence) -> bool:
    if e.labels is None or not enough(e) or not _room(e) or _random(e) or _shifted(e):
        return False
    wrong = len(e.disagreeing) >= WRONG * e.data.n and e.kinship < OF_CHANCE
    return (wrong and e.among_their_own < FEW_AMONG_THEIR_OWN) or _stand_alone(e)


def _room(e: Evidence) -> bool:
    """Whether classes have examples enough to lie among their own."""
    assert e.labels is not None
    counts = np.bincount(e.labels)
    return bool(np.median(counts[counts > 0]) >= 2 * NEIGHBOURS)


def _stand_alone(e: Evidence) -> bool:
    """Whether examples that disagree stand among others altogether, rather than where classes meet.

    Those of a rare class do so anyway, and of two classes an unlikely outcome looks the same.
    """
    assert e.labels is not None
    counts = np.bincount(e.labels)
    classes = np.count_nonzero(counts)
    often = counts[e.labels] * classes >= MOST * e.data.n
    alone = np.count_nonzero(often & e.among_others)
    some = alone >= ALONE_AT_LEAST * e.data.n and alone >= MOST * len(e.disagreeing)
    return bool(classes > 2 and some and len(e.disagreeing) < MOST * e.data.n)


def _mislabelled_words(e: Evidence) -> str:
    some = ", ".join(str(e.rows[k]) for k in e.disagreeing[:3])
    return (
        f"{len(e.disagreeing)} of {e.data.n} examples, such as rows {some}, have another label "
        f"than most of their neighbours, {np.count_nonzero(e.among_others)} of them than nearly "
        f"all; {e.among_their_own:.0%} lie among their own"
    )


def _rarest(e: Evidence) -> int:
    return int(np.argmin(np.where(e.shares > 0, e.shares, np.inf)))


def _imbalance(e: Evidence) -> bool:
    if e.labels is None or not e.trained or e.diverged:
        return False
    rarest, classes = _rarest(e), np.count_nonzero(e.shares)
    return bool(classes > 1 and e.shares[rarest] * classes < RARE) and e.recall(rarest) < MOST


def _label_coding(e: Evidence) -> bool:
    if e.net.row.target != "class" or e.net.outputs < 3:
        return False
    return bool(e.shares[0] == 0 and e.shares[-1] > 0)


RULES: tuple[Rule, ...] = (
    Rule(
        "label_coding", 91,
        _label_coding,
        lambda e: f"no example has label 0, the first of {e.net.outputs}; labels go from "
        f"{int(np.flatnonzero(e.shares)[0])} to {e.net.outputs - 1}",
        "number the classes from 0, y - 1, and give the last layer one output for each",
        few_rows=False,
    ),
    Rule(
        "overflow", 89,
        lambda e: e.knows_start and len(e.start.broken) > 0,
        lambda e: f"the gradients of {len(e.start.broken)} of {e.data.n} examples are not finite, "
        f"first that of row {e.rows[e.start.broken[0]]}",
        "look at these rows: scale them, or leave them out",
        names_rows=True,
    ),
    Rule(
        "constant_inputs", 77,
        lambda e: e.data.n > 1 and e.columns.constant >= MOST,
        lambda e: f"{e.columns.constant:.0%} of the columns of X hold one value",
        "look at how X is made, or leave these columns out",
        few_rows=False,
    ),
    Rule(
        "unscaled_inputs", 76,
        _unscaled_inputs,
        _unscaled_words,
        "standardise the columns of X: mean 0 and deviation 1",
    ),
    Rule(
        "unscaled_target", 75,
        _unscaled_target,
        lambda e: f"the targets have a root mean square of {e.target:.3g} and a deviation of "
        f"{e.deviation:.3g}",
        "standardise y, and undo it in predictions",
    ),
    Rule(
        "outlier", 74,
        _outlier,
        lambda e: f"row {e.rows[e.start.examples.largest]} has {e.start.examples.share:.0%} of the "
        "sum of squared gradients of all examples",
        "look at this row; mend it, leave it out, or take the loss 'huber'",
        names_rows=True,
    ),
    Rule(
        "shifted_labels", 73,
        _shifted,
        _shifted_words,
        "look at how X and y are put together",
        few_rows=False,
    ),
    Rule(
        "random_labels", 72,
        _random,
        lambda e: f"targets depend on the examples by {e.dependence.here:.1f} deviations from "
        "random orders: by chance",
        "look at how X and y are put together; or X says nothing of y",
        few_rows=False,
    ),
    Rule(
        "mislabelled", 71,
        _mislabelled,
        _mislabelled_words,
        "look at these labels",
        few_rows=False,
        names_rows=True,
    ),
    Rule(
        "imbalance", 63,
        _imbalance,
        lambda e: f"class {_rarest(e)} has {e.shares[_rarest(e)]:.1%} of the weight, and "
        f"{e.recall(_rarest(e)):.0%} of it is said to be it",
        "weigh each class by 1 / how often it occurs, by `sample_weight`",
        few_rows=False,
    ),
)  # fmt: skip
"""Those of the data."""
