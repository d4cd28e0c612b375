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
        self.step: int = 0
        self._first: pl.Series | None = None
        self._last: pl.Series | None = None
        self._open = kind(dtype) in ("integer", "float", "text")

    def add(self, column: pl.Series) -> None:
        """Take in the next rows; whether floats are whole is for others to see."""
        if not self._open or column.is_empty():
            return
        numbers = plain(column).cast(pl.Int64, strict=False).alias("")
        self._first = numbers[:1] if self._first is None else self._first
        if self._last is not None:
            numbers = pl.concat([self._last, numbers])
        self._last = numbers[-1:]
        self._take(_step(numbers), alone=len(numbers) == 1)

    def _take(self, step: int, *, alone: bool) -> None:
        """Take in the step between rows, or that there is none with one row alone."""
        self._open = alone or step in ((1, -1) if self.step == 0 else (self.step,))
        self.step = step if self._open else 0

    def merge(self, behind: RowSteps) -> None:
        """Take in the rows behind these, as another has them.

        >>> one, other = RowSteps(pl.Int64()), RowSteps(pl.Int64())
        >>> one.add(pl.Series([3, 4])), other.add(pl.Series([5, 6, 7]))
        (None, None)
        >>> one.merge(other)
        >>> one.step
        1
        """
        if not (self._open and behind._open):
            self._open, self.step = False, 0
            return
        if behind._first is None:
            return
        if self._last is not None:
            self._take(_step(pl.concat([self._last, behind._first])), alone=False)
        if self._open and behind.step:
            self._take(behind.step, alone=False)
        self._first = behind._first if self._first is None else self._first
        self._last = behind._last


def _step(numbers: pl.Series) -> int:
    """Return the one step between all neighbours, if it is 1 or -1, or else 0."""
    if len(numbers) < 2 or numbers.null_count():
        return 0
    first, last = int(numbers[0]), int(numbers[-1])
    step = int(numbers[1]) - first
    if abs(step) != 1 or last - first != step * (len(numbers) - 1):
        return 0
    return step if (numbers.diff(null_behavior="drop") == step).all() else 0
