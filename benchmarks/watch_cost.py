"""What `cr.Watch` costs a training: fits with it and without it that take turns.

The time is that of the processor, of all threads of this process, which train in one thread; of
each way it is the least of rounds in turns, since other processes only add to it. The verdict at
the end is counted. What `cr.Watch(share=1)` costs, which looks after each
epoch, stands beside it. The result goes to `benchmarks/results/watch_cost.md`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import chainrule as cr
from chainrule import engine
from chainrule.cli.checking import processor

RESULTS = Path(__file__).parent / "results" / "watch_cost.md"
GOAL = 0.05


class Case(NamedTuple):
    """A training: the sizes of its layers, the examples, the batch and the epochs."""

    sizes: tuple[int, ...]
    rows: int
    batch: int
    epochs: int

    @property
    def name(self) -> str:
        return "-".join(map(str, self.sizes))


CASES = (
    Case((784, 128, 10), 60_000, 64, 5),
    Case((784, 128, 10), 6_400, 64, 30),
    Case((30, 64, 64, 2), 10_000, 64, 100),
    Case((4, 16, 3), 150, 32, 2_000),
)
"""The first has the goal; the others are smaller, where looking costs more beside a step."""


def trainings(case: Case) -> Callable[[list[Any]], float]:
    """Return what trains with callbacks, and gives the seconds."""
    inputs, *hidden, outputs = case.sizes
    rng = np.random.default_rng(0)
    X = rng.random((case.rows, inputs), np.float32)
    y = np.argmax(
        X[:, :outputs] if inputs >= outputs else X @ rng.random((inputs, outputs)), axis=1
    )
    layers = [*[cr.Dense(width, "relu") for width in hidden], cr.Dense(outputs)]
    net = cr.Network(inputs, layers, "cross_entropy")
    params = net.init(0)

    def train(callbacks: list[Any]) -> float:
        began = time.process_time()
        cr.fit(
            net, params, X, y, cr.Adam(1e-3), epochs=case.epochs, batch_size=case.batch, threads=1,
            callbacks=callbacks,
        )  # fmt: skip
        return time.process_time() - began

    return train


def measured(case: Case, rounds: int) -> tuple[float, float, float, int]:
    """Return seconds without one, what one costs, also at each epoch, and how often it looks."""
    train = trainings(case)
    train([])
    plain, watched, each, looks = [], [], [], 0
    for _ in range(rounds):
        watch = cr.Watch(None)
        plain.append(train([]))
        watched.append(train([watch]))
        each.append(train([cr.Watch(None, share=1)]))
        looks = len(watch.looks)
    least = min(plain)
    return least, min(watched) / least - 1, min(each) / least - 1, looks


def main() -> None:
    """Print the table, and write it to the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    lines = [
        "# What `cr.Watch` costs",
        "",
        __doc__.partition("\n")[2].strip(),
        "",
        f"On {processor()}, {engine.cores()} cores, {options.rounds} rounds.",
        "",
        f"| network | rows | batch | epochs | s | with `cr.Watch`, goal ≤ {GOAL:.0%} | looks | "
        "at each epoch |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for case in CASES:
        seconds, share, each, looks = measured(case, options.rounds)
        lines.append(
            f"| {case.name} | {case.rows:,} | {case.batch} | {case.epochs:,} | {seconds:.2f} | "
            f"{share:+.1%} | {looks} | {each:+.1%} |"
        )
        print(lines[-1], flush=True)
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
