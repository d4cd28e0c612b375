"""Explanations of small networks, one for each kind of layer, beside slopes worked out by hand."""

from __future__ import annotations

import math
from typing import NamedTuple

import pytest

import chainrule as cr
from reading import steps
from test_explain_derivation import check_line


class Hand(NamedTuple):
    """A network with its numbers, and the slopes that a person works out."""

    layers: list
    params: list
    x: list
    y: float
    slopes: dict


ROOT_3 = math.sqrt(3)

BY_HAND = {
    "dense": Hand(  # a = 6.5
        [cr.Dense(1)], [([[2.0]], [0.5])], [3.0], 1.0, {"w1": 16.5, "b1": 5.5, "x1": 11.0}
    ),
    "activate": Hand(  # a = 2 tanh ½
        [cr.Activate("tanh"), cr.Dense(1)],
        [([[2.0]], [0.0])],
        [0.5],
        0.0,
        {
            "w1": 2 * math.tanh(0.5) ** 2,
            "x1": 4 * math.tanh(0.5) / math.cosh(0.5) ** 2,
        },
    ),
    "dropout": Hand(
        [cr.Dropout(0.5), cr.Dense(1)], [([[2.0]], [0.5])], [3.0], 1.0, {"w1": 16.5, "x1": 11.0}
    ),
    "scale": Hand(  # a = 2 · 3 · ½
        [cr.Scale(), cr.Dense(1)],
        [([3.0],), ([[2.0]], [0.0])],
        [0.5],
        1.0,
        {"0.scale[0]": 2.0, "x1": 12.0, "w1": 3.0},
    ),
    "layer_norm": Hand(  # μ = 2, v = 1, √(v + ε) = 3/2, x̂ = ∓2/3, a = (−2/3, 11/6), out = 7/6
        [cr.LayerNorm(1.25), cr.Dense(1)],
        [([1.0, 2.0], [0.0, 0.5]), ([[1.0, 1.0]], [0.0])],
        [1.0, 3.0],
        1.0,
        {
            "0.gamma[1]": 1 / 9,
            "layers[0].beta[0]": 1 / 6,
            "x1": (1 / 6 - 1 / 4 + 2 / 3 * (1 / 18)) / 1.5,
            "x2": (2 / 6 - 1 / 4 - 2 / 3 * (1 / 18)) / 1.5,
        },
    ),
    "batch_norm": Hand(  # x̂ = 2, a = 2, out = 6
        [cr.BatchNorm(epsilon=0.25), cr.Dense(1)],
        [([0.5], [1.0], [1.0], [0.75]), ([[3.0]], [0.0])],
        [3.0],
        5.0,
        {"0.gamma[0]": 6.0, "0.beta[0]": 3.0, "x1": 1.5},
    ),
    "residual": Hand(  # a = 3 + (2 · 3 + 1), out = 5
        [cr.Residual(cr.Dense(1)), cr.Dense(1)],
        [(([[2.0]], [1.0]),), ([[0.5]], [0.0])],
        [3.0],
        4.0,
        {"0.0.W[0, 0]": 1.5, "layers[0][0].b[0]": 0.5, "x1": 1.5, "w2": 10.0},
    ),
    "periodic": Hand(  # θ = π/6, c = √3/2, e = (1, √3 + 1), out = 2 + √3
        [cr.Periodic(1, 1), cr.Dense(1)],
        [([[1 / 12]], [[0.0]], [[[2.0]]], [[1.0]]), ([[1.0, 1.0]], [0.0])],
        [1.0],
        1 + ROOT_3,
        {
            "0.frequency[0, 0]": -2 * math.pi,
            "0.phase[0, 0]": -1.0,
            "0.W[0, 0, 0]": ROOT_3 / 2,
            "0.b[0, 0]": 1.0,
            "x1": 1 - math.pi / 6,
        },
    ),
    "piecewise_linear": Hand(  # in the second of two bins, t = ½, e = ¼ + 2 · ½ + 2 + ½ · 4
        [cr.PiecewiseLinear([[0.0, 1.0, 3.0]], 1), cr.Dense(1)],
        [([[0.5]], [[0.25]], [[2.0], [4.0]]), ([[1.0]], [0.0])],
        [2.0],
        4.25,
        {"0.w[0, 0]": 2.0, "0.b[0, 0]": 1.0, "0.W[0, 0]": 1.0, "0.W[1, 0]": 0.5, "x1": 2.5},
    ),
    "embedding": Hand(  # the second of two levels, e = 4
        [cr.Embedding([2], 1), cr.Dense(1)],
        [([[2.0], [4.0]],), ([[0.5]], [0.0])],
        [1.0],
        1.0,
        {"0.W[0, 0]": 0.0, "0.W[1, 0]": 0.5, "x1": 0.0, "w3": 4.0},
    ),
    "embedding of none": Hand(  # no level, e = (2 + 4) / 2
        [cr.Embedding([2], 1), cr.Dense(1)],
        [([[2.0], [4.0]],), ([[0.5]], [0.0])],
        [-7.0],
        1.0,
        {"0.W[0, 0]": 0.125, "0.W[1, 0]": 0.125, "x1": 0.0},
    ),
    "members": Hand(  # outputs 2 and 3 · (−1) + 1
        [cr.Members(2, cr.Dense(1))],
        [([[1.0], [-1.0]], (), (([[2.0]], [0.0]), ([[3.0]], [1.0])))],
        [1.0],
        0.0,
        {
            "0.own.0.W[0, 0]": 1.0,
            "0.own.1.W[0, 0]": 1.0,
            "0.own.1.b[0]": -1.0,
            "0.scales[1, 0]": -3.0,
            "x1": 2.0 + 3.0,
        },
    ),
}


@pytest.mark.parametrize("kind", BY_HAND)
def test_by_hand(kind):
    hand = BY_HAND[kind]
    net = cr.Network(len(hand.x), hand.layers, loss="half_squared_error")
    params = net.parameters(hand.params)
    for of, slope in hand.slopes.items():
        made = cr.explain(net, params, hand.x, [hand.y], of=of)
        assert made.steps[-1].value == pytest.approx(slope, rel=1e-14), of
        for line, step in zip(steps(made.text(10**6)), made.derivation.steps(), strict=True):
            check_line(line, step)


def test_each_kind_is_worked_by_hand():
    assert set(BY_HAND) >= {"dense", "layer_norm", "batch_norm", "residual", "periodic", "members"}
