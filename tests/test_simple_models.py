"""What the best constant and a linear model cost, by other means."""

import numpy as np
import pytest
from scipy.special import entr
from sklearn.linear_model import LogisticRegression

import chainrule as cr
from chainrule.batches import Examples
from chainrule.diagnosis.simple_models import constant_cost, linear_cost
from chainrule.losses import LOSSES

RNG = np.random.default_rng(0)
N = 60
TARGETS = {
    "real": RNG.normal(1, 2, (N, 1)),
    "count": RNG.poisson(3.0, (N, 1)).astype(float),
    "sign": RNG.choice([-1.0, 1.0], (N, 1), p=[0.3, 0.7]),
    "probability": RNG.choice([0.0, 1.0], (N, 1), p=[0.3, 0.7]),
}
WEIGHTS = RNG.uniform(0.5, 2, N)


@pytest.mark.parametrize("weight", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize("row", LOSSES.values(), ids=str)
def test_the_best_constant_is_that_of_a_fine_grid(row, weight):
    if row.target == "class":
        pytest.skip("its best constant is the entropy, below")
    y = TARGETS[row.target]
    net = cr.Network(2, [cr.Dense(1)], loss=row)
    w = np.ones(N) if weight is None else weight / weight.mean()
    each = (row.value(np.full((N, 1), c), y, np)[:, 0] for c in np.linspace(-4, 6, 4001))
    least = min(float(np.mean(w * values)) for values in each)
    found = constant_cost(net, Examples(np.zeros((N, 2)), y, weight))
    assert found == pytest.approx(least, rel=1e-3, abs=1e-6)


def test_of_classes_it_is_the_entropy_of_their_shares():
    y = np.repeat([0, 1, 2], [30, 20, 10])
    net = cr.Network(2, [cr.Dense(3)], loss="cross_entropy")
    shares = np.bincount(y) / len(y)
    found = constant_cost(net, Examples(np.zeros((60, 2)), y, None))
    assert found == pytest.approx(entr(shares).sum(), rel=1e-6)


def test_of_a_sum_it_is_the_sum():
    net = cr.Network(2, [cr.Dense(1)], loss="squared_error", reduction="sum")
    y = TARGETS["real"]
    found = constant_cost(net, Examples(np.zeros((N, 2)), y, None))
    assert found == pytest.approx(N * y.var())


def test_a_linear_model_is_least_squares():
    X = RNG.normal(size=(N, 3)) * [1, 50, 0.01] + 5
    y = X @ [[1.0], [0.1], [30.0]] + RNG.normal(size=(N, 1))
    net = cr.Network(3, [cr.Dense(4, "relu"), cr.Dense(1)], loss="squared_error")
    left = np.linalg.lstsq(np.c_[X, np.ones(N)], y, rcond=None)[1][0] / N
    assert linear_cost(net, Examples(X, y, None)) == pytest.approx(left, rel=1e-4)


def test_a_linear_model_of_classes_is_logistic_regression():
    X = RNG.normal(size=(200, 2))
    y = (X[:, 0] + RNG.normal(size=200) > 0).astype(int)
    net = cr.Network(2, [cr.Dense(2)], loss="cross_entropy")
    model = LogisticRegression(C=1e6, tol=1e-8).fit(X, y)
    left = -np.mean(np.log(model.predict_proba(X)[np.arange(200), y]))
    assert linear_cost(net, Examples(X, y, None)) == pytest.approx(left, rel=1e-3)


def test_without_a_column_that_varies_it_is_the_constant():
    net = cr.Network(1, [cr.Dense(1)], loss="squared_error")
    data = Examples(np.ones((4, 1)), np.array([[0.0], [0.0], [1.0], [1.0]]), None)
    assert linear_cost(net, data) == constant_cost(net, data) == pytest.approx(0.25)
