"""The compiled engine in many threads of Python and in many processes: the same bits as alone."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import pytest

import chainrule as cr
from chainrule import engine
from chainrule.history import History
from runs import bits
from strategies import Problem, problem

pytestmark = [
    pytest.mark.skipif(engine.native is None, reason="there is no compiled engine"),
    pytest.mark.usefixtures("as_many_threads_as_asked"),
]

LAYERS = [cr.Dense(40, "relu"), cr.Dropout(0.1), cr.Dense(33, "silu"), cr.Dense(3)]
PROBLEM = problem(cr.Network(5, LAYERS, "cross_entropy", l2=0.01), n=600)

FIT: dict[str, Any] = {"optimizer": cr.Adam(0.01), "epochs": 5, "seed": 3, "validation": 0.2}
TASKS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "fit": (cr.fit, FIT),
    "fit within bounds": (cr.fit, {**FIT, "clip_norm": 0.1, "freeze": ["0.b"]}),
    "predict": (cr.predict, {}),
    "cost_and_gradient": (cr.cost_and_gradient, {}),
    "example_squared_norms": (cr.example_squared_norms, {}),
}


def call(name: str, threads: int, p: Problem = PROBLEM) -> tuple[Any, ...]:
    """A function of the library and what to call it with, all of which can go to a process."""
    function, options = TASKS[name]
    data = {"X": p.X} if name == "predict" else {"X": p.X, "y": p.y}
    return function, {"net": p.net, "params": p.params, **data, **options, "threads": threads}


def outcome(found: Any) -> Any:
    """The bits of all that a function returned."""
    if not isinstance(found, tuple):
        return bits(found)
    if isinstance(found[1], History):
        params, history = found
        found = history.loss, history.validation_loss, params, tuple(history.at.states)
    return [bits(part) if isinstance(part, tuple) else part for part in found]


@pytest.fixture(scope="module")
def alone() -> dict[str, Any]:
    """What each task comes to on one thread, with nothing beside it."""
    calls = {name: call(name, threads=1) for name in TASKS}
    return {name: outcome(function(**given)) for name, (function, given) in calls.items()}


def test_many_threads_do_not_disturb_each_other(alone: dict[str, Any]) -> None:
    names = list(TASKS) * 8
    with ThreadPoolExecutor(8) as pool:
        calls = [call(name, threads=1 + k % 3) for k, name in enumerate(names)]
        runs = [pool.submit(function, **given) for function, given in calls]
        for name, run in zip(names, runs, strict=True):
            assert outcome(run.result()) == alone[name]


@pytest.mark.parametrize("rows", [1, 3, 200])
def test_many_threads_share_a_predictor(rows: int) -> None:
    X = [PROBLEM.X[k : k + rows] for k in range(100)]
    expected = [bits(cr.predict(PROBLEM.net, PROBLEM.params, x)) for x in X]
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda x: bits(cr.predict(PROBLEM.net, PROBLEM.params, x)), X)
        assert list(found) == expected


METHODS = [name for name in ("fork", "spawn") if name in multiprocessing.get_all_start_methods()]


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
@pytest.mark.parametrize("method", METHODS)
def test_a_process_comes_to_the_same_bits(method: str, alone: dict[str, Any]) -> None:
    for name in TASKS:  # so that the process starts from one that has had threads
        function, given = call(name, threads=2)
        assert outcome(function(**given)) == alone[name]
    names = [name for name in TASKS for _ in range(2)]
    with ProcessPoolExecutor(2, multiprocessing.get_context(method)) as pool:
        calls = [call(name, threads=1 + k % 2) for k, name in enumerate(names)]
        runs = [pool.submit(function, **given) for function, given in calls]
        for name, run in zip(names, runs, strict=True):
            assert outcome(run.result()) == alone[name]
