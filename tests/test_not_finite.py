"""The first step, layer and quantity that stopped being finite, and what made it so."""

import re

import numpy as np
import pytest

import chainrule as cr
from chainrule.diagnosis.not_finite import NotFinite

RNG = np.random.default_rng(0)
X = RNG.normal(size=(100, 3))
Y = X[:, 0] + 0.1 * RNG.normal(size=100)
NET = cr.Network(3, [cr.Dense(8, "relu"), cr.Dense(1)], loss="squared_error")


def broken(net, optimizer, x=X, y=Y, epochs=200, engine="auto"):
    """Train until it diverges: the error, and what a diagnosis says of it."""
    start = net.init(0)
    with pytest.raises(cr.DivergenceError) as caught:
        cr.fit(net, start, x, y, optimizer, epochs=epochs, engine=engine)
    error = caught.value
    return error, cr.diagnose(
        net, error.params, x, y, optimizer, initial=start, history=error, epochs=epochs
    )


@pytest.mark.parametrize("engine", ["auto", "reference"])
@pytest.mark.parametrize("options", [{}, {"shuffle": False}, {"validation": 0.3}, {"seed": 5}])
def test_the_step_is_that_of_the_error_and_the_weights_are_blamed(engine, options):
    start = NET.init(0)
    with pytest.raises(cr.DivergenceError) as caught:
        cr.fit(NET, start, X, Y, cr.SGD(0.7), epochs=200, engine=engine, **options)
    found = cr.diagnose(NET, caught.value.params, X, Y, cr.SGD(0.7), initial=start,
                        history=caught.value, epochs=200, **options)  # fmt: skip
    where = found.not_finite
    epoch, step = map(int, re.search(r"epoch (\d+), step (\d+)", str(caught.value)).groups())
    assert (where.epoch, where.step) == (epoch, step)
    assert where.cause == "weights"
    assert where.grown > 10
    assert "divergence" in found.names[:2]
    (said,) = (each.evidence for each in found.findings if each.name == "divergence")
    assert said.startswith(f"in epoch {epoch}, step {step}, the {where.quantity}")
    assert "the weights had grown to" in said


def test_the_layer_is_that_of_the_error():
    error, found = broken(NET, cr.SGD(1e30))
    assert found.not_finite.quantity == "activations"
    assert found.not_finite.layer in str(error)


def test_the_example_is_named_by_its_number_and_its_input():
    x = X.copy()
    x[17, 1] = 1e12
    error, found = broken(NET, cr.SGD(1e-3), x, epochs=5)
    where = found.not_finite
    assert (where.row, where.cause) in {(17, "inputs"), (where.row, "weights")}
    healthy, _ = cr.fit(NET, NET.init(0), X, Y, cr.SGD(1e-3), epochs=5)
    assert error is not None
    assert healthy is not None


LOGARITHM = cr.Loss(
    "own_logarithm",
    value=lambda a, y, xp: -y * xp.log(a) + a,
    grad=lambda a, y, xp: 1 - y / a,
    latex=r"-\sum_j y_j \ln a_j + a_j",
    dlatex=r"1 - y_j / a_j",
    check=False,
)


def test_a_loss_whose_logarithm_ends_is_blamed_itself():
    net = cr.Network(3, [cr.Dense(8, "tanh"), cr.Dense(1, "relu")], loss=LOGARITHM)
    error, found = broken(net, cr.SGD(0.05), y=np.abs(Y) + 0.1, epochs=50, engine="reference")
    where = found.not_finite
    assert (where.quantity, where.layer, where.cause) == ("loss", "", "loss")
    assert "as a logarithm is at 0" in where.because
    a = cr.forward(net, error.params, X[where.row : where.row + 1]).output
    assert a.item() == 0
    assert "overflow" in found.names[:2]


def test_a_step_that_is_not_that_of_the_training_is_not_told():
    error, found = broken(NET, cr.SGD(0.7))
    assert found.not_finite is not None
    other = cr.diagnose(NET, error.params, X, Y, cr.Adam(0.7), initial=NET.init(0), history=error)
    assert other.not_finite is None
    assert "a value stopped being finite in epoch" in str(other)
    assert cr.diagnose(NET, error.params, X, Y, history=error).not_finite is None


@pytest.mark.parametrize("quantity", ["activations", "update"])
def test_a_sentence_says_where_and_why(quantity):
    of = NotFinite(2, 7, quantity, "layer 0, Dense(8, 'relu')", 4, 1.5, "signals", "they grow")
    verb = "were" if quantity == "activations" else "was"
    assert of.sentence == (
        f"in epoch 2, step 7, the {quantity} of layer 0, Dense(8, 'relu'), first of row 4, {verb} "
        "the first not to be finite: they grow"
    )


def test_nan_in_the_data_is_refused_by_its_place():
    x = X.copy()
    x[3, 2] = np.nan
    for call in (cr.diagnose, lambda *given: cr.fit(*given, cr.SGD(), epochs=1)):
        with pytest.raises(ValueError, match=r"X must be finite, got nan at \(3, 2\)"):
            call(NET, NET.init(0), x, Y)
