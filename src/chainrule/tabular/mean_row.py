"""The mean row of a table as a model prepares it: what its predictions are compared with.

X   (n, features)   prepared rows
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from chainrule.tabular.files.source import Source
    from chainrule.tabular.table_model import TableModel

Array = NDArray[Any]

STEP = 2.0**-20
"""In steps of this, sums are of whole numbers: exact, in whatever order the rows come."""


def exact_sums(X: Array) -> NDArray[np.int64]:
    """Return the sum of each feature over the rows, in steps.

    >>> exact_sums(np.array([[0.5], [1.0]])) * STEP
    array([1.5])
    """
    return np.asarray(np.rint(X.astype(np.float64) / STEP).astype(np.int64).sum(axis=0))


def means_of(sums: Array, rows: int) -> NDArray[np.float32]:
    """Return the means of the features, from sums in steps over so many rows.

    >>> means_of(exact_sums(np.array([[0.5], [1.0]])), 2)
    array([0.75], dtype=float32)
    """
    return np.asarray(sums * STEP / max(rows, 1), np.float32)


def mean_row(model: TableModel, against: Source | None = None) -> Array:
    """Return the mean row: of a table, or of the rows in training where the model knows it.

    Where it does not, as that of an earlier file, it is the median of each number, and in equal
    parts each category. A category with a vector is in no row; it has the mean of all vectors.

    >>> model = cr.train("sklearn:wine", "target", epochs=1)
    >>> bool((mean_row(model) == model.means).all())
    True
    """
    levels = np.array(model.preparation.levels) > 0
    row = _mean_of(model, against) if against else model.means
    if row is None:
        row = np.zeros(len(levels))
        for first, end in model.preparation.one_hot:
            row[first:end] = 1 / (end - first)
    return np.where(levels, -1, row).astype(np.float32)


def _mean_of(model: TableModel, table: Source) -> Array:
    sums, rows = np.zeros(len(model.preparation.feature_names), np.int64), 0
    for frame in model.read(table, model.preparation.columns):
        sums += exact_sums(model.preparation.transform(frame, first=rows + 1))
        rows += frame.height
    return means_of(sums, rows)
