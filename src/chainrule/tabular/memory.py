"""How much memory there is, and tables for which it is too little."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from chainrule.tabular.table_error import TableError

UNKNOWN = 2**33
"""What is taken for granted where the system does not tell."""

OF_RUST = "PyObject pointer is null"
"""What libraries in Rust say in their panic where Python has no memory for an object."""

TOO_LITTLE = "there is not enough memory"


@contextlib.contextmanager
def plainly_too_little(fix: str = "") -> Iterator[None]:
    """Say in a line that memory did not suffice, and what helps.

    >>> with plainly_too_little("; set `memory=300_000_000`, or less"):
    ...     raise MemoryError
    Traceback (most recent call last):
    ...
    MemoryError: there is not enough memory; set `memory=300_000_000`, or less
    """
    try:
        yield
    except BaseException as error:
        is_said = str(error).startswith(TOO_LITTLE)
        if is_said or (not isinstance(error, MemoryError) and str(error) != OF_RUST):
            raise
        raise MemoryError(f"{TOO_LITTLE}{fix}") from None


def for_this_process() -> int:
    """Return the bytes that this process may take: what the machine has, or less if so limited.

    >>> for_this_process() > 2**20
    True
    """
    most = UNKNOWN
    with contextlib.suppress(AttributeError, OSError, ValueError):
        most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(ImportError, OSError):
        import resource  # which Windows has not

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        most = most if limit == resource.RLIM_INFINITY else min(most, limit)
    with contextlib.suppress(OSError, ValueError), open("/sys/fs/cgroup/memory.max") as limit_file:
        most = min(most, int(limit_file.read()))  # "max" where there is no limit
    return most


def check_rows(name: str, rows: int, of_each: int, doing: str) -> None:
    """Raise TableError for more rows than there is memory for, at so many bytes of each.

    >>> check_rows("trees.parquet", 2**60, 64, "training keeps")
    Traceback (most recent call last):
    ...
    chainrule.TableError: trees.parquet: has 1,152,921,504,606,846,976 rows, and \
there is not enough memory: training keeps 64 bytes of each; take a part of them
    """
    if rows * of_each > for_this_process():
        raise TableError(
            f"{name}: has {rows:,} rows, and there is not enough memory: {doing} {of_each} bytes "
            "of each; take a part of them"
        )
