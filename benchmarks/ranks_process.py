"""One process of a job: does the work of a case when it is told to, and says how long it took.

    python ranks_process.py SOCKET CONTESTANT CASE

It is told, by lines of JSON, a way to begin with, then numbers of units to do. It answers with the
names of its ways, with nothing, and with the seconds of a unit and its result.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import warnings
from typing import Any

RANK = int(os.environ.get("OMPI_COMM_WORLD_RANK", os.environ.get("RANK", "0")))


def hold_to_own_core(processes: int) -> None:
    """Hold this process to its core, before libraries start threads; one alone has them all."""
    cores = list(map(int, os.environ["BENCHMARK_CORES"].split(",")))
    own = cores if processes == 1 else [cores[RANK % len(cores)]]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, own)


def answer(lines: Any, ways: dict[str, Any]) -> None:
    """Do what is asked for until there are no more lines."""
    print(json.dumps(list(ways)), file=lines, flush=True)
    turn: Any = None
    for order in map(json.loads, lines):
        if isinstance(order, str):
            turn, done = ways[order](), None
        else:
            done = turn(order)
        print(json.dumps(done), file=lines, flush=True)


def main() -> None:
    """Connect first, so that whoever started this hears of its end."""
    address, name, case = sys.argv[1:]
    from ranks_cases import contestant_of

    contestant = contestant_of(name)
    hold_to_own_core(contestant.processes)
    warnings.simplefilter("ignore")
    if contestant.torch:
        import ranks_torch as tasks
    else:
        import ranks_tasks as tasks
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        with connection.makefile("rw", encoding="utf-8") as lines:
            answer(lines, getattr(tasks, contestant.task)(case, contestant))


if __name__ == "__main__":
    main()
