"""Sparse rows that are refused, and what is not believed of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse

import chainrule as cr
from test_sparse_rows import built, plain

NET = cr.Network(4, [cr.Dense(3, "tanh"), cr.Dense(2)], "half_squared_error")


def csr(values: Any, columns: Any, starts: Any, shape: tuple[int, int] = (2, 4)) -> Any:
    """Compressed rows of any parts, which SciPy has not looked at."""
    made = sparse.csr_array(shape)
    made.data, made.indices, made.indptr = np.array(values), np.array(columns), np.array(starts)
    return made


REFUSED: dict[str, tuple[Any, type[Exception], str]] = {
    "nan": (
        csr([1, np.nan], [3, 2], [0, 1, 2]),
        ValueError,
        r"X must be finite, got nan at (1, 2)",
    ),
    "inf": (csr([-np.inf], [3], [0, 0, 1]), ValueError, "X must be finite, got -inf at (1, 3)"),
    "too large": (csr([1e300], [0], [0, 1, 1]), ValueError, "got 1e+300 at (0, 0); scale it"),
    "width": (
        sparse.csr_array((2, 5)),
        ValueError,
        "expects inputs of width 4, got X with shape (2, 5)",
    ),
    "one axis": (sparse.coo_array([0, 1.0, 0, 0]), ValueError, "got X with shape (4,)"),
    "no rows": (sparse.csr_array((0, 4)), ValueError, "at least one example, got shape (0, 4)"),
    "complex": (
        sparse.csr_array([[1j, 0, 0, 0]]),
        TypeError,
        "an array of numbers, got dtype complex128",
    ),
    "a column beyond": (csr([1.0], [4], [0, 1, 1]), ValueError, "must be a valid sparse array"),
    "a column before": (csr([1.0], [-1], [0, 1, 1]), ValueError, "do not fit its shape (2, 4)"),
    "starts that fall": (csr([1.0], [0], [0, 1, 0]), ValueError, "must be a valid sparse array"),
    "starts too many": (csr([1.0], [0], [0, 1, 9]), ValueError, "must be a valid sparse array"),
    "starts too few": (csr([1.0], [0], [0, 1]), ValueError, "must be a valid sparse array"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_rows_are_refused_by_name(name: str) -> None:
    X, kind, message = REFUSED[name]
    params, y = NET.init(), np.zeros((2, 2))
    calls = [
        lambda: cr.predict(NET, params, X),
        lambda: cr.forward(NET, params, X),
        lambda: cr.fit(NET, params, X, y, cr.SGD(0.1), epochs=1),
    ]
    for call in calls:
        with pytest.raises(kind) as raised:
            call()
        assert message in str(raised.value)
        assert "\n" not in str(raised.value)


ONLY_INPUTS: dict[str, Any] = {
    "y": lambda p, column: cr.cost(p.net, p.params, p.X, column),
    "sample_weight": lambda p, column: cr.cost(p.net, p.params, p.X, p.y, column),
    "W": lambda p, column: cr.Network(1, [cr.Dense(7)], "huber").parameters([(column, np.ones(7))]),
}


@pytest.mark.parametrize("name", ONLY_INPUTS)
def test_only_inputs_may_be_sparse(name: str) -> None:
    message = rf"{name} must be .*, got a sparse array; .* by \.toarray\(\)"
    p, column = plain(n=7), sparse.csr_array((7, 1))
    with pytest.raises(TypeError, match=message):
        ONLY_INPUTS[name](p, column)


def test_what_says_that_entries_are_in_order_is_not_believed() -> None:
    X = csr([1.0, 5.0, 2.0, -1.0], [2, 0, 2, 1], [0, 4, 4])
    X.has_sorted_indices = X.has_canonical_format = True
    trace = cr.forward(NET, NET.init(), X)
    np.testing.assert_array_equal(trace[0].x.toarray(), [[5, -1, 3, 0], [0, 0, 0, 0]])


@built
def test_parameters_of_inputs_that_no_row_has_are_looked_at() -> None:
    net = cr.Network(9, [cr.Dense(5)], "half_squared_error")
    params = net.init()
    params[0].W[2, 3] = np.nan
    with pytest.raises(ValueError, match=r"0\.W must be finite"):
        cr.predict(net, params, sparse.csr_array((7, 9)))


def test_too_many_rows_to_write_out_are_refused() -> None:
    net = cr.Network(20_000, [cr.Dense(1)], "half_squared_error")
    with pytest.raises(ValueError, match=r"too many to write their zeros out; .* X\[:500\]"):
        cr.explain(net, net.init(), sparse.csr_array((10_000, 20_000)), np.ones(10_000), of="w1")
