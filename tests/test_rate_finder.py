"""The rate finder: its steps are those of `fit`, and it finds the rate that quadratics bear."""

from __future__ import annotations

import dataclasses

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import sparse

import chainrule as cr
from chainrule.trees import leaves
from sickness.evidence import train
from sickness.setting import Setting

NET = cr.Network(3, [cr.Dense(4, "tanh"), cr.Dropout(0.2), cr.Dense(1)], loss="squared_error")


def data(rows: int = 50):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(rows, 3)) * [1.0, 2.0, 0.5]
    return X, X @ [1.0, -1.0, 0.5] + 0.1 * rng.normal(size=rows)


def linear(inputs: int = 3):
    net = cr.Network(inputs, [cr.Dense(1)], loss="half_squared_error")
    return net, net.init(1, "float64")


def hessian(X):
    """That of half the mean squared error of a linear unit, by its weights and bias."""
    with_bias = np.column_stack([X, np.ones(len(X))])
    return with_bias, with_bias.T @ with_bias / len(X)


def test_its_losses_are_those_of_gradient_descent_in_closed_form():
    """In the directions of the eigenvectors of the Hessian each error is multiplied by 1 − ηλ."""
    X, _ = data()
    net, params = linear()
    y = X @ [2.0, -1.0, 3.0] + 0.5
    found = cr.rate_range(
        net, params, X, y, cr.SGD(), lowest=1e-4, highest=1.0, steps=60, batch_size=None
    )
    curvatures, directions = np.linalg.eigh(hessian(X)[1])
    error = directions.T @ (np.append(params[0].W, params[0].b) - [2.0, -1.0, 3.0, 0.5])
    expected = []
    for rate in np.geomspace(1e-4, 1.0, 60)[: len(found.rates)]:
        expected.append(0.5 * np.sum(curvatures * error**2))
        error = error * (1 - rate * curvatures)
    np.testing.assert_allclose(found.rates, np.geomspace(1e-4, 1.0, 60)[: len(found.rates)])
    np.testing.assert_allclose(found.losses, expected, rtol=1e-8)


@pytest.mark.parametrize("scale", [0.01, 1.0, 30.0])
def test_it_finds_the_rate_that_a_quadratic_bears(scale):
    """Gradient descent with a rate above 2/λ goes away from the minimum, from however near.

    Without noise it comes very near, so that it takes some steps until the loss shows it.
    """
    X, _ = data()
    X = scale * X
    net, params = linear()
    bound = 2 / np.linalg.eigvalsh(hessian(X)[1])[-1]
    found = cr.rate_range(
        net, params, X, X.sum(axis=1) + 3, cr.SGD(), lowest=bound / 1e4, highest=100 * bound,
        batch_size=None,
    )  # fmt: skip
    assert bound / 2 < found.high < 5 * bound
    assert found.low < found.suggested < bound
    assert not found.still_falling
    assert len(found.rates) < 200


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("engine", ["auto", "reference"])
@pytest.mark.parametrize("optimizer", [cr.SGD(0.3, 0.9), cr.AdamW(), cr.Lion()], ids=repr)
def test_its_steps_are_those_of_fit(engine, optimizer, shuffle):
    """An epoch's loss is the mean of those of its batches; dropout and weights are the same."""
    X, y = data(48)
    weights = np.ones(48) if shuffle else np.linspace(0.5, 2.0, 48)
    params = NET.init(0)
    before = [leaf.copy() for leaf in leaves(params)]
    options = {
        "batch_size": 16, "seed": 5, "shuffle": shuffle, "sample_weight": weights,
        "clip_norm": 1.0, "freeze": ["*.b"], "engine": engine,
    }  # fmt: skip
    found = cr.rate_range(
        NET, params, X, y, optimizer, lowest=1e-5, highest=1e-2, steps=12, **options
    )
    growing = dataclasses.replace(optimizer, learning_rate=cr.Exponential(1e-5, 1000 ** (1 / 11)))
    _, history = cr.fit(NET, params, X, y, growing, epochs=4, **options)
    by_epoch = found.losses.reshape(4, 3).mean(axis=1)
    np.testing.assert_allclose(by_epoch, history.loss, rtol=1e-5)
    for leaf, same in zip(leaves(params), before, strict=True):
        np.testing.assert_array_equal(leaf, same)


def test_sparse_rows_are_examples_too():
    X, y = data()
    net = cr.Network(3, [cr.Dense(9, "relu"), cr.Dense(1)], loss="squared_error")
    given = (sparse.csr_array(X), X)
    losses = [cr.rate_range(net, net.init(0), each, y, cr.Adam()).losses for each in given]
    np.testing.assert_allclose(*losses, rtol=1e-5)


def test_what_is_not_finite_ends_it():
    X, y = data()
    found = cr.rate_range(
        *linear(), X, y, cr.SGD(), lowest=1e-3, highest=1e308, steps=10, batch_size=None
    )
    assert found.diverged
    assert len(found.rates) == len(found.losses) < 10
    assert np.isfinite(found.losses).all()


def test_it_says_where_no_rate_helps():
    """At the minimum every step is none."""
    X, _ = data()
    net, _ = linear()
    there = net.parameters([([[2.0, -1.0, 3.0]], [0.5])])
    found = cr.rate_range(net, there, X, X @ [2.0, -1.0, 3.0] + 0.5, cr.SGD(), batch_size=None)
    assert not found.found
    assert str(found).startswith("the loss falls at no rate between 1e-06 and ")


def test_it_says_where_higher_rates_may_do():
    X, y = data()
    found = cr.rate_range(*linear(), X, y, cr.SGD(), lowest=1e-4, highest=0.02, batch_size=None)
    assert found.still_falling
    assert str(found).endswith("it still falls at the last, so give a higher `highest`")


def test_a_digits_network_learns_at_the_rate_suggested():
    setting = Setting("digits")
    net, params, X, y, *_ = setting.build()
    found = cr.rate_range(net, params, X, y, cr.SGD(momentum=0.9))
    made = train(dataclasses.replace(setting, optimizer=cr.SGD(found.suggested, 0.9)))
    assert made.skill > 0.9


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"optimizer": cr.Rprop()}, "the steps of Rprop have sizes of their own"),
        ({"lowest": 1.0, "highest": 0.5}, "lowest must be below highest, got 1 and 0.5"),
        ({"steps": 3}, "rate_range: steps must be a whole number >= 10, got 3"),
        ({"freeze": ["7.W"]}, "unknown parameter to freeze '7.W'"),
    ],
)
def test_what_it_refuses(given, message):
    X, y = data()
    optimizer = given.pop("optimizer", cr.SGD())
    with pytest.raises(ValueError, match=message):
        cr.rate_range(*linear(), X, y, optimizer, **given)


def test_its_plot_shows_the_losses_and_the_range():
    plt.switch_backend("agg")
    X, y = data()
    found = cr.rate_range(*linear(), X, y, cr.SGD(), batch_size=None)
    ax = found.plot(color="C3")
    assert ax.get_xscale() == "log"
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), found.losses)
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), found.smoothed)
    assert ax.lines[1].get_color() == "C3"
    assert ax.lines[2].get_xdata()[0] == found.suggested
    plt.close(ax.figure)
    fig, own = plt.subplots()
    nothing = dataclasses.replace(found, low=np.nan, high=np.nan, suggested=np.nan)
    assert nothing.plot(own) is own
    plt.close(fig)
