"""What a layer is given to write its formulas down, for any unit, instead of those of an example.

A layer's quantities are keys here of what they are to the layer:

| key | is |
|---|---|
| in | what enters by number, from source `source` |
| a, da, z, delta | what leaves, ∂C by it, a weighted input, δ |
| parameter | an entry of the parameter `text` |
| own, by | a letter of the layer, and ∂C by it |
| d | the derivative of one by the other |
| row | what another is in row `unit` of the batch |
| record | a number that the core saw; the letter that it is stands for it where it is asked for |
"""

from __future__ import annotations

import functools
import json
import math
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chainrule.activation_row import Activation
from chainrule.explanation.activation_formulas import Activated
from chainrule.explanation.derivation_steps import NotedFormula, Step
from chainrule.explanation.expressions import Quantity
from chainrule.explanation.layer_working import Sheet
from chainrule.explanation.line_patterns.pattern_trees import Marks, key_list, noted_tree, tree
from chainrule.explanation.line_patterns.recorded_tables import (
    Place,
    Record,
    Recorded,
    Table,
    Tree,
    every_answer,
)
from chainrule.explanation.notation import Key, derivative
from chainrule.explanation.softmax import Softmax

UNIT: Any = Place("@u")
SOURCE: Any = Place("@v")
"""The unit that a line is of, and the unit that another place of it is."""

ROWS = 2003
"""A mark of how many examples a batch has."""


class RecordingSheet(Sheet):
    """A sheet of any unit; what the layer defines on it is written down in `defined`.

    >>> sheet = RecordingSheet({"scale": (1009,)}, 1009, 1009, None)
    >>> sheet.tree(cr.Scale().work(sheet).a(UNIT))
    ['*', ['q', 'in', '@u'], ['q', 'parameter', '@u', 0, 'scale']]
    """

    inputs: int
    outputs: int
    k: int
    cost: Key

    def __init__(
        self, shapes: Mapping[str, tuple[int, ...]], inputs: int, outputs: int, sample: Any
    ) -> None:
        self.inputs, self.outputs = inputs, outputs
        self.marks: dict[str, str] = {}
        self.defined: dict[str, Any] = {}
        self.records: dict[str, Key] = {}
        self.places: int = 0
        self.record: Any = Record(sample, 1, outputs)
        own = {name: self._parameters(name, shape) for name, shape in shapes.items()}
        self.params: Any = types.SimpleNamespace(**own)
        self.delta: Any = Table(lambda row, j: self._quantity("delta", j), 1, outputs)
        self.working: Any = self  # an activation asks it
        self.k, self.cost = 0, Key("C")

    def _parameters(self, name: str, shape: tuple[int, ...]) -> Table:
        return Table(lambda *entry: self.parameter(name, *entry), *shape)

    def _quantity(self, kind: str, unit: Any, source: Any = 0, text: str = "") -> Quantity:
        return Quantity(Key(kind, 0, unit, source, text=text), 1.0)

    def any_place(self) -> Any:
        """Return a place of its own."""
        self.places += 1
        return Place(f"@{self.places}")

    def tree(self, e: Any, marks: Marks | None = None) -> Tree:
        """Write down a formula."""
        return tree(e, self.marks if marks is None else marks)

    # Quantities

    def x(self, k: Any, source: int = 0) -> Quantity:
        return self._quantity("in", k, source)

    @property
    def entered(self) -> Any:
        return Table(self.x, self.inputs)

    def a(self, j: Any) -> Quantity:
        return self._quantity("a", j)

    def da(self, j: Any) -> Quantity:
        return self._quantity("da", j)

    @property
    def left(self) -> Any:
        return Table(self.da, self.outputs)

    def parameter(self, name: str, *entry: Any) -> Quantity:
        unit, source = (*entry, 0)[:2]
        return self._quantity("parameter", unit, source, name)

    def weighted(self, j: Any, value: Any, formula: Callable[[], Any]) -> Quantity:
        return self.define(Key("z", 0, j), value, formula)

    def dz(self, j: Any, value: Any, formula: Callable[[], Any]) -> Quantity:
        return self.define(Key("delta", 0, j), value, formula)

    def let(
        self,
        text: str,
        formula: Callable[[], Any],
        value: Any,
        *,
        unit: Any = -1,
        source: Any = -1,
        of: Quantity | None = None,
        note: str = "",
    ) -> Quantity:
        if source != -1 or of is not None:
            raise NotImplementedError(f"the letter {text} is of an input or of a parameter")
        key = Key("own", 0, unit, 0, text=text)
        if isinstance(value, Quantity) and value.key.kind == "record":
            self.records[value.key.text] = key
        return self.define(key, value, lambda: NotedFormula(formula(), note))

    def by(self, of: Quantity, formula: Callable[[], Any], value: Any) -> Quantity:
        return self.define(Key("by", of=(of.key,)), value, formula)

    def define(self, key: Key, value: Any, formula: Callable[[], Any]) -> Quantity:
        """Write down what gives a quantity, once, for any unit."""
        places = self._places(key)
        general = _renamed(key_list(key), places)
        name = json.dumps(general, ensure_ascii=False, separators=(",", ":"))
        if name not in self.defined:
            self.defined[name] = None  # its formula may be of it
            made = every_answer(lambda: noted_tree(formula(), self.marks))
            self.defined[name] = _renamed(made, places)
        return Quantity(key, 1.0)

    def _places(self, key: Key) -> dict[str, str]:
        """The places that a key is of, by their general names."""
        found = [p.name for p in (key.unit, key.source) if isinstance(p, Place)]
        found += [name for part in key.of for name in self._places(part)]
        return dict(zip(dict.fromkeys(found), ("@u", "@v"), strict=False))

    def local(self, of: Quantity, k: Any, value: Any) -> Any:
        return Recorded(["local", key_list(of.key), key_list(self.x(k).key), self.tree(value)])

    # Of a batch

    @property
    def batch(self) -> tuple[Any, Any]:
        rows = Record(self.record.sample, ROWS, self.inputs)
        return rows, Table(lambda row, j: self.da(j), ROWS, self.inputs)

    def x_of(self, row: Any, k: Any) -> Quantity:
        return self._in_row(row, self.x(k))

    def let_of(self, row: Any, own: Quantity, value: Any) -> Quantity:
        return self._in_row(row, own)

    def by_of(self, row: Any, own: Quantity, value: Any) -> Quantity:
        return self._in_row(row, own)

    def _in_row(self, row: Any, own: Quantity) -> Quantity:
        return Quantity(Key("row", 0, row, of=(own.key,)), 1.0)

    # Formulas

    def total(self, values: Any, term: Callable[[Any], Any]) -> Any:
        place = self.any_place()
        count = self.tree(len(values))
        return Recorded(["Σ", count, place.name, self.tree(term(place))])

    def over(
        self, k: Any, values: Any, term: Callable[[Any], Any], *, apart: bool, parts: bool = True
    ) -> Any:
        place = self.any_place()
        count = self.tree(len(values))
        return Recorded(["over", k.name, count, place.name, self.tree(term(place)), apart, parts])

    def activated(self, row: Activation, z: Callable[[Any], Quantity], zs: Any) -> Activated:
        return RecordedActivation(self, row, z, zs)

    def root(self, k: int) -> None:
        """No unit is derived itself."""

    def reached(self, part: Callable[[Any, Any], Any]) -> Any:
        return self.tree(part(UNIT, SOURCE))

    def alike(self, *below: Sequence[int]) -> Any:
        raise NotImplementedError(
            "its layers say that output j is of input j alone, and ask no more"
        )


class RecordedActivation(Activated):
    """An activation of any unit: where it has a formula by itself there is a hole for that.

    >>> sheet = RecordingSheet({}, 1009, 1009, None)
    >>> tanh = RecordedActivation(sheet, cr.activations.activation("tanh"), sheet.x, None)
    >>> tanh._by_formula(UNIT, 0).formula.tree
    ['act', 0, ['in', '@u'], ['a', '@u']]
    """

    row: Activation
    z: Callable[[Any], Quantity]
    zs: Any

    def __init__(
        self, sheet: RecordingSheet, row: Activation, z: Callable[[Any], Quantity], zs: Any
    ) -> None:
        self.sheet: Any = sheet
        self.row, self.z, self.zs = row, z, zs
        self.working: Any = sheet

    def _by_formula(self, j: Any, facet: int) -> NotedFormula:
        of = [key_list(q.key) for q in (self.z(j), self.sheet.a(j))]
        return NotedFormula(Recorded(["act", facet, *of]))

    @functools.cached_property
    def _slopes(self) -> Any:
        return Table(lambda j: None, self.sheet.outputs)

    @functools.cached_property
    def _softmax(self) -> Softmax:
        return RecordedSoftmax(self.z, self.sheet.tree(self.sheet.outputs))

    @functools.cached_property
    def _jacobian(self) -> Any:
        def entry(k: Any, j: Any) -> Quantity:
            return Quantity(derivative(self.sheet.a(k).key, self.z(j).key), 1.0)

        return Table(entry, self.sheet.outputs, self.sheet.outputs)

    def _parts(self, j: Any) -> Any:
        return self.sheet.left


class RecordedSoftmax(Softmax):
    """A softmax of any quantities; `count` says of how many.

    >>> softmax = RecordedSoftmax(lambda j: Quantity(Key("z", 0, j), 1.0), ["#", "units"])
    >>> [step.key.text for step in softmax.letters()]
    ['m', 'S']
    """

    def __init__(self, quantity: Callable[[Any], Quantity], count: Tree) -> None:
        super().__init__([0.0], quantity, 0)  # type: ignore[arg-type]
        self.count = count

    @functools.cached_property
    def whole(self) -> Step:
        place: Any = Place("@s")
        summed = Recorded(["Σ", self.count, place.name, tree(self.power(place))])
        return self.of_powers(summed, math.nan)


def _renamed(made: Any, names: Mapping[str, str]) -> Any:
    """A list with other names of places."""
    if isinstance(made, list):
        return [_renamed(part, names) for part in made]
    return names.get(made, made) if isinstance(made, str) else made
