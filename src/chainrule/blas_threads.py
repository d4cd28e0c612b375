"""BLAS held to one thread, while anything in this process wants it so."""

from __future__ import annotations

import functools
import os
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _thread import LockType


@functools.cache
def _libraries() -> Any:
    """The libraries with threads of their own; looking for them takes some milliseconds."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


class _OneThread:
    """BLAS on one thread as long as any block that asks for it runs, in any thread of Python.

    Short products gain nothing from more threads: these only burn processor time, up to 40 times as
    much, and then the bits would depend on their number.
    """

    lock: LockType
    blocks: int

    def __init__(self) -> None:
        self.lock, self.blocks = threading.Lock(), 0
        self.limit: Any = None

    def __enter__(self) -> None:
        with self.lock:
            self.blocks += 1
            if self.blocks == 1:
                self.limit = _libraries().limit(limits=1, user_api="blas")

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.blocks -= 1
            if self.blocks == 0:
                self.limit.restore_original_limits()


one_blas_thread: _OneThread = _OneThread()
"""`with one_blas_thread:` holds BLAS to one thread; what was before comes back after the last."""

if hasattr(os, "register_at_fork"):  # another thread's block does not go on in the new process
    os.register_at_fork(after_in_child=one_blas_thread.__init__)  # type: ignore[misc]
