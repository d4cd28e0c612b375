"""A program as what JSON can hold: what the engine of a page is told of a network."""

from __future__ import annotations

from typing import Any

from chainrule.engine.program import Program

FIELDS = ("values", "tensors", "operations", "output", "work", "heads", "layers")


def plain_program(program: Program) -> dict[str, Any]:
    """Return a program as dictionaries, lists, names and numbers, under the names of its fields.

    >>> net = cr.Network(2, [cr.Dense(1)], loss="huber")
    >>> plain_program(Program(net))["tensors"][0]
    {'rows': 1, 'columns': 2, 'weight': True, 'statistic': False}
    >>> plain_program(Program(net))["layers"]
    {'0': {'x': 0, 'z': 1, 'a': 1}}
    """
    return {name: _plain(getattr(program, name)) for name in FIELDS}


def _plain(value: Any) -> Any:
    """A record or a table as a dictionary, a sequence as a list."""
    if hasattr(value, "_asdict"):
        return _plain(value._asdict())
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, tuple | list | range) else value
