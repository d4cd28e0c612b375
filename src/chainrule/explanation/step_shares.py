r"""A step shared out: what of it is each example's, each output's, the penalty's, the decay's.

The shares of a direction are kept in one row: those of the examples at each output, n × outputs of
them, then three more.

    dw = factor · direction,   direction = Σ of its shares

A row for each optimizer of the table says what of its step is linear in the gradients, and what is
the factor before it. Where it keeps a running mean, what that was when the run began has a share of
its own: it is of steps before this run, whose examples may be others.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.backprop import Trace, backward, deltas_from, forward, gradient
from chainrule.batches import Subset, batches_after
from chainrule.explanation.core_numbers import at_path
from chainrule.explanation.notation import Key
from chainrule.explanation.replay import BeforeStep, examples_of, steps_of
from chainrule.explanation.unit_places import Places
from chainrule.explanation.updates import NAMES, state_of
from chainrule.layers import Draw, Role
from chainrule.network import Parameters, divisor
from chainrule.optimizers import State
from chainrule.penalties import penalty_gradient
from chainrule.record import Run
from chainrule.reference import each_clipped, norm_scale, treated
from chainrule.targets import encode
from chainrule.ties import summed
from chainrule.trees import Array

if TYPE_CHECKING:
    from chainrule.batches import Examples

Vector = NDArray[np.float64]

PENALTY, EARLIER, DECAY = range(-3, 0)
"""Where the shares are that are no example's."""


class Sharing:
    """The shares of the running mean and of the change, as they grow step by step.

    >>> net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
    >>> _, history = cr.fit(
    ...     net, net.init(), [[3.0], [0.0]], [1.0, 2.0], cr.SGD(0.1), epochs=1, record=True
    ... )
    >>> shares = Sharing(history.runs[0], Key("b"), Places.of(net))
    >>> shares.through(1) == float(history.at.params[0].b[0])
    True
    """

    run: Run
    key: Key
    at: Places
    name: str
    place: tuple[int, ...]
    data: Examples
    rule: StepRule

    def __init__(self, run: Run, key: Key, at: Places) -> None:
        self.run, self.key, self.at = run, key, at
        self.name, self.place = at.leaf(key)
        self.is_weight: bool = run.plan.net.roles[self.name] is Role.WEIGHT
        self.data, self.rule = examples_of(run), _rule(run.plan.optimizer)
        self.shape: tuple[int, int] = self.data.n, run.plan.net.outputs
        self.change: NDArray[np.float64] = np.zeros(self.shape[0] * self.shape[1] - PENALTY)
        self.mean: NDArray[np.float64] = np.zeros_like(self.change)
        self.mean[EARLIER] = self._mean(run.start.states).item()

    def through(self, last: int) -> float:
        """Share out the steps of the run up to one of them; return the value after it."""
        run = self.run
        numbered = self.data._replace(y=np.arange(self.data.n))
        order = batches_after(
            Subset(numbered), run.batch_size, run.plan.seed, run.epoch, shuffle=run.shuffle
        )
        made = itertools.islice(steps_of(run, self.data), last - run.step + 1)
        after = self.value(run.params)
        for (stand, following), rows in zip(itertools.pairwise(made), order, strict=False):
            if self.name not in run.plan.frozen:
                self._share(stand, following, rows.y)
            after = self.value(following.params)
        return after

    def value(self, tree: Parameters) -> float:
        """The parameter's entry of a tree in the form of the parameters."""
        return float(self._entry(tree).item())

    def _entry(self, tree: Parameters) -> Array:
        return np.asarray(at_path(tree, self.name)[self.place]).reshape(1)

    def _mean(self, states: list[State]) -> Array:
        """The running mean, as states hold it."""
        state = state_of(states, self.key, self.at)
        return state[0] if self.rule.keeps_mean and state else np.zeros(1)

    def _share(self, stand: BeforeStep, following: BeforeStep, rows: Array) -> None:
        """Share out one step."""
        o, t, before = self.run.plan.optimizer, stand.step, self.value(stand.params)
        parts, g = self._gradient(stand, rows)
        direction, self.mean = self.rule.direction(self.mean, parts, o, t)
        whole, _ = self.rule.direction(self._mean(stand.states), g, o, t)
        state = state_of(following.states, self.key, self.at)
        shares = -float(self.rule.factor(o, t, whole, state).item()) * direction
        if self.is_weight:
            shares[DECAY] = -o.rate(t) * o.weight_decay * before
        self.change += _rounded(shares, self.value(following.params) - before)

    def _gradient(self, stand: BeforeStep, rows: Array) -> tuple[Vector, Array]:
        """The shares of the gradient, and the gradient, both within its bounds."""
        plan, (X, y, w), net = self.run.plan, stand.batch, self.run.plan.net
        y = encode(y, net.outputs, X.dtype, np)
        trace = forward(net, stand.params, X, Draw(plan.seed, stand.step), check=False)
        n = stand.batch.n
        weights = (np.ones(n) if w is None else w) / divisor(net, n * plan.mean_weight)
        parts, shares = np.zeros(self.shape), np.zeros_like(self.change)
        for output in range(net.outputs):
            parts[rows, output] = weights * self._of_examples(trace, y, output)
        shares[:PENALTY] = parts.ravel()
        if self.is_weight and (net.l1 or net.l2):
            shares[PENALTY] = penalty_gradient(net, self._entry(stand.params), np).item()
        deltas = backward(trace, y, w, mean_weight=plan.mean_weight, check=False)
        grads = gradient(trace, deltas)
        return shares * self._shortened(grads), self._entry(treated(plan, grads, np))

    def _of_examples(self, trace: Trace, y: Array, output: int) -> Array:
        """The derivative of each example's loss at an output, (n,)."""
        da = trace.net.row.grad(trace.output, y, np)
        own = np.zeros_like(da)
        own[:, output :: trace.net.outputs] = da[:, output :: trace.net.outputs]  # of all members
        if not any(layer.over_batch for layer in trace.net.layers):
            return self._entries(trace, own)
        one = np.eye(len(own))[:, :, None]  # each example's loss depends on all of them
        return np.array([self._entries(trace, alone * own).sum() for alone in one])

    def _entries(self, trace: Trace, da: Array) -> Array:
        """The terms of the gradient in the rows of the batch, (n,), from ∂C/∂a of the outputs."""
        k, _, name = self.name.partition(".")
        layer, record = trace.net.layers[int(k)], trace[int(k)]
        delta = deltas_from(trace, da)[int(k)]
        return layer.entry(record, delta, name, self.place, np)

    def _shortened(self, grads: Parameters) -> float:
        """By how much the bounds on the gradient shorten it."""
        plan = self.run.plan
        grads = summed(grads, plan.ties)
        bounded = each_clipped(plan, grads, np)
        whole = self.value(grads)
        return norm_scale(plan, bounded, np) * (self.value(bounded) / whole if whole else 1.0)


def _rounded(shares: Vector, moved: float) -> Vector:
    """Return shares whose sum is what was moved: each bears of the rounding as it is large.

    >>> _rounded(np.array([-3.0, 1.0]), -1.9)
    array([-2.925,  1.025])
    """
    size = float(np.abs(shares).sum())
    return shares + np.abs(shares) * ((moved - shares.sum()) / size) if size else shares


Direction = Callable[[Array, Array, Any, int], tuple[Array, Array]]
"""From the running mean and the gradient to the direction of the step, and the new mean."""

Factor = Callable[[Any, int, Array, State], Array]
"""From the optimizer, the step, the whole direction and the state after it to the factor."""


class StepRule(NamedTuple):
    """How an optimizer's step is a direction times a factor.

    `keeps_mean` where the first part of its state, if it has one, is the running mean.

    >>> [name for name, rule in RULES.items() if not rule.keeps_mean]
    ['adagrad', 'rmsprop', 'rprop']
    """

    direction: Direction
    factor: Factor
    keeps_mean: bool = False


def _sgd(mean: Array, g: Array, o: Any, t: int) -> tuple[Array, Array]:
    if o.dampening:
        mean = o.momentum * mean + (1 - o.dampening) * g
        return mean, mean
    mean = o.momentum * mean + o.rate(t) * g
    return (o.momentum * mean + o.rate(t) * g if o.nesterov else mean), mean


def _sgd_factor(o: Any, t: int, whole: Array, state: State) -> Array:
    return np.array([o.rate(t) if o.dampening else 1.0])


def _adam(mean: Array, g: Array, o: Any, t: int) -> tuple[Array, Array]:
    mean = o.beta1 * mean + (1 - o.beta1) * g
    return mean, mean


def _adam_factor(o: Any, t: int, whole: Array, state: State) -> Array:
    c = np.sqrt(1 - o.beta2**t)
    return o.rate(t) * c / (1 - o.beta1**t) / (state[1] ** 0.5 + o.epsilon * c)


def _nadam(mean: Array, g: Array, o: Any, t: int) -> tuple[Array, Array]:
    mean = o.beta1 * mean + (1 - o.beta1) * g
    ahead = o.beta1 / (1 - o.beta1 ** (t + 1)) * mean
    return ahead + (1 - o.beta1) / (1 - o.beta1**t) * g, mean


def _nadam_factor(o: Any, t: int, whole: Array, state: State) -> Array:
    return _adam_factor(o, t, whole, state) * (1 - o.beta1**t)  # which is in its direction


def _lion(mean: Array, g: Array, o: Any, t: int) -> tuple[Array, Array]:
    return o.beta1 * mean + (1 - o.beta1) * g, o.beta2 * mean + (1 - o.beta2) * g


def _lion_factor(o: Any, t: int, whole: Array, state: State) -> Array:
    return o.rate(t) * _inverse(whole)


def _gradient_itself(mean: Array, g: Array, o: Any, t: int) -> tuple[Array, Array]:
    return g, mean


def _root_factor(o: Any, t: int, whole: Array, state: State) -> Array:
    return o.rate(t) / (state[0] ** 0.5 + o.epsilon)


def _rprop_factor(o: Any, t: int, whole: Array, state: State) -> Array:
    kept, size = state
    return size * _inverse(kept)


def _inverse(direction: Array) -> Array:
    """1 / |direction|, which makes its sign of it; 0 where it is 0."""
    return 1 / abs(direction) if direction else 0 * direction


RULES: dict[str, StepRule] = {
    "sgd": StepRule(_sgd, _sgd_factor, keeps_mean=True),
    "adagrad": StepRule(_gradient_itself, _root_factor),
    "rmsprop": StepRule(_gradient_itself, _root_factor),
    "adam": StepRule(_adam, _adam_factor, keeps_mean=True),
    "adamw": StepRule(_adam, _adam_factor, keeps_mean=True),
    "nadam": StepRule(_nadam, _nadam_factor, keeps_mean=True),
    "lion": StepRule(_lion, _lion_factor, keeps_mean=True),
    "rprop": StepRule(_gradient_itself, _rprop_factor),
}
"""For each optimizer of the table, how its step is a direction times a factor."""


def _rule(optimizer: Any) -> StepRule:
    """Return the rule of an optimizer, or raise for one of the user's own."""
    name = NAMES.get(type(optimizer))
    if name is None:
        raise ValueError(
            f"contributions: {optimizer!r} is an optimizer of your own, and nobody knows what of "
            "its step is linear in the gradients; take one of the table"
        )
    return RULES[name]
