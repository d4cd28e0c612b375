"""What is said on the standard error while a training goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Self

from chainrule.cli import summary
from chainrule.fitting.progress import Progress
from chainrule.formatting import number

if TYPE_CHECKING:
    from rich.console import Console

    from chainrule.fitting.trainer import Trainer
    from chainrule.tabular.table_training import TableTraining


class Narrator:
    """A callback of a training that says how far it is, and knows how long it took.

    Without a console it says nothing.

    Attributes
    ----------
    seconds
        The time from the first step to the last; None where there was nothing to do.
    resumed_at
        The epoch after which a training goes on.
    """

    def __init__(self, console: Console | None) -> None:
        self.console, self._bar = console, ExitStack()
        self.seconds: float | None = None
        self.resumed_at = 0

    def say(self, text: str) -> None:
        """Print a text."""
        if self.console:
            self.console.print(text, soft_wrap=True)

    def begin(self, training: TableTraining, trainer: Trainer) -> None:
        """Say what a table is and what goes on with it, and begin to show how far that is."""
        self._bar.close()
        first = self.seconds is None
        if first:
            self.seconds, self.resumed_at = 0.0, trainer.epochs
            self._began = time.monotonic()
        self.say(_opening(training) if first else _of_all_rows(training))
        bar = _progress(self.console, trainer, lines=10 if first else 2)
        self._show = self._bar.enter_context(bar)

    def __call__(self, trainer: Trainer) -> None:
        self.seconds = time.monotonic() - self._began
        self._show(trainer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()


def _opening(training: TableTraining) -> str:
    lines = summary.of_table(training.source, training.prepared)
    trainer = training.trainer
    if trainer.visits:
        lines += [f"Going on after epoch {trainer.epochs} of {trainer.plan.epochs}.", ""]
    return "\n".join(lines)


def _of_all_rows(training: TableTraining) -> str:
    return f"\nTraining again with all {len(training.prepared.rows):,} rows.\n"


@contextmanager
def _progress(
    console: Console | None, training: Trainer, *, lines: int = 10
) -> Iterator[Callable[[Trainer], None]]:
    """Yield what shows how far a training is, after each visit; without a console, nothing.

    A terminal has a bar, and a log at most so many lines.
    """
    if console is None:
        yield lambda training: None
        return
    total, blocks = training.plan.epochs, training.blocks.count
    begun, width = training.visits / blocks, len(str(total))
    with Progress(total, console, begun=begun, lines=lines, width=width, transient=True) as shown:

        def show(training: Trainer) -> None:
            done = training.visits / blocks
            left = f"  {shown.left(done)}" if done < total else ""
            shown.show(done, f"{_losses(training)}{left}")

        yield show


def _losses(training: Trainer) -> str:
    """Return the losses, of the examples in training and of those held out if any are."""
    if not training.losses:
        return ""
    loss = f"loss {number(training.losses[-1])}"
    if not training.validation_losses:
        return loss
    epochs = training.epochs, training.best_epoch
    last, best = (number(training.validated(epoch)) for epoch in epochs)
    return f"{loss}, held out {last}, best {best}"
