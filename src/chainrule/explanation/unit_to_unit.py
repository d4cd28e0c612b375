r"""How the units of a network lead to each other: derivatives from unit to unit, in one example.

    factor   (o, i)   ∂out_j/∂out_k, from unit k of what enters a place to its unit j
    reach    (o, i)   whether unit j depends on unit k at all

Through a layer that weighs what enters, a factor is a slope times a weight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from chainrule.explanation.cached_method import cached_method
from chainrule.explanation.expressions import (
    Expression,
    Negative,
    Product,
    Quantity,
    Quotient,
    Sum,
    in_double,
    node,
)
from chainrule.explanation.forward_backward import Passes
from chainrule.explanation.notation import Key, derivative
from chainrule.explanation.working import Working
from chainrule.layers import Layer

if TYPE_CHECKING:
    from chainrule.explanation.unit_places import Places

ALL_TERMS = 10**9


class PathStart(NamedTuple):
    """Where paths start: at what leaves a unit, and the factors before that.

    >>> PathStart(0, 1, ()).unit
    1
    """

    layer: int
    unit: int
    factors: tuple[Quantity, ...]


class Ways:
    """How the units of a network lead to each other, in one example.

    >>> from chainrule.batches import Examples
    >>> net = cr.Network(1, [cr.Dense(1), cr.Scale()], loss="half_squared_error")
    >>> params = net.parameters([([[2.0]], [0.5]), [[4.0]]])
    >>> passes = Passes(net, params, Examples(np.array([[3.0]]), np.array([[1.0]]), None))
    >>> Ways(passes, 0, Key("C")).matrix(1, 0)
    (array([[4.]]), array([[ True]]))
    """

    at: Places
    row: int

    def __init__(self, passes: Passes, row: int, cost: Key) -> None:
        self.at, self.row = passes.at, row
        self.working: Working = Working(
            *(passes.trace, passes.deltas, passes.y), row=row, cost=cost, top=ALL_TERMS, at=self.at
        )

    # From unit to unit

    @cached_method
    def matrix(self, k: int, port: int) -> tuple[Any, Any]:
        """Return factor and reach of what enters a place from one of its sources."""
        formulas = self.working.formulas(k)
        if formulas.needs:
            raise ValueError(
                "paths: an activation over the layer, such as softmax, joins all paths through it; "
                "explain works it out"
            )
        if formulas.z:
            factor = self._slopes(k)[:, None] * self._weights(k)
            return factor, np.ones(factor.shape, bool)
        reach = self._reach(k, port)
        if reach.sum(axis=1).max() > 1:
            raise ValueError(
                f"paths: {self.at.layers[k].layer!r} joins all paths through it; explain works it "
                "out"
            )
        return self._by_formulas(k, port, Key("a", k)), reach

    def factors(self, k: int, u: int, q: int, j: int) -> list[Quantity]:
        """Return the factors from what leaves unit u of place k to that of unit j of place q."""
        working = self.working
        sent, out = working.sent(k, u), working.out(q, j)
        if not working.formulas(q).z:
            port = self.at.layers[q].sources.index(k)
            return [working.d(sent, self.matrix(q, port)[0][j, u], of=out.key)]
        z, weight = self._z(q, j), float(self._weights(q)[j, u])
        by = working.d(sent, weight, of=z.key)
        named = [Quantity(key, weight) for key in self._weighing(q, j, u)]
        return [*(named or [by]), self._slope(q, j)]

    def _reach(self, k: int, port: int) -> Any:
        """Which units of a place depend on which of those that enter from one of its sources."""
        sources = self.at.layers[k].sources
        width = self.at.widths[sources[port] + 1]
        reach = np.zeros((self.at.widths[k + 1], width), bool)
        for u in range(width):
            entering = ([u] if p == port else [] for p in range(len(sources)))
            reach[list(self.working.formulas(k).reach(*entering)[0]), u] = True
        return reach

    # Through a layer that weighs what enters

    def _z(self, k: int, j: int) -> Quantity:
        z = self.working.formulas(k).z
        assert z is not None
        return z(j)

    @cached_method
    def _slopes(self, k: int) -> Any:
        """∂out/∂net of each unit."""
        place, (params, record, _) = self.at.layers[k], self.working.seat(k)
        if place.member:
            return np.array([self._back(k, j) for j in range(place.outputs)])
        return np.asarray(place.layer.delta(params, record, np.ones_like(record.a), np)[0])

    def _back(self, k: int, j: int) -> float:
        """What δ of a unit is of ∂C by what leaves it."""
        delta = self.working.formulas(k).delta
        assert delta is not None
        made = self.working.defined[delta(j).key][1]()
        return self._linear(getattr(made, "formula", made), Key("a", k)).get(j, 0.0)

    def _slope(self, k: int, j: int) -> Quantity:
        return self.working.d(self._z(k, j), self._slopes(k)[j], of=self.working.out(k, j).key)

    @cached_method
    def _weights(self, k: int) -> Any:
        """∂net/∂out of what enters, (o, i)."""
        place = self.at.layers[k]
        params, record, _ = self.working.seat(k)
        if place.member:
            return self._by_formulas(k, 0, Key("delta", k))
        rows = type(record)(*(np.repeat(part, place.outputs, axis=0) for part in record))
        return np.asarray(place.layer.dx(params, rows, np.eye(place.outputs), np))

    def _weighing(self, k: int, j: int, u: int) -> list[Key]:
        """The weight that multiplies what enters, where it does so alone."""
        for name in self.working.formulas(k).by:
            shape = self.at.shapes[f"{self.at.layers[k].path}.{name}"]
            if len(shape) == 2 and j < shape[0] and u < shape[1]:
                key = self.at.key(f"{self.at.layers[k].path}.{name}", (j, u))
                sent = self.working.sent(self.at.layers[k].sources[0], u)
                if any(of == self._z(k, j) and by == sent for of, by in self._pairs(key, k)):
                    return [key]
        return []

    # Through any other

    def _by_formulas(self, k: int, port: int, by: Key) -> Any:
        """The factors by which the formulas of ∂C by what enters multiply ∂C by the units."""
        formulas = self.working.formulas(k)
        width = self.at.widths[self.at.layers[k].sources[port] + 1]
        found = np.zeros((self.at.widths[k + 1], width))
        for u in range(width):
            made = formulas.dx[port](u)
            for j, factor in self._linear(getattr(made, "formula", made), by).items():
                found[j, u] = factor
        return found

    def _linear(self, e: Any, by: Key) -> dict[int, float]:
        """A formula as a sum over the units of a place: what each is multiplied by."""
        match node(e):
            case Quantity(key):
                return self._of_quantity(key, by)
            case Negative(inner):
                return {j: -factor for j, factor in self._linear(inner, by).items()}
            case Quotient(above, below):
                return {j: f / in_double(below) for j, f in self._linear(above, by).items()}
            case Product(factors):
                return self._of_product(factors, by)
            case Sum(terms):
                found: dict[int, float] = {}
                for term in terms:
                    for j, factor in self._linear(term, by).items():
                        found[j] = found.get(j, 0.0) + factor
                return found
        return {}

    def _of_quantity(self, key: Key, by: Key) -> dict[int, float]:
        unit = key.of[1] if key.kind == "d" and key.of[0] == self.working.cost else key
        if unit[:2] == by[:2]:
            return {unit.unit: 1.0}
        if key.kind != "d" or key not in self.working.defined:
            return {}
        made = self.working.defined[key][1]()
        return self._linear(getattr(made, "formula", made), by)

    def _of_product(self, factors: tuple[Expression, ...], by: Key) -> dict[int, float]:
        for which, factor in enumerate(factors):
            if found := self._linear(factor, by):
                others = [in_double(e) for k, e in enumerate(factors) if k != which]
                times = float(np.prod(others))
                return {j: times * f for j, f in found.items()}
        return {}

    # Where paths start

    def starts(self, key: Key) -> list[PathStart]:
        """Return where the paths of a parameter, an input or a unit start."""
        if key.kind in ("x", "a"):
            return [PathStart(key.layer, key.unit, ())]
        return [start for k in self.at.instances(key) for start in self._of_parameter(key, k)]

    def _pairs(self, key: Key, k: int) -> list[tuple[Quantity, Expression]]:
        name, entry = self.at.leaf(key)
        own = name.removeprefix(f"{self.at.layers[k].path}.")
        return [(of, node(by)) for of, by in self.working.formulas(k).by[own](*entry)]

    def _of_parameter(self, key: Key, k: int) -> list[PathStart]:
        found = []
        for of, by in self._pairs(key, k):
            if of.key.kind not in ("a", "z"):
                return self._probed(key, k)
            j = of.key.unit
            first = Quantity(derivative(of.key, key), in_double(by))
            if of.key.kind == "z":
                if self.working.formulas(k).needs:
                    self.matrix(k, 0)
                found.append(PathStart(k, j, (first, self._slope(k, j))))
            else:
                found.append(PathStart(k, j, (first,)))
        return found

    def _probed(self, key: Key, k: int) -> list[PathStart]:
        """Of a parameter that works through letters of its layer: ∂out by it, of each unit."""
        name, entry = self.at.leaf(key)
        place, (params, record, _) = self.at.layers[k], self.working.seat(k)
        layer: Layer = place.layer
        rows = type(record)(*(np.repeat(part, place.outputs, axis=0) for part in record))
        delta = layer.delta(params, rows, np.eye(place.outputs), np)
        own = name.removeprefix(f"{place.path}.")
        values = layer.entry(rows, delta, own, entry, np)
        return [
            PathStart(
                k, j, (Quantity(derivative(self.working.out(k, j).key, key), float(values[j])),)
            )
            for j in sorted(self.working.changed_units(key, k))
        ]
