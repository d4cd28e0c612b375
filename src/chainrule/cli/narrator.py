"""What is said on the standard error while a training goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Self

from chainrule.cli import summary
from chainrule.fitting.progress import Progress
from chainrule.formatting import counted, number

if TYPE_CHECKING:
    from rich.console import Console

    from chainrule.fitting.trainer import Trainer
    from chainrule.tabular.table_training import TableTraining
    from chainrule.tabular.training_runs import Stage


class Narrator:
    """A callback of a training that says how far it is, and knows how long it took.

    Without a console it says nothing.

    Attributes
    ----------
    seconds
        The time from the first step to the last; None where there was nothing to do.
    stages
        The time of each stage by its name.
    resumed_at
        The epoch after which a training goes on.
    """

    console: Console | None

    def __init__(self, console: Console | None) -> None:
        self.console, self._bar = console, ExitStack()
        self.seconds: float | None = None
        self.stages: dict[str, float] = {}
        self.resumed_at: int = 0
        self._stage: Stage | None = None
        self._begun: list[tuple[Trainer, int]] = []

    @property
    def examples(self) -> float:
        """How many examples the networks went through, since they were resumed."""
        return sum(
            (trainer.visits - begun) / trainer.blocks.count * float(trainer.blocks.sizes.sum())
            for trainer, begun in self._begun
        )

    def say(self, text: str) -> None:
        """Print a text."""
        if self.console:
            self.console.print(text, soft_wrap=True)

    def begin(self, training: TableTraining, trainer: Trainer) -> None:
        """Say what a table is and what goes on with it, and begin to show how far that is."""
        self._begun.append((trainer, trainer.visits))
        if training.stage is self._stage:
            return
        self._bar.close()
        self._stage, self._stage_began = training.stage, time.monotonic()
        first = self.seconds is None
        if first:
            self.seconds, self.resumed_at = 0.0, trainer.epochs
            self._began = self._stage_began
        self.say(_opening(training) if first else _of_members(training))
        bar = _progress(self.console, training.stage, lines=10 if first else 2)
        self._show = self._bar.enter_context(bar)

    def __call__(self, trainer: Trainer) -> None:
        assert self._stage
        now = time.monotonic()
        self.seconds = now - self._began
        self.stages[self._stage.name] = now - self._stage_began
        self._show()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()


def _opening(training: TableTraining) -> str:
    lines = summary.of_table(training.source, training.prepared)
    trainer, runs = training.trainer, training.stage.runs
    if len(runs) > 1:
        lines += [f"Racing the rates {', '.join(f'{run.rate:g}' for run in runs)}.", ""]
    if trainer.visits:
        lines += [f"Going on after epoch {trainer.epochs} of {trainer.plan.epochs}.", ""]
    return "\n".join(lines)


def _of_members(training: TableTraining) -> str:
    """Return what is trained after the first network."""
    stage, prepared = training.stage, training.prepared
    rows = f"all {prepared.training_rows + prepared.validation_rows:,} rows"
    if stage.name == "first":
        return f"\nTraining at the rate {training.first.rate:g}.\n"
    count = len(stage.runs)
    if stage.name == "bounds":
        return f"\nTraining the bounds, {counted(count, 'network')}.\n"
    if not stage.with_all:
        return f"\nTraining {counted(count, 'network')} more.\n"
    networks = "again" if count == 1 else f"{count:,} networks anew"
    return f"\nTraining {networks} with {rows}.\n"


@contextmanager
def _progress(
    console: Console | None, stage: Stage, *, lines: int = 10
) -> Iterator[Callable[[], None]]:
    """Yield what shows how far a stage is, after each visit; without a console, nothing.

    A terminal has a bar, and a log at most so many lines. Of several runs, it is the mean of them.
    """
    if console is None:
        yield lambda: None
        return
    total = max(run.trainer.plan.epochs for run in stage.runs)
    begun, width = _done(stage), len(str(total))
    with Progress(total, console, begun=begun, lines=lines, width=width, transient=True) as shown:

        def show() -> None:
            done = _done(stage)
            left = f"  {shown.left(done)}" if done < total else ""
            shown.show(done, f"{_losses(stage)}{left}")

        yield show


def _done(stage: Stage) -> float:
    """Return how many epochs the runs of a stage have made, in the mean."""
    trainers = [run.trainer for run in stage.runs]
    return sum(each.visits for each in trainers) / (trainers[0].blocks.count * len(trainers))


def _losses(stage: Stage) -> str:
    """Return the losses of a network, in training and held out; of several, of the best so far."""
    training = stage.best.trainer
    if not training.losses:
        return ""
    loss = f"loss {number(training.losses[-1])}"
    if not training.validation_losses:
        return loss
    epochs = training.epochs, training.best_epoch
    last, best = (number(training.validated(epoch)) for epoch in epochs)
    return f"{loss}, held out {last}, best {best}"
