r"""Cost and gradient by JAX: its functions and its differentiation.

a   (n, o)   what leaves a layer      y   (n, o)   targets      w   (n,)   weights
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.activation_row import Activation
from chainrule.activations import activation
from chainrule.diagnosis.gradient_comparison import LibraryGradient
from chainrule.extras import library
from chainrule.interop.imported_layers import named
from chainrule.interop.library_cost import NoCounterpartError, by_formula, cost_of
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
from chainrule.network import Network, Parameters, describe
from chainrule.rows import is_own
from chainrule.trees import Array, tree_map

WHAT = "--against jax"


def jax_gradient(net: Network, params: Parameters, X: Array, y: Array, w: Array) -> LibraryGradient:
    """Return the cost and its gradient, with batch norms as in training.

    The layers are JAX's functions; the losses, of which it has none, are the formulas of the table.

    >>> net = cr.Network(1, [cr.Dense(1)], loss="squared_error")
    >>> params = net.parameters([([[2.0]], [0.0])])
    >>> jax_gradient(net, params, np.ones((1, 1)), np.ones((1, 1)), np.ones(1)).cost
    1.0
    """
    jax, jnp = library("jax", WHAT), library("jax.numpy", WHAT)
    formulas: set[int] = set()

    def cost(params: Parameters) -> tuple[Any, list[Any]]:
        a, outputs = jnp.asarray(X), []
        for k, (layer, own) in enumerate(zip(net.layers, params, strict=True)):
            with named(f"{WHAT}: {describe(net, k)}"):
                try:
                    a = _forward(jax, layer, own, a)
                except NoCounterpartError:
                    formulas.add(k)
                    a = by_formula(layer, own, a, jnp)
            outputs.append(a)
        each = net.row.value(a, jnp.asarray(y), jnp).sum(axis=1)
        return cost_of(net, params, each, w), outputs

    with jax.enable_x64(True):
        differentiated = jax.value_and_grad(cost, has_aux=True)
        (value, outputs), found = differentiated(tree_map(jnp.asarray, params))
        gradient = tree_map(np.asarray, found)
        given = [*map(np.asarray, outputs)]
        return LibraryGradient(float(value), gradient, given, tuple(sorted(formulas)))


def _forward(jax: Any, layer: Layer, params: Any, x: Any) -> Any:
    """What a layer makes of x, by JAX's functions."""
    match layer:
        case Dense():
            return _activated(jax, layer.activation, x @ params.W.T + params.b)
        case Activate():
            return _activated(jax, layer.activation, x)
        case Dropout():
            return x
        case LayerNorm() | BatchNorm():
            axis = 0 if isinstance(layer, BatchNorm) else -1
            scaled = jax.nn.standardize(x, axis=axis, epsilon=layer.epsilon)
            return scaled * params.gamma + params.beta
        case RMSNorm():
            square = jax.numpy.mean(x * x, axis=-1, keepdims=True)
            return x * jax.lax.rsqrt(square + layer.epsilon) * params.gamma
        case Residual():
            return x + _chained(jax, layer.layers, params, x)
    raise NoCounterpartError(f"JAX has no function like {layer!r}")


def _chained(jax: Any, layers: Sequence[Layer], params: Any, x: Any) -> Any:
    for layer, own in zip(layers, params, strict=True):
        x = _forward(jax, layer, own, x)
    return x


def _activated(jax: Any, given: str | Activation, z: Any) -> Any:
    """The activation of z, by JAX's function."""
    row, nn = activation(given), jax.nn
    functions: dict[str, Any] = {
        "identity": lambda z: z,
        "sigmoid": nn.sigmoid,
        "tanh": jax.numpy.tanh,
        "relu": nn.relu,
        "leaky_relu": nn.leaky_relu,
        "elu": nn.elu,
        "selu": nn.selu,
        "gelu": lambda z: nn.gelu(z, approximate=False),
        "gelu_tanh": lambda z: nn.gelu(z, approximate=True),
        "silu": nn.silu,
        "softplus": nn.softplus,
        "softsign": nn.soft_sign,
        "mish": nn.mish,
        "hard_tanh": nn.hard_tanh,
        "softmax": nn.softmax,
    }
    parts = row.parameters if row.name in ("leaky_relu", "elu") else ()
    if row.name not in functions or is_own(activation, given) or parts != row.parameters:
        raise NoCounterpartError(f"JAX has no function for the activation {str(given)!r}")
    return functions[row.name](z, *parts)
