"""What a fit says: how far it has come, in a bar or in lines."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

LINES = 10
"""How many lines a log gets for a whole fit."""


class Progress:
    """The progress of a fit of so many epochs.

    >>> with Progress(True, 2) as progress:
    ...     progress.advance(0.5, None)
    epoch 1/2  loss 0.5  0 s left
    """

    def __init__(self, verbose: Any, epochs: int) -> None:
        self.shown, self.epochs, self.made = bool(verbose), epochs, 0
        self.bar: Any = None
        self.every = max(1, epochs // LINES)

    def __enter__(self) -> Progress:
        if self.shown and sys.stdout.isatty():
            self._open()
        self.began = time.monotonic()
        return self

    def _open(self) -> None:
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self.bar = Bar(
            TextColumn("epoch {task.completed}/{task.total}"),
            BarColumn(),
            TextColumn("{task.description}"),
            TimeRemainingColumn(),
        )
        self.bar.start()
        self.task = self.bar.add_task("", total=self.epochs)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.bar is not None:
            self.bar.stop()
        elif self.shown and self.made and not self._due():
            self._print()

    def advance(self, loss: float, score: float | None) -> None:
        """Show one epoch more."""
        if not self.shown:
            return
        self.made += 1
        self.said = f"loss {loss:.6g}" + ("" if score is None else f"  validation {score:.4g}")
        if self.bar is not None:
            self.bar.update(self.task, advance=1, description=self.said)
        elif self._due():
            self._print()

    def _due(self) -> bool:
        return self.made == 1 or self.made % self.every == 0

    def _print(self) -> None:
        left = (time.monotonic() - self.began) / self.made * (self.epochs - self.made)
        print(f"epoch {self.made}/{self.epochs}  {self.said}  {left:.0f} s left", flush=True)
