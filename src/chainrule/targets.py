r"""The kinds of target that losses compare with: what y must be, and its form in the arithmetic.

y   (n,) or (n, o)   as the user has it
    (n, o)           as the losses want it, in the dtype of the network's output
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import as_numbers, finite
from chainrule.trees import Array


@dataclass(frozen=True)
class Target:
    """A kind of target: what its values must be, in words and as a test, and samples of it."""

    must: str
    holds: Callable[[Array], Array]
    sample: Callable[[np.random.Generator, int, int], NDArray[Any]]


TARGETS: dict[str, Target] = {
    "real": Target(
        "finite numbers",
        holds=lambda y: (y > -math.inf) & (y < math.inf),
        sample=lambda rng, n, o: rng.normal(size=(n, o)),
    ),
    "count": Target(
        "numbers >= 0",
        holds=lambda y: y >= 0,
        sample=lambda rng, n, o: rng.poisson(2.0, size=(n, o)).astype(float),
    ),
    "sign": Target(
        "-1 or 1 (for labels 0 and 1 give 2 * y - 1)",
        holds=lambda y: (y == -1) | (y == 1),
        sample=lambda rng, n, o: rng.choice([-1.0, 1.0], size=(n, o)),
    ),
    "probability": Target(
        "labels 0 and 1, or probabilities between them",
        holds=lambda y: (y >= 0) & (y <= 1),
        sample=lambda rng, n, o: rng.choice([0.0, 0.25, 1.0], size=(n, o)),
    ),
    "class": Target(
        "integer labels (n,), or one row of probabilities for each example",
        holds=lambda y: (y >= 0) & (y <= 1),
        sample=lambda rng, n, o: np.eye(o)[rng.integers(o, size=n)],
    ),
}


class HeadTarget(NamedTuple):
    """What one of several heads compares with: its loss's name and kind, and how many columns."""

    name: str
    kind: str
    outputs: int


Targets = str | tuple[HeadTarget, ...]
"""The kind of a target, or what each of several heads compares with."""


def sample(kind: Targets, rng: np.random.Generator, n: int, outputs: int) -> NDArray[Any]:
    """Return random targets of a kind, or of several heads side by side, (n, outputs).

    >>> sample("sign", np.random.default_rng(0), 1, 2).tolist()
    [[1.0, 1.0]]
    """
    if isinstance(kind, str):
        return TARGETS[kind].sample(rng, n, outputs)
    return np.hstack([TARGETS[head.kind].sample(rng, n, head.outputs) for head in kind])


def check_targets(
    kind: Targets, y: Any, n: int, outputs: int, dtype: Any, xp: Any, *, what: str = "y"
) -> Array:
    """Return y as labels (n,) or as numbers (n, outputs) of the given dtype.

    Rows of probabilities come back with a sum of 1 to the last digit.

    Raises TypeError for a y that is not of numbers, ValueError for a shape that does not fit or a
    value that the kind does not allow.
    """
    y = xp.asarray(as_numbers(what, y))
    if kind == "class" and y.ndim == 1:
        return _check_labels(what, y, n, outputs, xp)
    if y.shape != (n, outputs) and (y.shape, outputs) != ((n,), 1):
        labels = ", or integer labels (n,)" if kind == "class" else ""
        column = kind == "class" and tuple(y.shape) == (n, 1)
        fix = "; y.ravel() makes labels of a column" if column else ""
        raise ValueError(
            f"{what} must have one row for each of the {n} rows of X and one column for each of "
            f"the {outputs} outputs, shape ({n}, {outputs}){labels}; "
            f"got shape {tuple(y.shape)}{fix}"
        )
    y = finite(what, xp.reshape(y, (n, outputs)), dtype, xp)
    if isinstance(kind, str):
        return _checked(what, kind, y, xp, TARGETS[kind].must)
    parts, first = [], 0
    for k, head in enumerate(kind, start=1):
        columns = y[:, first : first + head.outputs]
        name = f"{what}, head {k} ({head.name}),"
        parts.append(_checked(name, head.kind, columns, xp, _must_of_head(head.kind), first))
        first += head.outputs
    return xp.concat(parts, axis=1)


def _must_of_head(kind: str) -> str:
    """In words, what a head's columns must hold: labels (n,) fit beside no others."""
    return "probabilities" if kind == "class" else TARGETS[kind].must


def encode(y: Array, outputs: int, dtype: Any, xp: Any) -> Array:
    """Return checked targets as numbers (n, outputs): labels become one-hot rows."""
    if y.ndim > 1:
        return y
    return xp.astype(y[:, None] == xp.arange(outputs, dtype=y.dtype), dtype)


def _check_labels(what: str, y: Array, n: int, classes: int, xp: Any) -> Array:
    if y.shape != (n,):
        raise ValueError(
            f"{what} must have one label for each of the {n} rows of X, got {y.shape[0]}"
        )
    if xp.isdtype(y.dtype, "bool"):
        y = xp.astype(y, xp.uint8)
    if not xp.isdtype(y.dtype, "integral"):
        raise TypeError(
            f"{what} must hold integer labels 0 to {classes - 1}, got dtype {y.dtype}; convert "
            "them with y.astype(int), or give one row of probabilities for each example"
        )
    low, high = int(xp.min(y)), int(xp.max(y))  # before any cast: a label must not wrap
    if low < 0 or high >= classes:
        wrong = low if low < 0 else high
        row = int(xp.argmax(xp.astype(y == wrong, xp.uint8)))
        raise ValueError(
            f"{what} must hold labels 0 to {classes - 1}, one for each of the network's {classes} "
            f"outputs, got {wrong} at row {row}{_fix(classes)}"
        )
    return xp.astype(y, xp.int64, copy=False)


def _checked(what: str, kind: str, y: Array, xp: Any, must: str, first: int = 0) -> Array:
    """Return numbers (n, o), of which column 0 is the user's column `first`, or raise."""
    right = TARGETS[kind].holds(y)
    if not bool(xp.all(right)):
        wrong = xp.astype(~right, xp.uint8)
        row, column = divmod(int(xp.argmax(xp.reshape(wrong, (-1,)))), y.shape[1])
        raise ValueError(
            f"{what} must hold {must}, got {float(y[row, column]):g} at row {row}, "
            f"column {first + column}"
        )
    if kind != "class":
        return y
    sums = xp.sum(y, axis=1, keepdims=True)
    gap = xp.abs(sums[:, 0] - 1)
    row = int(xp.argmax(gap))
    if float(gap[row]) > 1e-3:
        raise ValueError(
            f"{what} must hold {must} that sum to 1, row {row} sums to {float(sums[row, 0]):g}"
            f"{_fix(y.shape[1])}"
        )
    return y / sums


def _fix(classes: int) -> str:
    """Return what to do where there is one output for the classes: its softmax is always 1."""
    fix = "; of one output the softmax is always 1: give two, or take 'binary_cross_entropy'"
    return fix if classes == 1 else ""
