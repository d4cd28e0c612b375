"""Rules of the examples and their targets."""

from __future__ import annotations

import numpy as np

from chainrule.diagnose.evidence import Evidence
from chainrule.diagnose.rule import MOST, Rule

NO_DEPENDENCE, PLAIN_DEPENDENCE = 3.0, 6.0
"""In deviations from random orders: within three is chance, beyond six is not."""

FAR_FROM_ONE = 10.0
"""Initial weights suit inputs and targets of size 1; ten times that saturates what follows."""

OFFSET = 3.0
"""By how many deviations inputs may lie off 0 until their mean outweighs what varies."""

SMALL = 0.05

WRONG = 0.2
"""More labels that differ from their neighbours' than classes that overlap a little have."""

FEWEST = 30
"""Rows below which nothing is said of how targets depend on examples."""

BLOCK = 16
"""Of fewer examples none is an outlier."""


def _outlier(e: Evidence) -> bool:
    each = np.sort(e.start.examples.squared_norms)
    return bool(len(each) > BLOCK and e.start.examples.share >= WRONG and each[-1] >= 10 * each[-2])


def _overflow(e: Evidence) -> bool:
    return 0 < len(e.start.broken) <= e.data.n * MOST


def _unscaled_inputs(e: Evidence) -> bool:
    c = e.columns
    return c.largest >= FAR_FROM_ONE or 0 < c.size <= 1 / FAR_FROM_ONE or c.offset >= OFFSET


def _unscaled_words(e: Evidence) -> str:
    c = e.columns
    if c.largest >= FAR_FROM_ONE:
        return f"column {c.column} of X has a root mean square of {c.largest:.3g}"
    if c.size <= 1 / FAR_FROM_ONE:
        return f"the entries of X have a root mean square of {c.size:.2g}"
    return f"the columns of X lie {c.offset:.1f} of their deviations off 0"


def _unscaled_target(e: Evidence) -> bool:
    if e.net.row.link_name or e.net.row.target != "real":
        return False
    return e.target >= FAR_FROM_ONE or 0 < float(np.sqrt(np.mean(e.Y.var(axis=0)))) <= SMALL


def _enough(e: Evidence) -> bool:
    return e.data.n >= FEWEST and bool(np.any(e.Y.var(axis=0) > 0)) and e.columns.constant < 1


def _random(e: Evidence) -> bool:
    return _enough(e) and max(e.dependence.here, e.dependence.best / 2) < NO_DEPENDENCE


def _shifted(e: Evidence) -> bool:
    d = e.dependence if _enough(e) else None
    return d is not None and d.best >= PLAIN_DEPENDENCE and d.here < d.best / 2


def _mislabelled(e: Evidence) -> bool:
    if e.labels is None or not _enough(e) or _random(e) or _shifted(e):
        return False
    return len(e.disagreeing) >= WRONG * e.data.n


def _rarest(e: Evidence) -> int:
    shares = np.where(e.shares > 0, e.shares, np.inf)
    return int(np.argmin(shares))


def _imbalance(e: Evidence) -> bool:
    if e.labels is None or not e.trained:
        return False
    classes = np.count_nonzero(e.shares)
    rare = e.shares[_rarest(e)] * classes
    return bool(classes > 1 and rare < 0.25) and e.recall(_rarest(e)) < MOST


def _label_coding(e: Evidence) -> bool:
    if e.net.row.target != "class":
        return False
    return bool(e.shares[0] == 0 and np.count_nonzero(e.shares) > 1)


RULES: tuple[Rule, ...] = (
    Rule(
        "label_coding", 91,
        _label_coding,
        lambda e: f"no example has label 0, the first of {e.net.outputs}; labels go from "
        f"{int(np.flatnonzero(e.shares)[0])} to {int(np.flatnonzero(e.shares)[-1])}",
        "number the classes from 0, y - 1, and give the last layer one output for each",
    ),
    Rule(
        "overflow", 89,
        _overflow,
        lambda e: f"the gradients of {len(e.start.broken)} of {e.data.n} examples are not finite, "
        f"first that of row {e.start.broken[0]}",
        "look at these rows: scale them, or leave them out",
    ),
    Rule(
        "constant_inputs", 77,
        lambda e: e.columns.constant >= MOST,
        lambda e: f"{e.columns.constant:.0%} of the columns of X hold one value",
        "look at how X is made, or leave these columns out",
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
        f"{float(np.sqrt(np.mean(e.Y.var(axis=0)))):.2g}",
        "standardise y, and undo it in predictions",
    ),
    Rule(
        "outlier", 74,
        _outlier,
        lambda e: f"row {e.start.examples.largest} has {e.start.examples.share:.0%} of the sum of "
        "squared gradients of all examples",
        "look at this row; mend it, leave it out, or take the loss 'huber'",
    ),
    Rule(
        "shifted_labels", 73,
        _shifted,
        lambda e: f"targets fit the examples {abs(e.dependence.moved)} rows "
        f"{'up' if e.dependence.moved < 0 else 'down'}: moved there, they depend on them by "
        f"{e.dependence.best:.1f} deviations from chance, as they stand by {e.dependence.here:.1f}",
        "look at how X and y are put together",
    ),
    Rule(
        "random_labels", 72,
        _random,
        lambda e: f"targets depend on examples by {e.dependence.here:.1f} deviations from random "
        "orders of them: by chance",
        "look at how X and y are put together; or X says nothing of y",
    ),
    Rule(
        "mislabelled", 71,
        _mislabelled,
        lambda e: f"{len(e.disagreeing)} of {e.data.n} examples have another label than most of "
        f"their neighbours, such as rows {', '.join(map(str, e.disagreeing[:3]))}",
        "look at these labels",
    ),
    Rule(
        "imbalance", 63,
        _imbalance,
        lambda e: f"class {_rarest(e)} has {e.shares[_rarest(e)]:.1%} of the weight, and "
        f"{e.recall(_rarest(e)):.0%} of it is said to be it",
        "weigh each class by 1 / how often it occurs, by `sample_weight`",
    ),
)  # fmt: skip
"""Those of the data."""
