"""The kinds of layer, one file each.

| file | what it is for |
|---|---|
| `layer.py` | what a kind must be able to do, and what it can be asked |
| `dense.py`, `activate.py`, `dropout.py`, `scale.py` | kinds, each under its name |
| `layer_norm.py`, `rms_norm.py`, `batch_norm.py` | norms |
| `periodic.py`, `piecewise_linear.py` | embeddings of numbers |
| `piecewise_formulas.py` | the working of one of them |
| `embedding.py` | that of levels, such as categories |
| `residual.py`, `members.py` | layers of layers |
| `chain.py` | layers one after the other: what networks and layers of layers share |
| `normalised.py`, `layout.py` | what norms share; what embeddings share |
| `ensemble.py` | what stands in members with scales around each dense layer |
| `predictions.py` | the loss of several predictions side by side, as members make them |
| `parameter_shapes.py` | the arrays of parameters: their form, and where they lie |
| `dense_stack.py` | dense layers with dropout made at once, and parts of one |
| `layer_words.py`, `layer_table.py` | layers in words, and as a table of HTML |
"""

from chainrule.layers.activate import Activate
from chainrule.layers.batch_norm import BatchNorm
from chainrule.layers.dense import Dense
from chainrule.layers.dropout import Dropout
from chainrule.layers.embedding import Embedding
from chainrule.layers.layer import Draw, Layer, Role, Words
from chainrule.layers.layer_norm import LayerNorm
from chainrule.layers.members import Members
from chainrule.layers.periodic import Periodic
from chainrule.layers.piecewise_linear import PiecewiseLinear
from chainrule.layers.residual import Residual
from chainrule.layers.rms_norm import RMSNorm
from chainrule.layers.scale import Scale

LAYERS: dict[str, type[Layer]] = {
    kind.kind: kind
    for kind in (
        Dense,
        Activate,
        Dropout,
        Scale,
        LayerNorm,
        RMSNorm,
        BatchNorm,
        Residual,
        Periodic,
        PiecewiseLinear,
        Embedding,
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
    "Embedding",
    "Layer",
    "LayerNorm",
    "Members",
    "Periodic",
    "PiecewiseLinear",
    "RMSNorm",
    "Residual",
    "Role",
    "Scale",
    "Words",
]
