"""Processes that were forked in the midst of polars' work: they have none of its threads.

There polars waits for them forever, so that reading a table is refused.
"""

from __future__ import annotations

import os
from pathlib import Path

_TASKS = Path("/proc/self/task")

_lost = {"before": False, "here": False}
"""Whether polars had threads when this process last forked, and when it was forked itself."""


def check_threads_of_polars() -> None:
    """Raise RuntimeError where this process is one of those.

    >>> check_threads_of_polars()
    """
    if _lost["here"]:
        raise RuntimeError(
            "tables cannot be read in this process: it was forked from one in which polars was at "
            "work, whose threads are missing here; start it by 'spawn' or 'forkserver', or take "
            "joblib's backend 'loky' or 'threading'"
        )


def _before() -> None:
    _lost["before"] = _lost["here"] or any(map(_is_of_polars, _TASKS.glob("*/comm")))


def _in_child() -> None:
    _lost["here"] = _lost["before"]


def _is_of_polars(comm: Path) -> bool:
    """Whether a thread is one of those that polars starts at its first work: `polars-0`."""
    try:
        name, _, number = comm.read_text().strip().partition("-")
    except OSError:  # it has ended
        return False
    return name == "polars" and number.isdecimal()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_child=_in_child)
