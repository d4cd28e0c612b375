"""Parameters and histories as arrays and data.

A file of a network holds the parameters by their names, `0.W`, `0.b`, …; with a history also

    loss, validation_loss   (epochs,)   the figures of each epoch
    states.0.W.0, …         as 0.W      what the optimizer keeps of each parameter
    best.0.W, …             as 0.W      the best parameters, if there are any; where they are the
                                        parameters of the file, the last instead: last.0.W, …
"""

from __future__ import annotations

import itertools
import reprlib
from contextlib import suppress
from typing import Annotated, Any, Literal, TypedDict

import numpy as np
from numpy.typing import NDArray

from chainrule import codec
from chainrule.history import History
from chainrule.network import Network, Parameters, check_parameters
from chainrule.optimizers import OPTIMIZERS, Optimizer, State
from chainrule.record import TrainingState
from chainrule.serialization.specifications import (
    network_from_data,
    network_to_data,
    optimizer_from_data,
    optimizer_to_data,
)
from chainrule.trees import Array, leaves, named_leaves, rebuild
from chainrule.value_types import Must

Arrays = dict[str, NDArray[Any]]

MOST_STEPS = 2**53

Steps = Annotated[
    int, Must(f"a whole number >= 0 and < {MOST_STEPS}", lambda n: 0 <= n < MOST_STEPS)
]


class _Course(TypedDict):
    step: Steps
    epoch: Steps
    optimizer: Annotated[str, Must("the name of a class", str.isidentifier)]
    best_epoch: Steps
    stopped: Literal["", "early stopping", "callback"]
    restored: bool


class Course(_Course, total=False):
    """A history as data: what its arrays do not hold.

    With the settings of its optimizer, where that is one of the table.
    """

    settings: Any  # `optimizer_from_data` reads them


class _Network(TypedDict):
    kind: str
    network: Any  # `network_from_data` reads it
    history: Course | None


class Told(_Network, total=False):
    """What a file of a network tells; a checkpoint, of what run and arithmetic too."""

    format: int
    library: str
    run: dict[str, str]
    arithmetic: str  # of those that `checkpoint.py` knows, or of a later version


def arrays_of(params: Parameters, prefix: str = "") -> Arrays:
    """Return parameters as NumPy arrays by their names, with a prefix.

    >>> net = cr.Network(1, [cr.Dense(1)], loss="huber")
    >>> list(arrays_of(net.init(), "best."))
    ['best.0.W', 'best.0.b']
    """
    return {f"{prefix}{name}": np.asarray(leaf) for name, leaf in named_leaves(params)}


def params_of(net: Network, arrays: Arrays, prefix: str = "") -> Parameters:
    """Take the parameters of a network out of arrays, and return them.

    Raises ValueError where one is missing or does not fit.

    >>> net = cr.Network(1, [cr.Dense(1)], loss="huber")
    >>> params_of(net, {"0.W": np.ones((1, 1)), "0.b": np.zeros(1)})[0].b
    array([0.])
    """
    names = []
    for name, _ in named_leaves(net.form):  # of which a layer of hostile sizes has millions
        if f"{prefix}{name}" not in arrays:
            raise ValueError(f"the array {prefix + name!r} is missing")
        names.append(name)
    params: Parameters = rebuild(net.form, [arrays.pop(f"{prefix}{name}") for name in names])
    check_parameters(net, params)
    return params


def contents(
    net: Network, params: Parameters, history: History | None
) -> tuple[Arrays, dict[str, Any]]:
    """Return the arrays and the data of a network with its parameters and history.

    >>> net = cr.Network(1, [cr.Dense(1)], loss="huber")
    >>> list(contents(net, net.init(), None)[1])
    ['kind', 'network', 'history']
    """
    check_parameters(net, params)
    arrays = arrays_of(params)
    about = {"kind": "network", "network": network_to_data(net), "history": None}
    if history is None:
        return arrays, about
    if not _same(arrays, arrays_of(history.returned)):
        raise ValueError(
            "params must be those that the fit returned which made the history; leave history out "
            "to save others"
        )
    at = history.at
    arrays |= {
        "loss": np.array(history.loss, float),
        "validation_loss": np.array(history.validation_loss, float),
        **_arrays_of_states(at),
    }
    if history.best is not None:
        other, prefix = (at.params, "last.") if history.restored else (history.best, "best.")
        arrays |= arrays_of(other, prefix)
    course: dict[str, Any] = {
        "step": at.step,
        "epoch": at.epoch,
        "optimizer": at.optimizer,
        "best_epoch": history.best_epoch,
        "stopped": history.stopped,
        "restored": history.restored,
    }
    if history.optimizer is not None:
        with suppress(ValueError):  # of one's own, or with a schedule of one's own
            course["settings"] = optimizer_to_data(history.optimizer)
    return arrays, {**about, "history": course}


def _same(some: Arrays, others: Arrays) -> bool:
    return some.keys() == others.keys() and all(
        some[name].dtype == others[name].dtype and np.array_equal(some[name], others[name])
        for name in some
    )


def _arrays_of_states(at: TrainingState) -> Arrays:
    return {
        f"states.{name}.{k}": np.asarray(kept)
        for (name, _), state in zip(named_leaves(at.params), at.states, strict=True)
        for k, kept in enumerate(state)
    }


def from_contents(
    arrays: Arrays, about: dict[str, Any]
) -> tuple[Network, Parameters, History | None]:
    """Return the network, parameters and history that arrays and data hold.

    Raises ValueError where they do not fit together, and for an array that nothing asks for.

    >>> net = cr.Network(1, [cr.Dense(1)], loss="huber")
    >>> from_contents(*contents(net, net.init(), None))[0] == net
    True
    """
    told: Told = codec.read(about, Told, "")
    rest = dict(arrays)
    net = network_from_data(told["network"])
    params = params_of(net, rest)
    course = told["history"]
    history = None if course is None else _history(net, params, rest, course)
    if rest:
        raise ValueError(f"the array {reprlib.repr(min(rest))} belongs to nothing in it")
    return net, params, history


def _history(net: Network, params: Parameters, rest: Arrays, course: Course) -> History:
    """Return a history, and take its arrays out of the rest."""
    restored, optimizer = course["restored"], course["optimizer"]
    prefix = "last." if restored else "best."
    last, best = params, None
    if any(name.startswith(prefix) for name in rest):
        other = _like(params, params_of(net, rest, prefix), prefix)
        last, best = (other, params) if restored else (params, other)
    states = _states(params, rest, optimizer)
    history = History(
        loss=_curve("loss", rest),
        validation_loss=_curve("validation_loss", rest),
        best_epoch=course["best_epoch"],
        stopped=course["stopped"],
        last=TrainingState(last, states, course["step"], course["epoch"], optimizer),
        best=best,
        restored=restored,
        optimizer=_optimizer(course),
    )
    _check_agreement(history)
    return history


def _optimizer(course: Course) -> Optimizer | None:
    """Return the optimizer of a history, if its settings are told."""
    if "settings" not in course:
        return None
    made, name = optimizer_from_data(course["settings"]), course["optimizer"]
    if type(made).__name__ != name:
        raise ValueError(f"history.settings must be those of {name}, got {made!r:.200}")
    return made


def _check_agreement(history: History) -> None:
    """Raise where figures, epochs, steps and parameters do not fit together."""
    epochs, validated = len(history.loss), len(history.validation_loss)
    if history.at.epoch != epochs:
        raise ValueError(
            f"history.epoch must be that of the losses, {epochs}, got {history.at.epoch}"
        )
    if history.at.step < epochs:
        raise ValueError(f"history.step must be one an epoch or more, got {history.at.step}")
    if validated > epochs or history.best_epoch > (epochs if validated else 0):
        raise ValueError(
            f"its validation must be of its {epochs} epochs, got {validated} losses and "
            f"history.best_epoch {history.best_epoch}"
        )
    if (history.best is None) != (history.best_epoch == 0):
        raise ValueError("history.best_epoch must have its parameters, and none be without it")


def _like(params: Parameters, other: Parameters, prefix: str) -> Parameters:
    """Return other parameters of a network, which must have the dtype of the first."""
    for (name, leaf), expected in zip(named_leaves(other), leaves(params), strict=True):
        _check_like(f"{prefix}{name}", leaf, expected)
    return other


def _curve(name: str, rest: Arrays) -> list[float]:
    curve = rest.pop(name, None)
    if curve is None or curve.ndim != 1 or curve.dtype != np.float64:
        raise ValueError(f"the array {name!r} must hold one float64 an epoch")
    figures: list[float] = curve.tolist()
    return figures


def _states(params: Parameters, rest: Arrays, optimizer: str) -> list[State]:
    """Return the states of the parameters; only an optimizer of one's own chooses their shapes."""
    known = optimizer in {kind.__name__ for kind in OPTIMIZERS.values()}
    states: list[State] = []
    for name, leaf in named_leaves(params):
        numbered = (f"states.{name}.{k}" for k in itertools.count())
        names = list(itertools.takewhile(rest.__contains__, numbered))
        states.append(tuple(rest.pop(each) for each in names))
        for each, kept in zip(names, states[-1], strict=True):
            if known:
                _check_like(each, kept, leaf)
    return states


def _check_like(name: str, array: Array, expected: Array) -> None:
    if (array.shape, array.dtype) != (expected.shape, expected.dtype):
        raise ValueError(
            f"the array {name!r} must be as its parameter, {expected.dtype} {expected.shape}, "
            f"got {array.dtype} {array.shape}"
        )
