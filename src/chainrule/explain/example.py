"""One example's numbers in a pass forward and backward, and their names as nodes of formulas.

    layer   the dense layers count from 0; what enters the first leaves layer −1
    kept    what a layer passes on, where dropout lies behind it; else that is its a

Every number is the core's.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import losses
from chainrule.activations import Activation, activation
from chainrule.backprop import Deltas, Trace
from chainrule.explain.expressions import Quantity
from chainrule.explain.names import Key, Places, derivative
from chainrule.layers import Dense, Dropout
from chainrule.losses import Loss
from chainrule.trees import Array

Row = NDArray[np.float64]


class Example:
    """What one example of a pass forward and backward has to show; `row` is its row in both."""

    def __init__(self, trace: Trace, deltas: Deltas, y: Array, *, row: int, cost: Key) -> None:
        self.net, self.params, self.cost = trace.net, trace.params, cost
        self.at = Places.of(self.net)
        self.loss: Loss = losses.loss(self.net.loss)
        self.records = tuple(_taken(record, row) for record in trace)
        self.deltas = tuple(delta[row : row + 1] for delta in deltas)
        self.y: Row = y[row]

    # The core's numbers

    def record(self, layer: int) -> Any:
        """What a layer saw."""
        return self.records[self.at.indices[layer]]

    def delta(self, layer: int) -> Row:
        """∂C/∂z of a layer."""
        return np.asarray(self.deltas[self.at.indices[layer]][0])

    def weights(self, layer: int) -> Any:
        """W and b of a layer."""
        return self.params[self.at.indices[layer]]

    def row(self, layer: int) -> Activation:
        """The activation of a layer, as the row of its table."""
        own = self.net.layers[self.at.indices[layer]]
        assert isinstance(own, Dense)
        return activation(own.activation)

    def a(self, layer: int) -> Row:
        """The activations of a layer, or the inputs."""
        return np.asarray((self.record(layer).a if layer >= 0 else self.records[0].x)[0])

    def slopes(self, layer: int) -> Row:
        """f′(z)."""
        record = self.record(layer)
        return np.asarray(self.row(layer).df(record.z, record.a, np)[0])

    def is_joint(self, layer: int) -> bool:
        """Whether each activation of a layer depends on all its weighted inputs: a softmax."""
        return self.row(layer).pull is not None

    @functools.cache  # noqa: B019 - it lives as long as its example
    def jacobian(self, layer: int) -> Row:
        """∂a/∂z of a joint activation: the derivative of a_k by z_j in row k, column j."""
        row, record = self.row(layer), self.record(layer)
        assert row.pull is not None
        z, a = (np.repeat(part, part.shape[1], axis=0) for part in (record.z, record.a))
        return np.asarray(row.pull(z, a, np.eye(z.shape[1]), np))

    def passed(self, layer: int) -> Row:
        """What a layer passes on."""
        k = self._above(layer)
        return np.asarray((self.records[k].x if k < len(self.records) else self.records[-1].a)[0])

    def da(self, layer: int) -> Row:
        """∂C/∂a of a layer, or of the inputs."""
        return self._dx[self.at.indices[layer] + 1 if layer >= 0 else 0]

    def dpassed(self, layer: int) -> Row:
        """∂C by what a layer passes on, after dropout."""
        return self._dx[self._above(layer)]

    def _above(self, layer: int) -> int:
        """The layer of the network that sees what a dense layer passes on."""
        return self.at.indices[layer + 1] if layer < self.at.last else len(self.records)

    @functools.cached_property
    def _dx(self) -> list[Row]:
        """∂C by what enters each layer of the network, and by its output."""
        entering = [
            np.asarray(layer.dx(own, record, delta, np)[0])
            for layer, own, record, delta in zip(
                self.net.layers, self.params, self.records, self.deltas, strict=True
            )
        ]
        return [*entering, np.asarray(self.loss.grad(self.records[-1].a, self.y[None], np)[0])]

    @functools.cached_property
    def shares(self) -> Row:
        """Each output's share of the loss."""
        return np.asarray(self.loss.value(self.records[-1].a, self.y[None], np)[0])

    @functools.cached_property
    def probabilities(self) -> Row:
        """What the loss's link makes of the outputs."""
        return np.asarray(self.loss.link(self.records[-1].a, np)[0])

    def masks(self, layer: int) -> list[tuple[float, Row]]:
        """The rate and the mask of each dropout behind a layer that draws one."""
        first = self.at.indices[layer] + 1 if layer >= 0 else 0
        found = []
        for kind, record in zip(self.net.layers[first:], self.records[first:], strict=True):
            if not isinstance(kind, Dropout):
                break
            if record.mask is not None:
                found.append((kind.rate, np.asarray(record.mask[0])))
        return found

    # Quantities: the nodes of formulas

    def w(self, layer: int, j: int, k: int) -> Quantity:
        """The weight from unit k to unit j."""
        return Quantity(Key("w", layer, j, k), float(self.weights(layer).W[j, k]))

    def b(self, layer: int, j: int) -> Quantity:
        """The bias of a unit."""
        return Quantity(Key("b", layer, j), float(self.weights(layer).b[j]))

    def z(self, layer: int, j: int) -> Quantity:
        """The weighted input of a unit."""
        return Quantity(Key("z", layer, j), float(self.record(layer).z[0, j]))

    def out(self, layer: int, j: int) -> Quantity:
        """The activation of a unit, or an input."""
        return Quantity(Key("a" if layer >= 0 else "x", layer, j), float(self.a(layer)[j]))

    def sent(self, layer: int, j: int) -> Quantity:
        """What a unit passes on."""
        if not self.masks(layer):
            return self.out(layer, j)
        return Quantity(Key("kept", layer, j), float(self.passed(layer)[j]))

    def target(self, j: int) -> Quantity:
        """The target of an output."""
        return Quantity(Key("y", self.at.last, j), float(self.y[j]))

    def share(self, j: int) -> Quantity:
        """An output's share of the loss."""
        key = Key("loss", self.at.last, j, example=self.cost.example)
        return Quantity(key, float(self.shares[j]))

    def p(self, j: int) -> Quantity:
        """The probability of an output."""
        return Quantity(Key("p", self.at.last, j), float(self.probabilities[j]))

    def d(self, by: Quantity, value: float, of: Key | None = None) -> Quantity:
        """The derivative of the cost, or of another quantity."""
        return Quantity(derivative(of or self.cost, by.key), float(value))

    def dsent(self, layer: int, j: int) -> Quantity:
        """∂C by what a unit passes on."""
        return self.d(self.sent(layer, j), self.dpassed(layer)[j])

    def dout(self, layer: int, j: int) -> Quantity:
        """∂C/∂a of a unit, or by an input."""
        return self.d(self.out(layer, j), self.da(layer)[j])

    def slope(self, layer: int, j: int) -> Quantity:
        """∂a/∂z."""
        return self.d(self.z(layer, j), self.slopes(layer)[j], of=self.out(layer, j).key)

    def entry(self, layer: int, k: int, j: int) -> Quantity:
        """∂a_k/∂z_j of a joint activation."""
        return self.d(self.z(layer, j), self.jacobian(layer)[k, j], of=self.out(layer, k).key)

    def dz(self, layer: int, j: int) -> Quantity:
        """δ, which is ∂C/∂z of a unit."""
        return Quantity(Key("delta", layer, j), float(self.delta(layer)[j]))

    def dparameter(self, key: Key) -> tuple[Quantity, Quantity]:
        """∂C by a weight or bias, and ∂z by it, by which δ is multiplied."""
        layer, j = key.layer, key.unit
        entered = self.passed(layer - 1)[key.source] if key.kind == "w" else 1.0
        by = Quantity(derivative(Key("z", layer, j), key), float(entered))
        return Quantity(derivative(self.cost, key), float(self.delta(layer)[j] * entered)), by


def _taken(record: Any, row: int) -> Any:
    """One row of all that a layer saw; a dropout layer that predicts has no mask."""
    return type(record)(*(part if part is None else part[row : row + 1] for part in record))
