"""Every kind of layer in the compiled engine, against the reference loop and the core."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule import engine
from chainrule.layers import LAYERS
from chainrule.trees import leaves, named_leaves, tree_map
from kinds import ALL
from parity import TOLERANCE, assert_parity, train
from runs import bits
from strategies import ANY_KIND, Problem, problem, problems_of_any_kind

pytestmark = [
    pytest.mark.skipif(engine.native is None, reason="there is no compiled engine"),
    pytest.mark.usefixtures("as_many_threads_as_asked"),
]

SGD = cr.SGD(0.01, momentum=0.5)
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "weights": {"sample_weight": np.arange(11.0) % 4 + 0.5},
    "clip_norm": {"clip_norm": 0.05},
    "clip_value": {"clip_value": 0.01},
    "frozen": {"freeze": ["*.W", "*.gamma", "*scale*", "*.running_mean", "*.phase"]},
    "validation": {"validation": 0.3},
}
RICH = [
    cr.PiecewiseLinear([[-1.0, 0.0, 0.5, 2.0], [], [0.0, 1.0]], 5),
    cr.Dense(9, "gelu"),
    cr.BatchNorm(),
    cr.Activate("mish"),
    cr.Dropout(0.2),
    cr.Residual(cr.LayerNorm(), cr.Dense(20, "relu"), cr.Dropout(0.1), cr.Dense(9)),
    cr.Scale(),
    cr.Members(3, cr.Periodic(2, 5, 0.5, features=(1, 4)), cr.Dense(7, "tanh"), cr.Dense(2)),
]


def network(name: str, loss: str = "half_squared_error", **penalties: Any) -> cr.Network:
    return cr.Network(3, ALL[name], loss, **penalties, check=False)


def rich(n: int = 11, **penalties: Any) -> Problem:
    return problem(cr.Network(3, RICH, "huber", **penalties), n)


def test_any_network_may_hold_every_kind() -> None:
    assert set(ANY_KIND) == set(LAYERS)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", ALL)
def test_every_network_of_the_table(name: str, dtype: str) -> None:
    assert_parity(problem(network(name, l1=0.001, l2=0.01), n=11), SGD, dtype, threads=2)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_all_kinds_together_with_every_option(options: dict[str, Any], dtype: str) -> None:
    assert_parity(rich(l1=0.001, l2=0.01), cr.SGD(0.001), dtype, threads=2, **options)


# A bias in front of a normalisation has a gradient of 0, of which rounding leaves something: ε is
# so large that no rule makes it a step.
RULES = [
    cr.SGD(0.001, momentum=0.9, nesterov=True),
    cr.Adam(0.001, epsilon=1e-3),
    cr.AdamW(0.001, epsilon=1e-3, weight_decay=0.2),
    cr.RMSprop(0.0001, epsilon=1e-2),
]


@settings(max_examples=100)
@given(problems_of_any_kind(), st.sampled_from(RULES), st.sampled_from([*OPTIONS]), st.data())
def test_any_network(p: Problem, rule: cr.Optimizer, option: str, data: Any) -> None:
    options = dict(OPTIONS[option])
    if "sample_weight" in options:
        options["sample_weight"] = p.w
    if "freeze" in options:
        names = [name for name, _ in named_leaves(p.params)]
        options["freeze"] = data.draw(st.lists(st.sampled_from(names)))
    if option != "validation" or len(p.X) >= 4:
        assert_parity(p, rule, epochs=3, batch_size=4, **options)


@settings(max_examples=50)
@given(problems_of_any_kind())
def test_any_network_in_single_precision(p: Problem) -> None:
    assert_parity(p, cr.SGD(1e-4), "float32", epochs=2, batch_size=5)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("width", [*range(1, 20), 31, 32, 33, 63, 64, 65, 129])
def test_every_width(width: int, dtype: str) -> None:
    layers = [
        cr.LayerNorm(),
        cr.Scale(),
        cr.Residual(cr.Dense(width, "tanh")),
        cr.BatchNorm(),
        cr.PiecewiseLinear([[-1.0, 0.0, 1.0]] * width, width % 18 + 1),
        cr.Embedding([2] * width * (width % 18 + 1), width % 7 + 1),
        cr.Dense(3),
        cr.Periodic(width % 10 + 1, width % 7 + 1, 0.5),
        cr.Members(2, cr.Dense(width), cr.Activate("softmax"), cr.Dense(2)),
    ]
    p = problem(cr.Network(width, layers, "squared_error"), n=23)
    assert_parity(p, cr.SGD(1e-4), dtype, epochs=2, batch_size=9, threads=2)


@pytest.mark.parametrize("batch", [1, 2, 5, 16, 17, 31, 64, 191, 193, 200])
def test_every_height_of_a_batch(batch: int) -> None:
    n = min(200, 20 * batch + 5)
    assert_parity(rich(n), cr.SGD(1e-3), epochs=2, batch_size=batch, threads=2)


# Bits


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", ALL)
def test_threads_change_no_bit(name: str, dtype: str) -> None:
    p = problem(network(name, l2=0.01), n=23)
    runs = [train(p, cr.Adam(0.01), dtype, threads=t, clip_norm=1.0) for t in (1, 2, 3)]
    assert bits(runs[0][0]) == bits(runs[1][0]) == bits(runs[2][0])
    assert runs[0][1].loss == runs[1][1].loss == runs[2][1].loss


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_threads_change_no_bit_of_all_kinds_together(options: dict[str, Any]) -> None:
    runs = [train(rich(l2=0.01), cr.Adam(0.01), threads=t, **options)[0] for t in (1, 2, 3)]
    assert bits(runs[0]) == bits(runs[1]) == bits(runs[2])


@pytest.mark.parametrize("name", ALL)
def test_a_run_goes_on_to_the_bit(name: str) -> None:
    p = problem(network(name), n=11)
    at_once, whole = train(p, cr.Adam(0.01), epochs=5)
    params, history = train(p, cr.Adam(0.01), epochs=2)
    params, history = train(p._replace(params=params), cr.Adam(0.01), epochs=3, history=history)
    assert bits(params) == bits(at_once)
    assert history.loss == whole.loss


# What steps leave


@pytest.mark.parametrize("batch", [11, 1])
def test_running_statistics_follow_the_batches_unless_they_are_frozen(batch: int) -> None:
    p = problem(cr.Network(3, [cr.BatchNorm(), cr.Dense(1)], "huber"), n=11)
    options = {"epochs": 1, "batch_size": batch, "shuffle": False}
    moved, _ = train(p, cr.SGD(0.01), **options)
    kept, _ = train(p, cr.SGD(0.01), freeze=["*.running_variance"], **options)
    before = p.params[0]
    if batch == 1:  # of which there is no variance
        assert bits(moved[0][2:]) == bits(before[2:])
        return
    mean, variance = p.X.mean(axis=0), p.X.var(axis=0, ddof=1)
    np.testing.assert_allclose(moved[0].running_mean, 0.9 * before.running_mean + 0.1 * mean)
    np.testing.assert_allclose(
        moved[0].running_variance, 0.9 * before.running_variance + 0.1 * variance
    )
    assert bits(kept[0].running_variance) == bits(before.running_variance)
    assert bits(kept[0].running_mean) == bits(moved[0].running_mean)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_a_divergence_is_named_as_the_reference_names_it(dtype: str) -> None:
    rising = cr.SGD(cr.StepDecay(1e-3, every=5, factor=1e30))  # well for five steps
    p = problem(cr.Network(3, [cr.BatchNorm(), cr.Dense(4), cr.Dense(2)], "squared_error"), n=11)
    errors = []
    for name in ("native", "reference"):
        with pytest.raises(cr.DivergenceError) as caught:
            train(p, rising, dtype, epochs=50, engine=name, threads=2)
        errors.append(caught.value)
    ours, reference = errors
    assert str(ours) == str(reference)
    for a, b in zip(leaves(ours.params), leaves(reference.params), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9 if dtype == "float64" else 0.05)


# What a network makes of a data set


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", [*ALL, "all kinds"])
@pytest.mark.parametrize("n", [1, 3, 300])
def test_predictions_gradients_and_norms(name: str, n: int, dtype: str) -> None:
    p = rich(n) if name == "all kinds" else problem(network(name, l1=0.01, l2=0.1), n)
    params = tree_map(lambda leaf: leaf.astype(dtype), p.params)
    near = {"rtol": 5e-10, "atol": 1e-12} if dtype == "float64" else {"rtol": 1e-3, "atol": 2e-4}
    for function, arguments in (
        (cr.predict, {}),
        (cr.cost_and_gradient, {"sample_weight": p.w}),
        (cr.cost_and_gradient, {"draw": p.draw}),
        (cr.example_squared_norms, {}),
    ):
        targets = () if function is cr.predict else (p.y,)
        got, expected = (
            function(p.net, params, p.X, *targets, **arguments, engine=name)
            for name in ("native", "reference")
        )
        for a, b in zip(leaves(got), leaves(expected), strict=True):
            np.testing.assert_allclose(a, b, **near)


@pytest.mark.parametrize("name", ALL)
def test_threads_change_no_bit_of_what_a_network_makes(name: str) -> None:
    p = problem(network(name), n=300)
    for function, arguments in (
        (cr.predict, {}),
        (cr.cost_and_gradient, {"draw": p.draw}),
        (cr.example_squared_norms, {}),
    ):
        targets = () if function is cr.predict else (p.y,)
        one, two, three = (
            leaves(
                function(p.net, p.params, p.X, *targets, **arguments, engine="native", threads=t)
            )
            for t in (1, 2, 3)
        )
        assert all(map(np.array_equal, one, two))
        assert all(map(np.array_equal, one, three))


@pytest.mark.parametrize("name", ALL)
def test_rows_are_predicted_alike_one_by_one_and_together(name: str) -> None:
    p = problem(network(name), n=120)
    together = cr.predict(p.net, p.params, p.X, engine="native", threads=2)
    for r in (0, 1, 50, 119):
        alone = cr.predict(p.net, p.params, p.X[r : r + 1], engine="native")
        np.testing.assert_allclose(alone[0], together[r], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("name", ALL)
def test_what_is_not_finite_is_refused(name: str, bad: float) -> None:
    p = problem(network(name), n=5)
    X = p.X.copy()
    X[3, 2] = bad
    with pytest.raises(ValueError, match=rf"X must be finite, got {bad} at \(3, 2\)"):
        cr.predict(p.net, p.params, X)


@pytest.mark.parametrize(
    "layer",
    [cr.Periodic(1, 2), cr.PiecewiseLinear([[0.0, 1.0]] * 3), cr.LayerNorm(), cr.BatchNorm()],
)
def test_what_becomes_infinite_on_the_way_comes_through(layer: cr.Layer) -> None:
    p = problem(cr.Network(3, [cr.Scale(), layer, cr.Dense(2)], "squared_error"), n=11)
    huge = p.params[0]._replace(scale=np.full(3, 1e308))
    p = p._replace(params=(huge, *p.params[1:]), X=100 * p.X)
    with np.errstate(all="ignore"):
        native, reference = (
            cr.predict(p.net, p.params, p.X, engine=name) for name in ("native", "reference")
        )
    np.testing.assert_array_equal(np.isfinite(native), np.isfinite(reference))
    for name in ("native", "reference"):
        with pytest.raises(cr.DivergenceError, match="finite"):
            train(p, SGD, engine=name)


# Sine and cosine, by a periodic layer: cos(phase), and its derivative by the phase


def angles(dtype: str) -> Any:
    rng = np.random.default_rng(0)
    spread = rng.normal(size=2000) * 10.0 ** rng.uniform(-8, 7, 2000)
    turns = np.arange(-400, 400) * np.pi / 2
    return np.concatenate([spread, turns, np.linspace(-20, 20, 801), [0, 1e10]]).astype(dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_sines_and_cosines(dtype: str) -> None:
    phases = angles(dtype)
    f = len(phases)
    layer = cr.Periodic(1, 1)
    net = cr.Network(f, [layer], "absolute_error")
    ones = np.ones((f, 1), dtype)
    params = net.parameters([(0 * ones, phases[:, None], ones[:, :, None], 0 * ones)])
    x, y = np.zeros((1, f), dtype), np.full((1, 2 * f), -2.0)
    with mpmath.workprec(200):
        cosines, sines = (
            np.array([float(function(float(phase))) for phase in phases])
            for function in (mpmath.cos, mpmath.sin)
        )
    predicted = cr.predict(net, params, x, engine="native")[0, 1::2]
    moved = cr.cost_and_gradient(net, params, x, y, engine="native")[1][0].phase[:, 0]
    for got, expected in ((predicted, cosines), (-moved, sines)):
        unit = np.spacing(np.abs(expected).astype(dtype)).astype(float)
        assert np.max(np.abs(got - expected) / unit) < 2.5


def test_frequencies_that_are_not_finite_are_refused() -> None:
    net = cr.Network(1, [cr.Periodic(1, 1), cr.Dense(1)], "huber")
    for name, _ in named_leaves(net.form):
        params = tree_map(np.copy, net.init())
        dict(named_leaves(params))[name][...] = np.nan
        with pytest.raises(ValueError, match=name):
            cr.predict(net, params, np.ones((1, 1)))
