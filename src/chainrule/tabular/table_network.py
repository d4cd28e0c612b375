"""The network that suits a table: its inputs embedded, hidden layers, an output for each target.

inputs → embedding of numbers → vectors of categories → hidden layers with dropout → outputs
"""

from __future__ import annotations

from chainrule.fitting.layer_builder import dense_layers, with_outputs
from chainrule.layers import Embedding, Layer, Periodic, PiecewiseLinear
from chainrule.network import Network
from chainrule.tabular.columns.column_decisions import VECTOR
from chainrule.tabular.encoding.number_bins import Edges
from chainrule.tabular.objectives import losses_of
from chainrule.tabular.prepare import Prepared
from chainrule.tabular.training_options import Options

SIZE = 8
"""How many values the embedding makes of a number."""

MOST = 1_024
"""The most values that come of all numbers: of many, each has fewer."""


def network(prepared: Prepared, options: Options) -> Network:
    """Return the network for the examples, by options that are complete."""
    hidden = dense_layers(options.hidden or (), options.activation, options.dropout or 0)
    numbers, levels = embedding(options.embedding, prepared.bins), prepared.preparation.levels
    return Network(
        len(levels),
        with_outputs([*numbers, *vectors(levels, numbers), *hidden], prepared.target.outputs),
        losses_of(prepared.target, options.loss, options.quantiles),
    )


def embedding(kind: str, bins: tuple[Edges, ...]) -> list[Layer]:
    """Return the layer that embeds the features that have bins, or none.

    >>> embedding("piecewise", ((0.0, 1.0, 3.0), ()))
    [PiecewiseLinear([[0.0, 1.0, 3.0], []], 8)]
    >>> embedding("periodic", ((0.0, 1.0, 3.0), ())), embedding("piecewise", ((), ()))
    ([Periodic(values=7, frequencies=16, sigma=0.1, features=(0,))], [])
    """
    numbers = tuple(k for k, edges in enumerate(bins) if edges)
    size = min(SIZE, MOST // max(len(numbers), 1))
    if kind == "none" or not numbers or size < 2:
        return []
    return [
        PiecewiseLinear(bins, size) if kind == "piecewise" else Periodic(size - 1, features=numbers)
    ]


def vectors(levels: tuple[int, ...], numbers: list[Layer]) -> list[Layer]:
    """Return the layer of the vectors behind that of the numbers, or none.

    >>> vectors((0, 120), embedding("piecewise", ((0.0, 1.0, 3.0), ())))
    [Embedding([0, 0, 0, 0, 0, 0, 0, 0, 120], 8)]
    >>> vectors((0, 0), [])
    []
    """
    for layer in numbers:
        layout = layer.layout(len(levels))
        assert layout is not None
        levels = tuple(
            count
            for k, own in enumerate(levels)
            for count in ((0,) * layout.size if k in layout.embedded else (own,))
        )
    return [Embedding(levels, VECTOR)] if any(levels) else []
