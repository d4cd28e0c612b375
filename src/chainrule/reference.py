r"""The reference loop: each step is forward, cost, backward, update, by the core's functions.

    X   (n, inputs)   the examples      y   (n, outputs) or (n,)   their targets
    w   (n,)          their weights     t   the number of the step, from 1

It says what is right. The compiled engine must come to the same numbers.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from chainrule import losses
from chainrule.backprop import Trace, backward, forward, gradient, trace_cost
from chainrule.batches import Examples, Subset, batches
from chainrule.history import REMEDY, DivergenceError, History
from chainrule.layers import Draw
from chainrule.network import Network, Parameters, describe, divisor
from chainrule.record import Plan, TrainingState
from chainrule.sparse_rows import namespace
from chainrule.targets import encode
from chainrule.ties import spread, summed
from chainrule.trees import leaf_names, leaves, named_leaves, tree_map
from chainrule.update import apply


@functools.cache
def _keep_freed_memory() -> None:
    """Let the arrays of one step lie where those of the step before lay.

    Pure functions make new arrays at each step. glibc gives freed ones back to the system, which
    fills their pages with zeros for the next step, at a fifth of its time. Freeing one block of
    just under 32 MiB, never touched, raises the size from which it does so: see M_MMAP_THRESHOLD
    in mallopt(3). Elsewhere this does nothing.
    """
    np.empty(31 << 20, np.uint8)


def run_epoch(
    plan: Plan, data: Subset, batch_size: int | None, shuffle: bool, history: History
) -> None:
    """Go through the examples once, and enter the outcome in the history."""
    _keep_freed_memory()
    params, states, t, epoch, kind = history.at
    total, whole = 0.0, 0
    with np.errstate(
        over="ignore", invalid="ignore", divide="ignore"
    ):  # named by take_step instead
        taken = functools.partial(batches, shuffle=shuffle, shards=plan.shards)
        for batch in taken(data, batch_size, plan.seed, epoch + 1):
            try:
                params, states, cost = take_step(plan, params, states, batch, t + 1)
            except FloatingPointError as error:
                history.last = TrainingState(params, states, t, epoch, kind)
                raise diverged(history, error) from None
            except KeyboardInterrupt:
                history.last = TrainingState(params, states, t, epoch, kind)
                raise
            t += 1
            rows = divisor(plan.net, batch.n)
            total, whole = total + rows * cost, whole + batch.n
    history.last = TrainingState(params, states, t, epoch + 1, kind)
    history.loss.append(total / divisor(plan.net, whole))


def diverged(history: History, error: FloatingPointError) -> DivergenceError:
    """Return the error for a step that failed after those that the history holds."""
    at = history.at
    return DivergenceError(
        f"training diverged at epoch {at.epoch + 1}, step {at.step + 1}: {error}; {REMEDY}",
        at.params,
        history,
    )


def take_step(
    plan: Plan, params: Parameters, states: list[Any], batch: Examples, t: int
) -> tuple[Parameters, list[Any], float]:
    """Forward, cost, backward, update; a FloatingPointError names the layer that fails."""
    net, (x, y, w) = plan.net, batch
    xp = namespace(x)
    y = encode(y, net.outputs, x.dtype, xp)
    trace = forward(net, params, x, Draw(plan.seed, t), check=False)
    cost = float(trace_cost(trace, y, w, mean_weight=plan.mean_weight, check=False))
    if not math.isfinite(cost):
        raise FloatingPointError(f"{_first_not_finite(trace, xp)} (the cost is {cost})")
    deltas = backward(trace, y, w, mean_weight=plan.mean_weight, check=False)
    grads = treated(plan, gradient(trace, deltas), xp)
    new, states = apply(plan.optimizer, params, grads, states, t, net.roles, plan.frozen)
    new = tuple(
        layer.after_step(own, record)
        for layer, own, record in zip(net.layers, new, trace, strict=True)
    )
    if plan.frozen:  # running statistics too
        new = tree_map(
            lambda name, old, own: old if name in plan.frozen else own,
            leaf_names(params),
            params,
            new,
        )
    for k, own in enumerate(new):
        if not all(bool(xp.all(xp.isfinite(leaf))) for leaf in leaves(own)):
            raise FloatingPointError(f"the update of {describe(net, k)} is not finite")
    return new, states, cost


def _first_not_finite(trace: Trace, xp: Any) -> str:
    for k, record in enumerate(trace):
        if not bool(xp.all(xp.isfinite(record.a))):
            return f"the activation of {describe(trace.net, k)} is not finite"
    return f"the loss {str(losses.loss(trace.net.loss))!r} is not finite"


def treated(plan: Plan, grads: Parameters, xp: Any) -> Parameters:
    """The gradient as the optimizer takes it: within its bounds, the same where places are tied.

    A value that places share counts once in the norm.
    """
    if not plan.ties:
        return clipped(plan, grads, xp)
    bounded: Parameters = spread(clipped(plan, summed(grads, plan.ties), xp), plan.ties)
    return bounded


def clipped(plan: Plan, grads: Parameters, xp: Any) -> Parameters:
    """The gradient within its bounds; frozen parameters don't count in the norm."""
    grads = each_clipped(plan, grads, xp)
    if plan.clip_norm is not None:
        scale = norm_scale(plan, grads, xp)
        grads = tree_map(lambda g: scale * g, grads)
    return grads


def each_clipped(plan: Plan, grads: Parameters, xp: Any) -> Parameters:
    """The gradient with each of its entries within its bound.

    >>> net = cr.Network(2, [cr.Dense(1)], loss="huber")
    >>> plan = Plan(net, cr.SGD(), 0, frozenset(), clip_value=2.0, clip_norm=None)
    >>> each_clipped(plan, net.parameters([([[3.0, -4.0]], [0.5])]), np)[0].W
    array([[ 2., -2.]])
    """
    bound = plan.clip_value
    if bound is not None:
        grads = tree_map(lambda g: xp.minimum(xp.maximum(g, -bound), bound), grads)
    return grads


def norm_scale(plan: Plan, grads: Parameters, xp: Any) -> float:
    """By how much a gradient is shortened, to the bound on its norm.

    >>> net = cr.Network(2, [cr.Dense(1)], loss="huber")
    >>> plan = Plan(net, cr.SGD(), 0, frozenset(), clip_value=None, clip_norm=1.0)
    >>> norm_scale(plan, net.parameters([([[3.0, -4.0]], [0.0])]), np)
    0.2
    """
    if plan.clip_norm is None:
        return 1.0
    moving = [g for name, g in named_leaves(grads) if name not in plan.frozen]
    largest = max((float(xp.max(xp.abs(g))) for g in moving), default=0.0)
    if not largest > 0:  # which is drawn out of the norm, whose squares could overflow
        return 1.0
    squares = sum(float(xp.sum((g / largest) ** 2)) for g in moving)
    return min(plan.clip_norm / largest / math.sqrt(squares), 1.0)


def validate(net: Network, data: Subset, history: History, cost: float | None = None) -> None:
    """Enter the cost of the validation data; a FloatingPointError names what is not finite.

    A finite cost that is given is taken; without one it is computed.
    """
    params, failure = history.at.params, ""
    if cost is None or not math.isfinite(cost):
        cost, failure = measured(net, params, data.whole())
    history.enter_validation(cost)
    if failure:
        raise FloatingPointError(failure)


def measured(net: Network, params: Parameters, data: Examples) -> tuple[float, str]:
    """Return the cost of examples, and what in it is not finite, "" where it is."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        trace = forward(net, params, data.X, check=False)
        cost = float(trace_cost(trace, data.y, data.w, check=False))
    finite = math.isfinite(cost)
    return cost, "" if finite else _first_not_finite(trace, namespace(data.X))


GROWN = 10
"""How often its own size a cost may gain over epochs that have not diverged."""

ASKED = 10_000
"""The most examples in training that are asked whether it was they that diverged."""


def before_and_now(
    net: Network, data: Subset, start: Parameters, now: Parameters
) -> tuple[float, float, int]:
    """Return the costs of examples in training before and after it, and of how many they are."""
    some = data.first(ASKED)
    n = some.n
    before, after = (measured(net, params, some)[0] if n else 0.0 for params in (start, now))
    return before, after, n


def not_validated(
    history: History, before: float, now: float, error: FloatingPointError
) -> DivergenceError:
    """Return the error for a validation that failed, by the training or by its own data.

    The costs are those of examples in training, before it and now.
    """
    at = history.at
    if now - before <= GROWN * abs(before):
        message = (
            f"the validation after epoch {history.epochs} failed: {error}, and with the training "
            "data all is; compare the ranges of the validation data and of the training data"
        )
    else:
        message = (
            f"training diverged at epoch {at.epoch}, step {at.step}: the cost of the training data "
            f"went from {before:.4g} to {now:.4g}, and in the validation {error}; {REMEDY}"
        )
    return DivergenceError(message, at.params, history)
