"""The kinds of layer, one file each."""

from chainrule.layers.base import Draw, Layer
from chainrule.layers.dense import Dense
from chainrule.layers.dropout import Dropout

__all__ = ["Dense", "Draw", "Dropout", "Layer"]
