"""Layers with an entry for each column of a table, written down for any one of the columns.

What a layer says of a column is asked of a layer with that column alone: units, rows of parameters
and levels count from the first of the column. What passes through such a layer is not said.
"""

from __future__ import annotations

import re
from typing import Any

from chainrule.engine.wasm.lowering_patterns import marked
from chainrule.explanation.formulas import number
from chainrule.explanation.line_patterns.pattern_trees import key_list, noted_tree
from chainrule.explanation.line_patterns.recorded_tables import Place, Question, Tree, every_answer
from chainrule.explanation.line_patterns.recording_sheet import RecordingSheet
from chainrule.layers import Layer
from chainrule.layers.layout import Layout

OWN_ROWS = 3001
"""The mark of how many levels the column has."""

ONE = {"levels": (OWN_ROWS,)}
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
    '{@level}'
    """

    def __add__(self, first: int) -> ColumnPlace:
        if first:
            raise NotImplementedError(f"places of a column count from its first, got {first}")
        return self

    __radd__ = __sub__ = __add__

    def __lt__(self, end: int) -> bool:
        return True  # it is of the column

    def __format__(self, spec: str) -> str:
        return f"{{{self.name}}}"


class _AnyOutput(Layout):
    """The layout of one column, in which any output is of it."""

    def source(self, j: int) -> tuple[int, int]:
        return 0, j


class ColumnSheet(RecordingSheet):
    """A sheet of a layer with one column.

    >>> ColumnSheet({}, 1, 5, None).layout(cr.Embedding([3], 5)).source(4)
    (0, 4)
    """

    def any_place(self) -> Any:
        return ColumnPlace(super().any_place().name)

    def layout(self, layer: Any) -> Any:
        return _AnyOutput(*layer.layout(1))

    def level(self, column: int, count: int) -> Any:
        """Any level, if what enters is one."""
        return ColumnPlace("@level") if Question(["is", "@level"]) else None


def column_work(layer: Layer, shapes: dict[str, Any], names: dict[Any, str]) -> dict[str, Any]:
    """Return what a layer with one column says of it; `names` are those of marks.

    >>> column_work(cr.Embedding([7], 5), {"W": (7, 5)}, {7: "rows", 5: "size"})["dx"]
    [[['n', '0'], 'a level has no slope']]
    """
    sheet = ColumnSheet(shapes, 1, layer.outputs(1), None)
    marks = {value: name for value, name in names.items() if value != 1}
    marks |= {1 / OWN_ROWS: "share"}
    sheet.marks = {number(value).text: name for value, name in marks.items()}  # type: ignore[union-attr]
    made: Any = layer.work(sheet)
    unit, source = ColumnPlace("@u"), ColumnPlace("@v")

    def changed(by: Any) -> Tree:
        (of, _), *_ = by(unit, source)
        return [[key_list(of.key), every_answer(lambda: sheet.tree(by(unit, source)[0][1]))]]

    def noted(formula: Any, place: Any) -> Tree:
        return _with_holes(every_answer(lambda: noted_tree(formula(place), sheet.marks)))

    return {
        "a": noted(made.a, unit),
        "dx": [noted(dx, 0) for dx in made.dx],
        "by": {name: changed(by) for name, by in made.by.items()},
        "defined": sheet.defined,
        "asks": [],
    }


_HOLE = re.compile(rf"{{(@\w+)}}|({OWN_ROWS:,})")


def _with_holes(made: Any) -> Tree:
    """Notes as phrases, each with the names of the numbers that stand in it."""
    if isinstance(made, list) and made[:1] == ["if"]:
        return [*made[:2], *map(_with_holes, made[2:])]
    formula, note = made
    names = [place or "rows" for place, _ in _HOLE.findall(note)]
    return [formula, [_HOLE.sub("{}", note), *names] if names else note]
