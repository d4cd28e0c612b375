"""How many parameters and outputs layers have, also where the number of inputs is not known yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from chainrule.layers import Layer
from chainrule.trees import leaves

Count = int | None
"""None is what cannot be known."""


def counts(layers: Iterable[Layer], inputs: int) -> Iterator[tuple[Count, Count]]:
    """Yield the parameters and outputs of each layer, None from one on that takes other inputs.

    >>> list(counts([cr.Dense(3), cr.Dropout()], inputs=2))
    [(9, 3), (0, 3)]
    """
    width: Count = inputs
    for layer in layers:
        parameters, width = _counts(layer, width)
        yield parameters, width


def _counts(layer: Layer, inputs: Count) -> tuple[Count, Count]:
    if inputs is None:
        return None, None
    try:
        return sum(leaf.size for leaf in leaves(layer.form(inputs))), layer.outputs(inputs)
    except ValueError:
        return None, None


def formula(of: Iterable[Count]) -> str:
    """Return what counts for 1, 2 and 3 inputs are: a number, or a formula; "" where neither.

    >>> formula((8, 8, 8)), formula((6, 9, 12)), formula((5, 7, 9)), formula((1, 4, 9))
    ('8', '(inputs + 1) × 3', '2 × inputs + 3', '')
    """
    known = [count for count in of if count is not None]
    if len(known) < 3 or known[2] - known[1] != known[1] - known[0]:
        return ""
    slope = known[1] - known[0]
    rest = known[0] - slope
    if slope == 0:
        return f"{rest:,}"
    if rest == slope:
        return f"(inputs + 1) × {slope:,}"
    return ("inputs" if slope == 1 else f"{slope:,} × inputs") + (f" + {rest:,}" if rest else "")
