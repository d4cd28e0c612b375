r"""Layers one after the other: what a network does, and a layer made of layers.

x   (n, i)   what enters the first       da   (n, o)   ∂C/∂a of the last, for one example
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chainrule.layers.layer import Draw, Layer
from chainrule.trees import Array


def check_layers(what: str, layers: Sequence[Any]) -> None:
    """Raise unless there are layers, which predict as one.

    >>> check_layers("Residual", [])
    Traceback (most recent call last):
    ...
    ValueError: Residual: layers must hold at least one layer, got none
    """
    if not layers:
        raise ValueError(f"{what}: layers must hold at least one layer, got none")
    for k, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            raise TypeError(
                f"{what}: layer {k} must be a layer such as Dense(3, 'tanh'), got {layer!r}"
            )
        if what != "Network" and layer.members > 1:
            raise ValueError(
                f"{what}: layer {k}, {layer!r}, must be the last layer of the network: what leaves "
                "it are predictions, one of each member"
            )


def widths(layers: Sequence[Layer], inputs: int) -> list[int]:
    """Return the number of values before, between and after the layers.

    >>> widths([cr.Dense(4), cr.Dropout()], 3)
    [3, 4, 4]
    """
    found = [inputs]
    for layer in layers:
        found.append(layer.outputs(found[-1]))
    return found


def forward(
    layers: Sequence[Layer],
    params: Sequence[Any],
    x: Array,
    draws: Callable[[int], Draw | None],
    xp: Any,
) -> tuple[Array, tuple[Any, ...]]:
    """Return what leaves the last layer, and the record of each; `draws` gives each its draw.

    >>> a, _ = forward([cr.Dropout(), cr.Dropout()], [(), ()], np.ones((1, 2)), lambda k: None, np)
    >>> a
    array([[1., 1.]])
    """
    records, a = [], x
    for k, (layer, own) in enumerate(zip(layers, params, strict=True)):
        a, record = layer.forward(own, a, draws(k), xp)
        records.append(record)
    return a, tuple(records)


def deltas(
    layers: Sequence[Layer], params: Sequence[Any], records: Sequence[Any], da: Array, xp: Any
) -> tuple[Any, ...]:
    """Return the delta of each layer from ∂C/∂a of the last.

    >>> params = [cr.Dense(1).form(1)]
    >>> _, records = forward([cr.Dense(1)], params, np.ones((1, 1)), lambda k: None, np)
    >>> deltas([cr.Dense(1)], params, records, np.array([[2.0]]), np)
    (array([[2.]]),)
    """
    found: list[Any] = []
    for k in reversed(range(len(layers))):
        found.insert(0, layers[k].delta(params[k], records[k], da, xp))
        if k > 0:
            da = layers[k].dx(params[k], records[k], found[0], xp)
    return tuple(found)


def ends_in(layers: Sequence[Layer], before: str) -> str:
    """Return the activation that what leaves the last layer comes from: see `Layer.ends_in`.

    >>> ends_in([cr.Dense(2, "tanh"), cr.Dropout()], "identity")
    'tanh'
    """
    for layer in layers:
        before = layer.ends_in(before)
    return before
