"""A column of many categories as few numbers: means of the target, and the number of a vector.

C       categories
means   (names · C)   of each number that they are of, its mean in each category, standardised
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainrule.codec import Different
from chainrule.tabular.encoding.column_encoders import (
    DifferentWords,
    Encoder,
    Features,
    check_has_words,
)
from chainrule.tabular.formats.column_values import as_words, count
from chainrule.tabular.formats.notes import Notes
from chainrule.tabular.formats.spelling import as_known, plainly
from chainrule.value_types import Count

NONE = -1
"""The code of what is no category that is known."""


@dataclass(frozen=True)
class ManyEncoder(Encoder):
    """One of many categories: what the target is in it, the number of its vector, or both.

    What is missing, or no category that is known, has means of 0. The first `vectors` categories
    have a vector each; all others get the mean of these. `other` says that training had categories
    besides those that are known.

    >>> from chainrule.tabular.formats.notes import Notes
    >>> encoder = ManyEncoder(
    ...     "agent", ("9", "14"), ("mean",), (0.5, -1.0), vectors=1, other=False, missing=True
    ... )
    >>> encoder.features
    ('agent mean', 'agent level', 'agent missing')
    >>> encoder.write(pl.Series([14, 9, None, 7]), X := np.zeros((4, 3), "f4"), Notes())
    >>> X.tolist()
    [[-1.0, -1.0, 0.0], [0.5, 0.0, 0.0], [0.0, -1.0, 1.0], [0.0, -1.0, 0.0]]
    """

    kind: ClassVar[str] = "Many"
    column: str
    categories: DifferentWords
    names: Annotated[tuple[str, ...], Different]
    means: tuple[float, ...]
    vectors: Count
    other: bool
    missing: bool

    def __post_init__(self) -> None:
        if len(self.means) != len(self.names) * len(self.categories):
            raise ValueError(f"the means must be {len(self.names)} for each of the categories")
        if self.vectors > len(self.categories):
            raise ValueError(
                f"the vectors must be at most those of {len(self.categories)} categories"
            )

    @property
    def features(self) -> tuple[str, ...]:
        """The means, the number of the vector, and whether the column is missing."""
        more = ("level",) * bool(self.vectors) + ("missing",) * self.missing
        return tuple(f"{self.column} {name}" for name in (*self.names, *more))

    @property
    def numbers(self) -> int:  # type: ignore[override]
        """The means."""
        return len(self.names)

    @property
    def levels(self) -> tuple[int, ...]:
        """So many as have a vector, of its number."""
        vectors = (self.vectors,) if self.vectors else ()
        return (*(0 for _ in self.names), *vectors, *(0,) * self.missing)

    @cached_property
    def _codes(self) -> pl.Enum:
        return pl.Enum(self.categories)

    @cached_property
    def _table(self) -> Features:
        """The means in the order of the categories, (C + 1, names); 0 in the last."""
        table = np.zeros((len(self.categories) + 1, len(self.names)), np.float32)
        table[:-1] = (
            np.array(self.means, np.float32).reshape(len(self.names), len(self.categories)).T
        )
        return table

    def check(self, series: pl.Series, first: int) -> None:
        """Raise TableError for types that have no words."""
        check_has_words(self.column, series)

    def codes(self, series: pl.Series) -> NDArray[np.int64]:
        """Return which category each row has, `NONE` for none that is known.

        >>> encoder = ManyEncoder("shop", ("1", "2"), (), (), vectors=2, other=True, missing=True)
        >>> encoder.codes(pl.Series(["2", "1.0", "3", None]))
        array([ 1,  0, -1, -1])
        """
        words = as_words(series)
        codes = words.cast(self._codes, strict=False).to_physical()
        if codes.null_count() > words.null_count():
            words = as_known(words, self.categories, plainly)
            codes = words.cast(self._codes, strict=False).to_physical()
        return codes.cast(pl.Int64).fill_null(NONE).to_numpy()

    def write(self, series: pl.Series, out: Features, notes: Notes) -> None:
        """Write the means of each row's category, and its number."""
        codes, width = self.codes(series), len(self.names)
        out[:, :width] = self._table[codes]
        if self.vectors:
            out[:, width] = np.where(codes < self.vectors, codes, NONE)
        if (codes == NONE).any():
            self._write_rest(series, codes, out, notes)

    def _write_rest(
        self, series: pl.Series, codes: NDArray[np.int64], out: Features, notes: Notes
    ) -> None:
        words = as_words(series)
        missing = words.is_null()
        if self.missing:
            out[:, -1] = missing.to_numpy()
        else:
            notes.add(self.column, "missing", count(missing))
        unseen = pl.Series(codes == NONE) & ~missing
        if unseen.any() and not self.other:
            notes.add(self.column, "unseen", count(unseen), words.filter(unseen)[0])
