"""Layers whose slopes are taken wrongly, or of rounded numbers: rows of activations, altered.

z   (n, o)   weighted input      a   (n, o)   activation, f(z)      da   (n, o)   ∂C/∂a
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from chainrule.activation_row import Activation
from chainrule.activations import activation
from chainrule.layers import Layer
from chainrule.trees import Array

Change = Callable[[Activation], Activation | None]
"""What makes of a row another one, or None where it leaves it."""

OF_OUTPUT: dict[str, Callable[[Array], Array]] = {
    "sigmoid": lambda a: a * (1 - a),
    "tanh": lambda a: 1 - a * a,
}
"""Slopes as texts write them, as formulas of the output."""


def altered(layer: Layer, change: Change) -> Layer:
    """Return a layer with changed activations, those of layers within too.

    >>> altered(cr.Residual(cr.Dense(2, "tanh")), lambda row: activation("relu")).layers[0]
    Dense(2, 'relu')
    """
    made_of: Any = layer
    fields = {each.name: getattr(layer, each.name) for each in dataclasses.fields(made_of)}
    new = {name: _changed(name, value, change) for name, value in fields.items()}
    same = all(new[name] is value for name, value in fields.items())
    return layer if same else layer.of_fields(**new)


def _changed(name: str, value: Any, change: Change) -> Any:
    if name == "activation":
        return change(activation(value)) or value
    if isinstance(value, Layer):
        return altered(value, change)
    if isinstance(value, tuple) and any(isinstance(each, Layer) for each in value):
        parts = tuple(_changed("", each, change) for each in value)
        return value if all(a is b for a, b in zip(parts, value, strict=True)) else parts
    return value


def with_slope(row: Activation, df: Callable[[Array, Array, Any], Array]) -> Activation:
    """Return a row with another slope of each entry."""
    return dataclasses.replace(row, df=df, pull=None, check=False)


def left_out(row: Activation) -> Activation | None:
    """σ′ is left out: ∂C/∂z is ∂C/∂a."""
    if row.name == "identity":
        return None
    if row.pull is not None:
        return dataclasses.replace(row, pull=lambda z, a, da, xp: da, check=False)
    return with_slope(row, lambda z, a, xp: xp.ones_like(z))


def negated(row: Activation) -> Activation | None:
    """The slope has a stray minus."""
    if row.name == "identity":
        return None
    if row.pull is not None:
        pull = row.pull
        return dataclasses.replace(row, pull=lambda z, a, da, xp: -pull(z, a, da, xp), check=False)
    return with_slope(row, lambda z, a, xp: -row.df(z, a, xp))


def of_activation(row: Activation) -> Activation | None:
    """f′ is taken of a: f′(a) in place of f′(z)."""
    if row.name == "identity" or row.pull is not None:
        return None
    return with_slope(row, lambda z, a, xp: row.df(a, row.f(a, xp), xp))


def output_form_of_input(row: Activation) -> Activation | None:
    """The formula of the slope by the output is worked out of the input: z(1 − z)."""
    form = OF_OUTPUT.get(row.name)
    if form is None or row.parameters:
        return None
    return with_slope(row, lambda z, a, xp: form(z))


def as_if(name: str) -> Change:
    """Return what gives a row the slope of another activation, by its formula of the output."""

    def change(row: Activation) -> Activation | None:
        if row.name in (name, "identity"):
            return None
        return with_slope(row, lambda z, a, xp: OF_OUTPUT[name](a))

    return change


def diagonal(row: Activation) -> Activation | None:
    """Of an activation over the layer, such as the softmax, only ∂a_j/∂z_j is taken: a(1 − a)."""
    return with_slope(row, lambda z, a, xp: a * (1 - a)) if row.name == "softmax" else None


def linear(row: Activation) -> Activation | None:
    """There is none."""
    return None if row.name == "identity" else activation("identity")


def rounded(between: Callable[[Array], Array]) -> Change:
    """Return what rounds the weighted input, the activation and the slope, by the output's form."""

    def change(row: Activation) -> Activation | None:
        if row.pull is not None:
            return dataclasses.replace(
                row, f=lambda z, xp: between(row.f(between(z), xp)), check=False
            )
        form = None if row.parameters else OF_OUTPUT.get(row.name)

        def df(z: Array, a: Array, xp: Any) -> Array:
            return between(row.df(between(z), a, xp) if form is None else form(between(a)))

        return dataclasses.replace(
            row, f=lambda z, xp: between(row.f(between(z), xp)), df=df, check=False
        )

    return change
