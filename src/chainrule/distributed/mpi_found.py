"""What of MPI is installed here, in words: mpi4py, its library, `mpiexec`, and the launcher."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from chainrule.distributed.launch import launched_rank, launched_size, launcher
from chainrule.distributed.world import INSTALL

LOOK = """
import mpi4py
mpi4py.rc.initialize = False
from chainrule.distributed.world import library
try:
    print(library())
except ImportError as error:
    print(error)
"""
"""What looks at the library, in a process of its own: one that does not fit may end it."""

SECONDS = 20.0


def mpi_found() -> str:
    """Return what is found of MPI, and what is to be installed where something is missing.

    >>> "mpi4py" in mpi_found()
    True
    """
    try:
        found = f"mpi4py {version('mpi4py')}"
    except PackageNotFoundError:
        return f"none: mpi4py is missing, by which several processes train together: {INSTALL}"
    return "; ".join(filter(None, (found, _library(), _mpiexec(), _here())))


def _library() -> str:
    try:
        done = subprocess.run(
            [sys.executable, "-c", LOOK],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"whose library of MPI has not answered for {SECONDS:g} s"
    lines = done.stdout.strip().splitlines() + done.stderr.strip().splitlines()
    if done.returncode or not lines:
        why = lines[-1] if lines else f"it ended with {done.returncode}"
        return f"whose library of MPI does not work ({why}): {INSTALL}"
    return lines[-1]


def _mpiexec() -> str:
    beside = str(Path(sys.executable).parent)
    found = shutil.which("mpiexec", path=beside) or shutil.which("mpiexec")
    return found or f"no mpiexec: {INSTALL}"


def _here() -> str:
    by = launcher()
    return by and f"rank {launched_rank()} of {launched_size()} by {by}"
