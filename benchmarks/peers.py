"""Chainrule beside PyTorch, JAX and scikit-learn, each at its best: what `make bench` runs.

    pip install '.[bench]' && python benchmarks/peers.py
    python benchmarks/peers.py --case 784-128-10 --rounds 3

| file | what it is for |
|---|---|
| peers | this command: a process for each number of cores, and the results of all |
| cases | what is timed, and the goals |
| measure | that process: case by case, who takes part, and whether all compute the same |
| interleaved | the engines' turns, and how long they last |
| limit, limit.cpp | how long a case takes at least on this machine |
| with_chainrule, with_jax, with_torch, with_sklearn, plain_numpy | how each does each task |
| torch_layers | kinds of layer for PyTorch |
| report | ratios, goals and tables |
| busy_machine | another command: what a second thread gains or costs beside busy processes |
| misses | another command: where the time goes of the cases that miss a goal |

The process of each number of cores is held to them where the operating system can do that (Linux;
elsewhere, the libraries are told by environment variables, and Chainrule from Python 3.13 on). It
starts without the variables that choose the kernels of OpenBLAS and MKL or the number of threads,
so that these figures and the limit do not depend on them. It takes up to about 3 GB of memory.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from cases import CASES
from chainrule import engine
from chainrule.cli.checking import processor
from report import Record, goals_table, markdown, progress, results, summary

HERE = Path(__file__).parent
RESULTS = HERE / "results"

DROPPED = ("OPENBLAS_", "MKL_", "OMP_", "GOMP_", "KMP_", "XLA_", "JAX_")
"""Beginnings of the environment variables that the figures are not to depend on."""

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "PYTHON_CPU_COUNT")

PACKAGES = ("numpy", "chainrule", "jax", "torch", "scikit-learn")


def environment(cores: int) -> dict[str, str]:
    """Return the environment variables of a process with some cores."""
    kept = {name: v for name, v in os.environ.items() if not name.startswith(DROPPED)}
    return kept | dict.fromkeys(THREADS, str(cores)) | {"JAX_PLATFORMS": "cpu"}


def available() -> list[int]:
    """Return the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def hold_to(cores: list[int]) -> None:
    """Hold this process, and those that it starts, to some cores, where that can be."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)


def measured(
    cores: list[int],
    rounds: int,
    names: list[str],
    script: str = "measure.py",
    more: Sequence[str] = (),
) -> Iterator[Record]:
    """Yield the records of a process that is held to some cores; raise where it fails."""
    hold_to(cores)
    options = [f"--cores={len(cores)}", f"--rounds={rounds}", *more, "--case", *names]
    with subprocess.Popen(
        [sys.executable, str(HERE / script), *options],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(len(cores)),
    ) as process:
        assert process.stdout is not None
        yield from map(json.loads, process.stdout)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, script)


def machine(cores: int, packages: Sequence[str] = PACKAGES) -> dict[str, str]:
    """Return what the figures were measured on and with."""
    versions = {name: version(name) for name in packages}
    return {
        "processor": processor(),
        "cores used": f"1 to {cores}" if cores > 1 else "1",
        "instruction set of the engine": engine.isa,
        "Python": sys.version.split()[0],
        **versions,
    }


def options_given() -> argparse.Namespace:
    """Return the options of the command."""
    names = [case.name for case in CASES]
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=7, help="turns of each engine (7)")
    parser.add_argument("--cores", nargs="+", type=int, choices=(1, 2), default=[1, 2])
    parser.add_argument(
        "--case",
        nargs="+",
        choices=names,
        default=names,
        metavar="CASE",
        help=f"time these only: {', '.join(names)}",
    )
    return parser.parse_args()


def run(records: list[Record], rounds: int, names: list[str], counts: list[int]) -> None:
    """Measure with each number of cores; show each record as it comes, and enter it."""
    cores = available()
    try:
        for count in counts:
            if count > len(cores):
                print(f"There are no {count} cores here, only {len(cores)}.")
                continue
            for record in measured(cores[-count:], rounds, names):
                records.append(record)
                print(progress(record), flush=True)
    finally:
        hold_to(cores)


def write(records: list[Record], rounds: int) -> Path:
    """Write the results, under another name where they are not of all cases; return the path."""
    whole = len(records) == sum(len(case.goals) for case in CASES)
    path = RESULTS / ("peers.md" if whole else "peers-selection.md")
    given = records, machine(max(record["cores"] for record in records)), rounds
    RESULTS.mkdir(exist_ok=True)
    path.write_text(markdown(*given), encoding="utf-8")
    text = json.dumps(results(*given), indent=1) + "\n"
    path.with_suffix(".json").write_text(text, encoding="utf-8")
    return path


def main() -> None:
    """Run the cases, show each as it comes, and write the results."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # for ≥ in a pipe on Windows
    options = options_given()
    began, failure = time.monotonic(), None
    records: list[Record] = []
    try:
        run(records, options.rounds, options.case, options.cores)
    except subprocess.CalledProcessError as error:
        failure = error  # and what there is by then is written
    if records:
        path = write(records, options.rounds)
        minutes = (time.monotonic() - began) / 60
        print(f"\n{processor()}\n{goals_table(records)}\n\n{summary(records)}")
        print(f"{minutes:.1f} minutes; the table is in {path.relative_to(HERE.parent)}")
    if failure or not records:
        raise SystemExit(str(failure or "No case was timed: see the goals in cases.py."))


if __name__ == "__main__":
    main()
