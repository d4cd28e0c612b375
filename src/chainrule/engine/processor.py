"""How many cores this process may use: those it is bound to, those its control group allows, and
those that the environment leaves to it, as joblib does where several processes share a machine.
"""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def cores() -> int:
    """Return how many cores this process may use.

    >>> 1 <= cores() <= os.cpu_count()
    True
    """
    return max(1, math.ceil(min(_bound_to(), quota(), _left_to_it())))


def _bound_to() -> int:
    if hasattr(os, "process_cpu_count"):  # from Python 3.13 on
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _left_to_it() -> float:
    """Return what OMP_NUM_THREADS says, of levels the first, if it is a number."""
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(asked) if asked.isdecimal() and int(asked) else math.inf


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
