"""Rows that are plainly made of numbers, read by the compiled engine.

Every number is the double nearest to its text, or the whole number, as polars reads it too; what is
written in any less plain way is left to polars.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from chainrule import engine

NUMBERS = (pl.Int64(), pl.Float64())
"""The kinds of columns that hold numbers: whole ones, and any."""


def plain_numbers(
    rows: bytes, delimiter: str, kinds: Mapping[str, Any], places: Sequence[int] | None = None
) -> pl.DataFrame | None:
    r"""Return rows as columns, or those in some places; None where one is not plainly of numbers.

    A field of a column of whole numbers has digits, perhaps behind a minus; another begins and ends
    with a digit, or is empty, which is null.

    >>> kinds = {"a": pl.Int64(), "b": pl.Float64()}
    >>> plain_numbers(b"1,two\n", ",", kinds) is None
    True
    """
    if engine.native is None or not all(kind in NUMBERS for kind in kinds.values()):
        return None
    whole = np.array([kind == NUMBERS[0] for kind in kinds.values()], np.uint8)
    lines = int(np.count_nonzero(np.frombuffer(rows, np.uint8) == ord("\n")))
    columns = np.empty((len(whole), lines))
    empty = engine.native.read_numbers(text=rows, delimiter=delimiter, whole=whole, columns=columns)
    if empty < 0:
        return None
    frame = pl.DataFrame(
        [
            pl.Series(name, column.view(np.int64) if is_whole else column)
            for name, column, is_whole in zip(kinds, columns, whole, strict=True)
        ]
    )
    frame = frame if places is None else frame[:, list(places)]
    return frame.fill_nan(None) if empty else frame
