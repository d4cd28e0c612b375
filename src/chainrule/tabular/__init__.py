"""Networks for tables: from a file or a frame to a model that predicts from others like it.

| file | what it is for |
|---|---|
| `training.py` | `train`: the network that suits a table, its run, and the result |
| `options.py` | what can be asked of it, and what the size of the data decides |
| `preparing.py` | from a table to examples |
| `splitting.py` | which of them are held out |
| `blocks.py` | where they lie, in memory or in a file |
| `running.py` | visit after visit, until validation says enough |
| `checkpoints.py` | where a run left off |
| `model.py` | `TableModel`: predictions, scores, one file |
| `scores.py` | how good predictions are |
"""

from chainrule.tabular.model import TableModel
from chainrule.tabular.options import Options
from chainrule.tabular.training import train

__all__ = ["Options", "TableModel", "train"]
