"""How far a training is: a bar on a terminal, a few lines in a log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from chainrule.fitting.progress import Progress
from chainrule.formatting import number

if TYPE_CHECKING:
    from rich.console import Console

    from chainrule.fitting.trainer import Trainer


@contextmanager
def progress(
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
            shown.show(done, f"{said(training)}{left}")

        yield show


def said(training: Trainer) -> str:
    """Return the losses, of the examples in training and of those held out if any are."""
    if not training.losses:
        return ""
    loss = f"loss {number(training.losses[-1])}"
    if not training.validation_losses:
        return loss
    epochs = training.epochs, training.best_epoch
    last, best = (number(training.validated(epoch)) for epoch in epochs)
    return f"{loss}, held out {last}, best {best}"
