r"""What each column contributed to predictions, against the mean row.

X   (n, features)   prepared rows      c   (n, columns)   contributions, in the target's units
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainrule.diagnosis import Contributions, shapley_values
from chainrule.diagnosis.input_path import InputPath, figures
from chainrule.diagnosis.output_value import OutputValue
from chainrule.diagnosis.path_integral import of_checked
from chainrule.diagnosis.shapley import MOST
from chainrule.tabular.asked_figure import AskedFigure
from chainrule.tabular.files.copied_columns import with_copies
from chainrule.tabular.files.source import Source
from chainrule.tabular.formats.column_values import check_known
from chainrule.tabular.formats.notes import Notes
from chainrule.tabular.model_reading import forms_of, present, with_names
from chainrule.tabular.prediction_columns import CONTRIBUTION
from chainrule.tabular.table_error import TableError
from chainrule.trees import tree_map

if TYPE_CHECKING:
    from chainrule.tabular.table_model import TableModel

Array = NDArray[Any]
Method = Literal["gradients", "shapley"]

OWN = ("output", "value", "baseline", "residue")
"""The columns that stand before the contributions."""


class Explaining(NamedTuple):
    """What is asked of an explanation of predictions.

    Attributes
    ----------
    asked
        The figure that is explained.
    baseline
        The prepared row that it is compared with.
    log_odds
        Whether of a probability the log odds are explained.
    method
        Integrated gradients, or Shapley values by enumeration.
    tolerance
        How far contributions may be from adding up, as a share of the sum of their sizes.
    """

    asked: AskedFigure
    baseline: Array
    log_odds: bool
    method: Method
    tolerance: float

    def of_rows(self, X: Array, first: int = 1) -> tuple[Contributions, Array]:
        """Return the contributions of the columns, and which output they are to, (n,)."""
        model = self.asked.model
        p = model.outputs_of(X, first=first)
        if self.asked.output is not None:
            return self._to(self.asked.output, X), np.full(len(X), self.asked.output)
        outputs = p.argmax(axis=1)
        values = np.empty((len(X), len(model.preparation.columns)))
        ends, starts = np.empty(len(X)), np.empty(len(X))
        for j in np.unique(outputs):
            rows = outputs == j
            made = self._to(int(j), X[rows])
            values[rows], ends[rows], starts[rows] = made.values, made.figures, made.baseline
        return Contributions(values, starts, ends), outputs  # type: ignore[arg-type]

    def of_inputs(self, x: Array, output: int) -> Array:
        """Return what each prepared input of a row contributed to an output, (features,)."""
        model, parts = self.asked.model, list(self.asked.model.preparation.places.values())
        value = OutputValue(model.net, output, self.log_odds)
        made = of_checked(value, model.members, x[None], self.baseline, self.tolerance, parts)
        return np.asarray(made.values[0] * getattr(model.target, "scale", 1.0))

    def _to(self, output: int, X: Array) -> Contributions:
        model = self.asked.model
        value = OutputValue(model.net, output, self.log_odds)
        of = _by_all_orders if self.method == "shapley" else _by_gradients
        made = of(model, value, X, self.baseline, self.tolerance)
        centre, scale = getattr(model.target, "centre", 0.0), getattr(model.target, "scale", 1.0)
        return Contributions(
            made.values * scale, made.baseline * scale + centre, made.figures * scale + centre
        )


def _by_gradients(
    model: TableModel, value: OutputValue, X: Array, baseline: Array, tolerance: float
) -> Contributions:
    parts = list(model.preparation.places.values())
    made = of_checked(value, model.members, X, baseline, tolerance, parts)
    columns = [made.values[:, own].sum(axis=1) for own in parts]
    return made._replace(values=np.stack(columns, axis=1))


def _by_all_orders(
    model: TableModel, value: OutputValue, X: Array, baseline: Array, tolerance: float
) -> Contributions:
    parts = list(model.preparation.places.values())
    if len(parts) > MOST:
        raise TableError(
            f"Shapley values take a prediction for each set of columns, and are of at most {MOST}; "
            f"the model has {len(parts)}: use `method='gradients'`"
        )
    exact = [tree_map(lambda leaf: leaf.astype(np.float64), each) for each in model.members]
    paths = [InputPath(value.net, each, baseline.astype(np.float64)) for each in exact]

    def figure(rows: Array) -> Array:
        return figures(paths, value, [path.embedded(rows) for path in paths])

    ends, start = figure(X.astype(np.float64)), float(figure(paths[0].baseline[None])[0])
    values = [shapley_values(figure, x, baseline, parts) for x in X]
    return Contributions(np.array(values), start, ends)


def contributions_by_chunk(
    model: TableModel,
    source: Source,
    explaining: Explaining,
    notes: Notes | None = None,
    keep: tuple[str, ...] = (),
) -> Iterator[pl.DataFrame]:
    """Yield the contributions of each row, chunk by chunk, behind columns that are kept."""
    names = [CONTRIBUTION + name for name in model.preparation.columns]
    check_known("column to keep", keep, source.columns)
    if taken := set(keep) & {*OWN, *names}:
        raise TableError(f"column {min(taken)!r} to keep is called as one of the contributions")
    source = with_names(model, source)
    needed = present(source, model.preparation.columns)
    first, forms = 1, forms_of(model, source)
    for chunk, copied in with_copies(source, needed, tuple(dict.fromkeys(keep))):
        X = model.preparation.transform(
            forms.read_new(chunk, notes, first=first), notes, first=first
        )
        made, outputs = explaining.of_rows(X, first)
        first += chunk.height
        named = np.array(
            [explaining.asked.named(j) for j in range(explaining.asked.model.net.outputs)]
        )
        own = (
            pl.Series(list(named[outputs]), dtype=pl.String),
            pl.Series(made.figures),
            pl.Series(np.broadcast_to(made.baseline, len(X)).copy()),
            pl.Series(made.residue),
        )
        yield pl.DataFrame(
            [
                *copied,
                *(each.alias(name) for each, name in zip(own, OWN, strict=True)),
                *(pl.Series(name, c) for name, c in zip(names, made.values.T, strict=True)),
            ]
        )
