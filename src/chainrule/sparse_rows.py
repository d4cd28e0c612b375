r"""Rows of which only the entries are kept: sparse arrays of SciPy, in the format CSR.

    X   (n, inputs)   of row r the entries are those from `X.indptr[r]` to `X.indptr[r + 1]`: their
                      columns in `X.indices`, their values in `X.data`; all others are 0

Here each column of a row comes once, and they stand in order: in that order sums are taken, so that
they have the bits of those of dense rows. Whoever has a sparse array has loaded SciPy, and nobody
else waits for it.
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from chainrule.errors import as_numbers, finite

MOST = 0.2
"""The largest share of entries with which sums over them take less time than over all numbers."""


def is_sparse(given: Any) -> bool:
    """Whether it is a sparse array or matrix of SciPy, of any format.

    >>> from scipy.sparse import csr_array
    >>> is_sparse(csr_array((2, 3))), is_sparse(np.zeros((2, 3)))
    (True, False)
    """
    loaded = sys.modules.get("scipy.sparse")
    return loaded is not None and bool(loaded.issparse(given))


def dense(X: Any) -> Any:
    """Return sparse rows as an array, and anything else as it is.

    >>> from scipy.sparse import csr_array
    >>> dense(csr_array([[0.0, 2.0]]))
    array([[0., 2.]])
    """
    return X.toarray() if is_sparse(X) else X


def column(X: Any, k: int) -> Any:
    """Return a column of examples, (n,), dense.

    >>> from scipy.sparse import csr_array
    >>> column(csr_array([[0.0, 2.0], [1.0, 0.0]]), 1)
    array([2., 0.])
    """
    return X[:, [k]].toarray()[:, 0] if is_sparse(X) else X[:, k]


def namespace(X: Any) -> Any:
    """Return the array library of examples: of sparse rows, NumPy.

    >>> namespace(np.ones(2)).__name__
    'array_api_compat.numpy'
    """
    return array_namespace(X.data if is_sparse(X) else X)


def taken(array: Any, rows: Any) -> Any:
    """Return some rows of an array: a slice, or those of an array of numbers.

    >>> taken(np.array([1, 2, 3]), np.array([2, 0]))
    array([3, 1])
    """
    if is_sparse(array):
        return array[rows]
    if isinstance(rows, slice):
        return array[rows, ...]
    return array_namespace(array).take(array, rows, axis=0)


def as_rows(what: str, given: Any) -> Any:
    """Return a sparse array as rows, as is said above; those of no two axes as they are.

    Where a column of a row comes twice, both are added, as SciPy does. What was given stays as it
    is.

    >>> from scipy.sparse import coo_array
    >>> as_rows("X", coo_array(([1.0, 2.0, 5.0], ([0, 0, 0], [2, 2, 1])), (1, 3))).data
    array([5., 3.])
    """
    from scipy.sparse import csr_array

    if given.ndim != 2:
        return given
    _check_structure(what, given)
    parts = (given.data, given.indices, given.indptr) if given.format == "csr" else given
    rows = csr_array(parts, shape=given.shape)  # anew, for what says that they are in order may lie
    as_numbers(what, rows.data)
    if not rows.has_canonical_format:
        rows = rows.copy()
        rows.sum_duplicates()
    return _rows(rows.data[: rows.indptr[-1]], rows)


def finite_entries(what: str, rows: Any, dtype: Any) -> Any:
    """Return rows with entries of a floating dtype, or say where one is not finite.

    >>> from scipy.sparse import csr_array
    >>> finite_entries("X", csr_array([[0.0, np.nan]]), np.float32)
    Traceback (most recent call last):
    ...
    ValueError: X must be finite, got nan at (0, 1); remove or impute such values
    """

    def place(k: int) -> tuple[int, int]:
        return int(np.searchsorted(rows.indptr, k, side="right")) - 1, int(rows.indices[k])

    return _rows(finite(what, rows.data, dtype, np, place=place), rows)


def in_form(X: Any, *, sparse: bool) -> Any:
    """Return examples as sparse rows, or dense.

    >>> in_form(np.array([[0.0, 3.0]]), sparse=True).data
    array([3.])
    """
    if is_sparse(X) == sparse:
        return X
    if not sparse:
        return dense(X)
    from scipy.sparse import csr_array

    return csr_array(X)


def pays(X: Any) -> bool:
    """Whether sparse rows are trained with faster than dense ones.

    >>> from scipy.sparse import csr_array
    >>> pays(csr_array([[0.0, 0.0, 2.0, 0.0, 0.0]])), pays(csr_array([[0.0, 1.0, 2.0]]))
    (True, False)
    """
    return bool(X.nnz <= MOST * X.shape[0] * X.shape[1])


class Entries(NamedTuple):
    """Rows as the engine reads them."""

    starts: NDArray[np.int64]
    columns: NDArray[np.int32]
    values: NDArray[Any]


def as_entries(rows: Any) -> Entries:
    """Return rows as the engine reads them, without a copy of columns and values.

    >>> from scipy.sparse import csr_array
    >>> as_entries(csr_array([[0.0, 2.0], [0.0, 0.0]])).starts
    array([0, 1, 1])
    """
    return Entries(
        np.ascontiguousarray(rows.indptr, np.int64),
        np.ascontiguousarray(rows.indices, np.int32),
        np.ascontiguousarray(rows.data),
    )


def from_entries(width: int, lengths: Any, columns: Any, values: Any) -> Any:
    """Return rows of a width, of so many entries each.

    >>> from_entries(3, np.array([0, 1]), np.array([2]), np.array([5.0])).toarray()
    array([[0., 0., 0.],
           [0., 0., 5.]])
    """
    from scipy.sparse import csr_array

    starts = np.concatenate([[0], np.cumsum(lengths)])
    return csr_array((values, columns, starts), shape=(len(lengths), width))


def no_rows(like: NDArray[Any]) -> Any:
    """Return sparse rows of the width and dtype of an array, but none.

    >>> no_rows(np.empty((0, 3), np.float32)).shape
    (0, 3)
    """
    none = np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, like.dtype)
    return from_entries(like.shape[1], *none)


def _rows(data: NDArray[Any], of: Any) -> Any:
    """Return rows with other entries in the same places."""
    if data is of.data:
        return of
    made = type(of)((data, of.indices[: len(data)], of.indptr), shape=of.shape)
    made.has_canonical_format = True
    return made


def _check_structure(what: str, given: Any) -> None:
    """Raise where the parts of compressed rows or columns do not fit together."""
    if given.format not in ("csr", "csc"):
        return
    major, minor = given.shape if given.format == "csr" else given.shape[::-1]
    starts, indices = np.asarray(given.indptr), np.asarray(given.indices)
    fits = (
        starts.shape == (major + 1,) and starts[0] == 0 and bool(np.all(starts[1:] >= starts[:-1]))
    )
    most = starts[-1] if fits else 0
    used = indices[:most]
    inside = not len(used) or (used.min() >= 0 and used.max() < minor)
    if not (fits and most <= min(len(indices), len(given.data)) and inside):
        raise ValueError(
            f"{what} must be a valid sparse array, got one whose indptr, indices and data do not "
            f"fit its shape {given.shape}; make it anew from its values"
        )
