"""What can be chosen on the page, from the tables: nothing is listed here by hand."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args

import numpy as np

from chainrule.activation_row import Activation
from chainrule.activations import ACTIVATIONS, FAMILIES
from chainrule.engine.session import IN_ENGINE
from chainrule.engine.wasm.lowering_patterns import is_by_column, lowering_patterns
from chainrule.fields import Field, fields_of
from chainrule.initialisers import INITIALISERS, VARIANCES
from chainrule.layers import LAYERS, Layer
from chainrule.losses import FAMILIES as LOSS_FAMILIES
from chainrule.losses import LOSSES
from chainrule.optimizers import OPTIMIZERS, Optimizer
from chainrule.schedules import SCHEDULES, Schedule
from chainrule.streams import Stream, generator
from chainrule.trees import named_leaves
from chainrule.value_types import Bounds

MOST_WEIGHTS = 1_000_000
"""The most weights and biases of a network that a page trains: it keeps them at many steps."""

RATE = 0.0109
"""A learning rate that no state begins as but by it."""


def choices() -> dict[str, Any]:
    """Return the rows of each table by their names, with what the page asks and checks of them.

    >>> choices()["optimizers"]["sgd"]["momentum"]
    {'type': 'number', 'default': 0.0, 'must': 'a finite number >= 0 and < 1', 'least': 0, \
'below': 1, 'help': 'μ, how much of the velocity each step keeps.'}
    """
    return {
        "activations": {
            name: {
                "parameter": (*row.parameters, None)[0],
                "family": name in FAMILIES,
                "initialiser": row.initialiser,
                "takes": _takes(FAMILIES, name),
            }
            for name, row in ACTIVATIONS.items()
        },
        "losses": {
            name: {
                "target": row.target,
                "link": row.link_name,
                "parameters": row.parameters,
                "takes": _takes(LOSS_FAMILIES, name),
            }
            for name, row in LOSSES.items()
        },
        "optimizers": {name: _fields(kind) for name, kind in OPTIMIZERS.items()},
        "schedules": {name: _fields(kind) for name, kind in SCHEDULES.items()},
        "layers": {name: _fields(LAYERS[name]) for name in lowering_patterns()},
        "by_column": [name for name in lowering_patterns() if is_by_column(LAYERS[name])],
        "ends": {name: _end(LAYERS[name]) for name in lowering_patterns()},
        "tensors": {name: _tensors(LAYERS[name]) for name in lowering_patterns()},
        "initialiser_names": [*INITIALISERS],
        "initialisers": {name: _inverse_variance(row.of) for name, row in VARIANCES.items()},
        "states": {name: _states(kind) for name, kind in OPTIMIZERS.items()},
        "classes": {name: kind.__name__ for name, kind in OPTIMIZERS.items()},
        "in_engine": IN_ENGINE,
        "most_weights": MOST_WEIGHTS,
    }


def _takes(families: Mapping[str, Callable[..., Any]], name: str) -> list[dict[str, Any]]:
    """The numbers in a row's full name: what each is called, is by default, and must be."""
    if name not in families:
        return []
    make = families[name]
    parameters = inspect.signature(make).parameters.values()
    many = any(each.kind is each.VAR_POSITIONAL for each in parameters)
    default = {} if many else {each.name: each.default for each in parameters}
    return [
        {"name": each.name, "many": many, "default": default.get(each.name, 0.5), **_allowed(make)}
        for each in parameters
    ]


def _allowed(make: Callable[..., Any]) -> dict[str, float]:
    """The bounds of a number, found by asking for rows of numbers on and beyond them."""

    def goes(number: float) -> bool:
        try:
            make(number)
        except ValueError:
            return False
        return True

    low = {} if goes(-1.0) else {"least": 0} if goes(0.0) else {"above": 0}
    return {**low, **({} if goes(2.0) else {"most": 1} if goes(1.0) else {"below": 1})}


def _end(kind: type[Layer]) -> str:
    """What an output comes from: the activation of the layer or of the one before, or neither."""
    layer = kind.example(4)
    end = layer.ends_in("=before")
    return "=activation" if end == getattr(layer, "activation", None) else end


def _tensors(kind: type[Layer]) -> list[dict[str, Any]]:
    """What a kind's own parameters are called, their axes, and as what each begins, or "drawn"."""
    layer = kind.example(4)
    if hasattr(layer, "layers"):  # those within have theirs
        return []
    once, again = (layer.init(4, generator(Stream.WEIGHTS, seed)) for seed in (0, 1))
    return [
        {
            "name": name,
            "axes": a.ndim,
            "first": float(a.flat[0]) if np.array_equal(a, b) else "drawn",
        }
        for (name, a), (_, b) in zip(named_leaves(once), named_leaves(again), strict=True)
    ]


def _inverse_variance(of: Callable[[int, int], float]) -> dict[str, float]:
    """How often inputs and outputs count in 1 / variance, a sum of both in every row."""
    both, more = 1 / of(1, 1), 1 / of(1, 2)
    found = {"inputs": 2 * both - more, "outputs": more - both}
    if 1 / of(7, 5) != found["inputs"] * 7 + found["outputs"] * 5:
        raise ValueError("an initialiser's variance must be 1 / (k inputs + m outputs)")
    return found


def _states(kind: type[Optimizer]) -> list[float | str]:
    """What fills the states of a parameter before the first step, where one is not 0."""
    states = kind(RATE).init(np.ones(1))  # type: ignore[call-arg]
    firsts = [float(state[0]) for state in states]
    return ["=learning_rate" if each == RATE else each for each in firsts] if any(firsts) else []


def _fields(kind: type) -> dict[str, Any]:
    told = inspect.getdoc(kind) or ""
    return {name: _field(field, told) for name, field in fields_of(kind).items()}


def _field(field: Field, told: str) -> dict[str, Any]:
    """A field's default, if it has one, what it must be, its bounds, and what it is for."""
    default = None if field.default is dataclasses.MISSING else field.default
    bounds = {
        name: bound for each in _bounds(field.annotation) for name, bound in each.given.items()
    }
    return {
        "type": _TYPES[field.bare],
        "default": default,
        "must": field.type.words,
        **bounds,
        "help": field.metadata.get("help") or _help(told, field.name),
    }


def _help(told: str, name: str) -> str:
    """What the documentation of a kind of layer says of a field."""
    found = re.search(rf"^(?:\w+, )*\*?{name}\n((?: {{4}}.+\n)+)", told, re.MULTILINE)
    return " ".join(found[1].split()).replace("`", "") if found else ""


_TYPES: dict[Any, str] = {
    int: "whole",
    float: "number",
    bool: "flag",
    float | Schedule: "rate",
    str | Activation: "activation",
    str: "initialiser",
    tuple[Layer, ...]: "layers",
    tuple[tuple[float, ...], ...]: "columns",
    tuple[int, ...]: "columns",
}
"""How the page asks for a field, by its annotation."""


def _bounds(annotation: Any) -> Iterator[Bounds]:
    for part in get_args(annotation):
        if isinstance(part, Bounds):
            yield part
        yield from _bounds(part)
