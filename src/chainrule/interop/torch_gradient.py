r"""Cost and gradient by PyTorch: its modules, its losses, its differentiation.

a   (n, o)   what leaves a layer      y   (n, o)   targets      w   (n,)   weights
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from chainrule.diagnosis.gradient_comparison import LibraryGradient
from chainrule.extras import library
from chainrule.interop.torch_differentiation import differentiated
from chainrule.interop.torch_out import modules
from chainrule.layers import Layer, Role
from chainrule.loss_row import Loss
from chainrule.network import Network, Parameters
from chainrule.trees import Array, named_leaves, tree_map

WHAT = "--against torch"


def torch_gradient(
    net: Network, params: Parameters, X: Array, y: Array, w: Array
) -> LibraryGradient:
    """Return the cost and its gradient, with batch norms as in training.

    y is (n, outputs), and w (n,).

    >>> net = cr.Network(1, [cr.Dense(1)], loss="squared_error")
    >>> params = net.parameters([([[2.0]], [0.0])])
    >>> torch_gradient(net, params, np.ones((1, 1)), np.ones((1, 1)), np.ones(1))[:2]
    (1.0, (DenseParameters(W=array([[2.]]), b=array([2.])),))
    """
    torch = library("torch", WHAT)
    forward = functools.partial(_forward, torch)
    each = functools.partial(_losses, torch.nn.functional)
    return differentiated(WHAT, net, params, (X, y, w), forward, each)


def _forward(torch: Any, layer: Layer, params: Any, x: Any) -> Any:
    """What the modules of a layer make of x, with other tensors for their parameters."""
    numbers = tree_map(lambda leaf: leaf.detach().numpy(), params)
    made = torch.nn.Sequential(*modules(torch, layer, numbers)).train()
    moved = [leaf for n, leaf in named_leaves(params) if layer.role(n) is not Role.STATISTIC]
    own = dict(zip((name for name, _ in made.named_parameters()), moved, strict=True))
    return torch.func.functional_call(made, own, (x,))


def _losses(F: Any, loss: Loss, a: Any, y: Any) -> Any:
    """The loss of each example, (n,), or None where PyTorch has none."""
    each: dict[str, Callable[[], Any]] = {
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
    return each[loss.name]().sum(1) if loss.name in each else None
