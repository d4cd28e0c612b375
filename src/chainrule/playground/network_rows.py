"""Rows of a table as the examples of a network that knows no columns.

n   rows      X   (n, inputs)      y   (n,) labels, or (n, outputs) numbers
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.network import Network
from chainrule.targets import check_targets

if TYPE_CHECKING:
    from chainrule.tabular.files.source import Source

Array = NDArray[Any]


def network_rows(net: Network, source: Source, most: int) -> tuple[Array, Array, dict[str, Any]]:
    """Return X, y and the names of the columns: the first are the inputs, all others the targets.

    Raises ValueError where there are too few or too many, and for cells that are no numbers.

    >>> import polars as pl
    >>> from chainrule.tabular.files.open_source import open_source
    >>> net = cr.Network(2, [cr.Dense(3)], loss="cross_entropy")
    >>> table = pl.DataFrame({"a": [0.5, 1.5], "b": [1, 2], "kind": [2, 0]})
    >>> X, y, names = network_rows(net, open_source(table), 10)
    >>> X.tolist(), y.tolist(), names["inputs"]
    ([[0.5, 1.0], [1.5, 2.0]], [2, 0], ['a', 'b'])
    """
    names, inputs = [*source.columns], net.inputs
    labels = net.row.target == "class" and len(names) == inputs + 1
    if not labels and len(names) != inputs + net.outputs:
        also = ", or one of labels" * (net.row.target == "class")
        raise ValueError(
            f"{source.name}: the network takes {inputs} columns as inputs and behind them "
            f"{net.outputs} as targets{also}, got {len(names)} columns; leave out the others"
        )
    rows = np.concatenate([_numbers(source.name, chunk) for chunk in _first(source, most)])
    if not len(rows):
        raise ValueError(f"{source.name}: has no rows")
    y: Array = rows[:, inputs:]
    if labels:
        y = _whole(source.name, names[-1], y[:, 0])
    outputs = names[inputs:] if not labels else [str(k) for k in range(net.outputs)]
    y = np.asarray(check_targets(net.row.target, y, len(rows), net.outputs, np.float64, np))
    return rows[:, :inputs], y, {"inputs": names[:inputs], "outputs": outputs}


def _first(source: Source, most: int) -> Any:
    left = most
    for chunk in source.chunks():
        yield chunk.head(left)
        left -= chunk.height
        if left <= 0:
            return


def _numbers(name: str, frame: Any) -> Array:
    from chainrule.tabular.formats.column_values import as_numbers, shown

    columns = []
    for column in frame.iter_columns():
        numbers = as_numbers(column).to_numpy()
        bad = ~np.isfinite(numbers)
        if bad.any():
            row = int(bad.argmax())
            raise ValueError(
                f"{name}: column {column.name!r} must hold a finite number in each row, got "
                f"{shown(column[row])}; a model of `chainrule train` encodes words and gaps"
            )
        columns.append(numbers)
    return np.stack(columns, axis=1)


def _whole(name: str, column: str, y: Array) -> Array:
    parts = y[y != np.floor(y)]
    if len(parts):
        must = f"column {column!r} must hold labels, whole numbers from 0"
        raise ValueError(f"{name}: {must}, got {parts[0]}")
    return y.astype(np.int64)
