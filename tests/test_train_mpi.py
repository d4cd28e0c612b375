"""The command `train` under mpiexec: all is said and written once; ranks that are killed."""

import functools
import hashlib
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest

from commands import houses, ran
from mpi_jobs import ended, job, needs_mpi

pytestmark = needs_mpi

PROGRAM = """
import os, pathlib
rank = os.environ["OMPI_COMM_WORLD_RANK"]
pathlib.Path(f"{rank}.new").write_text(str(os.getpid()))
os.rename(f"{rank}.new", f"{rank}.pid")
from chainrule_command import main
main()
"""
"""The command, of which each rank leaves the number of its process."""

SMALL = ("train", "houses.csv", "--target", "price", "--hidden", 4, "--effort", "fast")
TRAIN = (*SMALL, "--epochs", 2)


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A folder with a table, in which the commands are called."""
    monkeypatch.chdir(tmp_path)
    houses(200).write_csv("houses.csv")
    return tmp_path


def started(size, *arguments):
    return job(size, sys.executable, "-c", PROGRAM, *arguments)


def trained(size, *arguments):
    return ended(started(size, *arguments))


def sha256(name="houses.model"):
    return hashlib.sha256(Path(name).read_bytes()).hexdigest()


def wait_for(found, seconds=40):
    until = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < until
        time.sleep(0.01)


def checkpoints():
    return [*Path("houses.model.checkpoints").glob("checkpoint-*")]


def pids():
    return [int(path.read_text()) for path in Path().glob("*.pid")]


def have_begun(size):
    return len(pids()) == size


def test_the_command_says_and_writes_all_once():
    ran(*TRAIN, "--shards", 8, "--out", "alone.model", "--report", "alone.html")
    done = trained(3, *TRAIN, "--report", "page.html", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["sha256"] == sha256() == sha256("alone.model")
    assert report["options"]["shards"] == 8
    assert Path("page.html").read_bytes() == Path("alone.html").read_bytes()
    assert done.stderr.count("houses.csv: 200 rows, 6 columns") == 1
    assert done.stderr.count("epoch 1/2") == 2  # of the first network, and with all rows
    assert {path.suffix for path in Path().iterdir()} == {".csv", ".model", ".html", ".pid"}


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--groups", "no"), 2, "Error: --groups 'no' is no column of the table"),
        (("--optimizer", "sgd", "--learning-rate", "1e38"), 1, "Error: training diverged at"),
    ],
)
def test_an_error_is_told_once(options, code, message):
    done = trained(2, *TRAIN, *options)
    assert done.returncode == code
    assert done.stderr.count("Error: ") == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not Path("houses.model").exists()


def under_way():
    process = started(2, *SMALL, "--epochs", 100_000, "--checkpoint-every", 1000)
    next(line for line in process.stderr if line.startswith("epoch "))
    return process


def test_a_signal_to_mpiexec_leaves_a_checkpoint():
    """Open MPI's passes nothing on of what is said then."""
    process = under_way()
    process.send_signal(signal.SIGINT)
    done = ended(process)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert len(checkpoints()) == 1


@pytest.mark.parametrize("to", [[1], [0, 1]])
def test_a_signal_to_ranks_leaves_a_checkpoint_and_says_how_to_go_on(to):
    process = under_way()
    for rank in to:
        os.kill(int(Path(f"{rank}.pid").read_text()), signal.SIGINT)
    done = ended(process)
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
    assert done.stderr.count("Interrupted; to go on: mpiexec -n 2 ") == 1
    assert len(checkpoints()) == 1


KILLS = ((3, 0.0), (2, 0.6))
"""On how many ranks one is killed, and how long after all have started, or left a checkpoint."""


def test_ranks_that_are_killed_are_gone_on_from_on_another_number_of_ranks():
    epochs = (*SMALL, "--epochs", 40, "--quiet", "--shards", 8)
    ran(*epochs, "--out", "alone.model")
    chance = random.Random(0)
    for size, after in KILLS:
        process = started(size, *epochs, "--checkpoint-every", 0, "--resume")
        wait_for(checkpoints)
        wait_for(functools.partial(have_begun, size))
        time.sleep(after * chance.random())
        if process.poll() is None:
            os.kill(chance.choice(pids()), signal.SIGKILL)
        assert "Traceback" not in ended(process).stderr
        for path in Path().glob("*.pid"):
            path.unlink()
    assert trained(2, *epochs, "--resume").returncode == 0
    assert sha256() == sha256("alone.model")
    assert not Path("houses.model.checkpoints").exists()
