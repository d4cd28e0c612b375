"""What each kind of layer says of itself, written down for networks that a page builds.

A kind is asked with the marks of `lowering_patterns`: where one comes out, its field's name goes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.engine.wasm.lowering_patterns import INPUTS, is_by_column, lowering_patterns, marked
from chainrule.explanation.formulas import number
from chainrule.explanation.line_patterns.pattern_trees import key_list, noted_tree
from chainrule.explanation.line_patterns.recorded_columns import (
    OWN_ROWS,
    column_work,
    one_column,
)
from chainrule.explanation.line_patterns.recorded_tables import Place, Tree, every_answer
from chainrule.explanation.line_patterns.recording_sheet import (
    ROWS,
    SOURCE,
    UNIT,
    RecordingSheet,
)
from chainrule.explanation.mathml import MathML
from chainrule.layers import LAYERS, Draw, Layer, Role
from chainrule.streams import Stream, generator
from chainrule.trees import named_leaves

ROLES = {Role.WEIGHT: {"weight": True}, Role.STATISTIC: {"fixed": True}}

ACTIVATED = {"alone": "tanh", "joint": "softmax"}
"""Activations of each number by itself, and of a row: their formulas have other sums."""


def layer_patterns() -> dict[str, Any]:
    """Return of each kind that has a lowering what it says, by its name.

    Of kinds by column there are those whose formulas can be written down for any one column.

    >>> made = layer_patterns()["dense"]
    >>> made["outputs"], [leaf["name"] for leaf in made["leaves"]]
    ('units', ['W', 'b'])
    """
    kinds = {name: LAYERS[name] for name in lowering_patterns()}
    made = {name: _pattern(kind) for name, kind in kinds.items() if not is_by_column(kind)}
    made |= {name: each for name, kind in kinds.items() if (each := _of_columns(kind))}
    bare: dict[str, Any] = _bare(made)
    return bare


def _bare(made: Any) -> Any:
    """Tables without what is said not to be."""
    if not isinstance(made, dict):
        return made
    return {
        name: _bare(part) for name, part in made.items() if part is not None and part is not False
    }


def _of_columns(kind: type[Layer]) -> dict[str, Any] | None:
    """What a kind with an entry for each column says of any one of them."""
    layer = one_column(kind) if is_by_column(kind) else None
    if layer is None:
        return None
    fields = {v: name for name, v in vars(layer).items() if isinstance(v, int | float)}
    names: dict[Any, str] = {OWN_ROWS: "rows", 1: "embedded", **fields}
    leaves = list(named_leaves(layer.form(1)))
    shapes = {name: tuple(leaf.shape) for name, leaf in leaves}
    return {
        "outputs": "outputs",
        "byColumn": True,
        "leaves": _leaves(layer, shapes, names),
        "predicts": {"alone": column_work(layer, shapes, names)},
        "matrices": {"alone": _matrices(layer)},
    }


def _leaves(layer: Layer, shapes: dict[str, Any], names: dict[Any, str]) -> list[dict[str, Any]]:
    return [
        {"name": name, "shape": _sizes(shape, names), **ROLES.get(layer.role(name), {})}
        for name, shape in shapes.items()
    ]


def _pattern(kind: type[Layer]) -> dict[str, Any]:
    fields = marked(kind)
    assert fields is not None
    names: dict[Any, str] = {INPUTS: "inputs", ROWS: "rows"}
    names |= {value: name for name, value in fields.items() if isinstance(value, int | float)}
    layer = kind.of_fields(**fields)
    outputs = layer.outputs(INPUTS)
    unfolds = _Unfolding()
    layer.unfold(unfolds, -1)
    own = [] if unfolds.within else list(named_leaves(layer.form(INPUTS)))
    shapes = {name: tuple(leaf.shape) for name, leaf in own}
    made = {
        "outputs": names[outputs],
        "gate": kind.training_only,
        "within": unfolds.within,
        "overBatch": layer.over_batch,
        "leaves": _leaves(layer, shapes, names),
    }
    for mode in ("predicts", "trains"):
        made[mode] = {
            variant: _work(each, shapes, outputs, names, trains=mode == "trains")
            for variant, each in _variants(kind, fields)
        }
    made["matrices"] = {variant: _matrices(each) for variant, each in _variants(kind, fields)}
    if made["trains"] == made["predicts"]:
        del made["trains"]
    return made


def _sizes(shape: tuple[int, ...], names: dict[Any, str]) -> list[str]:
    """The names of a leaf's sizes; of three, the first two are mixed values of all columns."""
    *_, last = sizes = [names[size] for size in shape]
    return ["mixed", last] if len(sizes) > 2 else sizes


def _matrices(layer: Layer) -> list[list[str]]:
    """Its steps for all examples at once, as MathML."""
    writer = MathML()
    return [[writer.pieces(made), writer.pieces(of), name] for made, of, name in layer.matrices()]


class _Unfolding:
    """A flow that only sees whether layers lie within, and that their place comes behind them."""

    def __init__(self) -> None:
        self.within = False

    def place(self, layer: Layer, *sources: int, outputs: int | None = None) -> int:
        self.sources = sources
        return 0

    def through(self, layers: Any, x: int, path: str = "{}", seen: Any = None, **_: Any) -> int:
        self.within = True
        return -2


def _variants(kind: type[Layer], fields: dict[str, Any]) -> list[tuple[str, Layer]]:
    if "activation" not in fields:
        return [("alone", kind.of_fields(**fields))]
    return [
        (name, kind.of_fields(**{**fields, "activation": row})) for name, row in ACTIVATED.items()
    ]


def _work(
    layer: Layer, shapes: dict[str, Any], outputs: int, names: dict[Any, str], *, trains: bool
) -> dict[str, Any] | None:
    """A layer's formulas; None where it says that all passes as it is."""
    sheet = RecordingSheet(shapes, INPUTS, outputs, _sample(type(layer), trains=trains))
    sheet.marks = {number(value).text: name for value, name in names.items()}  # type: ignore[union-attr]
    made: Any = layer.work(sheet)
    if made is None:
        return None
    found: dict[str, Any] = {
        "a": every_answer(lambda: noted_tree(made.a(UNIT), sheet.marks)),
        "dx": [_back(sheet, dx) for dx in made.dx],
        "by": {name: _changed(sheet, by, len(shapes[name])) for name, by in made.by.items()},
        "z": bool(made.z and made.z(UNIT)),
        "delta": bool(made.delta and made.delta(UNIT)),
        "needs": made.needs is not None,
        "letters": made.letters and key_list(_of(made.letters).key),
        "chain": made.chain and sheet.tree(made.chain(UNIT)),
        "reach": None if made.reach == sheet.alike else made.reach,
    }
    found["defined"] = sheet.defined
    return {**_known(found, sheet), "asks": sorted(set(_asked(found)))}


def _back(sheet: RecordingSheet, dx: Any) -> Tree | None:
    return every_answer(lambda: noted_tree(dx(UNIT), sheet.marks))


def _of(letters: Any) -> Any:
    """What the softmax is of that the letters are of."""
    return letters.__self__.z(UNIT)


def _asked(part: Any) -> Iterator[str]:
    """What a formula asks of that the layer saw."""
    if isinstance(part, dict):
        part = list(part.values())
    if isinstance(part, list):
        if part[:1] == ["seen"]:
            yield part[1]
        for each in part:
            yield from _asked(each)


def _sample(kind: type[Layer], *, trains: bool) -> Any:
    """What a small layer of the kind saw of an example."""
    layer, x = kind.example(2), np.array([[0.5, 0.25]])
    params = layer.init(2, generator(Stream.WEIGHTS))
    return layer.forward(params, x, Draw(0, 1) if trains else None, np)[1]


def _changed(sheet: RecordingSheet, by: Any, axes: int) -> list[Tree]:
    """What an entry of a parameter changes, and by how much."""
    pairs = by(*(UNIT, SOURCE)[:axes])
    return [[key_list(of.key), sheet.tree(much)] for of, much in pairs]


def _known(made: Any, sheet: RecordingSheet) -> Any:
    """The letters in the place of the numbers that the core saw."""
    if isinstance(made, dict):
        return {name: _known(part, sheet) for name, part in made.items()}
    if not isinstance(made, list):
        return made
    if made[:2] == ["q", "record"]:
        key = sheet.records[made[4]]
        return ["q", *key_list(key._replace(unit=made[2]) if isinstance(key.unit, Place) else key)]
    return [_known(part, sheet) for part in made]
