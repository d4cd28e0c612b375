"""`TabularClassifier` and `TabularRegressor`: the model of `train` with scikit-learn's interface.

n   examples      p   (n, classes) probabilities, or (n, quantiles) values
"""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    assert_all_finite,
    check_array,
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from chainrule.docstrings import documented_by
from chainrule.errors import argument
from chainrule.estimators.fit_data import ValidationArguments
from chainrule.estimators.fit_state import whole_or_not_at_all
from chainrule.estimators.inputs import check_sample_weight
from chainrule.formatting import counted
from chainrule.streams import Seed
from chainrule.tabular.class_sets import sets_of
from chainrule.tabular.columns.decision import listed
from chainrule.tabular.constant_model import ConstantModel
from chainrule.tabular.estimator_options import in_words_of_estimators, of_options
from chainrule.tabular.estimator_rows import EstimatorRows, check_not_held_out_twice
from chainrule.tabular.estimator_table import (
    as_array,
    check_no_infinity,
    frame_of,
    frame_of_array,
    is_frame,
    labels_of,
    names_of_targets,
    numbers_of,
    unwrapped,
)
from chainrule.tabular.formats.column_values import as_words
from chainrule.tabular.prediction_columns import BOUNDS, prediction_names
from chainrule.tabular.table_model import TableModel
from chainrule.tabular.train_table import train
from chainrule.tabular.training_options import OF_COLUMNS
from chainrule.value_types import read
from chainrule.warn import warn

Array = NDArray[Any]


class TabularEstimator(BaseEstimator):  # type: ignore[misc]
    """What the two estimators share: from what they are handed to a model, and to its outputs."""

    _task: ClassVar[str]

    @abstractmethod
    def _target(self, y: Any, what: str) -> Array:
        """Return y, checked, (n,) or (n, targets); `what` it is called: y, or y_val."""

    @whole_or_not_at_all
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Train a model on a table, as `cr.train` does on one with y as its last column.

        Where y is always the same there is nothing to learn: that is what it predicts, with a
        warning.

        Parameters
        ----------
        X
            A frame of pandas, polars, Arrow or another library that narwhals knows: its columns are
            what `cr.train` takes them for, so that one that counts the rows is left out. Or an
            array, whose columns x0, x1 and so on have no names that could tell more: those of
            numbers are numbers. None and NaN are missing values; infinity is refused.
        y
            The target, (n,); of a regressor also several, (n, targets), which one network learns.
        sample_weight
            The weights of the examples, (n,); one of weight 0 is left out.
        X_val, y_val, sample_weight_val
            Validation data in place of what would be held out. No network is trained with them,
            unless by `refit=True`.
        """
        named = is_frame(X := unwrapped(X))
        rows = self._rows(X, y, sample_weight, "y")
        if len(rows.y) < 2:
            who = type(self).__name__
            raise ValueError(f"{who} needs two examples or more, got n_samples = {len(rows.y)}")
        self._learn(rows.y)
        given = ValidationArguments(X_val, y_val, sample_weight_val)
        given.check()
        if given.X is not None:
            check_not_held_out_twice(self.get_params(deep=False))
            others = self._rows(unwrapped(given.X), given.y, given.weight, "y_val")
            self._check_known(others.y)
            rows = rows.holding_out(others)
        names = names_of_targets(y, rows.y)
        self.model_ = self._constant(names, rows.y) or self._trained(rows, names, named=named)
        return self

    def _rows(self, X: Any, y: Any, weight: Any, what: str) -> EstimatorRows:
        """Return the examples that count; `what` their targets are called: y, or y_val."""
        if y is None:
            who = type(self).__name__
            raise ValueError(f"{who} requires y to be passed, but the target y is None")
        frame = self._frame(X, first=what == "y")
        labels = self._target(labels_of(y), what)
        check_consistent_length(frame, labels)
        weights = check_sample_weight(weight, labels, what.replace("y", "sample_weight"))
        return EstimatorRows(frame, labels, weights).that_count()

    def _learn(self, y: Array) -> None:
        """Learn what y consists of."""

    def _check_known(self, y_val: Array) -> None:
        """Raise ValueError where y_val holds what y does not consist of."""

    def _constant(self, names: list[str], y: Array) -> ConstantModel | None:
        """Return what stands in for a model where y is always the same, with a warning."""
        value, *others = np.unique(y).tolist()
        if others or len(names) > 1:
            return None
        warn(f"y is always {value!r}: there is nothing to learn, and every prediction is the same")
        model = ConstantModel.of(names[0], value, getattr(self, "quantiles", None))
        return dataclasses.replace(model, interval=getattr(self, "interval", None))

    def _trained(self, rows: EstimatorRows, names: list[str], *, named: bool) -> TableModel:
        """Return the model of some examples."""
        asked = self.get_params(deep=False)
        asked["seed"] = _seed(asked.pop("random_state"))
        if not named and isinstance(self.numbers, list | tuple):
            given = {name for role in OF_COLUMNS for name in getattr(self, role, None) or ()}
            asked["numbers"] = [*self.numbers, *numbers_of(rows.frame, given)]
        frame, targets, asked = rows.table(names, asked)
        with in_words_of_estimators(given_rows=rows.held_out > 0):
            model = train(frame, targets, task=self._task, **asked)
        if lost := model.about["rows"]["without_target"]:
            raise ValueError(
                f"{argument('missing', self.missing)} says that y has no value in "
                f"{counted(lost, 'row')}; leave such rows out"
            )
        return model

    def _frame(self, X: Any, *, first: bool = False) -> pl.DataFrame:
        """Return X as a frame whose columns are called as in training."""
        if is_frame(X):
            with in_words_of_estimators():
                frame = frame_of(X)
            validate_data(self, X, reset=first, skip_check_array=True)
        else:
            frame = frame_of_array(
                validate_data(self, as_array(X), reset=first, dtype=None, ensure_all_finite=False)
            )
        check_no_infinity(frame)
        if first:
            self._columns = frame.columns
        return frame.rename(dict(zip(frame.columns, self._columns, strict=True)))

    def _predicted(self, X: Any) -> pl.DataFrame:
        """Return the columns of predictions.

        Parameters
        ----------
        X
            The examples, with the columns of training.
        """
        check_is_fitted(self)
        with in_words_of_estimators():
            return self.model_.predict(self._frame(unwrapped(X)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _seed(random_state: Any) -> int:
    if random_state is None or isinstance(random_state, np.random.RandomState):
        return int(check_random_state(random_state).randint(2**31))
    seed: int = read(random_state, Seed, "random_state")
    return seed


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
        self.classes_ = np.unique(y)

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
        return sets_of(p, getattr(interval, "threshold", 0.0))


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
