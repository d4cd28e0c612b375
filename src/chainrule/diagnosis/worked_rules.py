r"""Backpropagation worked layer by layer by rules that can be changed: what a mistake acts on.

    x    (n, i)   what enters a layer      da      (n, o)   ∂C/∂a, for one example
    a    (n, o)   what leaves it           delta   (n, o)   ∂C/∂z, for one example
    dx   (n, i)   ∂C/∂x: the da of the layer below

Every number comes from the core: layers' `forward`, `delta`, `dx` and `gradient`, rows of the
tables, `apply`. Rules say what is passed between these; unchanged, they give the core's numbers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from chainrule import losses
from chainrule.backprop import Trace
from chainrule.batches import Examples
from chainrule.layers import Draw, Layer
from chainrule.loss_row import Loss
from chainrule.network import Network, Parameters, divisor
from chainrule.optimizers import Optimizer, State, init_states
from chainrule.penalties import penalised, penalty
from chainrule.record import Plan
from chainrule.reference import treated
from chainrule.ties import Ties
from chainrule.trees import Array, leaf_names, tree_map
from chainrule.update import apply

SEED = 0
"""Of dropout's masks, as explanations draw them."""


def _same(value: Any, *_: Any) -> Any:
    return value


def chained(first: Callable[..., Any], second: Callable[..., Any]) -> Callable[..., Any]:
    """Return both changes of a value, one after the other, with the same further arguments.

    >>> chained(lambda v, k: v + k, lambda v, k: v * k)(1, 2)
    6
    """
    if first is _same:
        return second
    return lambda value, *more: second(first(value, *more), *more)


class Task(NamedTuple):
    """What is worked out, by whatever rules: which step of which training.

    `batches` are the rows of the examples of each step in turn, over and over; `states` the
    optimizer's before the first, None where they are new; `draws` says whether dropout acts.
    """

    params: Parameters
    states: list[State] | None
    batches: tuple[slice, ...]
    draws: bool
    step: int
    ties: Ties
    mean_weight: float


@dataclass(frozen=True)
class Rules:
    """By what rules a network is worked out, seam by seam; a mistake is a change of these.

    `read` is how parameters are taken for the pass forward and back, and `unread` how a gradient
    in that form goes back to theirs. `da` changes the derivative of the loss, given its output and
    targets; `back` the parameters that `dx` takes of a layer, `entering` the record that `gradient`
    takes, `through` the delta that `dx` takes. `grads` changes the gradient, `to_update` what the
    optimizer makes of it is given. `between` rounds what is handed on: factors, and with
    `all_steps` their products too. `later` is by how many steps too many were made; `single` asks
    for float32, and `reading` says how a figure comes of a number.
    """

    net: Network
    layers: tuple[Layer, ...]
    data: Examples
    optimizer: Optimizer | None
    frozen: frozenset[str]
    loss: Loss
    read: Callable[..., Any] = _same
    unread: Callable[..., Any] = _same
    da: Callable[..., Any] = _same
    through: Callable[..., Any] = _same
    back: Callable[..., Any] = _same
    entering: Callable[..., Any] = _same
    grads: Callable[..., Any] = _same
    to_update: Callable[..., Any] = _same
    between: Callable[..., Any] = _same
    all_steps: bool = False
    updated_first: bool = False
    bias_corrected: bool = True
    later: int = 0
    single: bool = False
    reading: str = "rounded"


class Seed(NamedTuple):
    """What is derived in place of the cost: the share of an output in it, "E", or a unit.

    `kind` is "E", or of a unit "a" or "z"; `layer` is the unit's, and `row` the example.
    """

    kind: str
    unit: int
    layer: int = -1
    row: int = 0


class Start(NamedTuple):
    """Where a step starts."""

    params: Parameters
    states: list[State]
    t: int


class Pass(NamedTuple):
    """A pass forward, and one back: `da[k]` is ∂C by what leaves layer k, `dx` by the inputs.

    `shares` are those of the outputs in the cost, `dout` is ∂C/∂a of the last layer.
    """

    trace: Trace
    cost: float
    shares: Array
    dout: Array
    deltas: tuple[Any, ...]
    da: tuple[Array, ...]
    dx: Array
    grads: Parameters


FOREVER = 10**9
"""A step so late that what corrects Adam's means for their start is 1."""


class Worked:
    """The numbers of a task by some rules, each worked out when it is first asked for."""

    rules: Rules
    task: Task

    def __init__(self, rules: Rules, task: Task) -> None:
        self.rules, self.task = rules, task
        self._seeded: dict[Seed, Pass] = {}

    # Which step

    @functools.cached_property
    def start(self) -> Start:
        """Where the step starts that is worked out, after those before it."""
        optimizer, params, states = self.rules.optimizer, self.task.params, self.task.states
        if self.rules.single:
            params = tree_map(lambda leaf: leaf.astype(np.float32), params)
            states = states and list(tree_map(lambda s: s.astype(np.float32), tuple(states)))
        if optimizer is None:
            return Start(params, [], 1)
        if states is None or any(
            len(state) != len(optimizer.init(np.zeros(1))) for state in states
        ):  # those given are of another rule, such as one with a momentum
            states = init_states(optimizer, params)
        start = Start(params, states, 1)
        for _ in range(1, self.task.step + self.rules.later):
            start = self._updated(start, self._worked(start))
        return start

    def _rows(self, t: int) -> Examples:
        return self.rules.data.take(self.task.batches[(t - 1) % len(self.task.batches)])

    # What is read of it

    @functools.cached_property
    def base(self) -> Pass:
        """The pass of the cost."""
        return self._worked(self.start)

    def seeded(self, seed: Seed) -> Pass:
        """Return the pass back from something else than the cost."""
        if seed not in self._seeded:
            self._seeded[seed] = self._worked(self.start, seed)
        return self._seeded[seed]

    @functools.cached_property
    def new(self) -> Parameters:
        """The parameters after the step; those before it where one step too few is made."""
        if self.task.step + self.rules.later < 1:
            return self.start.params
        return self._updated(self.start, self.base).params

    @functools.cached_property
    def after(self) -> Pass:
        """The pass of the cost once more, after the update."""
        return self._worked(self.start._replace(params=self.new))

    # A pass

    def _worked(self, start: Start, seed: Seed | None = None) -> Pass:
        rules, data = self.rules, self._rows(start.t)
        if seed is None or seed.kind == "E":
            trace = self._forward(start, data.X, len(rules.layers))
            cost, shares, dout = self._cost(trace, data)
            n = divisor(rules.net, data.n)
            if seed is not None:
                dout = dout * (np.arange(dout.shape[1]) % rules.net.outputs == seed.unit)
        else:
            trace = self._forward(start, data.X[seed.row : seed.row + 1], seed.layer + 1)
            dout = np.zeros_like(trace[-1].a)
            dout[:, seed.unit] = 1
            cost, shares, n = np.nan, dout, 1.0
        return self._backward(start, Pass(trace, cost, shares, dout, (), (), dout, ()), n, seed)

    def _forward(self, start: Start, a: Array, count: int) -> Trace:
        rules, records = self.rules, []
        more = len(rules.layers) - len(start.params)  # layers that a mistake adds have none
        seen = (*rules.read(start.params), *[()] * more)
        for k, layer in enumerate(rules.layers[:count]):
            draw = Draw(SEED, start.t, layer=k) if self.task.draws else None
            a, record = layer.forward(seen[k], a, draw, np)
            a = rules.between(a)
            records.append(record._replace(a=a))
        return Trace(records, rules.net, seen)

    def _cost(self, trace: Trace, data: Examples) -> tuple[float, Array, Array]:
        """The cost, each output's share in it, and ∂C/∂a of the last layer."""
        rules, a = self.rules, trace.output
        each, da = rules.loss.value(a, data.y, np), rules.loss.grad(a, data.y, np)
        da = rules.between(self._changed(da, a, data.y))
        if data.w is not None:
            w = data.w[:, None]
            if rules.net.reduction == "mean":
                w = w / self.task.mean_weight if len(self.task.batches) > 1 else w / np.mean(w)
            each, da = w * each, da * w
        shares = np.sum(each, axis=0) / divisor(rules.net, data.n)
        cost = np.sum(shares)
        if rules.net.l1 or rules.net.l2:
            cost = cost + penalty(rules.net, trace.params, np)
        return float(cost), shares, da

    def _changed(self, da: Array, a: Array, y: Array) -> Array:
        """Return ∂C/∂a as the rules have it, of each member by itself."""
        rules, k = self.rules, self.rules.net.members
        each = a.reshape(len(a) * k, -1)
        own = losses.loss(rules.net.loss) if k > 1 else rules.loss
        made = rules.da(k * da.reshape(each.shape), each, np.repeat(y, k, axis=0), own)
        return made.reshape(a.shape) / k

    def _backward(self, start: Start, made: Pass, n: float, seed: Seed | None) -> Pass:
        """Go back from `made.dout`."""
        rules, seen, trace = self.rules, made.trace.params, made.trace
        product = functools.partial(tree_map, rules.between) if rules.all_steps else _same
        grads = [*rules.net.form, *seen[len(rules.net.form) :]]
        deltas: list[Any] = []
        das: list[Any] = []
        da = made.dout
        for k in reversed(range(len(trace))):
            layer, own, record = rules.layers[k], seen[k], trace[k]
            das.insert(0, da)
            of_z = seed is not None and seed.kind == "z" and k == seed.layer
            delta = da if of_z else product(layer.delta(own, record, da, np))
            deltas.insert(0, delta)
            share = delta if n == 1 else tree_map(lambda part: part / n, delta)
            grads[k] = product(layer.gradient(rules.entering(record), share, np))
            if rules.updated_first and k < len(self.task.params):
                done = made._replace(grads=self._gradient(grads, trace, seed))
                own = rules.read(self._updated(start, done).params)[k]
            da = product(layer.dx(rules.back(own), record, rules.through(delta), np))
        return made._replace(
            deltas=tuple(deltas), da=tuple(das), dx=da, grads=self._gradient(grads, trace, seed)
        )

    def _gradient(self, grads: list[Any], trace: Trace, seed: Seed | None) -> Parameters:
        """The gradient in the form of the parameters, with the penalty's where it is the cost's."""
        rules, made = self.rules, tuple(grads[: len(self.task.params)])
        if seed is None:
            made = penalised(rules.net, made, trace.params[: len(made)], np)
        changed: Parameters = rules.unread(rules.grads(made))
        return changed

    # The update

    def _updated(self, start: Start, made: Pass) -> Start:
        rules = self.rules
        assert rules.optimizer is not None
        plan = Plan(rules.net, rules.optimizer, SEED, rules.frozen, None, None, ties=self.task.ties)
        grads = treated(plan, rules.to_update(made.grads), np)
        t = start.t if rules.bias_corrected else FOREVER
        roles, stay = rules.net.roles, rules.frozen
        new, states = apply(rules.optimizer, start.params, grads, start.states, t, roles, stay)
        if rules.all_steps:
            new = tree_map(rules.between, new)
        kept = zip(rules.layers, new, made.trace, strict=False)
        new = tuple(layer.after_step(own, record) for layer, own, record in kept)
        if stay:  # running statistics too
            names = leaf_names(new)
            new = tree_map(lambda n, old, w: old if n in stay else w, names, start.params, new)
        return Start(new, states, start.t + 1)
