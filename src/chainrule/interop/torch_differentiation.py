r"""Cost and gradient by PyTorch's differentiation, of the layers and losses of a library on it.

a   (n, o)   what leaves a layer      y   (n, o)   targets      w   (n,)   weights
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from array_api_compat import array_namespace

from chainrule import losses
from chainrule.diagnosis.gradient_comparison import LibraryGradient
from chainrule.extras import library
from chainrule.interop.imported_layers import named
from chainrule.interop.library_cost import NoCounterpartError, by_formula, cost_of
from chainrule.layers import Layer
from chainrule.loss_row import Loss
from chainrule.network import Network, Parameters, describe
from chainrule.rows import is_own
from chainrule.trees import Array, tree_map

Forward = Callable[[Layer, Any, Any], Any]
"""From a layer, its parameters and x, as tensors, to a; or it raises `NoCounterpartError`."""

Losses = Callable[[Loss, Any, Any], Any]
"""From a loss, a and y (n, o) to the loss of each example, (n,), or None without one."""


def differentiated(
    what: str, net: Network, params: Parameters, data: tuple[Array, Array, Array],
    forward: Forward, losses_of: Losses,
) -> LibraryGradient:  # fmt: skip
    """Return what is found of X, y (n, outputs) and w in the dtype of the parameters.

    >>> net = cr.Network(1, [cr.Scale()], loss="squared_error")
    >>> data = np.ones((1, 1)), np.ones((1, 1)), np.ones(1)
    >>> def twice(layer, params, x):
    ...     return 2 * params.scale * x
    >>> def squares(loss, a, y):
    ...     return ((a - y) ** 2).sum(1)
    >>> made = differentiated("", net, net.init(dtype="float64"), data, twice, squares)
    >>> made.cost, made.gradient[0].scale
    (1.0, array([4.]))
    """
    torch = library("torch", what)
    own = tree_map(lambda leaf: torch.tensor(leaf, requires_grad=True), params)
    a, y, w = (torch.tensor(array) for array in data)
    outputs: list[Array] = []
    formulas: list[int] = []
    for k, (layer, given) in enumerate(zip(net.layers, own, strict=True)):
        with named(f"{what}: {describe(net, k)}"):
            try:
                a = forward(layer, given, a).cpu()
            except NoCounterpartError:
                formulas.append(k)
                a = by_formula(layer, given, a, array_namespace(a))
        outputs.append(a.detach().numpy())
    cost = cost_of(net, own, _of_examples(net, a, y, losses_of), w)
    cost.backward()
    gradient = tree_map(
        lambda leaf: (torch.zeros_like(leaf) if leaf.grad is None else leaf.grad).numpy(), own
    )
    return LibraryGradient(float(cost.detach()), gradient, outputs, tuple(formulas))


def _of_examples(net: Network, a: Any, y: Any, losses_of: Losses) -> Any:
    """The loss of each example, (n,): of several members, the mean of theirs."""
    k = net.members
    a, y = a.reshape(len(a) * k, -1), y.repeat_interleave(k, 0)
    each = sum(
        _own(head.loss, head.of(a), head.of(y), losses_of)
        for head in losses.loss(net.loss).heads(net.outputs)
    )
    return each.reshape(-1, k).mean(1)


def _own(loss: Loss, a: Any, y: Any, losses_of: Losses) -> Any:
    found = None if is_own(losses.loss, loss) else losses_of(loss, a, y)
    return loss.value(a, y, array_namespace(a)).sum(1) if found is None else found
