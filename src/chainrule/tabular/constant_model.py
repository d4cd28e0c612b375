"""What stands in for a model where there is nothing to learn: of every row it predicts the same.

y   (n,) classes or values, or (n, targets)      w   (n,) weights, or None
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainrule.tabular.bounds import bounded, levels, narrowest
from chainrule.tabular.class_sets import sets_of, unlikely
from chainrule.tabular.encoding.several_targets import SeveralTargets
from chainrule.tabular.encoding.target_encoding import (
    ClassEncoder,
    QuantityEncoder,
    TargetEncoder,
)
from chainrule.tabular.formats.column_values import kind
from chainrule.tabular.intervals import Interval, conformal
from chainrule.tabular.objectives import class_weights
from chainrule.tabular.prediction_columns import prediction_columns, prediction_names
from chainrule.tabular.training_options import Options

Array = NDArray[Any]


def tell_nothing(frame: pl.DataFrame) -> bool:
    """Whether all columns of a frame are constant, or without any value.

    >>> tell_nothing(pl.DataFrame({"x": [1, 1], "y": [None, None]}))
    True
    """
    return frame.width > 0 and all(map(_is_constant, frame.iter_columns()))


def _is_constant(column: pl.Series) -> bool:
    values = column.fill_nan(None) if column.dtype.is_float() else column
    if values.null_count() == len(values):
        return True
    return kind(values.dtype) != "other" and values.n_unique() == 1


@dataclass(frozen=True, eq=False)
class ConstantModel:
    """Predicts of every row what suits those in training best, in the columns of `TableModel`.

    >>> model = ConstantModel.of(["cut"], np.array(["Fair"] * 9), None, Options())
    >>> model.predict(pl.DataFrame({"size": [3]})).row(0)
    ('Fair', 1.0)
    """

    target: TargetEncoder
    baseline: Array
    interval: Interval | None = None
    bounds: Array | None = None

    @classmethod
    def of(
        cls, names: Sequence[str], y: Array, w: Array | None, options: Options, held_out: int = 0
    ) -> ConstantModel:
        """Return that of some rows: shares of the classes, means, or quantiles.

        The last rows are held out: an interval is of them, or else of all.

        >>> y = np.array([0.0, 1.0, 5.0])
        >>> ConstantModel.of(["price"], y, None, Options(task="regression")).baseline
        array([2.])
        """
        rows = slice(len(y) - held_out)
        target, values = _target(names, y, y[rows], options)
        own = w if w is None else w[rows]
        each = zip(target.each, values, strict=True)
        p = np.concatenate([_best(part, part_of[rows], own, options) for part, part_of in each])
        share = options.interval
        if share is None:
            return cls(target, p)
        judged = slice(len(y) - held_out if held_out else 0, None)
        w = w if w is None else w[judged]
        return cls(target, p, *_interval(target, p, values[0][judged], w, share))

    @property
    def outputs_named(self) -> tuple[str, ...]:
        """The classes, or what the quantities are called."""
        return tuple(getattr(self.target, "names", prediction_names(self.target)))

    def predict(self, table: pl.DataFrame) -> pl.DataFrame:
        """Return the predictions for the rows of a table.

        Parameters
        ----------
        table
            Any rows.
        """
        p = np.tile(self.baseline, (table.height, 1))
        bounds = None if self.bounds is None else np.tile(self.bounds, (table.height, 1))
        if self.interval is not None and bounds is None:
            bounds = sets_of(p, self.interval.threshold)
        return pl.DataFrame(prediction_columns(self.target, p, bounds))


def _target(
    names: Sequence[str], y: Array, known: Array, options: Options
) -> tuple[TargetEncoder, list[Array]]:
    """Return the target, and of each of several the labels or the values of all rows."""
    if options.task != "regression":
        classes = np.unique(known)
        named = [int(each) if isinstance(each, float) else each for each in classes.tolist()]
        return ClassEncoder(names[0], tuple(named)), [np.searchsorted(classes, y)]
    parts = tuple(QuantityEncoder(name, 0.0, 1.0, options.quantiles) for name in names)
    target = SeveralTargets(parts) if len(parts) > 1 else parts[0]
    return target, list(y.reshape(len(y), -1).astype(np.float64).T)


def _best(target: TargetEncoder, values: Array, w: Array | None, options: Options) -> Array:
    """Return the prediction that suits the rows in training best, (outputs,)."""
    if target.task == "classification":
        of_class = class_weights(target, options.class_weight, values, w)
        each = np.ones(len(values)) if w is None else w
        counts = np.bincount(values, each if of_class is None else each * of_class[values])
        return np.asarray(counts / counts.sum())
    middle = (0.5,) if options.loss == "absolute_error" else ()
    if asked := options.quantiles or middle:
        return np.asarray(np.quantile(values, asked, weights=w, method="inverted_cdf"))
    with np.errstate(over="ignore"):
        mean = np.average(values, weights=w)
    return np.array([np.clip(mean, values.min(), values.max())])


def _interval(
    target: TargetEncoder, p: Array, values: Array, w: Array | None, share: float
) -> tuple[Interval, Array | None]:
    """Return what share the bounds of a quantity hold, with these, or sets of classes."""
    n, classes = len(values), target.task == "classification"
    if (values == values[0]).all() and (classes or values[0] == p[0]):
        certain = Interval(share, 0.0, n, 0.0, 1.0)
        return certain, None if classes else p.repeat(2)
    predicted = np.tile(p, (n, 1))
    if classes:
        return conformal(unlikely(predicted)[np.arange(n), values], share, w), None
    ends = np.quantile(values, levels(share), weights=w, method="inverted_cdf")
    q = np.tile(ends, (n, 1))
    interval = narrowest(values, predicted[:, 0], q, share, w)
    return interval, bounded(p, q[:1], interval)[0]
