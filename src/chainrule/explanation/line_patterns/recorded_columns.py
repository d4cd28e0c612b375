"""Layers with an entry for each column of a table, written down for any one of the columns.

What a layer says of a column is asked of a layer with that column alone: units, rows of parameters
and levels count from the first of the column. What passes through such a layer is not said.
"""

from __future__ import annotations

import re
from typing import Any

from chainrule.engine.wasm.lowering_patterns import marked
from chainrule.explanation.derivation_steps import NotedFormula
from chainrule.explanation.expressions import Quantity
from chainrule.explanation.formulas import number
from chainrule.explanation.line_patterns.pattern_trees import key_list, noted_tree
from chainrule.explanation.line_patterns.recorded_tables import (
    Place,
    Question,
    Recorded,
    Table,
    Tree,
    every_answer,
)
from chainrule.explanation.line_patterns.recording_sheet import RecordingSheet
from chainrule.explanation.notation import Key
from chainrule.layers import Layer
from chainrule.layers.layout import Layout

OWN_ROWS = 3001
"""The mark of how many levels or bins the column has."""

ENDS = {0.0211: "left", 0.0223: "right"}
"""The marks of the edges of a bin."""

ONE = {"features": (0,), "levels": (OWN_ROWS,), "edges": (tuple(map(float, range(OWN_ROWS + 1))),)}
"""Fields with an entry for each column, of one column."""


def one_column(kind: type[Layer]) -> Layer | None:
    """Return a layer with one marked column; None where its formulas cannot be written down so.

    >>> one_column(cr.Embedding)
    Embedding([3001], 1013)
    """
    fields = marked(kind) or {}
    if not any(name in ONE for name in fields):
        return None
    return kind.of_fields(**{name: ONE.get(name, value) for name, value in fields.items()})


class ColumnPlace(Place):
    """Any place of the column, of which the first is 0.

    >>> f"{0 + ColumnPlace('@level'):,}"
    '{@level,}'
    """

    def __add__(self, more: int) -> ColumnPlace:
        return ColumnPlace(f"{self.name}+{more}") if more else self

    __radd__ = __add__

    def __sub__(self, less: int) -> ColumnPlace:
        return ColumnPlace(f"{self.name}-{less}") if less else self

    def __bool__(self) -> bool:
        return not Question(["same", self.name, 0])

    def __lt__(self, other: Any) -> Any:
        if isinstance(other, Place):
            return Question(["less", self.name, other.name])
        return True  # it is of the column

    def __format__(self, spec: str) -> str:
        return f"{{{self.name}{spec}}}"


class _AnyOutput(Layout):
    """The layout of one column, in which any output is of it."""

    def source(self, j: int) -> tuple[int, int]:
        return 0, j


class _AnyRecord:
    """What such a layer saw: arrays whose numbers are not asked for."""

    def __getattr__(self, name: str) -> Any:
        return Table(lambda *places: Quantity(Key("record", text=name), 1.0), None, None, None)


class ColumnSheet(RecordingSheet):
    """A sheet of a layer with one column.

    >>> ColumnSheet({}, 1, 5, None).layout(cr.Embedding([3], 5)).source(4)
    (0, 4)
    """

    held: list[float] | None = None

    def parameter(self, name: str, *entry: Any) -> Quantity:
        return super().parameter(
            name, *entry[-2:]
        )  # of three, the first says which column it is of

    def any_place(self) -> Any:
        return ColumnPlace(super().any_place().name)

    def layout(self, layer: Any) -> Any:
        return _AnyOutput(*layer.layout(1))

    def level(self, column: int, count: int) -> Any:
        """Any level, if what enters is one."""
        return ColumnPlace("@level") if Question(["is", "@level"]) else None

    def bin(self, column: int, edges: Any) -> Any:
        return ColumnPlace("@bin")

    def last_bin(self, edges: Any) -> Any:
        return ColumnPlace("@last")

    def ends(self, edges: Any, j: Any) -> Any:
        return [*ENDS]

    def is_held(self, column: int, ends: Any, least: float, most: float) -> Any:
        self.held = [least, most]
        return Question(["is", "@held"])

    def let(
        self,
        text: str,
        formula: Any,
        value: Any,
        *,
        source: Any = -1,
        of: Any = None,
        note: str = "",
        **_: Any,
    ) -> Any:
        key = Key("own", 0, -1, source + 1, (of.key,) if of else (), text)
        return self.define(key, value, lambda: NotedFormula(formula(), note))

    def total(self, values: Any, term: Any) -> Any:
        """A sum whose terms may differ by where they are, or of as many terms as a place says."""
        (size, *_), place = values.shape, self.any_place()
        count = ["#", size.name] if isinstance(size, Place) else self.tree(size)
        return Recorded(["Σ", count, place.name, every_answer(lambda: self.tree(term(place)))])


def column_work(layer: Layer, shapes: dict[str, Any], names: dict[Any, str]) -> dict[str, Any]:
    """Return what a layer with one column says of it; `names` are those of marks.

    >>> column_work(cr.Embedding([7], 5), {"W": (7, 5)}, {7: "rows", 5: "size"})["dx"]
    [[['n', '0'], 'a level has no slope']]
    """
    sheet = ColumnSheet(shapes, 1, layer.outputs(1), None)
    sheet.record = sheet.delta = _AnyRecord()
    marks = {value: name for value, name in names.items() if value != 1}
    marks |= {1 / OWN_ROWS: "share", **ENDS}
    sheet.marks = {number(value).text: name for value, name in marks.items()}  # type: ignore[union-attr]
    made: Any = layer.work(sheet)
    unit, source = ColumnPlace("@u"), ColumnPlace("@v")

    def changed(name: str, by: Any) -> Tree:
        entry: tuple[Any, ...] = (
            (unit, source) if shapes[name][0] == OWN_ROWS else (0, unit, source)
        )
        entry = entry if len(entry) == len(shapes[name]) else (0, source)
        (of, _), *_ = by(*entry)
        return [[key_list(of.key), every_answer(lambda: sheet.tree(by(*entry)[0][1]))]]

    def noted(formula: Any, place: Any) -> Tree:
        return _with_holes(every_answer(lambda: noted_tree(formula(place), sheet.marks)))

    return {
        "a": noted(made.a, unit),
        "dx": [noted(dx, 0) for dx in made.dx],
        "by": {name: changed(name, by) for name, by in made.by.items()},
        "slope": made.slope and every_answer(lambda: sheet.tree(made.slope(0, unit))),
        "defined": {name: _with_holes(own) for name, own in sheet.defined.items()},
        "held": sheet.held,
        "asks": [],
    }


_NUMBERS = {f"{OWN_ROWS:,}": "rows,"} | {f"{mark:g}": name for mark, name in ENDS.items()}
_HOLE = re.compile("|".join(["{(@[^}]+)}", *map(re.escape, _NUMBERS)]))


def _with_holes(made: Any) -> Tree:
    """Notes as phrases, each with the names of the numbers that stand in it."""
    if isinstance(made, list) and made[:1] == ["if"]:
        return [*made[:2], *map(_with_holes, made[2:])]
    formula, note = made
    names = [found[1] or _NUMBERS[found[0]] for found in _HOLE.finditer(note)]
    return [formula, [_HOLE.sub("{}", note), *names] if names else note]
