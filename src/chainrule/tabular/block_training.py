r"""Training over blocks: visit after visit, each a call of `fit`, until validation says enough.

An epoch visits every block once. Where a run stands after any visit follows from its history alone,
so that one that was broken off goes on to the same bits. Visits are counted as `fit` counts epochs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from chainrule.batches import Examples
from chainrule.history import (
    REMEDY,
    DivergenceError,
    EarlyStopping,
    History,
    TrainingInterrupted,
)
from chainrule.network import Network, Parameters
from chainrule.optimizers import Optimizer
from chainrule.streams import VISITS, shuffled
from chainrule.tabular.example_blocks import Blocks
from chainrule.training import fit


@dataclass(frozen=True)
class Plan:
    """What is to be done, apart from the examples."""

    net: Network
    optimizer: Optimizer
    epochs: int
    batch_size: int
    patience: int
    seed: int
    clip_norm: float | None = None
    threads: int | None = None


class Measure(NamedTuple):
    """What validation goes by in place of the loss.

    `distance` is how far parameters are from the best, and `value` what is shown of that.
    """

    distance: Callable[[Parameters], float]
    value: Callable[[float], float]


@dataclass
class Run:
    """A run over blocks, as far as it has come.

    Attributes
    ----------
    losses
        The training loss by epoch: the mean over its visits.
    over
        Why the run is over: "" while it is not, "epochs", or "early stopping".
    """

    plan: Plan
    blocks: Blocks
    held_out: Examples | None
    params: Parameters
    history: History | None = None
    measure: Measure | None = None
    losses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.take(self.params, self.history)

    def take(self, params: Parameters, history: History | None) -> None:
        """Go on from the parameters and the history of an earlier run of this plan.

        Raises ValueError for a history that is of no such run.
        """
        self.params, self.history, self.losses = params, history, []
        validated = self.held_out is not None or self.measure is not None
        epochs = self.epochs if validated else 0
        best = history.best_epoch if history else 0
        if len(self.validation_losses) != epochs or best % self.blocks.count:
            raise ValueError("its checkpoint's history is not one of this run")
        for epoch in range(self.epochs):
            self._enter_epoch(epoch)

    @property
    def visits(self) -> int:
        """How many visits have been made."""
        return self.history.epochs if self.history else 0

    @property
    def validation_losses(self) -> list[float]:
        """What validation found after each epoch; nothing without such data."""
        return self.history.validation_loss if self.history else []

    def validated(self, epoch: int) -> float:
        """What is shown of the validation after an epoch, from 1."""
        found = self.validation_losses[epoch - 1]
        return self.measure.value(found) if self.measure else found

    @property
    def epochs(self) -> int:
        """How many whole epochs have been made."""
        return self.visits // self.blocks.count

    @property
    def best_epoch(self) -> int:
        """The epoch after which the validation loss was the lowest, from 1."""
        return self.history.best_epoch // self.blocks.count if self.history else 0

    @property
    def best(self) -> Parameters:
        """The parameters after that epoch; the last without validation data."""
        best = self.history.best if self.history else None
        return self.params if best is None else best

    @property
    def over(self) -> str:
        """Why nothing more is to be done, "" where something is."""
        if self.visits % self.blocks.count:
            return ""
        if self.epochs >= self.plan.epochs:
            return "epochs"
        stopping = EarlyStopping(self.plan.patience)
        return "early stopping" if stopping.is_over(self.validation_losses) else ""

    def go_on(self, after_visit: Callable[[Run], Any]) -> None:
        """Visit block after block until the run is over, and call `after_visit` after each.

        At Ctrl-C a KeyboardInterrupt leaves the run as it was after the last whole visit.
        """
        while not self.over:
            self._visit()
            after_visit(self)

    def _visit(self) -> None:
        epoch, place = divmod(self.visits, self.blocks.count)
        block = self.blocks[int(self._order(epoch)[place])]
        last = place == self.blocks.count - 1
        plan, own = self.plan, self.measure
        try:
            params, history = fit(
                plan.net,
                self.params,
                block.X,
                block.y,
                plan.optimizer,
                epochs=1,
                batch_size=plan.batch_size,
                seed=plan.seed,
                sample_weight=block.w,
                mean_weight=self.blocks.mean_weight,
                validation=tuple(self.held_out) if last and self.held_out and not own else None,
                clip_norm=plan.clip_norm,
                history=self.history,
                threads=plan.threads,
            )
        except TrainingInterrupted as interrupt:
            raise KeyboardInterrupt from interrupt
        self.params, self.history = params, history
        if last and own:
            history.enter_validation(own.distance(params))
            self._check_finite(history)
        if last:
            self._enter_epoch(epoch)

    def _check_finite(self, history: History) -> None:
        """Raise DivergenceError where the last epoch left no finite outputs."""
        if math.isfinite(history.validation_loss[-1]):
            return
        at = history.at
        raise DivergenceError(
            f"training diverged at epoch {self.epochs}, step {at.step}: the outputs for the rows "
            f"held out are not finite; {REMEDY}",
            at.params,
            history,
        )

    def _order(self, epoch: int) -> Any:
        """The order in which an epoch visits the blocks."""
        return shuffled(self.blocks.count, self.plan.seed, epoch, VISITS)

    def _enter_epoch(self, epoch: int) -> None:
        """Enter the mean of the losses of an epoch's visits."""
        assert self.history is not None
        first = epoch * self.blocks.count
        sizes = self.blocks.sizes[self._order(epoch)].tolist()
        losses = self.history.loss[first : first + self.blocks.count]
        total = sum(n * loss for n, loss in zip(sizes, losses, strict=True))
        self.losses.append(total / sum(sizes))
