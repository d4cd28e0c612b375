"""The kinds of layer, one file each."""

from chainrule.layers.base import Draw, Layer, Role, Words
from chainrule.layers.dense import Dense
from chainrule.layers.dropout import Dropout

LAYERS: dict[str, type[Layer]] = {kind.kind: kind for kind in (Dense, Dropout)}
"""The kinds of layer by their names in files and tables."""

__all__ = ["Dense", "Draw", "Dropout", "Layer", "Role", "Words"]
