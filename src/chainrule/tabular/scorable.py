"""How good a model is: the methods that score it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from chainrule.tabular.encoding.several_targets import SeveralTargets
from chainrule.tabular.formats.notes import Notes
from chainrule.tabular.objectives import kind_of
from chainrule.tabular.table_evaluation import evaluated, scores_of
from chainrule.tabular.target_parts import of_parts

if TYPE_CHECKING:
    from chainrule.tabular.table_model import TableModel

Array = NDArray[Any]


class Scorable:
    """The methods of a `TableModel` that say how good its predictions are.

    >>> issubclass(cr.TableModel, Scorable)
    True
    """

    def evaluate(
        self, table: Any, notes: Notes | None = None, **reading: Any
    ) -> dict[str, dict[str, float]]:
        """Return scores on a table that has the target, those of the baseline, and how many rows.

        Of several targets, `targets` tells those of each by its name. Of classes, each has its own
        scores too, and `confusion` tells what it was taken for.

        Rows without a target are left out. They are counted with the weights of the column that
        weighed them in training, where the table has it.

        Parameters
        ----------
        table, notes, **reading
            As in `predict`; the table has the target.
        """
        model = cast("TableModel", self)
        return evaluated(model, model.opened(table, **reading), notes)

    @property
    def kind(self) -> str:
        """The kind of its predictions, as the scores have it."""
        model = cast("TableModel", self)
        return kind_of(model.target, model.net.loss)

    def in_units(self, y: Array) -> Array:
        """Return targets as the scores take them: labels, or values in the target's units.

        Parameters
        ----------
        y
            Targets as `target.encode` gives them.
        """
        target = cast("TableModel", self).target
        if target.task == "classification":
            return y
        return np.asarray(target.decode(y).to_numpy()[:, None])

    def scores(self, y: Array, p: Array, weight: Array | None = None) -> dict[str, Any]:
        """Return the scores of outputs p beside targets as `target.encode` gives them.

        Those of the baseline stand beside them, and of classes, those of each. Of several targets
        they are those of each, by its name.

        Parameters
        ----------
        y, p
            Targets as `target.encode` gives them, and outputs.
        weight
            The weights of the rows.
        """
        model = cast("TableModel", self)
        if isinstance(model.target, SeveralTargets):
            return {
                part.target.column: part.scores(own, q, weight)
                for part, own, q in of_parts(model, y, p)
            }
        return scores_of(model, self.in_units(y), p, weight)
