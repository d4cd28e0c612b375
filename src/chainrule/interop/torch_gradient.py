r"""Cost and gradient by PyTorch: its modules, its losses, its differentiation.

a   (n, o)   what leaves the last layer      y   (n, o)   targets      w   (n,)   weights
"""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import array_namespace

from chainrule.interop.imported_layers import library
from chainrule.interop.torch_out import to_torch
from chainrule.layers import Role
from chainrule.loss_row import Loss
from chainrule.network import Network, Parameters, divisor
from chainrule.trees import Array, named_leaves, rebuild


def torch_gradient(
    net: Network, params: Parameters, X: Array, y: Array, w: Array
) -> tuple[float, Parameters]:
    """Return the cost and its gradient, with batch norms as in training.

    y is (n, outputs), and w (n,).

    >>> net = cr.Network(1, [cr.Dense(1)], loss="squared_error")
    >>> params = net.parameters([([[2.0]], [0.0])])
    >>> torch_gradient(net, params, np.ones((1, 1)), np.ones((1, 1)), np.ones(1))
    (1.0, (DenseParameters(W=array([[2.]]), b=array([2.])),))
    """
    torch = library("torch", "--against torch")
    model = to_torch(net, params).train()
    given, targets, weights = (torch.tensor(np.asarray(array)) for array in (X, y, w))
    a = model(given)
    each = sum(
        _losses(torch.nn.functional, head.loss, head.of(a), head.of(targets))
        for head in net.row.heads(net.outputs)
    )
    cost = (weights * each).sum() / divisor(net, float(weights.sum()))
    moved = [name for name, _ in named_leaves(params) if net.roles[name] is not Role.STATISTIC]
    places = dict(zip(moved, model.parameters(), strict=True))
    for name, W in places.items():
        if net.roles[name] is Role.WEIGHT:
            cost = cost + net.l1 * W.abs().sum() + 0.5 * net.l2 * (W * W).sum()
    cost.backward()
    found = [
        places[name].grad.numpy() if name in places else np.zeros_like(leaf)
        for name, leaf in named_leaves(params)
    ]
    return float(cost.detach()), rebuild(params, found)


def _losses(F: Any, loss: Loss, a: Any, y: Any) -> Any:
    """The loss of each example, (n,): PyTorch's own, or our formula where it has none."""
    each: dict[str, Any] = {
        "half_squared_error": lambda: 0.5 * F.mse_loss(a, y, reduction="none"),
        "squared_error": lambda: F.mse_loss(a, y, reduction="none"),
        "mean_squared_error": lambda: F.mse_loss(a, y, reduction="none") / a.shape[1],
        "absolute_error": lambda: F.l1_loss(a, y, reduction="none"),
        "huber": lambda: F.huber_loss(a, y, reduction="none", delta=loss.parameters[0]),
        "poisson": lambda: F.poisson_nll_loss(a, y, log_input=True, reduction="none"),
        "binary_cross_entropy": lambda: F.binary_cross_entropy_with_logits(a, y, reduction="none"),
        "cross_entropy": lambda: F.cross_entropy(
            a, y, reduction="none", label_smoothing=sum(loss.parameters)
        )[:, None],
    }
    own = each.get(loss.name, lambda: loss.value(a, y, array_namespace(a)))
    return own().sum(1)
