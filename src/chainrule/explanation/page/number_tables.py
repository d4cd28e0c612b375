"""Every number of the network as tables: of what is drawn, in the order of its names.

A table is its side of the page, its caption, its heads and its rows; a cell is what it is, and the
key that it is of.

| cell | is |
|---|---|
| `["named", key]` | a name, by which its derivation is chosen |
| `["unit", layer, j]` | the name of a unit |
| `["field", key]` | a number that can be changed, where the page is live |
| `["cell", key]`, `["slope", key]`, `["updated", key]` | a number, ∂C by it, it after the update |
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chainrule.explanation.notation import Key
from chainrule.explanation.page.drawn_units import DrawnUnits
from chainrule.explanation.page.page_derivations import Library
from chainrule.explanation.unit_places import Places

Table = list[Any]
Cell = list[Any]
Unit = tuple[int, int]


def tables(
    drawn: DrawnUnits, others: list[Key], at: Places, library: Library, *, updates: bool
) -> list[Table]:
    """Return the tables of a page, with some parameters that are not drawn.

    `updates` says whether they show what an update makes.

    >>> from chainrule.explanation.page.drawn_units import drawn_units
    >>> net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
    >>> explanation = cr.explain(net, net.init(), [3.0], [1.0], of="w1")
    >>> d, library = explanation.derivation, Library(explanation)
    >>> [table[1] for table in tables(drawn_units(d), [], d.at, library, updates=False)]
    ['Weights', 'Biases', 'Inputs', 'Units', 'Targets']
    """
    return list(_Tables(drawn, others, at, library, updates=updates).all())


class _Tables:
    def __init__(
        self, drawn: DrawnUnits, others: list[Key], at: Places, library: Library, *, updates: bool
    ) -> None:
        self.drawn, self.at, self.library, self.updates = drawn, at, library, updates
        self.ends: dict[Key, list[Unit]] = {
            edge.key: [(edge.of, edge.source), (edge.layer, edge.unit)]
            for edge in drawn.edges
            if edge.key
        }
        self.ends |= {key: [unit] for unit, key in drawn.biases.items()}
        self.others = [key for key in self.ends if key.kind == "parameter"] + others

    def all(self) -> Iterator[Table]:
        units = [(layer, j) for layer, own in enumerate(self.drawn.units[1:]) for j in own]
        yield [0, "Weights", *self.of_keys(self.drawn_of("w"), "w", "weight", "from", "to")]
        yield [1, "Biases", *self.of_keys(self.drawn_of("b"), "b", "bias", "of")]
        if self.others:
            yield [1, "Other parameters", *self.of_keys(self.others, "p", "parameter", "of")]
        yield [
            *(1, "Inputs", ["input", "value", "∂C/∂x"]),
            [self.cells(Key("x", -1, k), "named", "field", "slope") for k in self.drawn.units[0]],
        ]
        heads = ["unit", "weighted input z", "activation a", "∂C/∂a", "δ = ∂C/∂z"]
        yield [0, "Units", heads, [self.of_unit(*unit) for unit in units]]
        outputs = [self.of_output(j) for j in self.drawn.units[self.drawn.last + 1]]
        yield [1, "Targets", ["output", "target", "share of the cost"], outputs]

    def drawn_of(self, kind: str) -> list[Key]:
        return [key for key in self.ends if key.kind == kind]

    def of_keys(
        self, keys: list[Key], letter: str, name: str, *ends: str
    ) -> tuple[list[str], list[list[Cell]]]:
        """The heads and the rows of some parameters."""
        heads = [name, *ends, "value", f"∂C/∂{letter}"]
        rows = [self.parameter(key, len(ends)) for key in keys]
        return [*heads, *(["after the update"] if self.updates else [])], rows

    def parameter(self, key: Key, ends: int) -> list[Cell]:
        """A parameter's row; one that is not drawn is of its layer."""
        after = ["updated"] if self.updates else []
        name, *rest = self.cells(key, "named", "field", "slope", *after)
        units = [["unit", *unit] for unit in self.ends.get(key, [])[-ends:]]
        return [name, *(units or [["text", self.drawn.titles[key.layer + 1]]]), *rest]

    def cells(self, key: Key, *kinds: str) -> list[Cell]:
        return [[kind, self.library.key(key)] for kind in kinds]

    def of_unit(self, layer: int, j: int) -> list[Cell]:
        z, a, delta = (Key(kind, layer, j) for kind in ("z", "a", "delta"))
        name, activation, slope = self.cells(a, "named", "cell", "slope")
        return [name, *self.cells(z, "cell"), activation, slope, *self.cells(delta, "cell")]

    def of_output(self, j: int) -> list[Cell]:
        y, loss = Key("y", self.at.last, j), Key("loss", self.drawn.last, j)
        return [["unit", self.drawn.last, j], *self.cells(y, "field"), *self.cells(loss, "cell")]
