"""What inputs contribute: linear models, fine sums of another kind, and that they add up."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.diagnosis import path_integral
from chainrule.diagnosis.input_path import predicted_by_core
from chainrule.diagnosis.output_value import OutputValue
from chainrule.engine.input_gradient import InputGradient
from strategies import problem, problems

RNG = np.random.default_rng(0)
LAYERS_WITHOUT = [
    cr.Dense(5, "tanh"),
    cr.Residual(cr.Dense(4, "relu"), cr.Scale(), cr.Dense(5, "elu")),
    cr.Members(2, cr.Dense(4, "gelu"), cr.Activate("sigmoid"), cr.Dense(2), full=True),
]
LAYERS_WITH_MIDDLES = [
    cr.Dense(5, "tanh"),
    cr.LayerNorm(),
    cr.Residual(cr.RMSNorm(), cr.Dense(5, "softmax")),
    cr.Members(2, cr.Periodic(1, 2, 0.2), cr.Activate("sigmoid"), cr.Dense(2)),
]


def test_those_to_a_linear_model_are_weight_times_difference():
    net = cr.Network(3, [cr.Dense(2)], "half_squared_error")
    W, b = RNG.normal(size=(2, 3)), RNG.normal(size=2)
    X, mean = RNG.normal(size=(5, 3)), RNG.normal(size=3)
    found = cr.integrated_gradients(net, net.parameters([(W, b)]), X, mean, output=1)
    np.testing.assert_allclose(found.values, W[1] * (X - mean), 1e-12)
    np.testing.assert_allclose(found.baseline, W[1] @ mean + b[1])
    np.testing.assert_allclose(found.figures, X @ W[1] + b[1])


@given(problems(), st.booleans())
@settings(max_examples=30)
def test_they_add_up_to_the_prediction_less_that_of_the_baseline(case, log_odds):
    net, params, X, *_ = case
    head = net.row.heads(net.outputs)[-1]
    log_odds &= head.loss.link_name in ("softmax", "sigmoid")
    b, j = np.full(net.inputs, 0.25), net.outputs - 1
    found = cr.integrated_gradients(net, params, X, b, output=j, log_odds=log_odds, tolerance=1e-5)
    p = np.asarray(cr.predict(net, params, np.concatenate([X, b[None]]), engine="reference"))
    p = head.of(p)
    if head.loss.name == "quantile":
        p = np.sort(p, axis=1)
    F = p[:, -1]
    if log_odds:
        rest = p.sum(axis=1) - F if head.loss.name == "cross_entropy" else 1 - F
        F = np.log(F) - np.log(rest)
    np.testing.assert_allclose(found.figures, F[:-1], 1e-9, 1e-9)
    np.testing.assert_allclose(found.baseline, F[-1], 1e-9, 1e-9)
    scale = np.abs(found.values).sum(axis=1) + 1e-9 * np.abs(F).max()
    assert (np.abs(found.residue) <= 2e-5 * scale).all()


@pytest.mark.parametrize("loss", ["half_squared_error", "cross_entropy", "poisson", "huber(0.5)"])
def test_they_are_those_of_a_fine_sum_of_differences(loss):
    net = cr.Network(3, [cr.Dense(6, "tanh"), cr.Dense(2)], loss)
    params, b, x = problem(net, seed=3).params, np.array([0.5, -1.0, 0.1]), RNG.normal(size=3)
    found = cr.integrated_gradients(net, params, [x], b, output=1, tolerance=1e-9)
    m, h = 2000, 1e-5
    t = (np.arange(m) + 0.5) / m
    path = b + t[:, None] * (x - b)
    for j, step in enumerate(h * np.eye(3)):
        up, down = (cr.predict(net, params, path + s)[:, 1] for s in (step, -step))
        expected = (x[j] - b[j]) * np.mean((up - down) / (2 * h))
        assert found.values[0, j] == pytest.approx(expected, rel=2e-4, abs=2e-5)


def test_each_kink_of_relu_is_found():
    net = cr.Network(1, [cr.Dense(1, "relu"), cr.Dense(1)], "half_squared_error")
    params = net.parameters([([[1.0]], [-1 / 3]), ([[3.0]], [0.0])])
    found = cr.integrated_gradients(net, params, [[1.0]], [0.0])
    assert found.values[0, 0] == pytest.approx(2, rel=1e-6)


def test_several_networks_contribute_their_mean():
    net = cr.Network(2, [cr.Dense(4, "relu"), cr.Dense(1)], "half_squared_error")
    each = [net.init(k, dtype="float64") for k in (1, 2)]
    x, b = [[1.0, 2.0]], [0.1, -0.2]
    both = cr.integrated_gradients(net, each, x, b, tolerance=1e-9).values
    apart = [cr.integrated_gradients(net, own, x, b, tolerance=1e-9).values for own in each]
    np.testing.assert_allclose(both, np.mean(apart, axis=0), 1e-6, 1e-9)


def test_levels_pass_through_the_vectors_between():
    layers = [cr.PiecewiseLinear([[0.0, 1.0], []], 2), cr.Embedding([0, 0, 3], 2), cr.Dense(1)]
    net = cr.Network(2, layers, "half_squared_error")
    params = problem(net, seed=1).params
    X = np.array([[0.3, 1.0], [0.8, 7.0]])
    b = np.array([0.5, 2.0])
    found = cr.integrated_gradients(net, params, X, b)
    weights, vectors = params[2].W[0, 2:], params[1].W
    moved = np.stack([vectors[1], vectors.mean(axis=0)]) - vectors[2]
    np.testing.assert_allclose(found.values[:, 1], moved @ weights, 1e-9)


def test_levels_behind_other_layers_are_refused():
    net = cr.Network(2, [cr.Dense(1), cr.Embedding([3], 2), cr.Dense(1)], "half_squared_error")
    params = net.parameters([([[1.0, 1.0]], [0.0]), [RNG.normal(size=(3, 2))], ([[1, 2.0]], [0])])
    with pytest.raises(ValueError, match=r"do not add up.* its output jumps"):
        cr.integrated_gradients(net, params, [[1.0, 1.0]], [0.0, 0.0])


def test_the_loose_and_the_fine_agree_and_many_rows_go_through_threads():
    net = cr.Network(4, [cr.Dense(16, "relu"), cr.Dense(16, "relu"), cr.Dense(1)], "squared_error")
    params, X, b = net.init(0), RNG.normal(size=(700, 4)), np.zeros(4)
    fine = cr.integrated_gradients(net, params, X, b)
    loose = cr.integrated_gradients(net, params, X, b, tolerance=0.01)
    scale = np.abs(fine.values).sum(axis=1)
    assert (np.abs(fine.values - loose.values).max(axis=1) <= 0.02 * scale).all()
    assert (np.abs(loose.residue) <= 0.0101 * scale).all()
    assert (np.abs(fine.residue) <= 1.01e-6 * scale).all()


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"X": [[1.0]]}, "expects inputs of width 2, got X with shape"),
        ({"X": [[1.0, math.nan]]}, "X.*nan"),
        ({"baseline": [1.0]}, "got baseline with shape"),
        ({"output": 1}, "output must be"),
        ({"tolerance": 0}, "tolerance must be"),
        ({"log_odds": True}, "log odds are of probabilities, and loss 'huber"),
        ({"params": []}, "params must be those of a network"),
    ],
)
def test_what_does_not_fit_is_refused(given, error):
    net = cr.Network(2, [cr.Dense(1)], "huber")
    known = {"params": net.init(0), "X": [[1.0, 2.0]], "baseline": [0.0, 0.0]}
    with pytest.raises(ValueError, match=error):
        cr.integrated_gradients(net, **{**known, **given})


@pytest.mark.parametrize("loss", ["cross_entropy(0.1)", "binary_cross_entropy", "poisson", "huber"])
@pytest.mark.parametrize("members", [1, 2])
def test_the_slope_of_an_output_equals_differences(loss, members):
    last = cr.Dense(3)
    net = cr.Network(2, [cr.Members(2, last) if members == 2 else last], loss)
    value, h = OutputValue(net, 1), 1e-6
    a = RNG.normal(size=(4, 3 * members))
    _, _, slopes = value.of_network(a)
    for k, step in enumerate(h * np.eye(3 * members)):
        up, down = (value.of_network(a + s)[0] for s in (step, -step))
        np.testing.assert_allclose(slopes[:, k], (up - down) / (2 * h), 1e-6, 1e-9)


@pytest.mark.parametrize("log_odds", [False, True])
@pytest.mark.parametrize("step", [0.5, 1e-7, 0.0])
def test_the_figure_of_several_networks_changes_by_their_slopes(log_odds, step):
    value = OutputValue(cr.Network(2, [cr.Dense(1)], "binary_cross_entropy"), 0, log_odds)
    first = RNG.uniform(0.1, 0.4, size=(3, 5, 1))
    p = first + step * np.array([0, 0.3, 1.0])
    F, share = value.joined(list(p), list(1 - p))
    expected = np.log(p.mean(axis=0) / (1 - p.mean(axis=0))) if log_odds else p.mean(axis=0)
    np.testing.assert_allclose(F, expected)
    said = (share * np.diff(p, axis=2)).sum(axis=0)
    np.testing.assert_allclose(said, np.diff(F), rtol=1e-9, atol=1e-15)
    if step == 0:
        P = p.mean(axis=0)[:, 1:]
        np.testing.assert_allclose(share, (1 / (P * (1 - P)) if log_odds else 1) / 3)


def by_all_orders(figure, x, b):
    """Shapley values as the mean over all orders in which the inputs come."""
    total, orders = np.zeros(len(x)), list(itertools.permutations(range(len(x))))
    for order in orders:
        now = np.array(b, float)
        for k in order:
            before = figure(now[None])[0]
            now[k] = x[k]
            total[k] += figure(now[None])[0] - before
    return total / len(orders)


def test_shapley_values_are_the_mean_over_all_orders():
    net = cr.Network(5, [cr.Dense(8, "relu"), cr.Dense(1)], "squared_error")
    params = problem(net).params

    def figure(X):
        return cr.predict(net, params, X)[:, 0]

    x, b = RNG.normal(size=(2, 5))
    np.testing.assert_allclose(cr.shapley_values(figure, x, b), by_all_orders(figure, x, b), 1e-9)


def test_shapley_values_of_parts_a_dummy_and_two_alike():
    def figure(X):
        return X[:, 0] * X[:, 1] + np.sin(X[:, 2] + X[:, 3]) + 0 * X[:, 4]

    x, b = np.array([2.0, 3.0, 0.5, 0.5, 9.0]), np.zeros(5)
    found = cr.shapley_values(figure, x, b)
    assert found[4] == 0
    assert found[2] == pytest.approx(found[3])
    parts = cr.shapley_values(figure, x, b, [[0, 1], [2, 3], [4]])
    np.testing.assert_allclose(parts, [6, np.sin(1), 0], atol=1e-12)


def test_too_many_parts_are_refused():
    with pytest.raises(ValueError, match=r"at most 12 parts, .*4,096 predictions, got 13"):
        cr.shapley_values(lambda X: X[:, 0], np.ones(13), np.zeros(13))
    with pytest.raises(ValueError, match=r"got \(3,\) and \(2,\)"):
        cr.shapley_values(lambda X: X[:, 0], np.ones(3), np.zeros(2))


@pytest.mark.parametrize("log_odds", [False, True])
def test_without_the_engine_they_are_the_same(log_odds, monkeypatch):
    layers = [cr.Periodic(1, 2, 0.5), cr.Dense(6, "tanh"), cr.Members(2, cr.Dense(3))]
    net = cr.Network(3, layers, "cross_entropy")
    each, X, b = [problem(net, seed=k).params for k in (1, 2)], RNG.normal(size=(5, 3)), np.ones(3)
    native = cr.integrated_gradients(net, each, X, b, output=2, log_odds=log_odds)
    monkeypatch.setattr(InputGradient, "of", lambda *_: None)
    plain = cr.integrated_gradients(net, each, X, b, output=2, log_odds=log_odds)
    np.testing.assert_allclose(native.values, plain.values, 1e-9, 1e-12)
    np.testing.assert_allclose(native.figures, plain.figures, 1e-12)


@pytest.mark.parametrize("layers", [LAYERS_WITH_MIDDLES, LAYERS_WITHOUT])
def test_chords_of_the_core_say_what_an_output_changes_by(layers):
    p = problem(cr.Network(3, layers, "huber"), n=20)
    value = OutputValue(p.net, 1)
    shares = []
    for points in (2, 5, 17):
        t = np.linspace(0, 1, points)[:, None]
        X = p.X[:, None] * t
        figure, _, g = predicted_by_core(p.net, p.params, value, X, gradient=True)
        said = (g * np.diff(X, axis=1)).sum(axis=(1, 2))
        shares.append(np.abs(said - figure[:, -1] + figure[:, 0]).max())
    if layers is LAYERS_WITHOUT:
        assert max(shares) < 1e-13
    else:  # of the second order in the length of a part
        assert shares[2] < shares[1] / 8 < shares[0] / 8


@pytest.mark.parametrize("tolerance", [0.1, 0.01, 1e-3, 1e-5])
def test_errors_are_within_the_tolerance_as_far_as_estimates_go(tolerance):
    net = cr.Network(4, [cr.Dense(16, "relu"), cr.Dense(16, "relu"), cr.Dense(1)], "squared_error")
    X, b = np.random.default_rng(5).normal(size=(100, 4)), np.full(4, 0.1)
    params = net.init(0, dtype="float64")
    fine = cr.integrated_gradients(net, params, X, b, tolerance=1e-7).values
    found = cr.integrated_gradients(net, params, X, b, tolerance=tolerance)
    sizes = np.abs(fine).sum(axis=1)
    errors = np.abs(found.values - fine).max(axis=1) / sizes
    assert np.quantile(errors, 0.9) <= tolerance
    assert errors.max() <= 5 * tolerance
    assert (np.abs(found.residue) <= 1e-12 * sizes).all()


def test_what_never_adds_up_ends_in_an_error(monkeypatch):
    """A slope that is wrong everywhere: no number of parts helps."""
    net = cr.Network(2, [cr.Dense(3, "tanh"), cr.Dense(1)], loss="squared_error")
    right = path_integral.contributed

    def doubled(*given):
        values, F = right(*given)
        return 2 * values, F

    monkeypatch.setattr(path_integral, "contributed", doubled)
    monkeypatch.setattr(path_integral, "MOST_PARTS", 256)
    with pytest.raises(ValueError, match="do not add up"):
        cr.integrated_gradients(net, net.init(0), [[0.5, -1.0]], [0.0, 0.0])
