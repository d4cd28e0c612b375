"""The examples that a fit works on, and those that it is measured by."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.batches import HeldOut
from chainrule.estimators.shared_rows import SharedRows
from chainrule.fitting.sklearn_versions import part_of

Array = NDArray[Any]


class ValidationArguments(NamedTuple):
    """`X_val`, `y_val` and `sample_weight_val` as they were given."""

    X: Any
    y: Any
    weight: Any

    def check(self) -> None:
        """Raise unless X and y come together, and weights with them."""
        if (self.X is None) != (self.y is None):
            given, missing = ("X_val", "y_val") if self.y is None else ("y_val", "X_val")
            raise ValueError(f"{given} was given without {missing}; validation data need both")
        if self.X is None and self.weight is not None:
            raise ValueError("sample_weight_val was given without X_val and y_val")


class ValidationData(NamedTuple):
    """Validation data as the user has them, with y as the core has it too.

    Where they were set aside, they are the `rows` of all the examples, which lie where they were;
    `first` is the number of the first of these among those of all ranks.
    """

    X: Array
    y: Array
    target: Array
    weight: Array | None
    rows: Array | None = None
    first: int = 0

    @property
    def measured(self) -> tuple[Array, Array, Array | None]:
        """What scores and metrics are taken of: of a part set aside a copy, made for the moment."""
        X, y, weight, rows = self.X, self.y, self.weight, self.rows
        if rows is None:
            return X, y, weight
        return X[rows], y[rows], None if weight is None else weight[rows]

    @property
    def as_fit_takes_it(self) -> Any:
        """These data as `fit` takes them."""
        return (
            (self.X, self.target, self.weight)
            if self.rows is None
            else HeldOut(self.rows + self.first)
        )


class OfAll(NamedTuple):
    """What is known of the examples in training of all ranks."""

    n: int
    mean_weight: float


class FitData(NamedTuple):
    """What a fit works on: the examples as the user gave them, and as arrays.

    Those that were set aside for validation are among them.
    """

    given: tuple[Any, Any]
    X: Array
    y: Array
    target: Array
    weight: Array | None
    held: ValidationData | None
    shared: SharedRows | None = None
    of_all: OfAll | None = None

    @property
    def measured(self) -> tuple[Array, Array, Array | None]:
        """What metrics are taken of where there are no validation data."""
        return self.X, self.y, self.weight

    @property
    def rows(self) -> Array | None:
        """The numbers of the examples in training, None for all."""
        held = None if self.held is None else self.held.rows
        if held is None:
            return None
        kept = np.ones(self.X.shape[0], bool)
        kept[held] = False
        return np.flatnonzero(kept)

    @property
    def n(self) -> int:
        """How many examples are in training, on all ranks."""
        return self.of_all.n if self.of_all else self._n

    @property
    def _n(self) -> int:
        held = None if self.held is None else self.held.rows
        return int(self.X.shape[0]) - (0 if held is None else len(HeldOut(held).distinct))

    def part(self, k: int) -> Any:
        """Return the rows in training of the user's X (0) or y (1)."""
        rows = self.rows
        return self.given[k] if rows is None else part_of(self.given[k], rows)

    @property
    def leads(self) -> bool:
        """Whether this process tells the user what there is to tell: of several ranks the first."""
        return self.shared is None or self.shared.leads

    @property
    def mean_weight(self) -> float:
        """The mean weight of the examples in training, of all ranks."""
        if self.of_all:
            return self.of_all.mean_weight
        weights = self.weights()
        return 1.0 if weights is None else float(weights.mean())

    def with_others(self, shared: SharedRows) -> FitData:
        """Return the same, with what is known of the examples of all ranks."""
        n = shared.count(self._n)
        if self.weight is None:
            return self._replace(shared=shared, of_all=OfAll(n, 1.0))
        w = self.weight.copy()
        if self.held is not None and self.held.rows is not None:
            w[self.held.rows] = 0
        total = shared.total(lambda rows: w[rows].sum())
        if not total > 0:
            raise ValueError("the weights of the examples in training are all 0")
        return self._replace(shared=shared, of_all=OfAll(n, total / n))

    def weights(self) -> Array | None:
        """Return the weights of the examples in training."""
        rows = None if self.weight is None else self.rows
        return self.weight if self.weight is None or rows is None else self.weight[rows]
