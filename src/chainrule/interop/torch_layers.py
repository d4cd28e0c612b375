r"""Layers of PyTorch beside ours: its module of each, with where its parameters stand.

weight   W (o, i), or gamma (i,)      bias   b (o,), or beta (i,)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.errors import shown
from chainrule.interop import torch_activations
from chainrule.interop.imported_layers import Imported, dense, gains
from chainrule.layers import Activate, BatchNorm, Dropout, LayerNorm, RMSNorm
from chainrule.layers.batch_norm import BatchNormParameters
from chainrule.layers.rms_norm import RMSNormParameters
from chainrule.trees import Array

Numbers = Callable[[str], Array | None]
"""From the name of a parameter to a copy of it, None where the module does without."""


def read_layer(torch: Any, module: Any, numbers: Numbers, dtype: Any) -> list[Imported]:
    """Return what a module is: a layer, or none where it changes nothing of rows.

    Raises ValueError for one that Chainrule does not have.
    """
    kind = type(module)
    name = kind.__name__ if getattr(torch.nn, kind.__name__, None) is kind else ""
    if name == "Identity" or (name == "Flatten" and module.start_dim == 1):
        return []
    if name == "Dropout":
        return [Imported(Dropout(module.p))]
    activation = torch_activations.read(module) if name else None
    if activation is not None:
        return [Imported(Activate(activation))]
    if name not in READERS:
        raise ValueError(
            f"{shown(module)} is nothing that Chainrule has: its networks are of dense layers, the "
            "activations of the table, dropout, norms over features and residuals"
        )
    return [READERS[name](module, numbers, dtype)]


def _linear(module: Any, numbers: Numbers, dtype: Any) -> Imported:
    W = numbers("weight")
    assert W is not None
    return dense(W, numbers("bias"))


def _layer_norm(module: Any, numbers: Numbers, dtype: Any) -> Imported:
    own = gains(_width(module), dtype, numbers("weight"), numbers("bias"))
    return Imported(LayerNorm(module.eps), own)


def _rms_norm(module: Any, numbers: Numbers, dtype: Any) -> Imported:
    eps = float(np.finfo(dtype).eps) if module.eps is None else module.eps
    own = gains(_width(module), dtype, numbers("weight"), None)
    return Imported(RMSNorm(eps), RMSNormParameters(own.gamma))


def _batch_norm(module: Any, numbers: Numbers, dtype: Any) -> Imported:
    mean, variance = numbers("running_mean"), numbers("running_var")
    if mean is None or variance is None or module.momentum is None:
        raise ValueError(
            f"{shown(module)} must keep running statistics, by a momentum that is a number"
        )
    own = gains(module.num_features, dtype, numbers("weight"), numbers("bias"))
    return Imported(
        BatchNorm(module.momentum, module.eps), BatchNormParameters(*own, mean, variance)
    )


def _width(module: Any) -> int:
    """How many features a norm goes over."""
    if len(module.normalized_shape) != 1:
        raise ValueError(f"{shown(module)} must go over the features of a row alone")
    width: int = module.normalized_shape[0]
    return width


READERS: dict[str, Callable[[Any, Numbers, Any], Imported]] = {
    "Linear": _linear,
    "LayerNorm": _layer_norm,
    "RMSNorm": _rms_norm,
    "BatchNorm1d": _batch_norm,
}
"""The modules with parameters, by their names in torch.nn."""
