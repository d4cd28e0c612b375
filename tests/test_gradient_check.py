"""The gradient check: it passes what is right, fails what is wrong, and knows a kink."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given

import chainrule as cr
from chainrule.diagnosis import gradient_check
from chainrule.network import Parameters
from strategies import Problem, problem, problems

SINE = cr.Activation("sine", f=lambda z, xp: xp.sin(z), df=lambda z, a, xp: xp.cos(z))
WRONG = dataclasses.replace(SINE, df=lambda z, a, xp: 1.0001 * xp.cos(z), check=False)


@given(problems())
def test_any_network_passes(p: Problem) -> None:
    check = cr.check_gradient(p.net, p.params, p.X, p.y, p.w, p.draw)
    assert check.passed or check.checked == 0, str(check)
    assert check.checked + len(check.kinks) == p.net.size


@pytest.mark.parametrize(("inputs", "by"), [(3, "parameter"), (500, "random direction")])
def test_a_wrong_derivative_fails(inputs: int, by: str) -> None:
    for row, passes in ((SINE, True), (WRONG, False)):
        p = problem(cr.Network(inputs, [cr.Dense(4, row), cr.Dense(2)], "squared_error"))
        check = cr.check_gradient(p.net, p.params, p.X, p.y)
        assert check.by == by
        assert check.passed == passes, str(check)
        assert ("right" in str(check)) == passes
        assert ("WRONG" in str(check)) != passes
        if not passes:
            assert 1e-6 < check.relative_error < 1e-3
            assert check.absolute_error > 0


def test_large_networks_are_checked_in_random_directions() -> None:
    p = problem(cr.Network(40, [cr.Dense(50, "silu"), cr.Dense(10)], "cross_entropy"))
    check = cr.check_gradient(p.net, p.params, p.X, p.y)
    assert check.by == "random direction"
    assert check.passed
    assert check.checked == gradient_check.DIRECTIONS


def kinked(loss: str = "squared_error", l1: float = 0.0) -> tuple[cr.Network, Parameters]:
    """One rectifier whose weighted input is 0 at the example (1, 2)."""
    net = cr.Network(2, [cr.Dense(1, "relu")], loss, l1=l1)
    return net, net.parameters([([[2.0, -1.0]], [0.0])])


def test_a_kink_within_the_step_is_named_and_not_called_wrong() -> None:
    check = cr.check_gradient(*kinked(), [[1.0, 2.0]], [1.0])
    assert check.kinks == ("w1", "w2", "b1")
    assert check.checked == 0
    assert not check.passed
    assert "NOT CHECKED" in str(check)
    assert "a kink lies within the step: 3 (w1, w2, b1)" in str(check)


def test_an_input_of_zero_keeps_its_weight_off_the_kink() -> None:
    net = cr.Network(2, [cr.Dense(1, "relu")], "squared_error")
    params = net.parameters([([[2.0, -1.0]], [0.0])])
    check = cr.check_gradient(net, params, [[0.0, 0.0], [0.0, 1.0]], [1.0, 1.0])
    assert check.kinks == ("b1",)
    assert check.passed


@pytest.mark.parametrize(
    ("loss", "y", "l1", "kinks"),
    [
        ("absolute_error", 3.0, 0.0, ("w1", "w2", "b1")),
        ("quantile(0.9)", 3.0, 0.0, ("w1", "w2", "b1")),
        ("hinge", 1.0, 0.0, ()),
        ("squared_error", 1.0, 0.1, ("w2",)),
    ],
)
def test_kinks_of_losses_and_of_the_l1_penalty(
    loss: str, y: float, l1: float, kinks: tuple[str, ...]
) -> None:
    net = cr.Network(2, [cr.Dense(1)], loss, l1=l1)
    params = net.parameters([([[3.0, 0.0]], [0.0])])
    check = cr.check_gradient(net, params, [[1.0, 2.0]], [y])
    assert check.kinks == kinks


def test_a_gradient_of_zero_is_not_called_wrong() -> None:
    net = cr.Network(1, [cr.Dense(1, "relu"), cr.Dense(1)], "squared_error")
    params = net.parameters([([[1.0]], [-5.0]), ([[1.0]], [1.0])])
    check = cr.check_gradient(net, params, [[1.0]], [1.0])
    assert check.passed
    assert check.checked == net.size


def test_float32_parameters_are_checked_in_float64() -> None:
    net = cr.Network(3, [cr.Dense(4, "tanh"), cr.Dense(1)], "log_cosh")
    X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)
    assert cr.check_gradient(net, net.init(0, "float32"), X, X[:, 0]).relative_error < 1e-8


@pytest.mark.parametrize("activation", ["elu", "softsign", "selu", "relu"])
def test_a_corner_of_the_derivative_is_no_wrong_gradient(activation: str) -> None:
    net = cr.Network(1, [cr.Dense(2, activation), cr.Dense(1)], "squared_error")
    check = cr.check_gradient(net, net.init(0, "float64"), [[0.0]], [1.0])
    assert check.passed, str(check)
    assert check.kinks == ("b1", "b2")


def test_probabilities_that_do_not_quite_sum_to_1_have_their_gradient() -> None:
    p = problem(cr.Network(3, [cr.Dense(3)], "cross_entropy(0.1)"), n=1)
    assert cr.check_gradient(p.net, p.params, p.X, [[0.3333, 0.3333, 0.3333]]).passed
