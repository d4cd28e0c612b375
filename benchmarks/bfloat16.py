"""A step of training with products in bfloat16, beside float32 and beside PyTorch's autocast.

    python benchmarks/bfloat16.py
    python benchmarks/bfloat16.py --case 784-512-512-10 --rounds 5

On one thread, by the time of the process on its core, in turns. What it costs in accuracy is what
`bfloat16_accuracy.py` measures.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import time
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn

import chainrule as cr
import with_torch
from cases import CASES, RATE, Case, Problem, problem
from chainrule.cli.checking import processor
from chainrule.engine import bfloat16
from interleaved import Entrant, Start, in_one_call, take_turns
from limit import fma_rate

RESULTS = Path(__file__).parent / "results" / "bfloat16.md"

SHOWN = ("30-64-64-2", "784-128-10", "784-512-512-10", "256-1024-1024-1024-10")


class Autocast(nn.Module):
    """A network whose products PyTorch makes in bfloat16."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Any) -> Any:
        """Return the outputs in float32."""
        with torch.autocast("cpu", torch.bfloat16):
            return self.net(x).float()


def ways(given: Problem) -> dict[str, Start]:
    """Return who takes turns."""
    of_torch = functools.partial(with_torch.begin, given, 1)
    begun = {
        "float32": lambda: functools.partial(fit, given, None),
        "bfloat16": lambda: functools.partial(fit, given, "bfloat16"),
        "PyTorch": lambda: of_torch(with_torch.network),
        "PyTorch, autocast": lambda: of_torch(lambda p: Autocast(with_torch.network(p))),
    }
    return {name: in_one_call(begin, time.process_time) for name, begin in begun.items()}


def fit(given: Problem, precision: str | None, epochs: int) -> None:
    """Make epochs, from the beginning."""
    cr.fit(
        *given[1:],
        cr.Adam(RATE),
        epochs=epochs,
        batch_size=given.case.batch,
        engine="native",
        threads=1,
        precision=precision,
    )


def line(case: Case, rounds: int) -> str:
    """Return the row of a case: medians of the rounds, and of their ratios."""
    given = problem(case)
    times = take_turns({name: Entrant(way, 2) for name, way in ways(given).items()}, rounds)
    figures = [statistics.median(each) * case.scale for each in times.values()]

    def ratio(name: str) -> str:
        both = zip(times[name], times["bfloat16"], strict=True)
        return f"{statistics.median(other / own for other, own in both):.2f}"

    cells = [case.title, *(f"{figure:,.1f}" for figure in figures)]
    return " | ".join(["", *cells, ratio("float32"), ratio("PyTorch, autocast"), ""]).strip()


HEADING = """\
| network | float32 | bfloat16 | PyTorch | PyTorch, autocast | × float32 | × autocast |
|---|---|---|---|---|---|---|"""


def main() -> None:
    """Write the table, and print it as it comes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--case", nargs="+", default=SHOWN, choices=SHOWN)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    if bfloat16.missing():
        print(f"No products in bfloat16: {bfloat16.missing()}.")
        return
    warnings.simplefilter("ignore")
    lines = [
        "# Products in bfloat16",
        "",
        f"Microseconds a step with Adam, on one thread of {processor()} at",
        f"{fma_rate() / 1e9:.0f} GFLOP/s of float32 in registers, by process time; others may "
        "be at work beside it, and the ratios count. Written by "
        "`benchmarks/bfloat16.py`.",
        "",
        HEADING,
    ]
    print("\n".join(lines), flush=True)
    for case in CASES:
        if case.name in options.case:
            lines.append(line(case, options.rounds))
            print(lines[-1], flush=True)
    if tuple(options.case) == SHOWN:
        RESULTS.write_text("\n".join([*lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
