"""The penalties on the weights of a network, which are a part of its cost; biases go free.

W   (o, i)   any weights      λ₁, λ₂   `l1` and `l2` of the network
"""

from __future__ import annotations

from typing import Any

from chainrule.layers import Role
from chainrule.network import Network, Parameters
from chainrule.trees import Array, leaf_names, named_leaves, tree_map


def penalty(net: Network, params: Parameters, xp: Any) -> Array:
    r"""Return the penalty's share of the cost, λ₁ Σ|W| + ½ λ₂ ΣW²."""
    roles = net.roles
    weights = [leaf for name, leaf in named_leaves(params) if roles[name] is Role.WEIGHT]
    return sum(net.l1 * xp.sum(xp.abs(W)) + 0.5 * net.l2 * xp.sum(W * W) for W in weights)


def penalty_gradient(net: Network, W: Array, xp: Any) -> Array:
    """Return the penalty's derivative by W, λ₁ sgn(W) + λ₂ W; sgn(0) = 0."""
    return net.l1 * xp.sign(W) + net.l2 * W


def penalised(net: Network, grads: Parameters, params: Parameters, xp: Any) -> Parameters:
    """Return a gradient with the penalty's added to that of the weights."""
    if not (net.l1 or net.l2):
        return grads
    roles = net.roles
    added: Parameters = tree_map(
        lambda name, g, W: g + penalty_gradient(net, W, xp) if roles[name] is Role.WEIGHT else g,
        leaf_names(grads),
        grads,
        params,
    )
    return added


def without_penalty(net: Network) -> Network:
    """Return a network without its penalties.

    >>> without_penalty(cr.Network(1, [cr.Dense(1)], "squared_error", l2=0.5)).l2
    0.0
    """
    return Network(net.inputs, net.layers, net.loss, reduction=net.reduction, check=False)
