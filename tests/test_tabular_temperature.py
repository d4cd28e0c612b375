"""The temperature of classes: how it is found, and what it brings."""

import dataclasses
import itertools

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, logsumexp

import chainrule as cr
from chainrule.batches import Examples
from chainrule.tabular import temperature
from chainrule.tabular.temperature import FOLDS, SPREAD, cooled, fitted, log_loss, thermometer

# Its value


def drawn(members, n, classes, sure, seed=0, weighted=False):
    """Logits z of labels that follow softmax(z / sure), of networks that differ a little."""
    draw = np.random.default_rng(seed)
    z = draw.normal(0, 2, (n, classes)) + draw.normal(0, 0.3, (members, n, classes))
    p = np.exp(log_softmax(z.mean(axis=0), axis=1)).cumsum(axis=1)
    y = (draw.random((n, 1)) > p).sum(axis=1).clip(max=classes - 1)
    w = draw.integers(1, 4, n).astype(float) if weighted else None
    return (sure * z).astype("f4"), y, w


def losses_by_hand(z, y, t):
    """Of each row, −log of the mean probability of its class."""
    own = log_softmax(z.astype(float) / t, axis=2)[:, np.arange(len(y)), y]
    return np.log(len(z)) - logsumexp(own, axis=0)


def fitted_by_scipy(z, y, w):
    w = np.ones(len(y)) if w is None else w / w.mean()

    def objective(a):
        return w @ losses_by_hand(z, y, np.exp(a)) + 0.5 * (a / SPREAD) ** 2

    return np.exp(minimize_scalar(objective, bounds=(-3, 3), method="bounded").x)


CASES = list(itertools.product((1, 2, 3), (2, 3, 26), (0.5, 1.0, 3.0), (False, True)))


@pytest.mark.parametrize(("members", "classes", "sure", "weighted"), CASES)
def test_it_is_what_another_minimiser_finds(members, classes, sure, weighted):
    z, y, w = drawn(members, 500, classes, sure, weighted=weighted)
    found = fitted(z, y, w)
    assert found == pytest.approx(fitted_by_scipy(z, y, w), rel=0.005)
    assert found == pytest.approx(sure, rel=0.3)
    by_hand = np.average(losses_by_hand(z, y, found), weights=w)
    assert log_loss(z, y, w, found) == pytest.approx(by_hand, rel=1e-5)


def test_a_weight_is_a_repetition():
    z, y, w = drawn(2, 400, 3, 2.0, weighted=True)
    times = w.astype(int)
    again = np.repeat(z, times, axis=1), np.repeat(y, times)
    assert log_loss(z, y, w) == pytest.approx(log_loss(*again, None), rel=1e-5)
    assert fitted(z, y, w) == pytest.approx(fitted(*again, None), rel=0.02)  # SPREAD counts less


@pytest.mark.parametrize("size", [1e-30, 1e4, 1e30])
def test_outputs_of_any_size_have_one(size):
    z, y, _ = drawn(2, 300, 3, 1.0)
    z = (z * size).astype("f4")
    assert np.isfinite([fitted(z, y, None), log_loss(z, y, None)]).all()


@pytest.mark.parametrize("right", [0, 300])
def test_rows_that_are_all_wrong_or_all_right_send_it_not_far(right):
    z = np.tile(np.array([5.0, 0.0], "f4"), (1, 300, 1))
    y = (np.arange(300) >= right).astype(int)
    found = fitted(z, y, None)
    assert (found > 3) if right == 0 else (0.3 < found < 1)


# What it brings


def network(classes=3, seed=0):
    net = cr.Network(2, [cr.Dense(8, "tanh"), cr.Dense(classes)], loss="cross_entropy")
    return net, net.init(seed, dtype="float32")


def examples(sure, n=600, weighted=False):
    """Rows of which a network is too sure by a factor, and its parameters."""
    net, params = network()
    draw = np.random.default_rng(3)
    X = (3 * draw.standard_normal((n, 2))).astype("f4")
    p = cr.predict(net, params, X).cumsum(axis=1)
    y = (draw.random((n, 1)) > p).sum(axis=1).clip(max=2)
    w = draw.integers(0, 3, n).astype("f4") if weighted else None
    return net, cooled(params, 1 / sure), Examples(X, y, w)


@pytest.mark.parametrize("weighted", [False, True])
def test_what_it_brings_is_found_in_rows_that_it_does_not_rest_on(weighted):
    net, params, held = examples(4.0, weighted=weighted)
    (found,) = thermometer(net, held).calibrated([params])
    z = np.log(cr.predict(net, params, held.X).astype(float))[None]
    used = np.arange(len(held.y)) if held.w is None else np.flatnonzero(held.w)
    w = np.ones(len(held.y)) if held.w is None else held.w.astype(float)
    folds, each = np.arange(len(used)) % FOLDS, np.zeros(len(held.y))
    for k in range(FOLDS):
        others, own = used[folds != k], used[folds == k]
        t = fitted_by_scipy(z[:, others], held.y[others], w[others])
        assert found.temperatures[k] == pytest.approx(t, rel=0.005)
        assert set(found.folds[own]) == {k}
        each[own] = losses_by_hand(z[:, own], held.y[own], t)
    assert found.after == pytest.approx(np.average(each, weights=w), rel=1e-3)
    before = np.average(losses_by_hand(z, held.y, 1.0), weights=w)
    assert found.before == pytest.approx(before, rel=1e-4)
    assert found.after < found.before


def test_probabilities_that_are_right_have_none():
    """In each fold, a class with p = 3/4 has three rows of four."""
    net = cr.Network(1, [cr.Dense(2)], loss="cross_entropy")
    params = net.parameters([([[0.0], [0.0]], [np.log(3), 0.0])])
    held = Examples(np.zeros((400, 1)), np.tile([0, 0, 1, 0], 100), None)
    assert thermometer(net, held).calibrated([params]) == (None,)


@pytest.mark.parametrize(("n", "weights"), [(299, None), (400, 101)])
def test_of_few_rows_that_count_it_is_not_found(n, weights):
    net, _, held = examples(4.0, n)
    w = None if weights is None else (np.arange(n) >= weights).astype("f4")
    assert thermometer(net, held._replace(w=w)) is None


def test_of_many_rows_some_are_taken(monkeypatch):
    net, params, held = examples(4.0, 6_000)
    (whole,) = thermometer(net, held).calibrated([params])
    monkeypatch.setattr(temperature, "MOST", 6_000)
    some = thermometer(net, held, networks=2)
    assert (len(some.used.y), some.rows) == (1_000, 6_000)
    (found,) = some.calibrated([params])
    assert len(found.folds) == 6_000
    assert found.temperature == pytest.approx(whole.temperature, rel=0.15)


LOSS = "heads(huber(0.5): 2, cross_entropy(0.1): 3, half_squared_error: 1, cross_entropy: 2)"


@pytest.mark.parametrize("weighted", [False, True])
def test_of_several_targets_each_that_has_classes_has_its_own(weighted):
    """As it has by itself; the loss of a network is that of all, at these temperatures."""
    net = cr.Network(2, [cr.Dense(8, "tanh"), cr.Dense(8)], LOSS)
    params = net.init(0, dtype="float32")
    alone, of_alone, held = examples(4.0, weighted=weighted)
    two, three = [0, 1], [2, 3, 4]
    W = params[1].W.copy()
    W[three] = of_alone[1].W
    params = (of_alone[0], params[1]._replace(W=W))
    draw = np.random.default_rng(1)
    price, rent = draw.normal(size=(600, 2)), draw.normal(size=(600, 1))
    sold = (draw.random(600) < 0.5).astype(int)
    y = np.hstack([price, np.eye(3)[held.y], rent, np.eye(2)[sold]]).astype("f4")
    heat = thermometer(net, held._replace(y=y))
    found = heat.calibrated([params])
    assert (found[0], found[2]) == (None, None)
    (by_itself,) = thermometer(alone, held).calibrated([of_alone])
    assert found[1][:3] == pytest.approx(by_itself[:3], rel=1e-3)
    z = cr.predict(dataclasses.replace(net, loss="squared_error"), params, held.X).astype(float)
    w = np.ones(600) if held.w is None else held.w.astype(float)
    used = np.flatnonzero(w)
    size = np.abs(z[:, two] - price)
    each = np.where(size <= 0.5, size**2 / 2, 0.5 * (size - 0.25)).sum(axis=1)
    each += 0.5 * (z[:, 5] - rent[:, 0]) ** 2
    for own, labels in ((three, held.y), ([6, 7], sold)):
        t = fitted_by_scipy(z[None, used][..., own], labels[used], w[used])
        each += losses_by_hand(z[None][..., own], labels, t)
    assert heat.distance(params) == pytest.approx(np.average(each, weights=w), rel=1e-3)


def test_quantities_alone_have_none():
    net = cr.Network(1, [cr.Dense(2)], "heads(huber: 1, half_squared_error: 1)")
    assert thermometer(net, Examples(np.zeros((400, 1)), np.zeros((400, 2)), None)) is None
