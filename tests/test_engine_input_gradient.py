"""An output along paths and its gradient in the engine: against the core, differences and sums."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule import engine, losses
from chainrule.diagnosis.input_path import predicted_by_core
from chainrule.diagnosis.output_value import OutputValue
from chainrule.engine.input_gradient import InputGradient
from chainrule.losses import LOSSES
from chainrule.trees import tree_map
from kinds import ALL
from strategies import HEADS, Problem, problem, problems, problems_of_any_kind

pytestmark = pytest.mark.skipif(engine.native is None, reason="there is no compiled engine")

NEAR: dict[str, dict[str, float]] = {
    "float64": {"rtol": 1e-8, "atol": 1e-10},
    "float32": {"rtol": 2e-3, "atol": 5e-4},
}


def made_of(p: Problem, dtype: str = "float64") -> InputGradient:
    made = InputGradient.of(p.net, tree_map(lambda leaf: leaf.astype(dtype), p.params))
    assert made is not None
    return made


def paths_of(p: Problem, dtype: str = "float64") -> Any:
    """From each example to the one before it, in three steps, and there once more."""
    t = np.array([0, 0.3, 0.8, 1, 1])[:, None]
    return (p.X[:, None] + t * (np.roll(p.X, 1, axis=0) - p.X)[:, None]).astype(dtype)


def assert_as_the_core(p: Problem, dtype: str = "float64") -> None:
    params, X = tree_map(lambda leaf: leaf.astype(dtype), p.params), paths_of(p, dtype)
    made = made_of(p, dtype)
    for output in range(p.net.outputs):
        value = OutputValue(p.net, output)
        got, expected = made(X, output), predicted_by_core(p.net, params, value, X, gradient=True)
        for k, (a, b) in enumerate(zip(got, expected, strict=True)):
            assert a.dtype == dtype
            if k != 1 or value.head.loss.link_name in ("softmax", "sigmoid"):
                np.testing.assert_allclose(a, b, **NEAR[dtype])


def assert_that_of_the_core_at_equal_points(p: Problem, dtype: str = "float64") -> None:
    params, X = tree_map(lambda leaf: leaf.astype(dtype), p.params), p.X.astype(dtype)
    net = cr.Network(p.net.inputs, p.net.layers, p.net.loss, reduction="sum", check=False)
    trace, made = cr.forward(net, params, X), made_of(p, dtype)
    for output in range(p.net.outputs):
        figure, _, da = OutputValue(net, output).of_network(trace.output)
        expected = cr.input_gradient(trace, cr.backprop.deltas_from(trace, da))
        found, _, g = made(np.stack([X, X], axis=1), output)
        np.testing.assert_allclose(found[:, 0], figure, **NEAR[dtype])
        np.testing.assert_array_equal(found[:, 0], found[:, 1])
        np.testing.assert_allclose(g[:, 0], expected, **NEAR[dtype])


@pytest.mark.parametrize("dtype", NEAR)
@pytest.mark.parametrize("n", [1, 40])
@pytest.mark.parametrize("name", ALL)
def test_every_network_of_the_table(name: str, n: int, dtype: str) -> None:
    p = problem(cr.Network(3, ALL[name], "huber", check=False), n)
    assert_as_the_core(p, dtype)
    assert_that_of_the_core_at_equal_points(p, dtype)


@pytest.mark.parametrize("dtype", NEAR)
@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("loss", [*LOSSES, *HEADS, "quantile(0.1, 0.5, 0.9)"])
def test_every_link_of_one_network_and_of_members(loss: str, members: int, dtype: str) -> None:
    last = cr.Dense(3)
    layers = [cr.Dense(5, "tanh"), cr.Members(members, last) if members > 1 else last]
    p = problem(cr.Network(4, layers, loss), 20)
    assert_as_the_core(p, dtype)
    assert_that_of_the_core_at_equal_points(p, dtype)


@pytest.mark.parametrize("dtype", NEAR)
@pytest.mark.parametrize("width", [1, 2, 7, 15, 16, 17, 31, 33, 65, 129])
def test_every_width(width: int, dtype: str) -> None:
    layers = [
        cr.PiecewiseLinear([[-1.0, 0.0, 1.0]] * width, width % 18 + 1),
        cr.Residual(cr.LayerNorm(), cr.Dense(width * (width % 18 + 1), "tanh")),
        cr.BatchNorm(),
        cr.Dense(width, "gelu"),
        cr.Members(2, cr.Dense(width), cr.Activate("softmax"), cr.Dense(width % 7 + 2)),
    ]
    assert_as_the_core(problem(cr.Network(width, layers, "cross_entropy"), 23), dtype)


@settings(max_examples=50)
@given(st.one_of(problems(), problems_of_any_kind()))
def test_any_network(p: Problem) -> None:
    assert_as_the_core(p)
    assert_that_of_the_core_at_equal_points(p)


ELEMENTWISE = [
    cr.Dense(6, "relu"),
    cr.BatchNorm(),
    cr.Residual(cr.Dense(7, "mish"), cr.Scale(), cr.Dense(6, "elu")),
    cr.Members(3, cr.Dense(5, "hard_tanh"), cr.Activate("sigmoid"), cr.Dense(2), full=True),
]


@pytest.mark.parametrize("dtype", NEAR)
@pytest.mark.parametrize("loss", ["huber", "cross_entropy", "binary_cross_entropy", "poisson"])
def test_along_chords_the_gradient_says_what_the_output_changes_by(loss: str, dtype: str) -> None:
    p = problem(cr.Network(4, ELEMENTWISE, loss), 30)
    X = paths_of(p, dtype)
    found, _, g = made_of(p, dtype)(X, 1)
    said = (g * np.diff(X, axis=1)).sum(axis=2)
    tolerance = 1e-6 if loss != "huber" else 1e-13  # a link is averaged along the chord by Gauss
    tolerance = max(tolerance, 3e-5 if dtype == "float32" else 0)
    np.testing.assert_allclose(said, np.diff(found, axis=1), rtol=0, atol=tolerance)


@pytest.mark.parametrize("loss", ["huber", "poisson", "cross_entropy", "binary_cross_entropy"])
def test_at_equal_points_the_gradient_is_that_of_differences(loss: str) -> None:
    layers = [cr.Periodic(2, 3, 0.5), cr.Dense(6, "tanh"), cr.LayerNorm(), cr.Dense(3)]
    p = problem(cr.Network(4, layers, loss), 20)
    step = 1e-6 * np.random.default_rng(1).normal(size=p.X.shape)
    up, down = (cr.predict(p.net, p.params, p.X + s, engine="reference") for s in (step, -step))
    for output in range(3):
        figure, _, g = made_of(p)(np.stack([p.X, p.X], axis=1), output)
        np.testing.assert_allclose(figure[:, 0], cr.predict(p.net, p.params, p.X)[:, output], 1e-12)
        along = (g[:, 0] * step).sum(axis=1)
        np.testing.assert_allclose(along, (up - down)[:, output] / 2, rtol=1e-6, atol=1e-14)


@pytest.mark.parametrize("name", ALL)
def test_no_bit_follows_from_other_paths_or_threads(name: str) -> None:
    p = problem(cr.Network(3, ALL[name], "huber", check=False), 60)
    X, made = paths_of(p), made_of(p)
    whole = made(X, 0)
    for r in (0, 1, 11, 12, 59):
        for a, b in zip(made(X[r : r + 1], 0), whole, strict=True):
            np.testing.assert_array_equal(a[0], b[r])
    with ThreadPoolExecutor(4) as pool:
        for again in pool.map(lambda _: made(X, 0), range(8)):
            for a, b in zip(again, whole, strict=True):
                np.testing.assert_array_equal(a, b)
    without = made(X, 0, gradient=False)
    np.testing.assert_array_equal(without[0], whole[0])
    assert without[2] is None


@pytest.mark.parametrize("points", [1, 2, 3, 63, 64, 65, 130])
def test_paths_of_any_length(points: int) -> None:
    p = problem(cr.Network(3, [cr.Dense(4, "tanh"), cr.LayerNorm(), cr.Dense(2)], "huber"), 5)
    X = np.random.default_rng(0).normal(size=(5, points, 3))
    expected = predicted_by_core(p.net, p.params, OutputValue(p.net, 1), X, gradient=True)
    for a, b in zip(made_of(p)(X, 1), expected, strict=True):
        if a.any():  # what a quantity lacks to 1 is nothing
            np.testing.assert_allclose(a, b, **NEAR["float64"])


def test_no_paths_and_paths_that_lie_elsewhere() -> None:
    p = problem(cr.Network(3, [cr.Dense(4, "tanh"), cr.Dense(2)], "huber"), 40)
    X, made = paths_of(p), made_of(p)
    assert [part.shape for part in made(X[:0], 1)] == [(0, 5), (0, 5), (0, 4, 3)]
    for a, b in zip(made(X, 1), made(np.asfortranarray(X)[::2], 1), strict=True):
        np.testing.assert_array_equal(a[::2], b)


def test_what_is_beyond_the_engine_has_none() -> None:
    own = cr.Activation("own", f=lambda z, xp: z**3, df=lambda z, a, xp: 3 * z**2)
    net = cr.Network(2, [cr.Dense(2, own), cr.Dense(1)], losses.loss("huber"))
    assert InputGradient.of(net, net.init()) is None
