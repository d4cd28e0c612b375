"""What training does to the parameters of each kind of layer."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import chainrule as cr
from chainrule.backprop import prediction
from chainrule.layers import LAYERS
from chainrule.trees import leaves, named_leaves
from test_layers_kinds import X


def test_batch_norm_trains_by_the_batch_and_predicts_by_what_it_kept() -> None:
    net = cr.Network(3, [cr.BatchNorm(), cr.Dense(1)], "half_squared_error")
    far = 100 + 10 * X
    params, _ = cr.fit(
        net, net.init(0, "float64"), far, X[:, :1], cr.Adam(0.1), epochs=300, engine="reference"
    )
    assert_allclose(params[0].running_mean, far.mean(axis=0), rtol=1e-6)
    assert_allclose(params[0].running_variance, far.var(axis=0, ddof=1), rtol=1e-6)
    assert_allclose(cr.predict(net, params, far), X[:, :1], atol=0.2)


@pytest.mark.parametrize("kind", LAYERS)
def test_decay_and_penalty_are_on_weights_alone(kind: str) -> None:
    """With targets that the network meets, there is no gradient but the penalty's."""
    net = cr.Network(3, [LAYERS[kind].example(3)], "half_squared_error", l2=1.0, check=False)
    params = net.init(0, "float64")
    y = prediction(cr.forward(net, params, X))
    if kind == "members":
        return  # the members differ from their mean
    grads = cr.gradient(trace := cr.forward(net, params, X), cr.backward(trace, y))
    for (name, p), g in zip(named_leaves(params), leaves(grads), strict=True):
        weight = net.roles[name] is cr.Role.WEIGHT
        assert_allclose(g, p if weight else np.zeros_like(p), atol=1e-15)
