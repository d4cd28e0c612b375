"""The target of a table: classes or a quantity, as the numbers that training takes, and back.

n       rows with a target
y       (n,) indices of classes, int64; or (n, 1) standardised, float32
outputs (n, classes) or (n, 1), as the network gives them
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainrule import codec
from chainrule.codec import all_differ, to_data
from chainrule.fitting.target_scaling import TargetScale
from chainrule.tabular.columns.decision import Decision
from chainrule.tabular.columns.survey import Column, Survey
from chainrule.tabular.columns.task import classes_of
from chainrule.tabular.formats.column_values import as_numbers, as_words, kind, shown, values_in
from chainrule.tabular.formats.spelling import are_different, as_known, numerically, plainly
from chainrule.tabular.table_error import TableError
from chainrule.value_types import Must, Positive

ClassLabel = str | int | bool
Labels = Annotated[
    tuple[ClassLabel, ...],
    Must(
        "one or more different texts, whole numbers of 64 bits or Booleans",
        lambda labels: len({*map(type, labels)}) == 1 and all_differ(labels) and _fit(labels),
    ),
]
RisingLevels = Annotated[
    tuple[float, ...],
    Must(
        "rising numbers between 0 and 1",
        lambda levels: all(a < b for a, b in itertools.pairwise((0, *levels, 1))),
    ),
]
GREATEST = float(np.finfo(np.float32).max)
"""Further from the mean, in standard deviations, float32 holds no number."""

LEAST = 1e-150
"""Where a quantity differs by less, its squared errors are no numbers of float64."""


def _fit(labels: tuple[Any, ...]) -> bool:
    """Whether a column can hold them: whole numbers of 64 bits, with a sign or without."""
    if isinstance(labels[0], str):
        return True
    least, greatest = int(min(labels)), int(max(labels))
    return least >= -(2**63) and greatest < (2**64 if least >= 0 else 2**63)


class TargetEncoder:
    """The target of a table: its task, the outputs that it needs, and its values as numbers."""

    task: ClassVar[str]
    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The column, or that of each of several targets."""
        return (self.column,)

    @property
    def each(self) -> tuple[TargetEncoder, ...]:
        """The target alone, or each of several."""
        return (self,)

    @property
    def outputs(self) -> int:
        """How many outputs a network for it has."""
        raise NotImplementedError

    def encode(self, frame: pl.DataFrame, *, first: int = 1) -> NDArray[Any]:
        """Return y of some rows, of which the first has the given number in its table.

        Raises TableError where a row has no target, or one that was not in training.
        """
        if self.column not in frame.columns:
            raise TableError(f"the target {self.column!r} is no column of the table")
        series = frame.get_column(self.column)
        y = self._encoded(series)
        bad = y.is_null()
        if bad.any():
            row = bad.arg_max() or 0
            raise TableError(
                f"target {self.column!r} must be {self._must}, got "
                f"{shown(series[row])} in row {first + row:,}{self._near(series[row])}"
            )
        return self._shaped(y)

    def decode(self, outputs: NDArray[Any]) -> pl.Series:
        """Return what outputs of a network stand for, as a column of the target's name."""
        raise NotImplementedError

    def to_data(self) -> dict[str, Any]:
        """Return the target as JSON values."""
        return to_data(self)

    @property
    def _must(self) -> str:
        raise NotImplementedError

    def _near(self, value: Any) -> str:
        """Return what may be meant by a value that is none of the target's, or ""."""
        return ""

    def _encoded(self, series: pl.Series) -> pl.Series:
        raise NotImplementedError

    def _shaped(self, y: pl.Series) -> NDArray[Any]:
        raise NotImplementedError


@dataclass(frozen=True)
class ClassEncoder(TargetEncoder):
    """Classes, and their indices in the order of the classes.

    A label is its class where it stands as training had it, or is written another way that can
    mean no other: 1.0 for 1, TRUE for true, and as a number 1 for 01.

    >>> import polars as pl
    >>> target = ClassEncoder("cut", ("Fair", "Good"))
    >>> target.encode(pl.DataFrame({"cut": ["Good", "Fair"]}))
    array([1, 0])
    >>> target.decode(np.array([[0.2, 0.8]])).to_list()
    ['Good']
    """

    kind: ClassVar[str] = "Classes"
    column: str
    classes: Labels

    task: ClassVar[str] = "classification"

    @property
    def outputs(self) -> int:
        """One for each class."""
        return len(self.classes)

    @property
    def names(self) -> tuple[str, ...]:
        """The classes as a text has them: true for True.

        >>> ClassEncoder("sold", (False, True)).names
        ('false', 'true')
        """
        return tuple(as_words(pl.Series(self.classes)))

    def decode(self, outputs: NDArray[Any]) -> pl.Series:
        """Return the class of the greatest output of each row."""
        return pl.Series(self.column, list(self.classes)).gather(outputs.argmax(axis=1))

    @property
    def _must(self) -> str:
        return f"one of the classes {', '.join(map(shown, self.classes[:10]))}"

    def _near(self, value: Any) -> str:
        """Return the class that is the same but for its writing."""
        near = [label for label in self.classes if _meaning(label) == _meaning(value)]
        return f"; the class {shown(near[0])} is written another way" if near else ""

    def _encoded(self, series: pl.Series) -> pl.Series:
        if kind(series.dtype) == "other" and series.null_count() < len(series):
            raise TableError(f"target {self.column!r} must be {self._must}, got {series.dtype}")
        labels, classes = as_words(series), pl.Series(self.names)
        ways = [plainly]
        if kind(series.dtype) in ("integer", "float"):
            ways.append(numerically)
            if not are_different(plainly(classes)):  # a number may be either of two
                labels = labels.clear(len(labels))
        known = as_known(labels, classes.to_list(), *ways)
        return known.cast(pl.Enum(classes), strict=False).to_physical()

    def _shaped(self, y: pl.Series) -> NDArray[np.int64]:
        return y.cast(pl.Int64).to_numpy(writable=True)


@dataclass(frozen=True)
class QuantityEncoder(TargetEncoder):
    """A number, with mean 0 and standard deviation 1 for the network, or some of its quantiles.

    With quantiles the network has an output for each, and y as many equal columns.

    >>> import polars as pl
    >>> target = QuantityEncoder("price", centre=100.0, scale=50.0)
    >>> target.encode(pl.DataFrame({"price": [100, 200]})).tolist()
    [[0.0], [2.0]]
    >>> target.decode(np.array([[2.0]])).to_list()
    [200.0]
    >>> QuantityEncoder("price", 100.0, 50.0, quantiles=(0.1, 0.9)).values(np.array([[0.5, 0.25]]))
    array([[112.5, 125. ]])
    """

    kind: ClassVar[str] = "Quantity"
    column: str
    centre: float
    scale: Positive
    quantiles: RisingLevels = ()

    task: ClassVar[str] = "regression"

    @property
    def outputs(self) -> int:
        """A single one, or one for each quantile."""
        return len(self.quantiles) or 1

    def decode(self, outputs: NDArray[Any]) -> pl.Series:
        """Return the first of the outputs in the units of the target."""
        first = outputs.reshape(len(outputs), math.prod(outputs.shape[1:]))[:, :1]
        return pl.Series(self.column, self.values(first)[:, 0])

    def values(self, outputs: NDArray[Any]) -> NDArray[np.float64]:
        """Return outputs in the units of the target; of quantiles, none is above the next."""
        values = self._scaling.unscaled(outputs.astype(np.float64)[:, None, :])
        return np.sort(values[:, 0, :], axis=1)

    @property
    def _scaling(self) -> TargetScale:
        return TargetScale(np.array([self.centre]), np.array([self.scale]))

    @property
    def _must(self) -> str:
        return "a finite number"

    def _near(self, value: Any) -> str:
        """Return what is wrong with a number that is one."""
        finite = isinstance(value, int | float) and math.isfinite(value)
        return f"; it is too far from {self.centre:.3g}, the mean in training" if finite else ""

    def _encoded(self, series: pl.Series) -> pl.Series:
        if kind(series.dtype) not in ("integer", "float", "boolean", "text"):
            raise TableError(f"target {self.column!r} must be {self._must}, got {series.dtype}")
        y = as_numbers(series)
        with np.errstate(over="ignore", invalid="ignore"):
            far = np.abs(self._scaling.scaled(y.to_numpy()[:, None]))
        return y.set(pl.Series(~(far[:, 0] <= GREATEST)), None)

    def _shaped(self, y: pl.Series) -> NDArray[np.float32]:
        scaled = self._scaling.scaled(y.to_numpy()[:, None])
        return np.asarray(scaled, np.float32).repeat(self.outputs, axis=1)


def _meaning(label: Any) -> float | str:
    text = str(label).strip().casefold()
    try:
        return float(text)
    except ValueError:
        return text


def fit_target(
    survey: Survey, decisions: Iterable[Decision], quantiles: tuple[float, ...] = ()
) -> TargetEncoder:
    """Return the target that was decided on, fitted to the rows of its survey.

    Mean and standard deviation are those of the sample. Raises TableError for quantiles of classes.

    >>> import polars as pl
    >>> from chainrule.tabular.columns.column_decisions import decide
    >>> from chainrule.tabular.columns.survey import survey
    >>> found = survey([pl.DataFrame({"x": [1.0, 2.0], "y": ["b", "a"]})], target="y")
    >>> fit_target(found, decide(found))
    ClassEncoder(column='y', classes=('a', 'b'))
    """
    (decision,) = (decision for decision in decisions if decision.role == "target")
    column = survey.columns[decision.column]
    if decision.task == "classification":
        if quantiles:
            raise TableError(
                f"quantiles are of a regression, and target {column.name!r} has classes; leave "
                "`quantiles=` out, or use `task='regression'`"
            )
        return ClassEncoder(column.name, _labels(column))
    values = as_numbers(survey.sample[column.name])
    centre, scale = float(values.mean()), float(values.std(ddof=0))  # type: ignore[arg-type]
    if not np.isfinite([centre, scale]).all():
        raise TableError(f"target {column.name!r} is as great as {column.greatest:g}; divide it")
    if 0 < (apart := column.greatest - column.least) < LEAST:
        raise TableError(f"target {column.name!r} differs by {apart:g} at most; multiply it")
    return QuantityEncoder(column.name, centre, scale or 1.0, quantiles)


def _labels(column: Column) -> tuple[ClassLabel, ...]:
    """Return the classes of a column in their order, whole numbers as such where 64 bits do."""
    if column.kind == "text":
        return tuple(classes_of(column))
    values = list(column.counts or ())
    if column.kind in ("integer", "float") and not all(-(2**63) <= x < 2**63 for x in values):
        return tuple(as_words(values_in(column.name, values)))
    return tuple(int(x) if column.kind == "float" else x for x in values)


def target_from_data(data: Any) -> TargetEncoder:
    """Return the target that `to_data` wrote down; raise ValueError where it is none.

    >>> target_from_data(ClassEncoder("cut", ("Fair", "Good")).to_data())
    ClassEncoder(column='cut', classes=('Fair', 'Good'))
    """
    made: TargetEncoder = codec.read(data, ClassEncoder | QuantityEncoder, "target")
    return made
