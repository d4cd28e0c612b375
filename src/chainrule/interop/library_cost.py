r"""What the comparisons with other libraries share: our formulas of their arrays, and the cost.

a   (n, o)   what leaves a layer      each   (n,)   losses of the examples      w   (n,)   weights
"""

from __future__ import annotations

from typing import Any

from chainrule.layers import Draw, Dropout, Layer, Members, Residual, Role
from chainrule.network import Network, Parameters, divisor
from chainrule.trees import Array, named_leaves


class NoCounterpartError(ValueError):
    """A layer or an activation that a library does not have.

    >>> raise NoCounterpartError("JAX has no function like Scale()")
    Traceback (most recent call last):
    ...
    chainrule.interop.library_cost.NoCounterpartError: JAX has no function like Scale()
    """


def by_formula(layer: Layer, params: Any, x: Array, xp: Any) -> Array:
    """Return what a layer makes of another library's arrays, with batch norms as in training.

    >>> by_formula(cr.Activate("tanh"), (), np.zeros((1, 2)), np)
    array([[0., 0.]])
    """
    return without_dropout(layer).forward(params, x, Draw(seed=0, step=1), xp)[0]


def without_dropout(layer: Layer) -> Layer:
    """Return a layer whose dropout, within too, does nothing.

    >>> without_dropout(cr.Residual(cr.Dense(3), cr.Dropout(0.5)))
    Residual(Dense(3, 'identity'), Dropout(0.0))
    """
    if isinstance(layer, Dropout):
        return Dropout(0.0)
    if isinstance(layer, Residual):
        return Residual(*map(without_dropout, layer.layers))
    if isinstance(layer, Members):
        return Members(layer.k, *map(without_dropout, layer.layers), full=layer.full)
    return layer


def cost_of(net: Network, params: Parameters, each: Any, w: Any) -> Any:
    """Return the cost of the losses of examples, with the penalty, by the arrays' own library.

    >>> net = cr.Network(1, [cr.Dense(1)], loss="huber", l1=0.5)
    >>> params = net.parameters([([[-2.0]], [0.0])])
    >>> float(cost_of(net, params, np.array([1.0, 3.0]), np.ones(2)))
    3.0
    """
    total = (w * each).sum() / divisor(net, float(w.sum()))
    for name, W in named_leaves(params):
        if net.roles[name] is Role.WEIGHT:
            total = total + net.l1 * abs(W).sum() + 0.5 * net.l2 * (W * W).sum()
    return total
