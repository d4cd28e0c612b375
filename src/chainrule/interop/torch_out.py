r"""To modules of PyTorch."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from chainrule.activation_row import Activation
from chainrule.extras import library
from chainrule.interop import torch_activations
from chainrule.interop.imported_layers import named
from chainrule.interop.library_cost import NoCounterpartError
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
from chainrule.network import Network, Parameters, check_parameters, describe
from chainrule.trees import leaves


def to_torch(net: Network, params: Parameters) -> Any:
    r"""Return a network as a `torch.nn.Sequential`, with a copy of its parameters.

    $$a = f(x W^\top + b),\qquad a = x + F(x)$$

    An activation stands as a module of its own behind its `Linear`; a residual is a `Sequential`
    that adds x. The module returns what the last layer does: of a cross-entropy these are logits,
    as PyTorch's losses take them. Like any new module it is in training mode; call `eval()` before
    it predicts. `from_torch` is the way back.

    Parameters
    ----------
    net, params
        The network and its parameters, in float32 or float64, which the module keeps.

    Raises
    ------
    ImportError
        Where PyTorch is missing.
    ValueError
        For a layer or an activation that PyTorch does not have, with its place.

    Examples
    --------
    >>> net = cr.Network(2, [cr.Dense(3, "tanh"), cr.Dense(1)], loss="huber")
    >>> cr.to_torch(net, net.init())
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): Tanh()
      (2): Linear(in_features=3, out_features=1, bias=True)
    )
    """
    torch = library("torch", "to_torch")
    check_parameters(net, params)
    made = []
    for k, (layer, own) in enumerate(zip(net.layers, params, strict=True)):
        with named(f"to_torch: {describe(net, k)}"):
            made += modules(torch, layer, own)
    return torch.nn.Sequential(*made)


def modules(torch: Any, layer: Layer, params: Any) -> list[Any]:
    """Return the modules that do the same as a layer, with its parameters.

    Raises NoCounterpartError where PyTorch has none.

    >>> import torch
    >>> modules(torch, cr.Activate("tanh"), ())
    [Tanh()]
    """
    nn, arrays = torch.nn, [np.asarray(leaf) for leaf in leaves(params)]
    of = {"dtype": getattr(torch, arrays[0].dtype.name)} if arrays else {}
    width = len(arrays[0]) if arrays else 0
    match layer:
        case Dense():
            linear = nn.utils.skip_init(nn.Linear, *arrays[0].shape[::-1], **of)
            end = [] if layer.activation == "identity" else [_activation(nn, layer.activation)]
            return [_filled(torch, linear, arrays), *end]
        case Activate():
            return [_activation(nn, layer.activation)]
        case Dropout():
            return [nn.Dropout(layer.rate)]
        case LayerNorm() | RMSNorm():
            norm = getattr(nn, type(layer).__name__)(width, layer.epsilon, **of)
            return [_filled(torch, norm, arrays)]
        case BatchNorm():
            norm = nn.BatchNorm1d(width, layer.epsilon, layer.momentum, **of)
            return [_filled(torch, norm, arrays)]
        case Residual():
            inner = zip(layer.layers, params, strict=True)
            parts = [part for each, own in inner for part in modules(torch, each, own)]
            return [_residual(torch)(*parts)]
    raise NoCounterpartError(f"PyTorch has no module like {layer!r}")


def _activation(nn: Any, given: str | Activation) -> Any:
    module = torch_activations.write(given, nn)
    if module is None:
        raise NoCounterpartError(f"PyTorch has no module for the activation {str(given)!r}")
    return module


def _filled(torch: Any, module: Any, arrays: list[Any]) -> Any:
    """A module with other numbers: its parameters first, then what it has seen."""
    places = [*module.parameters(), *(b for b in module.buffers() if b.is_floating_point())]
    with torch.no_grad():
        for place, array in zip(places, arrays, strict=True):
            place.copy_(torch.tensor(array))
    return module


@functools.cache
def _residual(torch: Any) -> type:
    """The class of a `Sequential` that adds what enters."""

    class Residual(torch.nn.Sequential):  # type: ignore[misc]
        """What the modules within make of x, added to x."""

        def forward(self, x: Any) -> Any:
            return x + super().forward(x)

    return Residual
