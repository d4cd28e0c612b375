"""Ctrl-C and SIGTERM: the first is a KeyboardInterrupt, the second ends the process at once.

So commands leave in an orderly way: nothing half-written, and of a training a checkpoint.
"""

from __future__ import annotations

import os
import signal
from types import FrameType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)

SHOW_CURSOR = b"\x1b[?25h\n"
"""What a progress bar that is broken off has left undone on a terminal."""


class Signals:
    """What is done at a signal while the `with` block runs.

    Attributes
    ----------
    exit_code
        That of a process that a signal ended, as shells have it: 128 and the signal's number.
    """

    def __init__(self) -> None:
        self.received: int = 0

    @property
    def exit_code(self) -> int:
        """130 after Ctrl-C, 143 after SIGTERM."""
        return 128 + (self.received or signal.SIGINT)

    def __enter__(self) -> Self:
        self._before: dict[int, Any] = {
            number: signal.signal(number, self._handle) for number in SIGNALS
        }
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.received:
            if os.isatty(2):
                os.write(2, SHOW_CURSOR)
            os._exit(128 + number)
        self.received = number
        raise KeyboardInterrupt
