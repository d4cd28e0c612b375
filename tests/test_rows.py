"""Full names, and the check of a row's derivative."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.activations import ACTIVATIONS
from chainrule.errors import check_number
from chainrule.rows import check_derivative, find_row, full_name, latex_number


def scaled(factor: float = 1.0) -> tuple[str, float]:
    return "scaled", check_number("scaled: factor", factor, least=0)


def between(low: float, high: float) -> tuple[str, float, float]:
    return "between", low, high


ROWS: dict[str, Any] = {"plain": ("plain",), "scaled": scaled(), "between": ("between",)}
FAMILIES = {"scaled": scaled, "between": between}


def find(text: str) -> Any:
    return find_row("thing", text, ROWS, FAMILIES)


# ---- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "name"),
    [((), "huber"), ((0.5,), "huber(0.5)"), ((2.0,), "huber(2)"), ((1e-9, 3), "huber(1e-09, 3)")],
)
def test_full_names(parameters: tuple[float, ...], name: str) -> None:
    assert full_name("huber", parameters) == name


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(-10, 10))
def test_full_names_lose_nothing(low: float, high: float) -> None:
    assert find(full_name("between", (low, high))) == ("between", low, high)


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("plain", ("plain",)),
        ("scaled", ("scaled", 1.0)),
        ("scaled(2)", ("scaled", 2.0)),
        ("scaled(1e-3)", ("scaled", 0.001)),
        ("  scaled ( 0.5 )  ", ("scaled", 0.5)),
        ("between(-1,2.5)", ("between", -1.0, 2.5)),
    ],
)
def test_a_name_finds_its_row(text: str, row: Any) -> None:
    assert find(text) == row


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("plane", "unknown thing 'plane'; did you mean 'plain'? Known: between, plain, scaled"),
        ("xyz", "unknown thing 'xyz'. Known: between, plain, scaled"),
        ("", "unknown thing ''. Known: between, plain, scaled"),
        ("plain(", "unknown thing 'plain('; did you mean 'plain'?"),
        ("plian(0.0001)", "did you mean 'plain'?"),
        ("scald(0.0001)", "did you mean 'scaled'"),
        ("plain(1)", "thing 'plain' takes no parameter, got 'plain(1)'; write 'plain'"),
        ("scaled(one)", "thing 'scaled(one)': each parameter is a number"),
        ("scaled()", "thing 'scaled()': each parameter is a number"),
        ("scaled(1, 2)", "thing 'scaled(1, 2)': scaled takes factor, got 2 numbers; the decimals"),
        ("scaled(0,2)", "got 2 numbers; the decimals of a number stand behind a point"),
        ("between(1)", "thing 'between(1)': between takes low, high, got 1 numbers; "),
        ("scaled(-1)", "scaled: factor must be a finite number >= 0, got -1.0"),
        ("scaled(nan)", "scaled: factor must be a finite number >= 0, got nan"),
    ],
)
def test_a_name_that_specifies_nothing_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        find(text)


@pytest.mark.parametrize(
    ("number", "latex"),
    [
        (0.0, "0"),
        (2.0, "2"),
        (0.25, "0.25"),
        (0.123456789, "0.123456789"),
        (1e-5, "10^{-5}"),
        (2.5e-5, r"2.5 \cdot 10^{-5}"),
        (1e16, "10^{16}"),
    ],
)
def test_numbers_in_latex(number: float, latex: str) -> None:
    assert latex_number(number) == latex


@given(st.floats(0, allow_infinity=False))
def test_numbers_in_latex_lose_nothing(number: float) -> None:
    factor, _, power = latex_number(number).partition("10^")
    factor = factor.removesuffix(r" \cdot ") or "1"
    assert "e" not in latex_number(number)
    assert float(factor + (f"e{power.strip('{}')}" if power else "")) == number


# ---- derivatives ---------------------------------------------------------------------------------

POINTS = np.linspace(-2, 2, 8)
FUNCTIONS = {
    "square": (lambda z: z * z, lambda z: 2 * z),
    "sine": (np.sin, np.cos),
    "constant": (np.ones_like, np.zeros_like),
    "steep": (lambda z: 1e6 * z * z, lambda z: 2e6 * z),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_right_derivative_passes(name: str) -> None:
    check_derivative(name, *FUNCTIONS[name], POINTS)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d, z: d + 1e-5 * np.maximum(1, np.abs(d)),
        lambda d, z: d - 1e-5 * np.maximum(1, np.abs(d)),
        lambda d, z: np.where(z == z[-1], d + 1e-5 * np.maximum(1, np.abs(d)), d),
    ],
    ids=["above", "below", "at one point"],
)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_wrong_derivative_is_refused(name: str, spoil: Any) -> None:
    f, df = FUNCTIONS[name]
    with pytest.raises(ValueError, match=f"{name}: the derivative at .* must be .*, got .*; corr"):
        check_derivative(name, f, lambda z: spoil(df(z), z), POINTS)


def test_the_message_gives_place_and_numbers() -> None:
    message = "at 2 must be 4 by central differences, got 5; correct the derivative"
    with pytest.raises(ValueError, match=message):
        check_derivative("square", lambda z: z * z, lambda z: 2 * z + (z == 2), POINTS)


@pytest.mark.parametrize(
    ("f", "df", "message"),
    [
        (lambda z: z[1:], lambda z: z, r"f: must return .* \(8,\) of float32, got \(7,\) of"),
        (lambda z: z, lambda z: 1.0, r"f: must return .* \(8,\) of float32, got \(\) of float"),
        (lambda z: [*z], lambda z: z, r"f: must return .*, got \(\) of list"),
        (lambda z: z.astype(np.float64), lambda z: z, r"of float32, got \(8,\) of float64"),
        (lambda z: z.astype(np.float32), np.ones_like, r"of float64, got \(8,\) of float32"),
        (lambda z: z.astype(int), np.ones_like, r"of float32, got \(8,\) of int64"),
        (lambda z: np.where(z > 1, np.nan, z), np.ones_like, r"finite, they are not at 1\.42857"),
        (lambda z: z, lambda z: np.where(z > 1, np.inf, z), r"finite, they are not at 1\.42857"),
    ],
    ids=["shape", "number", "list", "wider", "narrower", "integer", "nan", "infinite"],
)
def test_what_is_no_such_array_is_refused(f: Any, df: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_derivative("f", f, df, POINTS)


def test_a_function_that_ends_at_a_point_hides_no_wrong_derivative() -> None:
    """Beyond 2 it is NaN, so that there are no central differences at 2."""

    def f(z: Any) -> Any:
        return np.where(z <= 2, z, np.nan).astype(z.dtype)

    with pytest.raises(ValueError, match=r"f: the value must be finite everywhere, .* 2$"):
        check_derivative("f", f, lambda z: 5 * np.ones_like(z), POINTS)


def test_what_a_row_says_of_its_kinks_must_be_what_it_returns():
    relu = ACTIVATIONS["relu"]
    with pytest.raises(ValueError, match="df returns 0 at 0, at_kinks says 5"):
        dataclasses.replace(relu, at_kinks=(5.0,), check=True)
    assert hash(dataclasses.replace(relu, kinks=[0.0], at_kinks=[0.0], check=True)) == hash(relu)
