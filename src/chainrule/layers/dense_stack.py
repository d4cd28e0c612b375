"""Dense layers one on the other, with dropout behind each where that is asked for; parts of one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from chainrule.activation_row import Activation
from chainrule.layers.dense import Dense
from chainrule.layers.dropout import Dropout
from chainrule.layers.layer import Layer


def stack(
    sizes: Iterable[int], activations: Iterable[str | Activation], rate: float | Iterable[float] = 0
) -> list[Layer]:
    """Return a dense layer of each size, and after each of them dropout where its rate is not 0.

    There is an activation for each size, and one rate for all or one for each.

    >>> stack([8, 4], ["relu", "tanh"], [0.1, 0])
    [Dense(8, 'relu'), Dropout(0.1), Dense(4, 'tanh')]
    """
    sizes = list(sizes)
    rates = list(rate) if isinstance(rate, Iterable) else [rate] * len(sizes)
    made: list[Layer] = []
    for size, activation, each in zip(sizes, activations, rates, strict=True):
        made += [Dense(size, activation), *([Dropout(each)] if each else [])]
    return made


def has_parts(layer: Layer) -> bool:
    """Whether some units of a layer can stand without the others.

    >>> has_parts(Dense(8)), has_parts(Dropout(0.1))
    (True, False)
    """
    return isinstance(layer, Dense)


def part(layer: Layer, units: int) -> Layer:
    """Return a layer like another that has parts, of so many units.

    >>> part(Dense(8, "relu"), 2)
    Dense(2, 'relu')
    """
    assert isinstance(layer, Dense)
    return dataclasses.replace(layer, units=units)
