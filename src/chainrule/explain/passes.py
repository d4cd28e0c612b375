"""All examples forward and backward at once: what the core says of a network and its data.

n       the examples, from 0; messages and names count them from 1
plain   without the penalty
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from chainrule import losses
from chainrule.backprop import Trace, backward, forward, gradient, input_gradient, trace_cost
from chainrule.examples import Examples
from chainrule.explain.example import Row
from chainrule.explain.names import COST, Key, Places
from chainrule.explain.subjects import ALL
from chainrule.explain.sums import whole
from chainrule.layers import Draw
from chainrule.network import Network, Parameters, describe, divisor
from chainrule.targets import encode
from chainrule.trees import Array, named_leaves


class Passes:
    """A pass forward and one backward, over checked data in float64.

    Raises ValueError where a value on the way is not finite.
    """

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
        self.n, self.mean_weight = len(data.X), mean_weight
        self.y: Row = encode(data.y, net.outputs, data.X.dtype, np)
        with np.errstate(all="ignore"):
            self._forward(draw)
            self._backward()

    @property
    def combines(self) -> bool:
        """Whether the cost, without its penalty, is another than the loss of one example."""
        alone = self.mean_weight is None and self.net.reduction == "mean"
        return self.n > 1 or (self.data.w is not None and not alone)

    @property
    def penalises(self) -> bool:
        """Whether weights cost something."""
        return bool(self.net.l1 or self.net.l2)

    def _forward(self, draw: Draw | None) -> None:
        self.trace = forward(self.net, self.params, self.data.X, draw, check=False)
        for k, record in enumerate(self.trace):
            for what in ("z", "a"):
                self._check(what, k, getattr(record, what, None))
        row = losses.loss(self.net.loss)
        shares = row.value(self.trace.output, self.y, np)
        self._check(f"the loss {str(row)!r}", len(self.net.layers) - 1, shares)
        self.losses = [whole(each) for each in shares]
        free = dataclasses.replace(self.net, l1=0.0, l2=0.0, check=False)  # type: ignore[call-arg]
        self.plain = Trace(self.trace, free, self.params)
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
        trace, net, params, y = self.trace, self.net, self.params, self.y
        self.deltas = backward(net, params, trace, y, check=False)
        self.weighted = backward(
            net, params, trace, y, self.data.w, mean_weight=self.mean_weight, check=False
        )
        for deltas in (self.deltas, self.weighted):
            for k in reversed(range(len(deltas))):
                self._check("∂C/∂z", k, deltas[k])
        self.grads = gradient(trace, self.weighted)
        self.plain_grads = gradient(self.plain, self.weighted)
        for name, leaf in named_leaves(self.grads):
            if not np.all(np.isfinite(leaf)):
                raise ValueError(f"explain: the gradient of {name} is not finite")

    def _check(self, what: str, k: int, values: Array | None) -> None:
        """Name the first value that is not finite, by example and unit."""
        if values is None or np.all(np.isfinite(values)):
            return
        row, j = map(int, np.argwhere(~np.isfinite(values))[0])
        unit = f"unit {j}"
        if k in self.at.indices:
            unit = f"{self.at.unit(self.at.indices.index(k), j)}, unit {j}"
        raise ValueError(
            f"explain: {what} of {unit} of {describe(self.net, k)}, is {values[row, j]} for "
            f"example {row + 1}, and so nothing that follows from it can be worked out; scale the "
            "inputs or the weights"
        )

    # Of a parameter, an input or a unit

    def value(self, key: Key) -> float:
        """Return a parameter."""
        return _leaf(self.params, self.at, key)

    def gradient(self, key: Key, *, plain: bool = False) -> float:
        """Return ∂C by a parameter, or by an input or unit that all examples move together."""
        if key.kind in ("w", "b"):
            grads = self.plain_grads if plain else self.grads
            return whole([_leaf(grads, self.at, place) for place in self.at.places(key)])
        if key.kind == "x":
            return whole(input_gradient(self.trace, self.weighted)[:, key.unit])
        return self.mean(self.parts(key))

    def mean(self, values: list[float]) -> float:
        """Return the weighted mean of the examples' figures."""
        w = np.ones(self.n) if self.data.w is None else self.data.w
        size = whole(w) if self.mean_weight is None else self.n * self.mean_weight
        return whole(w * values) / divisor(self.net, size)

    def parts(self, key: Key) -> list[float]:
        """Return each example's own derivative, or its own cost."""
        if key in (COST, ALL):
            return self.losses
        if key.kind in ("x", "a"):
            return [float(v) for v in self._da(key.layer)[:, key.unit]]
        return [float(v) for v in sum(map(self._part, self.at.places(key)))]

    def _part(self, place: Key) -> Array:
        """∂C by a weight or a bias in one place, or by a weighted input, for each example."""
        k = self.at.indices[place.layer]
        delta = self.deltas[k][:, place.unit]  # ∂C/∂b, ∂C/∂z
        return delta * self.trace[k].x[:, place.source] if place.kind == "w" else delta

    def _da(self, layer: int) -> Array:
        """∂C/∂a of a layer, or by the inputs, for each example."""
        k = self.at.indices[layer] + 1 if layer >= 0 else 0
        if k == len(self.trace):
            return losses.loss(self.net.loss).grad(self.trace.output, self.y, np)
        return self.net.layers[k].dx(self.params[k], self.trace[k], self.deltas[k], np)

    def example_cost(self, row: int) -> Key:
        """Return the key of an example's cost."""
        return Key("C", example=row + 1) if self.combines else self.mean_cost

    @property
    def mean_cost(self) -> Key:
        """The key of the mean loss, which is the cost where nothing is added to it."""
        return Key("L") if self.penalises else COST


def _leaf(tree: Parameters, at: Places, key: Key) -> float:
    own = tree[at.indices[key.layer]]
    return float(own.W[key.unit, key.source] if key.kind == "w" else own.b[key.unit])
