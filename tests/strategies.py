"""Random networks with data, for Hypothesis and for tables of tests."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

import chainrule as cr
from chainrule.activations import ACTIVATIONS
from chainrule.losses import LOSSES, loss
from chainrule.network import Parameters
from chainrule.targets import TARGETS
from chainrule.trees import leaf_names, tree_map


class Problem(NamedTuple):
    """A network in float64 with examples, targets, weights and a draw for its dropout."""

    net: cr.Network
    params: Parameters
    X: Any
    y: Any
    w: Any
    draw: cr.Draw


def last(name: str, of: str) -> str:
    """The activation of a last layer, which must be linear where the loss applies its link."""
    return "identity" if loss(of).link_name else name


def problem(net: cr.Network, n: int = 5, seed: int = 0) -> Problem:
    """Return random parameters (the biases too), variances above 0, and examples for a network."""
    rng = np.random.default_rng(seed)

    def drawn(name: str, leaf: Any) -> Any:
        values = rng.normal(size=leaf.shape) / np.sqrt(leaf.shape[-1])
        return 0.1 + np.abs(values) if name.endswith("variance") else values

    params = tree_map(drawn, leaf_names(net.form), net.form)
    y = TARGETS[loss(net.loss).target].sample(rng, n, net.outputs)
    w = rng.uniform(0.1, 2.0, size=n)
    X = rng.normal(size=(n, net.inputs))
    return Problem(net, params, X, y, w, cr.Draw(seed, step=1))


@st.composite
def problems(draw: Any) -> Problem:
    """Any network of the tables: up to four layers, any penalties, up to seven examples."""
    layers: list[cr.Layer] = []
    of, count = draw(st.sampled_from(sorted(LOSSES))), draw(st.integers(1, 4))
    for left in reversed(range(count)):
        name = draw(st.sampled_from(sorted(ACTIVATIONS)))
        layers.append(cr.Dense(draw(st.integers(1, 5)), name if left else last(name, of)))
        if draw(st.booleans()):
            layers.append(cr.Dropout(draw(st.sampled_from([0.0, 0.1, 0.5]))))
    net = cr.Network(
        draw(st.integers(1, 5)),
        layers,
        loss=of,
        l1=draw(st.sampled_from([0.0, 0.01])),
        l2=draw(st.sampled_from([0.0, 0.1])),
    )
    return problem(net, n=draw(st.integers(1, 7)), seed=draw(st.integers(0, 2**32)))
