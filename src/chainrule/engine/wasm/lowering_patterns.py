"""How each kind of layer lowers itself, for pages that build networks: written down from a program.

A layer of the kind is lowered whose fields are marks, numbers that nothing else is. Where a mark
comes out, in a width, a shape or a field of an operation, its field goes there: `"=units"`.
`"=inputs"` is how many values enter. Kinds whose operations follow from more have no pattern.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from chainrule.engine.program import Program
from chainrule.engine.wasm.plain_program import plain_program
from chainrule.layers import LAYERS, Layer, Scale
from chainrule.network import Network

INPUTS = 1009
WHOLE, PARTS = (1013, 1019, 1021), (0.0101, 0.0103, 0.0107)
"""The marks of fields that are whole numbers, and of those that are fractions."""

WITHIN = (Scale(),)
"""What stands for the layers within, of any number: one operation, known by its tensor."""


def lowering_patterns() -> dict[str, Any]:
    """Return the pattern of each kind that has one: its tensors and its operations.

    >>> pattern = lowering_patterns()["dense"]
    >>> [tensor["columns"] for tensor in pattern["tensors"]]
    ['=inputs', '=units']
    >>> [(op["kind"], op["width"], op["activation"]) for op in pattern["operations"]]
    [('affine', '=units', 'identity'), ('activate', '=units', '=activation')]
    """
    made = {name: _pattern(kind) for name, kind in LAYERS.items()}
    return {name: pattern for name, pattern in made.items() if pattern}


def _pattern(kind: type[Layer]) -> dict[str, Any] | None:
    fields = marked(kind)
    if fields is None:
        return None
    net = Network(INPUTS, [kind.of_fields(**fields)], "half_squared_error", check=False)
    program = Program(net, trains=True)
    if any(op.features or op.edges or op.levels for op in program.operations):
        return None
    names = {value: f"={name}" for name, value in fields.items() if isinstance(value, int | float)}
    return _named(program, {INPUTS: "=inputs", **names}, "activation" in fields)


def marked(kind: type[Layer]) -> dict[str, Any] | None:
    """Return the fields of a layer, marked; None where one is of another type.

    >>> marked(cr.layers.LAYERS["dropout"])
    {'rate': 0.0101}
    """
    whole, parts = iter(WHOLE), iter(PARTS)
    example = kind.example(INPUTS)
    found: dict[str, Any] = {}
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        match getattr(example, field.name):
            case bool():
                return None
            case int():
                found[field.name] = next(whole)
            case float():
                found[field.name] = next(parts)
            case tuple() as layers if layers and all(isinstance(each, Layer) for each in layers):
                found[field.name] = WITHIN
            case str() | None as value:
                found[field.name] = value
            case _:
                return None
    return found


def _named(program: Program, names: dict[Any, str], activates: bool) -> dict[str, Any]:
    """A program with the names of fields in the place of their marks."""
    plain = plain_program(program)
    within = {k for name, k in program.numbers.items() if name.count(".") > 1}

    def named(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: named(part) for name, part in value.items()}
        if isinstance(value, list):
            return [named(part) for part in value]
        return names.get(value, value) if isinstance(value, int | float) else value

    operations = []
    for op in plain["operations"]:
        width = plain["values"][op["output"]]["width"]
        made = {**named({**op, "width": width}), "tensors": op["tensors"], "inputs": op["inputs"]}
        made["output"] = op["output"]
        if activates and op["kind"] == "activate":
            made["activation"] = "=activation"
        if within.intersection(op["tensors"]):
            made = {"kind": "within", "inputs": op["inputs"], "output": op["output"]}
        operations.append(made)
    tensors = [named(each) for k, each in enumerate(plain["tensors"]) if k not in within]
    return {"tensors": tensors, "operations": operations}
