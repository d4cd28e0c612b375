"""The examples that a fit works on, and those that it is measured by."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import _safe_indexing

from chainrule.batches import HeldOut

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

    Where they were set aside, they are the `rows` of all the examples, which lie where they were.
    """

    X: Array
    y: Array
    target: Array
    weight: Array | None
    rows: Array | None = None

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
        return (self.X, self.target, self.weight) if self.rows is None else HeldOut(self.rows)


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
        kept = np.ones(len(self.X), bool)
        kept[held] = False
        return np.flatnonzero(kept)

    @property
    def n(self) -> int:
        """How many examples are in training."""
        held = None if self.held is None else self.held.rows
        return len(self.X) - (0 if held is None else len(HeldOut(held).distinct))

    def part(self, k: int) -> Any:
        """Return the rows in training of the user's X (0) or y (1)."""
        rows = self.rows
        return self.given[k] if rows is None else _safe_indexing(self.given[k], rows)

    @property
    def mean_weight(self) -> float:
        """The mean weight of the examples in training."""
        weights = self.weights()
        return 1.0 if weights is None else float(weights.mean())

    def weights(self) -> Array | None:
        """Return the weights of the examples in training."""
        rows = None if self.weight is None else self.rows
        return self.weight if self.weight is None or rows is None else self.weight[rows]
