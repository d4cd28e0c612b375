"""The time that a training may take, shared out by how fast its first epochs go."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable
from typing import Any

from chainrule.distributed import Ranks, by_first
from chainrule.fitting.trainer import Trainer
from chainrule.tabular.table_training import TableTraining
from chainrule.tabular.training_runs import Run, Stage

FIRST = 0.5
"""The share of the time that the first network, or its race, may take where more is to follow."""

BUT_BOUNDS = 2 / 3
"""The share of the time that all but the networks of bounds may take, where there are such."""

USED = 0.9
"""The share of the time that is planned with: what is measured varies, and a model is saved."""

MEASURED, WAITED = 0.05, 0.5
"""The share of the time after which it is known how fast epochs go, if any but the first was made,
and the share after which nothing more is waited for."""


def clock_of(ranks: Ranks) -> Callable[[], float]:
    """Return the clock of the first rank, which all ask at once.

    >>> from chainrule.distributed import Alone
    >>> clock_of(Alone())() > 0
    True
    """
    return functools.partial(by_first, ranks, time.monotonic)


class Budget:
    """So many seconds from now, or no bound.

    >>> Budget(None).bounds
    False
    """

    seconds: float
    clock: Callable[[], float]
    speed: float
    start: float

    def __init__(self, seconds: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds, self.clock = math.inf if seconds is None else seconds, clock
        self.until: float = clock() + self.seconds
        self.speed, self.start = math.inf, 0.0

    @property
    def bounds(self) -> bool:
        """Whether it bounds anything."""
        return math.isfinite(self.seconds)

    @property
    def left(self) -> float:
        """The seconds that are left to plan with."""
        return USED * (self.until - self.clock())

    def part(self, share: float) -> Budget:
        """Return such a part of it, from now."""
        return Budget(share * (self.until - self.clock()) if self.bounds else None, self.clock)

    def of(self, training: TableTraining) -> StageBudget:
        """Return the hook that keeps the stage under way within it."""
        more = training.options.refit is not False or training.options.members != 1
        share = FIRST if more and training.stage.name not in ("members", "bounds") else 1.0
        return StageBudget(self, training.stage, share * self.left)

    def members(self, count: int, epochs: float) -> int:
        """Return for how many of some networks, of so many epochs each, there is time."""
        each = max(epochs / self.speed + self.start, 1e-9)
        return math.floor(min(count, max(0.0, self.left) / each))

    def learn(self, pace: Pace) -> None:
        """Take in how fast epochs go, and how much longer a first visit takes."""
        self.speed, self.start = pace.epochs_a_second, pace.start


class Pace:
    """How fast visits go: the first one of each network, which takes longer, and all others.

    >>> pace = Pace(blocks=1, now=0.0)
    >>> for moment, trainer in ((5.0, "a"), (6.0, "a"), (7.0, "a")):
    ...     pace.add(moment, trainer)
    >>> pace.epochs_a_second, pace.start
    (1.0, 4.0)
    """

    blocks: int
    last: float
    first: float
    others: float
    visits: int

    def __init__(self, blocks: int, now: float) -> None:
        self.blocks, self.last = blocks, now
        self.known: set[int] = set()
        self.first, self.others, self.visits = 0.0, 0.0, 0

    def add(self, now: float, trainer: Any) -> None:
        """Count a visit that a trainer has made by now."""
        took, self.last = now - self.last, now
        if id(trainer) in self.known:
            self.others, self.visits = self.others + took, self.visits + 1
        else:
            self.first, self.known = self.first + took, {*self.known, id(trainer)}

    @property
    def is_known(self) -> bool:
        """Whether each network has made a visit beside its first."""
        return self.visits >= len(self.known)

    @property
    def visit(self) -> float:
        """The seconds of a visit: of one that is none's first, if any was made."""
        if self.visits:
            return max(self.others, 1e-9) / self.visits
        return max(self.first, 1e-9) / len(self.known)

    @property
    def epochs_a_second(self) -> float:
        """How many epochs a second are made, by all networks at work."""
        return 1 / (self.visit * self.blocks)

    @property
    def start(self) -> float:
        """How many seconds longer a network's first visit takes."""
        return max(0.0, self.first / len(self.known) - self.visit)


class StageBudget:
    """A hook that gives the runs of a stage as many epochs as there is time for, and ends them.

    At least one epoch is made, however little time there is.
    """

    budget: Budget
    stage: Stage
    began: float
    until: float

    def __init__(self, budget: Budget, stage: Stage, seconds: float) -> None:
        self.budget, self.stage = budget, stage
        now = budget.clock()
        self.began, self.until = now, now + seconds
        self.pace: Pace = Pace(stage.runs[0].trainer.blocks.count, now)
        self.epochs: int | None = None

    def __call__(self, trainer: Trainer) -> None:
        """Count a visit, and plan by it."""
        now = self.budget.clock()
        self.pace.add(now, trainer)
        self.budget.learn(self.pace)
        if now >= self.budget.until:
            for run in self.stage.runs:
                run.end()
        elif self.stage.name != "members":
            self._plan(next(run for run in self.stage.runs if run.trainer is trainer), now)

    def _plan(self, run: Run, now: float) -> None:
        """Find out, once, how many epochs there is time for, and have a run make no more."""
        runs = [each.trainer for each in self.stage.runs]
        begun = [each for each in runs if each.visits]
        if self.epochs is None and all(each.epochs for each in begun) and self._is_known(now):
            left = self.until - now - self.pace.start * (len(runs) - len(begun))
            more = max(0.0, left) * self.pace.epochs_a_second
            made = sum(each.epochs for each in runs)
            self.epochs = max(1, math.floor((made + more) / len(runs)))
        if self.epochs is not None and self.epochs < run.planned and not run.is_cut:
            run.shorten(max(self.epochs, run.trainer.epochs))

    def _is_known(self, now: float) -> bool:
        """Whether it is known how fast epochs go, or nothing more is waited for."""
        share = (now - self.began) / max(self.until - self.began, 1e-9)
        return share >= (MEASURED if self.pace.is_known else WAITED)
