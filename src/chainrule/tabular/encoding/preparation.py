"""A table's columns as the inputs of a network: fitted to a survey, then plain data.

n          rows
features   inputs of the network, in the order of the columns
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, TypedDict

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainrule import codec
from chainrule.codec import to_data
from chainrule.tabular.columns.category_limits import MAX_CATEGORIES
from chainrule.tabular.columns.column_decisions import frequencies
from chainrule.tabular.columns.decision import Decision
from chainrule.tabular.columns.survey import MOST, Column, Survey
from chainrule.tabular.encoding.column_encoders import (
    TINIEST,
    CategoryEncoder,
    Cycle,
    DateEncoder,
    Encoder,
    Features,
    NumberEncoder,
    RankEncoder,
    ranked,
)
from chainrule.tabular.encoding.many_categories import ManyEncoder
from chainrule.tabular.encoding.text_encoder import TextEncoder, TextParts, fit_text
from chainrule.tabular.formats.column_values import as_moments, as_numbers, unknown_column
from chainrule.tabular.formats.notes import Notes
from chainrule.tabular.table_error import TableError

Array = NDArray[Any]

BLOCK = 16_384
"""The rows that are written together: what they become stays in the processor's caches."""

MOST_STORED = 100_000
"""The most words and means that a model keeps of all its columns of many categories."""

MOST_WRITTEN = 2_000_000
"""The most characters that these words take in a file, whose header has room for twice as many."""

CYCLES_FROM: dict[Cycle, timedelta] = {
    "month": timedelta(days=365),
    "weekday": timedelta(days=7),
    "hour": timedelta(days=1),
}
"""The span of dates from which each cycle is seen whole."""


class PreparationData(TypedDict):
    """A preparation as data."""

    encoders: list[
        NumberEncoder | DateEncoder | CategoryEncoder | ManyEncoder | RankEncoder | TextParts
    ]


@dataclass(frozen=True)
class Preparation:
    """How a table's columns become inputs: an encoder for each feature or few.

    >>> import polars as pl
    >>> prep = Preparation(
    ...     (NumberEncoder("age", centre=40.0, scale=10.0, missing=True, text=False),)
    ... )
    >>> prep.transform(pl.DataFrame({"age": [40, None], "name": ["Ann", "Bo"]}))
    array([[0., 0.],
           [0., 1.]], dtype=float32)
    """

    encoders: tuple[Encoder, ...]

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the features."""
        return tuple(name for encoder in self.encoders for name in encoder.features)

    @cached_property
    def levels(self) -> tuple[int, ...]:
        """Of each feature how many vectors it numbers; 0 where it is a number in its own right."""
        return tuple(count for encoder in self.encoders for count in encoder.levels)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns that a table must have."""
        return tuple(dict.fromkeys(encoder.column for encoder in self.encoders))

    @cached_property
    def places(self) -> dict[str, list[int]]:
        """The places of the features that come of each column.

        >>> age = NumberEncoder("age", centre=40.0, scale=10.0, missing=True, text=False)
        >>> Preparation((age,)).places
        {'age': [0, 1]}
        """
        of: dict[str, list[int]] = {}
        for encoder, start, end in self._spans():
            of.setdefault(encoder.column, []).extend(range(start, end))
        return of

    @cached_property
    def lacking(self) -> dict[str, int]:
        """The place of the feature that says that a column has no value, where there is one.

        >>> age = NumberEncoder("age", centre=40.0, scale=10.0, missing=True, text=False)
        >>> Preparation((age,)).lacking
        {'age': 1}
        """
        return {
            encoder.column: end - 1
            for encoder, _, end in self._spans()
            if getattr(encoder, "missing", False)
        }

    @cached_property
    def crossed(self) -> list[int]:
        """The places of means of the target: in equal rows in training they need not be equal."""
        return [
            start + k
            for encoder, start, _ in self._spans()
            if isinstance(encoder, ManyEncoder)
            for k in range(encoder.numbers)
        ]

    @cached_property
    def one_hot(self) -> tuple[tuple[int, int], ...]:
        """The places of each category's features, of which at most one is 1 in a row.

        >>> cut = CategoryEncoder("cut", ("a", "b"), base=None, other=False, missing=True)
        >>> Preparation((cut,)).one_hot
        ((0, 3),)
        """
        return tuple(
            (start, end)
            for encoder, start, end in self._spans()
            if isinstance(encoder, CategoryEncoder)
        )

    def _spans(self) -> Iterator[tuple[Encoder, int, int]]:
        """Yield each encoder with the place of its first feature and that behind its last."""
        start = 0
        for encoder in self.encoders:
            end = start + len(encoder.features)
            yield encoder, start, end
            start = end

    def transform(
        self, frame: pl.DataFrame, notes: Notes | None = None, *, first: int = 1
    ) -> Features:
        """Return the inputs for a frame, shape (n, features), float32.

        What training did not know is counted in `notes`. `first` is the number of the frame's
        first row in its table, for messages. Raises TableError for columns that are missing or
        hold another type than in training.
        """
        self._check(frame, first)
        notes = Notes() if notes is None else notes
        X = np.zeros((frame.height, len(self.feature_names)), np.float32)
        for k, block in enumerate(frame.iter_slices(BLOCK)):
            self._write(block, X[k * BLOCK : (k + 1) * BLOCK], notes)
        return X

    def _check(self, frame: pl.DataFrame, first: int) -> None:
        there = set(frame.columns)
        missing = [name for name in self.columns if name not in there]
        if missing:
            column = unknown_column("column", missing[0], frame.columns)
            also = f"; missing too: {', '.join(map(repr, missing[1:]))}" if missing[1:] else ""
            raise TableError(f"the table lacks what the model was trained on: {column}{also}")
        for encoder in self.encoders:
            encoder.check(frame.get_column(encoder.column), first)

    def _write(self, block: pl.DataFrame, X: Features, notes: Notes) -> None:
        start = 0
        for encoder in self.encoders:
            width = len(encoder.features)
            encoder.write(block.get_column(encoder.column), X[:, start : start + width], notes)
            start += width

    def to_data(self) -> dict[str, Any]:
        """Return the preparation as JSON values, floats to the bit."""
        return {"encoders": [to_data(encoder.record) for encoder in self.encoders]}

    def arrays(self) -> dict[str, Array]:
        """Return what is too large for JSON values: the arrays of each encoder, by name."""
        return {
            f"encoders.{k}.{name}": array
            for k, encoder in enumerate(self.encoders)
            for name, array in encoder.arrays.items()
        }

    @classmethod
    def from_data(cls, data: Any, arrays: Mapping[str, Array] | None = None) -> Preparation:
        """Return the preparation that `to_data` wrote down, and `arrays` gave.

        Raises ValueError where it is none.
        """
        return cls.of(codec.read(data, PreparationData, "preparation"), dict(arrays or {}))

    @classmethod
    def of(cls, data: PreparationData, arrays: dict[str, Array]) -> Preparation:
        """Return the preparation of data that are as declared, and of arrays, which are taken out.

        >>> Preparation.of({"encoders": []}, {}).feature_names
        ()
        """
        parts = enumerate(data["encoders"])
        return cls(tuple(_with_arrays(part, f"encoders.{k}.", arrays) for k, part in parts))


def _with_arrays(part: Any, name: str, arrays: dict[str, Array]) -> Encoder:
    """Return an encoder of its data and, where it has some, of its arrays."""
    return TextEncoder.of(part, name, arrays) if isinstance(part, TextParts) else part


def fit_preparation(
    survey: Survey, decisions: Iterable[Decision], names: tuple[str, ...] = ()
) -> Preparation:
    """Return the preparation for the columns that are not left out, fitted to their survey.

    Numbers are centred on the median and divided by the distance between the quartiles, or, where
    that is 0, by the standard deviation; outliers are drawn in (see `standardised`). Means of the
    target have these names, and are 0 until `TargetMeans` has them.

    >>> import polars as pl
    >>> from chainrule.tabular.columns.column_decisions import decide
    >>> from chainrule.tabular.columns.survey import survey
    >>> found = survey([pl.DataFrame({"size": [1.0, 2.0, 4.0], "big": [False, False, True]})])
    >>> fit_preparation(found, decide(found)).feature_names
    ('size', 'big=true')
    """
    encoders: list[Encoder] = []
    decisions = tuple(decisions)
    share = max(1, sum(bool(decision.many) for decision in decisions))
    for decision in decisions:
        column = survey.columns[decision.column]
        if decision.role == "number":
            encoders.append(_number(survey, column))
        elif decision.role == "date":
            encoders.append(_date(survey, column))
        elif decision.role == "text":
            texts = survey.sample[column.name]
            encoders.append(fit_text(texts, decision.parts, missing=column.nulls > 0))
        elif decision.many:
            encoders.append(_many(survey, column, decision.many, names, share))
        elif decision.role == "category":
            encoders.append(_category(survey, column))
            if decision.order:
                encoders.append(_rank(survey, column, decision.order))
    return Preparation(tuple(encoders))


def _number(survey: Survey, column: Column) -> NumberEncoder:
    series = survey.sample[column.name]
    values = as_numbers(series)
    lost = column.values < column.rows
    if not values.is_finite().any():  # but in rows outside the sample
        values = pl.Series([column.least, column.greatest], dtype=pl.Float64)
    return NumberEncoder(column.name, *centre_and_scale(values), missing=lost, text=False)


def centre_and_scale(values: pl.Series) -> tuple[float, float]:
    """Return the median of the finite values, and the first measure of their spread that is one.

    >>> import polars as pl
    >>> centre_and_scale(pl.Series([0.0, 1.0, 2.0, 3.0, 100.0]))
    (2.0, 2.0)
    """
    x = values.to_numpy()
    x = np.sort(x[np.isfinite(x)])
    centre = _quantile(x, 0.5)
    if not math.isfinite(centre):
        centre = float(x[0] / 2 + x[-1] / 2)
    return centre, next((s for s in _spreads(x) if TINIEST < s < math.inf), 1.0)


def _spreads(x: NDArray[np.float64]) -> Iterator[float]:
    """Yield the measures of the spread of numbers that rise, each only where it is asked for."""
    yield _quantile(x, 0.75) - _quantile(x, 0.25)
    yield float(pl.Series(x).std(ddof=0) or 0.0)  # type: ignore[arg-type]
    yield float(x[-1] / 2 - x[0] / 2)


def _quantile(x: NDArray[np.float64], q: float) -> float:
    """Return a quantile of numbers that rise, on the line between its two neighbours."""
    place = q * (len(x) - 1)
    below = math.floor(place)
    low, high = float(x[below]), float(x[math.ceil(place)])
    return low + (high - low) * (place - below)


def _date(survey: Survey, column: Column) -> DateEncoder:
    moments = as_moments(survey.sample[column.name])
    lost = column.values < column.rows
    if moments.null_count() == len(moments):
        moments = as_moments(pl.Series([column.least, column.greatest]))
    span: Any = moments.max() - moments.min()  # type: ignore[operator]
    cycles = [name for name, least in CYCLES_FROM.items() if span >= least]
    if (moments.dt.truncate("1d") == moments).all():
        cycles = [name for name in cycles if name != "hour"]
    centre, scale = centre_and_scale(moments.to_physical().cast(pl.Float64).drop_nulls())
    return DateEncoder(column.name, centre, scale, tuple(cycles), missing=lost, text=False)


def _category(survey: Survey, column: Column) -> CategoryEncoder:
    words, other = _most_frequent(frequencies(survey, column), MAX_CATEGORIES)
    base = words.pop(0) if column.kind == "boolean" and len(words) == 2 else None
    return CategoryEncoder(column.name, tuple(words), base, other=other, missing=column.nulls > 0)


def _most_frequent(counts: dict[str, int], most: int) -> tuple[list[str], bool]:
    """Return the most frequent words in their order, and whether there are others."""
    if len(counts) <= most:
        return list(counts), False
    rare = set(sorted(counts, key=counts.__getitem__)[:-most])  # of equals the last remain, as
    return [word for word in counts if word not in rare], True  # scikit-learn chooses


def _many(
    survey: Survey, column: Column, many: str, names: tuple[str, ...], share: int
) -> ManyEncoder:
    """Return the encoder of many categories, whose means are not known yet.

    `share` is how many columns there are among which the room of a file is divided.
    """
    names, counts = names if many in ("means", "both") else (), frequencies(survey, column)
    length = sum(len(json.dumps(json.dumps(word))) for word in counts) // len(counts)
    stored = min(MOST_STORED // (1 + len(names)), MOST_WRITTEN // length)
    words, other = _most_frequent(counts, min(MOST, stored // share))
    return ManyEncoder(
        column.name,
        tuple(words),
        names,
        means=(0.0,) * (len(words) * len(names)),
        vectors=len(words) * (many in ("vectors", "both")),
        other=other or column.counts is None,
        missing=column.nulls > 0,
    )


def _rank(survey: Survey, column: Column, order: tuple[str, ...]) -> RankEncoder:
    ranks = ranked(survey.sample[column.name], order).drop_nulls()
    return RankEncoder(column.name, order, *centre_and_scale(ranks))
