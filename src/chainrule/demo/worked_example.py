r"""The tutorials' 2-2-2 example, computed by the library's core in float64.

net    (1, 2)   z of a layer        δ     (1, 2)   ∂E/∂net of a layer
out    (1, 2)   a of a layer        w⁺             a weight after the update
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

import chainrule as cr
from chainrule import losses
from chainrule.activations import activation
from chainrule.backprop import Deltas, Trace
from chainrule.demo.tutorial_figures import HIDDEN, INPUTS, OUTPUT, RATE, ROUNDS, TARGETS
from chainrule.layers.dense_stack import stack
from chainrule.network import Parameters
from chainrule.optimizers import init_states
from chainrule.trees import named_leaves, number
from chainrule.update import apply

NET = cr.Network(2, stack([2, 2], ["sigmoid"] * 2), loss="half_squared_error")
START = NET.parameters([HIDDEN, OUTPUT])
X, Y = np.array(INPUTS), np.array(TARGETS)
SGD = cr.SGD(RATE)
STATES = init_states(SGD, START)
BIASES = frozenset({"0.b", "1.b"})
UNITS = (("h1", "h2"), ("o1", "o2"))


class Round(NamedTuple):
    """One step of backpropagation: what the tutorials work through by hand."""

    trace: Trace
    deltas: Deltas
    grads: Parameters
    updated: Parameters

    def slopes(self, k: int) -> Any:
        """σ′(net) of the units of layer k, (2,)."""
        record = self.trace[k]
        return activation("sigmoid").df(record.z, record.a, np)[0]

    def pulls(self, k: int) -> Any:
        """∂E/∂out of the units of layer k, (2,): the loss's own, or what layer k + 1 hands down."""
        if k == 1:
            return losses.loss(NET.loss).grad(self.trace.output, Y, np)[0]
        return NET.layers[1].dx(START[1], self.trace[1], self.deltas[1], np)[0]


def first_round() -> Round:
    """Return the first round, in which the tutorials update the weights and not the biases."""
    trace = cr.forward(NET, START, X)
    deltas = cr.backward(trace, Y)
    return Round(trace, deltas, cr.gradient(trace, deltas), _update(START, trace, deltas, BIASES))


def _update(params: Parameters, trace: Trace, deltas: Deltas, frozen: frozenset[str]) -> Parameters:
    """Return the parameters after a step of those that are not frozen."""
    return apply(SGD, params, cr.gradient(trace, deltas), STATES, 1, NET.roles, frozen)[0]


def figures() -> dict[str, float]:
    """Return every figure of the first round under its name."""
    first = first_round()
    trace, deltas, grads, updated = first
    found: dict[str, float] = {}
    for k, units in enumerate(UNITS):
        for j, unit in enumerate(units):
            found[f"net_{unit}"] = trace[k].z[0, j]
            found[f"out_{unit}"] = trace[k].a[0, j]
            found[f"∂E/∂out_{unit}"] = first.pulls(k)[j]
            found[f"∂out_{unit}/∂net_{unit}"] = first.slopes(k)[j]
            found[f"δ_{unit}"] = deltas[k][0, j]
    errors = losses.loss(NET.loss).value(trace.output, Y, np)[0]
    for j, output in enumerate(UNITS[1]):
        found[f"E_{output}"] = errors[j]
        for k, hidden in enumerate(UNITS[0]):
            found[f"∂E_{output}/∂out_{hidden}"] = deltas[1][0, j] * START[1].W[j, k]
    for (name, g), (_, new) in zip(named_leaves(grads), named_leaves(updated), strict=True):
        for k in range(g.size):
            found[f"∂E/∂{number(START, name, k)}"] = g.flat[k]
            found[f"{number(START, name, k)}⁺"] = new.flat[k]
    found["E_total"] = cr.cost(NET, START, X, Y)
    found["E_total⁺"] = cr.cost(NET, updated, X, Y)
    return {name: float(value) for name, value in found.items()}


class Outcome(NamedTuple):
    """Where a procedure leads: the error after its first round and its last, and the outputs."""

    after_one: float
    after_all: float
    outputs: tuple[float, float]


def as_stated(freeze: Sequence[str] = ("*.b",)) -> tuple[Outcome, Outcome]:
    """Run backpropagation as the text states it; return it one round before the end, and there."""
    almost, history = cr.fit(
        NET, START, X, Y, SGD, epochs=ROUNDS - 1, batch_size=None, freeze=freeze
    )
    end, _ = cr.fit(
        NET, almost, X, Y, SGD, epochs=1, batch_size=None, freeze=freeze, history=history
    )
    after_one = history.loss[1]  # an epoch's cost is taken before its update
    return _outcome(after_one, almost), _outcome(after_one, end)


def in_sequence() -> Outcome:
    """Run the other procedure: w5…w8 first, and hidden deltas from the new ones."""
    params = after_one = START
    for t in range(ROUNDS):
        trace = cr.forward(NET, params, X, check=False)
        for still in ("0.W", "1.W"):  # the output layer moves, then the hidden one
            deltas = cr.backward(Trace(trace, NET, params), Y, check=False)
            params = _update(params, trace, deltas, BIASES | {still})
        after_one = params if t == 0 else after_one
    return _outcome(float(cr.cost(NET, after_one, X, Y)), params)


def _outcome(after_one: float, params: Parameters) -> Outcome:
    o1, o2 = map(float, cr.predict(NET, params, X)[0])
    return Outcome(after_one, float(cr.cost(NET, params, X, Y)), (o1, o2))
