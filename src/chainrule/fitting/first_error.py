"""Waiting for what other threads do, so that Ctrl-C ends it."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from typing import Any

TURN = 0.1
"""The seconds of a turn of waiting."""


def wait_for_first_error(futures: Collection[Future[Any]]) -> None:
    """Wait until all are over, or one has failed.

    It waits in turns. A library may have set a handler of SIGINT that goes on with the system call
    which it broke off, as that of Polars does: a wait without end would never hear of Ctrl-C.

    >>> wait_for_first_error([])
    """
    rest: Collection[Future[Any]] = futures
    while rest:
        over, rest = wait(rest, timeout=TURN, return_when=FIRST_EXCEPTION)
        if any(not each.cancelled() and each.exception() for each in over):
            return
