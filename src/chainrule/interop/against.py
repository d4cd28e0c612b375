"""A gradient compared with that of another library, of the same network, data and loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from chainrule.backprop import forward
from chainrule.batches import check_examples
from chainrule.diagnosis.gradient_comparison import (
    GradientComparison,
    LibraryGradient,
    compare_gradients,
)
from chainrule.evaluation import cost_and_gradient
from chainrule.interop.jax_gradient import jax_gradient
from chainrule.interop.keras_gradient import SINGLE, keras_gradient
from chainrule.interop.library_cost import without_dropout
from chainrule.interop.torch_gradient import torch_gradient
from chainrule.layers import Draw
from chainrule.network import Network, Parameters
from chainrule.targets import encode
from chainrule.trees import Array, tree_map


class Library(NamedTuple):
    """What returns the cost and the gradient, in which precision it works, and why in that."""

    gradient: Callable[[Network, Parameters, Array, Array, Array], LibraryGradient]
    dtype: type[np.floating[Any]] = np.float64
    why: str = ""


LIBRARIES = {
    "torch": Library(torch_gradient),
    "keras": Library(keras_gradient, np.float32, SINGLE),
    "jax": Library(jax_gradient),
}
"""The libraries by their names."""


def against(
    name: str,
    net: Network,
    params: Parameters,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    tolerance: float = 1e-7,
) -> GradientComparison:
    """Compare the gradient in float64 with that of another library, a row of `LIBRARIES`.

    Batch norms go by the batch, as in training; dropout is left out, for each library draws masks
    of its own. What a library has no layer, activation or loss for is our formula, of which it
    finds the derivatives. Both are given the same numbers, which a library that works in float32
    holds exactly, and the tolerance is no less than its precision allows. Raises ImportError where
    the library is missing.

    >>> net = cr.Network(2, [cr.Dense(3, "tanh"), cr.Dense(1)], loss="huber")
    >>> against("torch", net, net.init(), [[0.5, -1.0]], [1.0]).passed
    True
    """
    library = LIBRARIES[name]

    def held(array: Any) -> Array:
        return np.asarray(array, dtype=library.dtype).astype(np.float64)

    layers = map(without_dropout, net.layers)
    net = Network(net.inputs, layers, net.loss, net.l1, net.l2, net.reduction, check=False)
    params = tree_map(held, params)
    data = check_examples(net, params, X, y, sample_weight)
    X, y = held(data.X), held(encode(data.y, net.outputs, data.X.dtype, np))
    w = np.ones(len(X)) if data.w is None else held(data.w)
    draw = Draw(seed=0, step=1)
    ours = LibraryGradient(
        *cost_and_gradient(net, params, X, y, w, draw),
        [record.a for record in forward(net, params, X, draw)],
    )
    theirs = library.gradient(net, params, X, y, w)
    precision = float(np.finfo(library.dtype).eps)
    return compare_gradients(net, name, ours, theirs, tolerance, precision)
