"""A gradient compared with that of another library, of the same network, data and loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.batches import check_examples
from chainrule.diagnosis.gradient_comparison import GradientComparison, compare_gradients
from chainrule.evaluation import cost_and_gradient
from chainrule.interop.jax_gradient import jax_gradient
from chainrule.interop.torch_gradient import torch_gradient
from chainrule.layers import Draw, Dropout, Layer, Residual
from chainrule.network import Network, Parameters
from chainrule.targets import encode
from chainrule.trees import tree_map

LIBRARIES = {"torch": torch_gradient, "jax": jax_gradient}
"""What returns the cost and its gradient, by the library that they are of."""


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
    of its own. Raises ImportError where the library is missing, and ValueError for a layer that it
    does not have.

    >>> net = cr.Network(2, [cr.Dense(3, "tanh"), cr.Dense(1)], loss="huber")
    >>> against("torch", net, net.init(), [[0.5, -1.0]], [1.0]).passed
    True
    """
    layers = map(_without_dropout, net.layers)
    net = Network(net.inputs, layers, net.loss, net.l1, net.l2, net.reduction, check=False)
    params = tree_map(lambda leaf: np.asarray(leaf, dtype=np.float64), params)
    data = check_examples(net, params, X, y, sample_weight)
    own = encode(data.y, net.outputs, data.X.dtype, np)
    weights = np.ones(len(data.X)) if data.w is None else data.w
    ours = cost_and_gradient(net, params, data.X, own, weights, Draw(seed=0, step=1))
    theirs = LIBRARIES[name](net, params, data.X, own, weights)
    costs = float(ours[0]), theirs[0]
    return compare_gradients(net, name, costs, ours[1], theirs[1], tolerance)


def _without_dropout(layer: Layer) -> Layer:
    if isinstance(layer, Dropout):
        return Dropout(0.0)
    if isinstance(layer, Residual):
        return Residual(*map(_without_dropout, layer.layers))
    return layer
