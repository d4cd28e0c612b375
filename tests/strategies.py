"""Random networks with data, for Hypothesis and for tables of tests."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

import chainrule as cr
from chainrule.activations import ACTIVATIONS
from chainrule.layers.chain import widths
from chainrule.losses import LOSSES, loss
from chainrule.network import Parameters
from chainrule.targets import sample
from chainrule.trees import leaf_names, tree_map

HEADS = (
    "heads(half_squared_error: 1, cross_entropy(0.1): 2)",
    "heads(quantile(0.1, 0.9): 2, poisson: 1)",
    "heads(cross_entropy: 2, binary_cross_entropy: 1)",
    "heads(mean_squared_error: 2, huber(0.3): 1)",
)
"""Losses of several heads, of 3 outputs in all."""


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
        return 0.5 + np.abs(values) if name.endswith("variance") else values

    params = tree_map(drawn, leaf_names(net.form), net.form)
    y = sample(loss(net.loss).target, rng, n, net.outputs)
    w = rng.uniform(0.1, 2.0, size=n)
    X = rng.normal(size=(n, net.inputs))
    return Problem(net, params, X, y, w, cr.Draw(seed, step=1))


@st.composite
def problems(draw: Any) -> Problem:
    """Any network of the tables: up to four layers, any penalties, up to seven examples."""
    layers: list[cr.Layer] = []
    of, count = draw(st.sampled_from([*sorted(LOSSES), *HEADS])), draw(st.integers(1, 4))
    for left in reversed(range(count)):
        name = draw(st.sampled_from(sorted(ACTIVATIONS)))
        units = draw(st.integers(1, 5)) if left or of in LOSSES else loss(of).group
        layers.append(cr.Dense(units, name if left else last(name, of)))
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


# Any kind of layer


def _edges(draw: Any) -> list[float]:
    edges = st.lists(st.integers(-8, 8), min_size=2, max_size=6, unique=True)
    return [edge / 4 for edge in sorted(draw(edges))]


def _piecewise(draw: Any, width: int) -> cr.Layer:
    """Some inputs are embedded, the first at least; the others pass through."""
    edges = [_edges(draw) if k == 0 or draw(st.booleans()) else [] for k in range(width)]
    return cr.PiecewiseLinear(edges, draw(st.integers(1, 9)))


def _embedding(draw: Any, width: int) -> cr.Layer:
    """The first input has levels, the others some or none."""
    levels = [draw(st.integers(0 if k else 1, 4)) for k in range(width)]
    return cr.Embedding(levels, draw(st.integers(1, 9)))


def _periodic(draw: Any, width: int) -> cr.Layer:
    some = st.sets(st.integers(0, width - 1), min_size=1)
    values, frequencies = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    features = draw(st.none() | some.map(sorted))
    return cr.Periodic(values, frequencies, 0.5, features)


def _residual(draw: Any, width: int) -> cr.Layer:
    within = layers_of_any_kind(draw, width, WITHIN, most=2)
    return cr.Residual(*within, cr.Dense(width, draw(st.sampled_from(sorted(ACTIVATIONS)))))


def _members(draw: Any, width: int) -> cr.Layer:
    shared = layers_of_any_kind(draw, width, [*WITHIN, "residual"], most=2)
    full = draw(st.booleans())
    return cr.Members(
        draw(st.integers(1, 3)), *shared, cr.Dense(draw(st.integers(1, 3))), full=full
    )


ANY_KIND: dict[str, Any] = {
    "dense": lambda draw, _: cr.Dense(
        draw(st.integers(1, 5)), draw(st.sampled_from(sorted(ACTIVATIONS)))
    ),
    "activate": lambda draw, _: cr.Activate(draw(st.sampled_from(sorted(ACTIVATIONS)))),
    "dropout": lambda draw, _: cr.Dropout(draw(st.sampled_from([0.0, 0.1, 0.5]))),
    "scale": lambda *_: cr.Scale(),
    "layer_norm": lambda *_: cr.LayerNorm(),
    "rms_norm": lambda *_: cr.RMSNorm(),
    "batch_norm": lambda *_: cr.BatchNorm(),
    "residual": _residual,
    "periodic": _periodic,
    "piecewise_linear": _piecewise,
    "embedding": _embedding,
    "members": _members,
}
"""How any layer of a kind is drawn, from how many values enter it."""

WITHIN = [kind for kind in ANY_KIND if kind not in ("residual", "members")]
"""The kinds that hold no others."""


def layers_of_any_kind(draw: Any, width: int, kinds: Any, most: int) -> list[cr.Layer]:
    """Up to so many layers, of any of some kinds, one after the other."""
    made: list[cr.Layer] = []
    for _ in range(draw(st.integers(0, most))):
        kind = draw(st.sampled_from(sorted(kinds)))
        made.append(ANY_KIND[kind](draw, widths(made, width)[-1]))
    return made


@st.composite
def problems_of_any_kind(draw: Any) -> Problem:
    """Any network of all kinds of layer that has a linear end, with up to nine examples."""
    inputs = draw(st.integers(1, 4))
    layers = layers_of_any_kind(draw, inputs, [*WITHIN, "residual"], most=3)
    last = draw(st.sampled_from(["dense", "members"]))
    width = widths(layers, inputs)[-1]
    end = _members(draw, width) if last == "members" else cr.Dense(draw(st.integers(1, 3)))
    losses = ["half_squared_error", "huber", "cross_entropy", "binary_cross_entropy"]
    penalties = {"l1": draw(st.sampled_from([0.0, 0.01])), "l2": draw(st.sampled_from([0.0, 0.1]))}
    net = cr.Network(inputs, [*layers, end], draw(st.sampled_from(losses)), **penalties)
    return problem(net, n=draw(st.integers(1, 9)), seed=draw(st.integers(0, 2**32)))
