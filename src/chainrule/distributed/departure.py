"""How a process leaves a job: never with a hang, and with one message, whatever happened.

MPI's own end waits for every rank. One that cannot come any more, or not soon, is ended: files of
ours are written whole or not at all.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from chainrule.distributed.ranks import is_silent

if TYPE_CHECKING:
    from chainrule.distributed.mpi_ranks import MpiRanks

GRACE = 3.0
"""The seconds in which all ranks leave after a failure, before the job is ended."""

LAUNCHERS = ("mpiexec", "mpirun", "prterun", "prted", "orterun", "orted")
"""What Open MPI calls the processes that start ranks."""

LAUNCHER_GRACE = 3
"""The seconds after which a launcher is ended that waits for a host which is cut off.

It would wait for a quarter of an hour, as TCP does.
"""

_jobs: list[MpiRanks] = []


def end_orderly(ranks: MpiRanks) -> None:
    """See to it that this process, once it is one of these ranks, leaves them in an orderly way."""
    if not _jobs:
        atexit.register(_leave)
        sys.excepthook = _Hook(sys.excepthook)
    _jobs.append(ranks)


class _Hook:
    """What is done about an exception that nobody catches: all are told, and one prints it."""

    def __init__(self, before: Callable[..., object]) -> None:
        self._before = before

    def __call__(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        for ranks in _jobs:
            error = ranks.told(error)
        if not is_silent(error):
            self._before(type(error), error, error.__traceback__)


def _leave() -> None:
    """Leave all jobs."""
    for ranks in reversed(_jobs):
        if not ranks.leave(GRACE):
            _end(ranks)


def _end(ranks: MpiRanks) -> None:
    """End the whole job now."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    _end_launcher_too()
    clock = threading.Timer(GRACE, os._exit, [1])  # where MPI itself waits for what is cut off
    clock.daemon = True
    clock.start()
    ranks.abort()


def _end_launcher_too() -> None:
    """See to it that the launcher ends, which first ends this process."""
    parent = os.getppid()
    try:
        name = Path(f"/proc/{parent}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return
    if name in LAUNCHERS:
        end = f"sleep {LAUNCHER_GRACE}; kill -TERM {parent} && sleep 1; kill -KILL {parent}"
        nowhere = subprocess.DEVNULL
        subprocess.Popen(
            ["sh", "-c", end],
            stdin=nowhere,
            stdout=nowhere,
            stderr=nowhere,
            start_new_session=True,
        )
