"""All examples forward and backward at once: what the core says of a network and its data.

n       the examples, from 0; messages and names count them from 1
plain   without the penalty
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from chainrule.backprop import Trace, backward, forward, gradient, trace_cost
from chainrule.batches import Examples
from chainrule.explanation.cached_method import cached_method
from chainrule.explanation.core_numbers import PlaceNumbers, at_path
from chainrule.explanation.notation import COST, Key
from chainrule.explanation.subjects import ALL
from chainrule.explanation.sums import Row, exact_sum
from chainrule.explanation.unit_places import LayerPlace, Places, is_parameter
from chainrule.explanation.working import Working
from chainrule.layers import Draw
from chainrule.network import Network, Parameters, describe, divisor
from chainrule.targets import encode
from chainrule.trees import Array, leaves, named_leaves


class Passes:
    """A pass forward and one backward, over checked data in float64.

    Raises ValueError where a value on the way is not finite.
    """

    net: Network
    params: Parameters
    data: Examples
    at: Places
    n: int
    mean_weight: float | None
    draw: Draw | None
    mean_loss: float
    cost: float

    def __init__(
        self,
        net: Network,
        params: Parameters,
        data: Examples,
        draw: Draw | None = None,
        mean_weight: float | None = None,
        at: Places | None = None,
    ) -> None:
        self.net, self.params, self.data, self.at = net, params, data, at or Places.of(net)
        self.n, self.mean_weight, self.draw = len(data.X), mean_weight, draw
        if self.joins and data.w is not None and len(set(data.w)) > 1:
            raise ValueError(
                "explain: a step of examples with weights that differ is not worked out where a "
                "layer normalises over the batch; leave the weights out"
            )
        self.y: Row = encode(data.y, net.outputs, data.X.dtype, np)
        with np.errstate(all="ignore"):
            self._forward()
            self._backward()

    def with_targets(self, y: Row) -> Passes:
        """Return the same of other targets, (n, outputs)."""
        of = self.data._replace(y=y)
        return Passes(self.net, self.params, of, self.draw, self.mean_weight, self.at)

    @property
    def combines(self) -> bool:
        """Whether the cost, without its penalty, is another than the loss of one example."""
        alone = self.mean_weight is None and self.net.reduction == "mean"
        return self.n > 1 or (self.data.w is not None and not alone)

    @property
    def joins(self) -> bool:
        """Whether what one example costs depends on the others, by the statistics of the batch."""
        return self._normalises and self.n > 1

    @property
    def _normalises(self) -> bool:
        """Whether a layer normalises over the batch."""
        return self.draw is not None and any(layer.over_batch for layer in self.net.layers)

    @property
    def penalises(self) -> bool:
        """Whether weights cost something."""
        return bool(self.net.l1 or self.net.l2)

    def _forward(self) -> None:
        self.trace: Trace = forward(self.net, self.params, self.data.X, self.draw, check=False)
        self.numbers: PlaceNumbers = PlaceNumbers(self.trace, (), self.at, self.trace.output)
        for k, place in self._walk():
            record = self.numbers.record(place)
            for what in ("z", "a"):
                self._check(what, k, place, getattr(record, what, None))
        row = self.net.row
        shares = row.value(self.trace.output, self.y, np)
        self._check(f"the loss {str(row)!r}", self.at.last, self.at.layers[-1], shares)
        self.losses: list[float] = [exact_sum(each) for each in shares]
        free = dataclasses.replace(self.net, l1=0.0, l2=0.0, check=False)  # type: ignore[call-arg]
        self.plain: Trace = Trace(self.trace, free, self.params)
        self.mean_loss, self.cost = (
            float(trace_cost(trace, self.y, self.data.w, mean_weight=self.mean_weight, check=False))
            for trace in (self.plain, self.trace)
        )
        if not math.isfinite(self.mean_loss):
            raise ValueError(
                f"explain: the cost is {self.mean_loss}; scale the inputs or the weights"
            )
        if not math.isfinite(self.cost):
            raise ValueError(
                f"explain: the cost, with its penalty of the weights, is {self.cost}; make the "
                "weights, l1 or l2 smaller"
            )

    def _backward(self) -> None:
        trace, net, y = self.trace, self.net, self.y
        self.deltas: tuple[Any, ...] = backward(trace, y, check=False)
        self.weighted: tuple[Any, ...] = backward(
            trace, y, self.data.w, mean_weight=self.mean_weight, check=False
        )
        for deltas in (self.deltas, self.weighted):
            numbers = PlaceNumbers(trace, deltas, self.at, trace.output)
            for k, place in reversed(self._walk()):
                for part in leaves(numbers.delta(place)):
                    self._check("∂C/∂z", k, place, part)
        dlast = net.row.grad(trace.output, y, np)
        self.numbers = PlaceNumbers(trace, self.deltas, self.at, dlast)
        self.grads: tuple[Any, ...] = gradient(trace, self.weighted)
        self.plain_grads: tuple[Any, ...] = gradient(self.plain, self.weighted)
        for name, leaf in named_leaves(self.grads):
            if not np.all(np.isfinite(leaf)):
                raise ValueError(f"explain: the gradient of {name} is not finite")

    def _walk(self) -> list[tuple[int, LayerPlace]]:
        """The places and the gates behind each, these with the place −2 of none."""
        found = [(-2, gate) for gate in self.at.gates.get(-1, ())]
        for k, place in enumerate(self.at.layers):
            found += [(k, place), *((-2, gate) for gate in self.at.gates.get(k, ()))]
        return found

    def _check(self, what: str, k: int, place: LayerPlace, values: Array | None) -> None:
        """Name the first value that is not finite, by example and unit."""
        if values is None or np.all(np.isfinite(values)):
            return
        entry = tuple(map(int, np.argwhere(~np.isfinite(values))[0]))
        row, j = entry[:2]
        unit = f"unit {j}" if k < 0 else f"{self.at.unit(k, j)}, unit {j}"
        raise ValueError(
            f"explain: {what} of {unit} of {self._described(place)}, is {values[entry]} for "
            f"example {row % self.n + 1}, and so nothing that follows from it can be worked out; "
            "scale the inputs or the weights"
        )

    def _described(self, place: LayerPlace) -> str:
        """What errors call a layer, within others too."""
        if place.path.isdecimal():
            return describe(self.net, int(place.path))
        return f"layer {place.path}, {place.layer!r}"

    # Of a parameter, an input or a unit

    def value(self, key: Key) -> float:
        """Return a parameter."""
        return self._leaf(self.params, key)

    def _leaf(self, tree: Parameters, key: Key) -> float:
        name, entry = self.at.leaf(key)
        return float(at_path(tree, name)[entry])

    def gradient(self, key: Key, *, plain: bool = False) -> float:
        """Return ∂C by a parameter, or by an input or unit that all examples move together."""
        if is_parameter(key):
            grads = self.plain_grads if plain else self.grads
            return exact_sum([self._leaf(grads, place) for place in self.at.places(key)])
        return self.mean(self.parts(key))

    def mean(self, values: list[float]) -> float:
        """Return the weighted mean of the examples' figures."""
        w = np.ones(self.n) if self.data.w is None else self.data.w
        size = exact_sum(w) if self.mean_weight is None else self.n * self.mean_weight
        return exact_sum(w * values) / divisor(self.net, size)

    def parts(self, key: Key) -> list[float]:
        """Return each example's own derivative, or its own cost."""
        if key in (COST, ALL):
            return self.losses
        if key.kind in ("x", "a"):
            return [float(v) for v in self.numbers.da(key.layer)[:, key.unit]]
        return [float(v) for v in sum(map(self._part, self.at.places(key)))]

    def _part(self, place: Key) -> Array:
        """∂C by a parameter in one place, or by a weighted input, for each example."""
        if place.kind == "z":
            own = self.at.layers[place.layer]
            return self.numbers.rows(self.numbers.delta(own), place.layer)[:, place.unit]
        name, entry = self.at.leaf(place)
        k, _, leaf = name.partition(".")
        layer, record, delta = (t[int(k)] for t in (self.net.layers, self.trace, self.deltas))
        return layer.entry(record, delta, leaf, entry, np)

    def working(self, row: int, top: int) -> Working:
        """Return the lines of one example, which all derivations of the pass share.

        Where rows of a batch name each other's letters, their order is each derivation's own.
        """
        return self._working(row, top) if self._normalises else self._shared(row, top)

    @cached_method
    def _shared(self, row: int, top: int) -> Working:
        return self._working(row, top)

    def _working(self, row: int, top: int) -> Working:
        costs = {"cost": self.derived_cost(row), "whole": self.example_cost(row)}
        return Working(self.trace, self.deltas, self.y, row=row, top=top, at=self.at, **costs)

    def example_cost(self, row: int) -> Key:
        """Return the key of an example's cost."""
        return Key("C", example=row + 1) if self.combines else self.mean_cost

    def derived_cost(self, row: int) -> Key:
        """Return the key of what an example's numbers derive: its cost, or the sum of all."""
        return Key("S", example=row + 1) if self.joins else self.example_cost(row)

    @property
    def mean_cost(self) -> Key:
        """The key of the mean loss, which is the cost where nothing is added to it."""
        return Key("L") if self.penalises else COST
