"""What is measured of layers, examples and data, against the definitions taken literally."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.diagnosis.data_measures import (
    among_their_own,
    batch_spread,
    dependence,
    directions,
    disagreeing,
    kinship,
    measure_columns,
    nearest,
    target_size,
)
from chainrule.diagnosis.example_measures import measure_examples
from chainrule.diagnosis.layer_measures import measure_layers, update_ratios
from chainrule.trees import leaves

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 5))
LABELS = RNG.integers(3, size=40)


def passed(net, y=LABELS, seed=0):
    params = net.init(seed, dtype="float64")
    trace = cr.forward(net, params, X)
    return params, trace, cr.backward(trace, y)


NETWORKS = {
    "dense": cr.Network(
        5, [cr.Dense(7, "tanh"), cr.Dense(4, "relu"), cr.Dense(3)], "cross_entropy"
    ),
    "norms": cr.Network(
        5, [cr.Dense(6), cr.BatchNorm(), cr.Activate("gelu"), cr.LayerNorm(), cr.Dense(3)],
        "cross_entropy", 0.01, 0.1,
    ),
    "residual": cr.Network(
        5, [cr.Dense(4), cr.Residual(cr.Dense(4, "relu"), cr.Dense(4)), cr.Dense(3)],
        "cross_entropy", reduction="sum",
    ),
}  # fmt: skip
each_network = pytest.mark.parametrize("net", NETWORKS.values(), ids=NETWORKS)


@each_network
def test_factors_multiply_to_what_becomes_of_the_gradient(net):
    """The gradient by what enters layer k is the last delta times all factors on the way."""
    params, trace, deltas = passed(net)
    measured = measure_layers(trace, deltas)
    norm = np.linalg.norm(deltas[-1])
    for k in reversed(range(1, len(net.layers))):
        norm *= measured[k].weights
        dx = net.layers[k].dx(params[k], trace[k], deltas[k], np)
        np.testing.assert_allclose(norm, np.linalg.norm(dx), rtol=1e-12)
        norm *= measured[k - 1].slope
        if isinstance(deltas[k - 1], np.ndarray):
            np.testing.assert_allclose(norm, np.linalg.norm(deltas[k - 1]), rtol=1e-12)


@each_network
def test_noise_is_the_variance_of_the_gradients_of_single_examples(net):
    _, trace, deltas = passed(net)
    n = len(X)
    scale = n if net.reduction == "mean" else 1
    parts = cr.per_example_gradients(trace, deltas)
    each = np.column_stack([np.reshape(g, (n, -1)) for g in leaves(parts)]) * scale
    found = measure_examples(trace, deltas)
    np.testing.assert_allclose(found.noise, each.var(axis=0, ddof=1).sum(), rtol=1e-10)
    signal = np.sum(each.mean(axis=0) ** 2) - found.noise / n
    np.testing.assert_allclose(found.signal, max(signal, 0), rtol=1e-8)
    assert found.critical_batch == found.noise / found.signal
    assert found.largest == np.argmax(np.sum(each**2, axis=1))


def test_shares_of_units_are_those_that_were_made_so():
    net = cr.Network(5, [cr.Dense(8, "relu"), cr.Dense(8, "tanh"), cr.Dense(3)], "cross_entropy")
    first, second, last = net.init(0, dtype="float64")
    b, W = np.zeros(8), second.W.copy()
    b[:6] = -100
    W[4:] = W[:4]
    params = (first._replace(b=b), second._replace(W=W, b=np.full(8, 9.0)), last)
    trace = cr.forward(net, params, X)
    one, two, three = measure_layers(trace, cr.backward(trace, LABELS))
    assert (one.dead, two.dead, three.dead) == (0.75, 0, 0)
    assert (one.saturated, two.saturated, three.saturated) == (0, 1, 0)
    assert (one.duplicate, two.duplicate, three.duplicate) == (0, 0.5, 0)


def test_a_residual_block_keeps_the_gradient():
    net = cr.Network(5, [*[cr.Residual(cr.Dense(5, "tanh"))] * 3, cr.Dense(3)], "cross_entropy")
    _, trace, deltas = passed(net)
    measured = measure_layers(trace, deltas)
    assert all(layer.slope == 1 for layer in measured)
    assert all(0.5 < layer.weights < 3 for layer in measured[1:-1])


def test_how_far_parameters_moved():
    net = NETWORKS["dense"]
    params = net.init(0, dtype="float64")
    moved = tuple(p._replace(W=1.5 * p.W, b=1.5 * p.b) for p in params)
    np.testing.assert_allclose(update_ratios(params, moved), 0.5)


# ---- data ----------------------------------------------------------------------------------------


def test_columns():
    table = np.column_stack([np.full(50, 4.0), RNG.normal(3, 1, size=50), np.arange(50) * 1e3])
    found = measure_columns(table)
    assert found.constant == pytest.approx(1 / 3)
    assert found.column == 2
    assert found.largest == pytest.approx(np.sqrt(np.mean(table[:, 2] ** 2)), rel=0.05)
    assert measure_columns(np.ones((5, 2))).constant == 1


def test_one_target_does_not_make_all_of_them_large():
    y = RNG.normal(size=(200, 1))
    y[3] = 1e9
    assert target_size(y) < 1.1


@pytest.mark.parametrize("moved", [-5, -1, 1, 3])
def test_targets_some_rows_away_are_found(moved):
    x = RNG.normal(size=(120, 3))
    y = np.sin(x[:, :1]) + 0.1 * RNG.normal(size=(120, 1))
    found = dependence(x, np.roll(y, -moved, axis=0))
    assert found.moved == moved
    assert found.best > 6
    assert found.here < 3


def test_dependence_sees_what_no_line_sees_and_nothing_in_noise():
    x = RNG.normal(size=(300, 2))
    product = np.sign(x[:, :1] * x[:, 1:])
    assert dependence(x, product).here > 6
    assert dependence(x, RNG.permutation(product)).here < 4


def test_wrong_labels_disagree_with_their_neighbours():
    x = np.concatenate([RNG.normal(-3, 1, size=(60, 2)), RNG.normal(3, 1, size=(60, 2))])
    labels = np.repeat([0, 1], 60)
    wrong = RNG.permutation(120)[:20]
    labels[wrong] = 1 - labels[wrong]
    found = np.flatnonzero(disagreeing(nearest(x, 10), labels))
    assert len(set(found) & set(wrong)) >= 18
    assert len(found) <= 24


def test_batches_of_sorted_rows_differ():
    y = RNG.normal(size=(200, 1))
    assert 0.3 < batch_spread(y, 10) < 2
    assert batch_spread(np.sort(y, axis=0), 10) > 8
    assert batch_spread(y, 150) == 1


def test_wrong_labels_leave_hardly_any_example_among_its_own():
    x = RNG.normal(size=(300, 2))
    labels = (x[:, 0] > 0).astype(int)
    near = nearest(x, 10)
    assert among_their_own(near, labels) > 0.5
    wrong = RNG.random(300) < 0.3
    assert among_their_own(near, np.where(wrong, 1 - labels, labels)) < 0.1


def test_of_very_many_columns_random_sums_keep_the_neighbours():
    x = np.repeat(np.eye(3), 10, axis=0) @ RNG.normal(size=(3, 2000))
    x += 0.1 * RNG.normal(size=x.shape)
    near = nearest(directions(x), 9)
    assert np.all(near // 10 == np.arange(30)[:, None] // 10)


def test_one_row_far_out_does_not_hide_how_targets_depend_on_the_others():
    x = RNG.normal(size=(100, 2))
    x[7] *= 1e30
    y = x[:, :1].copy()
    y[7] = 0
    assert dependence(x, y).here > 6


def test_kinship_is_one_where_two_classes_meet_and_none_where_labels_are_drawn():
    rng = np.random.default_rng(3)
    x = np.sort(rng.uniform(0, 4, 2000))[:, None]
    classes = np.floor(x[:, 0]).astype(int)
    near = nearest(x, 10)
    assert kinship(near, classes) == 1
    drawn = np.where(rng.random(2000) < 0.5, rng.integers(4, size=2000), classes)
    assert abs(kinship(near, drawn)) < 0.15
    blurred = np.clip(np.floor(x[:, 0] + rng.normal(0, 0.5, 2000)), 0, 3).astype(int)
    assert kinship(near, blurred) > 0.3
