"""An output and its gradient for the inputs in the engine, against the core and differences."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule import engine, losses
from chainrule.diagnosis.output_value import OutputValue
from chainrule.engine.input_gradient import InputGradient
from chainrule.losses import LOSSES
from chainrule.trees import tree_map
from kinds import ALL
from strategies import HEADS, Problem, problem, problems, problems_of_any_kind

pytestmark = pytest.mark.skipif(engine.native is None, reason="there is no compiled engine")

NEAR: dict[str, dict[str, float]] = {
    "float64": {"rtol": 1e-9, "atol": 1e-12},
    "float32": {"rtol": 1e-3, "atol": 2e-4},
}


def by_core(p: Problem, params: Any, X: Any, output: int) -> tuple[Any, Any, Any]:
    net = cr.Network(p.net.inputs, p.net.layers, p.net.loss, reduction="sum", check=False)
    trace = cr.forward(net, params, X)
    figure, rest, da = OutputValue(net, output).of_network(trace.output)
    return figure, rest, cr.input_gradient(trace, cr.backprop.deltas_from(trace, da))


def assert_as_the_core(p: Problem, dtype: str = "float64") -> None:
    params, X = tree_map(lambda leaf: leaf.astype(dtype), p.params), p.X.astype(dtype)
    made = InputGradient.of(p.net, params)
    assert made is not None
    for output in range(p.net.outputs):
        got, expected = made(X, output), by_core(p, params, X, output)
        for k, (a, b) in enumerate(zip(got, expected, strict=True)):
            assert a.dtype == dtype
            if k != 1 or OutputValue(p.net, output).head.loss.link_name in ("softmax", "sigmoid"):
                np.testing.assert_allclose(a, b, **NEAR[dtype])


@pytest.mark.parametrize("dtype", NEAR)
@pytest.mark.parametrize("n", [1, 3, 200])
@pytest.mark.parametrize("name", ALL)
def test_every_network_of_the_table(name: str, n: int, dtype: str) -> None:
    assert_as_the_core(problem(cr.Network(3, ALL[name], "huber", check=False), n), dtype)


@pytest.mark.parametrize("dtype", NEAR)
@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("loss", [*LOSSES, *HEADS, "quantile(0.1, 0.5, 0.9)"])
def test_every_link_of_one_network_and_of_members(loss: str, members: int, dtype: str) -> None:
    last = cr.Dense(3)
    layers = [cr.Dense(5, "tanh"), cr.Members(members, last) if members > 1 else last]
    assert_as_the_core(problem(cr.Network(4, layers, loss), 20), dtype)


@pytest.mark.parametrize("dtype", NEAR)
@pytest.mark.parametrize("width", [*range(1, 20), 31, 32, 33, 63, 64, 65, 129])
def test_every_width(width: int, dtype: str) -> None:
    layers = [
        cr.PiecewiseLinear([[-1.0, 0.0, 1.0]] * width, width % 18 + 1),
        cr.Residual(cr.LayerNorm(), cr.Dense(width * (width % 18 + 1), "tanh")),
        cr.BatchNorm(),
        cr.Dense(width, "gelu"),
        cr.Members(2, cr.Dense(width), cr.Activate("softmax"), cr.Dense(width % 7 + 2)),
    ]
    p = problem(cr.Network(width, layers, "cross_entropy"), 23)
    assert_as_the_core(p, dtype)


@settings(max_examples=50)
@given(st.one_of(problems(), problems_of_any_kind()), st.sampled_from(sorted(NEAR)))
def test_any_network(p: Problem, dtype: str) -> None:
    assert_as_the_core(p, dtype)


@pytest.mark.parametrize("loss", ["huber", "poisson", "cross_entropy", "binary_cross_entropy"])
def test_the_gradient_is_that_of_differences(loss: str) -> None:
    layers = [cr.Periodic(2, 3, 0.5), cr.Dense(6, "tanh"), cr.LayerNorm(), cr.Dense(3)]
    p = problem(cr.Network(4, layers, loss), 20)
    step = 1e-6 * np.random.default_rng(1).normal(size=p.X.shape)
    made = InputGradient.of(p.net, p.params)
    assert made is not None
    up, down = (cr.predict(p.net, p.params, p.X + s, engine="reference") for s in (step, -step))
    for output in range(3):
        figure, _, g = made(p.X, output)
        np.testing.assert_allclose(figure, cr.predict(p.net, p.params, p.X)[:, output], 1e-12)
        along = (g * step).sum(axis=1)
        np.testing.assert_allclose(along, (up - down)[:, output] / 2, rtol=1e-6, atol=1e-14)


@pytest.mark.parametrize("name", ALL)
def test_no_bit_follows_from_other_rows_or_threads(name: str) -> None:
    p = problem(cr.Network(3, ALL[name], "huber", check=False), 250)
    made = InputGradient.of(p.net, p.params)
    assert made is not None
    figure, rest, g = made(p.X, 0)
    for r in (0, 1, 95, 96, 249):
        alone = made(p.X[r : r + 1], 0)
        assert alone[0][0] == figure[r]
        np.testing.assert_array_equal(alone[2][0], g[r])
    with ThreadPoolExecutor(4) as pool:
        for again in pool.map(lambda _: made(p.X, 0), range(8)):
            for a, b in zip(again, (figure, rest, g), strict=True):
                np.testing.assert_array_equal(a, b)
    without = made(p.X, 0, gradient=False)
    np.testing.assert_array_equal(without[0], figure)
    assert without[2] is None


def test_no_rows_and_rows_that_lie_elsewhere() -> None:
    p = problem(cr.Network(3, [cr.Dense(4, "tanh"), cr.Dense(2)], "huber"), 40)
    made = InputGradient.of(p.net, p.params)
    assert made is not None
    assert [part.shape for part in made(p.X[:0], 1)] == [(0,), (0,), (0, 3)]
    whole, some = made(p.X, 1), made(np.asfortranarray(p.X)[::2], 1)
    for a, b in zip(whole, some, strict=True):
        np.testing.assert_array_equal(a[::2], b)


def test_what_is_beyond_the_engine_has_none() -> None:
    own = cr.Activation("own", f=lambda z, xp: z**3, df=lambda z, a, xp: 3 * z**2)
    net = cr.Network(2, [cr.Dense(2, own), cr.Dense(1)], losses.loss("huber"))
    assert InputGradient.of(net, net.init()) is None
