"""The checks of input, and their messages."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Any

import array_api_strict
import numpy as np
import pytest
from array_api_compat import array_namespace

from chainrule.errors import (
    as_numbers,
    check_number,
    check_weights,
    check_whole,
    finite,
    unknown_name,
)

# ---- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "known", "message"),
    [
        ("sigmiod", ["tanh", "sigmoid"], "'sigmiod'; did you mean 'sigmoid'? Known: sigmoid, tanh"),
        ("adm", ["nadam", "adam"], "'adm'; did you mean 'adam' or 'nadam'? Known: adam, nadam"),
        ("x", ["tanh", "relu"], "'x'. Known: relu, tanh"),
        ("tan", {"tanh": 1}, "'tan'; did you mean 'tanh'? Known: tanh"),
        ("it's", ["its"], "\"it's\"; did you mean 'its'? Known: its"),
        ("ReLU", ["elu", "relu"], "'ReLU'; did you mean 'relu'? Known: elu, relu"),
        ("Adma", ["adam", "lion"], "'Adma'; did you mean 'adam'? Known: adam, lion"),
        ("b", ["B", "b "], "'b'; did you mean 'B'? Known: B, b "),
        ("caf\u00e9", ["cafe\u0301"], "'caf\\xe9'; did you mean 'cafe\\u0301'? Known: cafe\u0301"),
        ("size", ["size\u200b"], "'size'; did you mean 'size\\u200b'? Known: size\u200b"),
    ],
)
def test_an_unknown_name_has_its_nearest_ones(name: str, known: Any, message: str) -> None:
    error = unknown_name("activation", name, known)
    assert type(error) is ValueError
    assert str(error) == f"unknown activation {message}"


def test_of_many_known_names_some_are_listed() -> None:
    error = unknown_name("column", "190", map(str, range(1000, 1100)))
    assert str(error).startswith("unknown column '190'; did you mean '1090'")
    assert str(error).endswith("1048, 1049, … and 50 more")


# ---- numbers -------------------------------------------------------------------------------------

BOUNDS = [
    ({}, "a finite number"),
    ({"above": 0}, "a finite number > 0"),
    ({"least": 0}, "a finite number >= 0"),
    ({"most": 2.5}, "a finite number <= 2.5"),
    ({"below": 1}, "a finite number < 1"),
    ({"above": 0, "below": 1}, "a finite number > 0 and < 1"),
    ({"least": 0, "most": 1}, "a finite number >= 0 and <= 1"),
]


@pytest.mark.parametrize(("bounds", "must"), BOUNDS)
@pytest.mark.parametrize("value", ["0.5", None, True, [0.5], 1j, np.bool_(True), np.ones(2)])
def test_what_is_no_number_is_refused(bounds: dict[str, float], must: str, value: Any) -> None:
    message = f"Adam: beta1 must be {must}, got {value!r} of type {type(value).__name__}"
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        check_number("Adam: beta1", value, **bounds)


@pytest.mark.parametrize(("bounds", "must"), BOUNDS)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float32(np.nan)])
def test_a_number_must_be_finite(bounds: dict[str, float], must: str, value: Any) -> None:
    with pytest.raises(ValueError, match=re.escape(f"rate must be {must}, got {value!r}")):
        check_number("rate", value, **bounds)


def test_a_whole_number_beyond_every_float_is_not_finite() -> None:
    with pytest.raises(ValueError, match="rate must be a finite number > 0, got 1000"):
        check_number("rate", 10**400, above=0)


@pytest.mark.parametrize(
    ("bounds", "inside", "outside"),
    [
        ({"above": 1}, [1.0000001, 1e300], [1, 0.5, -1e300]),
        ({"least": 1}, [1, 1.5, 1e300], [0.9999999, -1]),
        ({"most": 1}, [1, 0, -1e300], [1.0000001, 2]),
        ({"below": 1}, [0.9999999, -1e300], [1, 2]),
        ({"least": 0, "below": 1}, [0, 0.5], [-1e-300, 1]),
    ],
)
def test_bounds(bounds: dict[str, float], inside: list[float], outside: list[float]) -> None:
    for value in inside:
        assert check_number("rate", value, **bounds) == value
    for value in outside:
        with pytest.raises(ValueError, match=rf"^rate must be .*, got {re.escape(repr(value))}$"):
            check_number("rate", value, **bounds)


@pytest.mark.parametrize(
    "value", [2, 2.0, np.float64(2), np.float32(2), np.int64(2), np.uint8(2), Fraction(4, 2)]
)
def test_a_number_becomes_a_float(value: Any) -> None:
    number = check_number("rate", value)
    assert number == 2
    assert type(number) is float


# ---- whole numbers -------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["3", None, True, 3.0, math.nan, np.float64(3), np.bool_(True)])
def test_what_is_no_whole_number_is_refused(value: Any) -> None:
    message = (
        f"fit: epochs must be a whole number >= 1, got {value!r} of type {type(value).__name__}"
    )
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        check_whole("fit: epochs", value, least=1)


@pytest.mark.parametrize(
    ("value", "bounds", "message"),
    [
        (0, {}, "fit: seed must be a whole number >= 1, got 0"),
        (-(2**70), {}, f"fit: seed must be a whole number >= 1, got {-(2**70)}"),
        (8, {"below": 8}, "fit: seed must be a whole number >= 1 and < 8, got 8"),
        (0, {"below": 8}, "fit: seed must be a whole number >= 1 and < 8, got 0"),
    ],
)
def test_a_whole_number_out_of_bounds_is_refused(
    value: int, bounds: dict[str, int], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        check_whole("fit: seed", value, least=1, **bounds)


@pytest.mark.parametrize("value", [1, 7, 2**70, np.int64(7), np.uint8(7)])
def test_a_whole_number_becomes_an_int(value: Any) -> None:
    number = check_whole("fit: epochs", value, least=1)
    assert number == value
    assert type(number) is int


# ---- arrays --------------------------------------------------------------------------------------

NUMPY = array_namespace(np.zeros(1))
each_library = pytest.mark.parametrize("xp", [NUMPY, array_api_strict], ids=["numpy", "strict"])


@each_library
@pytest.mark.parametrize(
    ("shape", "where"),
    [((3,), (1,)), ((3, 4), (2, 0)), ((2, 3, 4), (1, 2, 3)), ((1, 1), (0, 0)), ((), ())],
)
@pytest.mark.parametrize(("value", "shown"), [(np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf")])
def test_what_is_not_finite_is_refused(
    value: float, shown: str, shape: tuple[int, ...], where: tuple[int, ...], xp: Any
) -> None:
    array = np.zeros(shape)
    finite("X", xp.asarray(array), xp.float32, xp)
    array[where] = value
    message = f"X must be finite, got {shown} at {where}; remove or impute such values"
    with pytest.raises(ValueError, match=re.escape(message)):
        finite("X", xp.asarray(array), xp.float32, xp)


@each_library
def test_what_is_too_large_for_the_dtype_is_refused(xp: Any) -> None:
    """Without a warning of NumPy's first."""
    message = r"X must fit into .*float32.*, got -1e\+39 at \(0, 1\); scale it, or"
    with pytest.raises(ValueError, match=message):
        finite("X", xp.asarray([[0.0, -1e39]], dtype=xp.float64), xp.float32, xp)


def test_the_first_place_is_given() -> None:
    array = np.zeros((3, 3))
    array[1, 2] = array[2, 0] = np.nan
    with pytest.raises(ValueError, match=re.escape("got nan at (1, 2);")):
        finite("X", array, np.float64, NUMPY)


@pytest.mark.parametrize("array", [np.zeros((0, 3)), np.array([1, 2]), np.array([1e38, -1e38])])
def test_finite_arrays_take_the_dtype(array: Any) -> None:
    new = finite("X", array, np.float32, NUMPY)
    assert new.dtype == np.float32
    assert np.array_equal(new, array.astype(np.float32))
    assert finite("X", new, np.float32, NUMPY) is new


@pytest.mark.parametrize("given", [[[1, 2], [3, 4]], np.array([True]), 3, [1.5], np.ones(2)])
def test_numbers_become_an_array(given: Any) -> None:
    array = as_numbers("X", given)
    assert isinstance(array, np.ndarray)
    assert np.array_equal(array, given)


def test_arrays_are_kept() -> None:
    for given in (np.ones(2), array_api_strict.asarray([1.0])):
        assert as_numbers("X", given) is given


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["a"], "X must be an array of numbers, got dtype <U1; encode text as numbers"),
        ([None], r"X must .*, got dtype object with None at \(0,\); encode text as numbers"),
        ([1, 2, "x"], "X must be an array of numbers, got dtype <U21; encode text as numbers"),
        (np.array([[1, 2], [3, "x"]], object), r"got dtype object with 'x' at \(1, 1\); encode"),
        (np.array([1, 2.5], object), r"got dtype object; convert it by .astype\(float\)"),
        ([2**70], "X must be an array of numbers, got dtype object; .* integers within 64 bits"),
        ([1j], "X must be an array of numbers, got dtype complex128; encode text as numbers"),
        (np.array(["2020"], dtype="M8[Y]"), "X must be an array of numbers, got dtype datetime64"),
    ],
)
def test_what_are_no_numbers_is_refused(given: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        as_numbers("X", given)


@pytest.mark.parametrize(
    ("mask", "place"), [([[0, 0], [1, 0]], r"\(1, 0\)"), ([[0, 1], [1, 1]], r"\(0, 1\)")]
)
def test_masked_values_are_refused(mask: Any, place: str) -> None:
    given = np.ma.masked_array([[1.0, 2.0], [3.0, 4.0]], mask)
    with pytest.raises(ValueError, match=f"X must have no masked values, got one at {place}; rem"):
        as_numbers("X", given)


def test_an_array_that_masks_nothing_is_an_array() -> None:
    assert as_numbers("X", np.ma.masked_array([1.0, 2.0])).tolist() == [1.0, 2.0]


def test_rows_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="X must be an array of numbers, got rows of different le"):
        as_numbers("X", [[1, 2], [3]])


# ---- sample weights ------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [[0, 1, 2.5], np.array([0, 1, 2]), np.array([0.0, 1.0, 2.5])])
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda dtype: dtype.__name__)
def test_weights_take_the_dtype(given: Any, dtype: Any) -> None:
    w = check_weights(given, 3, dtype, NUMPY)
    assert w.dtype == dtype
    assert np.array_equal(w, np.asarray(given))


def test_weights_may_be_strict_arrays() -> None:
    given = array_api_strict.asarray([0.0, 1.0])
    w = check_weights(given, 2, array_api_strict.float32, array_api_strict)
    assert w.dtype == array_api_strict.float32


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([1.0, 2.0], "one weight for each of the 3 examples, shape (3,), got (2,)"),
        ([[1.0], [2.0], [3.0]], "one weight for each of the 3 examples, shape (3,), got (3, 1)"),
        (1.0, "one weight for each of the 3 examples, shape (3,), got ()"),
        ([1.0, np.nan, 1.0], "sample_weight must be finite, got nan at (1,)"),
        ([1.0, -0.5, 2.0], "sample_weight must hold weights >= 0, got -0.5 at (1,)"),
        ([0.0, 0.0, 0.0], "sample_weight must hold at least one weight above zero, got only zeros"),
    ],
)
def test_what_are_no_weights_is_refused(given: Any, message: str) -> None:
    for xp in (NUMPY, array_api_strict):
        with pytest.raises(ValueError, match=re.escape(message)):
            check_weights(given, 3, xp.float64, xp)
