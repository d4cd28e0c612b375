"""The layers of a network: hidden ones by their sizes, and what they lead to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.activation_row import Activation
from chainrule.layers import Layer
from chainrule.layers.dense_stack import stack


def for_each(what: str, given: Any, count: int) -> list[Any]:
    """Return one value for each of so many hidden layers, from one for all of them or a list.

    >>> for_each("activation", "relu", 2), for_each("activation", ("relu", "tanh"), 2)
    (['relu', 'relu'], ['relu', 'tanh'])
    """
    if not isinstance(given, list | tuple):
        return [given] * count
    if len(given) != count:
        raise ValueError(
            f"{what} must be one value, or one for each of the {count} hidden layers; "
            f"got {len(given)}"
        )
    return list(given)


def dense_layers(sizes: Sequence[int], activation: Any, dropout: Any = 0) -> list[Layer]:
    """Return a dense layer of each size, with dropout behind it where its rate is not 0.

    There is one activation for all or one for each, and so with the rates.

    >>> dense_layers([8, 4], "relu", (0.1, 0))
    [Dense(8, 'relu'), Dropout(0.1), Dense(4, 'relu')]
    """
    names = for_each("activation", activation, len(sizes))
    rates = for_each("dropout", dropout, len(sizes))
    return stack(sizes, names, rates)


def with_outputs(
    hidden: list[Layer], outputs: int, activation: str | Activation = "identity"
) -> list[Layer]:
    """Return hidden layers with a dense one for the outputs behind them, or within the last.

    >>> with_outputs([cr.Dense(8, "relu")], 1), with_outputs([], 2)
    ([Dense(8, 'relu'), Dense(1, 'identity')], [Dense(2, 'identity')])
    """
    (output,) = stack([outputs], [activation])
    return [*hidden[:-1], *hidden[-1].then(output)] if hidden else [output]
