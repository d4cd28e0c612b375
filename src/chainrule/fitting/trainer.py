r"""A training: call after call of `fit`, over one block of examples or many, until it is over.

An epoch visits every block once. Where a training stands after any visit follows from its history
alone, so that one that was broken off goes on to the same bits. Visits are counted as `fit` counts
epochs; of a single block, one call of `fit` makes them all.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from chainrule.batches import Examples
from chainrule.begun_run import Watching
from chainrule.distributed import Ranks, agreed, as_ranks, by_first
from chainrule.history import REMEDY, DivergenceError, EarlyStopping, History
from chainrule.log import LOGGER
from chainrule.network import Network, Parameters
from chainrule.optimizers import Optimizer
from chainrule.streams import VISITS, shuffled
from chainrule.training import fit

OPTIONS = (
    "batch_size",
    "seed",
    "shuffle",
    "clip_value",
    "clip_norm",
    "record",
    "engine",
    "threads",
    "precision",
    "comm",
    "shards",
)
"""What of a plan is an option of `fit`."""


@dataclass(frozen=True)
class TrainingPlan:
    """What is to be done, apart from the examples; `epochs` count from the first of the history.

    Of `comm`, the ranks that train together, each calls for the same, and hooks answer for all.
    """

    net: Network
    optimizer: Optimizer
    epochs: int
    batch_size: int
    seed: int
    stopping: EarlyStopping | None = None
    shuffle: bool = True
    clip_value: float | None = None
    clip_norm: float | None = None
    record: bool = False
    engine: str = "auto"
    threads: int | None = None
    precision: str | None = None
    comm: Ranks | None = None
    shards: int | None = None

    @property
    def options(self) -> dict[str, Any]:
        """What `fit` takes of it as it stands."""
        return {name: getattr(self, name) for name in OPTIONS}

    @property
    def goes_by_loss(self) -> bool:
        """Whether the training loss decides when it is over, and not validation."""
        return self.stopping is not None and self.stopping.of == "loss"


class Measure(NamedTuple):
    """What validation goes by in place of the loss.

    `distance` is how far parameters are from the best, and `value` what is shown of that.
    """

    distance: Callable[[Parameters], float]
    value: Callable[[float], float]


class Blocks(Protocol):
    """Examples in blocks, each of which is a random part of them all."""

    @property
    def count(self) -> int:
        """How many blocks there are."""

    @property
    def sizes(self) -> NDArray[np.int64]:
        """How many examples each of them has."""

    @property
    def mean_weight(self) -> float | None:
        """The mean weight of all examples; None where one block has them all."""

    def __getitem__(self, k: int) -> Examples:
        """The examples of a block."""

    def close(self) -> None:
        """Give back what room they take."""


@dataclass(frozen=True)
class OneBlock:
    """All examples in one block; those to be set aside for validation may be among them.

    >>> OneBlock(Examples(np.ones((3, 1)), np.ones(3), None)).sizes
    array([3])
    """

    examples: Examples
    count: int = field(default=1, init=False)
    mean_weight: None = field(default=None, init=False)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """The size of the block; what is here of it may be nothing."""
        return np.array([max(1, self.examples.n)])

    def __getitem__(self, k: int) -> Examples:
        return self.examples

    def close(self) -> None:
        """Leave the examples to whom they belong."""


@dataclass
class Trainer:
    """A training over blocks, as far as it has come.

    `validation` is as `fit` takes it; a `measure` has its own examples, and stands in its place.
    Where `is_best` is given, it says after each validation whether the epoch is the best so far:
    it is called with the trainer as it stood before, and the history that has the epoch. `fit` gets
    the callbacks in `watches`, which it tells of its beginning and its end.

    Attributes
    ----------
    called_off
        Whether a hook has ended it.
    """

    plan: TrainingPlan
    blocks: Blocks
    params: Parameters
    history: History | None = None
    validation: Any = None
    measure: Measure | None = None
    is_best: Callable[[Trainer, History], bool] | None = None
    watches: Sequence[Watching] = ()
    _means: list[float] = field(default_factory=list, init=False, repr=False)
    called_off: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._stand_at(self.params, self.history)

    def take(self, params: Parameters, history: History | None) -> None:
        """Go on from the parameters and the history of an earlier training by this plan.

        Raises ValueError for a history that is of no such training.
        """
        epochs = history.epochs // self.blocks.count if history else 0
        measured, best = (len(history.validation_loss), history.best_epoch) if history else (0, 0)
        if measured != epochs * self._is_validated or best % self.blocks.count:
            raise ValueError("its checkpoint's history is not one of this run")
        self._means.clear()
        self._stand_at(params, history)

    @property
    def visits(self) -> int:
        """How many visits have been made."""
        return self.history.epochs if self.history else 0

    @property
    def epochs(self) -> int:
        """How many whole epochs have been made."""
        return self.visits // self.blocks.count

    @property
    def losses(self) -> list[float]:
        """The training loss by epoch: the mean over its visits."""
        if self.blocks.count > 1:
            return self._means
        return self.history.loss if self.history else []

    @property
    def validation_losses(self) -> list[float]:
        """What validation found after each epoch; nothing without such data."""
        return self.history.validation_loss if self.history else []

    def validated(self, epoch: int) -> float:
        """What is shown of the validation after an epoch, from 1."""
        found = self.validation_losses[epoch - 1]
        return self.measure.value(found) if self.measure else found

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
        """Why nothing more is to be done, "" where something is: "epochs", or why it stopped."""
        if self.visits % self.blocks.count:
            return ""
        return "epochs" if self.epochs >= self.plan.epochs else self.stopped

    @property
    def stopped(self) -> str:
        """Why no epoch more is to be made, if any could be: "callback", "early stopping" or ""."""
        if self.called_off:
            return "callback"
        stopping = self.plan.stopping
        return "early stopping" if stopping and stopping.is_over(self.figures) else ""

    @property
    def figures(self) -> list[float]:
        """What early stopping goes by, a figure an epoch: the less the better."""
        return self.losses if self.plan.goes_by_loss else self.validation_losses

    @property
    def _is_validated(self) -> bool:
        return self.validation is not None or self.measure is not None

    def train(self, *hooks: Hook) -> None:
        """Visit block after block until the training is over, and call the hooks after each visit.

        Whatever breaks it off leaves it as it was after the last whole visit.
        """
        while not self.over:
            self._call(hooks)
        loss = self.losses[-1] if self.losses else math.nan
        LOGGER.info("trained: %d epochs, loss %g, ended by %s", self.epochs, loss, self.over)

    def _call(self, hooks: tuple[Hook, ...]) -> None:
        """Call `fit` for one visit, or where one is an epoch for all that are left."""
        plan, count = self.plan, self.blocks.count
        epoch, place = divmod(self.visits, count)
        block = self.blocks[int(self._order(epoch)[place])]
        validates = place == count - 1 and self.measure is None
        shared = plan.comm is not None  # by ranks, some of which may have hooks
        watched = count > 1 or bool(hooks) or self._is_validated or shared or bool(self.watches)
        after = [lambda it: self._after_visit(it, plan, hooks)] if watched else []
        params, history = fit(
            plan.net,
            self.params,
            block.X,
            block.y,
            plan.optimizer,
            epochs=plan.epochs - epoch if count == 1 else 1,
            sample_weight=block.w,
            mean_weight=self.blocks.mean_weight,
            validation=self.validation if validates else None,
            early_stopping=None if watched or not plan.goes_by_loss else plan.stopping,
            callbacks=[*after, *self.watches],
            history=self.history,
            **plan.options,
        )
        self._stand_at(params, history)
        if not watched:
            self.settle()

    def _after_visit(self, history: History, plan: TrainingPlan, hooks: tuple[Hook, ...]) -> bool:
        """Take in a visit and call the hooks; return whether the call of `fit` is to end."""
        ranks, measure, is_best = as_ranks(plan.comm), self.measure, self.is_best
        if measure and history.epochs % self.blocks.count == 0:
            found = by_first(ranks, lambda: measure.distance(history.at.params))
            history.enter_validation(found)
            self._check_finite(history)
        if is_best and self._is_validated and history.epochs % self.blocks.count == 0:
            self._choose_best(history, last=by_first(ranks, lambda: is_best(self, history)))
        self._stand_at(history.at.params, history.copy())
        self.settle()
        answers = [hook(self) for hook in hooks]
        ends = any(isinstance(it, bool | np.bool_) and bool(it) for it in answers)
        self.called_off |= any(ranks.values(ends))
        return bool(self.stopped) or self.plan is not plan

    def _choose_best(self, history: History, *, last: bool) -> None:
        """Have the last epoch be the best, or else the one that was, if any."""
        before = self.history
        if last:
            history.best_epoch, history.best = history.epochs, history.at.params
        elif before is not None and before.best is not None:
            history.best_epoch, history.best = before.best_epoch, before.best

    def settle(self) -> None:
        """Do what there is to do after an epoch, before the hooks: a kind of training has its own.

        A plan that is changed is that of the next call of `fit`.
        """

    def _stand_at(self, params: Parameters, history: History | None) -> None:
        """Enter where the training stands, with the mean loss of each epoch's visits."""
        self.params, self.history = params, history
        if self.blocks.count > 1:
            self._means += map(self._mean_loss, range(len(self._means), self.epochs))

    def _mean_loss(self, epoch: int) -> float:
        assert self.history is not None
        sizes = self.blocks.sizes[self._order(epoch)]
        visits = slice(epoch * self.blocks.count, (epoch + 1) * self.blocks.count)
        shares: list[float] = (sizes / sizes.sum()).tolist()
        mean: float = sum(map(operator.mul, shares, self.history.loss[visits]))
        return mean

    def _order(self, epoch: int) -> Any:
        """The order in which an epoch visits the blocks."""
        if self.blocks.count == 1:
            return [0]
        return shuffled(self.blocks.count, self.plan.seed, epoch, VISITS)

    def _check_finite(self, history: History) -> None:
        """Raise DivergenceError where the last epoch left no finite outputs."""
        if math.isfinite(history.validation_loss[-1]):
            return
        at = history.at
        error = DivergenceError(
            f"training diverged at epoch {self.epochs + 1}, step {at.step}: the outputs for the "
            f"rows held out are not finite; {REMEDY}",
            at.params,
            history,
        )
        raise agreed(error, as_ranks(self.plan.comm))


Hook = Callable[[Trainer], Any]
"""Called after each visit with the training; one that returns True calls it off."""
