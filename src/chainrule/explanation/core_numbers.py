"""What the core has for each place of a network, for all examples at once.

n   the examples      rows of what members share: m·n + r, member by member
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.backprop import Deltas, Trace
from chainrule.explanation.unit_places import LayerPlace, Places
from chainrule.trees import Array


class PlaceNumbers:
    """A pass forward and one backward, by places.

    >>> net = cr.Network(1, [cr.Dense(1)], loss="huber")
    >>> trace = cr.forward(net, net.parameters([([[2.0]], [0.5])]), [[3.0]])
    >>> numbers = PlaceNumbers(trace, (np.array([[1.0]]),), Places.of(net), np.array([[1.0]]))
    >>> numbers.record(numbers.at.layers[0]).a, numbers.da(-1)
    (array([[6.5]]), array([[2.]]))
    """

    trace: Trace
    deltas: Deltas
    at: Places
    dlast: Array

    def __init__(self, trace: Trace, deltas: Deltas, at: Places, dlast: Array) -> None:
        self.trace, self.deltas, self.at, self.dlast = trace, deltas, at, dlast
        self.n: int = len(dlast)

    def params(self, place: LayerPlace) -> Any:
        """Return the parameters of a place."""
        return at_path(self.trace.params, place.path)

    def record(self, place: LayerPlace) -> Any:
        """Return what a place saw."""
        return at_path(self.trace, place.seen)

    def left(self, k: int) -> Array:
        """Return what leaves place k: of the scales in front of members, what enters the next."""
        place = self.at.layers[k]
        if place.member and place.path.isdecimal():
            (first, *_) = (*self.at.gates.get(k, ()), self.at.next[k])
            return self.record(first).x
        return self.record(place).a

    def delta(self, place: LayerPlace) -> Any:
        """Return the δ of a place."""
        return at_path(self.deltas, place.seen)

    def dx(self, place: LayerPlace) -> Array:
        """Return ∂C by what enters the layer of a place."""
        seen = self.params(place), self.record(place), self.delta(place)
        return place.layer.dx(*seen, np)

    def da(self, k: int) -> Array:
        """Return ∂C by what leaves place k, or by the inputs, for each example."""
        gates = self.at.gates.get(k)
        return self.rows(self.dx(gates[0]), k) if gates else self.passed(k)

    def passed(self, k: int) -> Array:
        """Return ∂C by what place k passes on, behind its gates."""
        if k in self.at.next:
            return self.rows(self.dx(self.at.next[k]), k)
        if k in self.at.ends:
            o, m = self.at.layers[k].outputs, max(self.at.layers[k].member - 1, 0)
            return self.dlast[:, m * o : (m + 1) * o]
        return self.da(self.at.above[k][0][0])  # it is added to something, and leaves as it is

    def rows(self, part: Array, k: int) -> Array:
        """Return the rows that are a place's own, of a part in which all members have some."""
        member = self.at.layers[k].member if k >= 0 else 0
        if not member or len(part) == self.n:
            return part
        return part[(member - 1) * self.n : member * self.n]


def at_path(tree: Any, path: str) -> Any:
    """Return what a tree holds at a path.

    >>> at_path(([1, 2], ()), "0.1")
    2
    """
    for step in path.split("."):
        tree = tree[int(step)] if step.isdecimal() else getattr(tree, step)
    return tree
