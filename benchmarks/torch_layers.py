"""Kinds of layer in PyTorch, as its users write them, with the parameters that Chainrule has.

x (n, i); within members x (n, k, i), for k of them
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

import chainrule as cr

ACTIVATIONS = {"identity": nn.Identity, "relu": nn.ReLU}


def modules(net: cr.Network, params: Any) -> nn.Sequential:
    """Return the layers of a network."""
    return chain(net.layers, params, net.inputs)


def chain(layers: Any, params: Any, width: int) -> nn.Sequential:
    """Return layers one after the other, of which the first gets so many values."""
    made = []
    for layer, own in zip(layers, params, strict=True):
        made.append(KINDS[type(layer)](layer, own, width))
        width = layer.outputs(width)
    return nn.Sequential(*made)


def given(array: Any) -> nn.Parameter:
    """Return an array as a parameter."""
    return nn.Parameter(torch.from_numpy(array.copy()))


def dense(layer: cr.Dense, own: Any, width: int) -> nn.Module:
    """Return the weighted sums, and their activation."""
    linear = nn.Linear(width, layer.units)
    linear.weight, linear.bias = given(own.W), given(own.b)
    return nn.Sequential(linear, ACTIVATIONS[str(layer.activation)]())


def activate(layer: cr.Activate, own: Any, width: int) -> nn.Module:
    """Return an activation."""
    return ACTIVATIONS[str(layer.activation)]()


def batch_norm(layer: cr.BatchNorm, own: Any, width: int) -> nn.Module:
    """Return PyTorch's own, whose parameters start as ours do."""
    return nn.BatchNorm1d(width)


def layer_norm(layer: cr.LayerNorm, own: Any, width: int) -> nn.Module:
    """Return PyTorch's own, whose parameters start as ours do."""
    return nn.LayerNorm(width)


class Residual(nn.Module):
    """What layers make of x, added to x."""

    def __init__(self, layer: cr.Residual, own: Any, width: int) -> None:
        super().__init__()
        self.inner = chain(layer.layers, own, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x + F(x)."""
        return x + self.inner(x)


class PiecewiseLinear(nn.Module):
    """Each number by how far it fills its bins, times what each bin adds; as many bins each.

    They are the first inputs; the others, without bins, pass.
    """

    def __init__(self, layer: cr.PiecewiseLinear, own: Any, width: int) -> None:
        super().__init__()
        edges = torch.tensor([each for each in layer.edges if len(each)])
        self.numbers = len(edges)
        self.register_buffer("left", edges[:, :-1].contiguous())
        self.register_buffer("width", edges.diff(dim=1))
        bins = edges.shape[1] - 1
        self.register_buffer("least", torch.tensor([-4.0] + [0.0] * (bins - 1)))
        self.register_buffer("most", torch.tensor([1.0] * (bins - 1) + [5.0]))
        self.w, self.b = given(own.w), given(own.b)
        self.W = given(own.W.reshape(self.numbers, bins, layer.size))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the values of all numbers, side by side, and the other inputs."""
        numbers, others = x[:, : self.numbers, None], x[:, self.numbers :]
        share = (numbers - self.left) / self.width
        filled = torch.minimum(torch.maximum(share, self.least), self.most)  # (n, f, bins)
        steps = torch.bmm(filled.transpose(0, 1), self.W).transpose(0, 1)
        embedded = (self.b + numbers * self.w + steps).flatten(1)
        return torch.cat([embedded, others], 1) if others.shape[1] else embedded


class Members(nn.Module):
    """Scales of each member's own, layers that all share, and a dense layer of each one's own."""

    def __init__(self, layer: cr.Members, own: Any, width: int) -> None:
        super().__init__()
        self.scales = given(own.scales)
        self.shared = chain(layer.shared, own.shared, width)
        self.W = nn.Parameter(torch.stack([torch.from_numpy(each.W) for each in own.own]))
        self.b = nn.Parameter(torch.stack([torch.from_numpy(each.b) for each in own.own]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the members' predictions, (n, k, o)."""
        a = self.shared(x[:, None] * self.scales)
        return torch.einsum("nki,koi->nko", a, self.W) + self.b


KINDS: dict[type[cr.Layer], Any] = {
    cr.Dense: dense,
    cr.Activate: activate,
    cr.BatchNorm: batch_norm,
    cr.LayerNorm: layer_norm,
    cr.Residual: Residual,
    cr.PiecewiseLinear: PiecewiseLinear,
    cr.Members: Members,
}
