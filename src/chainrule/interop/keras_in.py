r"""From models of Keras: `kernel` is (i, o) there, and W is (o, i) here."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.errors import shown
from chainrule.extras import library
from chainrule.interop.imported_layers import (
    Imported,
    assembled,
    check_alike,
    dense,
    gains,
    named,
    suggested,
    taken,
)
from chainrule.interop.keras_loss import compiled_loss
from chainrule.interop.value_graph import Made, layers_between
from chainrule.layers import Activate, BatchNorm, Dropout, LayerNorm, RMSNorm
from chainrule.layers.batch_norm import BatchNormParameters
from chainrule.layers.layer_norm import LayerNormParameters
from chainrule.layers.parameter_shapes import copied
from chainrule.layers.rms_norm import RMSNormParameters
from chainrule.loss_row import Loss
from chainrule.network import Network, Parameters
from chainrule.rows import full_name
from chainrule.trees import Array

FUNCTIONS = {
    "linear": "identity",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "relu": "relu",
    "leaky_relu": "leaky_relu(0.2)",
    "elu": "elu",
    "selu": "selu",
    "gelu": "gelu",
    "silu": "silu",
    "softplus": "softplus",
    "softsign": "softsign",
    "mish": "mish",
    "hard_tanh": "hard_tanh",
    "softmax": "softmax",
}
"""The activations of Keras by the names of its functions, as they are called here."""

FEATURES = (-1, 1, [-1], [1], (-1,), (1,))
"""The axes of a norm over the features of rows (n, i)."""


def from_keras(model: Any, *, loss: str | Loss | None = None) -> tuple[Network, Parameters]:
    r"""Return the network of a model of Keras, and a copy of its parameters.

    $$W = \mathtt{kernel}^\top,\qquad a = f(x W^\top + b),\qquad a = x + F(x)$$

    The model is a `Sequential`, or a functional one of layers one after the other, each within the
    other too: `Dense`, the activations of the table, `Dropout`, `LayerNormalization`,
    `RMSNormalization`, `BatchNormalization` with its running statistics, sums x + F(x), and
    `Identity` and `Flatten`, which change nothing of rows. What came over is compared with the
    model on random rows: both predict the same, or it is refused.

    - The loss that the model is compiled with comes along, where it is one here. A softmax or a
      sigmoid at the end is taken off where the loss applies it itself.
    - L1 and L2 of the kernels, the same of all, become the network's: Keras's `L2(0.1)` is
      `l2=0.2`, half of which is taken of the squares.
    - Momentum of a `BatchNormalization` is what is kept there, and what is new here: 0.99 becomes
      0.01. Running variances will follow n/(n − 1) times the variance of a batch here, and in
      Keras the variance itself.
    - Parameters are copies; float64 and float32 stay, half precision becomes float32. Layers that
      are not trained come as any others: name them in `fit(freeze=…)`. So with gains, shifts and
      biases that a layer does without: they are 1 and 0 here, and `fit` would move them.

    Parameters
    ----------
    model
        The model: an object that is built, not the path of a file.
    loss
        The loss of the network. Left out, it is the compiled one; of a model that is not compiled,
        `"cross_entropy"` where it ends in a softmax, `"binary_cross_entropy"` where it ends in a
        sigmoid, and else `"mean_squared_error"`.

    Raises
    ------
    ImportError
        Where Keras is missing.
    TypeError
        For what is no model, such as a path.
    ValueError
        For a model that is not built, a layer or loss that Chainrule does not have, a layer that is
        used twice, and a parameter that is not finite; the message says where.

    Examples
    --------
    >>> import keras
    >>> from keras import layers
    >>> model = keras.Sequential([keras.Input((4,)), layers.Dense(8, "tanh"), layers.Dense(3)])
    >>> net, params = cr.from_keras(model)
    >>> net.layers, net.loss
    ((Dense(8, 'tanh'), Dense(3, 'identity')), 'mean_squared_error')
    """
    if isinstance(model, str | bytes | os.PathLike):
        raise TypeError(
            f"from_keras: model must be a model of Keras, got the path {os.fspath(model)!r}: load "
            "it yourself, keras.saving.load_model(path, safe_mode=True)"
        )
    keras = library("keras", "from_keras")
    if not isinstance(model, keras.Model):
        raise TypeError(f"from_keras: model must be a model of Keras, got {shown(model)}")
    read = _Model(keras, model)
    with named("from_keras"):
        layers = read.layers(model, "")
        l1, l2 = read.penalties()
        if loss is None:
            loss = compiled_loss(keras, model, layers) if model.compiled else suggested(layers)
    net, params = assembled("from_keras", layers, loss, l1, l2)
    check_alike("from_keras", layers, read.predict, read.eps)
    return net, params


class _Model:
    """A model and what is read of it."""

    def __init__(self, keras: Any, model: Any) -> None:
        self.keras, self.model = keras, model
        self.seen: set[int] = set()
        self.kernels: list[tuple[float, float]] = []
        self.eps = 2.0**-23
        """The coarsest rounding of its numbers: Keras multiplies float64 in float32 at times."""

    def layers(self, model: Any, within: str) -> list[Imported]:
        inputs, outputs = getattr(model, "inputs", None), getattr(model, "outputs", None)
        if not inputs or not outputs:
            raise ValueError(
                f"{within}{model.name}: {type(model).__name__} has no layers that can be followed: "
                "a Sequential must be built, model.build((None, inputs)), and any other model made "
                "of its inputs and outputs, keras.Model(inputs, outputs)"
            )
        if len(inputs) > 1 or len(outputs) > 1:
            raise ValueError(f"{within}{model.name}: must have one input and one output")
        return layers_between(
            _key(inputs[0]), _key(outputs[0]), lambda value: self.made(value, within)
        )

    def made(self, value: Any, within: str) -> Made:
        """How a value is made."""
        operation, index = value
        node, place = operation._inbound_nodes[index], within + operation.name
        of = tuple(map(_key, node.input_tensors))
        self.eps = max(self.eps, EPS.get(getattr(operation, "compute_dtype", ""), 0.0))
        if node.is_input:
            return Made(place)
        if type(operation).__name__ == "Add" and len(of) == 2:
            return Made(place, of)
        return Made(place, of[:1], lambda: self.read(operation, place))

    def read(self, layer: Any, place: str) -> list[Imported]:
        """The layers of one of Keras's."""
        if isinstance(layer, self.keras.Model):
            return self.layers(layer, f"{place}/")
        with named(place):
            kind = type(layer).__name__
            if getattr(self.keras.layers, kind, None) is not type(layer) or kind not in READERS:
                raise ValueError(f"{kind} {NOT_THERE}")
            if layer.weights:
                if id(layer) in self.seen:
                    raise ValueError("is used twice: give each place a layer of its own")
                self.seen.add(id(layer))
            self.check_penalties(layer)
            return READERS[kind](self, layer)

    def check_penalties(self, layer: Any) -> None:
        """Keep what a kernel is penalised by, and refuse what else acts in training."""
        for name, value in vars(layer).items():
            acts = value is not None and name.endswith(("_regularizer", "_constraint"))
            known = name == "kernel_regularizer" and acts and {"l1", "l2"} & set(vars(value))
            if acts and not known:
                raise ValueError(f"{name} is nothing that Chainrule has: set it to None")
        if type(layer).__name__ == "Dense":
            of = vars(layer.kernel_regularizer) if layer.kernel_regularizer else {}
            self.kernels.append((float(of.get("l1", 0.0)), 2 * float(of.get("l2", 0.0))))

    def penalties(self) -> tuple[float, float]:
        """L1 and L2 of all kernels."""
        if len(set(self.kernels)) > 1:
            raise ValueError(
                "model: kernel_regularizer must be the same of every Dense, for the penalty is of "
                "the whole network: set it to None, or make it the same"
            )
        return self.kernels[0] if self.kernels else (0.0, 0.0)

    def numbers(self, name: str, variable: Any) -> Array:
        """A copy of a variable, or of a tensor made of some."""
        variable = getattr(variable, "value", variable)
        if self.keras.backend.standardize_dtype(variable.dtype) in ("float16", "bfloat16"):
            variable = self.keras.ops.cast(variable, "float32")
        return taken(name, self.array(variable))

    def gains(self, layer: Any, width: int) -> LayerNormParameters:
        """Gains and shifts of a norm."""
        gamma = self.numbers("gamma", layer.gamma) if layer.scale else None
        beta = self.numbers("beta", layer.beta) if layer.center else None
        half = layer.variable_dtype != "float64"
        return gains(width, np.float32 if half else np.float64, gamma, beta)

    def predict(self, X: Array) -> Array:
        """What the model makes of rows, in the shape that it takes."""
        shape = len(X), *self.model.inputs[0].shape[1:]
        given = self.keras.ops.convert_to_tensor(np.reshape(X, shape), dtype=X.dtype.name)
        return self.array(self.keras.ops.cast(self.model(given, training=False), "float64"))

    def array(self, tensor: Any) -> Array:
        """A tensor of any backend in NumPy's form."""
        if hasattr(tensor, "detach"):  # NumPy warns of what Keras does of PyTorch's
            return tensor.detach().cpu().numpy()
        return self.keras.ops.convert_to_numpy(tensor)


NOT_THERE = (
    "is nothing that Chainrule has: its networks are of dense layers, the activations of the "
    "table, dropout, norms over features and residuals"
)
EPS = {"float16": 2.0**-10, "bfloat16": 2.0**-7}
"""The rounding of the dtypes that are coarser than float32."""


def _key(tensor: Any) -> tuple[Any, int]:
    """What makes a value: an operation, and which of its calls."""
    operation, index, _ = tensor._keras_history
    return operation, index


def _function(read: _Model, function: Any) -> list[Imported]:
    """The layer of an activation, which is a function or a layer."""
    if isinstance(function, read.keras.layers.Layer):
        return read.read(function, "activation")
    for name, ours in FUNCTIONS.items():
        if getattr(read.keras.activations, name) is function:
            return [] if ours == "identity" else [Imported(Activate(ours))]
    called = getattr(function, "__name__", type(function).__name__)
    raise ValueError(f"activation {called} {NOT_THERE}")


def _dense(read: _Model, layer: Any) -> list[Imported]:
    W = copied(read.numbers("kernel", layer.kernel).T)
    b = read.numbers("bias", layer.bias) if layer.use_bias else None
    return [dense(W, b), *_function(read, layer.activation)]


def _relu(read: _Model, layer: Any) -> list[Imported]:
    if layer.max_value is not None or layer.threshold != 0:
        raise ValueError("ReLU must have no max_value and no threshold")
    slope = float(layer.negative_slope)
    return [Imported(Activate(full_name("leaky_relu", (slope,)) if slope else "relu"))]


def _softmax(read: _Model, layer: Any) -> list[Imported]:
    _check_axis(layer)
    return [Imported(Activate("softmax"))]


def _layer_norm(read: _Model, layer: Any) -> list[Imported]:
    _check_axis(layer)
    if getattr(layer, "rms_scaling", False):
        raise ValueError("LayerNormalization must have no rms_scaling")
    if not layer.weights:
        raise ValueError("LayerNormalization must have a gamma or a beta")
    return [Imported(LayerNorm(layer.epsilon), read.gains(layer, layer.weights[0].shape[0]))]


def _rms_norm(read: _Model, layer: Any) -> list[Imported]:
    _check_axis(layer)
    own = RMSNormParameters(read.numbers("scale", layer.scale))
    return [Imported(RMSNorm(layer.epsilon), own)]


def _batch_norm(read: _Model, layer: Any) -> list[Imported]:
    _check_axis(layer)
    mean = read.numbers("moving_mean", layer.moving_mean)
    variance = read.numbers("moving_variance", layer.moving_variance)
    own = BatchNormParameters(*read.gains(layer, len(mean)), mean, variance)
    return [Imported(BatchNorm(round(1 - layer.momentum, 12), layer.epsilon), own)]


def _check_axis(layer: Any) -> None:
    if layer.axis not in FEATURES:
        raise ValueError(f"must go over the features of a row, axis -1, got {layer.axis}")


def _nothing(read: _Model, layer: Any) -> list[Imported]:
    return []


READERS: dict[str, Callable[[_Model, Any], list[Imported]]] = {
    "InputLayer": _nothing,
    "Identity": _nothing,
    "Flatten": _nothing,
    "Dropout": lambda read, layer: [Imported(Dropout(layer.rate))],
    "Activation": lambda read, layer: _function(read, layer.activation),
    "Dense": _dense,
    "ReLU": _relu,
    "LeakyReLU": lambda read, layer: [
        Imported(Activate(full_name("leaky_relu", (float(layer.negative_slope),))))
    ],
    "ELU": lambda read, layer: [Imported(Activate(full_name("elu", (float(layer.alpha),))))],
    "Softmax": _softmax,
    "LayerNormalization": _layer_norm,
    "BatchNormalization": _batch_norm,
    "RMSNormalization": _rms_norm,
}
"""The layers of Keras by their names."""
