"""Sizes that the engine has a way of its own for: few outputs, large batches of small networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import engine
from chainrule.batches import Examples
from chainrule.engine.session import Session
from chainrule.record import Plan
from chainrule.trees import leaves
from kinds import ALL
from parity import TOLERANCE, assert_parity, train
from runs import bits
from strategies import Problem, problem

pytestmark = [
    pytest.mark.skipif(engine.native is None, reason="there is no compiled engine"),
    pytest.mark.usefixtures("as_many_threads_as_asked"),
]
RAGGED = [2, 9, 17, 33, 65]
"""Inputs, of which vectors of all widths leave some over."""


def assert_the_same_on_any_number_of_threads(p: Problem, dtype: str, **options: Any) -> None:
    one, course = train(p, cr.Adam(0.01), dtype, threads=1, **options)
    for threads in (2, 5):
        more, other = train(p, cr.Adam(0.01), dtype, threads=threads, **options)
        assert other.loss == course.loss
        assert bits((more, *other.at.states)) == bits((one, *course.at.states))


# Few outputs

FEW = list(range(1, 17))
SOME = [1, 3, 4, 5, 8, 9]


def few(inputs: int, outputs: int, loss: str = "squared_error", **penalties: Any) -> Problem:
    """Layers of few outputs: the first, one within, one that copies go through, and the last."""
    layers = [
        cr.Dense(outputs, "tanh"),
        cr.Dense(inputs, "relu"),
        cr.Members(2, cr.Dense(outputs, "silu"), cr.Dropout(0.1), cr.Dense(2)),
    ]
    return problem(cr.Network(inputs, layers, loss, **penalties), n=29)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("outputs", FEW)
def test_few_outputs_of_ragged_inputs(outputs: int, dtype: str) -> None:
    for inputs in RAGGED:
        p = few(inputs, outputs, l1=0.001, l2=0.01)
        assert_parity(p, cr.SGD(0.01, momentum=0.5), dtype, epochs=1, batch_size=11)


@pytest.mark.parametrize("outputs", SOME)
@pytest.mark.parametrize(
    "options",
    [
        {"clip_norm": 0.05},
        {"clip_value": 0.01},
        {"freeze": ["0.W", "2.own.0.b"], "clip_norm": 0.05, "clip_value": 0.02},
        {"sample_weight": np.arange(29.0) % 4},
    ],
    ids=str,
)
def test_few_outputs_with_every_option(options: dict[str, Any], outputs: int) -> None:
    p = few(33, outputs, l1=0.001, l2=0.01)
    for rule in (cr.Adam(0.01), cr.AdamW(0.01, weight_decay=0.2)):
        assert_parity(p, rule, epochs=1, batch_size=11, **options)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("outputs", FEW)
@pytest.mark.parametrize("clip_norm", [None, 0.05])
def test_few_outputs_on_any_number_of_threads(
    clip_norm: float | None, outputs: int, dtype: str
) -> None:
    for inputs in (7, 100):
        p = few(inputs, outputs, l1=0.001, l2=0.01)
        options = {"epochs": 1, "batch_size": 13, "clip_norm": clip_norm}
        assert_the_same_on_any_number_of_threads(p, dtype, **options)


@pytest.mark.parametrize("outputs", FEW)
def test_few_outputs_in_one_pass(outputs: int) -> None:
    for inputs in RAGGED:
        net, params, X, y, *_ = few(inputs, outputs, "huber", l2=0.01)
        cost, gradient = cr.cost_and_gradient(net, params, X, y, engine="native")
        other, expected = cr.cost_and_gradient(net, params, X, y, engine="reference")
        assert cost == pytest.approx(other, rel=1e-12)
        for a, b in zip(leaves(gradient), leaves(expected), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)
        norms = [
            cr.example_squared_norms(net, params, X, y, engine=name)
            for name in ("native", "reference")
        ]
        np.testing.assert_allclose(*norms, rtol=1e-11)
        rows = cr.predict(net, params, X)
        alone = [cr.predict(net, params, X[k : k + 1])[0] for k in range(len(X))]
        np.testing.assert_allclose(rows, alone, rtol=1e-12, atol=1e-13)


def test_inputs_that_are_not_finite_are_seen_by_few_outputs() -> None:
    p = problem(cr.Network(7, [cr.Dense(2)], "huber"), n=9)
    X = p.X.copy()
    X[4, 6] = np.inf
    with pytest.raises(ValueError, match="finite"):
        cr.predict(p.net, p.params, X)


# Large batches of small networks

LARGE = 1100


def large(layers: list[cr.Layer], loss: str = "half_squared_error", inputs: int = 3) -> Problem:
    return problem(cr.Network(inputs, layers, loss, l1=0.001, l2=0.01), n=LARGE)


DROPS = [cr.Dropout(0.1), cr.Dense(9, "tanh"), cr.Dropout(0.2), cr.Dense(20, "gelu"), cr.Dense(3)]
OPTIONS: dict[str, dict[str, Any]] = {
    "full batch": {"batch_size": None},
    "a last batch that is not large": {"batch_size": LARGE - 50},
    "weights": {"sample_weight": np.arange(float(LARGE)) % 4},
    "bounds": {"clip_norm": 0.05, "clip_value": 0.02},
    "frozen": {"freeze": ["1.W", "3.b"]},
    "validation": {"validation": 0.05},
}


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_large_batch_with_every_option(options: dict[str, Any], dtype: str) -> None:
    options = {"epochs": 3, "batch_size": LARGE, **options}
    p = large(DROPS, "cross_entropy")
    assert_parity(p, cr.SGD(0.1, momentum=0.5), dtype, **options)
    assert_the_same_on_any_number_of_threads(p, dtype, **options)


@pytest.mark.parametrize("layers", ALL.values(), ids=ALL)
def test_a_large_batch_of_every_kind_of_layer(layers: list[cr.Layer]) -> None:
    p = large(layers)
    assert_parity(p, cr.SGD(0.01), epochs=2, batch_size=LARGE, threads=2)


def test_a_large_batch_is_summed_as_small_ones_are() -> None:
    """Of one row, again and again, the mean gradient is that of the row, whatever the batch."""
    p = problem(cr.Network(5, [cr.Dense(8, "tanh"), cr.Dense(2)], "huber"), n=1)
    for n in (1023, 1024, 1025, 3071, 20_000):
        many = p._replace(X=np.repeat(p.X, n, axis=0), y=np.repeat(p.y, n, axis=0))
        got, course = train(many, cr.SGD(0.1), epochs=3, batch_size=None)
        expected, other = train(p, cr.SGD(0.1), epochs=3, batch_size=None)
        np.testing.assert_allclose(course.loss, other.loss, rtol=1e-11)
        for a, b in zip(leaves(got), leaves(expected), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("draw", [None, cr.Draw(3, step=2)], ids=["still", "drawn"])
def test_one_pass_of_a_large_batch(draw: cr.Draw | None) -> None:
    """More rows than there is room for at once: masks are those of the whole batch."""
    p = problem(cr.Network(3, DROPS, "huber", l2=0.01), n=2500)
    cost, gradient = cr.cost_and_gradient(*p[:4], draw=draw, engine="native")
    other, expected = cr.cost_and_gradient(*p[:4], draw=draw, engine="reference")
    assert cost == pytest.approx(other, rel=1e-11)
    for a, b in zip(leaves(gradient), leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_what_changes_the_gradient_of_a_large_batch_gets_it_whole() -> None:
    p = large(DROPS)
    expected = cr.cost_and_gradient(*p[:4], draw=cr.Draw(3, 1))[1]
    plan = Plan(p.net, cr.SGD(0.0), 3, frozenset(), None, None)
    states: list[Any] = [() for _ in leaves(p.params)]
    made = Session(plan, p.params, states, batch=LARGE, threads=2, keeps_gradient=True)
    squares: list[float] = []
    made.between(lambda arena: squares.append(float(np.sum(arena * arena))))
    run = {"epochs": 1, "first_epoch": 0, "first_step": 0, "seconds": 1e9, "shuffles": False}
    made.run(Examples(p.X, p.y, None), **run)
    unpenalised = [
        g - (0.001 * np.sign(w) + 0.01 * w if w.ndim == 2 else 0)
        for g, w in zip(leaves(expected), leaves(p.params), strict=True)
    ]
    assert squares == [pytest.approx(sum(np.sum(g * g) for g in unpenalised), rel=1e-9)]
