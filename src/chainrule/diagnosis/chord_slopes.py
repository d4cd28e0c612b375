r"""Layers that go back along chords, from each row to the next, by the core's own rules.

z, a   (n, o)   row r and row r + 1 are the ends of chord r; the last row has none of its own
"""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import numpy as np

from chainrule.activation_row import Activation
from chainrule.diagnosis.slopes import altered, with_slope
from chainrule.layers import Layer
from chainrule.trees import Array


def along_chords(layer: Layer) -> Layer:
    r"""Return a layer that goes back from each row along the chord to the next.

    $$\frac{a^+ - a}{z^+ - z}$$

    That is the slope of an activation, and where z hardly changes, the mean of f′ at both ends.
    Layers without one go back from the middle of what enters them, and layers within others each
    by itself.

    >>> layer = along_chords(cr.Dense(1, "relu"))
    >>> params = cr.Dense(1).form(1)._replace(W=np.array([[1.0]]), b=np.array([0.0]))
    >>> _, record = layer.forward(params, np.array([[-1.0], [3.0]]), None, np)
    >>> layer.delta(params, record, np.array([[1.0], [0.0]]), np)[0]
    array([0.75])
    """
    made_of: Any = layer
    fields = {each.name: getattr(layer, each.name) for each in dataclasses.fields(made_of)}
    if "activation" in fields:
        return altered(layer, _of_chords)
    within = {name: _within(value) for name, value in fields.items()}
    if any(within[name] is not value for name, value in fields.items()):
        return layer.of_fields(**within)
    return _in_middles(layer)


def _within(value: Any) -> Any:
    if isinstance(value, Layer):
        return along_chords(value)
    if isinstance(value, tuple) and any(isinstance(each, Layer) for each in value):
        return tuple(map(_within, value))
    return value


def _in_middles(layer: Layer) -> Layer:
    kind: Any = type(layer)

    class InMiddles(kind):  # type: ignore[misc]
        def forward(self, params: Any, x: Array, draw: Any, xp: Any) -> tuple[Array, Any]:
            a, _ = super().forward(params, x, draw, xp)
            return a, super().forward(params, _middles(x), draw, xp)[1]

    made = copy.copy(layer)
    object.__setattr__(made, "__class__", InMiddles)
    return made


def _of_chords(row: Activation) -> Activation | None:
    if row.name == "identity":
        return None
    if row.pull is not None:
        pull = row.pull

        def pulled(z: Array, a: Array, da: Array, xp: Any) -> Array:
            middle = _middles(z)
            return pull(middle, row.f(middle, xp), da, xp)

        return dataclasses.replace(row, pull=pulled, check=False)

    def df(z: Array, a: Array, xp: Any) -> Array:
        dz, slope = following(z) - z, row.df(z, a, xp)
        far = abs(dz) > (1 + abs(z)) * (2.0**-12 if z.dtype == np.float32 else 2.0**-26)
        takes = far | (abs(following(slope) - slope) > 1 / 64)  # there is a kink between
        chord = (following(a) - a) / np.where(takes, dz, 1)
        return np.where(takes, chord, _middles(slope))

    return with_slope(row, df)


def following(rows: Array) -> Array:
    """Return for each row the next one, and for the last itself.

    >>> following(np.array([1, 2, 3]))
    array([2, 3, 3])
    """
    return np.concatenate([rows[1:], rows[-1:]])


def _middles(rows: Array) -> Array:
    return (rows + following(rows)) / 2
