"""The same training with one thing changed: what it comes to, to compare.

C   the cost, without the penalty
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chainrule import backprop
from chainrule.activation_row import Activation
from chainrule.activations import activation
from chainrule.batches import Examples
from chainrule.diagnosis.course_measures import Options
from chainrule.diagnosis.simple_models import constant_cost
from chainrule.diagnosis.slopes import altered
from chainrule.history import DivergenceError
from chainrule.network import Network, Parameters
from chainrule.penalties import without_penalty
from chainrule.schedules import Schedule
from chainrule.streams import Stream, generator
from chainrule.training import fit

APART = 4
"""One row of so many is set aside to see what is learned of others."""

FLAT = 0.5
"""An activation is flat whose slope is nowhere as much: the sigmoid's is 1/4 at most."""


@dataclass(frozen=True)
class Change:
    """What is changed of a training; as it stands, nothing.

    Parameters
    ----------
    rate
        What the rate is multiplied by.
    batch
        How many examples make a step; None leaves as many as now.
    free
        Whether nothing draws the weights to 0: no penalty, no decay.
    held
        The rate, where it is one and the same throughout.
    steep
        Whether tanh stands in for activations whose slopes are small: tanh z = 2 σ(2z) - 1 is a
        sigmoid four times as steep.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(2, "sigmoid"), cr.Dense(1)], "squared_error")
    >>> Change(steep=True).network(net).layers[0]
    Dense(2, 'tanh')
    >>> Change(rate=0.5).optimizer(cr.SGD(0.1)).rate(1)
    0.05
    """

    rate: float = 1.0
    batch: int | None = None
    free: bool = False
    held: float | None = None
    steep: bool = False

    def network(self, net: Network) -> Network:
        """Return the network to train."""
        if self.steep:
            layers = tuple(altered(layer, _steep) for layer in net.layers)
            return Network(
                net.inputs, layers, net.loss, net.l1, net.l2, net.reduction, check=False
            )  # fmt: skip
        return without_penalty(net) if self.free else net

    def optimizer(self, optimizer: Any) -> Any:
        """Return what makes the steps."""
        rate = optimizer.learning_rate if self.held is None else self.held
        changed: dict[str, Any] = {"learning_rate": _Times(rate, self.rate)}
        if self.free and optimizer.weight_decay:
            changed["weight_decay"] = 0.0
        return dataclasses.replace(optimizer, **changed)


class OtherTrainings:
    """A training that is made again, each change once.

    Parameters
    ----------
    net, initial
        The network, and the parameters that training begins with.
    data
        The examples to train with.
    options, epochs
        How it is trained.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(1)], "squared_error")
    >>> x = np.linspace(-1, 1, 20)[:, None]
    >>> options = Options(cr.SGD(0.01))
    >>> again = OtherTrainings(net, net.init(0), Examples(x, 3 * x, None), options, epochs=20)
    >>> again.cost(Change(rate=10.0)) < again.cost(Change())
    True
    """

    net: Network
    initial: Parameters
    data: Examples
    options: Options
    epochs: int

    def __init__(
        self, net: Network, initial: Parameters, data: Examples, options: Options, epochs: int
    ) -> None:
        self.net, self.initial, self.data = net, initial, data
        self.options, self.epochs = options, epochs
        self._known: dict[tuple[Change, bool], float] = {}

    def cost(self, change: Change) -> float:
        """Return the cost of the examples after a training with all of them.

        It is infinite where the training diverges.
        """
        if (change, False) not in self._known:
            self._known[change, False] = self._made(change, self.data, self.data, self.epochs)
        return self._known[change, False]

    def cost_apart(self, change: Change) -> float:
        """Return the cost of a quarter of the examples after a training with the others.

        The training has about as many steps.
        """
        if (change, True) not in self._known:
            others, quarter = self._apart
            epochs = math.ceil(self.epochs * self.data.n / max(others.n, 1))
            self._known[change, True] = self._made(change, others, quarter, epochs)
        return self._known[change, True]

    @cached_property
    def chance_apart(self) -> float:
        """The cost of that quarter, of the best constant."""
        return constant_cost(self.net, self._apart[1])

    @cached_property
    def _apart(self) -> tuple[Examples, Examples]:
        order = generator(Stream.DIAGNOSED).permutation(self.data.n)
        few = max(self.data.n // APART, 1)
        return self.data.take(np.sort(order[few:])), self.data.take(np.sort(order[:few]))

    def _made(self, change: Change, data: Examples, judged: Examples, epochs: int) -> float:
        options, net = self.options, change.network(self.net)
        try:
            params, _ = fit(
                net, self.initial, data.X, data.y, change.optimizer(options.optimizer),
                epochs=epochs, batch_size=change.batch or options.batch_size or data.n,
                seed=options.seed, shuffle=options.shuffle, sample_weight=data.w,
                clip_value=options.clip_value, clip_norm=options.clip_norm, freeze=options.freeze,
                threads=1,
            )  # fmt: skip
        except DivergenceError:
            return np.inf
        return plain_cost(net, params, judged)


def plain_cost(net: Network, params: Parameters, data: Examples) -> float:
    """Return the cost without the penalty.

    >>> net = cr.Network(1, [cr.Dense(1)], "squared_error", l2=1.0)
    >>> params = net.parameters([([[2.0]], [0.0])])
    >>> plain_cost(net, params, Examples(np.ones((1, 1)), np.zeros((1, 1)), None))
    4.0
    """
    with np.errstate(all="ignore"):
        trace = backprop.forward(without_penalty(net), params, data.X, check=False)
        return float(backprop.trace_cost(trace, data.y, data.w, check=False))


@dataclass(frozen=True)
class _Times(Schedule):
    """A multiple of another rate."""

    rate: Any
    factor: float

    def __call__(self, t: int) -> float:
        rate = self.rate(t) if isinstance(self.rate, Schedule) else self.rate
        return float(self.factor * rate)


def _steep(row: Activation) -> Activation | None:
    if row.pull is not None:
        return None
    z = np.linspace(-10, 10, 201)
    return activation("tanh") if np.max(row.df(z, row.f(z, np), np)) < FLAT else None
