r"""Means of the target by category, for new rows; cross-fitted for the rows they are made from.

y     (n, names)   of each example in training the numbers whose means are taken
w     (n,)         what it counts            fold   (n,)   which of the folds it is in
sums  (folds, C + 1, 1 + 2 names)            Σ w, Σ w y, Σ w y² of each category; then of none

A mean of few rows is drawn to that of all, as far as the categories differ less than their rows:

    m̂ = (Σ w y + k m) / (Σ w + k),    k = variance within categories / variance between them

Where both are wanted, categories of k rows or more have a vector too: of fewer it would be learnt
by heart.

An example in training gets the means of the rows in the other folds, so that its own target is not
in its inputs; an example held out gets those of all rows in training, as new rows do.

Source: Micci-Barreca (2001), A preprocessing scheme for high-cardinality categorical attributes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainrule.streams import Stream, generator
from chainrule.tabular.columns.column_decisions import FOLDS
from chainrule.tabular.encoding.column_encoders import TINIEST, Features, standardised
from chainrule.tabular.encoding.many_categories import ManyEncoder
from chainrule.tabular.encoding.preparation import Preparation
from chainrule.tabular.encoding.several_targets import SeveralTargets, each_target
from chainrule.tabular.encoding.target_encoding import TargetEncoder
from chainrule.tabular.table_shards import UNPARTED, ShardSums, TableShards

Array = NDArray[Any]

NEW = -1
"""The fold of an example that is not in training."""

MOST_CLASSES = 10
"""The most classes whose shares are taken."""

LEAST = 2
"""The fewest rows of a category that has a vector beside its means."""

DIGITS = 6
"""The digits of a mean: more would say nothing, and take room in the model's file."""


class MeansOf(NamedTuple):
    """The numbers whose means are taken: a quantity, or for some classes whether it is them.

    >>> MeansOf(("mean",)).numbers(np.array([[0.5], [2.0]])).tolist()
    [[0.5], [2.0]]
    """

    names: tuple[str, ...]
    labels: tuple[int, ...] = ()
    columns: tuple[int, ...] = ()
    """Of several targets, those of y that are taken."""

    def numbers(self, y: Array) -> Array:
        """Return them of targets y, (n, names).

        >>> MeansOf(("share of a", "share of b"), (0, 1)).numbers(np.array([1, 0, 2])).tolist()
        [[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]]
        """
        if self.columns:
            return np.asarray(y[:, self.columns], np.float64)
        if not self.labels:
            return np.asarray(y[:, :1], np.float64)
        return np.asarray(y[:, None] == np.array(self.labels), np.float64)


def means_of(target: TargetEncoder, y: Array, shards: TableShards = UNPARTED) -> MeansOf:
    """Return whose means suit a target: its own, or the share of each class.

    Of two classes that of the second tells both; of many the most frequent have theirs. Each rank
    has y of its own rows, and finds the same.

    >>> from chainrule.tabular.encoding.target_encoding import ClassEncoder
    >>> means_of(ClassEncoder("sold", (False, True)), np.array([0, 1]))
    MeansOf(names=('share of true',), labels=(1,), columns=())
    """
    if isinstance(target, SeveralTargets):
        return _means_of_each(target, y, shards)
    if target.task == "regression":
        return MeansOf(("mean",))
    count = shards.added(np.bincount(y, minlength=target.outputs))
    most = sorted(np.argsort(-count, kind="stable")[:MOST_CLASSES].tolist())
    labels = (1,) if target.outputs == 2 else tuple(most)
    names: Sequence[str] = target.names  # type: ignore[attr-defined]
    return MeansOf(tuple(f"share of {names[label]}" for label in labels), labels)


def _means_of_each(target: SeveralTargets, y: Array, shards: TableShards) -> MeansOf:
    """Return whose means suit several targets: those of each, side by side."""
    names: list[str] = []
    columns: list[int] = []
    first = 0
    for part, own in each_target(target, y):
        of = means_of(part, own, shards)
        names += (f"{name} of {part.column}" for name in of.names)
        columns += (first + label for label in of.labels or (0,))
        first += part.outputs
    return MeansOf(tuple(names), columns=tuple(columns))


def dealt_to_folds(
    held: NDArray[np.bool_], groups: Array | None, seed: int, shards: TableShards = UNPARTED
) -> NDArray[np.int8]:
    """Return the fold of each example, `NEW` for those held out; groups stay together.

    Of several ranks each has its own rows, and the groups of all are numbered from 1.

    >>> dealt_to_folds(np.array([False, True, False]), np.array([7, 8, 7]), seed=0)
    array([ 4, -1,  4], dtype=int8)
    """
    n, of = shards.added(len(held)), slice(shards.first, shards.first + len(held))
    if groups is not None:
        n, of = _numbered(groups, shards)  # type: ignore[assignment]
    drawn = generator(Stream.FOLDS, seed).integers(FOLDS, size=n, dtype=np.int8)
    return np.where(held, np.int8(NEW), drawn[of])


def _numbered(groups: Array, shards: TableShards) -> tuple[int, Array]:
    """Return how many groups there are, and the number of each example's, from 0."""
    values = np.unique(np.concatenate(shards.values(np.unique(groups))))
    return len(values), np.searchsorted(values, groups)


class TargetMeans:
    """The sums of a table's examples by category, added up as they pass.

    >>> shop = ManyEncoder("shop", ("a", "b"), ("mean",), (0.0, 0.0), 0, False, False)
    >>> folds = np.array([0, 0, 1, 1, 2, NEW])
    >>> sums = TargetMeans(Preparation((shop,)), folds, w=None)
    >>> frame = pl.DataFrame({"shop": ["a", "b", "a", "b", "a", "a"]})
    >>> sums.add(slice(0, 6), frame, np.array([[1.0], [0.0], [1.0], [0.0], [1.0], [9.0]]))
    >>> sums.fitted()[0].encoders[0].means
    (0.838525, -1.08554)
    >>> X = np.zeros((6, 1), "f4")
    >>> sums.fitted()[1].write(slice(0, 6), frame, X)  # shop a by two of its three rows
    >>> X[:, 0].round(2)
    array([ 0.75, -0.84,  0.75, -0.84,  0.75,  0.  ], dtype=float32)
    """

    given: Preparation
    folds: NDArray[Any]
    w: Array | None
    mean: float

    def __init__(
        self,
        preparation: Preparation,
        folds: NDArray[Any],
        w: Array | None,
        shards: TableShards = UNPARTED,
    ) -> None:
        self.given, self.folds = preparation, folds
        self.shards: TableShards = (
            shards if shards.sizes is not None else shards.chosen(np.arange(len(folds)))
        )
        self.w, self.mean = w, 1.0 if w is None else self._mean_weight(w)
        self.encoders: list[ManyEncoder] = [
            encoder
            for encoder in preparation.encoders
            if isinstance(encoder, ManyEncoder) and encoder.names
        ]
        self.sums: list[ShardSums] = [
            ShardSums(self.shards, (FOLDS, len(encoder.categories) + 1, 1 + 2 * len(encoder.names)))
            for encoder in self.encoders
        ]

    def _mean_weight(self, w: Array) -> float:
        """Return the mean weight of the examples in training."""
        given = self.folds != NEW
        total = self.shards.total(lambda rows: w[rows][given[rows]].sum(dtype=np.float64))
        return float(total / self.shards.added(int(np.count_nonzero(given))))

    @property
    def columns(self) -> list[str]:
        """The columns whose rows are needed."""
        return [encoder.column for encoder in self.encoders]

    def add(self, rows: slice, frame: pl.DataFrame, y: Array) -> None:
        """Add some rows of one shard, with the numbers whose means are taken, (n, names)."""
        shard = self.shards.shard_of(rows.start)
        trained = self.folds[rows] != NEW
        fold, y = self.folds[rows][trained], y[trained]
        w = np.ones(len(trained)) if self.w is None else self.w[rows] / self.mean
        weight = w[trained, None]
        parts = np.concatenate([weight, weight * y, weight * y**2], axis=1)
        for encoder, sums in zip(self.encoders, self.sums, strict=True):
            codes = encoder.codes(frame.get_column(encoder.column))[trained]
            for k, part in enumerate(parts.T):  # row by row: no bit depends on how they are cut
                np.add.at(sums.of(shard)[:, :, k], (fold, codes), part)

    def fitted(self) -> tuple[Preparation, CrossFitted]:
        """Return the preparation of new rows, by all rows in training, and that of these rows.

        What each of these gets is of the rows in the other folds.
        """
        totals = [own.total() for own in self.sums]
        all_rows = [own.sum(axis=0) for own in totals]
        draws = [_draw(own[:-1]) for own in all_rows]
        fitted = iter(map(_fitted, self.encoders, all_rows, draws))
        crossed = [
            np.stack([_means(np.delete(own, f, axis=0).sum(axis=0), by) for f in range(FOLDS)])
            for own, by in zip(totals, draws, strict=True)
        ]
        made = Preparation(
            tuple(next(fitted) if each in self.encoders else each for each in self.given.encoders)
        )
        return made, CrossFitted(made, self.folds, self.encoders, crossed)


class CrossFitted:
    """The means of each category by the rows outside of each fold, (folds, C + 1, names)."""

    def __init__(
        self,
        preparation: Preparation,
        folds: NDArray[Any],
        encoders: Iterable[ManyEncoder],
        tables: Iterable[Features],
    ) -> None:
        self.folds = folds
        self.parts: list[tuple[ManyEncoder, int, NDArray[np.float32]]] = [
            (encoder, preparation.places[encoder.column][0], table)
            for encoder, table in zip(encoders, tables, strict=True)
        ]

    def coded(self, frame: pl.DataFrame, X: Features) -> Features:
        """Return inputs with the code of each category for its means: equal where rows are."""
        X = X.copy()
        for encoder, first, table in self.parts:
            X[:, first : first + table.shape[2]] = 0
            X[:, first] = encoder.codes(frame.get_column(encoder.column))
        return X

    def write(self, rows: slice, frame: pl.DataFrame, X: Features) -> None:
        """Put these means into the inputs of those rows of a frame that are in training."""
        folds = self.folds[rows]
        trained = np.flatnonzero(folds != NEW)
        for encoder, first, table in self.parts:
            codes = encoder.codes(frame.get_column(encoder.column))
            X[trained, first : first + table.shape[2]] = table[folds[trained], codes[trained]]


class _Draw(NamedTuple):
    """How means are drawn to that of all, and standardised: m, k and the scale, (names,) each."""

    m: Array
    k: Array
    scale: Array


def _draw(sums: Array) -> _Draw:
    """Return it by the sums of all rows, (C, 1 + 2 names), by an analysis of variance."""
    n, total, squares = _parts(sums)
    rows, groups = n.sum(), max(int(np.count_nonzero(n)), 1)
    m, means = total.sum(axis=0) / rows, total / np.maximum(n, TINIEST)
    within = np.maximum(squares - n * means**2, 0).sum(axis=0) / max(rows - groups, 1)
    apart = (n * (means - m) ** 2).sum(axis=0) - (groups - 1) * within
    between = np.maximum(apart / max(rows - (n**2).sum() / rows, TINIEST), 0)
    k = np.maximum(np.divide(within, between, out=np.full_like(m, np.inf), where=between > 0), 1)
    scale = np.sqrt((n * _off(sums, m, k) ** 2).sum(axis=0) / rows)
    return _Draw(m, k, np.where(scale > TINIEST, scale, 1))


def _fitted(encoder: ManyEncoder, sums: Array, by: _Draw) -> ManyEncoder:
    """Return an encoder with its means, in few digits; what has a vector stands first."""
    enough = sums[:-1, 0] >= max(by.k.min(), LEAST)
    order = np.argsort(~enough, kind="stable")
    means = _means(sums, by)[order].T.ravel().tolist()
    return dataclasses.replace(
        encoder,
        categories=tuple(encoder.categories[k] for k in order.tolist()),
        means=tuple(float(f"{mean:.{DIGITS}g}") for mean in means),
        vectors=int(enough.sum()) if encoder.vectors else 0,
    )


def _parts(sums: Array) -> tuple[Array, Array, Array]:
    """Return Σ w (C, 1), Σ w y and Σ w y² (C, names)."""
    names = (sums.shape[1] - 1) // 2
    return sums[:, :1], sums[:, 1 : 1 + names], sums[:, 1 + names :]


def _off(sums: Array, m: Array, k: Array) -> Array:
    """Return m̂ − m, (C, names)."""
    n, total, _ = _parts(sums)
    return np.asarray((total - n * m) / (n + k))


def _means(sums: Array, by: _Draw) -> Features:
    """Return the means of each category, standardised; then 0 for none, (C + 1, names)."""
    made = standardised(_off(sums, by.m, by.k) / by.scale, 0.0, 1.0)
    made[-1] = 0
    return made
