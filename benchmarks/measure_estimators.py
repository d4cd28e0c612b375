"""Fits the estimators' cases in this process, as it is held to some cores; a line of JSON for each.

`estimators.py` starts it with the environment that it needs; see there.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import json
import math
import statistics
import time
import warnings
from typing import Any

import numpy as np

from estimator_cases import CASES, DATA, LIBRARIES, REGRESSION, Case, Data, model
from interleaved import PAUSE, TURN, take_turns

MICROSECONDS = 1e6
SIZE = 1024


class Fits:
    """One library's turns: whole fits, from the same seed."""

    def __init__(self, case: Case, data: Data, library: str) -> None:
        self.case, self.data, self.library = case, data, library

    def take_turn(self) -> float:
        """Return the seconds of an epoch: the median of as many fits as a turn has room for."""
        time.sleep(PAUSE)
        self.seconds_of(1)  # the warm-up
        times = [self.seconds_of(self.case.timed)]
        while sum(times) < TURN:
            times.append(self.seconds_of(self.case.timed))
        return statistics.median(times) / self.case.timed

    def seconds_of(self, epochs: int) -> float:
        """Return the seconds of a fit."""
        estimator = model(self.case, self.library, epochs, seed=0)
        began = time.perf_counter()
        estimator.fit(self.data.X, self.data.y)
        seconds = time.perf_counter() - began
        assert estimator.n_iter_ == epochs
        return seconds


def scores(case: Case, data: Data, library: str, seed: int) -> list[float]:
    """Return the score on the test data after each epoch."""
    estimator = model(case, library, case.epochs, seed)
    first = {} if case.data in REGRESSION else {"classes": np.unique(data.y)}
    found = []
    for _ in range(case.epochs):
        estimator.partial_fit(data.X, data.y, **first)
        found.append(round(float(estimator.score(data.X_test, data.y_test)), 5))
    return found


def limit(case: Case, data: Data) -> float:
    """Return the seconds that the products of an epoch take at the rate of NumPy's own.

    Each layer has a product forward and one for its weights, and all but the first one backward.
    """
    outputs = 1 if data.y.dtype.kind == "f" or data.y.max() == 1 else int(data.y.max()) + 1
    first, *others = itertools.pairwise((data.X.shape[1], *case.hidden, outputs))
    work = 2 * math.prod(first) + sum(3 * math.prod(sizes) for sizes in others)
    return 2 * len(data.X) * work / product_rate(data.X.dtype)


@functools.cache
def product_rate(dtype: Any) -> float:
    """Return the operations a second of a large product, at its best."""
    A = np.ones((SIZE, SIZE), dtype)
    best = math.inf
    for _ in range(30):
        began = time.perf_counter()
        A @ A
        best = min(best, time.perf_counter() - began)
    return 2 * SIZE**3 / best


def times(case: Case, data: Data, rounds: int) -> dict[str, list[float]]:
    """Return the microseconds of an epoch in each round."""
    found = take_turns({name: Fits(case, data, name) for name in LIBRARIES}, rounds)
    return {name: [t * MICROSECONDS for t in each] for name, each in found.items()}


def measure(case: Case, options: argparse.Namespace) -> dict[str, Any]:
    """Return the times of each library, or its scores from each seed."""
    data, seeds = DATA[case.data](), range(options.seeds)
    if not seeds:
        least = limit(case, data) * MICROSECONDS
        return {"figures": times(case, data, options.rounds), "limit": least}
    return {
        "scores": {name: [scores(case, data, name, seed) for seed in seeds] for name in LIBRARIES}
    }


def main() -> None:
    """Fit the cases asked for, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cores", type=int, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--case", nargs="+", required=True)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for case in CASES:
        if case.name in options.case and case.available:
            record = {"case": case.name, "cores": options.cores, **measure(case, options)}
            print(json.dumps(record), flush=True)


if __name__ == "__main__":
    main()
