"""Ctrl-C on a rank: what the handler of a signal raises waits until all ranks can stop alike."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""Those that ask a process to end."""


class HeldSignals:
    """In a `with` block, keeps back what the handler of a signal raises, and calls `stop`.

    An exchange in which one rank breaks off is lost to all. The second signal passes: who waits for
    ranks that hang can still end. Python has signals in its main thread only.

    Attributes
    ----------
    raised
        What has been kept back.

    >>> with HeldSignals(lambda: print("stop")) as held:
    ...     signal.raise_signal(signal.SIGINT)
    stop
    >>> held.raised
    KeyboardInterrupt()
    """

    def __init__(self, stop: Callable[[], object]) -> None:
        self.raised: BaseException | None = None
        self._stop = stop
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            handlers = {number: signal.getsignal(number) for number in SIGNALS}
            self._before = {number: each for number, each in handlers.items() if callable(each)}
        for number in self._before:
            signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        try:
            self._before[number](number, frame)
        except BaseException as raised:
            if self.raised is not None:
                raise
            self.raised = raised
            self._stop()
