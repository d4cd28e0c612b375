"""What one process without MPI pays for ranks: its import and its training, against those before.

    git worktree add /tmp/before b5714f47 && make -C /tmp/before .venv/.installed
    python benchmarks/ranks_alone.py --before /tmp/before/.venv/bin/python

Both take turns, and the ratios are medians of those within a round. Times are those of the
processor, which others on the machine disturb less; an import is that of a process of its own, from
the start of Python to its end.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
from pathlib import Path

from interleaved import Entrant, take_turns
from peers import available, environment, hold_to, machine
from ranks_cases import ALONE_CASES, CALL, PROCESS
from ranks_jobs import Job
from report import number, row

PAGE = Path(__file__).parent / "results" / "ranks_alone.md"
IMPORT = ["-c", "import chainrule, sys; sys.exit('mpi4py' in sys.modules)"]

Times = dict[str, list[float]]


def imports(pythons: dict[str, str], rounds: int) -> Times:
    """Return the seconds of an import by each; the first, which may compile, does not count."""
    times: Times = {name: [] for name in pythons}
    for k in range(-1, rounds):
        for name in sorted(pythons, reverse=k % 2 == 0):
            process = subprocess.Popen([pythons[name], *IMPORT], env=environment(1))
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                raise SystemExit(f"{pythons[name]} failed, or loads mpi4py at `import chainrule`")
            if k >= 0:
                times[name].append(usage.ru_utime + usage.ru_stime)
    return times


def trainings(title: str, pythons: dict[str, str], rounds: int) -> Times:
    """Return the seconds of an epoch, or of a call, by each."""
    contestant = CALL if title.startswith("one-call") else PROCESS
    with contextlib.ExitStack() as stack:
        jobs = {
            name: stack.enter_context(Job(contestant, title, python))
            for name, python in pythons.items()
        }
        starts = {name: next(iter(job.starts().values())) for name, job in jobs.items()}
        return take_turns({name: Entrant(start, 2) for name, start in starts.items()}, rounds)


def line(what: str, times: Times) -> str:
    """Return the row of a comparison: medians in milliseconds, their ratio, and how it varies."""
    ratios = [b / a for a, b in zip(times["before"], times["now"], strict=True)]
    quarters = statistics.quantiles(ratios, n=4)
    medians = [number(1e3 * statistics.median(times[name])) for name in ("before", "now")]
    figure = f"{statistics.median(ratios):.3f}"
    return row([what, *medians, figure, f"{quarters[0]:.3f} to {quarters[2]:.3f}"])


def main() -> None:
    """Measure, print the table, and write it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--before", required=True, metavar="PYTHON", help="with the package before")
    parser.add_argument("--now", default=sys.executable, metavar="PYTHON", help="with that of now")
    parser.add_argument("--rounds", type=int, default=21)
    options = parser.parse_args()
    pythons = {"before": options.before, "now": options.now}
    hold_to(available()[-1:])
    head = ["one process", "before, ms", "now, ms", "now / before", "the middle half"]
    lines = [row(head), row(["---"] * len(head))]
    lines.append(line("import chainrule", imports(pythons, options.rounds)))
    print(lines[-1], flush=True)
    for case in ALONE_CASES:
        lines.append(line(case.title, trainings(case.title, pythons, options.rounds)))
        print(lines[-1], flush=True)
    ground = [f"- {name}: {each}" for name, each in machine(1, ("numpy", "chainrule")).items()]
    note = (
        "Processor time: medians, and medians of ratios within a round. The import loads no mpi4py."
    )
    text = ["# One process without MPI, before there were ranks and now", "", note, "", *ground]
    PAGE.write_text("\n".join([*text, "", *lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
