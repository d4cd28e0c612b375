"""How many cores this process may use: those it is bound to, those its control group allows, and
those that the environment leaves to it, as joblib does where several processes share a machine.

Processes that `multiprocessing` has started are told nothing. They share the cores evenly.
"""

from __future__ import annotations

import functools
import math
import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def cores() -> int:
    """Return how many cores this process may use.

    >>> 1 <= cores() <= os.cpu_count()
    True
    """
    whole = max(1, math.ceil(min(_bound_to(), quota(), _left_to_it())))
    return max(1, whole // _sharers())


def _bound_to() -> int:
    if hasattr(os, "process_cpu_count"):  # from Python 3.13 on
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


THREADS, CORES = "OMP_NUM_THREADS", "LOKY_MAX_CPU_COUNT"
"""What the environment says to a process of its threads, and to joblib of the machine's cores."""


def _left_to_it() -> float:
    """Return the least that the environment says."""
    return min(map(_said, (THREADS, CORES)))


def _said(name: str) -> float:
    """Return what a variable of the environment says, of levels the first, if it is a number."""
    asked = os.environ.get(name, "").partition(",")[0].strip()
    return int(asked) if asked.isdecimal() and int(asked) else math.inf


def _sharers() -> int:
    """How many processes share the cores of this one, which itself is among them.

    One that is told its part has it alone.
    """
    process = sys.modules.get("multiprocessing.process")
    started = process is not None and process.parent_process() is not None
    if not started or _said(THREADS) < math.inf:
        return 1
    return _workers(os.getppid(), when=int(time.monotonic()) // KEPT_FOR)


KEPT_FOR = 10
"""The seconds for which it is known how many processes share the cores."""


@functools.lru_cache(1)
def _workers(parent: int, when: int, root: Path = Path("/proc")) -> int:
    """How many children a process has whose command line ends as that of this one.

    Only Linux says; elsewhere it is this one alone. A helper of `multiprocessing` ends otherwise.
    """
    own = _last_words(root / "self")
    processes = [each for each in root.glob("[0-9]*") if _parent(each) == parent]
    return sum(_last_words(each) == own for each in processes) or 1


def _parent(process: Path) -> int:
    _, _, numbers = _contents(process / "stat").rpartition(b")")  # a name may hold anything
    return int(numbers.split()[1]) if numbers else 0


def _last_words(process: Path) -> bytes:
    """The end of a process's command line; nothing where it has ended."""
    return _contents(process / "cmdline").rstrip(b"\0").rpartition(b"\0")[2]


def _contents(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:  # what it tells of has ended
        return b""


@functools.cache
def quota(own: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")) -> float:
    """Return how many cores' time the control groups of this process allow, such as 1.5.

    A container is such a group. Without a bound, and where there are no groups, it is infinite.

    >>> quota(Path("missing"))
    inf
    """
    return min(_quotas(own, root), default=math.inf)


def _quotas(own: Path, root: Path) -> Iterator[float]:
    """The bound of each group that the process is in, the inner and the outer ones."""
    with suppress(OSError):
        for line in own.read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            first = root if not controllers else root / "cpu"  # version 2, or 1
            if controllers and "cpu" not in controllers.split(","):
                continue
            group = first / path.lstrip("/")
            for each in (group, *group.parents):
                if each.is_relative_to(first):
                    yield from _bounds(each)


def _bounds(group: Path) -> Iterator[float]:
    """The bound of one group: in microseconds out of so many, in one file or in two."""
    for names in (["cpu.max"], ["cpu.cfs_quota_us", "cpu.cfs_period_us"]):
        with suppress(OSError, ValueError):  # it is not there, or "max"
            texts = [(group / name).read_text(encoding="utf-8") for name in names]
            allowed, period = map(int, " ".join(texts).split())
            if allowed > 0 and period > 0:
                yield allowed / period
