"""Ranks over MPI: the same bits as in one process, and an end with one message in every trouble."""

import hashlib
import os
import re
import signal
import sys
import time

import pytest

from mpi_jobs import PRELUDE, ended, job, needs_mpi, on_ranks
from test_distributed import hostile, recursively

pytestmark = needs_mpi

HERE = os.path.dirname(__file__)

SUMS = """
sys.path.insert(0, sys.argv[1])
import hashlib
import chainrule.distributed.mpi_ranks as module
from test_distributed import added_up, hostile
module.PIECE = 10_000  # so that long arrays come in several
for dtype in ("f4", "f8"):
    for n in (1, 5, 10_003):
        total = added_up(ranks, hostile(8, n, dtype))
        if ranks.rank == ranks.size - 1:
            print(hashlib.sha256(total).hexdigest(), flush=True)
"""


@pytest.mark.parametrize("size", [2, 3, 4])
def test_sums_have_the_bits_of_the_tree(size):
    done = on_ranks(size, SUMS, HERE)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == [
        hashlib.sha256(recursively(list(hostile(8, n, dtype)))).hexdigest()
        for dtype in ("f4", "f8")
        for n in (1, 5, 10_003)
    ]


VALUES = """
assert ranks.values(("x" * ranks.rank, ranks.rank)) == [("x" * k, k) for k in range(3)]
assert ranks.first(np.arange(10**6 * (ranks.rank + 1))).size == 10**6
found = ranks.deal([np.ones((k + ranks.rank, 2), "?") for k in range(3)])
assert [a.shape for a in found] == [(ranks.rank + k, 2) for k in range(3)]
for own in (np.float64(1), np.zeros((0, 3)), np.array(["a"]), np.datetime64("2020-01-01")):
    assert [(a.dtype, a.shape) for a in ranks.gather(own)] == [(own.dtype, own.shape)] * 3
own = np.array([[ranks.rank, 0.5]], "f4")
ranks.reduce(own)
assert own.tolist() == [[3.0, 1.5]]
from chainrule.distributed import as_ranks
assert as_ranks(MPI.COMM_WORLD) is as_ranks(MPI.COMM_WORLD) is not as_ranks(MPI.COMM_SELF)
"""


def test_all_kinds_of_arrays_and_values_come_as_they_were_sent():
    done = on_ranks(3, VALUES)
    assert (done.returncode, done.stderr) == (0, "")


BARRIERS = "\nranks.barrier(); ranks.barrier()"
IN_ONE = "if ranks.rank == 1: raise ValueError('spoilt')"
TROUBLE = {
    "before": (IN_ONE + BARRIERS, "ValueError: spoilt\non rank 1 of 3"),
    "between": (
        f"with ranks.together():\n ranks.barrier()\n {IN_ONE}\n ranks.barrier()",
        "ValueError: spoilt\non rank 1 of 3",
    ),
    "after": (
        f"with ranks.together():\n ranks.barrier()\n {IN_ONE}",
        "ValueError: spoilt\non rank 1 of 3",
    ),
    "in a swap": (
        "ranks.gather(np.array([object() if ranks.rank == 1 else 3]))",
        "TypeError: .*\non rank 1 of 3",
    ),
    "while others work": (
        f"with ranks.together():\n {IN_ONE}\n while True: sum(range(1000))",
        "ValueError: spoilt\non rank 1 of 3",
    ),
    "on all": ("raise ValueError(f'spoilt {ranks.rank}')", "ValueError: spoilt 0\non rank 0 of 3"),
    "left": (
        "if ranks.rank == 1: sys.exit(0)" + BARRIERS,
        "RankError: rank 1 has ended, .*",
    ),
    "asleep": (
        "if ranks.rank == 1: time.sleep(100)" + BARRIERS,
        "RankError: rank 1 has not answered for 2 s",
    ),
    "stopped": (
        "if ranks.rank == 1: os.kill(os.getpid(), signal.SIGSTOP)" + BARRIERS,
        "RankError: rank 1 has not answered for 2 s",
    ),
    "asleep before a reduction": (
        "if ranks.rank == 1: time.sleep(100)\nranks.reduce(np.zeros(9))",
        "RankError: rank 1 has not answered for 2 s",
    ),
    "adding up other arrays": (
        "ranks.add_up(np.zeros((1, 10**5 + ranks.rank)), 4)",
        "ValueError: rank 1 adds up 100,001 numbers '<f8' in 4 shards, and rank 0 100,000 .*",
    ),
    "at other things": (
        "ranks.gather(np.zeros(1 + ranks.rank))" + BARRIERS,
        r"RankError: rank . sent (\d+ bytes, where \d+|more bytes than the \d+ that) .*",
    ),
}


@pytest.mark.parametrize("name", TROUBLE)
def test_trouble_of_one_rank_ends_all_with_one_message(name):
    code, message = TROUBLE[name]
    done = on_ranks(3, code, env={"CHAINRULE_MPI_TIMEOUT": "2"})
    assert done.returncode == 1
    assert done.stderr.count("Traceback") == 1, done.stderr
    assert re.search(f"^(chainrule.*)?{message}$", done.stderr, re.MULTILINE), done.stderr


CAUGHT = """
for turn in range(3):
    try:
        with ranks.together():
            if turn == 1 and ranks.rank == 1:  # it is ahead of the others, who get none of this
                ones = {k: np.ones(3) for k in ranks.others}
                ranks._begun(ones, ones)
            if turn == 2:
                time.sleep(ranks.rank * 0.3)  # by then it has heard of rank 0
            raise ValueError(f"{ranks.rank} in {turn}")
    except ValueError as error:
        assert str(error) == f"{ranks.rank} in {turn}"
        assert cr.distributed.is_silent(error) == (ranks.rank > 0)
    assert ranks.values(turn) == [turn] * ranks.size
"""


def test_what_all_ranks_raise_can_be_caught_and_gone_on_from():
    done = on_ranks(3, CAUGHT)
    assert (done.returncode, done.stderr) == (0, "")


BUSY = """
until = time.monotonic() + (4 if ranks.rank == 1 else 0)
while time.monotonic() < until: sum(range(1000))
ranks.barrier()
"""


def test_a_rank_that_works_for_long_is_waited_for():
    done = on_ranks(2, BUSY, env={"CHAINRULE_MPI_TIMEOUT": "2"})
    assert (done.returncode, done.stderr) == (0, "")


LOOP = """
print(ranks.rank, os.getpid(), flush=True)
while True: ranks.barrier()
"""


def pids(process, size):
    """The process of each rank of a job that prints them."""
    lines = [process.stdout.readline().split() for _ in range(size)]
    return {int(rank): int(pid) for rank, pid in lines}


def test_a_rank_that_is_killed_ends_the_job_and_is_named():
    process = job(3, sys.executable, "-c", PRELUDE + LOOP)
    os.kill(pids(process, 3)[1], signal.SIGKILL)
    done = ended(process, 15)
    assert done.returncode == 128 + signal.SIGKILL
    assert "rank 1" in done.stderr
    assert "Traceback" not in done.stderr


def gone(pid, seconds=5):
    """Whether a process has ended within seconds."""
    until = time.monotonic() + seconds
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < until:
        time.sleep(0.05)
    return not os.path.exists(f"/proc/{pid}")


def test_ctrl_c_ends_all_ranks():
    process = job(2, sys.executable, "-c", PRELUDE + LOOP)
    running = pids(process, 2)
    process.send_signal(signal.SIGINT)
    ended(process, 15)
    assert all(gone(pid) for pid in running.values())
