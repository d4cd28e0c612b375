"""Trains one contestant on parts of one table, and prints a line of JSON for each.

    python benchmarks/table_fit.py letter 20000 HGB 0 1 2

The arguments are table, most rows to train with, contestant, and splits. `table_peers.py` starts
such a process for each contestant on each table, held to some cores. The error is the root mean
squared one, or the share of rows whose class is not the most probable; the log loss is the mean of
-ln p of the class that a row has. Seconds are of preparing the rows too; `others` is the number of
cores that other processes kept busy meanwhile.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil

from chainrule.cli.checking import processor
from peers import available
from public_tables import TABLES, Parts, Table, load, split
from table_contestants import CONTESTANTS, Contestant, Problem

LEAST_PROBABILITY = 1e-7
"""In a log loss: a single row that was thought impossible does not decide it."""


def lines(name: str, rows: int, contestant: str, seeds: list[int]) -> Iterator[dict[str, Any]]:
    """Yield the figures of each split."""
    table = TABLES[name]
    X, y = load(table)
    for seed in seeds:
        found = figures(table, split(X, y, table, seed, rows), CONTESTANTS[contestant], seed)
        yield {"table": name, "rows": rows, "split": seed, "contestant": contestant, **found}


def figures(table: Table, parts: Parts, contestant: Contestant, seed: int) -> dict[str, Any]:
    """Return what a fit came to, and what it took."""
    module = importlib.import_module(contestant.module)
    threads = len(available())
    problem = Problem(parts.X, parts.y, table.target, table.task, seed, threads)
    spent = stopwatch()
    predict = contestant.train(problem)
    training, began = spent(), time.perf_counter()
    made = predict(parts.X_test)
    predicting = time.perf_counter() - began
    return {
        **scores(problem, made, parts.y_test.to_numpy()),
        "train_seconds": round(training.seconds, 3),
        "train_cpu_seconds": round(training.cpu_seconds, 3),
        "predict_seconds": round(predicting, 4),
        "test_rows": len(made),
        "threads": threads,
        "others": round(training.others, 2),
        "version": version_of(module),
        "processor": processor(),
    }


class Spent(NamedTuple):
    """What something took: its time, that of its threads, and the cores that others kept busy."""

    seconds: float
    cpu_seconds: float
    others: float


def stopwatch() -> Callable[[], Spent]:
    """Return a function that says what has been spent since."""
    began, cpu, busy = time.perf_counter(), time.process_time(), busy_seconds()

    def spent() -> Spent:
        seconds, own = time.perf_counter() - began, time.process_time() - cpu
        return Spent(seconds, own, max(busy_seconds() - busy - own, 0.0) / seconds)

    return spent


def busy_seconds() -> float:
    """Return for how long the machine's cores have been busy, or its host has taken them."""
    times = psutil.cpu_times()._asdict()
    kinds = ("user", "nice", "system", "irq", "softirq", "steal")  # some systems lack some
    return sum(times.get(kind, 0.0) for kind in kinds)


def scores(problem: Problem, made: np.ndarray, y: np.ndarray) -> dict[str, float | None]:
    """Return the error, and of classes the log loss."""
    if not np.isfinite(made).all():
        raise ValueError("a prediction is not finite")
    if not problem.classifies:
        return {"error": float(np.sqrt(np.mean((made - y) ** 2))), "log_loss": None}
    places = np.searchsorted(problem.classes, y)
    own = made[np.arange(len(y)), places]
    return {
        "error": float(np.mean(made.argmax(axis=1) != places)),
        "log_loss": float(-np.log(np.maximum(own, LEAST_PROBABILITY)).mean()),
    }


def version_of(module: Any) -> str:
    """Return the version of a module; of Chainrule, the commit too."""
    name = module.__name__
    found = f"{name} {getattr(module, '__version__', None) or importlib.metadata.version(name)}"
    if name != "chainrule":
        return found
    ask = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(ask, capture_output=True, text=True, check=False).stdout
    return f"{found} {commit}".strip()


def main() -> None:
    """Print the figures as they come."""
    warnings.simplefilter("ignore")
    name, rows, contestant, *seeds = sys.argv[1:]
    for line in lines(name, int(rows), contestant, [int(seed) for seed in seeds]):
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
