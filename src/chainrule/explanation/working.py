"""The lines of one example: forward place by place, and backward from its loss.

What a layer says of its numbers has a line where it is asked for: a unit's, where the unit is
written; a letter's, before the first line that needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

import numpy as np

from chainrule.backprop import Deltas, Trace
from chainrule.explanation.activation_formulas import OWN
from chainrule.explanation.cached_method import cached_method
from chainrule.explanation.derivation_steps import NotedFormula, Step
from chainrule.explanation.example_numbers import ExampleNumbers
from chainrule.explanation.expressions import (
    Expression,
    Product,
    Quantity,
    Sum,
    in_double,
    node,
    walk,
)
from chainrule.explanation.layer_working import Formulas, Sheet
from chainrule.explanation.notation import Key, derivative
from chainrule.explanation.sums import exact_sum, total
from chainrule.explanation.unit_places import Places
from chainrule.explanation.working_loss import LossLines
from chainrule.trees import Array

EVERY_WAY, THROUGH_GATES = "by every way on", "back through dropout"
"""What is said of ∂C by what enters several places, and by what gates leave something of."""


class Working(ExampleNumbers):
    """The lines of one example."""

    def __init__(
        self,
        trace: Trace,
        deltas: Deltas,
        y: Array,
        *,
        row: int,
        cost: Key,
        top: int,
        at: Places | None = None,
        whole: Key | None = None,
    ) -> None:
        self.whole: Key = whole or cost
        at = at or Places.of(trace.net)
        super().__init__(trace, deltas, y, row=row, cost=cost, top=top, at=at)
        self.defined: dict[Key, tuple[Quantity, Callable[[], Any]]] = {}
        self.asked: set[Key] = set()
        self.written: set[Key] = set()
        self.losses: dict[int, LossLines] = {k: LossLines(self, k) for k in at.ends}

    # What layers say

    @cached_method
    def formulas(self, k: int) -> Formulas:
        """Return what the layer of a place says."""
        place = self.at.layers[k]
        sheet = Sheet(self, place, self.seat(k), k)
        made: Formulas = place.layer.work(sheet) or sheet.formulas(sheet.x, sheet.da)
        return made

    def define(
        self, key: Key, value: float, formula: Callable[[], Any], *, asked: bool = True
    ) -> Quantity:
        if key not in self.defined:
            self.defined[key] = Quantity(key, float(value)), formula
            if asked:
                self.asked.add(key)
        return self.defined[key][0]

    def _with_needs(self, step: Step) -> list[Step]:
        """A step, after the lines of the letters that it needs."""
        parts = (part for each in step.walk() for part in _quantities(each.formula))
        return [*(line for part in parts for line in self._asked(part.key)), step]

    def _asked(self, key: Key) -> list[Step]:
        if key not in self.asked or key in self.written:
            return []
        self.written.add(key)
        return self._line(key)

    def _line(self, key: Key) -> list[Step]:
        return self._with_needs(self._step(key))

    @cached_method
    def _step(self, key: Key) -> Step:
        return self._formula(key).of(self.defined[key][0])

    @cached_method
    def _formula(self, key: Key) -> NotedFormula:
        return _noted(self.defined[key][1]())

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
        if not (split and self._is_split(k)):
            return total(values, term, self.top)

        def by_output(j: int) -> Quantity:
            key = derivative(self.losses[k].share(j).key, x.key)
            return self.define(key, values[j], lambda: term(j))

        return total(values, by_output, self.top)

    def _is_split(self, k: int) -> bool:
        """Whether each output of a place has a share of the cost to itself."""
        if self.at.ends != (k,):
            return False
        return self.losses[k].is_split

    # Parameters

    def pairs(self, key: Key) -> Iterator[tuple[Expression, Quantity]]:
        """Yield ∂C by each quantity that a parameter changes, and the derivative of that by it."""
        name, entry = self.at.leaf(key)
        for k in self.at.instances(key):
            own = name.removeprefix(f"{self.at.layers[k].path}.")
            for of, by in self.formulas(k).by[own](*entry):
                yield self._derived(k, of), self._by(of, key, by)

    def _derived(self, k: int, of: Quantity) -> Expression:
        """∂C by a quantity of a layer."""
        if of.key.kind == "a":
            return self.seed(k, of.key.unit)
        formulas = self.formulas(k)
        if of.key.kind == "z" and formulas.delta:
            return formulas.delta(of.key.unit)
        return self.defined[derivative(self.cost, of.key)][0]

    def _by(self, of: Quantity, key: Key, by: Any) -> Quantity:
        value = by.value if isinstance(by, Quantity) else in_double(node(by))
        return self.define(derivative(of.key, key), value, lambda: by)

    def changed_units(self, key: Key, k: int) -> set[int]:
        """Return the units of a place that a parameter changes."""
        name, entry = self.at.leaf(key)
        own = name.removeprefix(f"{self.at.layers[k].path}.")
        pairs = self.formulas(k).by[own](*entry)
        return set().union(*(self._units_of(k, of) for of, _ in pairs))

    def _units_of(self, k: int, of: Quantity) -> set[int]:
        if of.key.kind in ("a", "z"):
            return {of.key.unit}
        return self._behind(k, derivative(self.cost, of.key))

    def _behind(self, k: int, key: Key) -> set[int]:
        """The units of a place by which ∂C must be known for a quantity of its layer."""
        if key.kind == "d" and key.of[1].kind == "a" and key.of[1].layer == k:
            return {key.of[1].unit}
        if key not in self.defined:
            return set()
        formula = self._formula(key).formula
        parts = (part.key for part in _quantities(formula))
        return set().union(*(self._behind(k, part) for part in parts))

    def tied(self, places: Collection[Key]) -> Step:
        """∂C by a parameter, the sum over its places: δ, times what z changes by it."""
        pairs = [pair for place in places for pair in self.pairs(place)]
        terms = [d * by for d, by in pairs]
        values = [_value(d) * by.value for d, by in pairs]
        key = derivative(self.cost, next(iter(places)))
        return Step(key, terms[0] if len(terms) == 1 else Sum(tuple(terms)), exact_sum(values))

    def gradient(self, places: Collection[Key]) -> list[Step]:
        """∂C by a parameter, which stands in one place or is tied."""
        step = self.tied(places)
        own = [by for place in places for _, by in self.pairs(place)]
        if [by.key for by in own] == [step.key]:
            return self._asked(step.key)
        return self._with_needs(step)

    # The chain rule itself

    def chain(self, key: Key) -> list[Step]:
        """The chain rule of a derivative in a line or two, whose factors are worked out later."""
        k, j = key.layer, key.unit
        if key.kind not in ("x", "a", "z"):
            return self._chain_of_parameter(key)
        before = [*self._over_units(k, j), *self._undropped(k, j)]
        if key.kind != "z":
            return before
        delta, noted = self._delta(k, j)
        step = Step(derivative(self.cost, key), noted.formula, delta.value)
        return [*before, step] if isinstance(noted.formula, Product) else [step]

    def _chain_of_parameter(self, key: Key) -> list[Step]:
        """A δ that is a product is taken apart; another one comes first."""
        step = self.tied([key])
        pairs = [*self.pairs(key)]
        if len(pairs) > 1 or pairs[0][1].key == step.key:
            return [step] if len(pairs) > 1 else []
        d, by = pairs[0]
        if not isinstance(d, Quantity) or d.key not in self.defined or d.key in self.asked:
            return [step]  # it is no δ
        noted = self._formula(d.key)
        if isinstance(noted.formula, Product):
            return [Step(step.key, noted.formula * by, step.value)]
        return [noted.of(d), step]

    def _delta(self, k: int, j: int) -> tuple[Quantity, NotedFormula]:
        """δ of a unit, and its formula."""
        delta = self.formulas(k).delta
        assert delta is not None
        quantity = delta(j)
        return quantity, self._formula(quantity.key)

    def _over_units(self, k: int, j: int) -> list[Step]:
        """∂C by what a unit passes on, through all that it changes in the one layer above."""
        above = self.at.above.get(k, [])
        chain = self.formulas(above[0][0]).chain if len(above) == 1 else None
        d = self.dsent(k, j)
        return [Step(d.key, chain(j), d.value)] if chain else []

    # Forward

    def layer_forward(self, k: int, units: Collection[int]) -> list[Step]:
        """The lines of some units of a place; what is of a whole row comes between."""
        layer = self.formulas(k)
        if not layer.letters:
            return [line for j in units for line in (*self._weighted(k, j), *self._leaving(k, j))]
        sums = [line for j in units for line in self._weighted(k, j)]
        return [*sums, *layer.letters(), *(line for j in units for line in self._leaving(k, j))]

    def _weighted(self, k: int, j: int) -> list[Step]:
        z = self.formulas(k).z
        return self._line(z(j).key) if z else []

    def _leaving(self, k: int, j: int) -> list[Step]:
        """What leaves a unit, and what gates leave of it."""
        return [*self._with_needs(self._left(k, j)), *self.dropped(k, j)]

    @cached_method
    def _left(self, k: int, j: int) -> Step:
        return _noted(self.formulas(k).a(j)).of(self.out(k, j))

    def dropped(self, k: int, j: int) -> list[Step]:
        """What gates such as dropout leave of a unit or an input."""
        gates = self.gates(k)
        if not gates:
            return []
        made: Any = self.out(k, j)
        notes = []
        for place, seat in gates:
            noted = _noted(place.layer.work(Sheet(self, place, seat, given=made)).a(j))
            made = noted.formula
            through = place.layer.delta(seat.params, seat.record, np.ones_like(seat.record.a), np)
            notes.append((bool(through[0, j]), noted.note))
        return [NotedFormula(made, min(notes)[1]).of(self.sent(k, j))]

    def cost_lines(self, units: list[list[int]]) -> list[Step]:
        """The lines of the cost: of several members, the mean of theirs."""
        if len(self.at.ends) == 1:
            return self.losses[self.at.last].lines(tuple(units[self.at.last]), self.whole)
        costs = [self.whole._replace(kind="C", layer=k) for k in self.at.ends]
        each = zip(self.losses.values(), costs, strict=True)
        steps = [step for loss, cost in each for step in loss.lines(tuple(units[loss.k]), cost)]
        known = {step.key: step.value for step in steps}
        values = [known[cost] for cost in costs]
        summed = total(values, lambda m: Quantity(costs[m], values[m]), self.top)
        mean = exact_sum(values) / len(values)
        return [*steps, Step(self.whole, summed / len(values), mean, "the mean of the members'")]

    # Backward

    def layer_backward(self, k: int, units: Collection[int]) -> list[Step]:
        """∂C by some units of a place, from what they pass on back to their weighted inputs."""
        layer = self.formulas(k)
        if not layer.needs:
            return [line for j in units for line in (*self.dunit(k, j), *self._deltas(k, j))]
        steps = [line for j in layer.needs(units) for line in self.dunit(k, j)]
        return [*steps, *(line for j in units for line in self._deltas(k, j))]

    def _deltas(self, k: int, j: int) -> list[Step]:
        delta = self.formulas(k).delta
        return self._line(delta(j).key) if delta else []

    def dunit(self, k: int, j: int) -> list[Step]:
        """∂C by what leaves a unit, or by an input."""
        steps = [self._dlast(k, j)] if k in self.at.ends else self._dhidden(k, j)
        return steps + self._undropped(k, j)

    def dweighted(self, k: int, j: int) -> Step:
        """∂C by the weighted input of a unit, which is its δ."""
        delta, _ = self._delta(k, j)
        return Step(derivative(self.cost, Key("z", k, j)), delta, delta.value)

    def _dlast(self, k: int, j: int) -> Step:
        """∂C by an output."""
        d, loss = self.dsent(k, j), self.losses[k]
        slope, members = loss.slope(j), len(self.at.ends)
        if slope is None:
            return Step(d.key, None, d.value, f"{OWN}, {loss.name(j)}")
        return Step(d.key, slope / members if members > 1 else slope, d.value)

    def _dhidden(self, k: int, j: int) -> list[Step]:
        return self._with_needs(self._dsent(k, j))

    @cached_method
    def _dsent(self, k: int, j: int) -> Step:
        """∂C by what a unit passes on: the sum over all that it enters."""
        parts = [_noted(self.formulas(q).dx[port](j)) for q, port in self.at.above[k]]
        noted = parts[0]
        if len(parts) > 1:
            terms = [part.formula for part in parts if part.formula]
            noted = NotedFormula(sum(terms[1:], terms[0]), EVERY_WAY)
        return noted.of(self.dsent(k, j))

    def _undropped(self, k: int, j: int) -> list[Step]:
        """∂C/∂a from ∂C by what gates leave of it, where some lie behind the unit."""
        gates = self.gates(k)
        made: Any = self.dsent(k, j)
        for place, seat in gates[::-1]:
            made = _noted(place.layer.work(Sheet(self, place, seat, given=made)).dx[0](j)).formula
        return [NotedFormula(made, THROUGH_GATES).of(self.dout(k, j))] if gates else []


def _quantities(formula: Expression | None) -> list[Quantity]:
    return [part for part in walk(formula) if isinstance(part, Quantity)] if formula else []


def _noted(given: Any) -> NotedFormula:
    """A formula with what is noted of it."""
    return given if isinstance(given, NotedFormula) else NotedFormula(node(given))


def _value(d: Expression) -> float:
    return d.value if isinstance(d, Quantity) else in_double(d)
