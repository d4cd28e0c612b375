"""A large X is looked at by a run's first epoch: what is said, and when, is as if it was before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import engine
from chainrule.engine import native_run, quick_checks, session
from kinds import ALL
from runs import bits
from strategies import Problem, problem

pytestmark = pytest.mark.skipif(engine.native is None, reason="there is no compiled engine")

PLAIN = [cr.Dense(9, "relu"), cr.Dense(3)]


@pytest.fixture(autouse=True)
def however_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick_checks, "LARGE", 0)


def given(layers: Any = PLAIN, n: int = 21) -> Problem:
    p = problem(cr.Network(3, layers, "half_squared_error", check=False), n=n)
    return p._replace(X=np.ascontiguousarray(p.X))


def put(p: Problem, row: int, value: float) -> Problem:
    X = p.X.copy()
    X[row, 1] = value
    return p._replace(X=X)


def fit(p: Problem, optimizer: Any = cr.Adam(0.01), **more: Any) -> Any:  # noqa: B008 - frozen
    options = {"epochs": 2, "batch_size": 4, "threads": 2, **more}
    return cr.fit(p.net, p.params, p.X, options.pop("y", p.y), optimizer, **options)


def refuses(p: Problem, row: int, value: float, **more: Any) -> None:
    """The message of X, with no other behind it, and before anything is to be seen."""
    seen: list[Any] = []
    with pytest.raises(ValueError, match=rf"^X must be finite, got {value} at \({row}, 1\); ") as e:
        fit(put(p, row, value), callbacks=[seen.append], **more)
    assert not seen
    assert e.value.__cause__ is None
    assert e.value.__context__ is None or e.value.__suppress_context__


def waiting(p: Problem) -> bool:
    look = quick_checks.LaterLook()
    look.check_inputs(p.net, p.params, p.X)
    return look.waits


def test_which_inputs_are_left_for_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of which only products are made: others may be places in a table."""
    assert waiting(given())
    assert not waiting(given([cr.Embedding([2, 0, 0]), cr.Dense(3)]))
    assert not waiting(given()._replace(X=given().X.astype("float32")))
    assert not waiting(given()._replace(X=np.asfortranarray(given().X)))
    monkeypatch.setattr(quick_checks, "LARGE", 2**20)
    assert not waiting(given())


@pytest.mark.parametrize("value", [np.nan, -np.inf])
@pytest.mark.parametrize("layers", ALL.values(), ids=ALL)
def test_it_is_refused_in_the_same_words(layers: Any, value: float) -> None:
    refuses(given(layers), 20, value)


@pytest.mark.parametrize("row", [0, 1, 1999, 2049])
@pytest.mark.parametrize("batch", [7, 1025, None])
def test_it_is_seen_wherever_it_stands(row: int, batch: int | None) -> None:
    """In batches that go by blocks too."""
    refuses(given(n=2050), row, np.inf, batch_size=batch, seed=3)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_it_is_seen_where_no_cost_shows_it(value: float) -> None:
    """As behind weights of which none moves, and units that have no slope."""
    p = given([cr.Dense(2, "hard_tanh"), cr.Dense(3)])
    refuses(p, 5, value, freeze=["*"])


@pytest.mark.parametrize(
    "more",
    [
        {"y": [1.0]},
        {"sample_weight": np.zeros(21)},
        {"validation": 0.5},
        {"validation": cr.HeldOut(np.array([7]))},
        {"validation": ([[np.nan] * 3], [[0.0] * 3])},
        {"ties": [["0.b[0]", "0.b[1]"]]},
        {"engine": "reference"},
        {"early_stopping": cr.EarlyStopping(1, of="loss")},
        {"optimizer": cr.SGD(1e30)},
        {"threads": 1},
    ],
    ids=lambda more: next(iter(more)),
)
def test_it_comes_before_all_else(more: dict[str, Any]) -> None:
    refuses(given(), 7, np.nan, **more)


def test_it_comes_before_an_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    run = session.Session.run

    def stopped(self: Any, *args: Any, **options: Any) -> Any:
        self.stop()
        return run(self, *args, **options)

    monkeypatch.setattr(session.Session, "run", stopped)
    refuses(given(), 7, np.nan)


def test_a_run_is_the_same_and_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    later = fit(given(n=300))
    monkeypatch.setattr(quick_checks, "LARGE", 2**20)
    now = fit(given(n=300))
    assert bits(later[0]) == bits(now[0])
    assert later[1].loss == now[1].loss


def test_one_that_diverges_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[bool] = []
    settle = quick_checks.LaterLook.settle

    def counted(self: Any, *, seen: bool = False) -> None:
        looks.append(self.waits and not seen)
        settle(self, seen=seen)

    monkeypatch.setattr(native_run.LaterLook, "settle", counted)
    with pytest.raises(cr.DivergenceError):
        fit(given(), cr.SGD(1e200), epochs=5)
    assert looks.count(True) <= 1
