"""Models of Keras as networks: the same outputs, and the gradient of their training."""

import functools

import numpy as np
import pytest

import chainrule as cr
from chainrule.layers import Role
from chainrule.trees import leaves, named_leaves

keras = pytest.importorskip("keras", reason="keras is not installed")
if keras.backend.backend() != "torch":
    pytest.skip("Keras has another backend than torch", allow_module_level=True)
import torch  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

L = keras.layers
NEAR = {"rtol": 2e-4, "atol": 2e-5}  # of float64 too, which Keras multiplies in float32 on torch
DTYPES = ("float32", "float64")
X = np.random.default_rng(0).normal(size=(6, 3))


def model_of(make, dtype="float64", end=2):
    """A functional model with random numbers; what `make` returns takes the value in the middle."""
    keras.config.set_dtype_policy(dtype)
    try:
        x = keras.Input((3,), dtype=dtype)
        model = keras.Model(x, L.Dense(end)(make()(L.Dense(4)(x))))
    finally:
        keras.config.set_dtype_policy("float32")
    rng = np.random.default_rng(1)
    for variable in model.variables:
        if "seed" not in variable.name:
            variable.assign(rng.uniform(0.2, 1.2, variable.shape) * rng.choice([1, 1, -1]) ** 2)
    return model


def gradient(model, y, training, dtype):
    """Of the mean squared error, by torch's differentiation of what Keras computes."""
    kept = [(variable, variable.numpy().copy()) for variable in model.variables]
    out = model(torch.tensor(X.astype(dtype)), training=training)
    loss = keras.ops.mean((out - torch.tensor(y)) ** 2)
    moved = [variable.value for variable in model.trainable_variables]
    found = torch.autograd.grad(loss, moved)
    for variable, value in kept:  # batch norms have moved
        variable.assign(value)
    return [g.numpy().T for g in found]


def check(model, dtype="float64", training=False):
    net, params = cr.from_keras(model)
    assert {leaf.dtype for leaf in leaves(params)} == {np.dtype(dtype)}
    rows = X.astype(dtype)
    out = model(torch.tensor(rows), training=False).detach().numpy()
    np.testing.assert_allclose(cr.predict(net, params, rows), out, **NEAR)
    y = np.random.default_rng(2).normal(size=out.shape).astype(dtype)
    draw = cr.Draw(seed=0, step=1) if training else None
    _, ours = cr.cost_and_gradient(net, params, rows, y, draw=draw)
    left = iter([p for name, p in named_leaves(ours) if net.roles[name] is not Role.STATISTIC])
    for theirs in gradient(model, y, training, dtype):
        one = next(g for g in left if g.shape == theirs.shape)
        np.testing.assert_allclose(one, theirs, **NEAR)
    return net


ACTIVATIONS = {
    **{name: name for name in ("sigmoid", "tanh", "relu", "elu", "selu", "gelu", "silu")},
    **{name: name for name in ("softplus", "softsign", "mish", "hard_tanh", "softmax")},
    "leaky_relu(0.2)": "leaky_relu",
    "leaky_relu(0.3)": lambda: L.LeakyReLU(negative_slope=0.3),
    "leaky_relu(0.4)": lambda: L.ReLU(negative_slope=0.4),
    "elu(0.5)": lambda: L.ELU(alpha=0.5),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name, dtype):
    given = ACTIVATIONS[name]
    make = functools.partial(L.Activation, given) if isinstance(given, str) else given
    net = check(model_of(make, dtype), dtype)
    assert net.layers[0] == cr.Dense(4, name)


LAYERS = {
    "without bias": lambda: L.Dense(4, "tanh", use_bias=False),
    "activation that is a layer": lambda: L.Dense(4, activation=L.LeakyReLU(0.1)),
    "layer norm": lambda: L.LayerNormalization(epsilon=1e-2),
    "layer norm, no shift": lambda: L.LayerNormalization(center=False),
    "root mean square": lambda: L.RMSNormalization(epsilon=1e-2),
    "batch norm": lambda: L.BatchNormalization(momentum=0.8),
    "batch norm, plain": lambda: L.BatchNormalization(center=False, scale=False),
    "residual": lambda: lambda h: L.Add()([h, L.Dense(4)(L.Dense(5, "tanh")(h))]),
    "sum of an operator": lambda: lambda h: L.Dense(4, "relu")(h) + h,
    "within": lambda: keras.Sequential([L.Dense(5, "tanh"), L.Dense(4)]),
    "dropout": lambda: L.Dropout(0.0),
    "nothing": lambda: lambda h: L.Flatten()(L.Identity()(h)),
}


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", LAYERS)
def test_layers(name, training):
    check(model_of(LAYERS[name]), training=training)


def test_momentum_and_epsilon_are_ours():
    net = check(model_of(L.BatchNormalization))
    assert net.layers[1] == cr.BatchNorm(0.01, 1e-3)


def test_a_sequential_with_penalties_and_pictures_as_rows():
    penalised = {"kernel_regularizer": keras.regularizers.L1L2(0.1, 0.2)}
    parts = [L.Flatten(), L.Dense(4, "relu", **penalised), L.Dense(1, **penalised)]
    model = keras.Sequential([keras.Input((2, 3)), *parts])
    net, params = cr.from_keras(model)
    assert (net.inputs, net.l1, net.l2) == (6, np.float32(0.1), 2 * np.float32(0.2))
    rows = X.reshape(3, 6).astype("float32")
    penalty = cr.cost(net, params, rows, cr.predict(net, params, rows))
    np.testing.assert_allclose(penalty, sum(loss.item() for loss in model.losses), rtol=1e-5)


SPARSE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
COMPILED = {
    "mse": (None, "mse", "mean_squared_error"),
    "softmax": ("softmax", "sparse_categorical_crossentropy", "cross_entropy"),
    "logits": (None, SPARSE, "cross_entropy"),
    "smoothed": (
        "softmax",
        keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        "cross_entropy(0.1)",
    ),
    "sigmoid": ("sigmoid", "binary_crossentropy", "binary_cross_entropy"),
    "huber": (None, keras.losses.Huber(0.5), "huber(0.5)"),
    "absolute": (None, "mae", "absolute_error"),
}


@pytest.mark.parametrize("case", COMPILED)
def test_the_compiled_loss_comes_along(case):
    end, loss, ours = COMPILED[case]
    outputs = 3 if ours.startswith("cross") else 1
    model = keras.Sequential([keras.Input((3,)), L.Dense(outputs, end)])
    model.compile("sgd", loss)
    net, params = cr.from_keras(model)
    assert net.loss == ours
    assert net.layers == (cr.Dense(outputs),)
    rows = X.astype("float32")
    y = np.eye(outputs)[[0, 1, 2, 0, 1, 2]] if outputs > 1 else np.array([[0.0], [1.0]] * 3)
    sparse = loss is SPARSE or loss == "sparse_categorical_crossentropy"
    given = y.argmax(axis=1) if sparse else y
    theirs = model.evaluate(rows, given, verbose=0)
    np.testing.assert_allclose(cr.cost(net, params, rows, y), theirs, rtol=1e-5)
    if end:
        out = model(rows).detach().numpy()
        np.testing.assert_allclose(cr.predict(net, params, rows), out, rtol=1e-5, atol=1e-7)


def compiled(loss, end=None, outputs=2):
    model = keras.Sequential([keras.Input((3,)), L.Dense(outputs, end)])
    model.compile("sgd", loss)
    return model


class Own(keras.Model):
    def call(self, x):
        return x


class Twice(L.Layer):
    def call(self, x):
        return 2 * x


def shared():
    layer = L.Dense(4)
    return lambda h: layer(layer(h))


def broken():
    model = keras.Sequential([keras.Input((3,)), L.Dense(2, name="broken")])
    model.layers[0].bias.assign([1.0, np.nan])
    return model


REFUSED = {
    "convolution": (
        lambda: keras.Sequential([keras.Input((8, 8, 1)), L.Conv2D(2, 3, name="picture")]),
        "picture: Conv2D is nothing that Chainrule has",
    ),
    "own layer": (
        lambda: model_of(lambda: Twice(name="mine")),
        "mine: Twice is nothing that Chainrule",
    ),
    "own function": (
        lambda: model_of(lambda: L.Dense(4, lambda z: z * z, name="square")),
        "square: activation <lambda> is nothing that Chainrule has",
    ),
    "bounded": (
        lambda: model_of(lambda: L.ReLU(6.0, name="six")),
        "six: ReLU must have no max_value",
    ),
    "joined": (
        lambda: model_of(lambda: lambda h: L.Concatenate(name="both")([h, h])),
        "both: Concatenate is nothing that Chainrule has",
    ),
    "two branches": (
        lambda: model_of(lambda: lambda h: L.Add(name="sum")([L.Dense(4)(h), L.Dense(4)(h)])),
        r"sum: must be x \+ F\(x\)",
    ),
    "shared": (lambda: model_of(shared), "is used twice: give each place a layer of its own"),
    "not built": (lambda: keras.Sequential([L.Dense(2)]), "a Sequential must be built"),
    "subclass": (Own, "has no layers that can be followed"),
    "penalties": (
        lambda: model_of(lambda: L.Dense(4, kernel_regularizer="l2")),
        "kernel_regularizer must be the same of every Dense",
    ),
    "another penalty": (
        lambda: model_of(lambda: L.Dense(4, bias_regularizer="l2", name="b")),
        "b: bias_regularizer is nothing that Chainrule has: set it to None",
    ),
    "nan": (broken, r"broken: bias must be finite, got nan at \(1,\)"),
    "another loss": (lambda: compiled("cosine_similarity"), "loss cosine_similarity is nothing th"),
    "mean over outputs": (lambda: compiled("mae"), "is the mean over the 2 outputs, of which"),
    "logits of probabilities": (
        lambda: compiled(SPARSE, "softmax"),
        "with from_logits=True does not fit a model that ends in softmax; name the one that you",
    ),
    "probabilities of logits": (
        lambda: compiled("categorical_crossentropy"),
        "with from_logits=False does not fit a model that ends in no activation",
    ),
    "sum": (
        lambda: compiled(keras.losses.MeanSquaredError(reduction="sum")),
        "must be the mean over the examples, got a sum",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_anything_else_is_refused_with_its_place(case):
    make, message = REFUSED[case]
    with pytest.raises(ValueError, match=f"^from_keras: .*{message}"):
        cr.from_keras(make())


def test_a_loss_that_is_named_is_taken_in_place_of_the_compiled():
    net, _ = cr.from_keras(compiled("mae"), loss="absolute_error")
    assert net.loss == "absolute_error"


@pytest.mark.parametrize(
    ("given", "message"),
    [("model.keras", r"the path 'model\.keras': load it yourself"), (3, "got 3")],
)
def test_what_is_no_model_is_refused(given, message):
    with pytest.raises(TypeError, match=f"^from_keras: model must be .*{message}"):
        cr.from_keras(given)


@pytest.mark.parametrize("policy", ["mixed_float16", "bfloat16"])
def test_half_precision_becomes_float32(policy):
    model = keras.Sequential([keras.Input((3,)), L.Dense(2, "tanh", dtype=policy)])
    _, params = cr.from_keras(model)
    assert params[0].W.dtype == np.float32


def test_parameters_are_copies():
    model = keras.Sequential([keras.Input((3,)), L.Dense(2)])
    _, params = cr.from_keras(model)
    kept = params[0].W.copy()
    model.layers[0].kernel.assign(np.zeros((3, 2)))
    np.testing.assert_array_equal(params[0].W, kept)
