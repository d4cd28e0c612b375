"""The way in and out: tables, sparse matrices and arrays of other libraries to NumPy, and back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_array_api_obj
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.exceptions import DataConversionWarning
from sklearn.utils.validation import validate_data

from chainrule.errors import check_unmasked, check_weights
from chainrule.fitting.sklearn_versions import to_numpy
from chainrule.sparse_rows import as_rows, dense, is_sparse
from chainrule.warn import warn

Array = NDArray[Any]

ACCEPTED: dict[str, Any] = {"accept_sparse": ("csr", "csc"), "dtype": (np.float64, np.float32)}


def library(given: Any) -> str:
    """Return the name of the library that an array is of; for all that is no array, NumPy's.

    >>> library(np.ones(2)), library([1, 2])
    ('numpy', 'numpy')
    """
    foreign = not isinstance(given, np.ndarray) and is_array_api_obj(given)
    return str(array_namespace(given).__name__) if foreign else "numpy"


def as_numpy(given: Any) -> Any:
    """Return an array of another library as NumPy's, and anything else as it is.

    >>> as_numpy("a")
    'a'
    """
    return given if library(given) == "numpy" else to_numpy(given, array_namespace(given))


def like(given: Any, result: Array) -> Any:
    """Return numbers in the library of an array, on its device; text stays NumPy's.

    >>> like([1.0], np.array([2.0]))
    array([2.])
    """
    if library(given) == "numpy" or result.dtype.kind not in "biuf":
        return result
    return array_namespace(given).asarray(result, device=device(given))


def check_data(estimator: Any, X: Any, y: Any, *, first: bool) -> tuple[Array, Array]:
    """Return examples, which may be sparse rows, and targets, or raise and name what is wrong."""
    X, y = as_numpy(X), as_numpy(y)
    check_unmasked("y", y)
    _check_no_moments(X)
    check_present(y)
    try:
        X, y = validate_data(estimator, X, y, multi_output=True, reset=first, **ACCEPTED)
    except ValueError as error:
        raise _with_place(error, X) from None
    y = dense(y)
    return _rows(X), _in_a_row(y) if y.ndim == 2 and y.shape[1] == 1 else y


def check_no_rows(estimator: Any, X: Any, y: Any, *, first: bool) -> tuple[Array, Array]:
    """Return examples and targets of which there are none, on one of several ranks, as arrays."""
    checked = validate_data(estimator, as_numpy(X), reset=first, ensure_min_samples=0, **ACCEPTED)
    targets = np.asarray(as_numpy(y))
    if len(targets):
        raise ValueError(f"X has no rows and y has {len(targets)}; they must be as many")
    return _rows(checked), targets


def _rows(X: Any) -> Any:
    """Return a sparse matrix as the core has it, and an array as it is."""
    return as_rows("X", X) if is_sparse(X) else X


def _in_a_row(y: Array) -> Array:
    """Return a column as what scikit-learn wants in its place, with its warning."""
    warn(
        "A column-vector y was passed when a 1d array was expected. Please change the shape of y "
        "to (n_samples,), for example using ravel().",
        DataConversionWarning,
    )
    return y[:, 0]


def check_inputs(estimator: Any, X: Any, method: str) -> Any:
    """Return inputs to predict from, or raise and name what is wrong with them."""
    fitted, given = estimator._library, library(X)
    if fitted != given and get_config()["array_api_dispatch"]:
        kind = type(estimator).__name__
        raise ValueError(
            f"Inputs passed to {kind}.{method}() must use the same namespace as those passed to "
            f"fit(), {fitted}; got {given}"
        )
    X = as_numpy(X)
    _check_no_moments(X)
    try:
        return validate_data(estimator, X, reset=False, **ACCEPTED)
    except ValueError as error:
        raise _with_place(error, X) from None


def check_sample_weight(
    given: Any, X: Array, what: str = "sample_weight", *, whole: bool = True
) -> Array | None:
    """Return the weights of examples, None where there are none; one number stands for all.

    Those of a part of the examples may be 0 only, and there may be none.
    """
    if given is None:
        return None
    n = X.shape[0]
    weights = np.full(n, given) if np.isscalar(given) else as_numpy(given)
    if not (whole or n):
        return np.asarray(weights, np.float64)
    checked: Array = check_weights(weights, n, np.float64, np, what=what, whole=whole)
    return checked


def _check_no_moments(X: Any) -> None:
    """Raise where X hides values, or holds moments: their nanoseconds would be its numbers."""
    check_unmasked("X", X)
    dtypes = getattr(X, "dtypes", None)  # of a data frame
    kinds = [X.dtype] if isinstance(X, np.ndarray) else [] if dtypes is None else list(dtypes)
    for column, dtype in enumerate(kinds):
        if any(word in str(dtype).lower() for word in ("datetime", "timedelta")):
            named = column if isinstance(X, np.ndarray) else repr(list(X.columns)[column])
            raise TypeError(
                f"X must hold numbers, got {dtype} in column {named}; turn it into numbers, such "
                "as days since a date"
            )


def check_present(y: Any) -> None:
    """Raise ValueError where an entry of objects is missing: among words it would be one, 'nan'."""
    entries = getattr(y, "to_numpy", lambda: y)()
    if isinstance(entries, list | tuple) or getattr(
        getattr(entries, "dtype", None), "hasobject", False
    ):
        for row, entry in enumerate(entries):
            if is_missing(entry):
                raise ValueError(
                    f"Input y contains NaN or another missing value, {entry!r} in row {row}; leave "
                    "such rows out"
                )


def is_missing(entry: Any) -> bool:
    """Whether an object stands for no value.

    >>> is_missing(None), is_missing(math.nan), is_missing(0.0)
    (True, True, False)
    """
    # pandas' NA and NaT, without loading pandas
    nothing = entry is None or type(entry).__name__ in ("NAType", "NaTType")
    return nothing or (isinstance(entry, float) and math.isnan(entry))


def _with_place(error: ValueError, X: Any) -> ValueError:
    """Add to an error about values that are not finite where the first of them stands."""
    text = str(error)
    if not text.startswith("Input X contains"):
        return error
    row, column = _first_not_finite(X)
    names = getattr(X, "column_names", None) or getattr(X, "columns", None)
    named = column if names is None else repr(list(names)[column])
    first, _, rest = text.partition("\n")
    return ValueError(f"{first} The first is in column {named}, row {row}.\n{rest}".rstrip())


def _first_not_finite(X: Any) -> tuple[int, int]:
    if is_sparse(X):
        entries = X.tocoo()
        k = int(np.argmin(np.isfinite(entries.data)))
        return int(entries.row[k]), int(entries.col[k])
    # NaN stands for what pandas calls missing
    pandas = hasattr(X, "iloc")
    numbers = X.to_numpy(np.float64, na_value=np.nan) if pandas else np.asarray(X, np.float64)
    k = int(np.argmin(np.isfinite(numbers)))
    return k // numbers.shape[1], k % numbers.shape[1]
