"""Whether a column counts the rows: whole numbers that rise, or fall, by one from each to the next.

It is judged on every row of a table in its order, those without a target too.
"""

from __future__ import annotations

import polars as pl

from chainrule.tabular.formats.column_values import kind, plain


class RowSteps:
    """The step from each row to the next so far: 1 or -1, or 0 where there is no such one.

    >>> steps = RowSteps(pl.Int64())
    >>> for piece in ([7], [8, 9], [10]):
    ...     steps.add(pl.Series(piece))
    >>> steps.step
    1
    """

    def __init__(self, dtype: pl.DataType) -> None:
        self.step = 0
        self._last: pl.Series | None = None
        self._open = kind(dtype) in ("integer", "float", "text")

    def add(self, column: pl.Series) -> None:
        """Take in the next rows; whether floats are whole is for others to see."""
        if not self._open or column.is_empty():
            return
        numbers = plain(column).cast(pl.Int64, strict=False).alias("")
        if self._last is not None:
            numbers = pl.concat([self._last, numbers])
        self._last = numbers[-1:]
        step = _step(numbers)
        self._open = step in ((1, -1) if self.step == 0 else (self.step,)) or len(numbers) == 1
        self.step = step if self._open else 0


def _step(numbers: pl.Series) -> int:
    """Return the one step between all neighbours, if it is 1 or -1, or else 0."""
    if len(numbers) < 2 or numbers.null_count():
        return 0
    first, last = int(numbers[0]), int(numbers[-1])
    step = int(numbers[1]) - first
    if abs(step) != 1 or last - first != step * (len(numbers) - 1):
        return 0
    return step if (numbers.diff(null_behavior="drop") == step).all() else 0
