"""`TabularClassifier` and `TabularRegressor`: the model of `train` with scikit-learn's interface.

n   examples      p   (n, classes) probabilities, or (n, quantiles) values
"""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Self, TypeVar, cast

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

from chainrule.errors import argument
from chainrule.estimators.fit_state import whole_or_not_at_all
from chainrule.estimators.inputs import check_sample_weight
from chainrule.formatting import counted
from chainrule.streams import Seed
from chainrule.tabular.estimator_table import (
    as_array,
    check_no_infinity,
    frame_of,
    frame_of_array,
    is_frame,
    labels_of,
    unwrapped,
    with_column,
)
from chainrule.tabular.formats.column_values import as_words
from chainrule.tabular.prediction_columns import BOUNDS, prediction_names
from chainrule.tabular.table_error import TableError
from chainrule.tabular.table_model import TableModel
from chainrule.tabular.train_table import OPTIONS, train
from chainrule.tabular.training_options import OF_COLUMNS, Options
from chainrule.value_types import read

Array = NDArray[Any]
Kind = TypeVar("Kind", bound=type)

OF_FILES = ("delimiter", "encoding", "header", "skip_lines", "sheet", "number_duplicates")
OF_THE_CALL = ("task", "weight", "seed")
"""The options of `train` that are no parameters: they are of files, or an estimator has its own."""

SOURCE = "The random seed, as `seed` of `cr.train`; None draws another in each fit."

WORDS = {
    "`seed=`": "`random_state=`",
    "`task='classification'`": "`TabularClassifier`",
    "`task='regression'`": "`TabularRegressor`",
    ", or let `number_duplicates=True` do it": "",
}
"""What refusals of `train` advise, and what that is for an estimator."""


def of_options(*without: str) -> Callable[[Kind], Kind]:
    """Make the options of `train` parameters of an estimator, by their names, defaults and help."""
    taken: dict[str, tuple[Any, str]] = {"random_state": (Options.seed, SOURCE)}
    for each in OPTIONS:
        if each.name not in (*OF_FILES, *OF_THE_CALL, *without):
            default = None if each.default is dataclasses.MISSING else each.default
            taken[each.name] = default, each.metadata["help"]

    def made(kind: Kind) -> Kind:
        for name, (default, _) in taken.items():
            kind.__annotations__[name] = "Any"
            setattr(kind, name, default)
        listed = "\n    ".join(f"{name}\n        {help}" for name, (_, help) in taken.items())
        kind.__doc__ = (kind.__doc__ or "").replace("{parameters}", listed)
        whole: Any = dataclasses.dataclass(eq=False, repr=False, kw_only=True)(kind)
        return cast(Kind, whole)

    return made


@contextmanager
def in_words_of_estimators() -> Iterator[None]:
    """Have refusals of a table advise what an estimator has.

    >>> with in_words_of_estimators():
    ...     raise TableError("take another `seed=`")
    Traceback (most recent call last):
    ...
    chainrule.TableError: take another `random_state=`
    """
    try:
        yield
    except TableError as error:
        said = str(error)
        for ours, theirs in WORDS.items():
            said = said.replace(ours, theirs)
        raise TableError(said) from None


class TabularEstimator(BaseEstimator):  # type: ignore[misc]
    """What the two estimators share: from what they are handed to a model, and to its outputs."""

    _task: ClassVar[str]

    @abstractmethod
    def _target(self, y: Any) -> Array:
        """Return y (n,), checked."""

    @whole_or_not_at_all
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train a model on a table, as `cr.train` does on one with y as its last column.

        Parameters
        ----------
        X
            A frame of pandas, polars, Arrow or another library that narwhals knows: its columns are
            what `cr.train` takes them for, so that one that counts the rows is left out. Or an
            array, whose columns x0, x1 and so on have no names that could tell more: those of
            numbers are numbers. None and NaN are missing values; infinity is refused.
        y
            The target, (n,).
        sample_weight
            The weights of the examples, (n,); one of weight 0 is left out.
        """
        X = unwrapped(X)
        frame, labels, weight = self._examples(X, y, sample_weight)
        self._learn(labels)
        name = getattr(y, "name", None)
        name = name if isinstance(name, str) and name else "y"
        self.model_ = self._trained(frame, name, labels, weight, named=is_frame(X))
        return self

    def _examples(
        self, X: Any, y: Any, sample_weight: Any
    ) -> tuple[pl.DataFrame, Array, Array | None]:
        """Return the examples that count, their y, and their weights where there are any."""
        what = type(self).__name__
        if y is None:
            raise ValueError(f"{what} requires y to be passed, but the target y is None")
        frame, labels = self._frame(X, first=True), self._target(labels_of(y))
        check_consistent_length(frame, labels)
        weight = check_sample_weight(sample_weight, labels)
        if weight is not None:
            frame, labels, weight = frame.filter(weight > 0), labels[weight > 0], weight[weight > 0]
        if len(labels) < 2:
            raise ValueError(f"{what} needs two examples or more, got n_samples = {len(labels)}")
        return frame, labels, weight

    def _learn(self, y: Array) -> None:
        """Learn what y consists of."""

    def _trained(
        self, frame: pl.DataFrame, name: str, y: Array, weight: Array | None, *, named: bool
    ) -> TableModel:
        """Return the model of a table, y and the weights as its last columns."""
        asked = self.get_params(deep=False)
        asked["seed"] = _seed(asked.pop("random_state"))
        if not named and isinstance(self.numbers, list | tuple):
            asked["numbers"] = [*self.numbers, *self._numbers(frame)]
        if weight is not None:
            frame, asked["weight"] = with_column(frame, "sample_weight", weight)
        frame, target = with_column(frame, name, y)
        with in_words_of_estimators():
            model = train(frame, target, task=self._task, **asked)
        if lost := model.about["rows"]["without_target"]:
            raise ValueError(
                f"{argument('missing', self.missing)} says that y has no value in "
                f"{counted(lost, 'row')}; leave such rows out"
            )
        return model

    def _numbers(self, frame: pl.DataFrame) -> list[str]:
        """Return what else is a number in an array: no name says what its columns may be."""
        given = {name for role in OF_COLUMNS for name in getattr(self, role, None) or ()}
        return [
            column.name
            for column in frame.iter_columns()
            if column.dtype.is_numeric()
            and column.name not in given
            and column.fill_nan(None).null_count() < len(column)
        ]

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
        The `TableModel`, with what was decided on each column in `model_.about["decisions"]`.
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

    def _target(self, y: Any) -> Array:
        y = column_or_1d(y, warn=True)
        assert_all_finite(y, input_name="y")
        check_classification_targets(y)
        return np.asarray(y)

    def _learn(self, y: Array) -> None:
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} tells classes apart and needs at least two; y holds one "
                f"class only, {self.classes_.tolist()[0]!r}"
            )

    def predict(self, X: Any) -> Array:
        """Return the most probable class of each example, (n,).

        Parameters
        ----------
        X
            The examples, with the columns of training.
        """
        p = self.predict_proba(X)
        return np.asarray(self.classes_[p.argmax(axis=1)])

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, (n, classes).

        Parameters
        ----------
        X
            The examples, with the columns of training.
        """
        predicted, target = self._predicted(X), self.model_.target
        column_of = dict(zip(self.model_.outputs_named, prediction_names(target)[1:], strict=True))
        wanted = [column_of[word] for word in as_words(pl.Series(self.classes_.tolist()))]
        p: Array = predicted[wanted].to_numpy(writable=True)
        return p


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
        The `TableModel`, with what was decided on each column in `model_.about["decisions"]`.
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

    def _target(self, y: Any) -> Array:
        y = column_or_1d(y, warn=True)
        checked: Array = check_array(y, ensure_2d=False, input_name="y")
        return checked.astype(np.int8) if checked.dtype.kind == "b" else checked

    def predict(self, X: Any) -> Array:
        """Return the prediction for each example, (n,): its mean, or of quantiles the median.

        Parameters
        ----------
        X
            The examples, with the columns of training.
        """
        predicted, levels = self._predicted(X), self.model_.quantiles
        if len(levels) > 1 and 0.5 not in levels:
            raise ValueError(
                f"predict gives the median, and quantiles={levels} are without; add 0.5, or take "
                "predict_quantiles"
            )
        names = prediction_names(self.model_.target)
        wanted = names[levels.index(0.5) if len(levels) > 1 else 0]
        return predicted[wanted].to_numpy(writable=True)

    def predict_quantiles(self, X: Any) -> Array:
        """Return the quantiles of each example, (n, quantiles), which rise.

        Parameters
        ----------
        X
            The examples, with the columns of training.
        """
        predicted = self._predicted(X)
        if not self.model_.quantiles:
            raise ValueError(
                "predict_quantiles is for a regressor made with quantiles=, such as "
                "TabularRegressor(quantiles=(0.1, 0.5, 0.9))"
            )
        return predicted[prediction_names(self.model_.target)].to_numpy(writable=True)

    def predict_interval(self, X: Any) -> Array:
        """Return between which bounds each example lies, (n, 2): the lower and the upper.

        Parameters
        ----------
        X
            The examples, with the columns of training.
        """
        predicted = self._predicted(X)
        if self.model_.bounds is None:
            raise ValueError(
                "predict_interval is for a regressor made with interval=, such as "
                "TabularRegressor(interval=0.9)"
            )
        return predicted[list(BOUNDS)].to_numpy(writable=True)
