"""The derivative of a unit, without a loss: ∂out_o1/∂w5, ∂net_h2/∂i1.

The network ends at the unit: what is worked out is how its activation, or its weighted input,
depends on what lies before it. The numbers are the core's, for a network cut off there.

    of   the unit's a or z      by   a weight, a bias, an input, or a unit before it
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from chainrule.backprop import Deltas, Trace, deltas_from, forward
from chainrule.examples import Examples
from chainrule.explain.derivation import CHAIN, Deriver, check_finite
from chainrule.explain.expressions import Expression, Quantity
from chainrule.explain.names import Key, Places
from chainrule.explain.steps import Derivation, Part, Step, Update
from chainrule.explain.working import Working
from chainrule.network import Network, Parameters
from chainrule.trees import Array


def derive_unit(
    net: Network,
    params: Parameters,
    X: Array,
    of: Key,
    by: Key,
    *,
    top: int,
    labels: Mapping[Key, str],
) -> Derivation:
    """Return the derivation of a unit's a or z by something before it, for X in float64."""
    at = Places.of(net)
    with np.errstate(all="ignore"):
        passes: Any = _UnitPasses(net, params, X, of)  # as much of Passes as its Deriver asks for
        parts = _UnitDeriver(passes, by, top).parts()
    data = Examples(X, np.full((len(X), net.outputs), np.nan), None)  # there are no targets
    derived = Derivation(net, at, by, tuple(parts), params, data, None, dict(labels), of)
    check_finite(derived)
    return derived


class _UnitPasses:
    """A pass forward up to the unit, and the derivatives of the unit backward from it."""

    def __init__(self, net: Network, params: Parameters, X: Array, of: Key) -> None:
        k = Places.of(net).indices[of.layer]
        self.of, self.n, self.data = of, len(X), Examples(X, X, None)
        whole = forward(net, params, X, check=False)
        self.trace = _cut(whole, k + 1)
        self.at = Places.of(self.trace.net)
        self.y = np.zeros((self.n, self.trace.net.outputs))
        layer, own, record = net.layers[k], params[k], whole[k]
        seed = np.zeros_like(record.z)
        seed[:, of.unit] = 1.0
        last = seed if of.kind == "z" else layer.delta(own, record, seed, np)
        self.deltas = (*self._below(whole, k, layer.dx(own, record, last, np)), last)

    @staticmethod
    def _below(whole: Trace, k: int, da: Array) -> Deltas:
        """The deltas of the layers below layer k of the network."""
        if not k:
            return ()
        below = _cut(whole, k)
        return deltas_from(below.net, below.params, below, da)

    def parts(self, key: Key) -> list[float]:
        """Return each example's derivative by δ of what it is by, which orders the examples."""
        layer = max(key.layer, 0)
        return [float(v) for v in np.abs(self.deltas[self.at.indices[layer]]).sum(axis=1)]

    def example_cost(self, row: int) -> Key:
        """Return the key of what is derived, the same for each example."""
        return self.of


def _cut(trace: Trace, k: int) -> Trace:
    """The first layers of a pass, as a pass of their own."""
    net = trace.net
    cut = Network(net.inputs, net.layers[:k], "half_squared_error", check=False)
    return Trace(trace[:k], cut, trace.params[:k])


class _UnitWorking(Working):
    """The lines of one example; the unit stands in the place of the cost."""

    @property
    def _is_weighted(self) -> bool:
        """Whether it is the unit's weighted input."""
        return self.cost.kind == "z"

    def dz(self, layer: int, j: int) -> Quantity:
        return self.d(self.z(layer, j), self.delta(layer)[j])

    def _is_split(self, layer: int) -> bool:
        return False

    def _over(self, layer: int, k: int, term: Callable[[int], Expression]) -> Expression:
        """The sum over the units above, of which the last layer has one that counts."""
        if layer + 1 < self.at.last or self.is_joint(layer + 1):
            return super()._over(layer, k, term)
        unit = self.cost.unit
        return self.w(layer + 1, unit, k) if self._is_weighted else term(unit)

    def chain(self, key: Key) -> list[Step]:
        layer, j = key.layer, key.unit
        if layer < self.at.last:
            plain = self._is_weighted and layer + 1 == self.at.last and key.kind in ("x", "a")
            return [] if plain else super().chain(key)
        if key.kind == "z" or self._is_weighted:
            return []
        d, by = self.dparameter(key)
        return [Step(d.key, self.dz(layer, j) * by, d.value)]

    def layer_backward(self, layer: int, units: Collection[int]) -> list[Step]:
        if layer < self.at.last:
            return super().layer_backward(layer, units)
        if self._is_weighted:
            return []
        if self.is_joint(layer):
            return [self._entry(layer, self.cost.unit, j) for j in units]
        return [self._by_form(self.slope(layer, j), layer, j, 1) for j in units]

    def gradient(self, places: Collection[Key]) -> list[Step]:
        entered, whole = super().gradient(places)
        last = self.at.last in {place.layer for place in places}
        return [entered] if self._is_weighted and last else [entered, whole]


class _UnitDeriver(Deriver):
    passes: Any

    def parts(self, made: Update | None = None) -> list[Part]:
        return [part for row in self.rows for part in self._example(row) if part.steps]

    def _working(self, row: int) -> _UnitWorking:
        p = self.passes
        return _UnitWorking(p.trace, p.deltas, p.y, row=row, cost=p.of, top=self.top)

    def _example(self, row: int) -> list[Part]:
        working, of = self._working(row), f" of example {row + 1}" if self.passes.n > 1 else ""
        units = self._units(working)
        return [
            Part(f"The chain rule{of}", tuple(working.chain(self.of)), CHAIN),
            Part(f"Forward{of}", tuple(self._forward(working, units))),
            Part(f"Backward{of}", tuple(self._backward(working, units))),
        ]

    def _units(self, working: Working) -> list[list[int]]:
        units = super()._units(working)
        return units if self._is_joint(working) else [*units[:-1], [self.passes.of.unit]]

    def _is_joint(self, working: Working) -> bool:
        """Whether the unit depends on the weighted inputs of its whole layer."""
        return self.passes.of.kind == "a" and working.is_joint(self.at.last)

    def _forward(self, working: Working, units: list[list[int]]) -> list[Step]:
        if self._is_joint(working):
            units = [*units[:-1], sorted({*units[-1], self.passes.of.unit})]
        return super()._forward(working, units)

    def _shown(self, layer: int, o: int, units: list[int]) -> Collection[int]:
        own = layer == self.at.last and not self._is_joint(self._working(0))
        return units if own else super()._shown(layer, o, units)

    def _backward(self, working: Working, units: list[list[int]]) -> list[Step]:
        steps = super()._backward(working, units)
        return steps[:-1] if self.of.kind == "z" else steps
