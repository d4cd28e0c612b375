r"""A run of `fit` in the compiled engine: what it can run, and the arrays' way in and out.

    X   (n, inputs)   C-contiguous, in the dtype of the parameters: used where it lies
    y   (n, outputs), or labels (n,)        orders   (epochs, n)   rates   (steps,)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule import losses
from chainrule.activations import Activation, activation
from chainrule.layers import Dense, Draw, Dropout
from chainrule.network import Network, Parameters, describe
from chainrule.optimizers import OPTIMIZERS, Optimizer, State
from chainrule.trees import leaves, rebuild

_NAMES = {kind: name for name, kind in OPTIMIZERS.items()}


def why_not(net: Network, params: Parameters, optimizer: Optimizer) -> str:
    """Return what the engine cannot run of a network, or "" where it can run all of it.

    >>> net = cr.Network(2, [cr.Dense(1, "tanh")], loss="huber")
    >>> why_not(net, net.init(), cr.Adam())
    ''
    """
    for k, layer in enumerate(net.layers):
        if type(layer) not in (Dense, Dropout):
            return f"{describe(net, k)} is of a kind that the engine does not have"
        if isinstance(layer, Dense) and _is_own(activation, layer.activation):
            return f"{describe(net, k)} has an activation of your own, in Python"
    if _is_own(losses.loss, net.loss):
        return f"the loss {str(net.loss)!r} is your own, in Python"
    if type(optimizer) not in _NAMES:
        return f"{optimizer!r} is an optimizer of your own, in Python"
    if not any(isinstance(layer, Dense) for layer in net.layers):
        return "the network has no parameters"
    if not all(isinstance(leaf, np.ndarray) for leaf in leaves(params)):
        return "the parameters are not NumPy arrays"
    if leaves(params)[0].dtype not in (np.float32, np.float64):
        return f"the parameters are of {leaves(params)[0].dtype}, not float32 or float64"
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
    """What a call of the engine did: the whole steps it made, and the cost of each whole epoch."""

    outcome: str
    steps: int
    costs: list[float]


class Session:
    """Parameters and states within the engine, and the steps made on them."""

    def __init__(
        self,
        module: ModuleType,
        net: Network,
        params: Parameters,
        states: list[State],
        optimizer: Optimizer,
        *,
        batch: int,
        threads: int,
        seed: int,
        frozen: Collection[str],
        clip_value: float | None,
        clip_norm: float | None,
    ) -> None:
        self.params, self.states, self.optimizer = params, states, optimizer
        self.dtype = leaves(params)[0].dtype
        first, layers = _layers(net, seed, frozen)
        fields = {
            field.name: float(getattr(optimizer, field.name))
            for field in dataclasses.fields(optimizer)  # type: ignore[arg-type]
            if field.name != "learning_rate"
        }
        fields |= {"l1": net.l1, "l2": net.l2}
        fields |= {"clip_value": clip_value} if clip_value is not None else {}
        fields |= {"clip_norm": clip_norm} if clip_norm is not None else {}
        loss = losses.loss(net.loss)
        make = module.trainer32 if self.dtype == np.float32 else module.trainer64
        self.trainer = make(
            net.inputs,
            first,
            layers,
            loss.name,
            loss.parameters[0] if loss.parameters else 0.0,
            _NAMES[type(optimizer)],
            fields,
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
        X: NDArray[Any],
        y: NDArray[Any],
        w: NDArray[Any] | None,
        orders: NDArray[np.int64] | None,
        *,
        epochs: int,
        batch: int,
        first_step: int,
        most_steps: int | None = None,
    ) -> Done:
        """Make the steps of some epochs, or the first `most_steps` of them."""
        steps = epochs * -(-len(X) // batch)
        rates = np.array([self.optimizer.rate(first_step + k + 1) for k in range(steps)])
        labels = y if y.ndim == 1 else None
        return Done(
            *self.trainer.run(
                X,
                None if y.ndim == 1 else y,
                labels,
                w,
                orders,
                epochs,
                batch,
                first_step,
                rates,
                2**62 if most_steps is None else most_steps,
            )
        )


def _layers(
    net: Network, seed: int, frozen: Collection[str]
) -> tuple[list[tuple[float, int, int]], list[tuple[Any, ...]]]:
    """Return the dropouts before the first dense layer, and each dense layer with those after it."""
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
