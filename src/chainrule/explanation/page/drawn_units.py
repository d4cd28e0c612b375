"""What is drawn of a network: units, what leads from one to another, what joins them all.

A layer's formulas say how its units hang on what enters: a parameter that multiplies what enters is
the weight of an edge, one that is added is a bias, and a unit that depends on all that enters, by
no weights, stands behind a band.

Of a wide layer the strongest units are drawn. How strong a unit is: |a · ∂C/∂a|; an edge:
|x · w · δ|; both as the mean over the examples. Of several members one is drawn: the first, or that
of which the derivation is.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from chainrule.backprop import backward, forward
from chainrule.explanation.core_numbers import at_path
from chainrule.explanation.derivation_steps import Derivation
from chainrule.explanation.expressions import Number, Quantity, node
from chainrule.explanation.notation import COST, Key
from chainrule.explanation.sums import largest
from chainrule.explanation.unit_places import Places, is_parameter
from chainrule.explanation.working import Working
from chainrule.layers import Role
from chainrule.targets import encode
from chainrule.trees import Array

if TYPE_CHECKING:
    from chainrule.backprop import Trace
    from chainrule.network import Network, Parameters

WIDEST = 12
"""The most units of a layer that are all drawn."""

UNITS = 8
"""How many are drawn of a wider one."""

EDGES = 48
"""The most edges between the drawn units of two layers that are all drawn; else half of it."""

MOST_ENTRIES = 4096
"""The most entries of a parameter that are all asked for what they change."""

ALL_TERMS = 10**9


class _Edge(NamedTuple):
    """What leads to a unit of a place from one of another: a weight by its key, or nothing."""

    layer: int
    unit: int
    of: int
    source: int
    key: Key | None


class _Bow(NamedTuple):
    """What leaves a place, and enters another past those between; `level` is how high it goes."""

    of: int
    layer: int
    level: int


class DrawnUnits(NamedTuple):
    """What is drawn: of each place, the inputs first, its units and its title; what joins them.

    A band stands before a place, and behind that of which the units enter.
    """

    units: list[list[int]]
    edges: list[_Edge]
    biases: dict[tuple[int, int], Key]
    titles: list[str]
    bands: list[tuple[int, int]]
    bows: list[_Bow]
    last: int
    is_chain: bool
    """Whether every layer weighs what the one before passes on."""

    def subjects(self) -> list[Key]:
        """Return the keys of all that is drawn and has a derivative."""
        weights = [edge.key for edge in self.edges if edge.key]
        own = [Key("a", layer, j) for layer, units in enumerate(self.units[1:]) for j in units]
        inputs = [Key("x", -1, k) for k in self.units[0]]
        return [*weights, *self.biases.values(), *inputs, *own]


def drawn_units(derivation: Derivation, seen: NetworkNumbers | None = None) -> DrawnUnits:
    """Return what is drawn: what the derivation is of is always part of it.

    >>> net = cr.Network(2, [cr.Dense(1)], loss="half_squared_error")
    >>> explanation = cr.explain(net, net.init(), [1.0, 2.0], [1.0], of="w1")
    >>> drawn = drawn_units(explanation.derivation)
    >>> drawn.units, [edge[:4] for edge in drawn.edges]
    ([[0, 1], [0]], [(0, 0, -1, 0), (0, 0, -1, 1)])
    """
    with np.errstate(all="ignore"):
        return _Chooser(derivation, seen or NetworkNumbers(derivation)).shown()


class _Chooser:
    """Chooses what is drawn, by the numbers of a derivation's network."""

    def __init__(self, derivation: Derivation, seen: NetworkNumbers) -> None:
        self.at, self.subject, self.seen = derivation.at, derivation.subject, seen
        self.working = seen.working
        self.place = self._place()
        self.own = self._own()
        self.member = (self.at.layers[self.place].member if self.place >= 0 else 0) or 1

    def shown(self) -> DrawnUnits:
        at = self.at
        drawn = [k for k, place in enumerate(at.layers) if place.member in (0, self.member)]
        units = [self._units(k) if k < 0 or k in drawn else [] for k in range(-1, at.last + 1)]
        chain = _is_chain(at, self.working)
        titles = self._titles([] if chain else drawn)
        found = DrawnUnits(units, [], {}, titles, [], [], max(drawn), chain)
        for k in drawn:
            self._lead(k, found)
        return found

    def _place(self) -> int:
        """The place of the subject: of a parameter in several, the first where it works."""
        key = self.subject
        if not is_parameter(key):
            return key.layer if key.kind in ("x", "a", "z") else -1
        return next(k for k in self.at.instances(key) if _pairs(self.working, key, k))

    def _own(self) -> set[tuple[int, int]]:
        """The units that the derivation is about."""
        key = self.subject
        if key.kind in ("x", "a", "z"):
            return {(key.layer, key.unit)}
        if not is_parameter(key):
            return set()
        return {
            (place, unit)
            for of, by in _pairs(self.working, key, self.place)
            for place, unit in (of.key[1:3], *_entered(by))
        }

    def _units(self, k: int) -> list[int]:
        width = self.at.widths[k + 1]
        if width <= WIDEST:
            return list(range(width))
        if k in self.at.ends:
            strength = np.abs(self._delta(k)).mean(axis=0)
        else:
            strength = np.abs(self.seen.left(k) * self.seen.slopes(k)).mean(axis=0)
        own = sorted(unit for layer, unit in self.own if layer == k)
        order = [*own, *(j for j in map(int, np.argsort(-strength, kind="stable")) if j not in own)]
        return sorted(order[:UNITS])

    def _delta(self, k: int) -> Array:
        """δ of a place, where it has one, or ∂C by what leaves it."""
        delta = self.seen.rows(k, "delta")
        return self.seen.slopes(k) if delta is None else delta

    def _titles(self, drawn: list[int]) -> list[str]:
        """What the layers of places are."""
        titles = [""] * len(self.at.widths)
        for k in drawn:
            layer, inputs = self.at.layers[k].layer, self.at.layers[k].inputs
            words = layer.words(inputs)
            titles[k + 1] = words.function or words.kind
            if layer.members > 1:
                titles[k + 1] = f"member {self.member} of {layer.members}"
        return titles

    # What leads to a place

    def _lead(self, k: int, found: DrawnUnits) -> None:
        """Add the edges, biases, the band and the bows that lead to a place."""
        units = found.units[k + 1]
        weights, gains = self._parameters(k, found)
        near, *far = sorted(self.at.layers[k].sources, reverse=True)
        found.bows.extend(_bow(of, k, found.bows) for of in far)
        below = found.units[near + 1]
        reached = {(j, s) for s in below for j in self._reached(k, near, s) if j in units}
        every = len(reached) == len(units) * len(below) > len(units)
        if every and not weights:
            found.bands.append((k, near))
            found.edges.extend(_Edge(k, j, near, j, gains.get(j)) for j in units)
            return
        led = sorted(reached)
        if len(reached) == len(units):  # each unit is of one alone, which a gain may multiply
            weights = {(j, near, s): gains[j] for j, s in led if j in gains} | weights
        if len(led) > EDGES:
            led = self._strongest(k, near, led, weights)
        found.edges.extend(_Edge(k, j, near, s, weights.get((j, near, s))) for j, s in led)

    def _reached(self, k: int, near: int, source: int) -> Any:
        """The units of a place that depend on one that enters."""
        ports = ([source] if of == near else [] for of in self.at.layers[k].sources)
        return self.working.formulas(k).reach(*ports)[0]

    def _parameters(
        self, k: int, found: DrawnUnits
    ) -> tuple[dict[tuple[int, int, int], Key], dict[int, Key]]:
        """The weights of a place by unit, place and unit before; what else multiplies for each
        unit, where there is one such parameter. Its biases are added to what is found."""
        weights: dict[tuple[int, int, int], Key] = {}
        gains: dict[int, list[Key]] = {}
        for key in self._entries(k, found):
            for of, by in _pairs(self.working, key, k):
                unit = of.key.unit
                if of.key.kind not in ("a", "z") or unit not in found.units[k + 1]:
                    continue
                if by == Number("1"):
                    if self.seen.net.roles[self.at.leaf(key)[0]] is Role.BIAS:
                        found.biases[k, unit] = key
                elif entered := _entered(by):
                    weights[unit, *entered[0]] = key
                else:
                    gains.setdefault(unit, []).append(key)
        return weights, {j: keys[0] for j, keys in gains.items() if len(keys) == 1}

    def _entries(self, k: int, found: DrawnUnits) -> Iterator[Key]:
        """The parameters of a place that may be drawn: of a large one those between drawn units."""
        place, units = self.at.layers[k], found.units[k + 1]
        for own in self.working.formulas(k).by:
            name = f"{place.path}.{own}"
            shape = self.at.shapes[name]
            entries: Any = np.ndindex(*shape)
            if math.prod(shape) > MOST_ENTRIES:
                below = found.units[max(place.sources) + 1]
                between = itertools.product(units, below) if len(shape) == 2 else []
                entries = [e for e in between if e[0] < shape[0] and e[1] < shape[1]]
            for entry in entries:
                yield self.at.key(name, entry)

    def _strongest(
        self, k: int, near: int, found: list[tuple[int, int]], weights: dict[Any, Key]
    ) -> list[tuple[int, int]]:
        sent, delta = self.seen.left(near), self._delta(k)
        strength = []
        for j, s in found:
            key = weights.get((j, near, s))
            w = abs(self.seen.value(key)) if key else 1.0
            strength.append(float(np.abs(sent[:, s] * delta[:, j]).mean() * w))
        own = {(j, s) for j, s in found if weights.get((j, near, s)) == self.subject}
        return sorted({*(found[i] for i in largest(strength, EDGES // 2)), *own})


class NetworkNumbers:
    """A derivation's network with its numbers, which need not be finite.

    >>> net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
    >>> params = net.parameters([([[2.0]], [0.5])])
    >>> seen = NetworkNumbers(cr.explain(net, params, [3.0], [1.0], of="w1").derivation)
    >>> seen.left(0), seen.rows(0, "delta")
    (array([[6.5]]), array([[5.5]]))
    """

    net: Network
    params: Parameters
    at: Places

    def __init__(self, derivation: Derivation) -> None:
        d = derivation
        self.net, self.params, self.at, self.X = d.net, d.params, d.at, np.asarray(d.data.X)
        self.y: Any = encode(d.data.y, d.net.outputs, d.data.X.dtype, np)
        self.trace: Trace = forward(d.net, d.params, d.data.X, d.draw, check=False)
        deltas = backward(self.trace, self.y, check=False)
        self.workings: list[Working] = [
            Working(self.trace, deltas, self.y, row=row, cost=COST, top=ALL_TERMS, at=d.at)
            for row in range(len(self.X))
        ]
        self.working: Working = self.workings[0]

    def value(self, key: Key) -> float:
        """A parameter."""
        name, entry = self.at.leaf(key)
        return float(at_path(self.params, name)[entry])

    def left(self, k: int) -> Array:
        """What leaves a place, or the inputs, for each example."""
        return np.stack([working.a(k) for working in self.workings])

    def passed(self, k: int) -> Array:
        """What a place passes on, for each example."""
        return np.stack([working.passed(k) for working in self.workings])

    def slopes(self, k: int) -> Array:
        """∂C by what leaves a place, or by the inputs, for each example."""
        return np.stack([working.da(k) for working in self.workings])

    def rows(self, k: int, what: str) -> Array | None:
        """The weighted inputs z or the δ of a place, for each example, where it has such."""
        if k < 0 or self.working.formulas(k).z is None:
            return None
        if self.at.layers[k].member:  # its δ may be of all members
            units = range(self.at.layers[k].outputs)
            made = [getattr(working.formulas(k), what) for working in self.workings]
            return np.array([[of(j).value for j in units] for of in made])
        seats = [working.seat(k) for working in self.workings]
        return np.stack([seat.record.z[0] if what == "z" else seat.delta[0] for seat in seats])


def _pairs(working: Working, key: Key, k: int) -> list[tuple[Quantity, Any]]:
    """Return what a parameter changes in a place, and the derivative of that by it."""
    name, entry = working.at.leaf(key)
    own = name.removeprefix(f"{working.at.layers[k].path}.")
    return [(of, node(by)) for of, by in working.formulas(k).by[own](*entry)]


def _entered(by: Any) -> list[tuple[int, int]]:
    """The place and the unit of what enters, where a derivative is that."""
    is_sent = isinstance(by, Quantity) and by.key.kind in ("x", "a", "kept")
    return [(by.key.layer, by.key.unit)] if is_sent else []


def _bow(of: int, layer: int, others: list[_Bow]) -> _Bow:
    within = [bow.level for bow in others if of <= bow.of and bow.layer <= layer]
    return _Bow(of, layer, 1 + max(within, default=0))


def _is_chain(at: Places, working: Working) -> bool:
    """Return whether every layer weighs what the one before passes on: see `DrawnUnits`."""
    return all(
        place.sources == (k - 1,) and not place.member and working.formulas(k).z is not None
        for k, place in enumerate(at.layers)
    )
