"""The derivative of a unit, without a loss: ∂out_o1/∂w5, ∂net_h2/∂i1.

The network ends at the unit: what is worked out is how its activation, or its weighted input,
depends on what lies before it. The numbers are the core's, for a network cut off there.

    of   the unit's a or z      by   a weight, a bias, an input, or a unit before it
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import numpy as np

from chainrule.backprop import Deltas, Trace, deltas_from, forward
from chainrule.batches import Examples
from chainrule.explanation.core_numbers import PlaceNumbers
from chainrule.explanation.derivation import CHAIN, Deriver, check_finite, settled_parts
from chainrule.explanation.derivation_steps import Derivation, Part, Step, Update
from chainrule.explanation.expressions import Expression, Product, Quantity, in_double
from chainrule.explanation.formulas import number
from chainrule.explanation.notation import Key, derivative
from chainrule.explanation.reached_units import Reached
from chainrule.explanation.subjects import does_not_lead
from chainrule.explanation.sums import Row
from chainrule.explanation.unit_places import Places, is_parameter
from chainrule.explanation.working import Working
from chainrule.layers import Layer
from chainrule.network import Network, Parameters
from chainrule.trees import Array, leaves


def derive_unit(
    net: Network,
    params: Parameters,
    X: Array,
    of: Key,
    by: Key,
    *,
    top: int,
    labels: Mapping[Key, str],
    called: tuple[str, str | None],
) -> Derivation:
    """Return the derivation of a unit's a or z by something before it, for X in float64.

    Raises ValueError, with what the two are `called`, where it is not before it.
    """
    at = Places.of(net)
    with np.errstate(all="ignore"):
        if by.layer > of.layer:
            raise does_not_lead(called[0], str(called[1]))
        passes: Any = _UnitPasses(net, params, X, of)  # as much of Passes as its Deriver asks for
        deriver = _UnitDeriver(passes, by, top)
        if not deriver.leads():
            raise does_not_lead(called[0], str(called[1]))
        parts = settled_parts(deriver.parts())
    data = Examples(X, np.full((len(X), net.outputs), np.nan), None)  # there are no targets
    derived = Derivation(net, at, by, parts, params, data, None, dict(labels), top, of)
    check_finite(derived)
    return derived


class _UnitPasses:
    """A pass forward up to the unit, and the derivatives of the unit backward from it."""

    def __init__(self, net: Network, params: Parameters, X: Array, of: Key) -> None:
        self.of, self.n, self.data = of, len(X), Examples(X, X, None)
        self.trace, whole = forward(net, params, X, check=False), Places.of(net)
        place = whole.layers[of.layer]
        self.at, self.y = whole.before(of.layer), np.zeros((self.n, place.outputs))
        steps = [int(step) for step in place.path.split(".")]
        cut = _cut(self.trace, steps)
        *_, own = cut.params
        seed = np.zeros_like(cut[-1].z if of.kind == "z" else cut[-1].a)
        seed[:, of.unit] = 1.0
        last = seed if of.kind == "z" else place.layer.delta(own, cut[-1], seed, np)
        below = _below(cut, place.layer.dx(own, cut[-1], last, np))
        self.deltas: Any = _nested([*below, last], steps)

    def parts(self, key: Key) -> list[float]:
        """Return each example's derivative by δ of what it is by, which orders the examples."""
        place = self.at.layers[max(key.layer, 0)]
        each = leaves(PlaceNumbers(self.trace, self.deltas, self.at, self.y).delta(place))
        sizes = (np.abs(part).reshape(self.n, -1).sum(axis=1) for part in each)
        return [float(v) for v in sum(sizes)]

    def example_cost(self, row: int) -> Key:
        """Return the key of what is derived, the same for each example."""
        return self.of


class _Within(NamedTuple):
    """The derivatives of the layers within another, as far as they are known."""

    inner: list[Any]


def _cut(trace: Trace, steps: list[int]) -> Trace:
    """The layers up to one, which may stand within others, one after the other, as a pass.

    What a layer within another one makes depends on those before it within, and on what enters.
    """
    layers: list[Layer] = []
    records: list[Any] = []
    params: list[Any] = []
    held_in: Any = trace.net
    own, seen = trace.params, trace
    for depth, k in enumerate(steps):
        count = k + (depth == len(steps) - 1)
        layers += held_in.layers[:count]
        params += own[:count]
        records += seen[:count]
        if count == k:
            held_in, own, seen = held_in.layers[k], own[k], seen[k].inner
    return _pass(trace.net.inputs, layers, params, records)


def _pass(inputs: int, layers: list[Any], params: list[Any], records: list[Any]) -> Trace:
    net = Network(inputs, layers, "half_squared_error", check=False)
    return Trace(records, net, tuple(params))


def _below(cut: Trace, da: Array) -> Deltas:
    """The deltas of the layers below the last."""
    *layers, _ = cut.net.layers
    if not layers:
        return ()
    below = _pass(cut.net.inputs, layers, [*cut.params[:-1]], [*cut[:-1]])
    return deltas_from(below, da)


def _nested(deltas: list[Any], steps: list[int]) -> list[Any]:
    """The deltas of a cut pass, where those of the whole would lie."""
    k, *within = steps
    if not within:
        return deltas
    return [*deltas[:k], _Within(_nested(deltas[k:], within))]


class _UnitWorking(Working):
    """The lines of one example; the unit stands in the place of the cost."""

    @property
    def _is_weighted(self) -> bool:
        """Whether it is the unit's weighted input."""
        return self.cost.kind == "z"

    def delta_key(self, k: int, j: int) -> Key:
        return derivative(self.cost, Key("z", k, j))

    def root(self, k: int) -> int | None:
        return self.cost.unit if k == self.at.last else None

    def seed(self, k: int, j: int) -> Expression:
        if k < self.at.last:
            return super().seed(k, j)
        return number(float(j == self.cost.unit))

    @functools.cached_property
    def dlast(self) -> Row:
        """1 for the unit itself, and 0 for those beside it."""
        own = np.zeros(self.at.layers[-1].outputs)
        own[self.cost.unit] = 1.0
        return own

    def _is_split(self, k: int) -> bool:
        return False

    def moves(self, parameter: Key) -> bool:
        """Whether a parameter of the last place changes the unit."""
        for d, by in self.pairs(parameter):
            changed = by.key.of[0]
            units = changed.kind in ("a", "z")
            if changed.unit == self.cost.unit if units else in_double(d):
                return True
        return False

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
        """The sum over the outputs, of which the last place has one that counts."""
        if k < self.at.last or not apart:
            return super().over(k, x, values, term, apart=apart, split=split)
        made: Product = term(self.cost.unit)
        return made.factors[1] if self._is_weighted else made

    def _over_units(self, k: int, j: int) -> list[Step]:
        """Of a weighted input, by what enters it, it is a weight."""
        if not self._is_weighted or self.at.above[k] != [(self.at.last, 0)]:
            return super()._over_units(k, j)
        d = self.dsent(k, j)
        return [Step(d.key, self.formulas(self.at.last).dx[0](j), d.value)]

    def chain(self, key: Key) -> list[Step]:
        k = key.layer
        if k < self.at.last:
            plain = self._is_weighted and k + 1 == self.at.last and key.kind in ("x", "a")
            return [] if plain else super().chain(key)
        if key.kind == "z" or self._is_weighted:
            return []
        step = self.tied([key])
        return [] if [by.key for _, by in self.pairs(key)] == [step.key] else [step]

    def layer_backward(self, k: int, units: Collection[int]) -> list[Step]:
        if k < self.at.last:
            return super().layer_backward(k, units)
        if self._is_weighted:
            return []
        return [line for j in units for line in self._deltas(k, j)]

    def gradient(self, places: Collection[Key]) -> list[Step]:
        last = self.at.last in {place.layer for place in places}
        if self._is_weighted and last:
            return [
                line
                for place in places
                for _, by in self.pairs(place)
                for line in self._asked(by.key)
            ]
        return super().gradient(places)


class _UnitDeriver(Deriver):
    passes: Any

    def leads(self) -> bool:
        """Whether the unit depends on what it is derived by."""
        by, of = self.of, self.passes.of
        if by.layer < of.layer:
            return True
        working = self._working(0)
        if self._is_joint(working) and by.kind != "a":
            return True
        if is_parameter(by):
            return working.moves(by)
        return (by.kind, of.kind, by.unit) == ("z", "a", of.unit)

    def parts(self, made: Update | None = None) -> list[Part]:
        return [part for row in self.rows for part in self._example(row) if part.steps]

    def _working(self, row: int) -> _UnitWorking:
        p = self.passes
        return _UnitWorking(p.trace, p.deltas, p.y, row=row, cost=p.of, top=self.top, at=self.at)

    def _example(self, row: int) -> list[Part]:
        working, of = self._working(row), f" of example {row + 1}" if self.passes.n > 1 else ""
        reached = Reached(working, self.of, self.places, self.top)
        if not self._is_joint(working):
            reached.units[-1] = [self.passes.of.unit]
        return [
            Part(f"The chain rule{of}", tuple(working.chain(self.of)), CHAIN),
            Part(f"Forward{of}", tuple(self._forward(working, reached.units))),
            Part(f"Backward{of}", tuple(self._backward(working, reached))),
        ]

    def _is_joint(self, working: Working) -> bool:
        """Whether the unit depends on the weighted inputs of its whole layer."""
        return self.passes.of.kind == "a" and bool(working.formulas(self.at.last).needs)

    def _forward(self, working: Working, units: list[list[int]]) -> list[Step]:
        if self._is_joint(working):
            units = [*units[:-1], sorted({*units[-1], self.passes.of.unit})]
        return super()._forward(working, units)

    def _shown(self, k: int, o: int, units: list[int]) -> Collection[int]:
        own = k == self.at.last and not self._is_joint(self._working(0))
        return units if own else super()._shown(k, o, units)

    def _backward(self, working: Working, reached: Reached) -> list[Step]:
        steps = super()._backward(working, reached)
        return steps[:-1] if self.of.kind == "z" else steps
