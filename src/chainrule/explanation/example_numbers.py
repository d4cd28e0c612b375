"""One example's numbers in a pass forward and backward, and their names as nodes of formulas.

    k       a place of the network, from 0; what enters the network leaves place −1
    kept    what a unit passes on, where a gate such as dropout lies behind it; else that is its a

Every number is the core's.
"""

from __future__ import annotations

import abc
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from chainrule.backprop import Deltas, Trace
from chainrule.explanation.cached_method import cached_method
from chainrule.explanation.core_numbers import PlaceNumbers, at_path
from chainrule.explanation.expressions import Expression, Quantity
from chainrule.explanation.layer_working import Formulas, Sheet
from chainrule.explanation.notation import Key, derivative
from chainrule.explanation.sums import Row
from chainrule.explanation.unit_places import LayerPlace, Places
from chainrule.trees import Array

if TYPE_CHECKING:
    from chainrule.network import Network


class Seat(NamedTuple):
    """A place's parameters, and one row of its record and its δ."""

    params: Any
    record: Any
    delta: Any


class ExampleNumbers(abc.ABC):
    """What one example of a pass forward and backward has to show; `row` is its row in both.

    `top` is how many terms of a sum are written.
    """

    net: Network
    cost: Key
    at: Places
    at_row: int
    top: int

    def __init__(
        self, trace: Trace, deltas: Deltas, y: Array, *, row: int, cost: Key, top: int, at: Places
    ) -> None:
        self.net, self.cost, self.at, self.at_row, self.top = trace.net, cost, at, row, top
        self.numbers: PlaceNumbers = PlaceNumbers(trace, deltas, at, trace.output)
        self.y: Row = y[row]
        self.output: Any = trace.output[row : row + 1]
        self.x: Row = trace[0].x[row]

    # What layers say

    @abc.abstractmethod
    def formulas(self, k: int) -> Formulas:
        """What the layer of a place says."""

    @abc.abstractmethod
    def define(
        self, key: Key, value: float, formula: Callable[[], Any], *, asked: bool = True
    ) -> Quantity:
        """Return a quantity that a layer says the formula of.

        Its line is written before the first that needs it, where `asked` says so.
        """

    @abc.abstractmethod
    def over(
        self,
        k: int,
        x: Quantity,
        values: Any,
        term: Callable[[int], Any],
        *,
        apart: bool,
        split: bool,
    ) -> Expression:
        """∂C by what enters a layer: the sum over its outputs, split among their shares or not."""

    def seed(self, k: int, j: int) -> Expression:
        """∂C by what leaves a unit, as the formulas of its layer have it."""
        return self.dout(k, j)

    def dleft(self, k: int) -> Row:
        """The numbers of these."""
        return self.da(k)

    def root(self, k: int) -> int | None:
        """The unit of a place that is derived itself, without a cost behind it."""
        return None

    def delta_key(self, k: int, j: int) -> Key:
        """The key of ∂C/∂z of a unit."""
        return Key("delta", k, j)

    # The core's numbers

    def seat(self, k: int) -> Seat:
        """What a place has of the example."""
        return self._seat(self.at.layers[k])

    @cached_method
    def _seat(self, place: LayerPlace) -> Seat:
        n, row = self.numbers.n, self.at_row
        rows = {n * self.net.members: (place.member - 1) * n + row} if place.member else {}
        record, delta = self.numbers.record(place), self.numbers.delta(place)
        taken = (_taken(tree, {**rows, n: row}) for tree in (record, delta))
        return Seat(self.numbers.params(place), *taken)

    @cached_method
    def gates(self, k: int) -> list[tuple[LayerPlace, Seat]]:
        """The gates behind a place that change what passes through them."""
        every = ((place, self._seat(place)) for place in self.at.gates.get(k, ()))
        return [each for each in every if each[0].layer.work(Sheet(self, *each)) is not None]

    def a(self, k: int) -> Row:
        """What leaves a place, or the inputs."""
        if k < 0:
            return self.x
        values = self.formulas(k).values
        return np.asarray(self.seat(k).record.a[0] if values is None else values)

    def passed(self, k: int) -> Row:
        """What a place passes on."""
        gates = self.gates(k)
        return np.asarray(gates[-1][1].record.a[0]) if gates else self.a(k)

    @cached_method
    def dpassed(self, k: int) -> Row:
        """∂C by what a place passes on, behind its gates."""
        if k not in self.at.next:
            above = self.at.above.get(k)
            if above:  # it is added to something, and leaves as it is
                return self.da(above[0][0])
            o, m = self.at.layers[k].outputs, max(self.at.layers[k].member - 1, 0)
            return self.dlast[m * o : (m + 1) * o]
        place = self.at.next[k]
        entered = [self.at.layers[q].seen for q, _ in self.at.above[k]]
        apart = not (place.member or place.layer.over_batch)
        if entered == [place.seen] and apart:
            return self._dx(place)
        return np.asarray(self.numbers.rows(self.numbers.dx(place), k)[self.at_row])

    def da(self, k: int) -> Row:
        """∂C by what leaves a place, or by the inputs."""
        gates = self.at.gates.get(k)
        return self._dx(gates[0]) if gates else self.dpassed(k)

    @cached_method
    def _dx(self, place: LayerPlace) -> Row:
        return np.asarray(place.layer.dx(*self._seat(place), np)[0])

    @functools.cached_property
    def dlast(self) -> Row:
        """∂C by the outputs, of all members."""
        return np.asarray(self.net.row.grad(self.output, self.y[None], np)[0])

    # Quantities: the nodes of formulas

    def parameter(self, k: int, name: str, *entry: int) -> Quantity:
        """An entry of a parameter of a place."""
        place = self.at.layers[k]
        value = at_path(self.seat(k).params, name)[entry]
        return Quantity(self.at.key(f"{place.path}.{name}", entry), float(value))

    def out(self, k: int, j: int) -> Quantity:
        """What leaves a unit, or an input."""
        return Quantity(Key("a" if k >= 0 else "x", k, j), float(self.a(k)[j]))

    def sent(self, k: int, j: int) -> Quantity:
        """What a unit passes on."""
        if not self.gates(k):
            return self.out(k, j)
        return Quantity(Key("kept", k, j), float(self.passed(k)[j]))

    def of_row(self, key: Key, row: int, size: int) -> Key:
        """The key of what a quantity is in a row of its batch, of so many rows in all.

        Where members share a layer, these are rows of all of them, member by member.
        """
        member, example = divmod(row, self.numbers.n)
        if size > self.numbers.n:
            twin = self.at.twin(key.layer)
            twins = [k for k in range(len(self.at.layers)) if self.at.twin(k) == twin]
            key = key._replace(layer=twins[member])
        return key if example == self.at_row else key._replace(example=example + 1)

    def d(self, by: Quantity, value: float, of: Key | None = None) -> Quantity:
        """The derivative of the cost, or of another quantity."""
        return Quantity(derivative(of or self.cost, by.key), float(value))

    def dsent(self, k: int, j: int) -> Quantity:
        """∂C by what a unit passes on."""
        return self.d(self.sent(k, j), self.dpassed(k)[j])

    def dout(self, k: int, j: int) -> Quantity:
        """∂C/∂a of a unit, or by an input."""
        return self.d(self.out(k, j), self.da(k)[j])


def _taken(tree: Any, rows: dict[int, int]) -> Any:
    """One row of all that has a row for each example: which, by how many there are."""
    if isinstance(tree, tuple):
        parts = [_taken(part, rows) for part in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
    if not (isinstance(tree, np.ndarray) and tree.ndim and len(tree) in rows):
        return tree
    row = rows[len(tree)]
    return tree[row : row + 1]
