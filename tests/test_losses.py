"""The table of losses, against mpmath."""

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

from chainrule.losses import FAMILIES, LOSSES, cross_entropy, loss
from chainrule.targets import TARGETS
from tables import DTYPES, LOSS_ORACLES, LossOracle, assert_near, exact, mp, true_gradient

xp = array_namespace(np.zeros(1))
NAMES = [
    *LOSSES,
    "huber(0.3)",
    "huber(10)",
    "quantile(0.1)",
    "quantile(0.95)",
    "quantile(0.1, 0.5, 0.9)",
    "quantile(0.9, 0.25)",
    "cross_entropy(0)",
    "cross_entropy(0.1)",
    "cross_entropy(0.9)",
]
each_name = pytest.mark.parametrize("name", NAMES)
each_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)

# How far a lies from y: by little, by as much as a network's output may, and by too much.
RANGES = {
    "near": lambda rng, y: y + rng.normal(scale=1e-3, size=y.shape),
    "wide": lambda rng, y: rng.uniform(-30, 30, size=y.shape),
    "far": lambda rng, y: rng.uniform(-1e3, 1e3, size=y.shape),
}
each_range = pytest.mark.parametrize("spread", RANGES)


def example(
    name: str, spread: str, seed: int, n: int = 4, outputs: int = 3, dtype: Any = np.float64
) -> tuple[Any, Any]:
    """Return random activations and targets; for a count, no e^a that overflows."""
    rng = np.random.default_rng(seed)
    target = TARGETS[loss(name).target]
    y = target.sample(rng, n, outputs)
    a = RANGES[spread](rng, y)
    if loss(name).target == "count":
        a = np.minimum(a, 0.99 * np.log(np.finfo(dtype).max))
    return a.astype(dtype), y.astype(dtype)


def compute(name: str, a: Any, y: Any) -> tuple[Any, Any]:
    """Return value and gradient, in the dtype and shape of a."""
    arrays = loss(name).value(a, y, xp), loss(name).grad(a, y, xp)
    for array in arrays:
        assert array.dtype == a.dtype
        assert array.shape == a.shape
    return arrays


def oracle(name: str) -> tuple[LossOracle, list[Any]]:
    return LOSS_ORACLES[loss(name).name], exact(loss(name).parameters)


def check(name: str, a: Any, y: Any) -> None:
    """Compare value and gradient of each example with the oracle."""
    of, parameters = oracle(name)
    dtype = a.dtype.type
    value, grad = compute(name, a, y)
    for a_k, y_k, value_k, grad_k in zip(map(exact, a), map(exact, y), value, grad, strict=True):
        total = np.sum(value_k, dtype=np.float64)
        size = of.value_size(a_k, y_k, *parameters)
        assert_near(total, of.total(a_k, y_k, *parameters), dtype, size)
        expected = true_gradient(of.total, a_k, y_k, *parameters)
        for a_j, y_j, got, true in zip(a_k, y_k, grad_k, expected, strict=True):
            assert_near(got, true, dtype, of.grad_size(a_j, y_j, *parameters))


# ---- values and gradients ------------------------------------------------------------------------


def test_every_row_has_an_oracle() -> None:
    assert LOSS_ORACLES.keys() == LOSSES.keys()


@each_dtype
@each_range
@each_name
def test_values_and_gradients_are_right(name: str, spread: str, dtype: Any) -> None:
    with mp.workdps(1000 if spread == "far" else 60):  # 1 − σ(a) is e^−1000
        check(name, *example(name, spread, seed=1, dtype=dtype))
        check(name, *example(name, spread, seed=2, outputs=1, dtype=dtype))


@given(seed=st.integers(0, 2**32), outputs=st.integers(1, 4))
@pytest.mark.parametrize("name", LOSSES)
def test_values_and_gradients_are_right_anywhere(name: str, seed: int, outputs: int) -> None:
    check(name, *example(name, "wide", seed, n=1, outputs=outputs))


@given(seed=st.integers(0, 2**32), number=st.floats(0.01, 0.99))
@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_right_for_any_parameter(family: str, seed: int, number: float) -> None:
    name = str(FAMILIES[family](number))
    assert loss(name).parameters == (number,)
    check(name, *example(name, "wide", seed, n=1))


@pytest.mark.parametrize("target", ["soft", "hard"])
@pytest.mark.parametrize("name", ["cross_entropy", "cross_entropy(0.1)", "binary_cross_entropy"])
def test_probabilities_as_targets(name: str, target: str) -> None:
    rng = np.random.default_rng(5)
    a, y = example(name, "wide", seed=5)
    y = rng.dirichlet(np.ones(3), size=4) if target == "soft" else np.eye(3)[[0, 1, 2, 0]]
    check(name, a, y)


@pytest.mark.parametrize("a", [20.0, 30.0, 700.0])
@pytest.mark.parametrize("label", [0.0, 1.0])
def test_a_small_gradient_is_not_rounded_away(a: float, label: float) -> None:
    """σ(a) − y would be 0, or have lost its digits, where y = 1 and a is large."""
    logit = np.array([[a if label else -a]])
    with mp.workdps(1000):
        expected = -mp.exp(-a) if label else mp.exp(-a)
        got = loss("binary_cross_entropy").grad(logit, np.array([[label]]), xp)
        assert_near(got[0, 0], expected / (1 + mp.exp(-a)), np.float64)


def test_smoothing_by_0_is_none() -> None:
    a, y = example("cross_entropy", "wide", seed=3)
    for got, expected in zip(
        compute("cross_entropy(0)", a, y), compute("cross_entropy", a, y), strict=True
    ):
        assert_array_equal(got, expected)
    assert str(cross_entropy(0.0)) == str(cross_entropy()) == "cross_entropy"


def test_half_the_absolute_error_is_the_quantile_loss_of_a_half() -> None:
    a, y = example("quantile", "wide", seed=4)
    for half, whole in zip(
        compute("quantile(0.5)", a, y), compute("absolute_error", a, y), strict=True
    ):
        assert_allclose(half, 0.5 * whole, rtol=1e-15)


@each_dtype
@each_name
def test_the_same_numbers_on_strict_arrays(name: str, dtype: Any) -> None:
    a, y = example(name, "wide", seed=6, n=20, dtype=dtype)
    strict_a, strict_y = array_api_strict.asarray(a), array_api_strict.asarray(y)
    row = loss(name)
    for got, expected in (
        (row.value(strict_a, strict_y, array_api_strict), row.value(a, y, xp)),
        (row.grad(strict_a, strict_y, array_api_strict), row.grad(a, y, xp)),
        (row.link(strict_a, array_api_strict), row.link(a, xp)),
    ):
        assert got.dtype == strict_a.dtype
        assert_allclose(np.asarray(got), expected, rtol=8 * np.finfo(dtype).eps)


@each_dtype
@each_name
def test_nothing_overflows(name: str, dtype: Any) -> None:
    """Warnings are errors here, those of NumPy too."""
    for array in compute(name, *example(name, "far", seed=7, n=1000, dtype=dtype)):
        assert np.all(np.isfinite(array))


# ---- kinks ---------------------------------------------------------------------------------------

# The values of a at which each loss has a corner, or its derivative has one.
CORNERS: dict[str, Any] = {
    "absolute_error": lambda y: [y],
    "quantile": lambda y, *q: [y],
    "hinge": lambda y: [y],  # 1 − y a is 0 there for y = ±1
    "huber": lambda y, delta: [y - delta, y + delta],
}
JUMPS = {"absolute_error", "quantile", "hinge"}  # where the gradient itself jumps


def test_which_losses_have_a_corner() -> None:
    assert {loss(name).name for name in NAMES if loss(name).kink is not None} == CORNERS.keys()


@pytest.mark.parametrize("name", [name for name in NAMES if loss(name).name in CORNERS])
def test_kinks(name: str) -> None:
    """`kink` changes sign at a corner, and where there is no derivative the gradient is 0."""
    _, y = example(name, "wide", seed=8, n=20)
    row, step = loss(name), 1e-9
    for corner in CORNERS[row.name](y, *row.parameters):
        assert_allclose(row.kink(corner, y, xp), 0, atol=1e-14)
        before, after = (np.sign(row.kink(corner + side, y, xp)) for side in (-step, step))
        assert_array_equal(before, -after)
        if row.name in JUMPS:
            assert np.all(row.grad(corner - step, y, xp) != row.grad(corner + step, y, xp))
            assert_array_equal(row.grad(corner, y, xp), np.zeros_like(y))


@pytest.mark.parametrize("name", [name for name in NAMES if loss(name).name not in JUMPS])
def test_the_gradient_jumps_nowhere_else(name: str) -> None:
    delta = (*loss(name).parameters, 1.0)[0]
    _, y = example(name, "wide", seed=9, n=20)
    for at in (y, y + delta, y - delta, 0 * y):
        before, after = (loss(name).grad(at + step, y, xp) for step in (-1e-9, 1e-9))
        assert_allclose(before, after, rtol=1e-6, atol=1e-7)


# ---- links ---------------------------------------------------------------------------------------


@each_dtype
@each_name
def test_links_are_right(name: str, dtype: Any) -> None:
    a, _ = example(name, "wide", seed=10, dtype=dtype)
    prediction = loss(name).link(a, xp)
    assert prediction.dtype == dtype
    for row, a_k in zip(prediction, map(exact, a), strict=True):
        for got, expected in zip(row, oracle(name)[0].link(a_k), strict=True):
            assert_near(got, expected, dtype)


@each_range
@pytest.mark.parametrize("name", ["cross_entropy", "cross_entropy(0.1)"])
def test_probabilities_sum_to_1(name: str, spread: str) -> None:
    a, _ = example(name, spread, seed=11, n=50)
    p = loss(name).link(a, xp)
    assert np.all(p >= 0)
    assert_allclose(np.sum(p, axis=1), 1, rtol=1e-14)


# ---- names and LaTeX -----------------------------------------------------------------------------


@each_name
def test_latex_is_balanced(name: str) -> None:
    for latex in (loss(name).latex, loss(name).dlatex):
        assert latex.strip()
        depths = np.cumsum([(c == "{") - (c == "}") for c in re.sub(r"\\[{}]", "", latex)])
        assert depths[-1] == 0
        assert np.all(depths >= 0)
        assert latex.count(r"\begin") == latex.count(r"\end")
        assert len(re.findall(r"\\left\b", latex)) == len(re.findall(r"\\right\b", latex))


@pytest.mark.parametrize("family", FAMILIES)
def test_latex_shows_the_parameter(family: str) -> None:
    assert "0.123456789" in FAMILIES[family](0.123456789).latex
    assert "0.123456789" in FAMILIES[family](0.123456789).dlatex
    assert "1e-" not in FAMILIES[family](1e-5).latex


@each_name
def test_full_names_specify_their_row(name: str) -> None:
    row = loss(name)
    again = loss(str(row))
    assert (again.name, again.parameters) == (row.name, row.parameters)
    assert loss(row) is row


def test_families_are_rows_of_the_table() -> None:
    assert FAMILIES.keys() <= LOSSES.keys()
    assert all(row.name == name for name, row in LOSSES.items())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cross_entropi", "unknown loss 'cross_entropi'; did you mean 'cross_entropy'"),
        ("hinge(2)", "loss 'hinge' takes no parameter, got 'hinge(2)'; write 'hinge'"),
        ("huber(x)", "loss 'huber(x)': each parameter is a number"),
        ("huber(0)", "huber: delta must be a finite number > 0, got 0"),
        ("huber(inf)", "huber: delta must be a finite number > 0, got inf"),
        ("quantile(0)", "quantile: q must be a finite number > 0 and < 1, got 0"),
        ("quantile(1)", "quantile: q must be a finite number > 0 and < 1, got 1"),
        ("quantile(0.5, 1)", "quantile: q must be a finite number > 0 and < 1, got 1"),
        ("quantile(0.5, 0.5)", "quantile: q must be different numbers between 0 and 1, such as"),
        ("cross_entropy(-0.1)", "cross_entropy: smoothing must be a finite number >= 0 and < 1"),
        ("cross_entropy(1)", "cross_entropy: smoothing must be a finite number >= 0 and < 1"),
    ],
)
def test_a_name_that_specifies_nothing_is_refused(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        loss(name)


@pytest.mark.parametrize("given", [None, 3, ["hinge"], {"name": "hinge"}], ids=repr)
def test_what_is_no_loss_is_refused(given: Any) -> None:
    message = "a loss must be a name such as 'cross_entropy' or a Loss, got "
    with pytest.raises(TypeError, match=re.escape(message + repr(given))):
        loss(given)


def test_outputs_take_turns_in_several_quantiles() -> None:
    a, y = example("quantile", "wide", seed=12, outputs=6)
    shares = compute("quantile(0.1, 0.9, 0.5)", a, y)
    for k, q in enumerate((0.1, 0.9, 0.5)):
        own = (slice(None), slice(k, None, 3))
        alone = compute(f"quantile({q})", a[own], y[own])
        for got, expected in zip(shares, alone, strict=True):
            assert_allclose(got[own], expected, rtol=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_each_output_has_its_parameters(name: str) -> None:
    row = loss(name)
    for j in range(7):
        expected = row.parameters[j % row.group : j % row.group + 1]
        assert row.parameters_of(j) == expected


@pytest.mark.parametrize("number", ["0.2", None], ids=repr)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_parameter_that_is_no_number_is_refused(family: str, number: Any) -> None:
    with pytest.raises(TypeError, match=rf"{family}: \w+ must be a finite number .*, got "):
        FAMILIES[family](number)
