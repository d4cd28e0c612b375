"""How ranks of one machine share its cores, where they are not bound to some each."""

from __future__ import annotations

import os
from collections import Counter

from chainrule.distributed.ranks import Ranks


def share_of_cores(ranks: Ranks) -> float:
    """Return which part of the cores that this process may use is its own; all ranks call it.

    A core that k ranks of a machine may use counts 1/k for each.

    >>> from chainrule.distributed import Alone
    >>> share_of_cores(Alone())
    1.0
    """
    import platform

    host, cores = platform.node(), _cores()
    everywhere = ranks.values((host, cores))
    users = Counter(core for where, theirs in everywhere if where == host for core in theirs)
    return sum(1 / users[core] for core in cores) / len(cores)


def _cores() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))
