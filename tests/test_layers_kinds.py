"""What each kind of layer computes, against loops by hand, PyTorch's formulas and its own words."""

from __future__ import annotations

import copy
import itertools
import math
import pickle
import re
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import chainrule as cr
from chainrule.activations import ACTIVATIONS, activation
from chainrule.backprop import prediction
from chainrule.layers import LAYERS
from chainrule.trees import leaves, named_leaves, rebuild

RNG = np.random.default_rng(5)
X = RNG.normal(size=(6, 3))


def forward(layer: cr.Layer, params: Any, x: Any = X, draw: Any = None) -> Any:
    return layer.forward(params, x, draw, np)[0]


# Forward, by hand


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activate_is_the_activation(name: str) -> None:
    row = activation(name)
    assert_array_equal(forward(cr.Activate(name), ()), row.f(X, np))
    assert_array_equal(forward(cr.Activate(row), ()), row.f(X, np))


def test_scale_multiplies_each_feature() -> None:
    params = cr.Scale().form(3)._replace(scale=np.array([2.0, -1.0, 0.5]))
    assert_array_equal(forward(cr.Scale(), params), X * [2.0, -1.0, 0.5])


def test_layer_norm_by_hand() -> None:
    params = cr.LayerNorm().form(3)._replace(gamma=np.array([1.0, 2.0, 3.0]), beta=np.ones(3))
    for row, got in zip(X, forward(cr.LayerNorm(0.25), params), strict=True):
        mean = sum(row) / 3
        deviation = math.sqrt(sum((v - mean) ** 2 for v in row) / 3 + 0.25)
        assert_allclose(got, [(k + 1) * (v - mean) / deviation + 1 for k, v in enumerate(row)])


def test_rms_norm_by_hand() -> None:
    params = cr.RMSNorm().form(3)._replace(gamma=np.array([1.0, 2.0, 3.0]))
    for row, got in zip(X, forward(cr.RMSNorm(0.25), params), strict=True):
        root = math.sqrt(sum(v**2 for v in row) / 3 + 0.25)
        assert_allclose(got, [(k + 1) * v / root for k, v in enumerate(row)])


def test_batch_norm_by_hand() -> None:
    layer = cr.BatchNorm(momentum=0.25, epsilon=0.5)
    params = layer.init(3, RNG)
    trained, record = layer.forward(params, X, cr.Draw(0, 1), np)
    predicted = forward(layer, params)
    after = layer.after_step(params, record)
    for k in range(3):
        column = [float(v) for v in X[:, k]]
        mean = sum(column) / 6
        squares = sum((v - mean) ** 2 for v in column)
        assert_allclose(trained[:, k], [(v - mean) / math.sqrt(squares / 6 + 0.5) for v in column])
        assert_allclose(predicted[:, k], [v / math.sqrt(1.5) for v in column])
        assert_allclose(after.running_mean[k], 0.25 * mean)
        assert_allclose(after.running_variance[k], 0.75 + 0.25 * squares / 5)


def test_a_batch_of_one_example_leaves_the_running_statistics() -> None:
    layer = cr.BatchNorm()
    params = layer.init(3, RNG)
    a, record = layer.forward(params, X[:1], cr.Draw(0, 1), np)
    assert_array_equal(a, np.zeros((1, 3)))
    assert layer.after_step(params, record) is params


def test_residual_adds_what_passes_by() -> None:
    layer = cr.Residual(cr.Dense(4, "tanh"), cr.Dense(3))
    (W, b), (V, c) = params = layer.init(3, RNG)
    assert_allclose(forward(layer, params), X + np.tanh(X @ W.T + b) @ V.T + c, rtol=1e-14)


@pytest.mark.parametrize("features", [None, (0, 1, 2), (2, 0), [1]])
def test_periodic_by_hand(features: Any) -> None:
    layer = cr.Periodic(2, 4, 0.5, features)
    params = layer.init(3, RNG)
    a = forward(layer, params)
    for n, row in enumerate(X):
        expected, own = [], itertools.count()
        for k, x in enumerate(row):
            expected.append(x)
            if features is not None and k not in features:
                continue
            f = next(own)
            turns = [
                math.cos(2 * math.pi * w * x + phase)
                for w, phase in zip(params.frequency[f], params.phase[f], strict=True)
            ]
            expected += [
                math.fsum(map(float.__mul__, map(float, params.W[f, v]), turns)) + params.b[f, v]
                for v in range(2)
            ]
        assert_allclose(a[n], expected, rtol=1e-12, atol=1e-14)


EDGES = [[-1.0, 0.0, 0.5], [], [0.0, 0.25]]


@pytest.mark.parametrize(
    ("x", "j", "t"),
    [
        (-9.0, 0, -4.0),  # held
        (-5.0, 0, -4.0),
        (-1.5, 0, -0.5),  # beyond the edges
        (-1.0, 0, 0.0),
        (-0.25, 0, 0.75),
        (0.0, 1, 0.0),  # an edge belongs to the bin that it begins
        (0.125, 1, 0.25),
        (0.5, 1, 1.0),
        (2.5, 1, 5.0),
        (100.0, 1, 5.0),  # held
    ],
)
def test_piecewise_linear_by_hand(x: float, j: int, t: float) -> None:
    layer = cr.PiecewiseLinear(EDGES, 2)
    w, b, W = (RNG.normal(size=leaf.shape) for leaf in layer.form(3))
    params = layer.form(3)._replace(w=w, b=b, W=W)
    a = forward(layer, params, np.array([[x, 7.0, 0.1]]))[0]
    assert_allclose(a[:2], b[0] + x * w[0] + (W[0] if j else 0) + t * W[j], rtol=1e-13)
    assert_array_equal(a[2], 7.0)
    assert_allclose(a[3:], b[1] + 0.1 * w[1] + 0.4 * W[2], rtol=1e-13)


def test_piecewise_linear_starts_linear() -> None:
    layer = cr.PiecewiseLinear([[-1.0, 0.0, 1.0]] * 3, 4)
    params = layer.init(3, RNG)
    expected = X[:, :, None] * params.w + params.b
    assert_allclose(forward(layer, params), expected.reshape(6, 12), rtol=1e-14)


@pytest.mark.parametrize(
    ("x", "row"),
    [
        (0.0, 0),
        (2.0, 2),
        (1.4, 1),  # the nearest
        (-0.5, 0),  # of two as near the even one
        (0.5, 0),
        (1.5, 2),
        (2.5, 2),
        (-1.0, None),  # none of them
        (3.0, None),
        (2.0**24, None),
        (-1e300, None),
        (math.inf, None),
        (math.nan, None),
    ],
)
def test_embedding_by_hand(x: float, row: int | None) -> None:
    layer = cr.Embedding([3, 0, 2], 2)
    W = RNG.normal(size=(5, 2))
    a = forward(layer, layer.form(3)._replace(W=W), np.array([[x, 7.0, 1.0]]))[0]
    assert_allclose(a[:2], (W[0] + W[1] + W[2]) / 3 if row is None else W[row], rtol=1e-14)
    assert_array_equal(a[2:], [7.0, *W[4]])


def test_members_are_networks_that_share_weights() -> None:
    layer = cr.Members(3, cr.Dense(4, "tanh"), cr.Dense(2))
    scales, ((W, b),), own = params = layer.init(3, RNG)
    assert set(np.unique(scales)) <= {-1.0, 1.0}
    expected = [np.tanh(X * r @ W.T + b) @ V.T + c for r, (V, c) in zip(scales, own, strict=True)]
    assert_allclose(forward(layer, params), np.concatenate(expected, axis=1), rtol=1e-13)


def test_members_with_all_scales_share_the_matrices_alone() -> None:
    """z = W (r ⊙ x) ⊙ s + b: Gorishniy and others (2024), equation of BatchEnsemble."""
    layer = cr.Members(2, cr.Dense(4, "tanh"), cr.Dense(5, "relu"), cr.Dense(1), full=True)
    form = layer.form(3)
    params = rebuild(form, [RNG.normal(size=leaf.shape) for leaf in leaves(form)])
    first, (r,), second = params.shared
    expected = []
    for m in range(2):
        h = np.tanh(((X * params.scales[m]) @ first.W.T) * first.s[m] + first.b[m])
        h = np.maximum((h * r[m]) @ second.W.T * second.s[m] + second.b[m], 0)
        expected.append(h @ params.own[m].W.T + params.own[m].b)
    assert_allclose(forward(layer, params), np.concatenate(expected, axis=1), rtol=1e-13)


@pytest.mark.parametrize("loss", ["huber", "cross_entropy", "binary_cross_entropy", "poisson"])
def test_the_cost_and_the_prediction_of_members_are_means(loss: str) -> None:
    net = cr.Network(3, [cr.Members(3, cr.Dense(4, "tanh"), cr.Dense(2))], loss)
    scales, shared, own = net.init(1, "float64")[0]
    params = (net.form[0]._replace(scales=scales, shared=shared, own=own),)
    y = np.array([0, 1, 1, 0, 1, 0]) if loss == "cross_entropy" else RNG.integers(0, 2, (6, 2))
    alone = cr.Network(3, [cr.Scale(), cr.Dense(4, "tanh"), cr.Dense(2)], loss)
    each = [
        (alone.form[0]._replace(scale=r), *shared, last)
        for r, last in zip(scales, own, strict=True)
    ]
    w = RNG.uniform(0.5, 2, 6)
    costs = [float(cr.cost(alone, member, X, y, w)) for member in each]
    assert_allclose(float(cr.cost(net, params, X, y, w)), np.mean(costs), rtol=1e-13)
    predicted = [prediction(cr.forward(alone, member, X)) for member in each]
    assert_allclose(prediction(cr.forward(net, params, X)), np.mean(predicted, axis=0), rtol=1e-13)
    assert_allclose(cr.predict(net, params, X), np.mean(predicted, axis=0), rtol=1e-13)
    assert (net.members, net.outputs, net.widths) == (3, 2, (3, 6))


# What a kind says of itself


@pytest.mark.parametrize("kind", LAYERS)
def test_every_kind_has_its_words_its_name_and_its_size(kind: str) -> None:
    layer = LAYERS[kind].example(3)
    assert layer.kind == kind
    assert str(layer.words(3).short)
    net = cr.Network(3, [layer], "huber", check=False)
    assert net.widths[-1] == forward(layer, layer.init(3, RNG)).shape[1]
    assert [leaf.shape for leaf in leaves(net.init())] == [leaf.shape for leaf in leaves(net.form)]
    assert set(net.roles) == {name for name, _ in named_leaves(net.form)}


@pytest.mark.parametrize("kind", LAYERS)
def test_every_kind_is_a_value_and_its_repr_makes_it(kind: str) -> None:
    layer = LAYERS[kind].example(3)
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert twin == layer
        assert hash(twin) == hash(layer)
    assert eval(repr(layer), {name: getattr(cr, name) for name in cr.__all__}) == layer


@pytest.mark.parametrize(
    ("layer", "short"),
    [
        (cr.Dense(1000, "relu"), "1,000 relu"),
        (cr.Activate("relu"), "activate relu"),
        (cr.Residual(cr.Dense(4, "tanh"), cr.Dense(3)), "residual (4 tanh, 3 identity)"),
        (cr.LayerNorm(), "layer norm"),
        (cr.Periodic(), "periodic 3 × 4"),
        (cr.PiecewiseLinear(EDGES), "piecewise linear 2 × 8"),
        (cr.Embedding([4_000, 0, 31], 4), "embedding 4,031 × 4"),
        (cr.Members(4, cr.Dense(8, "relu"), cr.Dense(1)), "4 members (8 relu, 1 identity)"),
    ],
)
def test_words(layer: cr.Layer, short: str) -> None:
    assert layer.words(3).short == short


WEIGHTS = {
    "dense": {"0.W"},
    "residual": {"0.0.W", "0.1.W"},
    "periodic": {"0.W"},
    "piecewise_linear": {"0.w", "0.W"},
    "embedding": {"0.W"},
    "members": {"0.shared.0.W", "0.own.0.W", "0.own.1.W"},
}
STATISTICS = {"batch_norm": {"0.running_mean", "0.running_variance"}}


@pytest.mark.parametrize("kind", LAYERS)
def test_roles(kind: str) -> None:
    net = cr.Network(3, [LAYERS[kind].example(3)], "huber", check=False)
    for role, expected in ((cr.Role.WEIGHT, WEIGHTS), (cr.Role.STATISTIC, STATISTICS)):
        found = {name for name, own in net.roles.items() if own is role}
        assert found == expected.get(kind, set())


LOGITS = [
    ([cr.Dense(1)], True),
    ([cr.Dense(1, "sigmoid")], False),
    ([cr.Dense(1, "sigmoid"), cr.Dropout()], False),
    ([cr.Dense(1), cr.Activate("sigmoid")], False),
    ([cr.Dense(1, "sigmoid"), cr.Activate("identity")], True),
    ([cr.Dense(1, "relu"), cr.Scale()], True),
    ([cr.Dense(1, "relu"), cr.BatchNorm()], True),
    ([cr.Dense(2), cr.Residual(cr.Dense(2, "relu"))], True),
    ([cr.Members(2, cr.Dense(1))], True),
    ([cr.Members(2, cr.Dense(1, "tanh"))], False),
    ([cr.Members(2, cr.Dense(1), cr.Activate("tanh"))], False),
]


@pytest.mark.parametrize(("layers", "stands"), LOGITS, ids=str)
def test_a_loss_that_applies_its_link_wants_linear_values(layers: Any, stands: bool) -> None:
    if stands:
        cr.Network(2, layers, "binary_cross_entropy")
        return
    with pytest.raises(ValueError, match=r"so the last layer must be linear: (write|leave out) "):
        cr.Network(2, layers, "binary_cross_entropy")


@pytest.mark.parametrize(
    ("layers", "advice"),
    [
        ([cr.Dense(1, "tanh")], "write Dense(1) for layer 0, Dense(1, 'tanh')"),
        ([cr.Dense(1), cr.Activate("tanh")], "leave out layer 1, Activate('tanh')"),
        ([cr.Members(2, cr.Dense(1, "tanh"))], "write Members(2, Dense(1)) for layer 0, Members(2"),
        (
            [cr.Members(2, cr.Dense(1), cr.Activate("tanh"), full=True)],
            "write Members(2, Dense(1, 'identity'), full=True) for layer 0, Members(2, Dense(1",
        ),
    ],
    ids=str,
)
def test_what_a_linear_last_layer_would_be(layers: Any, advice: str) -> None:
    with pytest.raises(ValueError, match=re.escape(advice)):
        cr.Network(2, layers, "binary_cross_entropy")


# What is refused

REFUSED = [
    (lambda: cr.Activate("rel"), "unknown activation 'rel'"),
    (lambda: cr.LayerNorm(0), "LayerNorm: epsilon must be a finite number > 0, got 0"),
    (lambda: cr.BatchNorm(1.5), "BatchNorm: momentum must be a finite number > 0 and <= 1"),
    (lambda: cr.BatchNorm(epsilon=-1), "BatchNorm: epsilon must be a finite number > 0"),
    (cr.Residual, "Residual: layers must hold at least one layer, got none"),
    (lambda: cr.Residual(3), "Residual: layer 0 must be a layer such as"),
    (lambda: cr.Members(0, cr.Dense(1)), "Members: k must be"),
    (lambda: cr.Members(2), "Members: layers must hold at least one layer"),
    (lambda: cr.Members(2, cr.Members(2, cr.Dense(1))), "must be the last layer of the network"),
    (lambda: cr.Residual(cr.Members(2, cr.Dense(1))), "must be the last layer of the network"),
    (
        lambda: cr.Network(2, [cr.Members(2, cr.Dense(2)), cr.Dense(1)], "huber"),
        "layer 0, Members(2, Dense(2, 'identity')), must be the last layer",
    ),
    (lambda: cr.Members(2, cr.Dense(1), full=1), "Members: full must be True or False, got 1"),
    (lambda: cr.Periodic(0), "Periodic: values must be"),
    (lambda: cr.Periodic(sigma=0), "Periodic: sigma must be a finite number > 0"),
    (lambda: cr.Periodic(features=3), "Periodic: features must be numbers of inputs"),
    (lambda: cr.Periodic(features=()), "Periodic: features must name inputs"),
    (lambda: cr.Periodic(features=(0, 0)), "Periodic: features must name inputs, each once"),
    (
        lambda: cr.Network(2, [cr.Periodic(features=(2,)), cr.Dense(1)], "huber"),
        "features must be numbers below 2, got 2",
    ),
    (lambda: cr.PiecewiseLinear(3), "PiecewiseLinear: edges must hold, for each input"),
    (lambda: cr.PiecewiseLinear("ab"), "PiecewiseLinear: edges must hold, for each input"),
    (lambda: cr.PiecewiseLinear([3]), "edges of input 0 must be ascending numbers, or none"),
    (lambda: cr.PiecewiseLinear([[1.0]]), "edges of input 0 must be none, or two or more"),
    (lambda: cr.PiecewiseLinear([[], [1.0, 1.0]]), "edges of input 1 must be none, or two or mo"),
    (lambda: cr.PiecewiseLinear([[2.0, 1.0]]), "edges of input 0 must be none, or two or more"),
    (lambda: cr.PiecewiseLinear([[1.0, 1.0 + 1e-12]]), "in single precision too"),
    (lambda: cr.PiecewiseLinear([[1.0, math.nan]]), "edges of input 0 must be a finite number"),
    (lambda: cr.PiecewiseLinear([[1.0, 1e300]]), "in single precision too"),
    (lambda: cr.PiecewiseLinear([[], []]), "of at least one, got none"),
    (
        lambda: cr.Embedding(3),
        "Embedding: levels must hold, for each input, how many levels it has",
    ),
    (lambda: cr.Embedding("ab"), "such as [120, 0], got 'ab'"),
    (lambda: cr.Embedding([0, 0]), "at least one must have some, got none"),
    (lambda: cr.Embedding([1, 2.5]), "Embedding: levels of input 1 must be a whole number"),
    (lambda: cr.Embedding([True]), "Embedding: levels of input 0 must be a whole number"),
    (lambda: cr.Embedding([2**24 + 1]), "levels of input 0 must be a whole number >= 0 and <= 16"),
    (lambda: cr.Embedding([2], 0), "Embedding: size must be a whole number >= 1, got 0"),
    (
        lambda: cr.Network(1, [cr.Embedding([2, 2]), cr.Dense(1)], "huber"),
        "has levels for 2 inputs, and gets 1",
    ),
    (
        lambda: cr.Network(1, [cr.PiecewiseLinear(EDGES), cr.Dense(1)], "huber"),
        "has edges for 3 inputs, and gets 1",
    ),
]


@pytest.mark.parametrize(("make", "message"), REFUSED, ids=itertools.count())
def test_kinds_refuse_what_they_cannot_be(make: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError)) as error:
        make()
    assert message in str(error.value)
