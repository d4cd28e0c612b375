r"""The rows of a fit that lie on several ranks, or in shards on one: what is known of all of them.

X   (n, inputs)   the rows here      y   (n,) or (n, targets)      w   (n,)   their weights

Sums go shard by shard in their tree, so that nothing depends on the number of ranks.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from chainrule.dealt_examples import deal
from chainrule.distributed import (
    DealtRows,
    Ranks,
    agree,
    agreed,
    default_shards,
    total_of_shards,
    warn_of_idle,
)
from chainrule.estimators.scorers import Scorer, Scoring
from chainrule.fitting.hold_out import AT_LEAST_TWO, drawn_places
from chainrule.fitting.target_scaling import TargetScale
from chainrule.sparse_rows import as_entries, dense, from_entries, is_sparse, no_rows
from chainrule.streams import Stream, generator

Array = NDArray[Any]

OWN = ("n_jobs", "verbose", "validation_split")
"""The parameters of an estimator that each rank may have its own of."""


class GivenRows(NamedTuple):
    """The rows that this rank has, checked; those `apart` are to be held out, None for no such."""

    X: Array
    y: Array
    w: Array | None
    apart: Array | None

    @property
    def n(self) -> int:
        """How many they are."""
        return int(self.X.shape[0])

    def each(self, do: Callable[[Array], Array]) -> GivenRows:
        """Return what a function makes of each of them."""
        made = [part if part is None else do(part) for part in self]
        return GivenRows(*made)  # type: ignore[arg-type]


def agree_on_rows(estimator: Any, ranks: Ranks, rows: GivenRows, known: dict[str, Any]) -> Any:
    """Raise ValueError at every rank where rows or parameters are not alike; return y's dtype.

    A rank without rows has the dtypes and the shape of y of the others.
    """
    X, y = rows.X, rows.y
    kind = "numbers" if y.dtype.kind in "biuf" else f"dtype kind {y.dtype.kind!r}"
    own: dict[str, Any] = {
        "dtype of X": str(X.dtype),
        "form of X": "sparse" if is_sparse(X) else "dense",
        "shape of a row of y": y.shape[1:],
        "y of": kind,
    }
    own |= {"names of columns": _names(estimator)}
    each = ranks.values((own, y.dtype) if rows.n else None)
    seen = [one for one in each if one is not None]
    if not seen:
        raise agreed(ValueError(f"{type(estimator).__name__}: no rank has any rows"), ranks)
    columns = {"columns of X": X.shape[1], **known, **_parameters(estimator)}
    agree(ranks, (own if rows.n else seen[0][0]) | columns)
    return seen[0][0], np.result_type(*(dtype for _, dtype in seen))


def _names(estimator: Any) -> list[str] | None:
    names = getattr(estimator, "feature_names_in_", None)
    return None if names is None else list(names)


def _parameters(estimator: Any) -> dict[str, str]:
    """The parameters in words, without the places in memory that functions have."""
    given = estimator.get_params(deep=False)
    return {
        name: type(value).__name__
        if isinstance(value, RandomState)
        else re.sub(r" at 0x[0-9a-f]+", "", repr(value))
        for name, value in given.items()
        if name not in OWN
    }


def like_others(estimator: Any, rows: GivenRows, first: dict[str, Any], dtype: Any) -> GivenRows:
    """Return the rows with the dtype that y has on all ranks; where there are none, as others'."""
    if rows.n:
        return rows._replace(y=rows.y.astype(dtype, copy=False))
    if first["names of columns"] is not None:
        estimator.feature_names_in_ = np.array(first["names of columns"], object)
    y = np.empty((0, *first["shape of a row of y"]), dtype)
    X = dense(rows.X).astype(first["dtype of X"])
    return rows._replace(X=no_rows(X) if first["form of X"] == "sparse" else X, y=y)


class SharedRows:
    """All rows of a fit, of which this rank has those of its shards.

    Attributes
    ----------
    here
        The rows that it has, after they are dealt.
    first
        The number of the first of them among all.
    n
        How many there are in all.
    """

    ranks: Ranks
    shards: int
    first: int
    n: Any

    def __init__(self, ranks: Ranks, shards: int | None, batch: int | None, rows: GivenRows):
        n = sum(ranks.values(rows.n))
        most = min(batch or n, n)
        self.ranks, self.shards = ranks, shards or default_shards(most)
        warn_of_idle(ranks, self.shards, most)
        self.dealt: DealtRows = DealtRows(ranks, self.shards, rows.n)
        self.here: GivenRows = rows.each(self._dealt)
        self.first, self.n = self.dealt.held.start, n

    def _dealt(self, own: Array) -> Array:
        if not own.dtype.hasobject:
            dealt: Array = deal(self.dealt, own)
            return dealt
        classes = self.classes(own)
        return np.asarray(classes[self.dealt.deal(np.searchsorted(classes, own))])

    @property
    def leads(self) -> bool:
        """Whether this is the rank that tells the user what all would say."""
        return self.ranks.rank == 0

    @property
    def others(self) -> Ranks | None:
        """The ranks, where there is more than this one."""
        return self.ranks if self.ranks.size > 1 else None

    def count(self, own: int) -> int:
        """Return the sum of a number of each rank."""
        return int(sum(self.ranks.values(own)))

    def total(self, of: Callable[[slice], float]) -> float:
        """Return the sum over all shards of what a function makes of the rows of each."""
        own = [float(of(rows)) for rows in self.dealt.by_shard]
        return total_of_shards(self.ranks, self.shards, own)

    def classes(self, y: Array) -> Array:
        """Return the classes of all rows; labels (n, labels) as they are, or of no row zeros."""
        if y.ndim == 2:
            return y if len(y) else np.zeros((1, y.shape[1]), int)
        each = [found for found in self.ranks.values(np.unique(y)) if len(found)]
        return np.unique(np.concatenate(each))

    def counts(self, codes: Array, classes: int) -> Array:
        """Return how many rows each class has on each rank, (ranks, classes)."""
        own = np.bincount(codes, minlength=classes)
        return np.array(self.ranks.values(own), np.int64)

    def balanced(self, y: Array) -> Array:
        """Return the weights of rows, so that all classes that there are weigh alike."""
        weights = np.ones(len(y))
        for column in np.atleast_2d(y.T):
            classes = np.unique(np.concatenate(self.ranks.values(np.unique(column))))
            codes = np.searchsorted(classes, column)
            counts = self.counts(codes, len(classes)).sum(axis=0)
            weights *= (counts.sum() / (len(classes) * counts))[codes]
        return weights

    def scale(self, targets: Array, weights: Array | None) -> TargetScale:
        """Return the scale of the targets of all rows."""
        largest = np.abs(targets).max(axis=0, initial=0.0)
        largest = np.max(self.ranks.values(largest), axis=0)[None]
        return TargetScale.in_parts(targets, weights, largest, self.total)

    def held_out(self, fraction: float, seed: int, codes: Array | None) -> Array:
        """Return which of the rows here are held out of all, with shares of each class."""
        wanted = int(np.ceil(fraction * self.n))
        if wanted < 2 or wanted >= self.n:
            raise agreed(ValueError(AT_LEAST_TWO), self.ranks)
        places = drawn_places(self.n, wanted, generator(Stream.HELD_OUT, seed))
        own = self.in_order_of_classes(
            np.zeros(self.here.X.shape[0], int) if codes is None else codes
        )
        return np.flatnonzero(np.isin(own, places, kind="sort"))

    def in_order_of_classes(self, codes: Array) -> Array:
        """Return the place of each row here among all, sorted by class, then by number."""
        count = max(self.ranks.values(int(codes.max(initial=0)))) + 1
        counts = self.counts(codes, count)
        before = np.cumsum(counts.sum(axis=0)) - counts.sum(axis=0)
        before += counts[: self.ranks.rank].sum(axis=0)
        order = np.argsort(codes, kind="stable")
        own = counts[self.ranks.rank]
        within = np.arange(len(codes)) - np.repeat(np.cumsum(own) - own, own)
        places = np.empty(len(codes), np.int64)
        places[order] = within + before[codes[order]]
        return places

    def random_state(self, given: Any, own: RandomState) -> RandomState:
        """Return what draws alike on all ranks: as rank 0 would, where each would by itself."""
        if self.ranks.size == 1:
            return own
        if given is None:
            return RandomState(self.ranks.first(int(own.randint(2**31))))
        own.set_state(self.ranks.first(own.get_state()))
        return own

    def gathered(self, own: Array) -> Array:
        """Return what all ranks have, in their order."""
        by_value = own.dtype.hasobject
        return np.concatenate(
            self.ranks.values(own) if by_value else self.ranks.deal([own] * self.ranks.size)
        )

    def at_first(self, own: Array | None) -> Array | None:
        """Return on rank 0 what all have, in their order; elsewhere none of it."""
        if own is None:
            return None
        if own.dtype.hasobject:
            return self.gathered(own)
        if is_sparse(own):
            starts, columns, values = as_entries(own)
            of_all = [self.at_first(part) for part in (np.diff(starts), columns, values)]
            whole: Array = from_entries(own.shape[1], *of_all)
            return whole
        parts = [own if k == 0 else own[:0] for k in range(self.ranks.size)]
        return np.concatenate(self.ranks.deal(parts))

    def scoring(self, own: Scoring, default: Any) -> Scoring:
        """Return what looks at a model by the validation data of all ranks."""
        if self.ranks.size == 1:
            return own
        score = (
            self._by_predictions
            if own.score is default
            else own.score and self._by_first(own.score)
        )
        return Scoring(
            own.model, score, {name: self._by_first(m) for name, m in own.metrics.items()}
        )

    def _by_predictions(self, model: Any, X: Array, y: Array, w: Array | None) -> float:
        """The score of predictions, which each rank makes of its rows."""
        none = np.empty((0, model.network_.outputs), X.dtype)
        predicted = self.gathered(model._predicted(X, "score") if X.shape[0] else none)
        weights = None if w is None else self.gathered(w)
        return float(model._score_of(predicted, self.gathered(y), weights))

    def _by_first(self, score: Scorer) -> Scorer:
        """A score of the user's, which rank 0 takes of all rows."""
        whole: list[Any] = []

        def scored(model: Any, X: Array, y: Array, w: Array | None) -> float:
            whole[:] = whole or map(self.at_first, (X, y, w))
            found = score(model, *whole) if self.leads else 0.0
            return float(self.ranks.first(found))

        return scored
