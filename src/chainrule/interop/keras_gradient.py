r"""Cost and gradient by Keras on PyTorch: its layers and losses, and PyTorch's differentiation.

a   (n, o)   what leaves a layer      y   (n, o)   targets      w   (n,)   weights
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.activation_row import Activation
from chainrule.activations import activation
from chainrule.diagnosis.gradient_comparison import LibraryGradient
from chainrule.extras import library
from chainrule.interop.keras_in import FUNCTIONS
from chainrule.interop.library_cost import NoCounterpartError
from chainrule.interop.torch_differentiation import differentiated
from chainrule.layers import (
    Activate,
    BatchNorm,
    Dense,
    Dropout,
    Layer,
    LayerNorm,
    Residual,
    RMSNorm,
)
from chainrule.loss_row import Loss
from chainrule.network import Network, Parameters
from chainrule.rows import is_own
from chainrule.trees import Array, tree_map

WHAT = "--against keras"

SINGLE = (
    "Keras multiplies and takes means of float64 in float32, on any backend but TensorFlow: both "
    "are given float32, and the tolerance is what that allows"
)
"""What of a comparison with Keras is to be known; it rounds so to be like JAX without float64."""


def keras_gradient(
    net: Network, params: Parameters, X: Array, y: Array, w: Array
) -> LibraryGradient:
    """Return the cost and its gradient in float32, with batch norms as in training.

    y is (n, outputs), and w (n,). Where Keras has not been loaded, it is told to run on PyTorch.
    Raises ValueError where it runs on another backend.

    >>> net = cr.Network(1, [cr.Dense(1)], loss="squared_error")
    >>> params = net.parameters([([[2.0]], [0.0])])
    >>> keras_gradient(net, params, np.ones((1, 1)), np.ones((1, 1)), np.ones(1)).cost
    1.0
    """
    keras = _on_torch()
    single = tree_map(lambda leaf: np.asarray(leaf, np.float32), params)
    data = X.astype(np.float32), y.astype(np.float32), w.astype(np.float32)
    forward = functools.partial(_forward, keras)
    each = functools.partial(_losses, keras.losses)
    return differentiated(WHAT, net, single, data, forward, each)


def _on_torch() -> Any:
    """Keras, where it runs on PyTorch."""
    library("torch", WHAT)
    if "keras" not in sys.modules:
        os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = library("keras", WHAT)
    if (got := keras.backend.backend()) != "torch":
        raise ValueError(f"{WHAT} needs Keras on PyTorch, got it on {got}: set KERAS_BACKEND=torch")
    return keras


def _forward(keras: Any, layer: Layer, params: Any, x: Any) -> Any:
    """What a layer of Keras makes of x, with other tensors for its numbers."""
    L = keras.layers
    match layer:
        case Dense():
            made = _called(L.Dense(layer.units), [params.W.T, params.b], x)
            return _activated(keras, layer.activation, made)
        case Activate():
            return _activated(keras, layer.activation, x)
        case Dropout():
            return x
        case LayerNorm() | RMSNorm():
            kind = getattr(L, f"{type(layer).__name__}alization")
            return _called(kind(epsilon=layer.epsilon), [*params], x)
        case BatchNorm():
            norm = L.BatchNormalization(momentum=1 - layer.momentum, epsilon=layer.epsilon)
            return _called(norm, [params.gamma, params.beta], x, training=True)
        case Residual():
            a = x
            for inner, own in zip(layer.layers, params, strict=True):
                a = _forward(keras, inner, own, a)
            return L.Add()([x, a])
    raise NoCounterpartError(f"Keras has no layer like {layer!r}")


def _called(layer: Any, own: list[Any], x: Any, **more: Any) -> Any:
    """What a layer makes of x with given tensors."""
    layer.build(tuple(x.shape))
    kept = [variable.value for variable in layer.non_trainable_variables]
    made, _ = layer.stateless_call(own, kept, x, **more)
    return made


def _activated(keras: Any, given: str | Activation, z: Any) -> Any:
    """The activation of z, by Keras's function."""
    row = activation(given)
    functions = {ours.partition("(")[0]: name for name, ours in FUNCTIONS.items()}
    settings: dict[str, Callable[[float], dict[str, Any]]] = {
        "leaky_relu": lambda slope: {"negative_slope": slope},
        "elu": lambda alpha: {"alpha": alpha},
    }
    if row.name == "gelu_tanh" and not is_own(activation, given):
        return keras.activations.gelu(z, approximate=True)
    known = row.name in functions and bool(row.parameters) == (row.name in settings)
    if not known or is_own(activation, given):
        raise NoCounterpartError(f"Keras has no function for the activation {str(given)!r}")
    more = settings[row.name](*row.parameters) if row.parameters else {}
    return getattr(keras.activations, functions[row.name])(z, **more)


def _losses(K: Any, loss: Loss, a: Any, y: Any) -> Any:
    """The loss of each example, (n,), or None where Keras has none: its are means over outputs."""
    n = a.shape[1]
    each: dict[str, Callable[[], Any]] = {
        "half_squared_error": lambda: n / 2 * K.mean_squared_error(y, a),
        "squared_error": lambda: n * K.mean_squared_error(y, a),
        "mean_squared_error": lambda: K.mean_squared_error(y, a),
        "absolute_error": lambda: n * K.mean_absolute_error(y, a),
        "huber": lambda: n * K.huber(y, a, delta=loss.parameters[0]),
        "log_cosh": lambda: n * K.log_cosh(y, a),
        "binary_cross_entropy": lambda: n * K.binary_crossentropy(y, a, from_logits=True),
        "cross_entropy": lambda: K.categorical_crossentropy(
            y, a, from_logits=True, label_smoothing=sum(loss.parameters)
        ),
    }
    alone = loss.name == "cross_entropy" and n == 1  # of which Keras warns
    return each[loss.name]().cpu() if loss.name in each and not alone else None
