"""What stands in for a model where a target is always the same: there is nothing to learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from chainrule.tabular.encoding.target_encoding import ClassEncoder, QuantityEncoder, TargetEncoder
from chainrule.tabular.prediction_columns import prediction_columns, prediction_names


@dataclass(frozen=True)
class ConstantModel:
    """Predicts of every row what all rows in training had, in the columns of `TableModel`.

    >>> ConstantModel.of("cut", "Fair").predict(pl.DataFrame({"size": [3]})).row(0)
    ('Fair', 1.0)
    """

    target: TargetEncoder
    interval: float | None = None

    @classmethod
    def of(cls, name: str, value: Any, quantiles: tuple[float, ...] | None = None) -> ConstantModel:
        """Return that of a class, or with quantiles, perhaps none, of a quantity.

        >>> model = ConstantModel.of("price", 1.5, (0.1, 0.9))
        >>> model.predict(pl.DataFrame({"size": [3]})).row(0)
        (1.5, 1.5)
        """
        if quantiles is not None:
            levels = tuple(sorted(quantiles))
            return cls(QuantityEncoder(name, float(value), 1.0, levels))
        whole = isinstance(value, float)
        return cls(ClassEncoder(name, (int(value) if whole else value,)))

    @property
    def quantiles(self) -> tuple[float, ...]:
        """The quantiles that are predicted."""
        return getattr(self.target, "quantiles", ())

    @property
    def outputs_named(self) -> tuple[str, ...]:
        """The class, or what the quantities are called."""
        return tuple(getattr(self.target, "names", prediction_names(self.target)))

    def predict(self, table: pl.DataFrame) -> pl.DataFrame:
        """Return the predictions for the rows of a table.

        Parameters
        ----------
        table
            Any rows.
        """
        value = getattr(self.target, "centre", 1.0)  # of a class the probability
        p = np.full((table.height, self.target.outputs), value)
        bounds = p.repeat(2, axis=1) if self.has_bounds else None
        if self.interval is not None and self.target.task == "classification":
            bounds = p >= 1
        return pl.DataFrame(prediction_columns(self.target, p, bounds))

    @property
    def has_bounds(self) -> bool:
        """Whether bounds stand beside the predictions: they are the same."""
        return self.interval is not None and self.target.task == "regression"
