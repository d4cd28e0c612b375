r"""Where the time of the cases goes that miss a goal: the share of each phase, by samples.

    python benchmarks/misses.py
    python benchmarks/misses.py --case 2-2-2 4-16-3

prints the tables of `results/misses.md`, of one core. It needs Linux, `perf`, and an engine with
symbols and frame pointers, which `pip install .` alone does not build:

    CMAKE_ARGS='"-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O3 -DNDEBUG -fno-omit-frame-pointer"' \
        pip install . -C cmake.build-type=RelWithDebInfo -C install.strip=false

A sample counts for the first of PHASES that knows the function it fell on, or else the one that
called that, and so on.
"""

from __future__ import annotations

import argparse
import collections
import re
import subprocess
import sys
import tempfile
import time

import chainrule as cr
import with_chainrule
from cases import CASES, Case, problem
from limit import fma_rate, terms
from peers import available, hold_to
from report import number, row

SECONDS, RATE = 3, 4000
"""How long a case is looked at, and how many samples a second are taken."""

PHASES = {
    "activations": "activate_tile|slope_tile|activate<",
    "loss": "narrow_rows|softmax_row|loss_row",
    "products backward": "pass_back|narrow_strip|narrow_product_back",
    "dW": "tile_of_columns|tile_of_packed|narrow_tile|narrow_gradient|pack_columns|pack_rows",
    "products forward": "forward_rows|narrow_block|weighted_inputs|pass_row",
    "Wᵀ": "transpose",
    "update, and what leads to dW": "train_affine|::train<|Updates<|add_up",
    "layers of other kinds": "Piecewise|Embedding|Scale<|Add<",
}
"""Of each phase the functions that it is known by."""

MISSES = (
    "2-2-2",
    "4-16-3",
    "30-64-64-2",
    "784-128-10",
    "784-512-512-10",
    "4-32-16-4",
    "table",
    "one-row",
)
"""The cases that are looked at."""


def keep_busy(case: Case) -> None:
    """Say how many microseconds a step or row takes, then do the case's work without end."""
    given = problem(case)
    if case.task == "predict_row":
        units = figures = 50_000
        some = lambda: [cr.predict(given.net, given.params, given.X) for _ in range(units)]  # noqa: E731
    else:
        turn = with_chainrule.train(given, 1, threads=1)["fit"]()
        turn(1)
        units = max(1, round(0.3 / turn(1)[0]))
        figures, some = units * case.steps, lambda: turn(units)
    some()
    began = time.process_time()
    some()
    print(1e6 * (time.process_time() - began) / figures, flush=True)
    while True:
        some()


def look_at(case: Case) -> tuple[float, list[str]]:
    """Return the microseconds of a step or row, and the stack of functions of each sample."""
    command = [sys.executable, __file__, "--keep-busy", case.name]
    with (
        tempfile.NamedTemporaryFile() as file,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process,
    ):
        try:
            took = float(process.stdout.readline())  # type: ignore[union-attr]
            how = ["-e", "cpu-clock:u", "-F", str(RATE), "--call-graph", "fp", "-o", file.name]
            record = ["perf", "record", "-q", *how, "-p", str(process.pid), "sleep", str(SECONDS)]
            subprocess.run(record, check=True, capture_output=True)
        finally:
            process.kill()
        shown = ["perf", "script", "-i", file.name, "-F", "ip,sym"]
        found = subprocess.run(shown, check=True, capture_output=True, text=True).stdout
    return took, found.strip().split("\n\n")


def phase_of(stack: str) -> str:
    """Return the phase that a sample counts for."""
    own = [function for function in stack.splitlines() if "chainrule::" in function]
    for function in own:
        for name, known_by in PHASES.items():
            if re.search(known_by, function):
                return name
    return "bookkeeping" if own else "the call from Python"


def profile(case: Case) -> str:
    """Return the section of a case."""
    took, stacks = look_at(case)
    least = {name: 1e6 * seconds for name, seconds in terms(case).items() if seconds}
    parts = ", ".join(f"{name} {number(part)}" for name, part in least.items())
    lines = [
        f"## {case.title}\n",
        f"{number(took)} microseconds, at {fma_rate() / 1e9:.0f} GFLOP/s in registers. "
        f"The limit: {number(sum(least.values()))} = {parts}.\n",
        row(["phase", "share", "microseconds"]),
        row(["---", "---:", "---:"]),
    ]
    for name, count in collections.Counter(map(phase_of, stacks)).most_common():
        share = count / len(stacks)
        lines.append(row([name, f"{100 * share:.1f} %", number(took * share)]))
    return "\n".join([*lines, ""])


def main() -> None:
    """Look at cases, and print where their time goes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--case", nargs="+", choices=MISSES, default=MISSES)
    parser.add_argument("--keep-busy", help=argparse.SUPPRESS)
    options = parser.parse_args()
    by_name = {case.name: case for case in CASES}
    hold_to(available()[:1])
    if options.keep_busy:
        keep_busy(by_name[options.keep_busy])
    for name in options.case:
        print(profile(by_name[name]), flush=True)


if __name__ == "__main__":
    main()
