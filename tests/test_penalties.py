"""The penalties on weights, by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_allclose

import chainrule as cr
from chainrule.penalties import penalty, penalty_gradient
from chainrule.trees import named_leaves
from strategies import Problem, problem, problems

NET = cr.Network(
    4, [cr.Dense(3, "tanh"), cr.Dropout(0.25), cr.Dense(2)], loss="huber", l1=0.5, l2=0.25
)


@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.0), (0.1, 0.0), (0.0, 0.3), (0.1, 0.3)])
def test_the_penalty_is_on_weights_alone(l1: float, l2: float) -> None:
    p = problem(dataclasses.replace(NET, l1=l1, l2=l2))
    W = np.concatenate([p.params[0].W.ravel(), p.params[2].W.ravel()])
    expected = l1 * np.sum(np.abs(W)) + 0.5 * l2 * np.sum(W**2)
    assert_allclose(penalty(p.net, p.params, np), expected, rtol=1e-14)
    free = cr.cost(dataclasses.replace(p.net, l1=0.0, l2=0.0), p.params, p.X, p.y, p.w)
    assert_allclose(cr.cost(p.net, p.params, p.X, p.y, p.w), free + expected, rtol=1e-14)


def test_the_penalty_has_slope_0_at_0() -> None:
    W = np.array([[-2.0, 0.0, 4.0]])
    expected = [[-0.5 - 0.5, 0.0, 0.5 + 1.0]]  # λ₁ sgn W + λ₂ W with λ₁ = ½, λ₂ = ¼
    np.testing.assert_array_equal(penalty_gradient(NET, W, np), expected)


@given(problems())
def test_the_penalty_of_any_network(p: Problem) -> None:
    weights = [leaf for name, leaf in named_leaves(p.params) if p.net.roles[name] is cr.Role.WEIGHT]
    assert len(weights) == sum(isinstance(layer, cr.Dense) for layer in p.net.layers)
    expected = sum(p.net.l1 * abs(w) + p.net.l2 * w * w / 2 for W in weights for w in W.flat)
    assert_allclose(penalty(p.net, p.params, np), expected, rtol=1e-12)
