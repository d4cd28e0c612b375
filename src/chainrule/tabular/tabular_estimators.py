"""`TabularClassifier` and `TabularRegressor`: the model of `train` with scikit-learn's interface.

n   examples      p   (n, classes) probabilities, or (n, quantiles) values
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite, check_array

from chainrule.docstrings import documented_by
from chainrule.tabular.base_tabular import TabularEstimator
from chainrule.tabular.class_sets import sets_of
from chainrule.tabular.columns.decision import listed
from chainrule.tabular.estimator_options import of_options
from chainrule.tabular.formats.column_values import as_words
from chainrule.tabular.prediction_columns import BOUNDS, prediction_names

Array = NDArray[Any]


@of_options("quantiles")
class TabularClassifier(ClassifierMixin, TabularEstimator):  # type: ignore[misc]
    """A network that tells classes apart by the columns of a table, with scikit-learn's interface.

    It is the model of `cr.train`, bit for bit.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    model_
        The `TableModel`, with what was decided on each column in `model_.about["decisions"]`; or
        where y was always the same, what stands in for one.
    classes_
        The classes, in the order of the probabilities.
    n_features_in_, feature_names_in_
        How many columns there were, and their names where they have such.

    Examples
    --------
    >>> import polars as pl
    >>> X = pl.DataFrame({"size": [1.0, 2.5, 3.0, 4.5] * 10, "kind": ["a", "b", "b", "a"] * 10})
    >>> model = cr.TabularClassifier(epochs=100).fit(X, ["low", "low", "high", "high"] * 10)
    >>> model.predict(X[:4]).tolist()
    ['low', 'low', 'high', 'high']
    """

    _task = "classification"

    def _target(self, y: Any, what: str) -> Array:
        y = column_or_1d(y, warn=True)
        assert_all_finite(y, input_name=what)
        check_classification_targets(y)
        return np.asarray(y)

    def _learn(self, y: Array) -> None:
        self.classes_: NDArray[Any] = np.unique(y)

    def _check_known(self, y_val: Array) -> None:
        known = self.classes_.tolist()
        if strange := [label for label in y_val.tolist() if label not in known]:
            raise ValueError(
                f"y_val holds the class {strange[0]!r}, which y has not; it has "
                f"{listed(map(repr, known))}"
            )

    @documented_by(TabularEstimator._predicted)
    def predict(self, X: Any) -> Array:
        """Return the most probable class of each example, (n,).

        Parameters
        ----------
        {X}
        """
        p = self.predict_proba(X)
        return np.asarray(self.classes_[p.argmax(axis=1)])

    @documented_by(TabularEstimator._predicted)
    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, (n, classes).

        Parameters
        ----------
        {X}
        """
        predicted, target = self._predicted(X), self.model_.target
        column_of = dict(zip(self.model_.outputs_named, prediction_names(target)[1:], strict=True))
        wanted = [column_of[word] for word in as_words(pl.Series(self.classes_.tolist()))]
        p: Array = predicted[wanted].to_numpy(writable=True)
        return p

    @documented_by(TabularEstimator._predicted)
    def predict_set(self, X: Any) -> Array:
        """Return which classes are in the set of each example, (n, classes), as Booleans.

        Parameters
        ----------
        {X}
        """
        p = self.predict_proba(X)
        if (interval := self.model_.interval) is None:
            raise ValueError(
                "predict_set is for a classifier made with interval=, such as "
                "TabularClassifier(interval=0.9)"
            )
        return sets_of(p, interval.threshold)


@of_options("class_weight")
class TabularRegressor(RegressorMixin, TabularEstimator):  # type: ignore[misc]
    """A network that predicts a number by the columns of a table, with scikit-learn's interface.

    It is the model of `cr.train`, bit for bit.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    model_
        The `TableModel`, with what was decided on each column in `model_.about["decisions"]`; or
        where y was always the same, what stands in for one.
    n_features_in_, feature_names_in_
        How many columns there were, and their names where they have such.

    Examples
    --------
    >>> import polars as pl
    >>> X = pl.DataFrame({"size": [1.0, 2.5, 3.0, 4.5] * 10, "kind": ["a", "b", "b", "a"] * 10})
    >>> model = cr.TabularRegressor(quantiles=(0.1, 0.5, 0.9), epochs=3).fit(X, X["size"] ** 2)
    >>> model.predict(X[:4]).shape, model.predict_quantiles(X[:4]).shape
    ((4,), (4, 3))
    """

    _task = "regression"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _target(self, y: Any, what: str) -> Array:
        shape = np.asarray(y).shape
        y = y if len(shape) == 2 and shape[1] > 1 else column_or_1d(y, warn=True)
        checked: Array = check_array(y, ensure_2d=False, input_name=what)
        return checked.astype(np.int8) if checked.dtype.kind == "b" else checked

    @documented_by(TabularEstimator._predicted)
    def predict(self, X: Any) -> Array:
        """Return the prediction for each example, (n,): its mean, or of quantiles the median.

        Of several targets it is (n, targets).

        Parameters
        ----------
        {X}
        """
        predicted, levels = self._predicted(X), self._levels
        if len(levels) > 1 and 0.5 not in levels:
            raise ValueError(
                f"predict gives the median, and quantiles={levels} are without; add 0.5, or take "
                "predict_quantiles"
            )
        each = self._of_each(predicted)
        values = each[:, :, levels.index(0.5) if len(levels) > 1 else 0]
        return values[:, 0] if values.shape[1] == 1 else values

    @documented_by(TabularEstimator._predicted)
    def predict_quantiles(self, X: Any) -> Array:
        """Return the quantiles of each example, (n, quantiles), which rise.

        Of several targets they are (n, targets, quantiles).

        Parameters
        ----------
        {X}
        """
        predicted = self._predicted(X)
        if not self._levels:
            raise ValueError(
                "predict_quantiles is for a regressor made with quantiles=, such as "
                "TabularRegressor(quantiles=(0.1, 0.5, 0.9))"
            )
        each = self._of_each(predicted)
        return each[:, 0] if each.shape[1] == 1 else each

    @property
    def _levels(self) -> tuple[float, ...]:
        return getattr(self.model_.target.each[0], "quantiles", ())

    def _of_each(self, predicted: pl.DataFrame) -> Array:
        """Return the outputs of each target, (n, targets, outputs), of their columns."""
        target = self.model_.target
        values = predicted[prediction_names(target)].to_numpy(writable=True)
        return values.reshape(len(values), len(target.each), -1)

    @documented_by(TabularEstimator._predicted)
    def predict_interval(self, X: Any) -> Array:
        """Return between which bounds each example lies, (n, 2): the lower and the upper.

        Parameters
        ----------
        {X}
        """
        predicted = self._predicted(X)
        if not set(BOUNDS) <= set(predicted.columns):
            raise ValueError(
                "predict_interval is for a regressor made with interval=, such as "
                "TabularRegressor(interval=0.9)"
            )
        return predicted[list(BOUNDS)].to_numpy(writable=True)
