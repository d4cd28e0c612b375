"""Several targets of a table, side by side: what each is, and the outputs that they share.

y, outputs   (n, outputs)   the columns of each target, one after the other: of classes a 1 for the
                            class and 0 for the others, or probabilities
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainrule.codec import all_differ
from chainrule.tabular.columns.decision import Decision
from chainrule.tabular.columns.survey import Survey
from chainrule.tabular.encoding.target_encoding import (
    ClassEncoder,
    QuantityEncoder,
    TargetEncoder,
    fit_target,
)
from chainrule.tabular.table_error import TableError
from chainrule.value_types import Must

Array = NDArray[Any]
Parts = Annotated[
    tuple[ClassEncoder | QuantityEncoder, ...],
    Must(
        "two or more targets of different columns",
        lambda parts: len(parts) > 1 and all_differ([each.column for each in parts]),
    ),
]


@dataclass(frozen=True)
class SeveralTargets(TargetEncoder):
    """Targets side by side, each with outputs of its own.

    >>> parts = QuantityEncoder("price", 100.0, 50.0), ClassEncoder("sold", ("no", "yes"))
    >>> both = SeveralTargets(parts)
    >>> both.encode(pl.DataFrame({"price": [200], "sold": ["yes"]})).tolist()
    [[2.0, 0.0, 1.0]]
    >>> both.values(np.array([[2.0, 0.25, 0.75]])).tolist()
    [[200.0, 0.25, 0.75]]
    """

    kind: ClassVar[str] = "Several"
    task: ClassVar[str] = "several"
    parts: Parts

    @property
    def column(self) -> str:  # type: ignore[override]
        """The names of their columns, as messages have them."""
        return " and ".join(self.columns)

    @property
    def columns(self) -> tuple[str, ...]:
        """The name of each one's column."""
        return tuple(part.column for part in self.parts)

    @property
    def each(self) -> tuple[TargetEncoder, ...]:
        """The targets."""
        return self.parts

    @property
    def outputs(self) -> int:
        """Those of all."""
        return sum(part.outputs for part in self.parts)

    def encode(self, frame: pl.DataFrame, *, first: int = 1) -> Array:
        """Return y of some rows, of which the first has the given number in its table."""
        each = (_numbers(part, part.encode(frame, first=first)) for part in self.parts)
        return np.concatenate(list(each), axis=1)

    def to_data(self) -> dict[str, Any]:
        """Return the targets as JSON values."""
        return {"kind": self.kind, "parts": [part.to_data() for part in self.parts]}

    def of_each(self, array: Array) -> list[Array]:
        """Return the columns of each target.

        >>> parts = QuantityEncoder("x", 0.0, 1.0), ClassEncoder("y", ("a", "b", "c"))
        >>> [part.shape for part in SeveralTargets(parts).of_each(np.zeros((5, 4)))]
        [(5, 1), (5, 3)]
        """
        ends = np.cumsum([part.outputs for part in self.parts])[:-1]
        return np.split(array, ends, axis=-1)

    def targets(self, y: Array) -> list[Array]:
        """Return y of each target as it has it by itself: of classes, their indices.

        >>> parts = QuantityEncoder("x", 0.0, 1.0), ClassEncoder("y", ("a", "b"))
        >>> [part.tolist() for part in SeveralTargets(parts).targets(np.array([[7.0, 0.0, 1.0]]))]
        [[[7.0]], [1]]
        """
        return [
            own.argmax(axis=1) if part.task == "classification" else own
            for part, own in zip(self.parts, self.of_each(y), strict=True)
        ]

    def values(self, outputs: Array) -> Array:
        """Return outputs in the units of the quantities; the probabilities stay as they are."""
        each = zip(self.parts, self.of_each(outputs), strict=True)
        made = [
            part.values(own) if isinstance(part, QuantityEncoder) else own for part, own in each
        ]
        return np.concatenate(made, axis=1)


def _numbers(target: TargetEncoder, y: Array) -> Array:
    """Return y (n, outputs) of a target, in single precision."""
    return np.eye(target.outputs, dtype=np.float32)[y] if y.ndim == 1 else y


def told(target: TargetEncoder, scores: Mapping[str, Any]) -> dict[str, Any]:
    """Return scores as a model tells them: those of its target, or of each of several by its name.

    >>> list(told(ClassEncoder("y", ("a", "b")), {"model": {}}))
    ['validation']
    """
    return {"validation" if len(target.each) == 1 else "targets": scores}


def each_target(target: TargetEncoder, y: Array) -> Iterator[tuple[TargetEncoder, Array]]:
    """Yield a target, or each of several, with its y as it has it by itself.

    >>> [own.column for own, _ in each_target(ClassEncoder("y", ("a", "b")), np.array([0, 1]))]
    ['y']
    """
    if isinstance(target, SeveralTargets):
        yield from zip(target.parts, target.targets(y), strict=True)
    else:
        yield target, y


def fit_targets(
    survey: Survey, decisions: Iterable[Decision], quantiles: tuple[float, ...] = ()
) -> TargetEncoder:
    """Return the target, or the targets, that were decided on, fitted to the rows of their survey.

    Of several, the quantities have the quantiles. Raises TableError where no one is a quantity.

    >>> from chainrule.tabular.columns.column_decisions import decide
    >>> from chainrule.tabular.columns.survey import survey
    >>> table = pl.DataFrame({"x": [1.0, 2.0], "y": ["b", "a"], "z": [0.5, 2.5]})
    >>> found = survey([table], target=("y", "z"))
    >>> fit_targets(found, decide(found)).column
    'y and z'
    """
    chosen = {each.column: each for each in decisions if each.role == "target"}
    if len(chosen) == 1:
        return fit_target(survey, chosen.values(), quantiles)
    parts: list[Any] = []
    for name in survey.targets:
        of_quantity = chosen[name].task == "regression"
        parts.append(fit_target(survey, [chosen[name]], quantiles if of_quantity else ()))
    if quantiles and not any(part.task == "regression" for part in parts):
        raise TableError(
            "quantiles are of a regression, and all targets have classes; leave `quantiles=` out"
        )
    return SeveralTargets(tuple(parts))
