"""The table of activations, against mpmath."""

from __future__ import annotations

import re
from typing import Any

import array_api_strict
import numpy as np
import pytest
from array_api_compat import array_namespace
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from chainrule.activations import ACTIVATIONS, FAMILIES, activation, elu, leaky_relu
from chainrule.initialisers import INITIALISERS
from tables import (
    ACTIVATION_NAMES,
    ACTIVATION_ORACLES,
    DTYPES,
    ELEMENTWISE,
    assert_near,
    exact,
    mp,
    smallest,
)

xp = array_namespace(np.zeros(1))
each_name = pytest.mark.parametrize("name", ACTIVATION_NAMES)
each_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)


def compute(name: str, z: Any) -> tuple[Any, Any]:
    """Return a and ∂a/∂z, in the dtype and shape of z."""
    row = activation(name)
    a = row.f(z, xp)
    slope = row.df(z, a, xp)
    for array in (a, slope):
        assert array.dtype == z.dtype
        assert array.shape == z.shape
    return a, slope


def oracle(name: str) -> tuple[Any, Any]:
    """Return f(z), and the terms of f'(z), in mpmath."""
    row = activation(name)
    of, parameters = ACTIVATION_ORACLES[row.name], exact(row.parameters)
    return lambda z: of.f(z, *parameters), lambda z: of.terms(z, *parameters)


def floor(name: str, dtype: Any) -> Any:
    """SciPy's erfc is 0 where it falls below the normal numbers."""
    return float(np.finfo(dtype).tiny) if name == "gelu" else 4 * smallest(dtype)


def check_slope(name: str, z: Any) -> None:
    """Assert that derivatives are right, and not 0 unless the true one rounds to 0.

    silu, gelu, gelu_tanh and mish have a zero of f' near z = −1; there its terms cancel, and their
    rounding alone can be seen.
    """
    dtype = z.dtype.type
    slope = compute(name, z)[1]
    for z_k, got in zip(exact(z), slope, strict=True):
        terms = oracle(name)[1](z_k)
        expected, size = mp.fsum(terms), mp.fsum(map(abs, terms))
        assert_near(got, expected, dtype, size, floor(name, dtype))
        assert got != 0 or abs(expected) <= smallest(dtype) / 2, f"df({z_k}) must not be 0"


def check_value(name: str, z: Any) -> None:
    dtype = z.dtype.type
    for z_k, got in zip(exact(z), compute(name, z)[0], strict=True):
        assert_near(got, oracle(name)[0](z_k), dtype, floor=floor(name, dtype))


# ---- values and derivatives ----------------------------------------------------------------------


def test_every_row_has_an_oracle() -> None:
    assert ACTIVATION_ORACLES.keys() == set(ELEMENTWISE)
    assert set(ACTIVATIONS) - set(ELEMENTWISE) == {"softmax"}


@each_name
def test_oracles_agree_with_themselves(name: str) -> None:
    """Their derivative is that of their value by numerical differentiation."""
    f, terms = oracle(name)
    for z in np.linspace(-20.05, 20.05, 41):
        assert mp.almosteq(mp.fsum(terms(mp.mpf(z))), mp.diff(f, mp.mpf(z)), 1e-20, 1e-35)


def test_the_oracle_of_gelu_tanh_is_that_of_the_paper() -> None:
    for z in exact(np.linspace(-8, 8, 33)):
        v = mp.sqrt(2 / mp.pi) * (z + mp.mpf("0.044715") * z**3)
        paper = z / 2 * (1 + mp.tanh(v))
        assert mp.almosteq(oracle("gelu_tanh")[0](z), paper, 1e-20, 1e-40)


@each_dtype
@each_name
def test_values_and_derivatives_are_right(name: str, dtype: Any) -> None:
    z = np.linspace(-50, 50, 1000).astype(dtype)  # 0 and the kinks are not among them
    check_value(name, z)
    check_slope(name, z)


@given(z=st.floats(-50, 50))
@each_name
def test_values_and_derivatives_are_right_anywhere(name: str, z: float) -> None:
    check_value(name, np.array([z]))
    if z not in activation(name).kinks:
        check_slope(name, np.array([z]))


@given(slope=st.floats(0, 10, allow_subnormal=False), z=st.floats(-50, 50))
def test_leaky_relu_with_any_slope(slope: float, z: float) -> None:
    check_value(str(leaky_relu(slope)), np.array([z]))
    check_slope(str(leaky_relu(slope)), np.array([z]))
    assert activation(str(leaky_relu(slope))).parameters == (slope,)


@given(alpha=st.floats(1e-3, 1e3), z=st.floats(-50, 50))
def test_elu_with_any_alpha(alpha: float, z: float) -> None:
    check_value(str(elu(alpha)), np.array([z]))
    check_slope(str(elu(alpha)), np.array([z]))
    assert activation(str(elu(alpha))).parameters == (alpha,)


# ---- far from 0 ----------------------------------------------------------------------------------


def underflow(name: str, sign: int, dtype: Any) -> float | None:
    """Return the |z| beyond which the true derivative rounds to 0, if there is one above 2."""

    def vanishes(distance: Any) -> bool:
        return bool(abs(mp.fsum(oracle(name)[1](sign * mp.mpf(distance)))) < smallest(dtype) / 2)

    near, far = 2.0, 1e4
    if vanishes(near) or not vanishes(far):
        return None
    while far - near > 1e-6:
        middle = (near + far) / 2
        near, far = (near, middle) if vanishes(middle) else (middle, far)
    return far


@each_dtype
@each_name
def test_derivatives_far_from_0_are_right(name: str, dtype: Any) -> None:
    distances = np.concatenate([np.linspace(51, 1e4, 200), np.geomspace(1e-30, 1e4, 100)])
    check_slope(name, np.concatenate([-distances, distances]).astype(dtype))


def far(dtype: Any) -> Any:
    """Numbers from 1e4 to a third of the largest of a dtype, of both signs."""
    distances = np.geomspace(1e4, float(np.finfo(dtype).max) / 3, 60)
    return np.concatenate([-distances, distances]).astype(dtype)


@each_dtype
@each_name
def test_values_and_derivatives_of_any_size_are_right(name: str, dtype: Any) -> None:
    with np.errstate(over="ignore"):  # as the loop does
        check_value(name, far(dtype))
        check_slope(name, far(dtype))


@pytest.mark.parametrize("sign", [-1, 1])
@each_dtype
@each_name
def test_no_derivative_is_0_before_the_true_one_underflows(
    name: str, dtype: Any, sign: int
) -> None:
    edge = underflow(name, sign, dtype)
    if edge is not None:
        check_slope(name, sign * (edge * np.linspace(0.95, 1.01, 400)).astype(dtype))


@pytest.mark.parametrize(
    ("name", "dtype", "sign", "low", "high"),
    [
        ("sigmoid", np.float64, -1, 745, 746),
        ("sigmoid", np.float64, 1, 745, 746),
        ("sigmoid", np.float32, -1, 103, 104),
        ("tanh", np.float64, 1, 372, 374),
        ("silu", np.float64, -1, 751, 753),
        ("gelu", np.float64, -1, 38, 39),
        ("gelu_tanh", np.float64, -1, 21, 22),
        ("gelu_tanh", np.float32, -1, 10, 11),
    ],
)
def test_the_edges_are_where_they_must_be(
    name: str, dtype: Any, sign: int, low: float, high: float
) -> None:
    """The test above would be empty with no edge."""
    edge = underflow(name, sign, dtype)
    assert edge is not None
    assert low < edge < high


@each_dtype
@each_name
def test_nothing_overflows(name: str, dtype: Any) -> None:
    """Warnings are errors here, those of NumPy too."""
    for z in (np.linspace(-1e4, 1e4, 5001), np.linspace(-760, 760, 5001)):
        for array in compute(name, z.astype(dtype)):
            assert np.all(np.isfinite(array))


@each_dtype
@each_name
@pytest.mark.parametrize("shape", [(5,), (2, 3), (0, 4), (2, 3, 4)], ids=str)
def test_shape_and_dtype_are_kept(name: str, dtype: Any, shape: tuple[int, ...]) -> None:
    compute(name, np.ones(shape, dtype))


@each_dtype
@each_name
def test_nan_stays_nan(name: str, dtype: Any) -> None:
    a = activation(name).f(np.array([np.nan, 1.0], dtype), xp)
    assert_array_equal(np.isnan(a), [True, False])


@each_dtype
@each_name
def test_the_same_numbers_on_strict_arrays(name: str, dtype: Any) -> None:
    z = np.linspace(-30, 30, 240).astype(dtype).reshape(3, -1)
    row, strict = activation(name), array_api_strict.asarray(z)
    a = row.f(strict, array_api_strict)
    for got, expected in zip(
        (a, row.df(strict, a, array_api_strict)), compute(name, z), strict=True
    ):
        assert got.dtype == strict.dtype
        assert_allclose(np.asarray(got), expected, rtol=4 * np.finfo(dtype).eps)


# ---- kinks ---------------------------------------------------------------------------------------


def one_sided(name: str, z: float, order: int = 1) -> list[Any]:
    """Return a derivative of the oracle from the left and from the right."""
    return [mp.diff(oracle(name)[0], mp.mpf(z), order, direction=side) for side in (-1, 1)]


KINKS = [(name, k) for name in ACTIVATION_NAMES for k in range(len(activation(name).kinks))]


@each_dtype
@pytest.mark.parametrize(("name", "k"), KINKS)
def test_at_a_kink_the_derivative_is_the_declared_one(name: str, k: int, dtype: Any) -> None:
    row = activation(name)
    slope = compute(name, np.array([row.kinks[k]], dtype))[1]
    assert_array_equal(slope, np.array([row.at_kinks[k]], dtype))
    left, right = one_sided(name, row.kinks[k])
    assert min(left, right) - 1e-15 <= row.at_kinks[k] <= max(left, right) + 1e-15


@each_name
def test_the_kinks_are_declared(name: str) -> None:
    """The corners of f, where f' jumps, and those of f', where f'' does."""
    for z in (-2.0, -1.0, 0.0, 1.0, 2.0):
        jumps = [
            not mp.almosteq(*one_sided(name, z, order), rel_eps=1e-9, abs_eps=1e-9)
            for order in (1, 2)
        ]
        assert any(jumps) == (z in activation(name).kinks)


# ---- over the layer ------------------------------------------------------------------------------


@each_dtype
@pytest.mark.parametrize("outputs", [1, 2, 3, 17])
def test_softmax_and_its_way_back(outputs: int, dtype: Any) -> None:
    """p = e^z / Σ e^z and, by the Jacobian written out, Σ_j da_j p_j ([j = k] − p_k)."""
    rng, row = np.random.default_rng(outputs), ACTIVATIONS["softmax"]
    z, da = (rng.normal(scale=s, size=(5, outputs)).astype(dtype) for s in (20, 1))
    a = row.f(z, xp)
    delta = row.delta(z, a, da, xp)
    assert a.dtype == delta.dtype == dtype
    for z_i, da_i, a_i, delta_i in zip(z, da, a, delta, strict=True):
        powers = [mp.exp(v) for v in exact(z_i)]
        p = [power / mp.fsum(powers) for power in powers]
        for k in range(outputs):
            assert_near(a_i[k], p[k], dtype)
            terms = [d * p[j] * ((j == k) - p[k]) for j, d in enumerate(exact(da_i))]
            largest = max(map(abs, exact(da_i)))
            assert_near(delta_i[k], mp.fsum(terms), dtype, size=p[k] * largest)


@each_dtype
def test_softmax_of_any_size_does_not_overflow(dtype: Any) -> None:
    z = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4]], dtype)
    a = ACTIVATIONS["softmax"].f(z, xp)
    assert_allclose(a, [[1, 0, 0], [1 / 3, 1 / 3, 1 / 3]], rtol=1e-6)
    assert_array_equal(ACTIVATIONS["softmax"].delta(z, a, np.ones_like(z), xp)[0], 0)


# ---- names, LaTeX, initialisers ------------------------------------------------------------------


@each_name
def test_latex_is_balanced(name: str) -> None:
    for latex in (activation(name).latex, activation(name).dlatex):
        assert latex.strip()
        depths = np.cumsum([(c == "{") - (c == "}") for c in re.sub(r"\\[{}]", "", latex)])
        assert depths[-1] == 0
        assert np.all(depths >= 0)
        assert latex.count(r"\begin") == latex.count(r"\end")
        assert latex.count(r"\left") == latex.count(r"\right")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("number", "shown"), [(0.25, "0.25"), (0.123456789, "0.123456789")])
def test_latex_shows_the_parameter(family: str, number: float, shown: str) -> None:
    row = FAMILIES[family](number)
    assert shown in row.latex
    assert shown in row.dlatex


@pytest.mark.parametrize("family", FAMILIES)
def test_latex_writes_no_e_for_a_power_of_ten(family: str) -> None:
    assert "1e-" not in FAMILIES[family](1e-5).latex


@each_name
def test_full_names_specify_their_row(name: str) -> None:
    row = activation(name)
    again = activation(str(row))
    assert (again.name, again.parameters) == (row.name, row.parameters)
    assert activation(row) is row
    assert row.initialiser in INITIALISERS


def test_a_parameter_specifies_its_row_however_it_is_written() -> None:
    assert elu() == elu(1) == elu(np.float64(1)) == activation("elu(1)") == ACTIVATIONS["elu"]
    assert leaky_relu() == activation("leaky_relu( 0.010 )") == ACTIVATIONS["leaky_relu"]


def test_a_slope_of_1_is_left_out() -> None:
    for name in ("sigmoid", "bipolar_sigmoid"):
        assert activation(f"{name}(1)") is activation(f"{name}(1.0)") is ACTIVATIONS[name]
        assert str(ACTIVATIONS[name]) == name


def test_slopes_of_textbooks() -> None:
    """A slope k makes σ′(0) = k/4, the bipolar one k/2 at a = 0, where σ(4·½) = .880797."""
    for name, at_half, at_zero in (
        ("sigmoid(4)", 0.8807970779778823, 1.0),
        ("bipolar_sigmoid(4)", 0.7615941559557649, 2.0),  # tanh 1
        ("bipolar_sigmoid", 0.2449186624037092, 0.5),  # tanh ¼
    ):
        assert_allclose(compute(name, np.array([0.5]))[0], [at_half], rtol=1e-15)
        assert_allclose(compute(name, np.array([0.0]))[1], [at_zero], rtol=1e-15)


def test_families_are_rows_of_the_table() -> None:
    assert FAMILIES.keys() <= ACTIVATIONS.keys()
    for name, row in ACTIVATIONS.items():
        assert row.name == name
        assert not row.parameters or name in FAMILIES


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sigmiod", "unknown activation 'sigmiod'; did you mean 'sigmoid'"),
        ("", "unknown activation ''. Known: bipolar_sigmoid, elu"),
        ("tanh(2)", "activation 'tanh' takes no parameter, got 'tanh(2)'; write 'tanh'"),
        ("elu(x)", "activation 'elu(x)': each parameter is a number"),
        ("elu(0)", "elu: alpha must be a finite number > 0, got 0"),
        ("sigmoid(0)", "sigmoid: slope must be a finite number > 0, got 0"),
        ("bipolar_sigmoid(-2)", "bipolar_sigmoid: slope must be a finite number > 0, got -2"),
        ("leaky_relu(-1)", "leaky_relu: slope must be a finite number >= 0, got -1"),
        ("leaky_relu(nan)", "leaky_relu: slope must be a finite number >= 0, got nan"),
        ("leaky_relu(1, 2)", "activation 'leaky_relu(1, 2)':"),
    ],
)
def test_a_name_that_specifies_nothing_is_refused(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        activation(name)


@pytest.mark.parametrize("given", [None, 3, ["relu"], {"name": "relu"}], ids=repr)
def test_what_is_no_activation_is_refused(given: Any) -> None:
    message = "an activation must be a name such as 'relu' or an Activation, got "
    with pytest.raises(TypeError, match=re.escape(message + repr(given))):
        activation(given)


@pytest.mark.parametrize("number", ["0.2", None, True, [0.2]], ids=repr)
@pytest.mark.parametrize(("family", "what"), [(leaky_relu, "leaky_relu: slope"), (elu, "elu: alp")])
def test_a_parameter_that_is_no_number_is_refused(family: Any, what: str, number: Any) -> None:
    family(1.0)  # equal to True, which must not be taken for it
    with pytest.raises(TypeError, match=f"{what}.* must be a finite number .*, got "):
        family(number)
