"""The gradient, against another differentiator and against its own identities."""

from __future__ import annotations

import itertools
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_allclose

import chainrule as cr
import twin
from chainrule.activations import ACTIVATIONS
from chainrule.backprop import trace_cost
from chainrule.losses import LOSSES
from chainrule.penalties import penalty_gradient
from chainrule.trees import leaves, named_leaves, tree_map
from strategies import Problem, problem, problems

PENALTIES = {"none": {}, "L1": {"l1": 0.01}, "L2": {"l2": 0.1}, "both": {"l1": 0.01, "l2": 0.1}}


def test_the_twin_knows_every_row() -> None:
    assert twin.ACTIVATIONS.keys() == ACTIVATIONS.keys()
    assert twin.LOSSES.keys() == LOSSES.keys()


def run(p: Problem) -> tuple[Any, Any]:
    trace = cr.forward(p.net, p.params, p.X, p.draw)
    return trace, cr.backward(trace, p.y, p.w)


def assert_close(got: Any, expected: Any) -> None:
    """Relative to the size of the array, as an error of rounding is."""
    scale = max(float(np.max(np.abs(expected))), 1e-3)
    assert got.shape == expected.shape
    assert_allclose(got, expected, rtol=0, atol=1e-10 * scale)


@given(problems())
def test_everything_agrees_with_another_differentiator(p: Problem) -> None:
    trace, deltas = run(p)
    expected, expected_by_input = twin.gradients(p)
    arrays = leaves(p.params)
    assert_allclose(
        float(cr.cost(p.net, p.params, p.X, p.y, p.w, p.draw)),
        float(twin.cost(p, arrays, p.X)),
        rtol=1e-12,
    )
    for got, want in zip(leaves(cr.gradient(trace, deltas)), expected, strict=True):
        assert_close(got, want)
    assert_close(cr.input_gradient(trace, deltas), expected_by_input)

    each = twin.example_gradients(p)
    for got, want in zip(leaves(cr.per_example_gradients(trace, deltas)), each, strict=True):
        assert_close(got, want)
    norms = sum(np.sum(part.reshape(len(p.X), -1) ** 2, axis=1) for part in each)
    assert_close(cr.squared_norms(trace, deltas), norms)


@given(problems())
def test_example_gradients_sum_to_the_gradient_less_the_penalty(p: Problem) -> None:
    trace, deltas = run(p)
    whole, each = cr.gradient(trace, deltas), cr.per_example_gradients(trace, deltas)
    for (name, W), g, shares in zip(
        named_leaves(p.params), leaves(whole), leaves(each), strict=True
    ):
        own = penalty_gradient(p.net, W, np) if p.net.roles[name] is cr.Role.WEIGHT else 0
        assert_allclose(shares.sum(axis=0) + own, g, rtol=1e-10, atol=1e-12)


@given(problems())
def test_squared_norms_are_those_of_the_example_gradients(p: Problem) -> None:
    trace, deltas = run(p)
    each = leaves(cr.per_example_gradients(trace, deltas))
    norms = sum(np.sum(part.reshape(len(p.X), -1) ** 2, axis=1) for part in each)
    assert_allclose(cr.squared_norms(trace, deltas), norms, rtol=1e-10)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_cell_of_the_tables_against_differences(activation: str, loss: str) -> None:
    cells = itertools.product([False, True], PENALTIES.values())
    for seed, (dropout, penalties) in enumerate(cells):
        between = [cr.Dropout(0.3)] if dropout else []
        layers = [cr.Dense(4, activation), *between, cr.Dense(3, activation)]
        p = problem(cr.Network(3, layers, loss, **penalties, check=False), seed=seed)
        check = cr.check_gradient(p.net, p.params, p.X, p.y, p.w, p.draw)
        assert check.passed, f"dropout {dropout}, penalties {penalties}: {check}"
        assert check.relative_error <= 1e-7
        assert check.checked > p.net.size / 2


def test_a_wrong_rule_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oracles themselves: each break of a rule must fail a comparison."""
    p = problem(cr.Network(3, [cr.Dense(4, "tanh"), cr.Dense(2)], "squared_error", l2=0.1))
    rules = {
        "delta": lambda self, params, record, da, xp: da * (1 - record.a),
        "dx": lambda self, params, record, delta, xp: delta @ (1.001 * params.W),
        "gradient": lambda self, record, delta, xp: type(p.params[0])(
            W=delta.mT @ record.x, b=0.999 * xp.sum(delta, axis=0)
        ),
    }
    for name, wrong in rules.items():
        with monkeypatch.context() as patch:
            patch.setattr(cr.Dense, name, wrong)
            assert not cr.check_gradient(p.net, p.params, p.X, p.y).passed, name
            got, want = cr.gradient(*run(p)), twin.gradients(p)[0]
            assert not all(map(np.allclose, leaves(got), want)), name


def test_the_trace_is_what_each_layer_saw() -> None:
    net = cr.Network(2, [cr.Dense(3, "relu"), cr.Dropout(0.5), cr.Dense(1)], "squared_error")
    p = problem(net)
    trace = cr.forward(net, p.params, p.X)
    assert len(trace) == len(net.layers)
    assert trace.output is trace[-1].a
    for before, after in itertools.pairwise(trace):
        assert before.a is after.x
    W, b = p.params[0]
    assert_allclose(trace[0].z, p.X @ W.T + b)
    assert_allclose(trace[0].a, np.maximum(trace[0].z, 0))


def test_a_trace_survives_pickling() -> None:
    trace, deltas = run(problem(cr.Network(2, [cr.Dense(1)], "squared_error", l2=0.5)))
    again = pickle.loads(pickle.dumps(trace))
    expected = leaves(cr.gradient(trace, deltas))
    assert all(map(np.array_equal, leaves(cr.gradient(again, deltas)), expected))


def test_weights_and_repetition_are_the_same() -> None:
    p = problem(cr.Network(3, [cr.Dense(2, "tanh")], "half_squared_error", l2=0.1), n=3)
    times = np.array([1, 3, 2])
    trace = cr.forward(p.net, p.params, p.X)
    weighted = cr.gradient(trace, cr.backward(trace, p.y, times))
    X, y = np.repeat(p.X, times, axis=0), np.repeat(p.y, times, axis=0)
    trace = cr.forward(p.net, p.params, X)
    repeated = cr.gradient(trace, cr.backward(trace, y))
    tree_map(lambda a, b: assert_allclose(a, b, rtol=1e-12), weighted, repeated)


def test_labels_and_one_hot_rows_are_the_same() -> None:
    net = cr.Network(3, [cr.Dense(4)], "cross_entropy")
    p, labels = problem(net, n=4), np.array([3, 0, 2, 2])
    trace = cr.forward(net, p.params, p.X)
    for y in (labels, labels.astype(np.uint8), labels.tolist(), np.eye(4)[labels]):
        assert float(trace_cost(trace, y)) == float(trace_cost(trace, labels))
        (delta,) = cr.backward(trace, y)
        assert_allclose(delta, cr.predict(net, p.params, p.X) - np.eye(4)[labels])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_parameters_decide_the_precision(dtype: str) -> None:
    net = cr.Network(3, [cr.Dense(4, "gelu"), cr.Dropout(0.2), cr.Dense(2)], "cross_entropy")
    params, X = net.init(0, dtype), np.ones((5, 3), dtype=np.int16)
    trace = cr.forward(net, params, X, cr.Draw(0, 1))
    deltas = cr.backward(trace, [0, 1, 1, 0, 1])
    grads = cr.gradient(trace, deltas)
    arrays = [*deltas, *leaves(grads), *leaves(cr.per_example_gradients(trace, deltas))]
    arrays += [trace.output, cr.squared_norms(trace, deltas), cr.input_gradient(trace, deltas)]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("half_squared_error", lambda a: a),
        ("binary_cross_entropy", lambda a: 1 / (1 + np.exp(-a))),
        ("poisson", np.exp),
        ("cross_entropy", lambda a: np.exp(a) / np.exp(a).sum(axis=1, keepdims=True)),
    ],
)
def test_predictions_pass_through_the_link(loss: str, expected: Any) -> None:
    p = problem(cr.Network(3, [cr.Dense(2)], loss))
    W, b = p.params[0]
    assert_allclose(cr.predict(p.net, p.params, p.X), expected(p.X @ W.T + b), rtol=1e-12)


# The call with the net and the params of the trace, as it was once

WEIGHTED = cr.Network(4, [cr.Dense(3, "tanh"), cr.Dropout(0.25), cr.Dense(2)], loss="huber")
