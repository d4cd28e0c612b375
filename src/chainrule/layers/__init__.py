"""The kinds of layer, one file each."""

from chainrule.layers.activate import Activate
from chainrule.layers.base import Draw, Layer, Role, Words
from chainrule.layers.batch_norm import BatchNorm
from chainrule.layers.dense import Dense
from chainrule.layers.dropout import Dropout
from chainrule.layers.layer_norm import LayerNorm
from chainrule.layers.members import Members
from chainrule.layers.periodic import Periodic
from chainrule.layers.piecewise_linear import PiecewiseLinear
from chainrule.layers.residual import Residual
from chainrule.layers.scale import Scale

LAYERS: dict[str, type[Layer]] = {
    kind.kind: kind
    for kind in (
        Dense,
        Activate,
        Dropout,
        Scale,
        LayerNorm,
        BatchNorm,
        Residual,
        Periodic,
        PiecewiseLinear,
        Members,
    )
}
"""The kinds of layer by their names in files and tables."""

__all__ = [
    "Activate",
    "BatchNorm",
    "Dense",
    "Draw",
    "Dropout",
    "Layer",
    "LayerNorm",
    "Members",
    "Periodic",
    "PiecewiseLinear",
    "Residual",
    "Role",
    "Scale",
    "Words",
]
