"""What the benchmarks of several processes time, who takes part, and what is asked.

Training: a unit of the work is an epoch, of all rows; the figures are for one step. Exchange: a
unit is one sum over all processes, of so many bytes of float32 on each.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from cases import DIGITS, Case

SHARDS = 8
"""Of which the sums of gradients are made, on one process and on several."""


@dataclass(frozen=True)
class Contestant:
    """Processes that work together, each held to a core of its own; one alone has all of them."""

    name: str
    task: str
    """The function of `ranks_tasks.py` or `ranks_torch.py` that does the work."""
    processes: int = 1
    cores: int = 1
    mpi: bool = False

    @property
    def torch(self) -> bool:
        """Whether it is PyTorch that works."""
        return self.task.startswith("torch")


ALONE = Contestant("1 rank", "ranks")
TOGETHER = Contestant("2 ranks", "ranks", 2, 2, mpi=True)
DDP = Contestant("DistributedDataParallel", "torch_ranks", 2, 2)

TRAINING = (
    Contestant("1 thread", "threads"),
    Contestant("2 threads", "threads", cores=2),
    ALONE,
    TOGETHER,
    Contestant("2 ranks, Allreduce", "allreduce_ranks", 2, 2, mpi=True),
    Contestant("PyTorch, 1 thread", "torch_threads"),
    Contestant("PyTorch, 2 threads", "torch_threads", cores=2),
    DDP,
)
"""Those of "thread" have one process without shards, as it was before there were ranks."""

EXCHANGING = tuple(
    Contestant(f"{name}, {processes} ranks", task, processes, 2, mpi=not task.startswith("torch"))
    for processes in (2, 4)
    for name, task in (
        ("fixed tree", "exchange"),
        ("Allreduce", "allreduce"),
        ("gloo", "torch_exchange"),
    )
)
"""Four processes on two cores wait for one another: they show that it works, not how fast."""

CASES = (
    Case("30-64-64-2", (30, 64, 64, 2), 25_600, 256),
    Case("784-128-10", DIGITS, 12_800, 64),
    Case("784-128-10", DIGITS, 12_800, 256),
    Case("784-128-10", DIGITS, 20_480, 1024),
    Case("784-512-512-10", (784, 512, 512, 10), 5_120, 256),
    Case("784-512-512-10", (784, 512, 512, 10), 10_240, 1024),
    Case("256-1024-1024-1024-10", (256, 1024, 1024, 1024, 10), 4_096, 1024),
)

PROCESS = Contestant("its processor time", "processor_time")
CALL = Contestant("that of a call", "processor_time_of_call")
ALONE_CASES = (
    Case("4-16-3", (4, 16, 3), 16_000, 16),
    Case("30-64-64-2", (30, 64, 64, 2), 16_000, 32),
    Case("784-128-10", DIGITS, 12_800, 128),
    Case("one-call", (4, 16, 3), 64, 16, note="a call of fit on 64 rows"),
)
"""By which one process without MPI is compared with what it was before."""

SIZES = tuple(2**k for k in range(10, 27, 2))
"""Bytes of an exchange: 1 kB to 64 MB."""

EFFICIENCY = {"784-512-512-10, batch 1024": 0.9}
"""At least so much of two cores' worth is to come out of two ranks."""

TIMES_DDP = {"784-128-10, batch 256": 1.5}
"""At least so many times as fast as DistributedDataParallel."""


def parameters(case: Case) -> int:
    """Return how many parameters a network of dense layers has."""
    return sum((i + 1) * o for i, o in itertools.pairwise(case.sizes))


def case_of(title: str) -> Case:
    """Return the case with a title."""
    return next(case for case in (*CASES, *ALONE_CASES) if case.title == title)


def contestant_of(name: str) -> Contestant:
    """Return the contestant with a name."""
    return next(each for each in (*TRAINING, *EXCHANGING, PROCESS, CALL) if each.name == name)
