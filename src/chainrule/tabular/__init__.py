"""Networks for tables: from a file or a frame to a model that predicts from others like it.

| file | what it is for |
|---|---|
| `training.py` | `train`: the network that suits a table, its run, and the result |
| `options.py` | what can be asked of it, and what the size of the data decides |
| `suiting.py` | what suits a target: its task, its values, what its rows count |
| `preparing.py` | from a table to examples |
| `labels.py` | which columns are read as they stand |
| `splitting.py` | which of them are held out |
| `blocks.py` | where they lie, in memory or in a file |
| `running.py` | visit after visit, until validation says enough |
| `checkpoints.py` | where a run left off |
| `model.py` | `TableModel`: predictions, scores, one file |
| `about.py` | what its file tells, and what must fit together in it |
| `objectives.py` | which loss is lowered, what classes weigh, what validation goes by |
| `scores.py`, `by_class.py` | how good predictions are, of all rows and of each class |
| `doubts.py` | what is to be doubted of a training |
| `report/` | the page of a training |
"""

import importlib
import typing

from chainrule.tabular.options import Options

if typing.TYPE_CHECKING:
    from chainrule.tabular.model import TableModel
    from chainrule.tabular.training import train

__all__ = ["Options", "TableModel", "train"]

_LAZY = {"TableModel": "chainrule.tabular.model", "train": "chainrule.tabular.training"}
"""Names whose module, which loads polars, waits until one of them is asked for."""


def __getattr__(name: str) -> typing.Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)
