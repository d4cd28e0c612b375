"""Whole epochs of `fit` in the compiled engine, and what happens when a run breaks off."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from chainrule import engine
from chainrule.batches import Examples, Subset, batches_after, steps_of_epoch
from chainrule.engine.program import for_predictions
from chainrule.engine.quick_checks import LaterLook
from chainrule.engine.session import Done, Session, contiguous, refusal, why_not
from chainrule.history import History
from chainrule.network import Network, Parameters
from chainrule.optimizers import Optimizer
from chainrule.record import Plan, TrainingState
from chainrule.reference import diverged, take_step, validate
from chainrule.schedules import Schedule
from chainrule.sparse_rows import in_form, is_sparse
from chainrule.trees import leaves
from chainrule.warn import warn

WORK_PER_THREAD = 400_000
"""Operations of a step from which another thread may be worth its two barriers."""

STARTS_AT = 50_000_000
"""Operations of an epoch from which threads for small steps may be worth starting: where each epoch
is looked at, that is all that a call of the engine makes."""

SECONDS_PER_CALL = 2.0
"""After which a call of the engine returns: that is what a step that fails makes it repeat."""

AS_LONG_AS_IT_TAKES = 1e9

RATES_PER_CALL = 100_000
"""How many learning rates of a schedule one call of the engine may take along."""

EPOCHS_PER_CALL = 100_000
"""For how many costs one call of the engine makes room."""

EPOCHS_AT_RISK, SECONDS_AT_RISK = 50, 0.05
"""How much one call of the engine makes where the costs may end the run before its end."""


Over = Callable[[list[float]], bool]
"""Whether a run is over, by the costs of its epochs."""


def cannot_run(plan: Plan, params: Parameters, *, insist: bool) -> str:
    """Return why the engine cannot make a run, "" if it can; said once, or raised to insist."""
    reason = reason_against(plan, params)
    if reason and insist:
        raise refusal("fit", reason)
    if engine.native is None:
        engine.say_once_that_it_is_missing()
    elif reason and all(isinstance(leaf, np.ndarray) for leaf in leaves(params)):
        _say_once(reason)
    return reason


def reason_against(plan: Plan, params: Parameters) -> str:
    """Return why the engine cannot make a run, "" if it can."""
    reason = why_not(plan.net, params, plan.optimizer)
    return reason or ("places of its parameters are tied" if plan.ties else "")


def arithmetic(
    net: Network,
    params: Parameters,
    optimizer: Optimizer,
    *,
    ties: object = (),
    name: str = "auto",
    precision: str | None = None,
) -> str:
    """Return what the bits of a run by `fit` follow from: see `engine.arithmetic_of`.

    >>> net = cr.Network(2, [cr.Dense(2)], loss="huber")
    >>> arithmetic(net, net.init(), cr.Adam(), name="reference")
    'reference'
    """
    if precision:
        return precision
    by_reference = name == "reference" or ties or why_not(net, params, optimizer)
    return "reference" if by_reference else engine.arithmetic_of(engine.isa)


@functools.cache
def _say_once(reason: str) -> None:
    warn(
        f"this run is slower, without the compiled engine: {reason}; to turn this warning off, "
        "write `engine='reference'`",
        RuntimeWarning,
    )


def useful_threads(
    net: Network, batch: int, most: int | None = None, rows: float = math.inf
) -> int:
    """Return how many threads a step may keep busy, no more than asked and than there are cores.

    As many of them make it as the engine finds to pay, to the same bits. `rows` are those of an
    epoch.

    >>> useful_threads(cr.Network(2, [cr.Dense(2)], loss="huber"), batch=1, most=8)
    1
    """
    work = for_predictions(net).work
    worth = batch * work // WORK_PER_THREAD
    if worth < 10 and rows * work < STARTS_AT:
        return 1
    if worth <= 1 or most == 1:  # asking for the cores would be felt in the smallest networks
        return 1
    cores = engine.cores()
    return max(1, min(most or cores, cores, worth))


class NativeRun:
    """A run of `fit` whose parameters live in the engine between its calls.

    While epochs are made, `signals` do what must be done that no rank breaks off alone.
    """

    signals: AbstractContextManager[Any] = nullcontext()

    def __init__(
        self,
        plan: Plan,
        history: History,
        data: Subset,
        batch_size: int | None,
        shuffle: bool,
        threads: int | None,
        *,
        held_out: Subset | None = None,
        look: LaterLook | None = None,
    ) -> None:
        self.plan = plan
        self.look: LaterLook = look or LaterLook()
        if data.rows is not None:  # so that no step reads all
            self.look.settle()
        self.data: Subset = dataclasses.replace(data, data=contiguous(data.data))
        self.held_out: Subset | None = held_out and self._lying_as(held_out, data)
        self.batch: int = min(batch_size or data.n, data.n)
        self.shuffles: bool = shuffle and self.batch < data.n
        self.steps: int = steps_of_epoch(data.n, self.batch)
        self.session: Session = Session(
            plan,
            history.at.params,
            history.at.states,
            batch=self.batch,
            threads=useful_threads(plan.net, self.batch, threads, data.n),
            sparse=is_sparse(self.data.data.X),
        )

    def _lying_as(self, held_out: Subset, data: Subset) -> Subset:
        """Return a part as the engine reads it; where it is of the same examples, so is that."""
        if held_out.data is data.data:
            return dataclasses.replace(held_out, data=self.data.data)
        X = in_form(held_out.data.X, sparse=is_sparse(self.data.data.X))
        return dataclasses.replace(held_out, data=contiguous(held_out.data._replace(X=X)))

    def run_epochs(
        self,
        epochs: int,
        history: History,
        over: Over | None = None,
    ) -> None:
        """Make epochs, as many of those asked for as one call takes, and enter them.

        They end with the first after whose costs a run is over. That is asked after the call, and
        what was made too much is taken back.
        """
        at, began = history.at, history.at.epoch
        done = self._done(at, self._at_once(epochs, over), history.loss, over)
        made = TrainingState((), [], at.step + done.steps, began + len(done.costs), at.optimizer)
        del at
        self._enter(made, done.costs, history)
        if done.outcome == "diverged":
            raise diverged(history, self._failure(began, history, done.steps))
        if done.raised is not None:
            raise done.raised

    def _at_once(self, epochs: int, over: Over | None) -> int:
        """How many epochs one call of the engine makes."""
        most = EPOCHS_PER_CALL if over is None else EPOCHS_AT_RISK
        if isinstance(self.plan.optimizer.learning_rate, Schedule):
            most = min(most, max(1, RATES_PER_CALL // self.steps))
        return min(epochs, most)

    def _done(self, at: TrainingState, epochs: int, losses: list[float], over: Over | None) -> Done:
        """Make epochs, up to the one after whose cost the run is over, or the step that fails."""
        run = functools.partial(
            self._made,
            self.data.data,
            left_out=self.data.rows,
            shuffles=self.shuffles,
            epochs=epochs,
            first_epoch=at.epoch,
            first_step=at.step,
            seconds=SECONDS_PER_CALL if over is None else SECONDS_AT_RISK,
        )
        if self.look.waits:
            done = run(looks=True)
            self.look.settle(seen=bool(done.costs))
        else:
            done = run()
        if over is not None:
            ends = (k for k in range(1, len(done.costs)) if over(losses + done.costs[:k]))
            if end := next(ends, 0):
                self.session.load(at.params, at.states)
                done = run(epochs=end, seconds=AS_LONG_AS_IT_TAKES)
        if done.outcome == "diverged":  # back to the start, and up to the step that failed
            self.session.load(at.params, at.states)
            again = run(most_steps=done.steps, seconds=AS_LONG_AS_IT_TAKES)
            if again.outcome == "interrupted":
                done = again
        return done

    def _made(self, data: Examples, **asked: Any) -> Done:
        """Make epochs as they are asked for."""
        return self.session.run(data, **asked)

    def _enter(self, made: TrainingState, costs: list[float], history: History) -> None:
        """Enter where the run stands; the old parameters go before the new come, to save room."""
        try:
            history.last = None
            history.last = self._filled(made)
        finally:
            if history.last is None:  # Ctrl-C came between
                history.last = self._filled(made)
            history.loss.extend(costs)

    def _filled(self, made: TrainingState) -> TrainingState:
        params, states = self.session.read()
        return made._replace(params=params, states=states)

    def conclude(self) -> None:
        """End the run once its epochs are made, or raise what has come too late to break it off."""

    def validate(self, history: History) -> None:
        """Enter the cost of the validation data, by the parameters as they stand in the engine."""
        assert self.held_out is not None
        validate(self.plan.net, self.held_out, history, self.session.cost(self.held_out))

    def _failure(self, began: int, history: History, steps: int) -> FloatingPointError:
        """Return what the reference says of the step that failed."""
        batch = self._batch(began, steps)
        at = history.at
        try:
            with np.errstate(all="ignore"):
                if batch is not None:
                    take_step(self.plan, at.params, at.states, batch, at.step + 1)
        except FloatingPointError as error:
            return error
        return FloatingPointError("a value is not finite")

    def _batch(self, began: int, steps: int) -> Examples | None:
        """Return the batch of the step after so many since an epoch."""
        following = batches_after(
            self.data, self.batch, self.plan.seed, began, shuffle=self.shuffles
        )
        return next(itertools.islice(following, steps, None))
