"""Trains one contestant on parts of one table, and prints a line of JSON for each.

    python benchmarks/table_fit.py letter 20000 HGB 0 1 2

The arguments are table, most rows to train with, contestant, and splits. `table_peers.py` starts
such a process for each contestant on each table, held to some cores. The error is the root mean
squared one, or the share of rows whose class is not the most probable; the log loss is the mean of
-ln p of the class that a row has. Seconds are of preparing the rows too.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

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
    threads, others = len(available()), os.getloadavg()[0]
    problem = Problem(parts.X, parts.y, table.target, table.task, seed, threads)
    began, cpu = time.perf_counter(), time.process_time()
    predict = contestant.train(problem)
    trained, cpu = time.perf_counter(), time.process_time() - cpu
    made = predict(parts.X_test)
    ended = time.perf_counter()
    return {
        **scores(problem, made, parts.y_test.to_numpy()),
        "train_seconds": round(trained - began, 3),
        "train_cpu_seconds": round(cpu, 3),
        "predict_seconds": round(ended - trained, 4),
        "test_rows": len(made),
        "threads": threads,
        "load": round(others, 1),
        "version": version_of(module),
        "processor": processor(),
    }


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
