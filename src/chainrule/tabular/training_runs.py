"""The runs of a training on a table, one network each, and the stages that they are made in."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from chainrule.distributed import Ranks, by_first
from chainrule.fitting.trainer import Trainer
from chainrule.history import DivergenceError, History
from chainrule.network import Parameters
from chainrule.schedules import VALLEYS, CosLog4


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
    of_params
        How far parameters are from the best, where that is not what validation finds.
    diverged
        How it ended, if it did so.
    """

    name: str
    rate: float
    trainer: Trainer
    of_params: Callable[[Parameters], float] | None = None
    diverged: DivergenceError | None = None
    _known: dict[int, float] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self.planned: int = self.trainer.plan.epochs
        self.trainer.is_best = self._is_best

    @property
    def distance(self) -> float:
        """How far its best epoch is from the best: the less the better."""
        trainer = self.trainer
        if self.diverged or not trainer.best_epoch:
            return math.inf
        return self._distance(trainer.best_epoch, trainer.best, trainer.validation_losses)

    def know(self, ranks: Ranks) -> None:
        """Have all ranks know the distance of its best epoch alike, for the choice of runs."""
        found = by_first(ranks, lambda: self.distance)
        if self.of_params is not None:
            self._known[self.trainer.best_epoch] = found

    @property
    def found(self) -> float | None:
        """The same as it is shown, a loss or a metric; None where it diverged or made no epoch."""
        if self.diverged or not self.trainer.best_epoch:
            return None
        return self.distance if self.of_params else self.trainer.validated(self.trainer.best_epoch)

    def _distance(self, epoch: int, params: Parameters, losses: list[float]) -> float:
        if self.of_params is None:
            return losses[epoch - 1]
        if epoch not in self._known:
            self._known[epoch] = self.of_params(params)
        return self._known[epoch]

    def _is_best(self, trainer: Trainer, history: History) -> bool:
        """Whether the last epoch is the best: of the valleys, or before the first, of all."""
        at, losses = valleys(trainer), history.validation_loss
        epoch, best = history.epochs // trainer.blocks.count, trainer.best_epoch
        if epoch not in at:
            return history.best_epoch == history.epochs and not any(v < epoch for v in at)
        if best not in at:
            return True
        found = self._distance(epoch, history.at.params, losses)
        return found < self._distance(best, trainer.best, losses)

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


def valleys(trainer: Trainer) -> set[int]:
    """Return the epochs at whose ends the rate is in a valley; none of a schedule without."""
    rate, blocks = getattr(trainer.plan.optimizer, "learning_rate", None), trainer.blocks
    if not isinstance(rate, CosLog4):
        return set()
    of_an_epoch = sum(math.ceil(size / trainer.plan.batch_size) for size in blocks.sizes.tolist())
    epochs = rate.steps / of_an_epoch
    return {max(1, round(epochs * part / VALLEYS[-1])) for part in VALLEYS}


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
