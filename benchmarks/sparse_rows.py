"""Training on sparse rows beside dense ones, and beside scikit-learn's MLPClassifier on the same.

A step's time is what each further epoch takes, by the time of this thread alone; the three take
turns, and the least counts. Memory is the most that a process of its own takes, on top of what it
has before, for the examples, the network and an epoch.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

import chainrule as cr
from chainrule.cli.checking import processor

ROWS, CLASSES = 50_000, 10
"""The examples of a fit whose memory is measured."""

STEPS = 20
"""The steps of an epoch whose time is."""


class Case(NamedTuple):
    """How many inputs there are, which share of their numbers is not 0, and the network's sizes."""

    inputs: int
    density: float
    hidden: int
    batch: int

    def __str__(self) -> str:
        sizes = f"{self.inputs}-{self.hidden}-{CLASSES}, batch {self.batch}"
        return f"{sizes}, {100 * self.density:g} %"

    def rows(self, n: int) -> tuple[Any, Any]:
        """Return sparse rows, each with as many entries, spread over the columns, and labels."""
        rng, each = np.random.default_rng(0), round(self.inputs * self.density)
        columns = rng.integers(self.inputs // each, size=(n, each), dtype=np.int32)
        columns += np.arange(each, dtype=np.int32) * (self.inputs // each)
        values = rng.random(n * each, np.float32)
        parts = values, columns.ravel(), np.arange(n + 1, dtype=np.int32) * each
        return sparse.csr_array(parts, shape=(n, self.inputs)), rng.integers(CLASSES, size=n)


CASES = [
    Case(10_000, 0.01, 128, 64),
    Case(10_000, 0.01, 128, 256),
    Case(10_000, 0.002, 64, 64),
    Case(1_000, 0.1, 128, 64),
]

Fit = Callable[[int], Any]
"""Makes so many epochs."""


def chainrule(case: Case, X: Any, y: Any) -> Fit:
    """Return a fit by `cr.fit`."""
    layers = [cr.Dense(case.hidden, "relu"), cr.Dense(CLASSES)]
    net = cr.Network(case.inputs, layers, "cross_entropy")
    params = net.init(0)
    how = {"batch_size": case.batch, "threads": 1, "engine": "native"}
    return lambda epochs: cr.fit(net, params, X, y, cr.Adam(), epochs=epochs, **how)


def scikit_learn(case: Case, X: Any, y: Any) -> Fit:
    """Return a fit by scikit-learn's own."""
    how = {"batch_size": case.batch, "alpha": 0, "tol": 0, "n_iter_no_change": 99}
    return lambda epochs: MLPClassifier((case.hidden,), max_iter=epochs, **how).fit(X, y)


FITS: dict[str, Callable[[Case, Any, Any], Fit]] = {
    "dense": lambda case, X, y: chainrule(case, X.toarray(), y),
    "sparse": chainrule,
    "scikit-learn": scikit_learn,
}


def step_time(fit: Fit) -> float:
    """Return how long a step takes, in ms."""

    def took(epochs: int) -> float:
        began = time.thread_time()
        fit(epochs)
        return time.thread_time() - began

    return (took(3) - took(1)) / 2 / STEPS * 1e3


def most_in_use() -> float:
    """Return the most memory that this process has taken, in MB, where Linux says so."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def memory_here(name: str, case: Case) -> float:
    """Return what the examples, the network and an epoch take in this process, in MB."""
    few = Case(20, 0.1, 2, case.batch)
    FITS[name](few, *few.rows(200))(1)  # what a first fit loads
    before = most_in_use()
    FITS[name](case, *case.rows(ROWS))(1)
    return most_in_use() - before


def memory(name: str, case: Case) -> float:
    """Return the same of a process of its own."""
    call = [sys.executable, __file__, "--memory", name, json.dumps(case)]
    return float(subprocess.run(call, capture_output=True, text=True, check=True).stdout)


def row(case: Case, rounds: int) -> str:
    """Return a row of the table."""
    data = case.rows(STEPS * case.batch)
    fits = {name: make(case, *data) for name, make in FITS.items()}
    with threadpool_limits(1):
        times = [{name: step_time(fit) for name, fit in fits.items()} for _ in range(rounds)]
    least = {name: min(each[name] for each in times) for name in FITS}
    taken = {name: memory(name, case) for name in FITS}
    ratios = (least["sparse"] / least["dense"], taken["sparse"] / taken["dense"])
    ms, mb = " | ".join(f"{v:.2f}" for v in least.values()), [f"{v:,.0f}" for v in taken.values()]
    return f"| {case} | {ms} | {ratios[0]:.2f} | {' | '.join(mb)} | 1/{1 / ratios[1]:.0f} |"


def lines(rounds: int) -> Iterator[str]:
    """Yield the lines of the page."""
    yield f"Milliseconds a step with Adam, on one thread of {processor()}, by its processor time;"
    yield f"megabytes with {ROWS:,} rows. Goals at 10,000 inputs, 1 % not 0: ≤ 0.25, ≤ 1/20."
    yield ""
    yield "| case | dense | sparse | scikit-learn | ratio | dense | sparse | scikit-learn | ratio |"
    yield "|---|---|---|---|---|---|---|---|---|"
    yield from (row(case, rounds) for case in CASES)


def main() -> None:
    """Print the page and write it to the results; or, to a process that asks, print its memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # an epoch is not enough to converge
    if options.memory:
        print(memory_here(options.memory[0], Case(*json.loads(options.memory[1]))))
        return
    page = ["# Sparse rows", ""]
    for line in lines(options.rounds):
        page.append(line)
        print(line, flush=True)
    (Path(__file__).parent / "results" / "sparse_rows.md").write_text("\n".join(page) + "\n")


if __name__ == "__main__":
    main()
