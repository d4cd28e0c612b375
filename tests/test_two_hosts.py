"""Ranks on two hosts, which are network namespaces of this machine: over the link, and without."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mpi_jobs import ENVIRONMENT, PRELUDE, needs_mpi

TWO_HOSTS = Path(__file__).parents[1] / "benchmarks" / "two_hosts.py"


def namespaces_work():
    """Whether this process may make network namespaces."""
    name = f"test-{os.getpid()}"
    if sys.platform != "linux" or os.geteuid() or not shutil.which("ip"):
        return False
    made = subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True)
    return (
        made.returncode == 0
        and not subprocess.run(["ip", "netns", "del", name], check=False).returncode
    )


pytestmark = [
    needs_mpi,
    pytest.mark.skipif(
        not namespaces_work(), reason="needs Linux, root, and ip with network namespaces"
    ),
]

STEPS = """
print(ranks.rank, flush=True)
until = time.monotonic() + float(sys.argv[1])
while ranks.first(time.monotonic() < until):
    sums = np.full((1, 100_000), ranks.rank + 1.0, "f4")
    ranks.add_up(sums, 2)
    assert set(sums[0]) == {3.0}
"""


def on_two_hosts(seconds, *options):
    command = [sys.executable, "-c", PRELUDE + STEPS, str(seconds)]
    return subprocess.run(
        [sys.executable, TWO_HOSTS, *options, "--", *command],
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
        env={**os.environ, **ENVIRONMENT, "CHAINRULE_MPI_TIMEOUT": "2"},
    )


def test_what_ranks_send_goes_over_the_link():
    done = on_two_hosts(0.2)
    assert done.returncode == 0, done.stderr
    over = int(re.search(r"([\d,]+) bytes over the link", done.stderr)[1].replace(",", ""))
    assert over > 2 * 400_000


def test_a_link_that_is_cut_ends_the_job_with_a_word():
    done = on_two_hosts(1_000, "--cut-after", "0.1")
    assert done.returncode
    assert re.search("RankError: rank 1 has not answered for 2 s", done.stderr), done.stderr
