"""From what `fit` is given to its examples: checked, dealt among ranks, some of them held out."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.distributed import Ranks
from chainrule.estimators import hyperparameters, inputs
from chainrule.estimators.fit_data import FitData, ValidationArguments, ValidationData
from chainrule.estimators.mlp_parameters import MLPParameters
from chainrule.estimators.shared_rows import GivenRows, SharedRows, agree_on_rows, like_others
from chainrule.fitting.hold_out import as_given, as_scikit_learn
from chainrule.sparse_rows import in_form, is_sparse

Array = NDArray[Any]

AUTO = 200
"""The examples of a step under `batch_size="auto"`, where there are as many."""


class FitExamples(MLPParameters):
    """What both estimators make of the rows that they are given."""

    classes_: Array
    seed_: int
    t_: int

    @abstractmethod
    def _stratify(self, y: Array) -> Array | None:
        """Return the classes whose shares a part set aside is to keep."""

    def _weights(
        self, y: Array, sample_weight: Array | None, shared: SharedRows | None = None
    ) -> Array | None:
        """Return the weights of the examples."""
        return sample_weight

    @abstractmethod
    def _learn(
        self,
        y: Array,
        weight: Array | None,
        shared: SharedRows | None,
        *,
        first: bool,
        whole: bool,
    ) -> None:
        """Learn what y consists of, or raise where it does not fit what was learnt before."""

    @abstractmethod
    def _encode(self, y: Array) -> Array:
        """Return y as the core has it."""

    def _data(
        self,
        X: Any,
        y: Any,
        weight: Any,
        given: ValidationArguments,
        ranks: Ranks | None = None,
        *,
        first: bool,
        whole: bool,
    ) -> FitData:
        """Return the examples, checked, apart from those that are held out."""
        if first:
            self._library = inputs.library(X)
        rows = self._rows(X, y, weight, ranks, first=first)
        rows = rows._replace(apart=self._apart(given, rows, whole=whole))
        shared = None
        if ranks is not None:
            shared = self._shared(ranks, rows, given, first=first, whole=whole)
            rows, X, y = shared.here, shared.here.X, shared.here.y
        self._learn(rows.y, rows.w, shared, first=first, whole=whole)
        target = self._encode(rows.y)
        if first:
            self._begin(rows.X, target, shared)
        held = self._held(given, rows, target, shared, whole=whole)
        apart = held is not None and held.rows is not None
        weights = (
            held.weight if held is not None and apart else self._weights(rows.y, rows.w, shared)
        )
        data = FitData((X, y), rows.X, rows.y, target, weights, held)
        return data if shared is None else data.with_others(shared)

    def _rows(
        self, X: Any, y: Any, weight: Any, ranks: Ranks | None, *, first: bool, of: str = ""
    ) -> GivenRows:
        """Return examples as arrays, checked; `of` says what weights are called."""
        none = ranks is not None and ranks.size > 1 and not np.shape(X)[0]
        check = inputs.check_no_rows if none else inputs.check_data
        checked, labels = check(self, X, y, first=first)
        what, whole = f"sample_weight{of}", ranks is None or ranks.size == 1
        return GivenRows(
            checked, labels, inputs.check_sample_weight(weight, checked, what, whole=whole), None
        )

    def _shared(
        self,
        ranks: Ranks,
        rows: GivenRows,
        given: ValidationArguments,
        *,
        first: bool,
        whole: bool,
    ) -> SharedRows:
        """Return the rows of all ranks, which must be alike, dealt among them."""
        known = {
            "sample_weight": "left out" if rows.w is None else "given",
            "X_val": "left out" if given.X is None else "given",
            "sample_weight_val": "left out" if given.weight is None else "given",
            "validation_split": "left out" if rows.apart is None else "given",
            "the method": "fit" if whole else "partial_fit",
            "the classes": repr(vars(self).get("_all_classes")),
            "the model": "new" if first else f"of {self.t_} examples seen",
        }
        seen, dtype = agree_on_rows(self, ranks, rows, known)
        batch = AUTO if isinstance(self.batch_size, str) else self.batch_size
        return SharedRows(ranks, self.shards, batch, like_others(self, rows, seen, dtype))

    def _apart(
        self, given: ValidationArguments, rows: GivenRows, *, whole: bool
    ) -> NDArray[np.bool_] | None:
        """Return which of the rows `validation_split` holds out, if it is asked for."""
        asked = self.validation_split
        if asked is None or given.X is not None or not (whole and hyperparameters.is_descent(self)):
            return None
        apart = np.zeros(rows.n, bool)
        if rows.n:
            what = f"{type(self).__name__}: validation_split"
            apart[as_given(what, asked, rows.X, rows.y)] = True
        return apart

    def _held(
        self,
        given: ValidationArguments,
        rows: GivenRows,
        target: Array,
        shared: SharedRows | None,
        *,
        whole: bool,
    ) -> ValidationData | None:
        """The validation data: those given, or some set aside."""
        descends = hyperparameters.is_descent(self)
        if given.X is not None:
            if not descends:
                raise ValueError(
                    f"{type(self).__name__}: X_val and y_val are for solvers that make epochs; "
                    "solver='lbfgs' makes none"
                )
            return self._given(given, rows, shared)
        if not (whole and descends and (self.early_stopping or rows.apart is not None)):
            return None
        apart = self._rows_held_out(rows, shared)
        weights = self._weights_apart(rows, apart, shared)
        first = 0 if shared is None else shared.first
        return ValidationData(rows.X, rows.y, target, weights, apart, first)

    def _given(
        self, given: ValidationArguments, rows: GivenRows, shared: SharedRows | None
    ) -> ValidationData:
        ranks = None if shared is None else shared.ranks
        val = self._rows(given.X, given.y, given.weight, ranks, first=False, of="_val")
        if not val.n:
            val = val._replace(
                X=in_form(val.X.astype(rows.X.dtype), sparse=is_sparse(rows.X)), y=rows.y[:0]
            )
        weights = self._weights(val.y, val.w, shared)
        return ValidationData(val.X, val.y, self._encode(val.y), weights)

    def _rows_held_out(self, rows: GivenRows, shared: SharedRows | None) -> Array:
        """Return the rows to set aside for validation."""
        if rows.apart is not None:
            return np.flatnonzero(rows.apart)
        classes = self._stratify(rows.y)
        if shared is None:
            return as_scikit_learn(rows.n, self.validation_fraction, self.seed_, classes)
        codes = None if classes is None else np.searchsorted(self.classes_, classes)
        return shared.held_out(self.validation_fraction, self.seed_, codes)

    def _weights_apart(
        self, rows: GivenRows, apart: Array, shared: SharedRows | None
    ) -> Array | None:
        """The weights of all examples: of a part set aside, and of the others, each by itself."""
        held = np.zeros(len(rows.y), bool)
        held[apart] = True
        parts = [
            (of, self._weights(rows.y[of], rows.w if rows.w is None else rows.w[of], shared))
            for of in (held, ~held)
        ]
        whole = np.empty(len(rows.y))
        for of, w in parts:
            if w is None:
                return None
            whole[of] = w
        return whole

    @abstractmethod
    def _begin(self, X: Array, target: Array, shared: SharedRows | None) -> None:
        """Draw new parameters, and forget all earlier calls."""
