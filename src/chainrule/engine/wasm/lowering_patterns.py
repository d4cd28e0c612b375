"""How each kind of layer lowers itself, for pages that build networks: written down from a program.

A layer of the kind is lowered whose fields are marks, numbers that nothing else is. Where a mark
comes out, in a width, a shape or a field of an operation, its field goes there: `"=units"`.
`"=inputs"` is how many values enter. What follows from fields with an entry for each column of a
table has a name too: see `BY_COLUMN`. Kinds whose operations follow from more have no pattern.
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


EMBEDDED, ROWS = 401, 2003
"""The marks of how many columns a layer embeds, and how many bins or levels those have together."""

_COLUMNS = range(3, 3 + EMBEDDED)
_MANY = ROWS - 2 * (EMBEDDED - 1)

BY_COLUMN: dict[str, Any] = {
    "features": (*_COLUMNS,),
    "levels": tuple(_MANY if k == 3 else 2 if k in _COLUMNS else 0 for k in range(INPUTS)),
    "edges": tuple(
        tuple(map(float, range(1 + (_MANY if k == 3 else 2)))) if k in _COLUMNS else ()
        for k in range(INPUTS)
    ),
}
"""The marks of fields that say something of each column: `=embedded` is of how many, `=rows` how
many bins or levels there are, `=mixed` values of each times those, `=outputs` what leaves."""


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


def is_by_column(kind: type[Layer]) -> bool:
    """Whether a kind of layer has a field with an entry for each column: it is made of a table.

    >>> [name for name, kind in LAYERS.items() if is_by_column(kind)]
    ['periodic', 'piecewise_linear', 'embedding']
    """
    return any(field.name in BY_COLUMN for field in dataclasses.fields(kind))  # type: ignore[arg-type]


def _pattern(kind: type[Layer]) -> dict[str, Any] | None:
    fields = marked(kind)
    if fields is None:
        return None
    layer = kind.of_fields(**fields)
    program = Program(Network(INPUTS, [layer], "half_squared_error", check=False), trains=True)
    names = {value: f"={name}" for name, value in fields.items() if isinstance(value, int | float)}
    if is_by_column(kind):
        names |= {EMBEDDED: "=embedded", ROWS: "=rows", EMBEDDED * WHOLE[0]: "=mixed"}
        names[layer.outputs(INPUTS)] = "=outputs"
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
        if field.name in BY_COLUMN:
            found[field.name] = BY_COLUMN[field.name]
            continue
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
        made |= {name: f"={name}" for name in BY_COLUMN if op[name]}
        if activates and op["kind"] == "activate":
            made["activation"] = "=activation"
        if within.intersection(op["tensors"]):
            made = {"kind": "within", "inputs": op["inputs"], "output": op["output"]}
        operations.append(made)
    tensors = [named(each) for k, each in enumerate(plain["tensors"]) if k not in within]
    return {"tensors": tensors, "operations": operations}
