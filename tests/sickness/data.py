"""The real data of the collection: tasks made of the tables that come with scikit-learn.

X   (n, i)   the examples, prepared      raw   (n, i)   as they come      y   (n,) or (n, o)
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn import datasets

Array = np.ndarray[Any, Any]


class Part(NamedTuple):
    """Some rows of a task: prepared inputs, the inputs as they come, targets."""

    X: Array
    raw: Array
    y: Array


class Task(NamedTuple):
    """Rows to train with, rows held out, and how many classes y has: 0 where it is numbers."""

    train: Part
    held_out: Part
    classes: int


def _table(name: str) -> tuple[Array, Array]:
    table = getattr(datasets, f"load_{name}")()
    return np.asarray(table.data, float), np.asarray(table.target)


def _diabetes() -> tuple[Array, Array]:
    table = datasets.load_diabetes(scaled=False)
    return np.asarray(table.data, float), np.asarray(table.target, float)


def _high() -> tuple[Array, Array]:
    """Which patients are among the worst tenth."""
    X, y = _diabetes()
    return X, (y > np.quantile(y, 0.9)).astype(int)


def _alcohol() -> tuple[Array, Array]:
    X, _ = _table("wine")
    return X[:, 1:], X[:, 0]


def _pixels() -> tuple[Array, Array]:
    """The images themselves, to be found again behind fewer values."""
    X, _ = _table("digits")
    return X, X / 16


def _bright() -> tuple[Array, Array]:
    """How many of an image's pixels are brighter than half, in tens."""
    X, _ = _table("digits")
    return X, np.sum(X > 8, axis=1) / 10.0


def _remainder() -> tuple[Array, Array]:
    """The last digit of twice the number that an image shows."""
    X, y = _table("digits")
    return X, y % 5


def _concavity() -> tuple[Array, Array]:
    """How concave the cells are in the mean, by all other measures."""
    X, _ = _table("breast_cancer")
    return np.delete(X, 6, axis=1), X[:, 6]


TASKS: dict[str, tuple[Callable[[], tuple[Array, Array]], str, int]] = {
    "digits": (functools.partial(_table, "digits"), "class", 1000),
    "iris": (functools.partial(_table, "iris"), "class", 90),
    "wine": (functools.partial(_table, "wine"), "class", 100),
    "cancer": (functools.partial(_table, "breast_cancer"), "class", 350),
    "high": (_high, "class", 280),
    "diabetes": (_diabetes, "number", 280),
    "alcohol": (_alcohol, "number", 110),
    "pixels": (_pixels, "image", 800),
    "remainder": (_remainder, "class", 600),
    "concavity": (_concavity, "number", 300),
    "bright": (_bright, "count", 800),
}
"""By name: where the task comes from, what y is, and how many rows are for training."""


@functools.cache
def task(name: str) -> Task:
    """Return a task, split in a random order that is always the same.

    Columns have mean 0 and deviation 1, those of images lie between 0 and 1; so does y, of numbers.
    """
    load, kind, rows = TASKS[name]
    raw, y = load()
    order = np.random.default_rng(0).permutation(len(raw))
    raw, y = raw[order], y[order]
    image = name in ("digits", "pixels", "bright", "remainder")
    X = raw / 16 if image else (raw - raw[:rows].mean(axis=0)) / raw[:rows].std(axis=0)
    if kind == "number":
        y = (y - y[:rows].mean()) / y[:rows].std()
    classes = int(y.max()) + 1 if kind == "class" else 0
    return Task(Part(X[:rows], raw[:rows], y[:rows]), Part(X[rows:], raw[rows:], y[rows:]), classes)
