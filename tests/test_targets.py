"""What y may be, for each kind of target."""

from __future__ import annotations

import re
from typing import Any

import array_api_strict
import numpy as np
import pytest
from array_api_compat import array_namespace
from numpy.testing import assert_allclose, assert_array_equal

from chainrule.losses import LOSSES
from chainrule.targets import TARGETS, check_targets, encode
from tables import DTYPES

xp = array_namespace(np.zeros(1))
NUMBERS = [kind for kind in TARGETS if kind != "class"]
each_kind = pytest.mark.parametrize("kind", TARGETS)
each_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)


def check(kind: str, y: Any, n: int = 3, outputs: int = 1, dtype: Any = np.float64) -> Any:
    return check_targets(kind, y, n, outputs, dtype, xp)


def refused(kind: str, y: Any, message: str, error: type = ValueError, **sizes: int) -> None:
    with pytest.raises(error, match=re.escape(message)):
        check(kind, y, **sizes)


# ---- every kind ----------------------------------------------------------------------------------


def test_losses_use_every_kind() -> None:
    assert {row.target for row in LOSSES.values()} == TARGETS.keys()


@pytest.mark.parametrize("outputs", [1, 2, 5])
@each_dtype
@each_kind
def test_samples_are_allowed_and_take_the_dtype(kind: str, dtype: Any, outputs: int) -> None:
    sample = TARGETS[kind].sample(np.random.default_rng(0), 50, outputs)
    assert sample.dtype == np.float64
    y = check(kind, sample, 50, outputs, dtype)
    assert y.dtype == dtype
    assert_array_equal(y, sample.astype(dtype))
    assert np.all(TARGETS[kind].holds(sample))


@pytest.mark.parametrize("kind", NUMBERS)
def test_a_row_of_numbers_becomes_a_column(kind: str) -> None:
    y = check(kind, [1, 1, 1])
    assert_array_equal(y, np.ones((3, 1)))
    assert_array_equal(check(kind, [[1], [1], [1]]), y)
    assert y.dtype == np.float64


@pytest.mark.parametrize("kind", NUMBERS)
@pytest.mark.parametrize(
    ("shape", "outputs"), [((3,), 2), ((2,), 1), ((3, 1), 2), ((1, 3), 1), ((3, 1, 1), 1), ((), 1)]
)
def test_a_shape_that_does_not_fit_is_refused(
    kind: str, shape: tuple[int, ...], outputs: int
) -> None:
    message = f"each of the 3 rows of X and one column for each of the {outputs} outputs, shape "
    refused(kind, np.ones(shape), f"{message}(3, {outputs}); got shape {shape}", outputs=outputs)


@pytest.mark.parametrize("shape", [(3, 1), (1, 3), (2, 2), (3, 2, 1), ()])
def test_a_shape_that_does_not_fit_classes_is_refused(shape: tuple[int, ...]) -> None:
    message = f"shape (3, 2), or integer labels (n,); got shape {shape}"
    refused("class", np.ones(shape), message, outputs=2)


@each_kind
@pytest.mark.parametrize(("value", "shown"), [(np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf")])
def test_what_is_not_finite_is_refused(kind: str, value: float, shown: str) -> None:
    y = np.eye(3)
    y[2, 1] = value
    refused(kind, y, f"y must be finite, got {shown} at (2, 1)", outputs=3)


@each_kind
@pytest.mark.parametrize(
    ("y", "then"),
    [
        (np.array(["a", "b", "c"]), "; encode text as numbers"),
        (["0", "1", "2"], "; encode text as numbers"),
        ([None, 1.0, 2.0], " with None at (0,); encode text as numbers"),
        ([1j, 0, 0], "; encode text as numbers"),
        (np.array(["2020", "2021", "2022"], dtype="M8[Y]"), "; encode text as numbers"),
        ([0, 1, 2**70], "; convert it by .astype(float)"),
    ],
    ids=["text", "digits", "None", "complex", "date", "huge"],
)
def test_what_is_no_number_is_refused(kind: str, y: Any, then: str) -> None:
    message = f"y must be an array of numbers, got dtype {np.asarray(y).dtype}{then}"
    refused(kind, y, message, TypeError)


@each_kind
def test_rows_of_different_lengths_are_refused(kind: str) -> None:
    message = "y must be an array of numbers, got rows of different lengths"
    refused(kind, [[0, 1], [1], [0]], message)


@pytest.mark.parametrize("kind", ["real", "count"])
def test_what_is_too_large_for_the_dtype_is_refused(kind: str) -> None:
    """Without a warning of NumPy's first."""
    with pytest.raises(ValueError, match=r"y must fit into float32, got 1e\+300 at \(1, 0\)"):
        check(kind, [0.0, 1e300, 0.0], dtype=np.dtype("float32"))


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (["a", "b"], TypeError, "an array of numbers, got dtype"),
        ([[1.0], [2.0]], ValueError, "one row for each of the 2 rows of X"),
        ([[0.5, 0.5], [np.nan, 1]], ValueError, "finite, got nan at (1, 0)"),
        ([[0.5, 0.5], [-1, 1]], ValueError, "integer labels (n,), or one row of probabilities"),
        ([[0.5, 0.5], [0.5, 1]], ValueError, "integer labels (n,), or one row of probabilities"),
        ([0, 2], ValueError, "labels 0 to 1"),
        ([0.0, 1.0], TypeError, "integer labels 0 to 1"),
        ([0, 1, 1], ValueError, "one label for each of the 2 rows of X, got 3"),
    ],
)
def test_messages_name_what_is_checked(y: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=rf"^the y of validation must \w+ {re.escape(message)}"):
        check_targets("class", y, 2, 2, np.float64, xp, what="the y of validation")


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("count", -1, "y must hold numbers >= 0, got -1 at row 1, column 2"),
        ("count", -1e-9, "y must hold numbers >= 0, got -1e-09 at row 1, column 2"),
        ("sign", 0, "y must hold -1 or 1 (for labels 0 and 1 give 2 * y - 1), got 0 at row 1, col"),
        ("sign", 0.5, "y must hold -1 or 1 (for labels 0 and 1 give 2 * y - 1), got 0.5 at row 1"),
        ("probability", 1.5, "between them, got 1.5 at row 1, column 2"),
        ("probability", -1, "y must hold labels 0 and 1, or probabilities between them, got -1"),
        ("class", 2, "one row of probabilities for each example, got 2 at row 1, column 2"),
        ("class", -0.5, "one row of probabilities for each example, got -0.5 at row 1, column 2"),
    ],
)
def test_a_value_that_the_kind_forbids_is_refused(kind: str, value: float, message: str) -> None:
    y = np.array([[1.0, 0, 0, 0]] * 3) if kind == "class" else np.ones((3, 4))
    y[1, 2] = value
    refused(kind, y, message, outputs=4)
    assert not TARGETS[kind].holds(y)[1, 2]


def test_real_targets_may_be_any_numbers() -> None:
    y = np.array([-1e300, 0.0, 5e-324])
    assert_array_equal(check("real", y)[:, 0], y)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float16", "float32"])
def test_numbers_of_any_dtype_are_taken(dtype: str) -> None:
    y = check("probability", np.array([0, 1, 1]).astype(dtype))
    assert y.dtype == np.float64
    assert_array_equal(y, [[0], [1], [1]])


# ---- labels --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int32", "int64", "uint64"])
def test_labels_of_any_integer_dtype_are_taken(dtype: str) -> None:
    labels = check("class", np.array([1, 0, 1]).astype(dtype), outputs=2)
    assert labels.dtype == np.int64
    assert_array_equal(labels, [1, 0, 1])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1, 3], "got 3 at row 2"),
        ([0, -1, 5], "got -1 at row 1"),
        ([7, 8, 8], "got 8 at row 1"),
        (np.array([0, 2**40, 1]), f"got {2**40} at row 1"),
        (np.array([0, 2**32, 1]), f"got {2**32} at row 1"),
        (np.array([-(2**63), 0, 0]), f"got {-(2**63)} at row 0"),
        (np.array([0, 2**63, 1], dtype=np.uint64), f"got {2**63} at row 1"),
        (np.array([0, 2**64 - 1, 1], dtype=np.uint64), f"got {2**64 - 1} at row 1"),
        (np.array([0, 1, 255], dtype=np.uint8), "got 255 at row 2"),
        (np.array([0, 1, -128], dtype=np.int8), "got -128 at row 2"),
    ],
)
def test_a_label_out_of_range_is_refused_and_never_wraps(labels: Any, message: str) -> None:
    must = "y must hold labels 0 to 2, one for each of the network's 3 outputs, "
    refused("class", labels, must + message, outputs=3)


def test_a_bool_label_is_0_or_1() -> None:
    refused("class", [False, True, False], "labels 0 to 0, one for each of the network's 1 outputs")
    assert_array_equal(check("class", [False, True, False], outputs=2), [0, 1, 0])


@pytest.mark.parametrize("labels", [[0.0, 1.0, 2.0], [0.5, 1, 2], [0, 1, np.nan], [0, 2**63, -1]])
def test_labels_that_are_not_integers_are_refused(labels: Any) -> None:
    message = "y must hold integer labels 0 to 2, got dtype float64; convert them with y.astype(int"
    refused("class", labels, message, TypeError, outputs=3)


@pytest.mark.parametrize("n", [2, 4])
def test_a_label_for_each_example(n: int) -> None:
    message = f"y must have one label for each of the {n} rows of X, got 3"
    refused("class", [0, 1, 2], message, n=n, outputs=3)


# ---- rows of probabilities -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "total"), [([0.5, 0.2, 0.2], "0.9"), ([1, 1, 0], "2"), ([0, 0, 0], "0")]
)
def test_rows_that_do_not_sum_to_1_are_refused(row: list[float], total: str) -> None:
    y = np.array([[0.0, 1.0, 0.0], row, [0.25, 0.25, 0.5]])
    refused("class", y, f"that sum to 1, row 1 sums to {total}", outputs=3)


@each_dtype
def test_rows_that_sum_to_1_but_for_rounding_are_taken(dtype: Any) -> None:
    y = np.full((3, 7), 1 / 7, dtype=np.float16)
    assert check("class", y, outputs=7, dtype=dtype).dtype == dtype


def test_encode() -> None:
    labels = check("class", [2, 0, 1], outputs=3)
    one_hot = encode(labels, 3, np.float32, xp)
    assert one_hot.dtype == np.float32
    assert_array_equal(one_hot, np.eye(3)[[2, 0, 1]])
    assert encode(one_hot, 3, np.float32, xp) is one_hot


# ---- arrays of another library -------------------------------------------------------------------


def strict(kind: str, y: Any, outputs: int) -> Any:
    n = y.shape[0]
    checked = check_targets(kind, y, n, outputs, array_api_strict.float32, array_api_strict)
    return encode(checked, outputs, array_api_strict.float32, array_api_strict)


@each_kind
def test_strict_arrays_are_taken(kind: str) -> None:
    sample = TARGETS[kind].sample(np.random.default_rng(0), 5, 3)
    for y in (sample, array_api_strict.asarray(sample)):
        got = strict(kind, y, 3)
        assert got.dtype == array_api_strict.float32
        assert_allclose(np.asarray(got), sample)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64"])
def test_strict_labels_are_taken(dtype: str) -> None:
    labels = array_api_strict.asarray(np.array([1, 0, 1]).astype(dtype))
    assert_array_equal(np.asarray(strict("class", labels, 2)), [[0, 1], [1, 0], [0, 1]])


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (np.array([0, 2**40, 1]), ValueError, f"got {2**40} at row 1"),
        (np.array([0, 2**63, 1], dtype=np.uint64), ValueError, f"got {2**63} at row 1"),
        (np.array([0, -3, 1]), ValueError, "got -3 at row 1"),
        (np.array([0.0, 1.0, 1.0]), TypeError, "y must hold integer labels 0 to 1, got dtype"),
        (np.array([[0.0, 1.0], [0.5, 0.25]]), ValueError, "row 1 sums to 0.75"),
        (np.array([[0.0, 1.0], [0.5, np.nan]]), ValueError, "got nan at (1, 1)"),
        (np.array([[0.0, 1.0], [1.5, 0.0]]), ValueError, "got 1.5 at row 1, column 0"),
    ],
)
def test_strict_arrays_are_refused_alike(y: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        strict("class", array_api_strict.asarray(y), 2)
    refused("class", y, message, error, n=y.shape[0], outputs=2)
