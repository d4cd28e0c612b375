"""Ctrl-C on one of several ranks: all stop after the same whole step, whatever it was at."""

from __future__ import annotations

import signal
import threading
from typing import Any

import pytest

import chainrule as cr
from chainrule import engine
from chainrule.distributed import HeldSignals, is_agreed
from ranks_in_threads import RankInThread, in_threads
from sharded import digest, train
from strategies import problem

PLAIN = [cr.Dense(9, "tanh"), cr.Dropout(0.2), cr.Dense(3)]


@pytest.fixture(autouse=True)
def handler():
    """That of a terminal: a process in the background may have been told to ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


# What is held


def test_what_a_handler_raises_is_kept_back_once():
    told = []
    with HeldSignals(lambda: told.append(1)) as held:
        signal.raise_signal(signal.SIGINT)
        assert (repr(held.raised), told) == ("KeyboardInterrupt()", [1])
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert told == [1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_handler_that_raises_nothing_stops_nothing(number):
    seen = []
    before = signal.signal(number, lambda *given: seen.append(given[0]))
    try:
        with HeldSignals(pytest.fail) as held:
            signal.raise_signal(number)
            signal.raise_signal(number)
    finally:
        signal.signal(number, before)
    assert (seen, held.raised) == ([number] * 2, None)


def test_what_no_handler_of_python_s_answers_stays_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    with HeldSignals(pytest.fail) as held:
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    assert (signal.signal(signal.SIGINT, before), held.raised) == (signal.SIG_IGN, None)


def test_elsewhere_than_in_the_main_thread_nothing_is_held():
    def run() -> None:
        with HeldSignals(pytest.fail):
            assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


# Training

RUNS: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "many epochs in a call": (PLAIN, {}),
    "batch statistics": ([*PLAIN, cr.BatchNorm()], {}),
    "a call for each epoch": (PLAIN, {"validation": 0.2, "callbacks": [lambda history: None]}),
    "bounds": (PLAIN, {"clip_norm": 0.1}),
    "sums in any order": (PLAIN, {"reproducible": False}),
}


def pressed_at(monkeypatch: pytest.MonkeyPatch, exchange: int) -> list[int]:
    """Have rank 0 press Ctrl-C in an exchange while it holds signals; what is returned counts."""
    seen, swap = [0], RankInThread.swap

    def pressing(self: Any, *arrays: Any) -> None:
        if self.rank == 0 and isinstance(
            getattr(signal.getsignal(signal.SIGINT), "__self__", None), HeldSignals
        ):
            seen[0] += 1
            if seen[0] == exchange:
                signal.raise_signal(signal.SIGINT)
        swap(self, *arrays)

    monkeypatch.setattr(RankInThread, "swap", pressing)
    return seen


def interrupted(ranks: Any, p: Any, options: dict[str, Any]) -> tuple[str, int]:
    with pytest.raises(cr.TrainingInterrupted) as caught:
        train(p, cr.Adam(0.01), ranks=ranks, **options)
    error = caught.value
    assert is_agreed(error)
    return digest(error.params, error.history), error.history.at.step


@pytest.mark.skipif(engine.native is None, reason="the engine is not built")
@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("name", RUNS)
def test_ctrl_c_in_an_exchange_stops_all_ranks_at_the_same_step(name, size, monkeypatch):
    layers, options = RUNS[name]
    p = problem(cr.Network(5, layers, "half_squared_error"), n=37)
    with monkeypatch.context() as patch:
        count = pressed_at(patch, 0)
        whole = in_threads(size, lambda ranks: train(p, cr.Adam(0.01), ranks=ranks, **options)[1])
    steps = []
    for exchange in [*range(1, count[0], max(1, count[0] // 9)), count[0]]:
        with monkeypatch.context() as patch:
            pressed_at(patch, exchange)
            (found, step), *others = in_threads(size, interrupted, p, options)
        assert others == [(found, step)] * (size - 1)
        steps.append(step)
    assert steps == sorted(steps)
    assert steps[0] <= 1
    assert steps[-1] == whole[0].at.step


@pytest.mark.skipif(engine.native is None, reason="the engine is not built")
@pytest.mark.parametrize("exchange", [7, 12, 20])
def test_its_parameters_are_those_after_so_many_steps(exchange, monkeypatch):
    """Here an epoch is a step."""
    p = problem(cr.Network(5, PLAIN, "half_squared_error"), n=37)
    pressed_at(monkeypatch, exchange)
    whole = {"batch_size": None, "epochs": 20}
    (found, step), _ = in_threads(2, interrupted, p, whole)
    assert 0 < step < 20
    assert found == digest(*train(p, cr.Adam(0.01), **{**whole, "epochs": step}))
