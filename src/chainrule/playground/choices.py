"""What can be chosen on the page, from the tables: nothing is listed here by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, get_args

from chainrule.activations import ACTIVATIONS, FAMILIES
from chainrule.engine.wasm.lowering_patterns import lowering_patterns
from chainrule.fields import Field, fields_of
from chainrule.layers import LAYERS
from chainrule.losses import LOSSES
from chainrule.optimizers import OPTIMIZERS
from chainrule.schedules import SCHEDULES
from chainrule.value_types import Bounds


def choices() -> dict[str, Any]:
    """Return the rows of each table by their names, with what the page asks and checks of them.

    >>> choices()["optimizers"]["sgd"]["momentum"]
    {'default': 0.0, 'must': 'a finite number >= 0 and < 1', 'least': 0, 'below': 1, 'help': 'μ, \
how much of the velocity each step keeps.'}
    """
    return {
        "activations": {
            name: {"parameter": (*row.parameters, None)[0], "family": name in FAMILIES}
            for name, row in ACTIVATIONS.items()
        },
        "losses": {
            name: {"target": row.target, "link": row.link_name, "parameters": row.parameters}
            for name, row in LOSSES.items()
        },
        "optimizers": {name: _fields(kind) for name, kind in OPTIMIZERS.items()},
        "schedules": {name: _fields(kind) for name, kind in SCHEDULES.items()},
        "layers": {name: _fields(LAYERS[name]) for name in lowering_patterns()},
    }


def _fields(kind: type) -> dict[str, Any]:
    return {name: _field(field) for name, field in fields_of(kind).items()}


def _field(field: Field) -> dict[str, Any]:
    """A field's default, if it has one, what it must be, its bounds, and what it is for."""
    default = None if field.default is dataclasses.MISSING else field.default
    bounds = {
        name: bound for each in _bounds(field.annotation) for name, bound in each.given.items()
    }
    return {
        "default": default,
        "must": field.type.words,
        **bounds,
        "help": field.metadata.get("help", ""),
    }


def _bounds(annotation: Any) -> Iterator[Bounds]:
    for part in get_args(annotation):
        if isinstance(part, Bounds):
            yield part
        yield from _bounds(part)
