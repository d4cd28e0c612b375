"""New kinds of layer need one file each: the rest works with those of kinds.py."""

import dataclasses
import pickle

import numpy as np
import pytest

import chainrule as cr
from chainrule.backprop import prediction
from chainrule.optimizers import OPTIMIZERS
from chainrule.trees import leaves, named_leaves, number, rebuild
from kinds import (
    ALL,
    BLOCK,
    DRAW,
    LAYERS,
    WITH_BATCH_NORM,
    data,
    gradients,
)
from runs import bits

# The gradient is right


@pytest.mark.parametrize("loss", ["half_squared_error", "cross_entropy"])
@pytest.mark.parametrize("name", ALL)
def test_the_gradient_of_training_is_right(name, loss):
    d = data(name, loss, l1=0.01, l2=0.1)
    check = cr.check_gradient(d.net, d.params, d.X, d.y, d.w, DRAW)
    assert check.passed, check
    learnt = sum(leaf.size for path, leaf in named_leaves(d.params) if "running" not in path)
    assert check.checked + len(check.kinks) >= learnt


@pytest.mark.parametrize("loss", ["half_squared_error", "cross_entropy"])
@pytest.mark.parametrize("name", LAYERS)
def test_the_gradient_of_prediction_is_right(name, loss):
    d = data(name, loss, l1=0.01, l2=0.1)
    check = cr.check_gradient(d.net, d.params, d.X, d.y, d.w)
    assert check.passed, check


@pytest.mark.parametrize("name", WITH_BATCH_NORM)
def test_the_gradient_of_prediction_leaves_out_running_statistics(name):
    """They are kept, not learnt: their gradient is 0, though the cost depends on them."""
    d = data(name)
    check = cr.check_gradient(d.net, d.params, d.X, d.y, d.w)
    assert check.passed, check


@pytest.mark.parametrize("name", WITH_BATCH_NORM)
def test_the_gradient_of_prediction_equals_differences(name):
    d = data(name)
    _, _, grads = gradients(d)
    named = list(named_leaves(d.params))
    for place, ((path, leaf), g) in enumerate(zip(named, leaves(grads), strict=True)):
        if "running" in path:
            assert not g.any()
            continue

        def cost(step, place=place):
            moved = [p + step if k == place else p for k, (_, p) in enumerate(named)]
            return cr.cost(d.net, rebuild(d.params, moved), d.X, d.y, d.w)

        direction = np.random.default_rng(place).normal(size=leaf.shape)
        slope = (cost(1e-5 * direction) - cost(-1e-5 * direction)) / 2e-5
        np.testing.assert_allclose(np.sum(g * direction), slope, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", LAYERS)
def test_the_gradient_by_the_inputs_equals_differences(name):
    d = data(name)
    trace, deltas, _ = gradients(d)
    direction = np.random.default_rng(1).normal(size=d.X.shape)
    ends = [cr.cost(d.net, d.params, d.X + h * direction, d.y, d.w) for h in (1e-5, -1e-5)]
    slope = (ends[0] - ends[1]) / 2e-5
    np.testing.assert_allclose(np.sum(cr.input_gradient(trace, deltas) * direction), slope, 1e-6)


class Forgetful(cr.Residual):
    """A residual layer whose gradient forgets the way past its layers."""

    def dx(self, params, record, delta, xp):
        return super().dx(params, record, delta, xp) - delta.da


def test_the_check_refuses_a_wrong_layer():
    d = data("residual")
    wrong = dataclasses.replace(
        d.net, layers=[cr.Dense(3, "tanh"), Forgetful(*BLOCK.layers), cr.Dense(2)]
    )
    assert not cr.check_gradient(wrong, d.params, d.X, d.y).passed


# The examples' own gradients


@pytest.mark.parametrize("draw", [None, DRAW], ids=["prediction", "training"])
@pytest.mark.parametrize("name", LAYERS)
def test_the_examples_gradients_sum_to_the_gradient(name, draw):
    d = data(name)
    trace, deltas, grads = gradients(d, draw)
    each = cr.per_example_gradients(trace, deltas)
    assert [name for name, _ in named_leaves(each)] == [name for name, _ in named_leaves(grads)]
    for part, whole in zip(leaves(each), leaves(grads), strict=True):
        np.testing.assert_allclose(part.sum(axis=0), whole, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("draw", [None, DRAW], ids=["prediction", "training"])
@pytest.mark.parametrize("name", LAYERS)
def test_squared_norms_equal_those_of_the_examples_gradients(name, draw):
    trace, deltas, _ = gradients(data(name), draw)
    each = leaves(cr.per_example_gradients(trace, deltas))
    norms = sum((part**2).reshape(7, -1).sum(axis=1) for part in each)
    np.testing.assert_allclose(cr.squared_norms(trace, deltas), norms, rtol=1e-12)


@pytest.mark.parametrize("name", LAYERS)
def test_an_example_has_the_gradient_that_it_has_alone(name):
    d = data(name)
    trace, deltas, _ = gradients(d)
    each = leaves(cr.per_example_gradients(trace, deltas))
    for k in range(7):
        _, _, alone = gradients(d._replace(X=d.X[[k]], y=d.y[[k]], w=d.w[[k]]))
        for part, own in zip(each, leaves(alone), strict=True):
            share = d.w[k] / d.w.sum()
            np.testing.assert_allclose(part[k], share * own, rtol=1e-11, atol=1e-13)


# Training


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ALL)
def test_fit_trains_them(name, dtype):
    d = data(name)
    y = prediction(cr.forward(d.net, d.params, d.X, DRAW))  # what other parameters make of X
    params, history = cr.fit(
        d.net,
        d.net.init(1, dtype),
        d.X,
        y,
        cr.Adam(0.01),
        epochs=150,
        batch_size=None,
        engine="reference",
    )
    assert min(history.loss[-10:]) < 0.2 * history.loss[0]
    assert {leaf.dtype for leaf in leaves(params)} == {np.dtype(dtype)}
    assert [leaf.shape for leaf in leaves(params)] == [leaf.shape for leaf in leaves(d.net.form)]


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values())
def test_running_statistics_are_means_of_those_of_the_batches(optimizer):
    d = data("batch norm first")
    params = d.net.init(0, "float64")
    mean, variance = np.zeros(3), np.ones(3)
    for batch in (slice(0, 4), slice(4, 7)):
        mean = 0.9 * mean + 0.1 * d.X[batch].mean(axis=0)
        variance = 0.9 * variance + 0.1 * d.X[batch].var(axis=0, ddof=1)
    trained, _ = cr.fit(
        d.net,
        params,
        d.X,
        d.y,
        optimizer(),
        epochs=1,
        batch_size=4,
        shuffle=False,
        engine="reference",
    )
    np.testing.assert_allclose(trained[0].running_mean, mean, rtol=1e-12)
    np.testing.assert_allclose(trained[0].running_variance, variance, rtol=1e-12)


@pytest.mark.parametrize("name", ALL)
def test_a_and_b_epochs_are_a_and_b_at_once(name):
    d = data(name)

    def fit(params, epochs, history=None):
        return cr.fit(
            d.net,
            params,
            d.X,
            d.y,
            cr.Adam(0.01),
            epochs=epochs,
            batch_size=3,
            history=history,
            engine="reference",
        )

    first, history = fit(d.params, 2)
    assert bits(fit(first, 3, history)[0]) == bits(fit(d.params, 5)[0])


@pytest.mark.parametrize(
    ("name", "pattern", "frozen"),
    [
        ("residual", "1.0.W", {"1.0.W"}),
        ("residual", "1.*", {"1.0.W", "1.0.b", "1.1.W", "1.1.b"}),
        ("residual", "*.b", {"0.b", "1.0.b", "1.1.b", "2.b"}),
        ("residual in residual", "1.0.1.?", {"1.0.1.W", "1.0.1.b"}),
        ("residual of much", "*.gamma", {"1.0.gamma", "2.0.gamma"}),
        ("layer norm within", "1.beta", {"1.beta"}),
        (
            "batch norm first",
            "0.*",
            {"0.gamma", "0.beta", "0.running_mean", "0.running_variance"},
        ),
        ("batch norm in residual", "1.0.running_*", {"1.0.running_mean", "1.0.running_variance"}),
    ],
)
def test_freeze_reaches_nested_names(name, pattern, frozen):
    d = data(name)
    trained, _ = cr.fit(
        d.net,
        d.params,
        d.X,
        d.y,
        cr.SGD(0.1),
        epochs=1,
        batch_size=3,
        freeze=[pattern],
        engine="reference",
    )
    pairs = zip(bits(d.params), bits(trained), strict=True)
    assert {before[0] for before, after in pairs if before == after} == frozen


def test_a_pattern_that_names_nothing_gets_the_nested_names():
    d = data("residual")
    with pytest.raises(ValueError, match=r"freeze '1\.0\.w'; did you mean .*'1\.0\.W'"):
        cr.fit(d.net, d.params, d.X, d.y, cr.SGD(), epochs=1, freeze=["1.0.w"])


def test_dropouts_within_a_layer_have_masks_of_their_own():
    net = cr.Network(
        40, [cr.Residual(cr.Dropout(), cr.Dropout()), cr.Dropout(), cr.Dense(1)], "huber"
    )
    trace = cr.forward(net, net.init(), np.ones((30, 40)), DRAW)
    masks = [*(record.mask > 0 for record in trace[0].inner), trace[1].mask > 0]
    for k, mask in enumerate(masks):
        for other in masks[:k]:
            assert abs(np.mean(mask == other) - 0.5) < 5 * 0.5 / np.sqrt(mask.size)


# Names and forms


def test_weights_are_numbered_through_nested_layers():
    params = data("residual").params
    labels = {name: number(params, name, 0) for name, _ in named_leaves(params)}
    assert labels == {  # 3·3, 5·3, 3·5 and 2·3 weights; 3, 5, 3 and 2 biases
        "0.W": "w1",
        "0.b": "b1",
        "1.0.W": "w10",
        "1.0.b": "b4",
        "1.1.W": "w25",
        "1.1.b": "b9",
        "2.W": "w40",
        "2.b": "b12",
    }
    assert number(data("layer norm first").params, "0.gamma", 2) == "0.gamma[2]"


def test_the_penalty_is_on_nested_weights_alone():
    d = data("residual of much", l1=0.1, l2=0.2)
    free = cr.cost(dataclasses.replace(d.net, l1=0, l2=0), d.params, d.X, d.y)
    weights = [d.params[0].W, d.params[3].W]
    weights += [block[k].W for block in d.params[1:3] for k in (1, 3)]
    expected = sum(0.1 * np.abs(W).sum() + 0.1 * (W**2).sum() for W in weights)
    np.testing.assert_allclose(cr.cost(d.net, d.params, d.X, d.y) - free, expected, rtol=1e-12)


@pytest.mark.parametrize("name", ALL)
def test_parameters_given_as_nested_tuples(name):
    d = data(name)

    def plain(tree):
        return tuple(map(plain, tree)) if isinstance(tree, tuple) else tree.tolist()

    again = d.net.parameters(plain(d.params))
    assert bits(again) == bits(d.params)


def test_a_nested_shape_that_does_not_fit_is_named():
    d = data("residual")
    wrong = rebuild(d.params, [p.T if name == "1.0.W" else p for name, p in named_leaves(d.params)])
    with pytest.raises(ValueError, match=r"layer 1, Residual\(.*1\.0\.W must have shape \(5, 3\)"):
        cr.predict(d.net, wrong, d.X)


@pytest.mark.parametrize("name", ALL)
def test_networks_of_new_kinds_are_values(name):
    net = cr.Network(3, ALL[name], "huber")
    net.init()
    twin = pickle.loads(pickle.dumps(net))
    assert twin == net
    assert hash(twin) == hash(net)


def test_a_layer_that_does_not_fit_is_refused_and_named_when_the_network_is_made():
    with pytest.raises(ValueError, match=r"layer 1, Residual\(.*must lead back to 3, got 4"):
        cr.Network(2, [cr.Dense(3), cr.Residual(cr.Dense(4))], "huber")
