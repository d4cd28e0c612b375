"""How far a training is, as it goes: a bar in a terminal or notebook, a few lines elsewhere."""

from __future__ import annotations

import math
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from chainrule.extras import is_installed, needed_by
from chainrule.formatting import roughly

if TYPE_CHECKING:
    from rich.console import Console


class Progress:
    """The progress of so many epochs, of which some may have been made before.

    It is shown on a console of rich, that of the standard output unless another is given. A
    terminal gets a bar, and so does a notebook with ipywidgets. Anything else gets at most so many
    lines, the first and the last epoch's among them; `width` is that of the epoch's number there.
    A bar that is `transient` is gone at the end.

    >>> with Progress(2) as progress:
    ...     progress.show(1, "loss 0.5")
    epoch 1/2  loss 0.5
    """

    epochs: int
    begun: float
    lines: int
    width: int
    console: Console
    transient: bool
    line: str
    shown: int
    time: float
    task: Any

    def __init__(
        self,
        epochs: int,
        console: Console | None = None,
        *,
        begun: float = 0,
        lines: int = 10,
        width: int = 0,
        transient: bool = False,
    ) -> None:
        with needed_by("showing how far a training is"):
            from rich.console import Console

        self.epochs, self.begun, self.lines, self.width = epochs, begun, lines, width
        self.console, self.transient = console or Console(), transient
        self.bar: Any = None
        self.line, self.shown = "", math.floor(begun)

    def __enter__(self) -> Self:
        if self.console.is_terminal or _is_in_notebook(self.console):
            self._open()
        self.time = time.monotonic()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.bar is not None:
            self.bar.refresh()  # its end does not, in a notebook
            self.bar.stop()
        elif error is None:
            self._print()

    def show(self, done: float, said: str) -> None:
        """Show that so many epochs are done; parts of one only move the bar."""
        place, said = self._place(done), self._writable(said)
        if self.bar is not None:
            self.bar.update(self.task, completed=done, description=said, place=place)
        elif math.floor(done) > self.shown:
            self.line = f"epoch {place}  {said}"
            if self._is_due(math.floor(done)):
                self._print()
        self.shown = math.floor(done)

    def left(self, done: float) -> str:
        """Return how long it takes at most to the last epoch.

        >>> with Progress(2) as progress:
        ...     progress.left(2)
        '0 s left'
        """
        each = (time.monotonic() - self.time) / (done - self.begun or 1)
        return f"{roughly(each * (self.epochs - done))} left"

    def _open(self) -> None:
        from rich.progress import BarColumn, Progress, TextColumn

        epoch, said = TextColumn("epoch {task.fields[place]}"), TextColumn("{task.description}")
        columns = epoch, BarColumn(8), said
        self.bar = Progress(*columns, console=self.console, transient=self.transient)
        place = self._place(self.begun)
        self.task = self.bar.add_task("", total=self.epochs, completed=self.begun, place=place)
        self.bar.start()

    def _place(self, done: float) -> str:
        return f"{math.floor(done):>{self.width}}/{self.epochs}"

    def _writable(self, text: str) -> str:
        """With a hyphen for the minus sign where the console has none."""
        try:
            text.encode(self.console.encoding)
        except UnicodeEncodeError:
            return text.replace("−", "-")
        return text

    def _is_due(self, epoch: int) -> bool:
        parts = self.lines - 1
        return epoch == 1 or epoch * parts // self.epochs > (epoch - 1) * parts // self.epochs

    def _print(self) -> None:
        """Print what there is to say of the last epoch, once."""
        if self.line:
            self.console.print(self.line, soft_wrap=True, markup=False, highlight=False)
        self.line = ""


def _is_in_notebook(console: Console) -> bool:
    """Whether a notebook shows the console and can redraw a bar, which takes ipywidgets."""
    return console.is_jupyter and is_installed("notebooks")
