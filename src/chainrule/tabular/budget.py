"""The time that a training may take, shared out by how fast its first epochs go."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from chainrule.fitting.trainer import Trainer
from chainrule.tabular.table_training import TableTraining
from chainrule.tabular.training_runs import Run, Stage

FIRST = 0.5
"""The share of the time that the first network, or its race, may take where more is to follow."""

BUT_BOUNDS = 2 / 3
"""The share of the time that all but the networks of bounds may take, where there are such."""

USED = 0.9
"""The share of the time that is planned with: what is measured varies, and a model is saved."""

MEASURED = 0.02
"""The share of the time after which it is known how fast epochs go."""


class Budget:
    """So many seconds from now, or no bound.

    >>> Budget(None).bounds
    False
    """

    def __init__(self, seconds: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds, self.clock = math.inf if seconds is None else seconds, clock
        self.until = clock() + self.seconds
        self.speed = math.inf

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
        left = self.left
        return math.floor(min(count, left * self.speed / epochs)) if left > 0 else 0


class StageBudget:
    """A hook that gives the runs of a stage as many epochs as there is time for, and ends them.

    At least one epoch is made, however little time there is.
    """

    def __init__(self, budget: Budget, stage: Stage, seconds: float) -> None:
        self.budget, self.stage, self.seconds = budget, stage, seconds
        self.began, self.visits = budget.clock(), 0
        self.epochs: int | None = None

    def __call__(self, trainer: Trainer) -> None:
        """Count a visit, and plan by it."""
        self.visits += 1
        took = self.budget.clock() - self.began
        self.budget.speed = self.visits / trainer.blocks.count / max(took, 1e-9)
        if self.budget.clock() >= self.budget.until:
            for run in self.stage.runs:
                run.end()
        elif self.stage.name != "members":
            self._plan(next(run for run in self.stage.runs if run.trainer is trainer), took)

    def _plan(self, run: Run, took: float) -> None:
        """Find out, once, how many epochs there is time for, and have a run make no more."""
        begun = all(each.trainer.epochs for each in self.stage.runs if each.trainer.visits)
        if self.epochs is None and begun and took >= MEASURED * self.seconds:
            made = self.budget.speed * self.seconds / len(self.stage.runs)
            self.epochs = max(1, math.floor(made))
        if self.epochs is not None and self.epochs < run.planned and not run.is_cut:
            run.shorten(max(self.epochs, run.trainer.epochs))
