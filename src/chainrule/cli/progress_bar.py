"""How far a training is: a bar on a terminal, a few lines in a log."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from chainrule.formatting import number, roughly

if TYPE_CHECKING:
    from rich.console import Console

    from chainrule.fitting.trainer import Trainer


@contextmanager
def progress(
    console: Console | None, run: Trainer, *, lines: int = 10
) -> Iterator[Callable[[Trainer], None]]:
    """Yield what shows how far a run is, after each visit; without a console, nothing.

    A terminal has a bar, and a log at most so many lines.
    """
    began = Clock(run)
    if console is None:
        yield lambda run: None
    elif console.is_terminal:
        yield from _bar(console, began)
    else:
        every = math.ceil(run.plan.epochs / lines)
        yield lambda run: _line(console, run, began, every)


class Clock:
    """How long a run will take if it goes on as from where it was when this was made."""

    def __init__(self, run: Trainer) -> None:
        self.visits, self.time = run.visits, time.monotonic()

    def left(self, run: Trainer) -> str:
        """Return how long it is at most until the last epoch; nothing after that."""
        missing = run.plan.epochs * run.blocks.count - run.visits
        each = (time.monotonic() - self.time) / max(1, run.visits - self.visits)
        return f"  {roughly(each * missing)} left" if missing else ""


def said(run: Trainer) -> str:
    """Return the losses of a run, of the examples in training and of those held out if any are."""
    if not run.losses:
        return ""
    loss = f"loss {number(run.losses[-1])}"
    if not run.validation_losses:
        return loss
    last, best = (number(run.validated(epoch)) for epoch in (run.epochs, run.best_epoch))
    return f"{loss}, held out {last}, best {best}"


def _bar(console: Console, began: Clock) -> Iterator[Callable[[Trainer], None]]:
    from rich.progress import BarColumn, Progress, TextColumn

    bar = Progress(
        TextColumn("epoch {task.fields[epochs]}"),
        BarColumn(8),
        TextColumn("{task.description}"),
        console=console,
        transient=True,
    )
    with bar:
        task = bar.add_task("", total=1, epochs="0")

        def show(run: Trainer) -> None:
            total = run.plan.epochs
            bar.update(
                task,
                description=f"{said(run)}{began.left(run)}",
                completed=run.visits / (total * run.blocks.count),
                epochs=f"{run.epochs}/{total}",
            )

        yield show


def _line(console: Console, run: Trainer, began: Clock, every: int) -> None:
    """Print a line after every so many epochs."""
    epoch, within = divmod(run.visits, run.blocks.count)
    if within == 0 and epoch % every == 0:
        total = run.plan.epochs
        at = f"{epoch:>{len(str(total))}}/{total}"
        console.print(f"epoch {at}  {said(run)}{began.left(run)}")
