r"""What the prepared inputs of a column have in a prediction: parts of its bar, and slopes.

x, b   (features,)   the prepared row, and the mean row        c   (features,)   contributions
s      (networks, features)   ∂z/∂x, the slopes of each network's output at the row
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.backprop import deltas_from, forward, input_gradient
from chainrule.trees import tree_map

if TYPE_CHECKING:
    from chainrule.tabular.row_reasons import RowReasons

Array = NDArray[Any]


class InputReason(NamedTuple):
    """A prepared input: its place and name, its values, its contribution, and its slopes.

    The contribution is None where columns are taken as a whole; `slope` is that of the first
    network, and `mean_slope` that of all of them.
    """

    place: int
    name: str
    here: float
    mean_row: float
    contribution: float | None
    slope: float
    mean_slope: float


def input_reasons(reasons: RowReasons) -> dict[str, list[InputReason]]:
    """Return the prepared inputs of each column, those that contributed most first.

    >>> model = cr.train("sklearn:diabetes", "target", effort="fast", epochs=1, hidden=[4])
    >>> reasons = model.why_row("sklearn:diabetes", 3)
    >>> [each] = input_reasons(reasons)["bmi"]
    >>> each.name, abs(each.contribution - reasons.contributions["bmi"]) < 1e-6
    ('bmi', True)
    """
    x, b, c, s = (
        reasons.inputs,
        reasons.explaining.baseline,
        _contributions(reasons),
        slopes(reasons),
    )
    names = reasons.model.preparation.feature_names
    made = {
        column: [
            InputReason(
                j, names[j], float(x[j]), float(b[j]), None if c is None else float(c[j]),
                float(s[0, j]), float(s[:, j].mean()),
            )
            for j in places
        ]
        for column, places in reasons.model.preparation.places.items()
    }  # fmt: skip
    return {
        column: sorted(each, key=lambda one: -abs(one.contribution or 0.0))
        for column, each in made.items()
    }


def _contributions(reasons: RowReasons) -> Array | None:
    """c, which Shapley values have none of."""
    if reasons.method != "gradients":
        return None
    return reasons.explaining.of_inputs(reasons.inputs, reasons.output)


def slopes(reasons: RowReasons) -> Array:
    """Return s, in double precision."""
    net, x = reasons.model.net, reasons.inputs.astype(np.float64)[None]
    chosen = np.zeros((1, net.outputs))
    chosen[0, reasons.output] = 1
    made = []
    for params in reasons.model.members:
        trace = forward(net, tree_map(lambda leaf: leaf.astype(np.float64), params), x)
        made.append(input_gradient(trace, deltas_from(trace, chosen))[0])
    return np.array(made)
