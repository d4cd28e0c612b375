"""Layers that write themselves into a graph of ONNX, by its operators where it has them.

Their parameters are those of the layers that they stand for. Any other layer does what the core
does, of which the operators follow.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.interop import onnx_activations
from chainrule.interop.onnx_arrays import Traced
from chainrule.layers import (
    Activate,
    BatchNorm,
    Dense,
    Draw,
    Dropout,
    Layer,
    LayerNorm,
    Members,
    Residual,
)
from chainrule.layers.batch_norm import BatchNormParameters
from chainrule.layers.layer_norm import LayerNormParameters


def written(layer: Layer) -> Layer:
    """Return the layer whose forward pass writes it; it has no record, and no way back.

    >>> written(cr.Residual(cr.Dense(2, "tanh"))).layers[0].activation.name
    'tanh'
    """
    kind = type(layer)
    if isinstance(layer, Dense | Activate) and kind in (Dense, Activate):
        return dataclasses.replace(layer, activation=onnx_activations.write(layer.activation))
    if isinstance(layer, Residual):
        return Residual(*map(written, layer.layers))
    if isinstance(layer, Members):
        return Members(layer.k, *map(written, layer.layers), full=layer.full)
    return WRITERS[kind](**vars(layer)) if kind in WRITERS else layer


class _Dropout(Dropout):
    def forward(self, params: tuple[()], x: Traced, draw: Draw | None, xp: Any) -> tuple[Any, Any]:
        rate = np.array(self.rate, np.float32)
        return x.graph.add("Dropout", x, rate), None


class _LayerNorm(LayerNorm):
    def forward(
        self, params: LayerNormParameters, x: Traced, draw: Draw | None, xp: Any
    ) -> tuple[Any, Any]:
        return x.graph.add("LayerNormalization", x, *params, epsilon=self.epsilon), None


class _BatchNorm(BatchNorm):
    def forward(
        self, params: BatchNormParameters, x: Traced, draw: Draw | None, xp: Any
    ) -> tuple[Any, Any]:
        keep = 1 - self.momentum  # which is what theirs is
        made = x.graph.add("BatchNormalization", x, *params, epsilon=self.epsilon, momentum=keep)
        return made, None


WRITERS: dict[type[Layer], Callable[..., Layer]] = {
    Dropout: _Dropout,
    LayerNorm: _LayerNorm,
    BatchNorm: _BatchNorm,
}
"""The kinds that are one operator."""
