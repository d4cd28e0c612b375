"""Frames of pandas, whose columns may have any name and hold anything: as polars has them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import polars as pl

from chainrule.tabular.files.arrow_types import in_known_zones
from chainrule.tabular.files.decode_errors import decoding
from chainrule.tabular.formats.column_values import as_words, different_names, shown
from chainrule.tabular.read_options import column_name
from chainrule.tabular.table_error import TableError


def from_pandas(frame: Any, *, numbered: bool = False) -> pl.DataFrame:
    """Return a frame of pandas with names that are text, its categories in their order.

    Names that come twice are `numbered`, or raise TableError, as does a column that cannot be
    read, with its name.

    >>> import pandas as pd
    >>> from_pandas(pd.DataFrame({3: [1.5], ("a", "b"): ["x"]})).columns
    ['3', 'a.b']
    """
    names = different_names(list(map(column_name, frame.columns)), numbered=numbered)
    columns = {name: frame.iloc[:, place] for place, name in enumerate(names)}
    plain = [place for place, name in enumerate(names) if _way(columns[name]) is None]
    try:
        made = _as_polars(frame.iloc[:, plain].set_axis([names[k] for k in plain], axis=1))
    except TableError:  # of one of them: which, is found below
        made = {}
    rest = {name: _column(name, columns[name]) for name in names if name not in made}
    return pl.DataFrame({name: (made | rest)[name] for name in names})


def _as_polars(frame: Any) -> dict[str, pl.Series]:
    import narwhals as nw

    if not frame.shape[1]:
        return {}
    with decoding("cannot be read"):
        made: pl.DataFrame = nw.from_native(frame, eager_only=True).to_polars()
    return in_known_zones(made, made.schema)[0].to_dict()


def _column(name: str, series: Any) -> pl.Series:
    """Return one column, or say which it is that cannot be read, and why."""
    way = _way(series) or (lambda series: series)
    try:
        with decoding("cannot be read"):
            made = way(series)
        if not isinstance(made, pl.Series):
            made = _as_polars(made.to_frame(name))[name]
        return made.alias(name)
    except TableError as error:
        fix = f"make it one kind, such as by frame[{series.name!r}].astype(str), or drop it"
        wrong = _of_several_types(series) or f"{error} ({series.dtype})"
        raise TableError(f"column {shown(name)} {wrong}; {fix}") from None


def _of_several_types(series: Any) -> str:
    """Return which types of values a column holds, where they are several, or ""."""
    firsts: dict[str, str] = {}
    for row, value in enumerate(series.array, start=1):
        if value is not None and value == value:  # noqa: PLR0124
            firsts.setdefault(type(value).__name__, f"{shown(value)} in row {row:,}")
    if len(firsts) < 2:
        return ""
    return "holds " + " and ".join(f"{name} ({first})" for name, first in firsts.items())


# Kinds of column that polars does not have


def _way(series: Any) -> Callable[[Any], Any] | None:
    """Return what makes a column one that polars has, or None where it is so already."""
    return _WAYS.get(type(series.dtype).__name__)


def _of_categories(series: Any) -> pl.Series:
    """Return a column of categories: in their order where they have one."""
    words = [_word(value) for value in series.cat.categories]
    if alike := [word for word, times in Counter(words).items() if times > 1]:
        raise ValueError(f"two of its categories are {alike[0]!r} in text")
    kind = pl.Enum(words) if series.cat.ordered else pl.Categorical()
    codes = pl.Series(series.cat.codes.to_numpy(), dtype=pl.Int64)
    return pl.Series(words, dtype=kind).gather(codes.set(codes < 0, None))


def _word(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return str(as_words(pl.Series([value])).item())
    except (TypeError, pl.exceptions.PolarsError):
        return str(value)


_WAYS: dict[str, Callable[[Any], Any]] = {
    "CategoricalDtype": _of_categories,
    "IntervalDtype": lambda series: series.astype("string"),
    "PeriodDtype": lambda series: series.dt.to_timestamp(),
    "SparseDtype": lambda series: series.sparse.to_dense(),
}
