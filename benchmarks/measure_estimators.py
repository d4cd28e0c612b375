"""Fits the estimators' cases in this process, as it is held to some cores; a line of JSON for each.

`estimators.py` starts it with the environment that it needs; see there.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from typing import Any

import numpy as np

from estimator_cases import CASES, DATA, LIBRARIES, REGRESSION, Case, Data, model
from turns import PAUSE, take_turns

MICROSECONDS = 1e6


class Fits:
    """One library's turns: whole fits, from the same seed."""

    def __init__(self, case: Case, data: Data, library: str) -> None:
        self.case, self.data, self.library = case, data, library

    def take_turn(self) -> float:
        """Return the seconds of an epoch."""
        estimator = model(self.case, self.library, self.case.timed, seed=0)
        time.sleep(PAUSE)
        began = time.perf_counter()
        estimator.fit(self.data.X, self.data.y)
        seconds = time.perf_counter() - began
        assert estimator.n_iter_ == self.case.timed
        return seconds / self.case.timed


def scores(case: Case, data: Data, library: str, seed: int) -> list[float]:
    """Return the score on the test data after each epoch."""
    estimator = model(case, library, case.epochs, seed)
    first = {} if case.data in REGRESSION else {"classes": np.unique(data.y)}
    found = []
    for _ in range(case.epochs):
        estimator.partial_fit(data.X, data.y, **first)
        found.append(round(float(estimator.score(data.X_test, data.y_test)), 5))
    return found


def times(case: Case, rounds: int) -> dict[str, list[float]]:
    """Return the microseconds of an epoch in each round."""
    data = DATA[case.data]()
    found = take_turns({name: Fits(case, data, name) for name in LIBRARIES}, rounds)
    return {name: [t * MICROSECONDS for t in each] for name, each in found.items()}


def measure(case: Case, options: argparse.Namespace) -> dict[str, Any]:
    """Return the times of each library, or its scores from each seed."""
    if not options.seeds:
        return {"figures": times(case, options.rounds)}
    data, seeds = DATA[case.data](), range(options.seeds)
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
