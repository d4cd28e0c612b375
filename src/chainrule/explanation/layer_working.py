"""What a layer gets when it is asked for its formulas, and what it gives: see `Layer.work`.

x(k), a(j)       what enters and leaves the layer        parameter(name, ...)   an entry
dx, da(j)        ∂C by them                              record, delta, params  the core's
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from chainrule.activation_row import Activation
from chainrule.explanation.activation_formulas import Activated
from chainrule.explanation.derivation_steps import NotedFormula, Step
from chainrule.explanation.expressions import Cases, Expression, Quantity, call
from chainrule.explanation.formulas import cases, number
from chainrule.explanation.notation import Key, derivative
from chainrule.explanation.sums import Row, total
from chainrule.explanation.unit_places import LayerPlace

if TYPE_CHECKING:
    from chainrule.explanation.example_numbers import ExampleNumbers, Seat

Pair = tuple[Quantity, Expression]
"""A quantity that a parameter changes, and its derivative by it."""


class Formulas(NamedTuple):
    """What a layer says of its numbers.

    | field | is |
    |---|---|
    | a | of output j: its formula |
    | dx | of input k: that of ∂C by it, of each source |
    | by | of a parameter's entry: what of the layer it changes, and by how much |
    | reach | of inputs, of each source: the outputs that they reach, and how much comes back |
    | z, delta | of output j: its weighted input, and δ, which have lines of their own |
    | needs | of units: the outputs by which ∂C must be known for their δ |
    | letters | what has its lines before all outputs |
    | chain | of input k: ∂C by it, by the derivatives of what it changes |
    | slope | of a layer by column: the derivative of an output of an embedded one by that |
    | values | the numbers of what leaves, where they are not its record's a |
    """

    a: Callable[[int], Any]
    dx: Sequence[Callable[[int], Any]]
    by: Mapping[str, Callable[..., list[Pair]]]
    reach: Callable[..., tuple[Sequence[int], Any]]
    z: Callable[[int], Quantity] | None = None
    delta: Callable[[int], Quantity] | None = None
    needs: Callable[[Collection[int]], Collection[int]] | None = None
    letters: Callable[[], Sequence[Step]] | None = None
    chain: Callable[[int], Expression] | None = None
    slope: Callable[[int, int], Any] | None = None
    values: Row | None = None


class Sheet:
    """A layer's quantities in one example, and what makes formulas of them.

    `k` is its place; a gate has none, and `given` stands for what enters it, or for ∂C by what
    leaves it.
    """

    working: ExampleNumbers
    place: LayerPlace
    k: int
    params: Any
    record: Any
    delta: Any
    inputs: int
    outputs: int
    member: int

    def __init__(
        self,
        working: ExampleNumbers,
        place: LayerPlace,
        seat: Seat,
        k: int = -1,
        *,
        given: Expression | None = None,
    ) -> None:
        self.working, self.place, self.k = working, place, k
        self.params, self.record, self.delta = seat
        self.inputs, self.outputs, self.member = place.inputs, place.outputs, place.member
        self.given = given

    # Quantities

    def x(self, k: int, source: int = 0) -> Any:
        """What enters by number."""
        return self.given or self.working.sent(self.place.sources[source], k)

    @property
    def entered(self) -> Row:
        """The numbers of all that enters."""
        return self.working.passed(self.place.sources[0])

    def a(self, j: int) -> Quantity:
        """What leaves."""
        return self.working.out(self.k, j)

    def da(self, j: int) -> Any:
        """∂C by what leaves."""
        return self.given or self.working.seed(self.k, j)

    @property
    def left(self) -> Row:
        """The numbers of ∂C by all that leaves."""
        return self.working.dleft(self.k)

    def parameter(self, name: str, *entry: int) -> Quantity:
        """An entry of a parameter."""
        return self.working.parameter(self.k, name, *entry)

    def weighted(self, j: int, value: float, formula: Callable[[], Any]) -> Quantity:
        """A weighted input, with the formula that its line has."""
        return self.working.define(Key("z", self.k, j), value, formula, asked=False)

    def dz(self, j: int, value: float, formula: Callable[[], Any]) -> Quantity:
        """δ, which is ∂C/∂z of a unit, with the formula that its line has."""
        key = self.working.delta_key(self.k, j)
        return self.working.define(key, value, formula, asked=False)

    def let(
        self,
        text: str,
        formula: Callable[[], Any],
        value: float,
        *,
        unit: int = -1,
        source: int = -1,
        of: Quantity | None = None,
        note: str = "",
    ) -> Quantity:
        """A letter of the layer, with a line of its own before the first that needs it.

        It is of a unit, of an input (`source`), of a parameter (`of`), or of the whole layer.
        """
        parameter = (of.key,) if of else ()
        key = Key("own", self.k, unit, source + 1, parameter, text)
        return self.working.define(key, value, lambda: NotedFormula(formula(), note))

    def by(self, of: Quantity, formula: Callable[[], Any], value: float) -> Quantity:
        """∂C by a letter of the layer, with a line of its own before the first that needs it."""
        return self.working.define(derivative(self.working.cost, of.key), value, formula)

    # Of a layer with an entry for each column

    def layout(self, layer: Any) -> Any:
        """Where its outputs stand."""
        return layer.layout(self.inputs)

    def level(self, column: int, count: int) -> int | None:
        """The level that a column names, the whole number nearest to it; None of other ones."""
        level = np.round(self.record.x[0, column])
        return int(level) if 0 <= level < count else None

    def bin(self, column: int, edges: Sequence[float]) -> int:
        """The bin that a column's number lies in, or lies nearest to."""
        return int(np.searchsorted(edges[1:-1], self.record.x[0, column], side="right"))

    def last_bin(self, edges: Sequence[float]) -> int:
        """The bin behind which there is none."""
        return len(edges) - 2

    def ends(self, edges: Sequence[float], j: int) -> Sequence[float]:
        """The two edges of a bin."""
        return edges[j : j + 2]

    def is_held(self, column: int, ends: Sequence[float], least: float, most: float) -> bool:
        """Whether a column's number is so far from a bin that its share in it is held."""
        left, right = ends
        return not least <= (self.record.x[0, column] - left) / (right - left) < most

    # Of a batch that is normalised as one

    @property
    def batch(self) -> tuple[Any, Any]:
        """The record and the δ of all examples."""
        numbers = self.working.numbers
        return numbers.record(self.place), numbers.delta(self.place)

    def x_of(self, row: int, k: int) -> Quantity:
        """What enters in a row of the batch."""
        x = self.batch[0].x
        return Quantity(self.working.of_row(self.x(k).key, row, len(x)), float(x[row, k]))

    def let_of(self, row: int, own: Quantity, value: float) -> Quantity:
        """A letter of the layer in a row of the batch."""
        size = len(self.batch[0].x)
        return Quantity(self.working.of_row(own.key, row, size), float(value))

    def by_of(self, row: int, own: Quantity, value: float) -> Quantity:
        """∂C by a letter of the layer in a row of the batch."""
        cost, by = own.key.of
        there = self.working.of_row(by, row, len(self.batch[0].x))
        if there.example:
            cost = cost._replace(example=there.example)
        return Quantity(derivative(cost, there._replace(example=0)), float(value))

    # Formulas

    def total(self, values: Any, term: Callable[[int], Any]) -> Expression:
        """A sum of terms, of which the largest by the values are written."""
        return total(values, term, self.working.top)

    def over(
        self, k: int, values: Any, term: Callable[[int], Any], *, apart: bool, parts: bool = True
    ) -> Any:
        """The sum that ∂C by input k is over the outputs.

        `apart` says that each is of one z alone; where each has a share of the cost to itself too,
        these parts of the sum have lines of their own, if `parts` says so.
        """
        split = parts and apart
        return self.working.over(self.k, self.x(k), values, term, apart=apart, split=split)

    def local(self, of: Quantity, k: int, value: float) -> Quantity:
        """The derivative of a quantity of the layer by input k."""
        return self.working.d(self.x(k), value, of=of.key)

    def activated(self, row: Activation, z: Callable[[int], Quantity], zs: Any) -> Activated:
        """The formulas of an activation, of quantities z and their numbers (1, o)."""
        return Activated(self, row, z, zs)

    def number(self, value: float) -> Expression:
        """A constant."""
        return number(value)

    def letter(self, text: str, value: float) -> Quantity:
        """A constant with a name, such as π."""
        return Quantity(Key("letter", text=text), value)

    @property
    def pi(self) -> Quantity:
        """π."""
        return self.letter("π", math.pi)

    def call(self, name: str, *arguments: Any) -> Expression:
        """A function, such as sqrt."""
        return call(name, *arguments)

    def cases(self, *rows: Any) -> Cases:
        """Expressions, each with the left, sign and right of its condition."""
        return cases(*rows)

    def noted(self, formula: Any, note: str = "") -> NotedFormula:
        """A formula with a note."""
        return NotedFormula(formula, note)

    def formulas(
        self,
        a: Callable[[int], Any],
        dx: Callable[[int], Any] | Sequence[Callable[[int], Any]],
        by: Mapping[str, Callable[..., list[Pair]]] | None = None,
        reach: Callable[..., tuple[Sequence[int], Any]] | None = None,
        **more: Any,
    ) -> Formulas:
        """What the layer says: see `Formulas`. Unless told, output j is of input j alone."""
        ports = (dx,) if callable(dx) else dx
        return Formulas(a, ports, by or {}, reach or self.alike, **more)

    def alike(self, *below: Sequence[int]) -> tuple[Sequence[int], Any]:
        """Of layers of which output j is of input j alone: the outputs of some inputs."""
        units = sorted(set().union(*map(set, below)))
        return units, self.left[units]

    def reached(self, part: Callable[[Any, Any], Any]) -> Callable[..., Any]:
        """Of layers of which each input reaches every output: see `Formulas.reach`.

        `part` gives what of ∂C by output j comes back to input k; of many, in arrays of places.
        """

        def reach(below: Sequence[int]) -> tuple[Sequence[int], Any]:
            j, k = np.arange(self.outputs)[:, None], np.asarray(below)[None, :]
            return self.every(np.abs(part(j, k)).max(axis=1))

        return reach

    def every(self, strengths: Any) -> tuple[Sequence[int], Any]:
        """Of layers of which each input reaches every output: these, and how much comes back."""
        return range(self.outputs), np.asarray(strengths)
