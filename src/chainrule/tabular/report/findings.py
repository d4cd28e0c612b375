"""All that the page of a training tells, found once."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.diagnosis.verdict import Diagnosis
from chainrule.distributed import by_first
from chainrule.tabular.files.source import Source
from chainrule.tabular.prepare import Prepared
from chainrule.tabular.report.column_curves import ColumnCurve, column_curves
from chainrule.tabular.report.example_gradients import (
    LargestGradients,
    rows_of,
    training_gradients,
    validation_gradients,
)
from chainrule.tabular.report.importance import Importances, importances
from chainrule.tabular.table_model import TableModel
from chainrule.tabular.temperature import Calibration
from chainrule.tabular.trained_model import Judged

Array = NDArray[Any]

SHOWN_COLUMNS = 4
"""How many columns of the examples with the largest gradients are shown: the most important."""


@dataclass(frozen=True, eq=False)
class Findings:
    """A training and what was found of it.

    Attributes
    ----------
    model
        The model from before any training with all rows: those held out are new to it.
    y, p
        The targets of the examples held out, in the target's units, and what is predicted of them.
    bounds
        The bounds of what is predicted, (n, 2), or the sets of classes, (n, classes), if there are
        some.
    calibration
        What made the temperature of p, if it has one.
    importances
        None where a single example is held out: there is nothing to shuffle.
    gradients
        The examples with the largest gradients, by the part that they are in.
    shown
        The columns of them that are shown, and `values`, those of each row.
    curves
        What the model saved makes of the columns that matter.
    diagnosis
        Whether its network learns, by its examples in training; of several targets of all at once.
    """

    prepared: Prepared
    model: TableModel
    source: Source
    y: Array
    p: Array
    calibration: Calibration | None
    bounds: Array | None
    importances: Importances | None
    gradients: dict[str, LargestGradients]
    shown: tuple[str, ...]
    values: dict[int, dict[str, Any]]
    curves: list[ColumnCurve]
    diagnosis: Diagnosis | None = None

    @property
    def weight(self) -> Array | None:
        """The weights of the examples held out."""
        return self.prepared.held_out.w

    @property
    def labels(self) -> Array:
        """Their targets as training takes them."""
        return np.asarray(self.prepared.held_out.y)


def find(prepared: Prepared, judged: Judged, model: TableModel, source: Source) -> Findings:
    """Return what the page tells; see `report`."""
    saved, model = model, dataclasses.replace(judged.model, about=model.about)
    held_out, seed = prepared.held_out, int(model.about["options"]["seed"])
    y = held_out.y
    if model.target.task == "regression":
        y = model.target.decode(y).to_numpy()
    ranks, some = prepared.ranks, len(held_out.X) > 1
    matter = by_first(ranks, lambda: importances(model, held_out, seed)) if some else None
    gradients = {
        "training": training_gradients(prepared, model, seed),
        "validation": validation_gradients(prepared, model, seed),
    }
    known = [each.column for each in matter.columns] if matter else model.preparation.places
    shown = tuple(known)[:SHOWN_COLUMNS]
    rows = [each.row for part in gradients.values() for each in part.largest]
    return Findings(
        prepared,
        model,
        source,
        y,
        judged.p,
        judged.calibrations[0],
        model.bounds_of(held_out.X, judged.p),
        matter,
        gradients,
        shown,
        rows_of(source, rows, shown),
        column_curves(saved, prepared, source, matter.mattering if matter else known, seed),
    )
