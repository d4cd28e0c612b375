"""Dense against loops, dropout against its published random stream, and a layer's defaults."""

import re
from dataclasses import dataclass
from typing import NamedTuple

import array_api_strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.layers.dense import DenseParameters
from chainrule.layers.dropout import keep_mask
from chainrule.streams import of_layer
from runs import word

XP = array_api_strict
RATES = [0.01, 0.1, 0.25, 0.5, 0.9, 0.999]


def readonly(array):
    array.flags.writeable = False
    return array


# Dense

SIZES = [(1, 1, 1), (1, 3, 2), (5, 1, 4), (5, 4, 1), (7, 3, 5)]


def dense(n, i, o, name="tanh", seed=0):
    """A layer with parameters, an input and a delta, none of which can be written to."""
    rng = np.random.default_rng(seed)
    params = DenseParameters(readonly(rng.normal(size=(o, i))), readonly(rng.normal(size=o)))
    x, delta = readonly(rng.normal(size=(n, i))), readonly(rng.normal(size=(n, o)))
    return cr.Dense(o, name), params, x, delta


@pytest.mark.parametrize(("n", "i", "o"), SIZES)
def test_dense_forward_equals_loops(n, i, o):
    layer, params, x, _ = dense(n, i, o)
    a, record = layer.forward(params, x, None, np)
    z = np.zeros((n, o))
    for row in range(n):
        for j in range(o):
            z[row, j] = sum(params.W[j, k] * x[row, k] for k in range(i)) + params.b[j]
    np.testing.assert_allclose(record.z, z, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(a, np.tanh(z), rtol=1e-13, atol=1e-13)
    assert record.x is x
    assert record.a is a
    assert layer.outputs(i) == o


@pytest.mark.parametrize(("n", "i", "o"), SIZES)
def test_dense_gradients_equal_loops(n, i, o):
    layer, params, x, delta = dense(n, i, o)
    _, record = layer.forward(params, x, None, np)
    each = [(np.outer(delta[k], x[k]), delta[k]) for k in range(n)]
    got = layer.per_example_gradients(record, delta, np)
    np.testing.assert_allclose(got.W, [W for W, _ in each], rtol=1e-14)
    np.testing.assert_array_equal(got.b, [b for _, b in each])
    total = layer.gradient(record, delta, np)
    np.testing.assert_allclose(total.W, sum(W for W, _ in each), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(total.b, sum(b for _, b in each), rtol=1e-12, atol=1e-14)
    norms = [np.sum(W**2) + np.sum(b**2) for W, b in each]
    np.testing.assert_allclose(layer.squared_norms(record, delta, np), norms, rtol=1e-13)
    dx = [[sum(delta[row] * params.W[:, k]) for k in range(i)] for row in range(n)]
    np.testing.assert_allclose(layer.dx(params, record, delta, np), dx, rtol=1e-12, atol=1e-13)


def test_dense_delta_is_da_times_the_slope():
    layer, params, x, da = dense(7, 3, 5, "tanh")
    _, record = layer.forward(params, x, None, np)
    expected = da / np.cosh(record.z) ** 2
    np.testing.assert_allclose(layer.delta(params, record, da, np), expected, rtol=1e-12)


def test_dense_does_not_depend_on_the_draw():
    layer, params, x, _ = dense(7, 3, 5)
    trained, _ = layer.forward(params, x, cr.Draw(1, 2, 3), np)
    np.testing.assert_array_equal(trained, layer.forward(params, x, None, np)[0])


@pytest.mark.parametrize(
    ("name", "kinks"), [("tanh", []), ("relu", [0.0]), ("hard_tanh", [-1.0, 1.0])]
)
def test_dense_kinks_change_sign_where_the_activation_has_no_derivative(name, kinks):
    layer, params, x, _ = dense(7, 3, 5, name)
    _, record = layer.forward(params, x, None, np)
    found = layer.kinks(record)
    assert len(found) == len(kinks)
    for array, kink in zip(found, kinks, strict=True):
        np.testing.assert_array_equal(array > 0, record.z > kink)


# Dropout's random stream

WORD = 2**64
DRAWS = [
    cr.Draw(0, 0),
    cr.Draw(0, 1),
    cr.Draw(7, 1, 3),
    cr.Draw(2**32 + 5, 2**40, 2),
    cr.Draw(2**63 + 1, 1),
    cr.Draw(2**64 - 1, 5, 1),
]


def word_of(draw, k):
    return word(k, draw.seed, of_layer(draw.layer), draw.step)


def stays(draw, rate, k):
    return word_of(draw, k) >= rate * 2**32


@pytest.mark.parametrize("draw", DRAWS, ids=str)
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (4, 8), (13, 7)])
def test_any_part_of_the_mask_can_be_computed_alone(draw, shape):
    keep = keep_mask(draw, 0.4, shape)
    alone = [stays(draw, 0.4, k) for k in reversed(range(keep.size))]
    np.testing.assert_array_equal(keep, np.reshape(alone[::-1], shape))


@given(
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**64 - 1),
    st.sampled_from(RATES),
)
def test_every_draw_has_its_stream(seed, step, layer, rate):
    draw = cr.Draw(seed, step, layer)
    expected = [[stays(draw, rate, 3 * row + column) for column in range(3)] for row in range(7)]
    np.testing.assert_array_equal(keep_mask(draw, rate, (7, 3)), expected)


def test_a_mask_depends_on_seed_step_and_layer_alone():
    draws = [cr.Draw(s, t, k) for s in (0, 1, 2**63, WORD - 1) for t in (1, 2) for k in (0, 1)]
    masks = [keep_mask(draw, 0.5, (100, 100)) for draw in draws]
    for draw, mask in zip(draws, masks, strict=True):
        np.testing.assert_array_equal(keep_mask(draw, 0.5, (100, 100)), mask)
    for k, mask in enumerate(masks):
        for other in masks[:k]:  # two fair coins agree in half of 10,000 throws, give or take 50
            assert abs(np.sum(mask == other) - 5000) < 5 * 50


@pytest.mark.parametrize("rate", RATES)
def test_the_share_that_stays(rate):
    n = 200_000
    kept = np.sum(keep_mask(cr.Draw(3, 4, 5), rate, (n // 100, 100)))
    assert abs(kept - n * (1 - rate)) < 5 * np.sqrt(n * rate * (1 - rate))


@pytest.mark.parametrize("k", range(10))
def test_an_input_stays_where_its_word_is_at_least_the_rate(k):
    draw = cr.Draw(0, 1)
    least = word_of(draw, k)
    assert keep_mask(draw, least / 2**32, (1, 10))[0, k]
    assert not keep_mask(draw, (least + 1) / 2**32, (1, 10))[0, k]


@pytest.mark.parametrize("rate", [1e-12, 1 - 1e-12])
def test_rates_beside_0_and_1(rate):
    assert keep_mask(cr.Draw(0, 1), rate, (10, 10)).all() == (rate < 0.5)


# Dropout


def dropped(rate, x, draw=cr.Draw(0, 1), xp=np):  # noqa: B008 - a named tuple
    return cr.Dropout(rate).forward((), x, draw, xp)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rate", RATES)
def test_inputs_are_silenced_or_scaled_up(rate, dtype):
    x = readonly(np.random.default_rng(0).normal(size=(20, 9)).astype(dtype))
    a, record = dropped(rate, x)
    keep = keep_mask(cr.Draw(0, 1), rate, x.shape)
    assert (a.dtype, record.mask.dtype, a.shape) == (x.dtype, x.dtype, x.shape)
    np.testing.assert_array_equal(a[~keep], 0)
    np.testing.assert_allclose(a[keep], x[keep] / (1 - rate), rtol=2 * np.finfo(dtype).eps)


@pytest.mark.parametrize("rate", RATES)
def test_the_mean_is_kept(rate):
    n = 200_000
    a, _ = dropped(rate, np.ones((n // 50, 50)))
    assert abs(a.mean() - 1) < 5 * np.sqrt(rate / (1 - rate) / n)


@pytest.mark.parametrize(
    ("rate", "draw"), [(0.5, None), (0.0, None), (0.0, cr.Draw(0, 1))], ids=str
)
def test_prediction_and_rate_0_pass_x_through(rate, draw):
    x = np.array([[1.0, -2.0, 3.0]])
    a, record = dropped(rate, x, draw)
    assert a is x
    assert record.a is x
    layer = cr.Dropout(rate)
    delta = layer.delta((), record, x, np)
    np.testing.assert_array_equal(layer.dx((), record, delta, np), x)


def test_what_was_silenced_gets_no_gradient_and_the_rest_is_scaled_alike():
    x, da = np.ones((20, 9)), readonly(np.random.default_rng(1).normal(size=(20, 9)))
    a, record = dropped(0.75, x)
    layer = cr.Dropout(0.75)
    dx = layer.dx((), record, layer.delta((), record, da, np), np)
    np.testing.assert_array_equal(dx, np.where(a == 0, 0, 4 * da))


def test_the_mask_does_not_depend_on_the_array_library():
    x = np.ones((6, 5))
    a, _ = dropped(0.5, XP.asarray(x), xp=XP)
    assert isinstance(a, type(XP.asarray(0.0)))
    np.testing.assert_array_equal(np.asarray(a), dropped(0.5, x)[0])


def test_two_dropouts_of_a_network_have_different_masks():
    net = cr.Network(50, [cr.Dropout(), cr.Dropout(), cr.Dense(1)], loss="squared_error")
    X = np.ones((40, 50))
    trace = cr.forward(net, net.init(), X, cr.Draw(0, 1))
    for k in (0, 1):
        expected = keep_mask(cr.Draw(0, 1, layer=k), 0.5, X.shape)
        np.testing.assert_array_equal(trace[k].mask > 0, expected)
    assert cr.forward(net, net.init(), X)[1].mask is None


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: cr.Dropout(1), ValueError, "Dropout: rate must be a finite number >= 0 and < 1"),
        (lambda: cr.Dropout(-0.1), ValueError, "Dropout: rate must be a finite number >= 0"),
        (lambda: cr.Dropout("half"), TypeError, "got 'half' of type str"),
        (lambda: cr.Dense(0), ValueError, "Dense: units must be a whole number >= 1, got 0"),
        (lambda: cr.Dense(2.0), TypeError, "got 2.0 of type float"),
        (lambda: cr.Dense("tanh"), TypeError, "Dense: units must be a whole number"),
        (lambda: cr.Dense(2, "tahn"), ValueError, "unknown activation 'tahn'; did you mean 'tanh'"),
        (lambda: cr.Dense(2, np.tanh), TypeError, "must be a name such as 'relu'"),
        (lambda: cr.Dense(2, ["tanh"]), TypeError, "must be a name such as 'relu'"),
        (lambda: cr.Dense(2, "tanh", "he"), ValueError, "unknown initialiser 'he'"),
        (lambda: cr.Dense(2, "tanh", 1), ValueError, "unknown initialiser '1'"),
    ],
)
def test_layers_refuse_what_they_cannot_be(make, error, message):
    with pytest.raises(error, match=re.escape(message)):
        make()


@pytest.mark.parametrize(
    ("inputs", "units", "got"),
    [
        (2, 2**62, "4,611,686,018,427,387,904 × 2"),
        (2**30, 2**30, "1,073,741,824 × 1,073,741,824"),
        (2**60, 1, "1 × 1,152,921,504,606,846,976"),
        (1, 10**20, "100,000,000,000,000,000,000 × 1"),
    ],
)
def test_a_layer_wider_than_arrays_are(inputs, units, got):
    with pytest.raises(ValueError, match=rf"^Network: layer 0, .*: .* weights, got {got}$"):
        cr.Network(inputs, [cr.Dense(units)], loss="huber")


def test_the_widest_layer_of_all():
    assert cr.Network(2**60 - 1, [cr.Dense(1)], loss="huber").size == 2**60


# The base


class Seen(NamedTuple):
    x: np.ndarray
    a: np.ndarray


@dataclass(frozen=True)
class Negate(cr.Layer):
    """a = −x: the least that a layer can be."""

    def forward(self, params, x, draw, xp):
        return -x, Seen(x, -x)

    def delta(self, params, record, da, xp):
        return -da

    def dx(self, params, record, delta, xp):
        return delta


def test_a_layer_without_parameters_needs_three_functions():
    net = cr.Network(2, [cr.Dense(3), Negate(), cr.Dense(1)], loss="squared_error")
    params = net.init(0, "float64")
    assert net.widths == (2, 3, 3, 1)
    assert params[1] == ()
    X, y = np.ones((4, 2)), np.ones(4)
    assert cr.check_gradient(net, params, X, y).passed
    trace = cr.forward(net, params, X)
    deltas = cr.backward(trace, y)
    assert cr.squared_norms(trace, deltas).shape == (4,)
    assert cr.fit(net, params, X, y, cr.SGD(0.01), epochs=1, engine="reference")[1].epochs == 1


class Offset(NamedTuple):
    b: np.ndarray


@dataclass(frozen=True)
class Shift(Negate):
    """a = −x − b: with parameters, whose gradient is to be told too."""

    def form(self, inputs):
        return Offset(np.broadcast_to(0.0, inputs))

    def forward(self, params, x, draw, xp):
        return -x - params.b, Seen(x, -x - params.b)

    def gradient(self, record, delta, xp):
        return Offset(xp.sum(delta, axis=0))


def test_parameters_start_at_0_where_a_layer_does_not_say_otherwise():
    net = cr.Network(3, [Shift()], loss="squared_error")
    params = net.init(0)
    np.testing.assert_array_equal(params[0].b, np.zeros(3, "float32"))
    X, y = np.ones((4, 3)), np.arange(12.0).reshape(4, 3)
    assert cr.check_gradient(net, params, X, y).passed
    trained, _ = cr.fit(net, params, X, y, cr.SGD(0.25), epochs=50, engine="reference")
    np.testing.assert_allclose(trained[0].b, -1 - y.mean(axis=0), rtol=1e-5)


@pytest.mark.parametrize("layer", [cr.Dropout(0.5), Negate()], ids=repr)
def test_a_network_without_parameters_predicts(layer):
    net = cr.Network(2, [layer], loss="squared_error")
    X = [[1.0, 2.0], [3.0, 4.0]]
    expected = layer.forward((), np.array(X), None, np)[0]
    np.testing.assert_array_equal(cr.predict(net, net.init(), X), expected)
    trace = cr.forward(net, net.init(), X)
    deltas = cr.backward(trace, X)
    assert cr.gradient(trace, deltas) == ((),)
    np.testing.assert_array_equal(cr.squared_norms(trace, deltas), [0, 0])
