"""A run of `fit`: checked as a whole, then made epoch by epoch until it is over."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol, TypeGuard

import numpy as np
from array_api_compat import array_namespace

from chainrule import engine
from chainrule.batches import CheckExamples, check_examples
from chainrule.distributed import Ranks, agreed, by_each, is_agreed
from chainrule.engine import bfloat16
from chainrule.engine.native_run import NativeRun, cannot_run, reason_against
from chainrule.engine.quick_checks import LaterLook, check_inputs, check_parameters
from chainrule.engine.sharded_run import ShardedRun
from chainrule.errors import as_functions
from chainrule.extras import MissingLibraryError
from chainrule.given_examples import (
    GivenExamples,
    agree_on_run,
    check_shared,
    given_examples,
    shards_of_run,
)
from chainrule.history import EarlyStopping, History, TrainingInterrupted
from chainrule.log import LOGGER
from chainrule.network import Network, Parameters, frozen
from chainrule.optimizers import Optimizer, State, init_states
from chainrule.record import Plan, Run, TrainingState
from chainrule.reference import before_and_now, not_validated, run_epoch, validate
from chainrule.ties import Ties, check_equal, check_ties
from chainrule.trees import Array, leaves, named_leaves
from chainrule.warn import only_warned

Callback = Callable[[History], bool | None]
"""Called after each epoch with the history so far; returning True ends the run."""


class Watching(Protocol):
    """A callback that is told of a run's beginning and of its end too.

    Where it fails in these, a warning says so, and the run goes on.
    """

    def begin(self, run: BegunRun) -> None:
        """Learn of a run, before its first epoch."""

    def __call__(self, history: History) -> bool | None:
        """Look at the run after an epoch, as any callback does."""

    def end(self, run: BegunRun, error: BaseException | None) -> None:
        """Learn that it is over, or what has broken it off."""


def is_watching(callback: Any) -> TypeGuard[Watching]:
    """Whether a callback is told of a run's beginning and of its end too.

    >>> is_watching(cr.Watch()), is_watching(print)
    (True, False)
    """
    return all(callable(getattr(callback, name, None)) for name in ("begin", "end"))


def begun(
    ranks: Ranks,
    net: Network,
    params: Parameters,
    X: Any,
    y: Any,
    optimizer: Optimizer,
    *,
    epochs: int,
    batch_size: int | None,
    seed: int,
    shuffle: bool,
    sample_weight: Any,
    validation: Any,
    early_stopping: EarlyStopping | None,
    clip_value: float | None,
    clip_norm: float | None,
    mean_weight: float | None,
    freeze: Iterable[str],
    ties: Iterable[Iterable[str]],
    callbacks: Iterable[Callback],
    history: History | None,
    record: bool,
    engine: str,
    threads: int | None,
    comm: Any,
    shards: int | None,
    reproducible: bool,
    precision: str | None,
    check: CheckExamples = check_examples,
    look: LaterLook | None = None,
) -> BegunRun:
    """Return the run that `fit` is asked for, before its first epoch.

    All of it is checked, but for what `look` leaves to that epoch.
    """
    given = locals()
    bfloat16.check_machine("fit", precision)
    shuffle, callbacks = bool(shuffle), as_functions("fit: callbacks", "a History", callbacks)
    start = functools.partial(
        _begin, net, params, optimizer, freeze, history, early_stopping, validation
    )
    stays, history = by_each(ranks, start)
    if comm is not None or shards is not None:
        shards = shards_of_run(ranks, shards, batch_size, X)
    if ranks.size > 1:
        agree_on_run(ranks, history, {**given, "freeze": stays, "shards": shards})
    data = given_examples(
        ranks,
        shards,
        net,
        params,
        (X, y, sample_weight),
        validation,
        seed,
        mean_weight is None,
        check,
        look.check_inputs if look else check_inputs,
    )
    tied, mean = _tied(net, history.at, ties, stays), mean_weight or data.mean_weight
    plan = Plan(net, optimizer, seed, stays, clip_value, clip_norm, mean, tied, shards, precision)
    check_shared(plan, data, history, comm, batch_size, engine, record)
    in_engine = _in_engine(plan, history, engine)
    fraction = None if isinstance(validation, (tuple, list)) else validation
    as_given = X, y, sample_weight, fraction, batch_size, shuffle, in_engine
    history.net, history.optimizer = net, optimizer
    history.runs = (*history.runs, Run(plan, *as_given, *_begun(history))) if record else ()
    history.stopped = _reason_to_stop(history, early_stopping)
    return BegunRun(
        plan,
        data,
        batch_size,
        shuffle,
        in_engine,
        threads,
        bool(reproducible),
        params,
        history,
        history.epochs + epochs,
        early_stopping,
        callbacks,
        _on_any(ranks, bool(callbacks)),
        look,
    )


def _begin(
    net: Network,
    params: Parameters,
    optimizer: Optimizer,
    freeze: Iterable[str],
    history: History | None,
    early_stopping: EarlyStopping | None,
    validation: Any,
) -> tuple[frozenset[str], History]:
    """Return which parameters stay as they are, and a history to write on."""
    _check_validated(early_stopping, validation)
    check_parameters(net, params)
    return frozen(params, freeze), _start(optimizer, params, history)


def _on_any(ranks: Ranks, flag: bool) -> bool:
    return flag if ranks.size == 1 else any(ranks.values(flag))


@dataclass
class BegunRun:
    """A run of `fit`: what it is, how far it has come, and when it is over.

    It is `watched` where callbacks of any rank look at each epoch. `engine_run` is the run in the
    compiled engine, None for the reference loop and before the first epoch.
    """

    plan: Plan
    data: GivenExamples
    batch_size: int | None
    shuffle: bool
    in_engine: bool
    threads: int | None
    reproducible: bool
    start: Parameters
    history: History
    goal: int
    early_stopping: EarlyStopping | None
    callbacks: Sequence[Callback]
    watched: bool
    look: LaterLook | None = None
    told_to_stop: bool = False
    engine_run: NativeRun | None = None

    @property
    def watching(self) -> list[Watching]:
        """The callbacks that are told of its beginning and its end."""
        return [each for each in self.callbacks if is_watching(each)]

    def made(self) -> tuple[Parameters, History]:
        """Make epochs, so many or until there is a reason to stop, and return what `fit` does."""
        for each in self.watching:
            with only_warned(f"{type(each).__name__}.begin", but=MissingLibraryError):
                each.begin(self)
        history = self.history
        LOGGER.debug(
            "fit: epochs %d to %d, %d examples here, engine %s", history.epochs + 1, self.goal,
            self.data.training.n, engine.isa if self.in_engine else "reference",
        )  # fmt: skip
        try:
            self._make_all()
        except BaseException as error:
            LOGGER.debug("fit: broken off after epoch %d: %r", history.epochs, error)
            self._tell_of_end(error)
            raise
        LOGGER.debug("fit: over after epoch %d, %s", history.epochs, history.stopped or "the last")
        returned = self.returned
        with self._interruptions():
            self._tell_of_end(None)
        return returned

    def _tell_of_end(self, error: BaseException | None) -> None:
        for each in self.watching:
            with only_warned(f"{type(each).__name__}.end"):
                each.end(self, error)

    def _make_all(self) -> None:
        if self.in_engine:
            self.engine_run = self._engine_run()
        elif self.look:
            self.look.settle()
        with self.engine_run.signals if self.engine_run else nullcontext():
            while most := self.left():
                self._make(most)
                self.judge()
        with self._interruptions():
            if self.engine_run:
                self.engine_run.conclude()

    @property
    def returned(self) -> tuple[Parameters, History]:
        """What `fit` returns of a run that is over."""
        stopping, history = self.early_stopping, self.history
        history.restored = stopping is not None and stopping.of != "loss"
        return history.returned, history

    def left(self) -> int:
        """How many epochs the next call of the engine may make; 0 where the run is over."""
        left = 0 if self.history.stopped else max(0, self.goal - self.history.epochs)
        return min(left, 1) if self.data.held_out is not None or self.watched else left

    def judge(self) -> None:
        """Ask, after epochs have been made, whether there is a reason to stop."""
        history = self.history
        LOGGER.debug("fit: epoch %d, loss %g", history.epochs, history.loss[-1])
        said = self.watched and _on_any(self.data.ranks, _says_stop(self.callbacks, history))
        history.stopped = "callback" if said else _reason_to_stop(history, self.early_stopping)

    def _make(self, most: int) -> None:
        """Make an epoch, or in the engine as many as so many, and measure the validation data."""
        history, stopping = self.history, self.early_stopping
        over = stopping.is_over if stopping and stopping.of == "loss" else None
        with self._interruptions():
            if self.told_to_stop:
                raise KeyboardInterrupt
            if self.engine_run is None:
                run_epoch(self.plan, self.data.training, self.batch_size, self.shuffle, history)
            else:
                self.engine_run.run_epochs(most, history, over)
        self.validate()

    @contextmanager
    def _interruptions(self) -> Iterator[None]:
        """Raise with a Ctrl-C the parameters after the last whole step."""
        try:
            yield
        except KeyboardInterrupt as interrupt:
            raised = TrainingInterrupted(self.history.at.params, self.history)
            alike = is_agreed(interrupt)
            raise (agreed(raised, self.data.ranks) if alike else raised) from interrupt

    def stop(self) -> None:
        """Have the run end after a whole step, by a KeyboardInterrupt; another thread makes it."""
        self.told_to_stop = True
        if self.engine_run is not None:
            self.engine_run.session.stop()

    def validate(self, cost: float | None = None) -> None:
        """Enter the cost of the validation data, if there are any: that which is known, or else."""
        held_out = self.data.held_out
        if held_out is None:
            return
        try:
            if cost is None and self.engine_run is not None:
                self.engine_run.validate(self.history)
            else:
                validate(self.plan.net, held_out, self.history, cost)
        except FloatingPointError as error:
            failed = not_validated(self.history, *self._before_and_now(), error)
            raise agreed(failed, self.data.ranks) from None

    def _before_and_now(self) -> tuple[float, float]:
        """Return the costs of some examples in training, of each rank's."""
        now = self.history.at.params
        own = before_and_now(self.plan.net, self.data.training, self.start, now)
        parts = self.data.ranks.values(own)
        n = sum(part[2] for part in parts)
        before, after = (sum(part[k] * part[2] for part in parts) / n for k in (0, 1))
        return before, after

    def _engine_run(self) -> NativeRun:
        plan, history, data = self.plan, self.history, self.data
        given = self.batch_size, self.shuffle, self.threads
        if data.in_shards is None:
            parts = data.training, *given
            return NativeRun(plan, history, *parts, held_out=data.held_out, look=self.look)
        return ShardedRun(plan, history, data.in_shards, *given, reproducible=self.reproducible)


def _tied(net: Network, at: TrainingState, ties: Any, stays: frozenset[str]) -> Ties:
    """Return the ties of a run that stands somewhere, or raise where its tied places differ."""
    tied = check_ties(at.params, ties, net.roles, stays)
    if not tied:
        return ()
    names = [name for name, _ in named_leaves(at.params)]
    for arrays in zip(*at.states, strict=True):
        check_equal(dict(zip(names, arrays, strict=True)), tied, "states of the optimizer")
    return tied


def _begun(history: History) -> tuple[Parameters, list[State] | None, int, int]:
    """Where a run begins; new states are not kept, for they can be made again."""
    params, states, step, epoch, _ = history.at
    return params, states if step else None, step, epoch


def _in_engine(plan: Plan, history: History, engine: str) -> bool:
    """Whether the compiled engine makes the run, not the reference loop."""
    if plan.precision:
        reason = reason_against(plan, history.at.params)
        bfloat16.check_run("fit", plan, history.at.params, engine, reason)
    if engine == "reference":
        return False
    return not cannot_run(plan, history.at.params, insist=engine == "native")


def _says_stop(callbacks: Sequence[Callback], history: History) -> bool:
    answers = [callback(history) for callback in callbacks]
    # What is no Boolean, such as a loss, is no answer.
    return any(isinstance(answer, bool | np.bool_) and answer for answer in answers)


def _reason_to_stop(history: History, early_stopping: EarlyStopping | None) -> str:
    if early_stopping is not None and early_stopping.is_over(getattr(history, early_stopping.of)):
        return "early stopping"
    return ""


def _start(optimizer: Optimizer, params: Parameters, history: History | None) -> History:
    """Return a history to write on, new or a copy of the one to go on from."""
    if history is None:
        states = init_states(optimizer, params)
        return History(last=TrainingState(params, states, 0, 0, type(optimizer).__name__))
    if not isinstance(history, History):
        raise TypeError(f"fit: history must be what an earlier fit returned, got {history!r}")
    before = leaves(history.returned)
    if len(before) != len(leaves(params)) or not all(map(_same, leaves(params), before)):
        raise ValueError(
            "fit: params must be those that the call returned which made the history; to start "
            "anew from other parameters, leave history out"
        )
    kind, lengths = history.at.optimizer, list(map(len, history.at.states))
    needed = list(map(len, init_states(optimizer, params)))
    if (kind, lengths) != (type(optimizer).__name__, needed):
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


def _check_validated(early_stopping: EarlyStopping | None, validation: Any) -> None:
    if early_stopping is not None and early_stopping.of != "loss" and validation is None:
        raise ValueError(
            "fit: early_stopping needs validation data; give validation=(X, y) or a fraction"
        )
