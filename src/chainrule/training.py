r"""Training: forward, backward, update, until the network maps its inputs to its outputs.

    X   (n, inputs)   the examples      y   (n, outputs) or (n,)   their targets
    w   (n,)          their weights     t   the number of the step, from 1

Everything random follows from the seed: the order of epoch e from (seed, e), the split of a
validation fraction from (seed, 0), dropout's masks from (seed, t). A run can therefore be broken
off after any epoch and gone on with, to the same bits.
"""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace

from chainrule import losses
from chainrule.backprop import Trace, backward, forward, gradient, trace_cost
from chainrule.errors import check_number, check_whole, unknown_name
from chainrule.examples import Examples, batches, check_examples, split
from chainrule.history import DivergenceError, EarlyStopping, History, Progress
from chainrule.layers import Draw
from chainrule.network import (
    SEEDS,
    Network,
    Parameters,
    check_parameters,
    describe,
)
from chainrule.optimizers import Optimizer, apply, init_states
from chainrule.targets import encode
from chainrule.trees import Array, leaf_names, leaves, named_leaves, tree_map

ENGINES = ("auto", "reference")

Callback = Callable[[History], bool | None]
"""Called after each epoch with the history so far; returning True ends the run."""


class Plan(NamedTuple):
    """What stays the same through a run."""

    net: Network
    optimizer: Optimizer
    seed: int
    frozen: frozenset[str]
    clip_value: float | None
    clip_norm: float | None


def fit(
    net: Network,
    params: Parameters,
    X: Any,
    y: Any,
    optimizer: Optimizer,
    *,
    epochs: int,
    batch_size: int | None = 32,
    seed: int = 0,
    shuffle: bool = True,
    sample_weight: Any = None,
    validation: float | tuple[Any, ...] | None = None,
    early_stopping: EarlyStopping | None = None,
    clip_value: float | None = None,
    clip_norm: float | None = None,
    freeze: Iterable[str] = (),
    callbacks: Iterable[Callback] = (),
    history: History | None = None,
    engine: str = "auto",
    threads: int | None = None,
) -> tuple[Parameters, History]:
    r"""Train a network and return its parameters and the course of the training.

    $$w \leftarrow w - dw\!\left(\frac{\partial C}{\partial w}\right),\qquad
      C \text{ over one batch}$$

    The parameters given are not changed.

    Parameters
    ----------
    net, params
        The network and the parameters to start from, in whose dtype all is computed.
    X, y
        The examples (n, inputs) and their targets: (n, outputs), or (n,) for one output or for
        integer labels.
    optimizer
        What makes a step of a gradient, `cr.Adam(1e-3)`.
    epochs, batch_size
        How many times to go through the examples, and how many of them make a step; None makes
        it all of them.
    seed, shuffle
        The seed of everything random; whether each epoch goes through the examples in an order of
        its own.
    sample_weight
        The weights (n,) of the examples in the mean, relative to each other within a batch.
    validation
        Data to measure after each epoch, `(X, y)` or `(X, y, sample_weight)`, or the fraction of
        the examples to set aside for that.
    early_stopping
        When to end the run early and return the best parameters, not the last.
    clip_value, clip_norm
        Bounds on each entry of the gradient, then on the norm of the whole.
    freeze
        Patterns of names of parameters that stay as they are: `["*.b"]`, `["0.*"]`.
    callbacks
        Functions called with the history after each epoch; one that returns True ends the run.
    history
        The history of an earlier call that returned `params`, to go on from: `a` epochs and then
        `b` are the same as `a + b` at once, bit for bit.
    engine
        `"reference"` trains with the functions of `chainrule.backprop`; `"auto"` takes the fastest
        engine that is installed.
    threads
        How many threads a compiled engine may use; the reference leaves that to the array library.

    Raises
    ------
    TypeError, ValueError
        Where an argument is not of its kind or does not fit; the message names it.
    DivergenceError
        Where a value stops being finite, with epoch, step and layer; its `params` are those
        before that step.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
    >>> X = np.array([[-1.0], [0.0], [1.0]])
    >>> params, history = fit(net, net.init(0), X, 2 * X + 1, cr.SGD(0.5), epochs=200)
    >>> params[0].W.round(3), params[0].b.round(3)
    (array([[2.]], dtype=float32), array([1.], dtype=float32))
    """
    epochs = check_whole("fit: epochs", epochs, least=1)
    seed = check_whole("fit: seed", seed, least=0, below=SEEDS)
    if batch_size is not None:
        batch_size = check_whole("fit: batch_size", batch_size, least=1)
    callbacks = _as_list("callbacks", "functions of a History", callbacks)
    _check_options(optimizer, early_stopping, validation, callbacks, engine, threads)
    clip_value, clip_norm = (
        None if bound is None else check_number(f"fit: {name}", bound, above=0)
        for name, bound in (("clip_value", clip_value), ("clip_norm", clip_norm))
    )
    check_parameters(net, params)
    plan = Plan(net, optimizer, seed, _frozen(params, freeze), clip_value, clip_norm)
    data = check_examples(net, params, X, y, sample_weight)
    data, held_out = split(net, params, data, validation, seed)
    history = _start(optimizer, params, history)
    goal = history.epochs + epochs
    history.stopped = _reason_to_stop(history, early_stopping, ())
    while history.epochs < goal and not history.stopped:
        _epoch(plan, data, batch_size, shuffle, history)
        if held_out is not None:
            _validate(net, held_out, history)
        history.stopped = _reason_to_stop(history, early_stopping, callbacks)
    history.restored = early_stopping is not None
    return history.returned, history


def _epoch(
    plan: Plan, data: Examples, batch_size: int | None, shuffle: bool, history: History
) -> None:
    """Go through the examples once, and enter the outcome in the history."""
    params, states, t, epoch, kind = history.at
    total = weight = 0.0
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # named by _step instead
        for batch in batches(data, batch_size, plan.seed, epoch + 1, shuffle=shuffle):
            share = batch.weight
            if share == 0:
                continue
            try:
                params, states, cost = _step(plan, params, states, batch, t + 1)
            except FloatingPointError as error:
                history.last = Progress(params, states, t, epoch, kind)
                raise DivergenceError(
                    f"training diverged at epoch {epoch + 1}, step {t + 1}: {error}; lower the "
                    "learning rate, scale X and y, or set clip_norm",
                    params,
                    history,
                ) from None
            t += 1
            total, weight = total + share * cost, weight + share
    history.last = Progress(params, states, t, epoch + 1, kind)
    history.loss.append(total / weight)


def _step(
    plan: Plan, params: Parameters, states: list[Any], batch: Examples, t: int
) -> tuple[Parameters, list[Any], float]:
    """Forward, cost, backward, update; a FloatingPointError names the layer that fails."""
    net, (x, y, w) = plan.net, batch
    xp = array_namespace(x)
    y = encode(y, net.outputs, x.dtype, xp)
    trace = forward(net, params, x, Draw(plan.seed, t), check=False)
    cost = float(trace_cost(trace, y, w, check=False))
    if not math.isfinite(cost):
        raise FloatingPointError(f"{_first_not_finite(trace, xp)} (the cost is {cost})")
    deltas = backward(net, params, trace, y, w, check=False)
    grads = _clipped(plan, gradient(trace, deltas), xp)
    new, states = apply(plan.optimizer, params, grads, states, t, plan.frozen)
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


def _clipped(plan: Plan, grads: Parameters, xp: Any) -> Parameters:
    """The gradient within its bounds; frozen parameters don't count in the norm."""
    if plan.clip_value is not None:
        bound = plan.clip_value
        grads = tree_map(lambda g: xp.minimum(xp.maximum(g, -bound), bound), grads)
    if plan.clip_norm is not None:
        moving = [g for name, g in named_leaves(grads) if name not in plan.frozen]
        largest = max((float(xp.max(xp.abs(g))) for g in moving), default=0.0)
        if largest > 0:  # which is drawn out of the norm, whose squares could overflow
            squares = sum(float(xp.sum((g / largest) ** 2)) for g in moving)
            scale = min(plan.clip_norm / largest / math.sqrt(squares), 1.0)
            grads = tree_map(lambda g: scale * g, grads)
    return grads


def _validate(net: Network, data: Examples, history: History) -> None:
    params = history.at.params
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        trace = forward(net, params, data.X, check=False)
        cost = float(trace_cost(trace, data.y, data.w, check=False))
    history.validation_loss.append(cost)
    if not math.isfinite(cost):
        what = _first_not_finite(trace, array_namespace(data.X))
        raise DivergenceError(
            f"the validation after epoch {history.epochs} failed: {what}; compare the ranges of "
            "the validation data and of the training data",
            params,
            history,
        )
    if cost < min(history.validation_loss[:-1], default=math.inf):
        history.best_epoch, history.best = history.epochs, params


def _reason_to_stop(
    history: History, early_stopping: EarlyStopping | None, callbacks: Sequence[Callback]
) -> str:
    answers = [callback(history) for callback in callbacks]
    if any(answers):
        return "callback"
    if early_stopping is not None and early_stopping.is_over(history.validation_loss):
        return "early stopping"
    return ""


def _start(optimizer: Optimizer, params: Parameters, history: History | None) -> History:
    """Return a history to write on, new or a copy of the one to go on from."""
    if history is None:
        states = init_states(optimizer, params)
        return History(last=Progress(params, states, 0, 0, type(optimizer).__name__))
    if not isinstance(history, History):
        raise TypeError(f"fit: history must be what an earlier fit returned, got {history!r}")
    before = leaves(history.returned)
    if len(before) != len(leaves(params)) or not all(map(_same, leaves(params), before)):
        raise ValueError(
            "fit: params must be those that the call returned which made the history; to start "
            "anew from other parameters, leave history out"
        )
    kind, momentum = history.at.optimizer, list(map(len, history.at.states))
    if (kind, momentum) != (
        type(optimizer).__name__,
        list(map(len, init_states(optimizer, params))),
    ):
        raise ValueError(
            f"fit: history was made by another kind of optimizer, {kind}, whose state does not fit "
            f"{optimizer!r}; go on with the same, or leave history out to start anew"
        )
    return history.copy()


def _same(a: Array, b: Array) -> bool:
    if a is b:
        return True
    xp = array_namespace(a, b)
    return a.dtype == b.dtype and a.shape == b.shape and bool(xp.all(a == b))


def _frozen(params: Parameters, freeze: Iterable[str]) -> frozenset[str]:
    names = [name for name, _ in named_leaves(params)]
    frozen: set[str] = set()
    for pattern in _as_list("freeze", "patterns of names", freeze):
        if not isinstance(pattern, str):
            raise TypeError(f"fit: freeze must be a list of patterns of names, got {pattern!r}")
        matched = fnmatch.filter(names, pattern)
        if not matched:
            raise unknown_name("parameter to freeze", pattern, names)
        frozen.update(matched)
    return frozenset(frozen)


def _check_options(
    optimizer: Any, early_stopping: Any, validation: Any, callbacks: Any, engine: Any, threads: Any
) -> None:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"fit: optimizer must be one such as cr.Adam(1e-3), got {optimizer!r}")
    if early_stopping is not None and not isinstance(early_stopping, EarlyStopping):
        raise TypeError(
            f"fit: early_stopping must be an EarlyStopping or None, got {early_stopping!r}"
        )
    if early_stopping is not None and validation is None:
        raise ValueError(
            "fit: early_stopping needs validation data; give validation=(X, y) or a fraction"
        )
    for callback in callbacks:
        if not callable(callback):
            raise TypeError(f"fit: callbacks must hold functions of a History, got {callback!r}")
    if engine == "native":
        raise ValueError(
            "fit: engine='native' needs the compiled engine, which this version does not have; "
            "take engine='auto' or 'reference'"
        )
    if engine not in ENGINES:
        raise unknown_name("engine", str(engine), ENGINES)
    if threads is not None:
        check_whole("fit: threads", threads, least=1)


def _as_list(name: str, of: str, given: Any) -> list[Any]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(f"fit: {name} must be a list of {of}, got {given!r}")
    return list(given)
