"""Predictions, gradients and norms of a data set: the compiled engine against the core."""

from __future__ import annotations

from typing import Any

import array_api_strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule import backprop, engine
from chainrule.activations import ACTIVATIONS
from chainrule.batches import check_examples
from chainrule.engine.session import Session
from chainrule.evaluation import predict_finite
from chainrule.losses import LOSSES
from chainrule.optimizers import OPTIMIZERS, init_states
from chainrule.record import Plan
from chainrule.trees import leaves, tree_map
from strategies import HEADS, Problem, problem, problems, problems_of_any_kind

pytestmark = pytest.mark.usefixtures("as_many_threads_as_asked")

native = pytest.mark.skipif(engine.native is None, reason="there is no compiled engine")

TOLERANCE = {"float64": 1e-12, "float32": 2e-5}
EVALUATIONS = [cr.predict, cr.cost_and_gradient, cr.example_squared_norms]


def network(activation: str = "tanh", loss: str = "cross_entropy", **penalties: float) -> Any:
    layers = [cr.Dense(9, activation), cr.Dropout(0.2), cr.Dense(17, activation), cr.Dense(3)]
    return cr.Network(5, layers, loss, **penalties)


def cast(p: Problem, dtype: str) -> Problem:
    return p._replace(params=tree_map(lambda leaf: leaf.astype(dtype), p.params))


def evaluate(function: Any, p: Problem, **options: Any) -> list[Any]:
    """Everything that an evaluation returns, as a list of arrays."""
    if function is cr.predict:
        return [cr.predict(p.net, p.params, p.X, **options)]
    found = function(p.net, p.params, p.X, p.y, p.w, **options)
    return [found[0], *leaves(found[1])] if function is cr.cost_and_gradient else [found]


def assert_equal_to_the_core(p: Problem, dtype: str = "float64", **options: Any) -> None:
    p = cast(p, dtype)
    for function in EVALUATIONS:
        expected = evaluate(function, p, engine="reference")
        for got, want in zip(evaluate(function, p, **options), expected, strict=True):
            assert np.shape(got) == np.shape(want)
            error = np.linalg.norm(np.asarray(got, float) - want)
            assert error <= TOLERANCE[dtype] * max(np.linalg.norm(want), 1e-3), function
            if function is not cr.cost_and_gradient or np.ndim(want):
                assert got.dtype == dtype


@native
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(
    "loss",
    [
        *LOSSES,
        "huber(0.3)",
        "quantile(0.9)",
        "quantile(0.1, 0.5, 0.9)",
        "cross_entropy(0.1)",
        *HEADS,
    ],
)
@pytest.mark.parametrize(
    "activation", [*ACTIVATIONS, "sigmoid(4)", "bipolar_sigmoid(3)", "leaky_relu(0.2)", "elu(0.5)"]
)
def test_every_cell_of_the_tables(activation: str, loss: str, dtype: str) -> None:
    p = problem(network(activation, loss, l1=0.01, l2=0.1), n=11)
    assert_equal_to_the_core(p, dtype, engine="native")


@native
@given(problems())
def test_any_network(p: Problem) -> None:
    if leaves(p.params):
        assert_equal_to_the_core(p, engine="native")


@native
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("width", [*range(1, 36), 47, 48, 49, 63, 64, 65, 70, 129])
def test_every_width(width: int, dtype: str) -> None:
    net = cr.Network(width, [cr.Dense(width, "tanh"), cr.Dense(2), cr.Dense(width)], "poisson")
    for n in (1, 7):
        assert_equal_to_the_core(problem(net, n), dtype, engine="native")


@native
@pytest.mark.parametrize("n", [1, 2, 4, 5, 95, 96, 97, 255, 256, 257, 600])
def test_every_number_of_rows_on_any_number_of_threads(n: int) -> None:
    p = problem(network("silu", l2=0.1), n)
    assert_equal_to_the_core(p, engine="native")
    for function in EVALUATIONS:
        one = evaluate(function, p, threads=1)
        for threads in (2, 3, 4):
            assert all(map(np.array_equal, evaluate(function, p, threads=threads), one))


@native
def test_the_gradient_with_the_masks_of_a_step() -> None:
    p = problem(network(l1=0.1), n=300)
    draw = cr.Draw(seed=5, step=9)
    cost, grads = cr.cost_and_gradient(p.net, p.params, p.X[:200], p.y[:200], draw=draw)
    want, expected = cr.cost_and_gradient(
        p.net, p.params, p.X[:200], p.y[:200], draw=draw, engine="reference"
    )
    assert cost == pytest.approx(want, rel=1e-12)
    for a, b in zip(leaves(grads), leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14)


FORMS = {
    "a list": lambda a: a.tolist(),
    "float32": lambda a: a.astype("float32"),
    "Fortran order": np.asfortranarray,
    "every second column": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
    "backwards": lambda a: a[::-1].copy()[::-1],
    "read-only": lambda a: np.frombuffer(a.tobytes()).reshape(a.shape),
    "bytes in the other order": lambda a: a.astype(a.dtype.newbyteorder()),
}


@pytest.mark.parametrize("n", [2, 50])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_inputs_in_any_form(form: Any, n: int) -> None:
    p = problem(network(), n)
    given = p._replace(X=form(p.X))
    for function in EVALUATIONS:
        for got, want in zip(evaluate(function, given), evaluate(function, p), strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-8)


def test_parameters_in_any_order_of_memory_and_as_they_are_now() -> None:
    p = problem(network(), n=50)
    expected = cr.predict(p.net, p.params, p.X)
    scattered = p._replace(params=tree_map(np.asfortranarray, p.params))
    for function in EVALUATIONS:
        got = evaluate(function, scattered)
        assert all(map(np.allclose, got, evaluate(function, p)))
    p.params[0].W[...] = 0
    assert not np.allclose(cr.predict(p.net, p.params, p.X), expected)
    assert not np.allclose(cr.predict(p.net, p.params, p.X[:1]), expected[:1])


def test_arrays_of_another_library_stay_what_they_are() -> None:
    p = problem(network(), n=4)
    moved = tree_map(array_api_strict.asarray, p.params)
    got = cr.predict(p.net, moved, array_api_strict.asarray(p.X))
    assert isinstance(got, type(array_api_strict.asarray(p.X)))
    np.testing.assert_allclose(np.asarray(got), cr.predict(p.net, p.params, p.X))


@pytest.mark.parametrize("n", [1, 50])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_named(value: float, n: int) -> None:
    p = problem(network("sigmoid"), n)
    X = p.X.copy()
    X[-1, 3] = value
    with pytest.raises(ValueError, match=rf"X must be finite, got {value} at \({n - 1}, 3\)"):
        cr.predict(p.net, p.params, X)
    p.params[2].W[1, 2] = value
    with pytest.raises(ValueError, match=rf"2.W must be finite, got {value} at \(1, 2\)"):
        cr.predict(p.net, p.params, p.X)


@pytest.mark.parametrize("n", [1, 50])
def test_predictions_that_overflow_are_what_the_core_gives(n: int) -> None:
    net = cr.Network(1, [cr.Dense(2, "relu"), cr.Dense(1)], "squared_error")
    params = net.parameters([([[1e200], [1.0]], [0.0, 0.0]), ([[1e200, 1.0]], [0.0])])
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(cr.predict(net, params, np.ones((n, 1))), np.inf)


@pytest.mark.parametrize("function", EVALUATIONS, ids=lambda f: f.__name__)
def test_bad_choices_are_named(function: Any) -> None:
    p = problem(network(), n=3)
    name = function.__name__
    with pytest.raises(
        ValueError, match=f"unknown engine of {name} 'nativ'; did you mean 'native'"
    ):
        evaluate(function, p, engine="nativ")
    with pytest.raises(ValueError, match=f"{name}: threads must be a whole number >= 1, got 0"):
        evaluate(function, p, threads=0)
    own = problem(cr.Network(2, [cr.Dense(1)], cr.Loss("mine", **vars_of_half_squared_error())))
    with pytest.raises(ValueError, match=f"{name}: engine='native' cannot run this:"):
        evaluate(function, own, engine="native")
    assert np.isfinite(evaluate(function, own)[0]).all()


def vars_of_half_squared_error() -> dict[str, Any]:
    row = LOSSES["half_squared_error"]
    return {name: getattr(row, name) for name in row.__dataclass_fields__ if name != "name"}


def test_a_network_without_parameters_is_left_to_the_core() -> None:
    net = cr.Network(2, [cr.Dropout(0.5)], "huber")
    np.testing.assert_array_equal(cr.predict(net, net.init(), np.ones((3, 2))), 1)


def test_predictors_go_with_their_networks() -> None:
    from chainrule.engine.predictor import _predictor
    from chainrule.engine.program import _for_predictions
    from chainrule.network import _form, _roles

    before = len(_predictor._made)
    for width in range(1, 20):
        p = problem(cr.Network(2, [cr.Dense(width)], "huber"), n=1)
        cr.predict(p.net, p.params, p.X)
    del p
    for keeps_the_last in (_form, _roles, _for_predictions._make):
        keeps_the_last.cache_clear()
    assert len(_predictor._made) <= before


# The parts of a step


def session(
    p: Problem,
    optimizer: cr.Optimizer,
    *,
    batch: int = 8,
    threads: int = 1,
    clip_norm: float | None = None,
    clip_value: float | None = None,
) -> Session:
    plan = Plan(p.net, optimizer, 3, frozenset({"2.b"}), clip_value, clip_norm)
    states = init_states(optimizer, p.params)
    return Session(plan, p.params, states, batch=batch, threads=threads, keeps_gradient=True)


@native
def test_sums_of_blocks_make_up_the_gradient() -> None:
    p = problem(network("gelu", "squared_error"), n=50)
    data = check_examples(p.net, p.params, p.X, p.y, p.w)
    s = session(p, cr.SGD(0.1))
    blocks = np.array_split(np.random.default_rng(0).permutation(50), 4)
    losses, sums = [], []
    for rows in blocks:
        losses.append(s.losses(data, rows, keep_gradient=True))
        sums.append(s.gradient())
    cost, grads = cr.cost_and_gradient(p.net, p.params, p.X, p.y, p.w, engine="reference")
    assert sum(losses) / p.w.sum() == pytest.approx(cost, rel=1e-12)
    total = tree_map(lambda *parts: sum(parts) / p.w.sum(), *sums)
    for a, b in zip(leaves(total), leaves(grads), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-15)


@native
def test_no_rows_have_no_gradient() -> None:
    p = problem(network("gelu", "squared_error"), n=50)
    data = check_examples(p.net, p.params, p.X, p.y, p.w)
    s = session(p, cr.SGD(0.1))
    s.losses(data, keep_gradient=True)
    assert s.losses(data, np.array([], np.int64), keep_gradient=True) == 0
    assert not any(map(np.any, leaves(s.gradient())))


BOUNDS = [{}, {"clip_norm": 0.01}, {"clip_value": 0.001}, {"clip_norm": 0.01, "clip_value": 0.005}]


@native
@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("bounds", BOUNDS, ids=str)
@pytest.mark.parametrize("rule", [kind(0.01) for kind in OPTIMIZERS.values()], ids=repr)
def test_a_step_in_parts_is_a_step(rule: Any, bounds: dict[str, Any], threads: int) -> None:
    p = problem(network("tanh", l1=0.01, l2=0.1), n=24)
    data = check_examples(p.net, p.params, p.X, p.y, None)
    s = session(p, rule, batch=24, threads=threads, **bounds)
    for step in (1, 2, 3):
        s.losses(data, step=step, scale=1 / 24, keep_gradient=True)
        assert s.update(s.gradient(), step)
    options: dict[str, Any] = {"epochs": 3, "batch_size": None, "seed": 3, "freeze": ["2.b"]}
    expected, course = cr.fit(
        p.net, p.params, p.X, p.y, rule, engine="reference", **options, **bounds
    )
    params, states = s.read()
    for a, b in zip(leaves(params), leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14)
    for got, want in zip(states, course.at.states, strict=True):
        for a, b in zip(got, want, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-14)


@native
def test_an_update_that_is_not_finite_is_reported() -> None:
    p = problem(network(), n=3)
    s = session(p, cr.SGD(1e300))
    assert not s.update(tree_map(lambda leaf: leaf + 1e300, p.params), 1)


def test_the_core_of_prediction_is_the_link() -> None:
    p = problem(network(), n=3)
    trace = backprop.forward(p.net, p.params, p.X)
    np.testing.assert_array_equal(
        backprop.prediction(trace), cr.predict(p.net, p.params, p.X, engine="reference")
    )


@native
@given(problems_of_any_kind(), st.integers(1, 9))
def test_a_row_is_predicted_alike_whichever_rows_stand_beside_it(p: Problem, rows: int) -> None:
    p = cast(p, "float32")
    X = np.resize(p.X, (12, p.net.inputs)).astype("float32")
    whole = predict_finite(p.net, p.params, X)
    assert np.array_equal(predict_finite(p.net, p.params, X[:rows]), whole[:rows])


def shifted(array: Any, by: int) -> Any:
    """The same numbers, that many bytes behind the beginning of a line of the cache."""
    room = np.empty(array.nbytes + 128, np.uint8)
    new = np.ndarray(array.shape, array.dtype, room, -room.ctypes.data % 64 + by)
    new[...] = array
    return new


@native
@pytest.mark.parametrize("by", [4, 8, 16, 60])
@pytest.mark.parametrize("predict", [cr.predict, predict_finite])
def test_no_bit_depends_on_where_the_users_arrays_lie(predict: Any, by: int) -> None:
    p = cast(problem(cr.Network(150, [cr.Dense(37, "tanh"), cr.Dense(3)], "huber"), n=2), "float32")
    expected = predict(p.net, p.params, p.X)
    params = tree_map(lambda leaf: shifted(leaf, by), p.params)
    for X in (p.X, shifted(p.X, by)):
        np.testing.assert_array_equal(predict(p.net, params, X), expected)


@native
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("inputs", [1, 7, 8, 16, 31, 64, 129, 600])
def test_a_row_by_itself_is_summed_as_one_of_many(inputs: int, dtype: str) -> None:
    for outputs in range(1, 20):
        net = cr.Network(inputs, [cr.Dense(outputs, "tanh"), cr.Dense(outputs)], "huber")
        p = cast(problem(net, n=6), dtype)
        whole = predict_finite(net, p.params, p.X.astype(dtype))
        for r in range(6):
            row = predict_finite(net, p.params, p.X[r : r + 1].astype(dtype))
            np.testing.assert_array_equal(row[0], whole[r])
