"""How much a second thread gains or costs while other processes keep the cores busy.

    pip install '.[bench]' && python benchmarks/busy_machine.py
    python benchmarks/busy_machine.py --case 784-128-10 --busy 0 1 --rounds 3

Each engine is timed on one thread, on two, and Chainrule also with `threads` left out; beside it
run 0, 1 or 2 processes that only count. Printed is the time over that on one thread, the median of
the rounds' ratios, and Chainrule's, threads left out, over that of the best peer. On two cores.

Each engine has a process of its own, and JAX, where it cannot change, one for each number of
threads; they take turns.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib
import json
import statistics
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from cases import CASES, Case, problem
from interleaved import Entrant, Start
from peers import RESULTS, available, environment, hold_to, machine

HERE = Path(__file__).parent

TWO, LEFT_OUT = 2, None

WAYS: dict[str, list[list[int | None]]] = {
    "chainrule": [[1, TWO, LEFT_OUT]],
    "jax": [[1], [TWO]],
    "torch": [[1, TWO]],
    "sklearn": [[1, TWO]],
}
"""Of each engine its processes, and of each the numbers of threads that it is timed on."""

ONE_OF_JAX = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

NAMES = [
    "2-2-2",
    "4-16-3",
    "30-64-64-2",
    "784-128-10",
    "784-512-512-10",
    "256-1024-1024-1024-10",
    "4-32-16-4",
    "many-rows",
]

Times = dict[tuple[str, int | None], list[float]]


class Contestant:
    """A process of an engine, which makes a turn when it is told how."""

    def __init__(self, engine: str, case: str, threads: list[int | None]) -> None:
        self.engine, self.threads = engine, threads
        more = {"XLA_FLAGS": ONE_OF_JAX} if (engine, threads) == ("jax", [1]) else {}
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--turns-of", engine, "--case", case],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(2) | more,
        )

    def turn(self, threads: int | None) -> float | None:
        """Return the seconds of a unit of the work, or None where the engine cannot do it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(threads), file=self.process.stdin, flush=True)
        found: float | None = json.loads(self.process.stdout.readline())
        return found

    def end(self) -> None:
        """End the process."""
        self.process.communicate()


def on_threads(engine: str, threads: int | None) -> AbstractContextManager[Any]:
    """Hold libraries to a number of threads where the engine is not told of it."""
    if engine != "sklearn" or threads is None:
        return contextlib.nullcontext()
    return threadpool_limits(threads, user_api="blas")


def start_of(engine: str, case: Case, threads: int | None) -> Start | None:
    """Return how an engine begins a case on so many threads."""
    given, make = problem(case), getattr(importlib.import_module(f"with_{engine}"), case.task, None)
    if engine == "chainrule":
        make = functools.partial(make, threads=threads)
    ways: dict[str, Start] = make(given, threads or 2) if make else {}
    names = [name for name in ways if "threads" not in name or name.endswith(f": {threads}")]
    return ways[names[0]] if names else None


def make_turns(engine: str, case: Case) -> None:
    """Make a turn for each line that comes, which is a number of threads."""
    warnings.simplefilter("ignore")
    entrants: dict[int | None, Entrant | None] = {}
    for line in sys.stdin:
        threads = json.loads(line)
        with on_threads(engine, threads):
            if threads not in entrants:
                start = start_of(engine, case, threads)
                entrants[threads] = start and Entrant(start, 2 if case.trains else 1)
            entrant = entrants[threads]
            print(json.dumps(entrant and entrant.take_turn()), flush=True)


COUNT = """
import os
parent = os.getppid()
while os.getppid() == parent:
    for _ in range(10**7):
        pass
"""
"""What keeps a core busy, as long as the benchmark lives."""


@contextlib.contextmanager
def busy(processes: int) -> Iterator[None]:
    """Have so many processes count."""
    counting = [subprocess.Popen([sys.executable, "-c", COUNT]) for _ in range(processes)]
    try:
        yield
    finally:
        for each in counting:
            each.kill()
            each.wait()


def timed(case: Case, counts: list[int], rounds: int) -> dict[int, Times]:
    """Return the seconds of each turn, beside each number of processes."""
    contestants = [Contestant(e, case.name, each) for e, all_of in WAYS.items() for each in all_of]
    turns = [(each, threads) for each in contestants for threads in each.threads]
    for each, threads in turns:
        each.turn(threads)
    found: dict[int, Times] = {}
    for count in counts:
        times = found[count] = {}
        with busy(count):
            for _ in range(rounds):
                for each, threads in turns:
                    seconds = each.turn(threads)
                    if seconds is not None:
                        times.setdefault((each.engine, threads), []).append(seconds)
    for each in contestants:
        each.end()
    return found


def ratio(times: Times, of: tuple[str, int | None], over: tuple[str, int | None]) -> str:
    """Return the median of the rounds' ratios, or a dash where one of both was not timed."""
    if of not in times or over not in times:
        return "–"
    return f"{statistics.median(a / b for a, b in zip(times[of], times[over], strict=True)):.2f}"


HEAD = (
    "| case | busy | Chainrule, 2 threads | threads left out | JAX, 2 threads | PyTorch "
    "| scikit-learn | Chainrule over the best peer |\n|---|---|---|---|---|---|---|---|"
)


def row(case: Case, count: int, times: Times) -> str:
    """Return a row of the table."""
    ours = "chainrule", LEFT_OUT
    cells = [ratio(times, ("chainrule", 2), ("chainrule", 1)), ratio(times, ours, ("chainrule", 1))]
    cells += [ratio(times, (name, 2), (name, 1)) for name in ("jax", "torch", "sklearn")]
    peers = [statistics.median(each) for (name, _), each in times.items() if name != "chainrule"]
    cells.append(f"{statistics.median(times[ours]) / min(peers):.2f}" if peers else "–")
    return f"| {case.title} | {count} | {' | '.join(cells)} |"


def main() -> None:
    """Time the cases asked for, show each as it comes, and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=7, help="turns of each (7)")
    parser.add_argument("--case", nargs="+", choices=NAMES, default=NAMES, metavar="CASE")
    parser.add_argument("--busy", nargs="+", type=int, default=[0, 1, 2], help="processes (0 1 2)")
    parser.add_argument("--turns-of", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    cases = [case for case in CASES if case.name in options.case]
    if options.turns_of:
        return make_turns(options.turns_of, cases[0])
    hold_to(available()[-2:])
    lines = [HEAD]
    print(HEAD)
    for case in cases:
        for count, times in timed(case, options.busy, options.rounds).items():
            lines.append(row(case, count, times))
            print(lines[-1], flush=True)
    write(lines, options.rounds, whole=options.case == NAMES)
    return None


def write(lines: list[str], rounds: int, *, whole: bool) -> None:
    """Write the table, under another name where it is not of all cases."""
    on = ", ".join(f"{name}: {value}" for name, value in machine(2).items())
    path = RESULTS / ("busy_machine.md" if whole else "busy_machine-selection.md")
    title = "# A second thread while other processes keep the cores busy"
    about = f"Time over that on one thread, medians of {rounds} rounds. {on}."
    path.write_text("\n\n".join([title, about, "\n".join(lines)]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
