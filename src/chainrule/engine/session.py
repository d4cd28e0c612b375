r"""A run of `fit` in the compiled engine: what it can run, and the arrays' way in and out.

X   (n, inputs)   C-contiguous, in the dtype of the parameters: used where it lies
y   (n, outputs), or labels (n,)        orders   (epochs, n)   rates   (steps,)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule import engine, losses
from chainrule.activations import Activation, activation
from chainrule.examples import Examples
from chainrule.layers import Dense, Draw, Dropout
from chainrule.network import Network, Parameters, describe
from chainrule.optimizers import OPTIMIZERS, Optimizer, State
from chainrule.reference import Plan
from chainrule.schedules import Schedule
from chainrule.trees import leaves, rebuild

_NAMES = {kind: name for name, kind in OPTIMIZERS.items()}


def why_not(net: Network, params: Parameters, optimizer: Optimizer) -> str:
    """Return what the engine cannot run of a network, or "" where it can run all of it.

    >>> net = cr.Network(2, [cr.Dense(1, "tanh")], loss="huber")
    >>> why_not(net, net.init(), cr.Adam())
    ''
    """
    own = "of your own, in Python"
    arrays = leaves(params)
    foreign = not all(isinstance(leaf, np.ndarray) for leaf in arrays)
    dtype = None if foreign or not arrays else arrays[0].dtype
    for k, layer in enumerate(net.layers):
        if type(layer) not in (Dense, Dropout):
            return f"{describe(net, k)} is of a kind that the engine does not have"
        if isinstance(layer, Dense) and _is_own(activation, layer.activation):
            return f"{describe(net, k)} has an activation {own}"
    for fails, reason in (
        (_is_own(losses.loss, net.loss), f"the loss {str(net.loss)!r} is one {own}"),
        (type(optimizer) not in _NAMES, f"{optimizer!r} is an optimizer {own}"),
        (foreign, "the parameters are not NumPy arrays"),
        (dtype is None, "the network has no parameters"),
        (dtype not in (np.float32, np.float64), f"the parameters are of {dtype}"),
    ):
        if fails:
            return reason
    return ""


def _is_own(find: Any, given: Any) -> bool:
    """Whether a row was made by the user and is not the table's."""
    if isinstance(given, str):
        return False
    try:
        return find(str(given)) is not given
    except ValueError:
        return True


class Done(NamedTuple):
    """What a call of the engine did: whole steps, the cost of each whole epoch, what ended it."""

    outcome: str
    steps: int
    costs: list[float]
    raised: BaseException | None


class Session:
    """Parameters and states within the engine, and the steps made on them."""

    def __init__(
        self, plan: Plan, params: Parameters, states: list[State], *, batch: int, threads: int
    ) -> None:
        self.plan, self.params, self.states, self.batch = plan, params, states, batch
        self.dtype = leaves(params)[0].dtype
        net, optimizer = plan.net, plan.optimizer
        loss = losses.loss(net.loss)
        first, layers = _layers(net, plan.seed, plan.frozen)
        assert engine.native is not None
        make = engine.native.trainer32 if self.dtype == np.float32 else engine.native.trainer64
        self.trainer = make(
            net.inputs,
            first,
            layers,
            loss.name,
            loss.parameters[0] if loss.parameters else 0.0,
            _NAMES[type(optimizer)],
            _fields(plan),
            batch,
            threads,
        )
        self.load(params, states)

    def load(self, params: Parameters, states: list[State]) -> None:
        """Set parameters and states."""
        for k, arrays in enumerate(self._by_layer(leaves(params), states)):
            self.trainer.load(k, *arrays)
        self.trainer.ready()

    def read(self) -> tuple[Parameters, list[State]]:
        """Return copies of parameters and states."""
        new = [np.empty(leaf.shape, self.dtype) for leaf in leaves(self.params)]
        states = [tuple(np.empty_like(part) for part in state) for state in self.states]
        for k, arrays in enumerate(self._by_layer(new, states)):
            self.trainer.store(k, *arrays)
        return rebuild(self.params, new), states

    def _by_layer(self, arrays: list[Any], states: list[State]) -> list[tuple[Any, ...]]:
        """W, b and the states of both for each dense layer, whose leaves come in pairs."""
        whole = [np.ascontiguousarray(array) for array in arrays]
        kept = [[np.ascontiguousarray(part) for part in state] for state in states]
        pairs = range(0, len(whole), 2)
        return [(whole[k], whole[k + 1], kept[k], kept[k + 1]) for k in pairs]

    def run(
        self,
        data: Examples,
        orders: NDArray[np.int64] | None,
        *,
        epochs: int,
        first_step: int,
        most_steps: int = 2**62,
    ) -> Done:
        """Make the steps of some epochs, or the first `most_steps` of them."""
        steps = epochs * -(-len(data.X) // self.batch)
        rate = self.plan.optimizer.learning_rate
        if isinstance(rate, Schedule):
            rates = np.array([rate(first_step + k + 1) for k in range(steps)])
        else:
            rates = np.full(steps, rate)
        labels = data.y.ndim == 1
        return Done(
            *self.trainer.run(
                data.X,
                None if labels else data.y,
                data.y if labels else None,
                data.w,
                orders,
                epochs,
                self.batch,
                first_step,
                rates,
                most_steps,
            )
        )


def _fields(plan: Plan) -> dict[str, float]:
    """Return the optimizer's numbers, the network's penalty and the bounds on the gradient."""
    fields = {
        field.name: float(getattr(plan.optimizer, field.name))
        for field in dataclasses.fields(plan.optimizer)  # type: ignore[arg-type]
        if field.name != "learning_rate"
    }
    bounds = {"clip_value": plan.clip_value, "clip_norm": plan.clip_norm}
    given = {name: bound for name, bound in bounds.items() if bound is not None}
    return fields | given | {"l1": plan.net.l1, "l2": plan.net.l2}


def _layers(
    net: Network, seed: int, frozen: Collection[str]
) -> tuple[list[tuple[float, int, int]], list[tuple[Any, ...]]]:
    """Return the dropouts that come first, and each dense layer with those that follow it."""
    first: list[tuple[float, int, int]] = []
    dense: list[tuple[Any, ...]] = []
    after = first
    for k, (layer, inputs) in enumerate(zip(net.layers, net.widths, strict=False)):
        if isinstance(layer, Dropout):
            if layer.rate > 0:
                draw = Draw(seed, 0, layer=k)
                after.append((layer.rate, draw.seed, draw.layer))
            continue
        assert isinstance(layer, Dense)
        row: Activation = activation(layer.activation)
        after = []
        dense.append(
            (
                inputs,
                layer.units,
                row.name,
                row.parameters[0] if row.parameters else 0.0,
                f"{k}.W" in frozen,
                f"{k}.b" in frozen,
                after,
            )
        )
    return first, dense
