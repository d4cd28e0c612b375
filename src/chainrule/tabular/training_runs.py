"""The runs of a training on a table, one network each, and the stages that they are made in."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal

from chainrule.fitting.trainer import Trainer
from chainrule.history import DivergenceError


@dataclass(eq=False)
class Run:
    """One network's training among those of a table.

    Parameters
    ----------
    name
        What its checkpoints are called; "" where it is the only one on the rows in training.
    rate
        Its highest learning rate.
    trainer
        What trains it.
    diverged
        How it ended, if it did so.
    """

    name: str
    rate: float
    trainer: Trainer
    diverged: DivergenceError | None = None

    def __post_init__(self) -> None:
        self.planned = self.trainer.plan.epochs

    @property
    def distance(self) -> float:
        """The best that validation has found so far: the less the better."""
        return math.inf if self.diverged else min(self.trainer.validation_losses, default=math.inf)

    @property
    def found(self) -> float | None:
        """The same as it is shown, a loss or a metric; None where it diverged or made no epoch."""
        if self.diverged or not self.trainer.best_epoch:
            return None
        return self.trainer.validated(self.trainer.best_epoch)

    @property
    def is_cut(self) -> bool:
        """Whether it was given fewer epochs on its way than were planned."""
        return self.trainer.plan.epochs < self.planned

    def shorten(self, epochs: int) -> None:
        """Have it end after so many epochs, its rate falling to its end within them."""
        plan = self.trainer.plan
        optimizer = _within(plan.optimizer, epochs / plan.epochs)
        self.trainer.plan = dataclasses.replace(plan, epochs=epochs, optimizer=optimizer)

    def end(self) -> None:
        """Have it end with the epoch that it is in; one that has not begun makes none."""
        trainer = self.trainer
        epochs = max(trainer.epochs, min(trainer.visits, 1))
        trainer.plan = dataclasses.replace(trainer.plan, epochs=min(epochs, trainer.plan.epochs))


def _within(optimizer: Any, share: float) -> Any:
    """Return an optimizer whose rate comes to its end within a share of its steps."""
    rate = optimizer.learning_rate
    if not hasattr(rate, "steps"):
        return optimizer
    sooner = dataclasses.replace(rate, steps=max(1, round(rate.steps * share)))
    return dataclasses.replace(optimizer, learning_rate=sooner)


@dataclass(eq=False)
class Stage:
    """Runs that go on at once: a race of rates, the first network alone, members, or bounds.

    The networks are trained on the rows in training; the members where they are `with_all`, on
    those held out too.
    """

    name: Literal["race", "first", "members", "bounds"]
    runs: list[Run]
    with_all: bool = False

    @property
    def standing(self) -> list[Run]:
        """The runs that did not diverge."""
        return [run for run in self.runs if run.diverged is None]

    @property
    def best(self) -> Run:
        """The run of which validation found the best, the first of those that are alike."""
        return min(self.standing or self.runs, key=lambda run: run.distance)

    @property
    def called_off(self) -> bool:
        """Whether a hook has ended one of the runs."""
        return any(run.trainer.called_off for run in self.runs)
