r"""A column of text as numbers: TF-IDF of the parts of its words, in the directions of most spread.

c        how often a part stands in a text
idf      (parts,)               ln((1 + texts) / (1 + texts with the part)) + 1
w        (n, parts)             (1 + ln c) idf, divided by its length: each text has length 1
V        (parts, components)    the directions: x = w V

Sources: Salton and Buckley (1988), Term-weighting approaches in automatic text retrieval;
Deerwester and others (1990), Indexing by latent semantic analysis.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainrule.streams import Stream, generator
from chainrule.tabular.columns.text_parts import components, some_texts
from chainrule.tabular.encoding.column_encoders import (
    DifferentWords,
    Encoder,
    Features,
    ScaleFactor,
    standardised,
)
from chainrule.tabular.formats.column_values import as_words, count, kind
from chainrule.tabular.formats.notes import Notes
from chainrule.tabular.formats.text_words import parts_of, words_of
from chainrule.tabular.table_error import TableError
from chainrule.value_types import Must

Array = NDArray[Any]

SOME = Must("some values, at least one", bool)

WEAK = 1e-4
"""A direction in which texts spread so much less than in the first is none: x is 0."""


@dataclass(frozen=True)
class TextParts:
    """What is known of a text's numbers beside the arrays, as plain data.

    >>> TextParts("says", ("bad", "goo"), centres=(0.5,), scale=2.0, missing=False).kind
    'Text'
    """

    kind: ClassVar[str] = "Text"
    column: str
    parts: Annotated[DifferentWords, SOME]
    centres: Annotated[tuple[float, ...], SOME]
    scale: ScaleFactor
    missing: bool


@dataclass(frozen=True, eq=False)
class TextEncoder(Encoder):
    """The text of a column in a few numbers about 0; what is missing is 0 throughout.

    All have one scale, so that the first directions, which tell texts apart the most, count most.

    >>> texts = pl.Series("says", ["good wine", "good beer", "bad wine", None])
    >>> fit_text(texts, ("bad", "goo"), missing=True).features
    ('says text 1', 'says missing')
    """

    data: TextParts
    idf: Array
    V: Array

    @property
    def record(self) -> TextParts:
        """What a file tells of it beside arrays."""
        return self.data

    @property
    def column(self) -> str:  # type: ignore[override]
        """The column."""
        return self.data.column

    @property
    def features(self) -> tuple[str, ...]:
        """The column and the number of each component, and whether it is missing."""
        numbers = (f"text {k + 1}" for k in range(len(self.data.centres)))
        more = ("missing",) * self.missing
        return tuple(f"{self.column} {name}" for name in (*numbers, *more))

    @property
    def missing(self) -> bool:
        """Whether the last feature says that there is no text."""
        return self.data.missing

    @property
    def arrays(self) -> dict[str, Array]:
        """The arrays by their names."""
        return {"idf": self.idf, "components": self.V}

    @classmethod
    def of(cls, data: TextParts, name: str, arrays: dict[str, Array]) -> TextEncoder:
        """Return the encoder of its data and of arrays whose names begin so, which are taken out.

        Raises ValueError where they do not fit together.
        """
        parts, size = len(data.parts), len(data.centres)
        idf = _taken(f"{name}idf", arrays, (parts,))
        return cls(data, idf, _taken(f"{name}components", arrays, (parts, size)))

    def check(self, series: pl.Series, first: int) -> None:
        """Raise TableError for types that have no words."""
        if kind(series.dtype) == "other" and series.null_count() < len(series):
            held = f"column {self.column!r} held text in training"
            raise TableError(f"{held}, holds {series.dtype} here")

    def write(self, series: pl.Series, out: Features, notes: Notes) -> None:
        """Write the numbers of each text, and whether it is missing."""
        texts = as_words(series)
        counts = counted(texts, self._codes)
        x = projected(counts, self.idf, self.V)
        missing = texts.is_null()
        x[missing.to_numpy()] = self.data.centres
        numbers = standardised(x - np.array(self.data.centres), 0, self.data.scale)
        out[:, : len(self.data.centres)] = numbers
        if self.data.missing:
            out[:, -1] = missing.to_numpy()
        else:
            notes.add(self.column, "missing", count(missing))
        _note_strange(self.column, texts, counts, notes)

    @cached_property
    def _codes(self) -> pl.Enum:
        return pl.Enum(self.data.parts)


def _taken(name: str, arrays: dict[str, Array], shape: tuple[int, ...]) -> Array:
    """Take an array of float32 out of others, and return it; raise ValueError where it is none."""
    if name not in arrays:
        raise ValueError(f"the array {name!r} is missing")
    array = arrays.pop(name)
    if array.shape != shape or array.dtype != np.float32:
        raise ValueError(
            f"the array {name!r} must be of float32 and shape {shape}, got {array.dtype} and "
            f"shape {array.shape}"
        )
    return array


def projected(counts: Any, idf: Array, V: Array) -> NDArray[np.float64]:
    """Return x (n, components) for the counts of parts (n, parts).

    >>> from scipy.sparse import csr_array
    >>> projected(csr_array([[1, 1], [0, 0]]), np.array([3.0, 4.0]), np.eye(2))
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    w, rows = counts.copy(), np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    w.data = _logarithms(counts.data) * idf[counts.indices]
    squares = np.bincount(rows, w.data**2, minlength=counts.shape[0])
    return np.asarray(w @ V) / np.sqrt(np.where(squares > 0, squares, 1))[:, None]


def _logarithms(counts: Array) -> NDArray[np.float64]:
    """Return 1 + ln c, from a table of those that occur."""
    return np.asarray((1 + np.log(np.arange(1, counts.max(initial=1) + 1)))[counts - 1])


def counted(texts: pl.Series, codes: pl.Enum) -> Any:
    """Return how often each part stands in each text: a sparse matrix (texts, parts).

    >>> counted(pl.Series(["hat hats", "cat"]), pl.Enum([" ca", "hat"])).toarray()
    array([[0, 2],
           [1, 0]])
    """
    from scipy.sparse import csr_array

    size = len(codes.categories)
    found = csr_array((len(texts), size), dtype=np.int64)
    for words in words_of(texts):
        found += _of_words(words, codes, (len(texts), size))
    return found


def _of_words(words: pl.DataFrame, codes: pl.Enum, shape: tuple[int, int]) -> Any:
    """Return the counts of the parts of some words: those of words in texts, and of parts in words.

    Each word is taken apart once.
    """
    different = words["word"].unique().sort()
    of = words["word"].cast(pl.Enum(different)).to_physical()
    parts = parts_of(different).with_columns(pl.col("part").cast(codes, strict=False).to_physical())
    parts = parts.drop_nulls()
    in_texts = _matrix(words["place"], of, (shape[0], len(different)))
    found = in_texts @ _matrix(parts["of"], parts["part"], (len(different), shape[1]))
    found.sort_indices()  # in whatever order they were found
    return found


def _matrix(rows: pl.Series, columns: pl.Series, shape: tuple[int, int]) -> Any:
    """Return how often each pair of a row and a column comes."""
    from scipy.sparse import coo_array

    ones = np.ones(len(rows), np.int64)
    return coo_array((ones, (rows.to_numpy(), columns.to_numpy())), shape).tocsr()


def _note_strange(column: str, texts: pl.Series, counts: Any, notes: Notes) -> None:
    """Note texts that have something, but no part that is known."""
    strange = pl.Series(np.diff(counts.indptr) == 0) & texts.is_not_null() & (texts != "")
    if strange.any():
        notes.add(column, "strange", count(strange), texts.filter(strange)[0])


def fit_text(texts: pl.Series, parts: tuple[str, ...], *, missing: bool) -> TextEncoder:
    """Return the encoder of a column, fitted to some of its texts by scikit-learn's transformers.

    One thread does it, so that the bits do not depend on how many there are.

    >>> encoder = fit_text(pl.Series("says", ["a hat", "hats"]), (" ha", "at "), missing=False)
    >>> encoder.V.shape, encoder.data.parts
    ((2, 1), (' ha', 'at '))
    """
    from sklearn.feature_extraction.text import TfidfTransformer
    from threadpoolctl import threadpool_limits

    texts = as_words(texts)
    counts = counted(some_texts(texts), pl.Enum(parts))
    weighing = TfidfTransformer(sublinear_tf=True)
    with threadpool_limits(1):
        V = _directions(weighing.fit_transform(counts.astype(np.float32)), components(texts, parts))
    idf = weighing.idf_.astype(np.float32)
    x = projected(counts, idf, V)
    centres, scale = x.mean(axis=0).tolist(), float(x.std(axis=0).max()) or 1.0
    data = TextParts(texts.name, parts, tuple(centres), scale, missing)
    return TextEncoder(data, idf, V)


def _directions(w: Any, size: int) -> Array:
    """Return V, the directions of most spread; 0 for those without any."""
    from sklearn.decomposition import TruncatedSVD

    seed = int(generator(Stream.TEXTS).integers(2**31))
    svd = TruncatedSVD(size, random_state=seed).fit(w)
    spread = svd.singular_values_
    V = np.where(spread[:, None] > WEAK * spread[0], svd.components_, 0).T
    return V.astype(np.float32)
