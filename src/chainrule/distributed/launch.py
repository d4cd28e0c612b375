"""What a launcher such as mpiexec says of a process: known from the environment, without MPI.

So `import chainrule`, and a command that nobody distributes, load no library of MPI.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

RANK = {
    "OMPI_COMM_WORLD_RANK": "Open MPI's mpiexec",
    "MV2_COMM_WORLD_RANK": "MVAPICH's mpiexec",
    "PMIX_RANK": "PMIx, as of Slurm's srun",
    "PMI_RANK": "PMI, as of MPICH's mpiexec or Slurm's srun",
}
"""The variables in which launchers say which rank a process is, and who they are."""

SIZE = ("OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_NTASKS")
"""The variables in which launchers say how many ranks there are."""


def under_mpi() -> bool:
    """Whether a launcher of MPI has started this process.

    >>> under_mpi()
    False
    """
    return bool(launcher())


def launched_rank() -> int:
    """Return which rank this process is, 0 without a launcher.

    >>> launched_rank()
    0
    """
    return _number(RANK, 0)


def launched_size() -> int:
    """Return how many ranks were launched, 1 without a launcher or where none says it.

    >>> launched_size()
    1
    """
    return _number(SIZE, 1) if under_mpi() else 1


def launcher() -> str:
    """Return which launcher has started this process, in words; "" for none.

    >>> launcher()
    ''
    """
    return next((words for name, words in RANK.items() if name in os.environ), "")


def _number(names: Iterable[str], default: int) -> int:
    found = (os.environ.get(name, "") for name in names)
    return next((int(text) for text in found if text.isdecimal()), default)
