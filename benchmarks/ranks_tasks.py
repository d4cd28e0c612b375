"""What a process of Chainrule does in a job: its part of a training, or of a sum over all ranks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

import chainrule as cr
from cases import RATE, Case, problem
from interleaved import Start, in_one_call, repeated
from ranks_cases import SHARDS, Contestant, case_of

Ways = dict[str, Start]


def threads(title: str, contestant: Contestant) -> Ways:
    """One process without shards."""
    return training(case_of(title), slice(None), threads=contestant.cores)


def ranks(title: str, contestant: Contestant, **options: Any) -> Ways:
    """Shards, on one process or on several; each rank is given the rows that it has to have."""
    case = case_of(title)
    if not contestant.mpi:
        return training(case, slice(None), shards=SHARDS, threads=1)
    from mpi4py import MPI

    from chainrule.distributed import shards_of

    comm = MPI.COMM_WORLD
    own = shards_of(comm.rank, comm.size, SHARDS)
    first, last = (case.rows * shard // SHARDS for shard in (own.start, own.stop))
    return training(case, slice(first, last), comm=comm, shards=SHARDS, threads=1, **options)


def allreduce_ranks(title: str, contestant: Contestant) -> Ways:
    """As `ranks`, where the sums need not be the same on any number of ranks."""
    return ranks(title, contestant, reproducible=False)


def training(case: Case, rows: slice, **options: Any) -> Ways:
    """Each turn is one call of fit."""
    run = trainer(case, rows, **options)
    return {"fit": in_one_call(lambda: run)}


def trainer(case: Case, rows: slice, **options: Any) -> Callable[[int], float]:
    """Return what trains from the same parameters on some of the rows; the first loss counts."""
    given = problem(case)
    X, y = given.X[rows].copy(), given.y[rows].copy()

    def run(epochs: int) -> float:
        _, history = cr.fit(
            given.net,
            given.params,
            X,
            y,
            cr.Adam(RATE),
            epochs=epochs,
            batch_size=case.batch,
            engine="native",
            **options,
        )
        return history.loss[0]

    return run


def processor_time(title: str, _: Contestant) -> Ways:
    """One thread without shards, by a clock that stands while others have the processor."""
    run = trainer(case_of(title), slice(None), threads=1)
    return {"fit": in_one_call(lambda: run, time.process_time)}


def processor_time_of_call(title: str, _: Contestant) -> Ways:
    """A unit is a whole call of fit, for one epoch: what is paid before and after the steps."""
    run = trainer(case_of(title), slice(None), threads=1)
    return {"calls": repeated(lambda: run(1), time.process_time)}


def exchange(size: str, _: Contestant) -> Ways:
    """Sums of shards, added up in the fixed tree."""
    from mpi4py import MPI

    ranks = cr.Ranks(MPI.COMM_WORLD)
    sums = np.zeros((len(ranks.nodes(SHARDS)), int(size) // 4), np.float32)
    return {"calls": repeated(lambda: ranks.add_up(sums, SHARDS))}


def allreduce(size: str, _: Contestant) -> Ways:
    """The sum that MPI offers, whatever its order."""
    from mpi4py import MPI

    sums = np.zeros(int(size) // 4, np.float32)
    return {"calls": repeated(lambda: MPI.COMM_WORLD.Allreduce(MPI.IN_PLACE, sums))}
