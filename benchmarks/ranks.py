"""Training on several processes, beside one and beside PyTorch's DistributedDataParallel.

    pip install '.[mpi,bench]' && python benchmarks/ranks.py
    python benchmarks/ranks.py --case '784-128-10, batch 256' --rounds 3
    python benchmarks/ranks.py --again exchange

Every case adds a line to `results/ranks.jsonl`; what stands there is not measured again, so that a
run that was stopped goes on. `--again` measures anew; of lines of the same case the last counts.
Contestants are jobs of one or several processes, which are held to cores, wait without taking any,
and take turns; the figures are medians, and the ratios medians of those within a round.

| file | what it is for |
|---|---|
| ranks | this command |
| ranks_cases | what is timed, who takes part, and what is asked |
| ranks_jobs | jobs of processes, which are told when to work |
| ranks_process | such a process |
| ranks_tasks, ranks_torch | what it does: Chainrule's part, and PyTorch's |
| ranks_report | what the lines say: `results/ranks.md` |
| ranks_model | a model of the time of a step, fitted to the lines: `results/ranks_model.md` |
| ranks_bits | the same bits on any number of ranks, after kills too: `results/ranks_bits.md` |
| ranks_table | 20 million rows on two ranks: `results/ranks_table.md` |
| ranks_alone | what one process without MPI pays: `results/ranks_alone.md` |
"""

from __future__ import annotations

import argparse
import contextlib
import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from interleaved import Entrant, fastest, take_turns
from peers import machine
from ranks_cases import ALONE, CASES, EXCHANGING, SIZES, TOGETHER, TRAINING, Contestant, case_of
from ranks_jobs import Job
from ranks_report import LINES, RESULTS, kept, markdown, shown

PAGE = RESULTS / "ranks.md"
PACKAGES = ("numpy", "chainrule", "mpi4py", "openmpi", "torch")

TRAINING_TURN, EPOCHS_AT_LEAST = 0.6, 2
"""Seconds of a turn of training, of which the first exchanges of a call are to be a small part."""

TOLERANCE = 0.05
"""By which the mean losses of the first epoch may differ: orders do, and parts of the rows."""

Line = dict[str, Any]


def measured(
    contestants: Iterable[Contestant], case: str, rounds: int, least: int, seconds: float
) -> Line:
    """Return the seconds of a unit in each round, and the ways that were the fastest."""
    with contextlib.ExitStack() as stack:
        jobs = {each.name: stack.enter_context(Job(each, case)) for each in contestants}
        chosen = {name: fastest(job.starts(), least, seconds) for name, job in jobs.items()}
        entrants = {name: entrant for name, (_, entrant) in chosen.items()}
        check_agreement(case, entrants)
        times = take_turns(entrants, rounds)
    ways = {name: way for name, (way, _) in chosen.items() if len(jobs[name].ways) > 1}
    return {"ways": ways, "seconds": times, "rounds": rounds, "machine": machine(2, PACKAGES)}


def check_agreement(case: str, entrants: dict[str, Entrant]) -> None:
    """Raise unless all computed the same: two ranks to the bit, the others nearly."""
    losses = {name: each.first for name, each in entrants.items() if each.first is not None}
    if not losses:
        return
    if losses[ALONE.name] != losses[TOGETHER.name]:
        raise AssertionError(f"{case}: two ranks came to another loss than one: {losses}")
    for name, loss in losses.items():
        np.testing.assert_allclose(loss, losses[ALONE.name], rtol=TOLERANCE, err_msg=name)


def training(title: str, rounds: int) -> Line:
    """Return the line of a case of training, in seconds a step."""
    line = measured(TRAINING, title, rounds, EPOCHS_AT_LEAST, TRAINING_TURN)
    steps = case_of(title).steps
    line["seconds"] = {name: [s / steps for s in each] for name, each in line["seconds"].items()}
    return line


def exchange(size: int, rounds: int) -> Line:
    """Return the line of an exchange of so many bytes, in seconds a call.

    Jobs of as many processes as cores take turns first: four on two cores disturb one another.
    """
    found: Line = {"seconds": {}}
    for processes in sorted({each.processes for each in EXCHANGING}):
        some = [each for each in EXCHANGING if each.processes == processes]
        line = measured(some, str(size), rounds, 5, 0.2)
        found = {**line, "seconds": found["seconds"] | line["seconds"]}
    return found


def wanted(options: argparse.Namespace) -> list[tuple[str, str]]:
    """Return the kind and the case of what is asked for and not measured yet."""
    cases = [("training", case.title) for case in CASES]
    cases += [("exchange", str(size)) for size in SIZES]
    made = kept(LINES)
    return [
        (kind, case)
        for kind, case in cases
        if kind in (options.kind or [kind])
        and case in (options.case or [case])
        and (kind in options.again or (kind, case) not in made)
    ]


def options_given() -> argparse.Namespace:
    """Return the options of the command."""
    kinds = ("training", "exchange")
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=7, help="turns of each contestant (7)")
    parser.add_argument("--kind", nargs="+", choices=kinds, help="measure these only")
    parser.add_argument(
        "--case", nargs="+", metavar="CASE", help=f"these only: {[c.title for c in CASES]}, bytes"
    )
    parser.add_argument("--again", nargs="+", choices=kinds, default=[], help="measure anew")
    parser.add_argument("--report", action="store_true", help="only write results/ranks.md")
    return parser.parse_args()


def main() -> None:
    """Measure what is missing, keep each line, and report where everything stands."""
    options = options_given()
    for kind, case in [] if options.report else wanted(options):
        found = training(case, options.rounds) if kind == "training" else None
        line = {"kind": kind, "case": case, **(found or exchange(int(case), options.rounds))}
        with LINES.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        print(shown(line), flush=True)
    PAGE.write_text(markdown(kept(LINES)), encoding="utf-8")
    print(f"The tables are in {PAGE}")


if __name__ == "__main__":
    main()
