"""What `TabularClassifier` and `TabularRegressor` share: from what they are handed to a model.

n   examples      y   (n,), or (n, targets)
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from chainrule.distributed import Ranks, agreed, as_ranks
from chainrule.errors import argument
from chainrule.estimators.fit_data import ValidationArguments
from chainrule.estimators.fit_state import whole_or_not_at_all
from chainrule.estimators.inputs import check_sample_weight
from chainrule.fields import made_of
from chainrule.formatting import counted
from chainrule.streams import Seed
from chainrule.tabular.constant_model import ConstantModel, tell_nothing
from chainrule.tabular.estimator_options import in_words_of_estimators
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
from chainrule.tabular.forked import check_threads_of_polars
from chainrule.tabular.read_options import Reading
from chainrule.tabular.table_model import TableModel
from chainrule.tabular.target_decisions import check_several
from chainrule.tabular.train_table import train
from chainrule.tabular.training_options import OF_COLUMNS, Options, by_text
from chainrule.value_types import read
from chainrule.warn import warn

Array = NDArray[Any]

ANY: dict[str, Any] = {"dtype": None, "ensure_all_finite": False}
"""What the entries of an array may be; some may be missing."""

NOT_ON_RANKS = (
    "X_val and y_val are for one process; on several ranks give these rows with X, a frame, and a "
    "column that is 1 in them and 0 in the others: its name as `time=` and in `leave_out=`, their "
    "share of all rows as `validation=`, and `refit=False`"
)
"""What is written instead, and makes the same model."""


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
        comm: Any = None,
    ) -> Self:
        """Train a model on a table, as `cr.train` does on one with y as its last column.

        Where y is always the same, or each column of X, there is nothing to learn: it predicts that
        y, or what y is on average, with a warning.

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
        comm
            The processes that train together: a communicator of mpi4py, `MPI.COMM_WORLD`, or
            `cr.Ranks`. Each calls this alike with its own part of the rows, which may have none,
            and gets the same model. None is this process alone, under `mpiexec` too.
        """
        given = ValidationArguments(X_val, y_val, sample_weight_val)
        given.check()
        if comm is None:
            self._fit_alone(X, y, sample_weight, given)
            return self
        ranks = as_ranks(comm)
        with ranks.together():
            self._fit_with(ranks, X, y, sample_weight, given)
        return self

    def _fit_with(self, ranks: Ranks, X: Any, y: Any, weight: Any, given: Any) -> None:
        """Train with the rows of all ranks, of which these are some."""
        if given.X is not None:
            raise agreed(ValueError(NOT_ON_RANKS), ranks)
        named = is_frame(X := unwrapped(X))
        rows = self._rows(X, y, weight, "y", ranks)
        self._check_enough(sum(ranks.values(len(rows.y))))
        own = np.unique(rows.y)
        own = own if self._task == "classification" else own[[0, -1][: len(own)]]
        each = ranks.values(own if len(own) else None)
        values = np.unique(np.concatenate([some for some in each if some is not None]))
        if len(values) == 1 and rows.y.ndim == 1:
            raise agreed(ValueError(f"y is {values.tolist()[0]!r} on all ranks, always"), ranks)
        self._learn(values)
        names = names_of_targets(y, rows.y)
        made: TableModel | ConstantModel = self._trained(rows, names, named=named, ranks=ranks)
        self.model_: TableModel | ConstantModel = made

    def _check_enough(self, n: int) -> None:
        if n < 2:
            who = type(self).__name__
            raise ValueError(f"{who} needs two examples or more, got n_samples = {n}")

    def _fit_alone(self, X: Any, y: Any, weight: Any, given: ValidationArguments) -> None:
        """Train with these rows."""
        named = is_frame(X := unwrapped(X))
        rows = self._rows(X, y, weight, "y")
        self._check_enough(len(rows.y))
        self._learn(rows.y)
        if given.X is not None:
            check_not_held_out_twice(self.get_params(deep=False))
            others = self._rows(unwrapped(given.X), given.y, given.weight, "y_val")
            self._check_known(others.y)
            rows = rows.holding_out(others)
        names = names_of_targets(y, rows.y)
        why = _why_constant(rows)
        made = self._constant(rows, names, why) if why else self._trained(rows, names, named=named)
        self.model_ = made

    def _rows(
        self, X: Any, y: Any, weight: Any, what: str, ranks: Ranks | None = None
    ) -> EstimatorRows:
        """Return the examples that count; `what` their targets are called: y, or y_val."""
        if y is None:
            who = type(self).__name__
            raise ValueError(f"{who} requires y to be passed, but the target y is None")
        frame = self._frame(X, first=what == "y", ranks=ranks)
        labels = labels_of(y)
        labels = self._target(labels, what) if ranks is None or len(labels) else np.asarray(labels)
        check_consistent_length(frame, labels)
        called, whole = what.replace("y", "sample_weight"), ranks is None
        weights = check_sample_weight(weight, labels, called, whole=whole)
        return EstimatorRows(frame, labels, weights).that_count()

    def _learn(self, y: Array) -> None:
        """Learn what y consists of."""

    def _check_known(self, y_val: Array) -> None:
        """Raise ValueError where y_val holds what y does not consist of."""

    def _asked(self) -> dict[str, Any]:
        """Return the options of `train`."""
        asked = self.get_params(deep=False)
        seed = _seed(asked.pop("random_state"))
        return {**asked, "task": self._task, "seed": seed}

    def _constant(self, rows: EstimatorRows, names: list[str], why: str) -> ConstantModel:
        """Return what stands in for a model where there is nothing to learn, with a warning."""
        asked = self._asked()
        _, options = made_of(by_text({**asked, "order": self.order or {}}), Reading, Options)
        check_several(tuple(names), options)
        with in_words_of_estimators(given_rows=rows.held_out > 0):
            model = ConstantModel.of(names, rows.y, rows.weight, options, rows.held_out)
        warn(f"{why}: there is nothing to learn, and every prediction is the same")
        return model

    def _trained(
        self, rows: EstimatorRows, names: list[str], *, named: bool, ranks: Ranks | None = None
    ) -> TableModel:
        """Return the model of some examples, or of all those that ranks have."""
        asked = self._asked()
        if ranks is not None:
            asked["seed"] = ranks.first(asked["seed"])
        if not named and isinstance(self.numbers, list | tuple):
            given = {name for role in OF_COLUMNS for name in getattr(self, role, None) or ()}
            asked["numbers"] = [*self.numbers, *numbers_of(rows.frame, given)]
        frame, targets, asked = rows.table(names, asked)
        with in_words_of_estimators(given_rows=rows.held_out > 0):
            model = train(frame, targets, comm=ranks, **asked)
        if lost := model.about["rows"]["without_target"]:
            raise ValueError(
                f"{argument('missing', self.missing)} says that y has no value in "
                f"{counted(lost, 'row')}; leave such rows out"
            )
        return model

    def _frame(self, X: Any, *, first: bool = False, ranks: Ranks | None = None) -> pl.DataFrame:
        """Return X as a frame whose columns are called as in training; of ranks it may be empty."""
        check_threads_of_polars()
        if is_frame(X):
            with in_words_of_estimators():
                frame = frame_of(X, ranks)
            validate_data(self, X, reset=first, skip_check_array=True)
        else:
            least = 1 if ranks is None else 0
            checked = validate_data(self, as_array(X), reset=first, ensure_min_samples=least, **ANY)
            frame = frame_of_array(checked)
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


def _why_constant(rows: EstimatorRows) -> str:
    """Return why there is nothing to learn from rows, "" where there may be something."""
    value, *others = np.unique(rows.y).tolist()
    if not others and rows.y.ndim == 1:
        return f"y is always {value!r}"
    constant = tell_nothing(rows.frame[: len(rows.y) - rows.held_out])
    return "no column of X tells its rows apart" if constant else ""


def _seed(random_state: Any) -> int:
    if random_state is None or isinstance(random_state, np.random.RandomState):
        return int(check_random_state(random_state).randint(2**31))
    seed: int = read(random_state, Seed, "random_state")
    return seed
