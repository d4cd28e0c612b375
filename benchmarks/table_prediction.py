"""Predictions of 100,000 rows by a table's model beside those of histogram gradient boosting.

    python benchmarks/table_prediction.py
    python benchmarks/table_prediction.py --rows 10000 --rounds 3

Both are trained with 20,000 rows of 10 random numbers and their defaults, to predict a quantity, or
two or four classes; the model for an epoch, as more change nothing in what a prediction costs.
They take turns; the shortest time of each counts. Chainrule gets a frame, or through its estimator
an array, and prepares it; scikit-learn gets the numbers as it wants them. The ratio is that of the
slower of the two.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

import chainrule as cr

TRAINING, COLUMNS = 20_000, 10
CLASSES = {"a quantity": 0, "2 classes": 2, "4 classes": 4}


def predictors(X: Any, classes: int) -> dict[str, Callable[[], Any]]:
    """Return what predicts all rows, by name, trained with the first of them."""
    y = np.sin(3 * X[:, 0]) + X[:, 1] * X[:, 2]
    kind = HistGradientBoostingRegressor
    if classes:
        edges = np.quantile(y, np.arange(1, classes) / classes)
        y, kind = np.digitize(y, edges), HistGradientBoostingClassifier
    trees = kind().fit(X[:TRAINING], y[:TRAINING])
    frame = pl.DataFrame(X, schema=[f"x{k}" for k in range(COLUMNS)])
    task = "classification" if classes else "regression"
    table = frame[:TRAINING].with_columns(y=y[:TRAINING])
    model = cr.train(table, "y", task=task, epochs=1)
    estimator = (cr.TabularClassifier if classes else cr.TabularRegressor)(epochs=1)
    estimator.fit(X[:TRAINING], y[:TRAINING])
    by_trees, by_array = (
        each.predict_proba if classes else each.predict for each in (trees, estimator)
    )
    return {
        "a frame": lambda: model.predict(frame),
        "an array": lambda: by_array(X),
        "trees": lambda: by_trees(X),
    }


def shortest(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Return the shortest time of each in some rounds, in seconds."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - began)
    return {name: min(each) for name, each in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    X = np.random.default_rng(0).normal(size=(max(asked.rows, TRAINING), COLUMNS))
    print(f"{'':12s}{'a frame':>12s}{'an array':>12s}{'trees':>12s}{'ratio':>8s}")
    for name, classes in CLASSES.items():
        found = shortest(predictors(X, classes), asked.rounds)
        seconds = "".join(f"{each:>10.3f} s" for each in found.values())
        ratio = max(found["a frame"], found["an array"]) / found["trees"]
        print(f"{name:12s}{seconds}{ratio:>8.2f}")


if __name__ == "__main__":
    main()
