"""Jobs of several ranks on this machine, by the `mpiexec` that is there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

MPIEXEC = shutil.which("mpiexec", path=Path(sys.executable).parent) or shutil.which("mpiexec")

MISSING = [
    what for what, there in {"mpiexec": MPIEXEC, "mpi4py": find_spec("mpi4py")}.items() if not there
]

needs_mpi = pytest.mark.skipif(
    bool(MISSING), reason=f"needs {' and '.join(MISSING)}, as by pip install chainrule[mpi]"
)

ENVIRONMENT = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "NO_COLOR": "1",
}
"""What mpiexec wants as root, and for more ranks than cores."""

PRELUDE = """\
import os, signal, sys, time
import numpy as np
from mpi4py import MPI
import chainrule as cr
ranks = cr.Ranks(MPI.COMM_WORLD)
"""


def job(size, *command, **options):
    """A process of mpiexec that runs a command on so many ranks, to be waited for."""
    given = options.pop("env", {})
    return subprocess.Popen(
        [MPIEXEC, "-n", str(size), *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **ENVIRONMENT, **given},
        **options,
    )


def ended(process, seconds=50):
    """What comes of a job, which must end within the seconds."""
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def on_ranks(size, code, *arguments, **options):
    """What comes of a program on so many ranks; it finds them as `ranks`."""
    return ended(job(size, sys.executable, "-c", PRELUDE + code, *arguments, **options))
