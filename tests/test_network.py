"""The specification of a network, its initial and given parameters."""

import dataclasses
import pickle
import re

import array_api_strict
import numpy as np
import pytest

import chainrule as cr
from chainrule import engine
from chainrule.activations import ACTIVATIONS
from chainrule.trees import leaves, named_leaves

LAYERS = (cr.Dense(3, "tanh"), cr.Dropout(0.25), cr.Dense(2, "leaky_relu(0.2)", "zeros"))
NET = cr.Network(4, LAYERS, loss="huber(0.5)", l1=0.5, l2=0.25)
TUTORIAL = cr.Network(
    2, [cr.Dense(2, "sigmoid"), cr.Dense(2, "sigmoid")], loss="half_squared_error"
)
SPECS = [*LAYERS, NET, TUTORIAL, cr.Dense(3, "tanh", "he_normal"), cr.Dropout(0.5)]


def changed(net, **fields):
    return dataclasses.replace(net, **fields)


# Specifications


@pytest.mark.parametrize("spec", SPECS, ids=repr)
def test_a_specification_is_a_value(spec):
    twin = pickle.loads(pickle.dumps(spec))
    assert twin is not spec
    assert twin == spec
    assert hash(twin) == hash(spec)
    assert eval(repr(spec), vars(cr)) == spec  # what is shown can be pasted
    assert {other for other in SPECS if other == spec} == {spec}


@pytest.mark.parametrize("spec", SPECS, ids=repr)
def test_a_specification_is_frozen(spec):
    for field in dataclasses.fields(spec):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(spec, field.name, None)


@pytest.mark.parametrize(
    "other",
    [
        changed(NET, inputs=5),
        changed(NET, layers=LAYERS[:1]),
        changed(NET, loss="huber"),
        changed(NET, l1=0.0),
        changed(NET, l2=0.0),
    ],
    ids=repr,
)
def test_networks_that_differ_in_one_field_are_not_equal(other):
    assert other != NET


def test_every_field_is_shown():
    assert repr(NET) == (
        "Network(inputs=4, layers=(Dense(3, 'tanh'), Dropout(0.25), "
        "Dense(2, 'leaky_relu(0.2)', initialiser='zeros')), loss='huber(0.5)', l1=0.5, l2=0.25)"
    )


def test_a_reduction_is_shown_where_it_is_no_mean():
    net = cr.Network(1, [cr.Dense(1)], "huber", reduction="sum")
    assert repr(net).endswith("l1=0.0, l2=0.0, reduction='sum')")
    with pytest.raises(ValueError, match="unknown reduction 'summ'; did you mean 'sum'"):
        cr.Network(1, [cr.Dense(1)], "huber", reduction="summ")


def test_a_row_of_your_own_is_shown_by_its_name():
    sine = cr.Activation("sine", f=lambda z, xp: xp.sin(z), df=lambda z, a, xp: xp.cos(z))
    assert repr(cr.Dense(3, sine)) == "Dense(3, 'sine')"


def test_a_specification_holds_no_arrays():
    net = cr.Network(1000, [cr.Dense(1000)], loss="squared_error")
    net.init()
    assert net.size == 1_001_000
    assert len(pickle.dumps(net)) < 1000


def test_one_layer_stands_for_a_list_of_one():
    assert cr.Network(2, cr.Dense(1), loss="squared_error").layers == (cr.Dense(1),)


def test_numbers_of_numpy_become_python_numbers():
    net = cr.Network(np.int64(2), [cr.Dense(np.int32(3))], "squared_error", l2=np.float32(0.5))
    kinds = [type(value) for value in (net.inputs, net.layers[0].units, net.l2)]
    assert kinds == [int, int, float]


@pytest.mark.parametrize(
    ("net", "widths", "size"),
    [
        (TUTORIAL, (2, 2, 2), 4 + 2 + 4 + 2),
        (NET, (4, 3, 3, 2), 12 + 3 + 6 + 2),
        (cr.Network(3, [cr.Dense(1)], "squared_error"), (3, 1), 3 + 1),
        (cr.Network(3, [cr.Dropout()], "squared_error"), (3, 3), 0),
    ],
)
def test_widths_and_size(net, widths, size):
    assert (net.widths, net.outputs, net.size) == (widths, widths[-1], size)
    assert sum(leaf.size for leaf in leaves(net.init())) == size


# Initial parameters


def test_the_seed_alone_decides():
    first = NET.init(seed=3)
    np.random.default_rng(3).normal()
    again, other = NET.init(seed=3), NET.init(seed=4)
    assert [leaf.tobytes() for leaf in leaves(again)] == [leaf.tobytes() for leaf in leaves(first)]
    assert not np.array_equal(other[0].W, first[0].W)


@pytest.mark.parametrize("dtype", ["float32", "float64", np.float32, np.float64])
def test_init_has_the_dtype_asked_for(dtype):
    assert {leaf.dtype for leaf in leaves(NET.init(dtype=dtype))} == {np.dtype(dtype)}


def test_float32_is_the_default_and_float64_rounded():
    single, double = NET.init(seed=1), NET.init(seed=1, dtype="float64")
    for low, high in zip(leaves(single), leaves(double), strict=True):
        assert low.dtype == np.float32
        np.testing.assert_array_equal(low, high.astype("float32"))


def test_parameters_are_named_tuples_and_biases_start_at_0():
    params = NET.init()
    assert [name for name, _ in named_leaves(params)] == ["0.W", "0.b", "2.W", "2.b"]
    assert [leaf.shape for leaf in leaves(params)] == [(3, 4), (3,), (2, 3), (2,)]
    assert params[1] == ()
    assert not params[0].b.any()
    assert not params[2].b.any()


SUITED = {  # what the papers recommend; the other rectifiers are like relu
    "identity": "glorot_uniform",
    "sigmoid": "glorot_uniform",
    "softmax": "glorot_uniform",
    "bipolar_sigmoid": "glorot_uniform",
    "tanh": "glorot_uniform",
    "softsign": "glorot_uniform",
    "hard_tanh": "glorot_uniform",
    "selu": "lecun_normal",
}


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_the_activation_chooses_the_initialiser(name):
    plain = cr.Network(3, [cr.Dense(4, name)], "squared_error")
    suited = cr.Network(3, [cr.Dense(4, name, SUITED.get(name, "he_normal"))], "squared_error")
    np.testing.assert_array_equal(plain.init()[0].W, suited.init()[0].W)


def test_an_unknown_initialiser_of_an_activation_is_refused_when_the_layer_is_made():
    sine = cr.Activation(
        "sine",
        f=lambda z, xp: xp.sin(z),
        df=lambda z, a, xp: xp.cos(z),
        initialiser="glorot_unifrom",
    )
    with pytest.raises(ValueError, match=r"unknown initialiser 'glorot_unifrom'; .*'glorot_unif"):
        cr.Dense(2, sine)


# Given parameters

W1, B1 = [[1, 2], [3, 4]], [5, 6]
W2, B2 = [[0.5, -0.5], [1.5, 2.5]], [0.0, 1.0]


@pytest.mark.parametrize(
    "given_params",
    [
        pytest.param([(W1, B1), (W2, B2)], id="tuples of lists"),
        pytest.param([[W1, B1], [W2, B2]], id="lists of lists, as JSON has them"),
        pytest.param(((np.array(W1), np.array(B1)), (W2, B2)), id="arrays of integers"),
    ],
)
def test_lists_and_integers_become_float64(given_params):
    params = TUTORIAL.parameters(given_params)
    assert [name for name, _ in named_leaves(params)] == ["0.W", "0.b", "1.W", "1.b"]
    for leaf, expected in zip(leaves(params), (W1, B1, W2, B2), strict=True):
        assert leaf.dtype == np.float64
        np.testing.assert_array_equal(leaf, expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_arrays_keep_their_dtype(dtype):
    params = TUTORIAL.init(1, dtype)
    assert all(
        a is b for a, b in zip(leaves(TUTORIAL.parameters(params)), leaves(params), strict=True)
    )


def test_arrays_keep_their_library():
    entries = [tuple(map(array_api_strict.asarray, p)) for p in TUTORIAL.init()]
    kinds = {type(leaf) for leaf in leaves(TUTORIAL.parameters(entries))}
    assert kinds == {type(array_api_strict.asarray(0.0))}


def test_layers_without_parameters_may_have_an_entry_or_none():
    params = NET.init()
    for entries in (params, [params[0], params[2]]):
        again = NET.parameters(entries)
        assert again[1] == ()
        np.testing.assert_array_equal(again[2].W, params[2].W)


@pytest.mark.parametrize(
    ("entries", "error", "message"),
    [
        ([(W1, B1)], ValueError, "one (W, b) for each of the 2 layers that have parameters, got 1"),
        ([(W1, B1)] * 3, ValueError, "for each of the 2 layers that have parameters, got 3"),
        ([], ValueError, "for each of the 2 layers that have parameters, got 0"),
        ([(W1, B1), (W2,)], ValueError, "layer 1 expects W, b, got 1"),
        ([(W1, B1, B1), (W2, B2)], ValueError, "layer 0 expects W, b, got 3"),
        (
            [(W1, B1), ([[1.0, 2.0]], B2)],
            ValueError,
            "layer 1, Dense(2, 'sigmoid'): 1.W must have shape (2, 2), got (1, 2)",
        ),
        (
            [(W1, [B1]), (W2, B2)],
            ValueError,
            "layer 0, Dense(2, 'sigmoid'): 0.b must have shape (2,), got (1, 2)",
        ),
        ([(W1, B1), (W2, 1.0)], ValueError, "1.b must have shape (2,), got ()"),
        ([([[1, 2], [3]], B1), (W2, B2)], ValueError, "layer 0, Dense(2, 'sigmoid'): 0.W must"),
        ([(W1, B1), (W2, [0.0, np.nan])], ValueError, "1.b must be finite, got nan at (1,)"),
        ([([[1, 2], [np.inf, 4]], B1), (W2, B2)], ValueError, "must be finite, got inf at (1, 0)"),
        ([(W1, B1), (W2, ["a", "b"])], TypeError, "1.b must be an array of numbers, got dtype <U1"),
        (
            [(W1, B1), (W2, [1j, 0])],
            TypeError,
            "1.b must be an array of numbers, got dtype complex128",
        ),
        (
            [(W1, B1), (W2, [None, 0])],
            TypeError,
            "1.b must be an array of numbers, got dtype object",
        ),
        (
            [(W1, B1), (W2, np.zeros(2, "float32"))],
            TypeError,
            "1.b must have the dtype of the others, float64, got float32",
        ),
        (5, TypeError, "parameters: expected one (W, b) for each"),
    ],
)
def test_parameters_that_do_not_fit(entries, error, message):
    with pytest.raises(error, match=re.escape(message)):
        TUTORIAL.parameters(entries)


KINDS = cr.Network(2, [cr.Scale(), cr.Dropout(), cr.Residual(cr.Dense(2))], "huber")


def test_parameters_of_any_kinds_are_given_by_layers():
    params = KINDS.parameters([([1, 2],), (([[1, 2], [3, 4]], [5, 6]),)])
    assert params[0].scale.tolist() == [1, 2]
    assert [leaf.tolist() for leaf in params[2][0]] == [[[1, 2], [3, 4]], [5, 6]]
    for entries, message in (
        ([], "expected one tuple of arrays for each of the 2 layers that have parameters, got 0"),
        ([([1, 2],), (1, 2, 3)], "layer 2 expects 0.W, 0.b, got 3 arrays"),
        ([[1, 2], ((W1, B1),)], "layer 0 expects scale, got 2 arrays"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            KINDS.parameters(entries)


# A loss that applies its link


def linked(last, loss, *more, **options):
    return cr.Network(2, [cr.Dense(3, "tanh"), last, *more], loss=loss, **options)


@pytest.mark.parametrize(
    ("last", "loss", "link"),
    [
        (cr.Dense(1, "sigmoid"), "binary_cross_entropy", "sigmoid"),
        (cr.Dense(1, "relu"), "binary_cross_entropy", "sigmoid"),
        (cr.Dense(3, "sigmoid"), "cross_entropy", "softmax"),
        (cr.Dense(3, "leaky_relu(0.2)"), "cross_entropy(0.1)", "softmax"),
        (cr.Dense(1, "softplus"), "poisson", "exp"),
    ],
)
@pytest.mark.parametrize("more", [[], [cr.Dropout(0.5)]])
def test_an_activation_before_a_loss_that_applies_its_link_is_refused(last, loss, link, more):
    message = (
        f"loss {loss!r} applies {link} itself, so the last layer must be linear: write "
        f"Dense({last.units}) for layer 1, {last!r}"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        linked(last, loss, *more)
    assert linked(cr.Dense(last.units), loss, *more).outputs == last.units
    assert linked(last, loss, *more, check=False).outputs == last.units


@pytest.mark.parametrize("loss", ["hinge", "half_squared_error", "huber"])
def test_other_losses_take_what_the_last_layer_passes_on(loss):
    assert linked(cr.Dense(1, "sigmoid"), loss).loss == loss


def test_an_activation_of_ones_own_stands_before_any_loss():
    capped = cr.Activation(
        "capped", lambda z, xp: 5 * xp.tanh(z / 5), lambda z, a, xp: 1 - (a / 5) ** 2
    )
    assert linked(cr.Dense(1, capped), "binary_cross_entropy").outputs == 1


def test_a_file_older_than_the_rule_predicts_as_it_did(tmp_path):
    net = linked(cr.Dense(1, "sigmoid"), "binary_cross_entropy", check=False)
    params, X = net.init(0), np.ones((1, 2), np.float32)
    cr.save(tmp_path / "old.model", net, params)
    loaded = cr.load(tmp_path / "old.model")
    assert loaded[0] == net
    a = 1 / (1 + np.exp(-cr.forward(net, params, X)[1].z))
    assert cr.predict(*loaded[:2], X) == pytest.approx(1 / (1 + np.exp(-a)))
    assert cr.explain(*loaded[:2], X[0], [1.0], of="w1").steps


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_parameters_begin_where_lines_of_the_cache_do(dtype: str) -> None:
    net = cr.Network(3, [cr.Dense(5, "tanh"), cr.LayerNorm(), cr.Dense(1)], "huber")
    params = net.init(dtype=dtype)
    trained, history = cr.fit(net, params, np.ones((2, 3)), np.ones(2), cr.Adam(), epochs=1)
    kept = [params, *([trained, history.at.params] if engine.native else [])]
    assert not any(leaf.ctypes.data % 64 for each in kept for leaf in leaves(each))
    assert all(leaf.dtype == dtype for each in kept for leaf in leaves(each))
