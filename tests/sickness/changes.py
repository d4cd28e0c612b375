"""What may be done to the parameters, the inputs, the rows and the targets of a setting.

Each function takes its numbers and returns the change; what is random has a seed of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.schedules import Schedule
from sickness.data import Array

Change = Callable[[Any], Any]
SEED = 7


def nothing(given: Any) -> Any:
    return given


def all_rows(y: Array) -> slice:
    return slice(None)


# ---- rates ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FirstThen(Schedule):
    """One rate for the first step, another for all that follow."""

    first: float
    then: float

    def __call__(self, t: int) -> float:
        return self.first if t == 1 else self.then


# ---- parameters ----------------------------------------------------------------------------------


def _each_dense(params: Any, change: Callable[[int, Any], Any]) -> Any:
    """Change each dense layer, numbered from 0; the others stay."""
    made, k = [], 0
    for part in params:
        if hasattr(part, "W"):
            made.append(change(k, part))
            k += 1
        else:
            made.append(part)
    return tuple(made)


def weights_times(factor: float) -> Change:
    return lambda params: _each_dense(params, lambda k, p: p._replace(W=p.W * np.float32(factor)))


def weights_are(value: float) -> Change:
    return lambda params: _each_dense(
        params, lambda k, p: p._replace(W=np.full_like(p.W, value), b=np.zeros_like(p.b))
    )


def biases_are(value: float, share: float = 1.0) -> Change:
    """Set the biases of a share of each hidden layer's units."""

    def change(params: Any) -> Any:
        def one(k: int, p: Any) -> Any:
            if k == len([q for q in params if hasattr(q, "W")]) - 1:
                return p
            b = p.b.copy()
            b[: round(share * len(b))] = value
            return p._replace(b=b)

        return _each_dense(params, one)

    return change


def units_alike(kinds: int) -> Change:
    """Let the units of the hidden layers be copies of the first few, going in and going out."""

    def change(params: Any) -> Any:
        last = len([q for q in params if hasattr(q, "W")]) - 1

        def one(k: int, p: Any) -> Any:
            W, b = p.W.copy(), p.b.copy()
            if k > 0:
                W = W[:, np.arange(W.shape[1]) % kinds]
            if k < last:
                W, b = W[np.arange(len(W)) % kinds], b[np.arange(len(b)) % kinds]
            return p._replace(W=W, b=b)

        return _each_dense(params, one)

    return change


# ---- inputs --------------------------------------------------------------------------------------


def column_times(column: int, factor: float) -> Change:
    def change(X: Array) -> Array:
        X = X.copy()
        X[:, column] *= factor
        return X

    return change


def inputs_times(factor: float, plus: float = 0.0) -> Change:
    return lambda X: X * factor + plus


def constant_but(columns: int) -> Change:
    """Let all columns but the first few be what they are in the first row."""

    def change(X: Array) -> Array:
        X = X.copy()
        X[:, columns:] = 0.5
        return X

    return change


def row_times(row: int, factor: float) -> Change:
    def change(X: Array) -> Array:
        X = X.copy()
        X[row] *= factor
        return X

    return change


# ---- rows ----------------------------------------------------------------------------------------


def first(rows: int) -> Change:
    return lambda y: slice(rows)


def by_class(y: Array) -> Array:
    return np.argsort(y, kind="stable")


def few_of(label: int, rows: int) -> Change:
    """Keep only some rows of one class."""
    return lambda y: np.sort(
        np.concatenate([np.flatnonzero(y != label), np.flatnonzero(y == label)[:rows]])
    )


# ---- targets -------------------------------------------------------------------------------------


def rolled(rows: int) -> Change:
    return lambda y: np.roll(y, rows, axis=0)


def shuffled(y: Array) -> Array:
    return np.random.default_rng(SEED).permutation(y)


def flipped(share: float, classes: int) -> Change:
    """Let a share of the labels be another one."""

    def change(y: Array) -> Array:
        rng = np.random.default_rng(SEED)
        wrong = rng.permutation(len(y))[: round(share * len(y))]
        y = y.copy()
        y[wrong] = (y[wrong] + rng.integers(1, classes, size=len(wrong))) % classes
        return y

    return change


def from_one(y: Array) -> Array:
    return y + 1


def times(factor: float, plus: float = 0.0) -> Change:
    return lambda y: y * factor + plus


def one_is(row: int, value: float) -> Change:
    def change(y: Array) -> Array:
        y = y.copy()
        y[row] = value
        return y

    return change
