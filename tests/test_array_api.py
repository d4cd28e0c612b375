"""The core on arrays of another library: the strict one, which has nothing but the standard."""

from __future__ import annotations

from typing import Any

import array_api_strict as xp
import numpy as np
import pytest
from numpy.testing import assert_allclose

import chainrule as cr
from chainrule.activations import ACTIVATIONS
from chainrule.losses import LOSSES
from chainrule.optimizers import OPTIMIZERS
from chainrule.trees import leaves, tree_map
from kinds import ALL, DRAW, data
from strategies import HEADS, Problem, problem


def results(p: Problem) -> list[Any]:
    """Return everything that the core computes of a problem."""
    trace = cr.forward(p.net, p.params, p.X, p.draw)
    deltas = cr.backward(trace, p.y, p.w)
    return [
        cr.cost(p.net, p.params, p.X, p.y, p.w, p.draw),
        cr.predict(p.net, p.params, p.X),
        *leaves(cr.gradient(trace, deltas)),
        *leaves(cr.per_example_gradients(trace, deltas)),
        cr.squared_norms(trace, deltas),
        cr.input_gradient(trace, deltas),
    ]


def strict(p: Problem) -> Problem:
    arrays = (tree_map(xp.asarray, p.params), *map(xp.asarray, (p.X, p.y, p.w)))
    return Problem(p.net, *arrays, p.draw)


@pytest.mark.parametrize("loss", [*LOSSES, *HEADS])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_core_computes_the_same_on_strict_arrays(activation: str, loss: str) -> None:
    layers = [cr.Dense(4, activation), cr.Dropout(0.3), cr.Dense(3, activation)]
    p = problem(cr.Network(3, layers, loss, l1=0.01, l2=0.1, check=False))
    for got, expected in zip(results(strict(p)), results(p), strict=True):
        assert type(got) is type(xp.asarray(0.0))
        assert_allclose(np.asarray(got), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("draw", [None, DRAW], ids=["prediction", "training"])
@pytest.mark.parametrize("name", ALL)
def test_every_kind_of_layer_computes_the_same_on_strict_arrays(name: str, draw: Any) -> None:
    d = data(name)
    p = Problem(d.net, d.params, d.X, d.y, d.w, draw)
    for got, expected in zip(results(strict(p)), results(p), strict=True):
        assert type(got) is type(xp.asarray(0.0))
        assert_allclose(np.asarray(got), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_fit_trains_the_same_on_strict_arrays(name: str) -> None:
    net = cr.Network(3, [cr.Dense(4, "tanh"), cr.Dropout(0.3), cr.Dense(3)], "cross_entropy")
    p = problem(net, n=7)
    y = np.array([0, 1, 2, 2, 1, 0, 0])
    options = {"epochs": 3, "batch_size": 3, "clip_norm": 0.5, "clip_value": 0.3}
    optimizer = OPTIMIZERS[name](0.01)
    expected, history = cr.fit(
        net, p.params, p.X, y, optimizer, validation=0.3, sample_weight=p.w, **options
    )
    s = strict(p)
    got, strict_history = cr.fit(
        net, s.params, s.X, xp.asarray(y), optimizer, validation=0.3, sample_weight=s.w, **options
    )
    assert_allclose(strict_history.loss, history.loss, rtol=1e-12)
    assert_allclose(strict_history.validation_loss, history.validation_loss, rtol=1e-12)
    for a, b in zip(leaves(got), leaves(expected), strict=True):
        assert_allclose(np.asarray(a), b, rtol=1e-10, atol=1e-12)
