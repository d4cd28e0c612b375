"""Several trainings at once, on the threads there are; no bit of any of them depends on it."""

from __future__ import annotations

import dataclasses
import functools
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from chainrule import engine
from chainrule.fitting.first_error import wait_for_first_error
from chainrule.fitting.trainer import Hook, Trainer
from chainrule.history import DivergenceError

Outcome = DivergenceError | None
"""How a training ended: None where it did not diverge."""


class _BrokenOff(Exception):  # noqa: N818
    """Another training has failed, and this one is to end."""


def at_once(trainings: int, threads: int | None = None) -> int:
    """Return how many trainings go on at a time, with so many threads at most.

    >>> at_once(trainings=4, threads=1)
    1
    """
    return min(trainings, threads or engine.cores(), engine.cores())


def train_all(
    trainers: Sequence[Trainer], *hooks: Hook, threads: int | None = None
) -> list[Outcome]:
    """Train until all are over, as many at a time as there are threads; return how each ended.

    Those that several ranks make together go one after the other, in their order.

    One that diverges leaves the others alone. Whatever else one of them raises, and Ctrl-C, ends
    all, each after a whole visit. Hooks are called one at a time.

    >>> from chainrule.batches import Examples
    >>> from chainrule.fitting.trainer import OneBlock, TrainingPlan
    >>> net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
    >>> block = OneBlock(Examples(np.ones((4, 1), "f4"), np.ones((4, 1), "f4"), None))
    >>> plan = TrainingPlan(net, cr.SGD(0.1), epochs=3, batch_size=2, seed=0)
    >>> trainers = [Trainer(plan, block, net.init(seed)) for seed in (0, 1)]
    >>> train_all(trainers), [each.epochs for each in trainers]
    ([None, None], [3, 3])
    """
    together = at_once(len(trainers), threads)
    if together == 1 or trainers[0].plan.comm is not None:
        return [_outcome(each, hooks) for each in trainers]
    share = min(threads or engine.cores(), engine.cores()) // together
    for each in trainers:
        each.plan = dataclasses.replace(each.plan, threads=share)
    turns = _Turns()
    own = tuple(functools.partial(turns.call, hook) for hook in (_nothing, *hooks))
    with ThreadPoolExecutor(together) as pool:
        try:  # Ctrl-C may come as soon as one has begun
            ends = [pool.submit(_begun, each, own) for each in trainers]
            wait_for_first_error(ends)
        finally:
            turns.over = True
            pool.shutdown(wait=False, cancel_futures=True)
    return _outcomes(ends)


class _Turns:
    """Has hooks called one at a time, and no more of them once all is to end."""

    def __init__(self) -> None:
        self.lock, self.over = threading.Lock(), False

    def call(self, hook: Hook, trainer: Trainer) -> Any:
        with self.lock:
            if self.over:
                raise _BrokenOff
            try:
                return hook(trainer)
            except BaseException:
                self.over = True
                raise


def _nothing(trainer: Trainer) -> None:
    """Stand for a hook: before its first visit, and after each, a training hears of an end."""


def _begun(trainer: Trainer, hooks: Sequence[Hook]) -> Outcome:
    """Train, unless all is to end."""
    hooks[0](trainer)
    return _outcome(trainer, hooks)


def _outcome(trainer: Trainer, hooks: Sequence[Hook]) -> Outcome:
    try:
        trainer.train(*hooks)
    except DivergenceError as error:
        return error
    return None


def _outcomes(ends: list[Future[Outcome]]) -> list[Outcome]:
    """Return how trainings ended, or raise the first error that did not come of another's."""
    errors = [each.exception() for each in ends if not each.cancelled()]
    for error in errors:
        if error is not None and not isinstance(error, _BrokenOff):
            raise error
    return [each.result() for each in ends]
