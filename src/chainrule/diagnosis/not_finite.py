r"""The first step, layer and quantity of a training that stopped being finite, and what made it so.

x   (n, i)   what enters a layer      a   (n, o)   what leaves it      delta   (n, o)   ∂C/∂z
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule import backprop
from chainrule.batches import Examples, Subset, batches_after, steps_of_epoch
from chainrule.diagnosis.course_measures import Options
from chainrule.diagnosis.layer_measures import ratio, size
from chainrule.history import History
from chainrule.layers import Draw
from chainrule.network import Network, Parameters, describe
from chainrule.network import frozen as frozen_names
from chainrule.record import Plan
from chainrule.reference import treated
from chainrule.sparse_rows import dense
from chainrule.targets import encode
from chainrule.trees import leaves
from chainrule.update import apply

GROWN = 10.0
"""Weights that are ten times what they were at first have grown out of what suits the network."""

LARGE = 1e4
"""An input of ten thousand is none of a standardised column."""

NEAR = 30.0
"""A loss whose logarithm ends does so near 0; an exponential, in float32, beyond 88."""

OF_ROWS = ("activations", "loss", "deltas")
"""The quantities that each example has."""


class NotFinite(NamedTuple):
    """Where a training stopped being finite.

    Parameters
    ----------
    epoch, step
        The epoch, and the step of the whole training, both from 1.
    quantity
        What was the first to be infinite or NaN: "activations", "loss", "deltas", "gradient" or
        "update".
    layer
        The layer's number, from 0, and the layer; "" of the loss.
    row
        The number of the example that it was first seen of, from 0; -1 of gradients and updates.
    grown
        How many times their size at first the weights were before that step.
    cause
        "weights" that had grown, the "loss" itself, large "inputs", the optimizer's own "update",
        or "signals" that grow from layer to layer.
    because
        The cause with its figures, in words.
    """

    epoch: int
    step: int
    quantity: str
    layer: str
    row: int
    grown: float
    cause: str
    because: str

    @property
    def sentence(self) -> str:
        """Where it was, and why."""
        of = f" of {self.layer}" if self.layer else ""
        row = f", first of row {self.row}," if self.row >= 0 else ""
        verb = "was" if self.quantity in ("loss", "gradient", "update") else "were"
        return (
            f"in epoch {self.epoch}, step {self.step}, the {self.quantity}{of}{row} {verb} the "
            f"first not to be finite: {self.because}"
        )


class _Found(NamedTuple):
    """The first quantity that is not finite, the layer it is of, and which values they are."""

    quantity: str
    layer: int
    where: NDArray[np.bool_]


def first_not_finite(
    net: Network, initial: Parameters, history: History, training: Subset, options: Options
) -> NotFinite | None:
    """Return what stopped being finite in the step after those that a history holds.

    The step is made again, by the functions of the core. None where it cannot be, or where all of
    it is finite, as with other options than those of the training.

    Parameters
    ----------
    net
        The network.
    initial
        The parameters that training began with.
    history
        The history of the `DivergenceError` that `fit` raised.
    training
        The examples in training.
    options
        How it is trained.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(1)], loss="squared_error")
    >>> X, y, start = np.ones((4, 1)), np.ones((4, 1)), net.init(0)
    >>> try:
    ...     cr.fit(net, start, X, y, cr.SGD(1e9), epochs=9)
    ... except cr.DivergenceError as error:
    ...     history = error.history
    >>> examples = Subset(Examples(X.astype("f4"), y.astype("f4"), None))
    >>> found = first_not_finite(net, start, history, examples, Options(cr.SGD(1e9)))
    >>> found.quantity, found.cause
    ('loss', 'weights')
    """
    if history.last is None or type(options.optimizer).__name__ != history.at.optimizer:
        return None
    numbers = _numbers_of_step(history, training, options)
    batch = training.data.take(numbers)
    with np.errstate(all="ignore"):
        found = next(_in_order(net, history, batch, training.mean_weight, options), None)
        if found is None:
            return None
        rows = np.flatnonzero(found.where)
        row = int(numbers[rows[0]]) if found.quantity in OF_ROWS else -1
        at = history.at
        grown = ratio(_weights(at.params), _weights(initial))
        cause, because = _cause(net, at.params, batch, found, grown)
    layer = "" if found.layer < 0 else describe(net, found.layer)
    return NotFinite(at.epoch + 1, at.step + 1, found.quantity, layer, row, grown, cause, because)


def _numbers_of_step(history: History, training: Subset, options: Options) -> NDArray[Any]:
    """Return the numbers of the examples of the step, in their order."""
    n, at = training.n, history.at
    every = np.arange(training.data.n)
    numbered = Subset(Examples(every[:, None], every, None), training.rows, training.without)
    steps = batches_after(
        numbered, options.batch_size, options.seed, at.epoch, shuffle=options.shuffle
    )  # fmt: skip
    within = max(at.step - at.epoch * steps_of_epoch(n, options.batch_size), 0)
    return np.asarray(next(itertools.islice(steps, within, None)).y)


def _in_order(
    net: Network, history: History, batch: Examples, mean_weight: float, options: Options
) -> Iterator[_Found]:
    """Yield what is not finite of a step, in the order in which it is computed."""
    params, states, t = history.at.params, history.at.states, history.at.step + 1
    x, y, w = batch
    trace = backprop.forward(net, params, x, Draw(options.seed, t), check=False)
    for k, record in enumerate(trace):
        yield from _looked("activations", k, record.a)
    Y = encode(y, net.outputs, trace.output.dtype, np)
    yield from _looked("loss", -1, net.row.value(trace.output, Y, np))
    deltas = backprop.backward(trace, y, w, mean_weight=mean_weight, check=False)
    for k in reversed(range(len(deltas))):
        for part in leaves(deltas[k]):
            yield from _looked("deltas", k, part)
    grads = backprop.gradient(trace, deltas)
    for k, own in enumerate(grads):
        for part in leaves(own):
            yield from _looked("gradient", k, part)
    rule = options.optimizer
    assert rule is not None
    stay = frozen_names(params, options.freeze, of="diagnose")
    plan = Plan(net, rule, options.seed, stay, options.clip_value, options.clip_norm)
    new, _ = apply(rule, params, treated(plan, grads, np), states, t, net.roles, stay)
    for k, own in enumerate(new):
        for part in leaves(own):
            yield from _looked("update", k, part)


def _looked(quantity: str, layer: int, values: Any) -> Iterator[_Found]:
    where = ~np.isfinite(np.asarray(values))
    if where.any():
        yield _Found(quantity, layer, where.reshape(len(where), -1).any(axis=1))


def _weights(params: Parameters) -> float:
    """Return the root mean square of all weights, those of layers within others too."""
    return size(*[leaf for leaf in leaves(params) if np.ndim(leaf) > 1])


def _cause(
    net: Network, params: Parameters, batch: Examples, found: _Found, grown: float
) -> tuple[str, str]:
    """Return what made it so, in a word and in words."""
    of_rows = found.quantity in OF_ROWS
    example = batch.take(np.flatnonzero(found.where)[:1]) if of_rows else batch
    if found.quantity in ("loss", "deltas") and (said := _of_the_loss(net, params, example)):
        return "loss", said
    if grown >= GROWN:
        return "weights", f"the weights had grown to {grown:.3g} times their size at first"
    largest = float(np.max(np.abs(dense(example.X)), initial=0.0))
    if largest >= LARGE:
        return "inputs", f"an input is {largest:.3g}"
    if found.quantity == "update":
        return "update", "the gradient is finite, and what the optimizer makes of it is not"
    return "signals", "from layer to layer the signals grow"


def _of_the_loss(net: Network, params: Parameters, example: Examples) -> str:
    """Say at which output the loss itself ends, as a logarithm does at 0; "" where it does not."""
    a = backprop.forward(net, params, example.X, check=False).output
    Y = encode(example.y, net.outputs, a.dtype, np)
    value, slope = (np.ravel(part(a, Y, np)) for part in (net.row.value, net.row.grad))
    ends = ~(np.isfinite(value) & np.isfinite(slope))
    bad = np.flatnonzero(ends & (np.abs(np.ravel(a)) <= NEAR))
    if not len(bad):
        return ""
    output, target = (float(np.ravel(part)[bad[0]]) for part in (a, Y))
    return (
        f"the loss {str(net.row)!r} is {value[bad[0]]:.3g} at an output of {output:.3g} and a "
        f"target of {target:.3g}, as a logarithm is at 0"
    )
