"""Which figure of a model is explained: that of a class, a quantile, or one of several targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chainrule.errors import unknown_name
from chainrule.tabular.table_error import TableError

if TYPE_CHECKING:
    from chainrule.tabular.table_model import TableModel

METHODS = {
    "gradients": "integrated gradients along the straight path from the mean row",
    "shapley": "Shapley values, of all sets of columns",
}
"""How it is explained: the methods, in words."""


class AskedFigure(NamedTuple):
    """The model of one target, and which of its outputs; None for the class that is predicted."""

    model: TableModel
    output: int | None

    def named(self, output: int) -> str:
        """Return what one of its outputs is called, with the target of a class.

        >>> AskedFigure(cr.train("sklearn:wine", "target", epochs=1), None).named(1)
        'target class_1'
        """
        name = self.model.outputs_named[output]
        column = str(self.model.target.column)
        return column if name == column else f"{column} {name}"


def asked_figure(model: TableModel, output: str | None) -> AskedFigure:
    """Return the figure of a name: a class, a quantile such as `quantile_0.5`, or of a target.

    Left out, it is the class predicted, the only quantity, or the quantile nearest to the median.
    Raises TableError for an unknown one, and where several targets leave it open.

    >>> model = cr.train("sklearn:wine", "target", epochs=1)
    >>> asked_figure(model, "class_1").output, asked_figure(model, None).output
    (1, None)
    """
    if len(model.target.each) == 1:
        return _of_one(model, output)
    targets = [part.target.column for part in model.parts]
    if output is None:
        each = " and ".join(map(repr, targets))
        raise TableError(f"the model has several targets, {each}; say which is explained")
    for part in model.parts:
        if part.target.column == output:
            return _of_one(part, None)
    names = model.outputs_named
    if output not in names:
        raise TableError(str(unknown_name("output", output, (*targets, *names))))
    at = names.index(output)
    for part in model.parts:
        if at < part.net.outputs:
            return AskedFigure(part, at)
        at -= part.net.outputs
    raise AssertionError


def _of_one(model: TableModel, output: str | None) -> AskedFigure:
    names = model.outputs_named
    if output is None and model.target.task == "classification":
        return AskedFigure(model, None)
    if output is None:
        levels = model.quantiles or (0.5,)
        return AskedFigure(model, int(np.argmin(np.abs(np.array(levels) - 0.5))))
    if output not in names:
        raise TableError(str(unknown_name("output", output, names)))
    return AskedFigure(model, names.index(output))
