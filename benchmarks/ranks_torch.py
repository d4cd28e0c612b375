"""What a process of PyTorch does in a job: its part of a training, or of a sum by gloo.

DistributedDataParallel has one bucket that stays (a static graph), gradients that are views of it,
and the fused Adam; whether the gradients are set to zero or let go is tried, and so is it without
these options. Rows lie in memory of their own, into which each epoch's order is copied.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import torch
from torch import distributed
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

from cases import RATE, Problem, problem
from interleaved import Start, in_one_call, repeated
from ranks_cases import Contestant, case_of
from with_torch import network

Ways = dict[str, Start]


def torch_threads(title: str, contestant: Contestant) -> Ways:
    """One process, without anything distributed."""
    given = problem(case_of(title))
    return {
        "fused Adam": in_one_call(
            lambda: begin(given, slice(None), given.case.batch, contestant.cores, lambda net: net)
        )
    }


def torch_ranks(title: str, contestant: Contestant) -> Ways:
    """A process for each part of the rows, and of each batch."""
    join(contestant)
    given, parts = problem(case_of(title)), contestant.processes
    own = slice(distributed.get_rank(), None, parts)

    def way(to_none: bool, **options: Any) -> Start:
        def wrapped(net: Any) -> Any:
            return DistributedDataParallel(net, **options)

        return in_one_call(
            lambda: begin(given, own, given.case.batch // parts, 1, wrapped, to_none)
        )

    best = {"static_graph": True, "gradient_as_bucket_view": True}
    return {
        "static graph, views of the bucket, set to zero": way(False, **best),
        "static graph, views of the bucket, let go": way(True, **best),
        "as it comes": way(True),
    }


def begin(
    given: Problem,
    rows: slice,
    batch: int,
    cores: int,
    wrapped: Callable[[Any], Any],
    to_none: bool = True,
) -> Callable[[int], float]:
    """Return what trains for some epochs and returns the mean loss of the first."""
    torch.set_num_threads(cores)
    X, y = torch.from_numpy(given.X)[rows].clone(), torch.from_numpy(given.y)[rows].clone()
    Z, t = torch.empty_like(X), torch.empty_like(y)
    net = wrapped(network(given))
    optimizer = torch.optim.Adam(net.parameters(), lr=RATE, fused=True)

    def epoch() -> float:
        order, total = torch.randperm(len(X)), 0.0
        torch.index_select(X, 0, order, out=Z)
        torch.index_select(y, 0, order, out=t)
        for x, labels in zip(Z.split(batch), t.split(batch), strict=True):
            optimizer.zero_grad(set_to_none=to_none)
            cost = cross_entropy(net(x), labels)
            cost.backward()
            optimizer.step()
            total += cost.item()
        return total / given.case.steps

    def run(epochs: int) -> float:
        first, *_ = [epoch() for _ in range(epochs)]
        return first

    return run


def torch_exchange(size: str, contestant: Contestant) -> Ways:
    """The sum over all processes by gloo."""
    join(contestant)
    sums = torch.zeros(int(size) // 4)
    return {"calls": repeated(lambda: distributed.all_reduce(sums))}


def join(contestant: Contestant) -> None:
    """Meet the other processes by a file."""
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo",
        init_method=f"file://{os.environ['BENCHMARK_STORE']}",
        rank=int(os.environ["RANK"]),
        world_size=contestant.processes,
    )
