"""All processes that `mpiexec` started, as ranks; and what is wrong where they cannot be."""

from __future__ import annotations

from typing import Any

from chainrule.distributed.launch import launched_size, launcher
from chainrule.distributed.ranks import Ranks, as_ranks
from chainrule.extras import MissingLibraryError, install, needed_by

INSTALL = install("mpi")


def world(timeout: float | None = None) -> Ranks:
    """Return the ranks of all processes that a launcher started.

    Raises ImportError where mpi4py does not work, and ValueError where its MPI is another one than
    the launcher's, so that each process believes to be alone.
    """
    comm = mpi4py().COMM_WORLD
    started = launched_size()
    if comm.Get_size() == 1 < started:
        raise ValueError(
            f"{launcher()} started {started} processes, but to mpi4py, which uses "
            f"{library()}, each is alone: start them by the mpiexec of that MPI"
        )
    return as_ranks(comm, timeout)


def mpi4py() -> Any:
    """Return the module of mpi4py; raise ImportError, in one line with the fix, for what is wrong.

    >>> mpi4py().__name__  # doctest: +SKIP
    'mpi4py.MPI'
    """
    try:
        with needed_by("a training on several processes"):
            from mpi4py import MPI
    except MissingLibraryError:
        raise
    except (ImportError, RuntimeError) as error:
        said = str(error).strip().splitlines()
        raise ImportError(
            f"mpi4py finds no library of MPI that fits it ({said[0] if said else type(error)}): "
            f"{INSTALL}, or make mpi4py anew beside your MPI: pip install --no-binary mpi4py mpi4py"
        ) from None
    return MPI


def library() -> str:
    """Return the name and version of the library of MPI that mpi4py uses."""
    name: str = mpi4py().Get_library_version()
    return name.strip("\x00 \n").splitlines()[0].split(",")[0]
