"""The commands under mpiexec: one of the processes does what is not shared, and one speaks."""

import re
import subprocess
import sys

import pytest

from chainrule.distributed import mpi_found, world
from commands import PROGRAM, QUICK, houses
from mpi_jobs import ended, job, needs_mpi


def on_ranks(size, *arguments, **env):
    return ended(job(size, sys.executable, "-c", PROGRAM, *arguments, env=env))


@needs_mpi
@pytest.mark.parametrize(
    ("arguments", "code", "out", "err"),
    [
        (["check"], 0, r"gradient", "check is not distributed: of 2 processes one does it\n"),
        (["--version"], 0, r"chainrule, version|chainrule \d", ""),
        (
            ["predict", "no.model", "no.csv"],
            2,
            "",
            "predict is not distributed: .*\nError: no.model: No such file or directory\n",
        ),
    ],
)
def test_a_command_that_is_not_distributed_is_done_once(arguments, code, out, err):
    alone = ended(job(1, sys.executable, "-c", PROGRAM, *arguments))
    done = on_ranks(2, *arguments)
    assert (done.returncode, done.stdout) == (code, alone.stdout)
    assert re.search(out, done.stdout)
    assert re.match(err, done.stderr)


@needs_mpi
@pytest.mark.parametrize(
    ("arguments", "env", "message"),
    [
        (["--dropout", "x"], {}, "Error: Invalid value for '--dropout': "),
        ([], {"CHAINRULE_MPI_TIMEOUT": "soon"}, "Error: CHAINRULE_MPI_TIMEOUT must be a number"),
        ([], {"MPI4PY_LIBMPI": "/no/libmpi.so"}, "Error: mpi4py finds no library of MPI that"),
    ],
)
def test_what_all_ranks_refuse_is_said_once(arguments, env, message):
    done = on_ranks(2, "train", "no.csv", *arguments, **env)
    assert done.returncode == 2
    assert done.stderr.count("Error: ") == 1, done.stderr
    assert message in done.stderr


SMALL = ("train", "houses.csv", "--target", "price", *QUICK)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a table, in which the commands are called."""
    monkeypatch.chdir(tmp_path)
    houses(200).write_csv("houses.csv")
    return tmp_path


@needs_mpi
@pytest.mark.parametrize(
    ("other", "there", "message"),
    [
        ((), "houses.model", "Error: houses.model: is there already; replace it by --force, or"),
        (("--seed", 3), "", "Error: rank 1 has seed 3, and rank 0 has seed 0: give all ranks the"),
        (("--dropout", "x"), "", "Error: rank 1: Invalid value for '--dropout'"),
    ],
)
def test_what_one_rank_refuses_is_said_once_and_ends_all(place, other, there, message):
    if there:
        (place / there).touch()
    command = (sys.executable, "-c", PROGRAM, *SMALL)
    done = ended(job(1, *command, ":", "-n", 1, *command, *other))
    assert done.returncode == 2
    assert done.stderr.count("Error: ") == 1, done.stderr
    assert message in done.stderr, done.stderr
    assert {path.name for path in place.iterdir()} == {"houses.csv", there} - {""}


@needs_mpi
@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({}, r"mpi4py \d.*; .*MPI.*; .*mpiexec"),
        ({"MPI4PY_LIBMPI": "/no/libmpi.so"}, "mpi4py finds no library of MPI that fits it .*pip"),
    ],
)
def test_what_is_found_of_mpi_is_said(monkeypatch, env, words):
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert re.search(words, mpi_found.mpi_found())


def test_what_is_missing_is_said(monkeypatch):
    def missing(name):
        raise mpi_found.PackageNotFoundError(name)

    monkeypatch.setattr(mpi_found, "version", missing)
    assert mpi_found.mpi_found().startswith("none: mpi4py is missing")


def test_without_mpiexec_no_command_loads_mpi():
    code = """if True:
        import sys
        from chainrule.cli import main
        try:
            main(["info"])
        except SystemExit:
            print("mpi4py" in sys.modules)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"


class Comm:
    """A communicator of a process that is alone."""

    @staticmethod
    def Get_size():
        return 1

    @staticmethod
    def Get_library_version():
        return "MPICH Version:  4.2\nmore\0"


def test_an_mpiexec_of_another_mpi_is_refused(monkeypatch):
    comm = Comm()
    comm.COMM_WORLD = comm
    monkeypatch.setattr(world, "mpi4py", lambda: comm)
    monkeypatch.setenv("OMPI_COMM_WORLD_RANK", "1")
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "4")
    message = (
        "Open MPI's mpiexec started 4 processes, but to mpi4py, which uses MPICH Version:  4.2"
    )
    with pytest.raises(ValueError, match=message):
        world.world()
