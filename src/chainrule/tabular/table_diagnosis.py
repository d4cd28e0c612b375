"""Why the network of a model does not learn, by the rows of a table that has the target.

X   (n, features)   prepared rows      y   (n,) labels, or (n, outputs)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.diagnosis.verdict import Diagnosis, diagnose
from chainrule.history import History
from chainrule.tabular.columns.survey import with_target
from chainrule.tabular.files.source import Source
from chainrule.tabular.formats.notes import Notes
from chainrule.tabular.table_error import TableError

if TYPE_CHECKING:
    from chainrule.tabular.table_model import TableModel

Array = NDArray[Any]

ROWS = 20_000
"""After how many rows no more are read."""


def diagnosed(model: TableModel, source: Source, notes: Notes | None = None) -> Diagnosis:
    """Return what `cr.diagnose` finds of a model's first network, by the first rows of a table.

    Raises TableError where no row has the target.

    >>> from chainrule.tabular.files.open_source import open_source
    >>> model = cr.train("sklearn:wine", "target", epochs=5)
    >>> diagnosed(model, open_source("sklearn:wine")).names
    ()
    """
    X, y = prepared_rows(model, source, notes)
    history = History(loss=[float(loss) for loss in model.curves["loss"]])
    return diagnose(model.net, model.params, X, y, history=history)


def prepared_rows(
    model: TableModel, source: Source, notes: Notes | None = None, *, rows: int = ROWS
) -> tuple[Array, Array]:
    """Return X and y of the first rows of a table that have the target, about so many of them.

    Raises TableError where no row has it.

    >>> from chainrule.tabular.files.open_source import open_source
    >>> model = cr.train("sklearn:wine", "target", epochs=5)
    >>> len(prepared_rows(model, open_source("sklearn:wine"))[0])
    178
    """
    targets, parts, first, read = model.target.columns, list[tuple[Array, Array]](), 1, 0
    for chunk in model.read(source, (*model.preparation.columns, *targets), notes):
        known = with_target(chunk, targets) if {*targets} <= {*chunk.columns} else chunk
        if known.height:
            X = model.preparation.transform(known, notes, first=first)
            parts.append((X, model.target.encode(known, first=first)))
        first, read = first + chunk.height, read + known.height
        if read >= rows:
            break
    if not parts:
        raise TableError(f"{source.name}: no row has the target")
    X, y = (np.concatenate(each) for each in zip(*parts, strict=True))
    return X, y
