"""What the compiled engine takes of memory, and what it does where there is too little."""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from alone import alone, forked
from chainrule import engine
from chainrule.batches import check_examples
from chainrule.engine import native_run
from chainrule.engine.session import Session
from chainrule.optimizers import init_states
from chainrule.record import Plan
from chainrule.trees import leaves
from runs import bits
from strategies import Problem, problem

resource = pytest.importorskip("resource", reason="this system does not limit memory")

RESET = Path("/proc/self/clear_refs")

pytestmark = [
    pytest.mark.skipif(engine.native is None, reason="there is no compiled engine"),
    pytest.mark.skipif(not RESET.exists(), reason="this system does not say what memory it takes"),
]

MIB = 1 << 20
STACK = resource.getrlimit(resource.RLIMIT_STACK)[0]


def in_use(what: str = "VmRSS") -> int:
    """How many bytes of memory this process takes, or took at most (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(what))


def most_taken_by(function: Callable[[], Any]) -> int:
    """How many bytes a call takes at most, on top of what is in use."""
    gc.collect()
    RESET.write_text("5")  # the most so far becomes what is in use
    before = in_use()
    function()
    return in_use("VmHWM") - before


@contextmanager
def room_for(more: int) -> Iterator[None]:
    """Let this process have so many bytes of addresses more than it has."""
    unlimited = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (in_use("VmSize") + more, unlimited[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, unlimited)


# Within a step


def tracer(name: str) -> Callable[[], None] | None:
    """mtrace or muntrace of glibc's library for debugging, which only its old version leads to."""
    find = ctypes.CDLL(None).dlvsym
    find.argtypes, find.restype = (
        [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p],
        ctypes.c_void_p,
    )
    for version in (b"GLIBC_2.2.5", b"GLIBC_2.17"):
        if address := find(None, name.encode(), version):
            return ctypes.CFUNCTYPE(None)(address)
    return None


def blocks_taken(threads: int, clip_norm: float | None) -> list[int]:
    """How many blocks of memory 1, 2 and 60 steps of an epoch take; [] where it cannot be told."""
    start, stop, trace = tracer("mtrace"), tracer("muntrace"), Path(os.environ["MALLOC_TRACE"])
    layers = [cr.Dropout(0.1), cr.Dense(300, "tanh"), cr.Dropout(0.2), cr.Dense(30), cr.Dense(4)]
    p = problem(cr.Network(20, layers, "cross_entropy", l2=0.1), n=512)
    data = check_examples(p.net, p.params, p.X, p.y, p.w)
    plan = Plan(p.net, cr.Adam(0.01), 0, frozenset(), None, clip_norm)
    engine.native.all_in_turn(True)  # in a process of its own
    session = Session(
        plan, p.params, init_states(plan.optimizer, p.params), batch=8, threads=threads
    )

    def count(steps: int) -> int:
        start()
        session.run(
            data,
            shuffles=True,
            epochs=1,
            first_epoch=0,
            first_step=0,
            seconds=60.0,
            most_steps=steps,
        )
        stop()
        return trace.read_text().count(" + ") if trace.exists() else 0

    if start is None or stop is None:
        return []
    count(1)  # what a first run leaves for those that follow
    return [count(steps) for steps in (1, 2, 60)]


@pytest.mark.parametrize("clip_norm", [None, 0.1])
@pytest.mark.parametrize("threads", [1, 3])
def test_a_step_takes_no_memory(threads: int, clip_norm: float | None, tmp_path: Path) -> None:
    trace = {"LD_PRELOAD": "libc_malloc_debug.so.0", "MALLOC_TRACE": str(tmp_path / "trace")}
    counts = alone(blocks_taken, threads, clip_norm, **trace)
    if not any(counts):
        pytest.skip("this system does not trace its allocations")
    assert counts[0] == counts[1] == counts[2]


# Within a run

DTYPES = ["float32", "float64"]
CONSTANT = 4 * MIB
"""For what depends on neither parameters nor activations."""

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "callbacks": {"callbacks": True},
    "validation": {"validation": 0.25},
    "clip_norm": {"clip_norm": 1.0},
    "both": {"clip_norm": 1.0, "validation": 0.25},
}
TIMES = {"plain": 7, "callbacks": 7, "validation": 8, "clip_norm": 8, "both": 9}
"""How often the parameters are held beside those given: in the engine 4 times, with Adam's states
and the transposed, for the user 3 times; the gradient if its norm is bounded; the best so far."""


def deep(width: int, dtype: str, n: int, layers: int = 4) -> tuple[Problem, int, int]:
    """A problem, the bytes of its parameters, and those of all activations of its examples."""
    net = cr.Network(width, [cr.Dense(width, "tanh")] * layers, "huber")
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((2, n, width), np.float32).astype(dtype)
    p = Problem(net, net.init(0, dtype), X, y, None, None)
    return p, sum(leaf.nbytes for leaf in leaves(p.params)), layers * X.nbytes


def load_the_engine() -> None:
    """Make a first fit: the pages of the libraries that it loads are memory of this process too."""
    p, _, _ = deep(4, "float32", n=4)
    cr.fit(p.net, p.params, p.X, p.y, cr.Adam(), epochs=1)


def memory_of_fits() -> dict[str, list[int]]:
    """What `memory_of_fit` says of each way."""
    native_run.SECONDS_PER_CALL = 0.0  # after each epoch
    load_the_engine()
    ways = [(name, dtype) for name in OPTIONS for dtype in DTYPES]
    return {f"{name}, {dtype}": forked(memory_of_fit, name, dtype) for name, dtype in ways}


def memory_of_fit(name: str, dtype: str) -> list[int]:
    """The most that a fit of several calls of the engine takes, and what it may take."""
    p, size, activations = deep(1000, dtype, n=64)
    options = {**OPTIONS[name], "epochs": 3, "batch_size": 16, "threads": 1}
    if "callbacks" in options:
        options["callbacks"] = [lambda history: None]
    taken = most_taken_by(lambda: cr.fit(p.net, p.params, p.X, p.y, cr.Adam(1e-4), **options))
    return [taken, TIMES[name] * size + activations + CONSTANT]


@pytest.fixture(scope="module")
def of_fits() -> dict[str, list[int]]:
    return alone(memory_of_fits)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OPTIONS)
def test_a_run_holds_few_copies_of_the_parameters(
    of_fits: dict[str, list[int]], name: str, dtype: str
) -> None:
    taken, allowed = of_fits[f"{name}, {dtype}"]
    assert allowed / 2 < taken <= allowed


def memory_of_activations(threads: int) -> list[int]:
    """The most that a fit takes where batches are large, and what it may take."""
    load_the_engine()
    p, size, activations = deep(240, "float32", n=8000, layers=6)
    options: dict[str, Any] = {"epochs": 1, "batch_size": None, "threads": threads}
    taken = most_taken_by(lambda: cr.fit(p.net, p.params, p.X, p.y, cr.Adam(1e-4), **options))
    packing = 4 * 8000 * 192 * threads
    return [taken, 8 * size + 4 * activations + packing + CONSTANT]


@pytest.mark.parametrize("threads", [1, 2])
def test_a_run_holds_four_numbers_for_each_activation(threads: int) -> None:
    taken, allowed = alone(memory_of_activations, threads)
    assert taken <= allowed


EVALUATIONS: dict[str, Callable[..., Any]] = {
    "fit": lambda p: cr.fit(p.net, p.params, p.X, p.y, cr.SGD(0.01), epochs=1, batch_size=64),
    "predict": lambda p: cr.predict(p.net, p.params, p.X),
    "cost_and_gradient": lambda p: cr.cost_and_gradient(p.net, p.params, p.X, p.y),
    "example_squared_norms": lambda p: cr.example_squared_norms(p.net, p.params, p.X, p.y),
}


def memory_beside_X() -> dict[str, float]:
    """What each takes beside X, in shares of its bytes."""
    net = cr.Network(1000, [cr.Dense(20, "tanh"), cr.Dense(1)], "huber")
    X = np.ones((32_000, 1000), np.float32)
    p = Problem(net, net.init(), X, np.ones(32_000, np.float32), None, None)
    load_the_engine()
    return {
        name: most_taken_by(lambda f=evaluation: f(p)) / X.nbytes
        for name, evaluation in EVALUATIONS.items()
    }


@pytest.fixture(scope="module")
def beside_X() -> dict[str, float]:
    return alone(memory_beside_X)


@pytest.mark.parametrize("name", EVALUATIONS)
def test_X_is_not_copied(beside_X: dict[str, float], name: str) -> None:
    assert beside_X[name] < 0.1


def test_X_is_used_where_it_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, run = [], Session.run

    def watched(self: Session, data: Any, **options: Any) -> Any:
        seen.append(data.X)
        return run(self, data, **options)

    monkeypatch.setattr(Session, "run", watched)
    p, _, _ = deep(8, "float32", n=20)
    cr.fit(p.net, p.params, p.X, p.y, cr.SGD(0.01), epochs=1, engine="native")
    assert np.shares_memory(seen[0], p.X)


def memory_after_runs() -> list[int]:
    p, size, _ = deep(200, "float32", n=20)
    taken = []
    for _ in range(2):
        for _ in range(50):
            cr.fit(p.net, p.params, p.X, p.y, cr.Adam(1e-4), epochs=1)
            for evaluation in EVALUATIONS.values():
                evaluation(p)
        gc.collect()
        taken.append(in_use())
    return [*taken, size]


def test_what_a_run_has_taken_it_gives_back() -> None:
    before, after, size = alone(memory_after_runs)
    assert after - before < 10 * size


# Where there is too little


def assert_refused(work: Callable[[], Any], error: type[Exception], p: Problem, room: int) -> str:
    """A call fails without enough room, changes nothing, and succeeds with it as it always did."""
    given, expected = bits((p.params, p.X, p.y)), cr.predict(p.net, p.params, p.X[:20])
    with room_for(room), pytest.raises(error) as caught:
        work()
    assert bits((p.params, p.X, p.y)) == given
    np.testing.assert_array_equal(cr.predict(p.net, p.params, p.X[:20]), expected)
    return str(caught.value)


def run_out_of_memory(name: str) -> None:
    wide = name in ("predict", "cost_and_gradient", "example_squared_norms")
    p, _, _ = deep(3000, "float32", n=20, layers=2) if wide else deep(500, "float32", n=20_000)
    options: dict[str, Any] = {"epochs": 2, "batch_size": 2**62}
    works: dict[str, Callable[[], Any]] = {
        "fit": lambda: cr.fit(p.net, p.params, p.X, p.y, cr.Adam(), **options),
        "init": lambda: cr.Network(2, [cr.Dense(10**9)], "huber").init(),
        **{other: lambda f=EVALUATIONS[other]: f(p) for other in list(EVALUATIONS)[1:]},
    }
    assert_refused(works[name], MemoryError, p, room=30 * MIB)


@pytest.mark.parametrize("name", [*EVALUATIONS, "init"])
def test_where_memory_runs_out_there_is_an_error_and_nothing_is_changed(name: str) -> None:
    alone(run_out_of_memory, name, OPENBLAS_NUM_THREADS="1")


def an_earlier_history_stays() -> None:
    p, _, _ = deep(500, "float32", n=20_000)
    params, history = cr.fit(p.net, p.params, p.X, p.y, cr.Adam(), epochs=1, batch_size=1000)

    def whole() -> Any:
        at = history.at
        return list(history.loss), bits((at.params, *at.states)), at.step, at.epoch

    before = whole()
    with room_for(30 * MIB), pytest.raises(MemoryError):
        cr.fit(p.net, params, p.X, p.y, cr.Adam(), epochs=1, batch_size=None, history=history)
    assert whole() == before


def test_a_run_that_cannot_go_on_leaves_its_history_as_it_was() -> None:
    alone(an_earlier_history_stays)


def threads_that_do_not_start(name: str) -> bool:
    """Whether what is made on 4 threads, of which 2 or 3 start, is what one makes."""
    engine.cores, native_run.WORK_PER_THREAD = lambda: 4, 1  # in a process of its own
    engine.native.all_in_turn(True)
    p, _, _ = deep(20, "float32", n=200)
    works: dict[str, Callable[[int], Any]] = {
        "fit": lambda t: cr.fit(p.net, p.params, p.X, p.y, cr.Adam(), epochs=2, threads=t)[0],
        "predict": lambda t: (cr.predict(p.net, p.params, p.X, threads=t),),
        "cost_and_gradient": lambda t: cr.cost_and_gradient(p.net, p.params, p.X, p.y, threads=t)[
            1
        ],
    }
    expected = bits(works[name](1))
    with room_for(5 * STACK // 2):
        return bits(works[name](4)) == expected


@pytest.mark.skipif(not 4 * MIB <= STACK <= 64 * MIB, reason="threads have stacks of another size")
@pytest.mark.parametrize("name", ["fit", "predict", "cost_and_gradient"])
def test_where_a_thread_does_not_start_the_others_do_its_part(name: str) -> None:
    assert alone(threads_that_do_not_start, name, MALLOC_ARENA_MAX="1")
