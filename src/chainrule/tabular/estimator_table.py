"""What an estimator is handed, as a table: frames as they are, arrays with names for their columns.

X   (n, columns)      y   (n,) classes or numbers
"""

from __future__ import annotations

import datetime
import numbers
from collections.abc import Collection
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainrule.distributed import Ranks
from chainrule.errors import check_unmasked
from chainrule.estimators.inputs import as_numpy, check_present, is_missing
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.formats.column_values import shown

Array = NDArray[Any]

OF_POLARS = frozenset("?bBhHiIlLqQfd")
"""The types of numbers that polars has too, by NumPy's letters."""


NUMBER = numbers.Real | np.bool_
KINDS = (str, bool | np.bool_, NUMBER, datetime.date)
"""What a column of objects may hold; the first that suits all of them."""


def is_frame(X: Any) -> bool:
    """Whether X is a frame, or is refused as one with what to write: a lazy one, a dictionary.

    >>> is_frame(pl.DataFrame()), is_frame([[1.0]]), is_frame(np.ones((1, 1)))
    (True, False, False)
    """
    import narwhals as nw

    known = nw.dependencies.is_into_dataframe(X) or type(X) is dict  # a sparse matrix may be one
    return bool(known) or any(hasattr(X, name) for name in ("collect", "to_pydict"))


def frame_of(X: Any, ranks: Ranks | None = None) -> pl.DataFrame:
    """Return a frame of polars, pandas, Arrow or another library that narwhals knows as polars'.

    Where it is a part of what several ranks have, it may have no rows.

    >>> frame_of(pl.DataFrame({"size": [1.5]})).columns
    ['size']
    """
    return open_source(X, ranks=ranks).whole()


def unwrapped(given: Any) -> Any:
    """Return what narwhals has wrapped, and anything else as it is.

    >>> unwrapped("size")
    'size'
    """
    import narwhals as nw

    return nw.to_native(given, pass_through=True)


def labels_of(y: Any) -> Any:
    """Return a column of a frame as an array of its own type, and anything else as it is.

    >>> labels_of(pl.Series([True, False])).tolist(), labels_of("size")
    ([True, False], 'size')
    """
    check_unmasked("y", y)
    y = as_numpy(unwrapped(y))
    y = y.to_pylist() if hasattr(y, "to_pylist") else y  # of Arrow
    check_present(y)
    return y.to_numpy() if hasattr(y, "to_numpy") else y


def names_of_targets(y: Any, values: Array) -> list[str]:
    """Return what y is called, or each of its columns: by its own names, or y0, y1 and so on.

    >>> (
    ...     names_of_targets(pl.Series("price", [1]), np.ones(1)),
    ...     names_of_targets([[1, 2]], np.ones((1, 2))),
    ... )
    (['price'], ['y0', 'y1'])
    """
    if values.ndim == 1:
        name = getattr(y, "name", None)
        return [name if isinstance(name, str) and name else "y"]
    names = list(getattr(unwrapped(y), "columns", ()))
    named = len({*names}) == len(names) and all(isinstance(each, str) and each for each in names)
    return names if names and named else [f"y{k}" for k in range(values.shape[1])]


def as_array(X: Any) -> Any:
    """Return lists as arrays whose numbers stay numbers beside words, and anything else as it is.

    >>> as_array([[1, "a"], [2, "b"]]).tolist()
    [[1, 'a'], [2, 'b']]
    """
    check_unmasked("X", X)
    if not isinstance(X, list | tuple):
        return X
    found = np.asarray(X)
    return np.asarray(X, object) if found.dtype.kind in "USO" else found


def frame_of_array(X: Array) -> pl.DataFrame:
    """Return an array as a frame with the columns x0, x1 and so on, each of one kind of value.

    >>> frame_of_array(np.array([[1, "a"], [2.5, None]], object)).to_dict(as_series=False)
    {'x0': [1.0, 2.5], 'x1': ['a', None]}
    """
    names = [f"x{k}" for k in range(X.shape[1])]
    if X.dtype.kind not in "biufUMO":
        raise TypeError(f"X must hold numbers, words, dates or objects of these, got {X.dtype}")
    if X.dtype.kind == "O":
        columns = zip(names, X.T.tolist(), strict=True)
        return pl.DataFrame([_of_objects(name, values) for name, values in columns])
    return pl.DataFrame(native(X), schema=names)


def numbers_of(frame: pl.DataFrame, given: Collection[str]) -> list[str]:
    """Return which columns of an array are numbers, besides those of which something is given.

    No name says what else they may be.

    >>> numbers_of(pl.DataFrame({"x0": [1], "x1": ["a"], "x2": [2]}), {"x2"})
    ['x0']
    """
    return [
        column.name
        for column in frame.iter_columns()
        if column.dtype.is_numeric()
        and column.name not in given
        and column.fill_nan(None).null_count() < len(column)
    ]


def native(values: Array) -> Array:
    """Return numbers in a type that polars has too, and anything else as it is.

    >>> native(np.ones(2, np.float16)).dtype, native(np.ones(2, ">i4")).dtype
    (dtype('float64'), dtype('float64'))
    """
    known = values.dtype.isnative and values.dtype.char in OF_POLARS
    return values if known or values.dtype.kind not in "fiuO" else values.astype(np.float64)


def _of_objects(name: str, given: list[Any]) -> pl.Series:
    """Return a column of objects, which must be of one kind."""
    values = [None if is_missing(value) else value for value in given]
    known = [value for value in values if value is not None]
    kind = next((kind for kind in KINDS if all(isinstance(x, kind) for x in known)), None)
    if kind is None:
        firsts = {type(value).__name__: shown(value) for value in reversed(known)}
        held = " and ".join(f"{name} ({first})" for name, first in firsts.items())
        raise TypeError(
            f"X holds {held} in column {name}: in each column the argument must be of strings, of "
            "numbers, of Booleans or of dates alone"
        )
    number = kind is NUMBER
    return pl.Series(name, [float(x) if number and x is not None else x for x in values])


def check_no_infinity(frame: pl.DataFrame) -> None:
    """Raise ValueError for an infinite number, with its place.

    >>> check_no_infinity(pl.DataFrame({"size": [1.5, float("inf")]}))
    Traceback (most recent call last):
    ...
    ValueError: Input X contains infinity in column 'size', row 1; make it NaN, which means missing
    """
    for column in frame.iter_columns():
        if column.dtype.is_float() and (infinite := column.is_infinite()).any():
            raise ValueError(
                f"Input X contains infinity in column {column.name!r}, row "
                f"{infinite.arg_max()}; make it NaN, which means missing"
            )


def with_column(frame: pl.DataFrame, name: Any, values: Array) -> tuple[pl.DataFrame, str]:
    """Return a frame with one column more, and its name: the one wished for if there is none such.

    >>> with_column(pl.DataFrame({"y": [1]}), "y", np.array([2]))[0].columns
    ['y', 'y_']
    """
    while name in frame.columns:
        name += "_"
    given = values.tolist() if values.dtype.kind == "O" else native(values)
    return frame.with_columns(pl.Series(name, given)), name
