"""Many trainings by joblib's backends: are their bits those of one after the other, on which cores?

    .venv/bin/python benchmarks/many_trainings.py threading loky multiprocessing dask ray

Dask and Ray must be installed: `pip install distributed ray`. A backend's time is with the start
of its workers; pickles are those that go to and come from each worker.
"""

from __future__ import annotations

import pickle
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier
from sklearn.model_selection import GridSearchCV, cross_val_predict

from chainrule import MLPClassifier, engine

WORKERS = 2


@contextmanager
def workers_of(backend: str) -> Iterator[None]:
    """The workers of a backend, for as long as they are needed."""
    if backend == "dask":
        from distributed import Client, LocalCluster

        with (
            LocalCluster(WORKERS, threads_per_worker=1, dashboard_address=None) as cluster,
            Client(cluster),
        ):
            yield
    elif backend == "ray":
        import ray
        from ray.util.joblib import register_ray

        ray.init(num_cpus=WORKERS, include_dashboard=False, object_store_memory=2**28)
        register_ray()
        yield
        ray.shutdown()
    else:
        yield


def trainings() -> dict[str, Callable[[], Any]]:
    """What is trained, by name; each returns numbers that follow from all of its models."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 20)).astype(np.float32)
    y = np.digitize(X[:, 0] + X[:, 1] * X[:, 2], [-1, 1])
    one = MLPClassifier((32,), max_iter=10, random_state=0)
    grid = {"alpha": [1e-4, 1e-2, 1.0], "solver": ["adam", "lbfgs"]}
    return {
        "grid": lambda: GridSearchCV(one, grid, cv=3).fit(X, y).cv_results_["mean_test_score"],
        "folds": lambda: cross_val_predict(one, X, y, cv=5, method="predict_proba"),
        "bag": lambda: BaggingClassifier(one, 8, random_state=0).fit(X, y).predict_proba(X),
    }


def main(backends: list[str]) -> None:
    warnings.simplefilter("ignore")
    made = trainings()
    expected = {name: make() for name, make in made.items()}
    model = MLPClassifier((32,), max_iter=10, random_state=0).fit(np.eye(20), np.arange(20) % 3)
    unfitted, fitted = (len(pickle.dumps(each)) for each in (clone(model), model))
    print(f"a pickle: {unfitted:,} bytes unfitted, {fitted:,} fitted", flush=True)
    for backend in backends:
        begun = time.perf_counter()
        with workers_of(backend), joblib.parallel_config(backend, n_jobs=WORKERS):
            same = {name: np.array_equal(make(), expected[name]) for name, make in made.items()}
            cores = joblib.Parallel()(joblib.delayed(engine.cores)() for _ in range(WORKERS))
        took = time.perf_counter() - begun
        print(
            f"{backend:16} same bits: {same}, cores of a worker: {cores}, {took:.1f} s", flush=True
        )


if __name__ == "__main__":
    main(sys.argv[1:] or ["threading", "loky", "multiprocessing"])
