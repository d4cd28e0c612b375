"""Grid searches, cross-validation and bags by joblib's backends: the same bits as one by one.

Nothing is pickled but what a model is made of, and the cores are shared.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier, StackingRegressor, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor
from threadpoolctl import threadpool_info, threadpool_limits

import chainrule as cr
from chainrule import MLPClassifier, MLPRegressor, TabularClassifier, TabularRegressor, engine
from chainrule.blas_threads import one_blas_thread
from chainrule.engine import processor
from chainrule.estimators.fit_data import ValidationArguments
from chainrule.estimators.lbfgs import Minimisation
from chainrule.trees import leaves
from runs import bits
from teams import teams_of_all_sizes_in_turn

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 6)).astype(np.float32)
LABELS = np.array(["a", "b", "c"])[(X[:, 0] > 0) + (X[:, 1] > 0.5).astype(int)]
TARGETS = np.stack([2 * X[:, 0] + X[:, 1], X[:, 2]], 1)
FRAME = pl.DataFrame(X, schema=list("abcdef"))

NOTHING = ValidationArguments(None, None, None)

needs_engine = pytest.mark.skipif(engine.native is None, reason="there is no compiled engine")

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore:.*use of fork:DeprecationWarning"
)


def classifier(**options: Any) -> MLPClassifier:
    return MLPClassifier((8,), **{"max_iter": 3, "random_state": 0, **options})


def regressor(**options: Any) -> MLPRegressor:
    return MLPRegressor(hidden_layer_sizes=8, **{"max_iter": 3, "random_state": 0, **options})


def raw(array: Any) -> tuple[Any, bytes]:
    return array.dtype, array.tobytes()


ALPHAS = {"alpha": [1e-4, 1.0, 3.0]}
PAIR = [("a", regressor()), ("b", regressor(solver="lbfgs"))]

MADE = {
    "grid": lambda: (
        GridSearchCV(classifier(), {"alpha": [0.1, 1.0], "solver": ["adam", "lbfgs"]}, cv=2)
        .fit(X, LABELS)
        .cv_results_["mean_test_score"]
    ),
    "random": lambda: (
        RandomizedSearchCV(regressor(), ALPHAS, n_iter=2, random_state=0, cv=2)
        .fit(X, TARGETS)
        .cv_results_["mean_test_score"]
    ),
    "halving": lambda: (
        HalvingGridSearchCV(classifier(), ALPHAS, random_state=0, cv=2)
        .fit(X, LABELS)
        .cv_results_["mean_test_score"]
    ),
    "scores": lambda: cross_val_score(classifier(early_stopping=True), X, LABELS, cv=3),
    "predictions": lambda: cross_val_predict(
        classifier(dropout=0.1), X, LABELS, cv=3, method="predict_proba"
    ),
    "bag": lambda: (
        BaggingClassifier(classifier(), 3, random_state=0).fit(X, LABELS).predict_proba(X)
    ),
    "vote": lambda: (
        VotingClassifier([("a", classifier()), ("b", classifier(alpha=1))])
        .fit(X, LABELS)
        .predict(X)
    ),
    "stack": lambda: StackingRegressor(PAIR, cv=2).fit(X, TARGETS[:, 0]).predict(X),
    "targets": lambda: MultiOutputRegressor(regressor()).fit(X, TARGETS).predict(X),
    "rest": lambda: OneVsRestClassifier(classifier()).fit(X, LABELS).predict_proba(X),
    "pairs": lambda: OneVsOneClassifier(classifier()).fit(X, LABELS).predict(X),
}
TABLES = {
    "classes of a table": lambda: cross_val_score(
        TabularClassifier(epochs=1, effort="fast", random_state=0), FRAME, LABELS, cv=2
    ),
    "quantities of a table": lambda: cross_val_score(
        TabularRegressor(epochs=1, effort="fast", random_state=0), FRAME, TARGETS[:, 0], cv=2
    ),
}


@contextmanager
def dask() -> Iterator[None]:
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")
    cluster = distributed.LocalCluster(2, threads_per_worker=2, processes=False, protocol="inproc",
                                       dashboard_address=None)  # fmt: skip
    with cluster, distributed.Client(cluster):
        yield


BACKENDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "threading": (nullcontext, {**MADE, **TABLES}),
    "loky": (nullcontext, {**MADE, **TABLES}),
    "multiprocessing": (nullcontext, {name: MADE[name] for name in ("grid", "bag", "stack")}),
    "dask": (dask, {**MADE, **TABLES}),
}


@pytest.fixture(scope="module")
def one_by_one() -> dict[str, bytes]:
    with joblib.parallel_config("sequential"):
        return {name: raw(make()) for name, make in {**MADE, **TABLES}.items()}


@pytest.mark.parametrize("backend", BACKENDS)
def test_many_trainings_at_once_come_to_the_same_bits(backend, one_by_one):
    cluster, made = BACKENDS[backend]
    with cluster(), joblib.parallel_config(backend, n_jobs=2):
        found = {name: raw(make()) for name, make in made.items()}
    assert found == {name: one_by_one[name] for name in made}


# The cores are shared

NET = cr.Network(6, [cr.Dense(64, "relu"), cr.Dense(1)], "half_squared_error")
TASKS_OF_LINUX = Path("/proc/self/task")


def threads_beside(fits: int) -> int:
    """The most threads that there are beside those of Python, once so many fits are at work."""
    meeting, counts = threading.Barrier(fits), []
    before = len(os.listdir(TASKS_OF_LINUX))

    def watch(history: cr.History) -> None:
        if history.epochs == 1:  # each call of the engine from here on begins among all others
            meeting.wait(60)
        elif history.epochs < 20:
            counts.append(len(os.listdir(TASKS_OF_LINUX)) - before - fits)
        elif history.epochs == 20:
            meeting.wait(60)  # before any is done, and leaves its cores to others

    def fit() -> None:
        y = np.ones((len(X), 1), np.float32)
        cr.fit(NET, NET.init(0), X, y, cr.Adam(), epochs=20, batch_size=45, callbacks=[watch])

    threads = [threading.Thread(target=fit) for _ in range(fits)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return max(counts)


@needs_engine
@pytest.mark.skipif(not TASKS_OF_LINUX.exists(), reason="this system does not say its threads")
@pytest.mark.parametrize("fits", [2, 4, 8])
@pytest.mark.usefixtures("as_many_threads_as_asked")
def test_fits_in_threads_share_the_cores(fits):
    """Of 8 cores, as the fixture has it."""
    assert threads_beside(fits) <= fits * (8 // fits - 1)


PARAMS = NET.init(0)
ONES = np.ones((len(X), 1), np.float32)

WORKS: dict[str, Any] = {
    "fit": lambda: cr.fit(NET, PARAMS, X, ONES, cr.Adam(), epochs=20, batch_size=45),
    "predict": lambda: [cr.predict(NET, PARAMS, X) for _ in range(20)],
    "predict sparsely": lambda: [cr.predict(NET, PARAMS, csr_array(X)) for _ in range(20)],
    "cost_and_gradient": lambda: [cr.cost_and_gradient(NET, PARAMS, X, ONES) for _ in range(9)],
    "squared norms": lambda: [cr.example_squared_norms(NET, PARAMS, X, ONES) for _ in range(9)],
    "held out": lambda: cr.fit(NET, PARAMS, X, ONES, cr.Adam(), epochs=9, validation=0.5),
    "classifier": lambda: classifier(early_stopping=True).fit(X, LABELS).predict(X),
    "lbfgs": lambda: regressor(solver="lbfgs").fit(X, TARGETS).predict(X),
    "a table": lambda: TabularClassifier(epochs=1, effort="fast").fit(FRAME, LABELS),
}


def at_once(works: Any) -> int:
    """The most threads that were at work in the engine whenever a team had another."""
    meeting = threading.Barrier(len(works))

    def run(work: Any) -> None:
        meeting.wait(60)
        work()

    engine.native.most_at_work()
    with ThreadPoolExecutor(len(works)) as pool:
        for done in [pool.submit(run, work) for work in works]:
            done.result()
    most: int = engine.native.most_at_work()
    return most


@needs_engine
@pytest.mark.parametrize("name", WORKS)
@pytest.mark.usefixtures("as_many_threads_as_asked")
def test_no_team_has_a_thread_without_a_core(name):
    """There are 8 of them."""
    assert 1 < at_once([WORKS[name]]) <= 8
    assert at_once([WORKS[name]] * 5) <= 8


@needs_engine
@pytest.mark.usefixtures("as_many_threads_as_asked")
def test_nor_where_all_kinds_of_work_go_on():
    assert at_once([work for name, work in WORKS.items() if name != "a table"]) <= 8


@needs_engine
@pytest.mark.usefixtures("as_many_threads_as_asked")
def test_nor_do_threads_of_joblib():
    engine.native.most_at_work()
    joblib.Parallel(8, backend="threading")(joblib.delayed(WORKS["fit"])() for _ in range(16))
    assert engine.native.most_at_work() <= 8


@needs_engine
def test_work_within_work_is_one():
    engine.native.come_to_work()
    try:
        before = bits(cr.fit(NET, NET.init(0), X, X[:, :1], cr.Adam(), epochs=2)[0])
    finally:
        engine.native.go_from_work()
    assert before == bits(cr.fit(NET, NET.init(0), X, X[:, :1], cr.Adam(), epochs=2)[0])


def in_turn(_: int) -> tuple[int, int]:
    """The process, and the cores that it has, once the other has begun too."""
    time.sleep(0.2)
    return os.getpid(), processor.cores()


def trained_in_turn(k: int) -> tuple[int, int]:
    """The process, and the most threads that a training there has."""
    in_turn(k)
    engine.cores = processor.cores  # a fork has what the fixture of other tests set
    with teams_of_all_sizes_in_turn():
        return os.getpid(), max(1, at_once([WORKS["fit"]]))


@needs_engine
@pytest.mark.parametrize("backend", ["loky", "multiprocessing"])
def test_trainings_in_processes_have_no_more_threads_than_cores(backend):
    found = joblib.Parallel(2, backend=backend)(joblib.delayed(trained_in_turn)(k) for k in (0, 1))
    if backend == "loky" or TASKS_OF_LINUX.exists():
        assert sum(most for _, most in dict(found).items()) <= max(2, processor.cores())


@pytest.mark.parametrize("backend", ["loky", "multiprocessing"])
def test_processes_share_the_cores(backend):
    found = joblib.Parallel(2, backend=backend)(joblib.delayed(in_turn)(k) for k in range(2))
    if backend == "loky" or TASKS_OF_LINUX.exists():
        assert sum(cores for _, cores in dict(found).items()) <= max(2, processor.cores())


def test_joblib_may_say_how_many_threads_a_worker_has(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with joblib.parallel_config("loky", inner_max_num_threads=1):
        found = joblib.Parallel(2)(joblib.delayed(in_turn)(k) for k in range(2))
    assert {cores for _, cores in found} == {1}


def blas_threads() -> set[int]:
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


def test_searches_keep_blas_on_one_thread_until_the_last_ends():
    before, seen = blas_threads(), []
    with threadpool_limits(2, user_api="blas"):
        with one_blas_thread:
            with one_blas_thread:
                seen.append(blas_threads())
            seen.append(blas_threads())
        seen.append(blas_threads())
    assert (seen, blas_threads()) == ([{1}, {1}, {2}], before)


def test_lbfgs_searches_with_blas_on_one_thread(monkeypatch):
    seen, cost = [], Minimisation._cost
    monkeypatch.setattr(Minimisation, "_cost", lambda *a: seen.append(blas_threads()) or cost(*a))
    with threadpool_limits(2, user_api="blas"):
        classifier(solver="lbfgs").fit(X, LABELS)
    assert seen
    assert all(each == {1} for each in seen)


# What is pickled

ESTIMATORS: dict[str, Any] = {
    "classifier": lambda: classifier(early_stopping=True).fit(X, LABELS),
    "regressor": lambda: regressor(solver="lbfgs").fit(X, TARGETS),
    "large": lambda: MLPClassifier((300, 300), max_iter=2, random_state=0).fit(X, LABELS),
}


def arrays_of(model: Any) -> int:
    """The bytes of the arrays that a fitted model keeps: those that a later call goes on from."""
    at, best = model.history_.last, model._curves.best
    states = [state for each in (at.states if at else []) for state in each]
    kept = {
        id(leaf): leaf
        for leaf in [*leaves((model.parameters_, best or (), (at and at.params) or ()))]
    }
    return sum(leaf.nbytes for leaf in [*kept.values(), *states])


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_pickle_holds_what_a_model_is_made_of(name):
    """No data, nothing of the engine, and no more once it has predicted."""
    model = ESTIMATORS[name]()
    size = len(pickle.dumps(model))
    model.predict(X), model.score(X, LABELS if hasattr(model, "classes_") else TARGETS)
    assert len(pickle.dumps(model)) == size
    assert size - arrays_of(model) < 4_000
    assert len(pickle.dumps(clone(model))) < 2_000


def test_a_pickle_of_a_table_s_model_does_not_grow():
    model = TabularClassifier(epochs=1, effort="fast", random_state=0).fit(FRAME, LABELS)
    size = len(pickle.dumps(model))
    model.predict(FRAME)
    assert len(pickle.dumps(model)) <= size


@pytest.mark.parametrize("kind", ["memmap", "read-only"])
def test_inputs_are_used_where_they_lie(kind, tmp_path):
    if kind == "memmap":
        joblib.dump(X, tmp_path / "X")
        given = joblib.load(tmp_path / "X", mmap_mode="r")
    else:
        given = X.copy()
        given.flags.writeable = False
    model = classifier()
    data = model._data(given, LABELS, None, NOTHING, first=True, whole=True)
    assert np.shares_memory(data.X, given)
    expected = bits(classifier().fit(X, LABELS).parameters_)
    assert bits(model.fit(given, LABELS).parameters_) == expected


# Forks


@pytest.mark.skipif(not TASKS_OF_LINUX.exists(), reason="this system does not say its threads")
def test_a_table_is_refused_where_polars_has_lost_its_threads():
    """It would wait for them forever."""
    FRAME.lazy().with_columns(pl.col("a") * 2).collect()
    model = TabularClassifier(epochs=1, effort="fast")
    message = "forked from one in which polars was at work, whose threads are missing here; start"
    with multiprocessing.get_context("fork").Pool(1) as pool:
        begun = pool.apply_async(model.fit, (X, LABELS))
        with pytest.raises(RuntimeError, match=message):
            begun.get(60)


def test_a_function_that_cannot_be_pickled_is_named():
    lock = threading.Lock()
    model = classifier(early_stopping=True, scoring=lambda model, X, y: float(lock.locked()))
    with (
        joblib.parallel_config("loky", n_jobs=2),
        pytest.raises(pickle.PicklingError, match="Could not pickle the task"),
    ):
        cross_val_score(model, X, LABELS, cv=2)
