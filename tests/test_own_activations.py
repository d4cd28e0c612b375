"""Rows of one's own: which are accepted, and which are refused."""

import dataclasses
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.activations import activation
from tables import ACTIVATION_NAMES

each_name = pytest.mark.parametrize("name", ACTIVATION_NAMES)


def square(f: Any = lambda z, xp: z * z, df: Any = lambda z, a, xp: 2 * z, **more: Any) -> Any:
    return cr.Activation("square", f=f, df=df, **more)


def centred(
    f: Any = lambda z, xp: z - xp.mean(z, axis=-1, keepdims=True),
    pull: Any = lambda z, a, da, xp: da - xp.mean(da, axis=-1, keepdims=True),
    **more: Any,
) -> cr.Activation:
    """Each entry less the mean of its row: an activation over the layer."""
    return cr.Activation("centred", f=f, pull=pull, **more)


def test_an_activation_over_the_layer_trains_and_its_gradient_is_right() -> None:
    net = cr.Network(2, [cr.Dense(3, centred()), cr.Dense(2, "softmax")], "squared_error")
    X, y = np.array([[1.0, -0.5], [0.25, 2.0]]), np.array([[1.0, 0.0], [0.25, 0.75]])
    assert cr.check_gradient(net, net.init(3, "float64"), X, y).passed


@pytest.mark.parametrize(
    "pull",
    [
        lambda z, a, da, xp: da,
        lambda z, a, da, xp: 1.001 * (da - xp.mean(da, axis=-1, keepdims=True)),
        lambda z, a, da, xp: da - da[:, :1] / 3,
    ],
)
def test_a_wrong_way_back_is_refused(pull: Any) -> None:
    with pytest.raises(ValueError, match=r"activation 'centred', entry \d: the derivative at"):
        centred(pull=pull)


@pytest.mark.parametrize(
    "given", [{"df": lambda z, a, xp: z}, {"pull": None}], ids=["both", "none"]
)
def test_a_row_has_a_slope_or_a_way_back(given: Any) -> None:
    with pytest.raises(ValueError, match=r"activation 'centred': give df.*or pull.*one of them"):
        centred(**given)


@each_name
def test_the_check_accepts_every_row_of_the_table(name: str) -> None:
    dataclasses.replace(activation(name), check=True)


BREAKS = {
    "a little too large": lambda d, z, xp: 1.001 * d,
    "the wrong sign": lambda d, z, xp: -d,
    "an offset": lambda d, z, xp: d + 1e-4,
    "wrong on the right": lambda d, z, xp: xp.where(z > 7, d + 0.01, d),
}


@pytest.mark.parametrize("broken", BREAKS)
@each_name
def test_the_check_refuses_every_row_once_it_is_broken(name: str, broken: str) -> None:
    row = activation(name)

    def df(z: Any, a: Any, xp: Any) -> Any:
        return BREAKS[broken](row.df(z, a, xp), z, xp)

    with pytest.raises(ValueError, match=f"activation '{row.name}': the derivative at .* must be"):
        dataclasses.replace(row, df=df, check=True)


def test_a_row_of_ones_own_is_used() -> None:
    row = square()
    assert activation(row) is row
    assert str(row) == "square"
    net = cr.Network(1, [cr.Dense(1, row)], loss="half_squared_error")
    assert cr.predict(net, net.parameters([([[3.0]], [0.0])]), np.array([[2.0]])) == 36


CORNER = {
    "f": lambda z, xp: xp.maximum(z - 8, 0.0),
    "df": lambda z, a, xp: xp.astype(z > 8, z.dtype),
}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"df": lambda z, a, xp: xp.where(z > 7.9, 0 * z, 2 * z)}, "at 8 must be 16.* got 0; corr"),
        (CORNER, "the derivative at 8 must be 0.5.*, got 0; .* or declare the kink if"),
        ({"kinks": (0.0,)}, r"at_kinks must give one derivative .* kinks \(0.0,\), got \(\)"),
        ({"df": lambda z, a, xp: 2.0}, r"of the shape and dtype .* float32, got \(\) of float"),
        ({"f": lambda z, xp: xp.sum(z * z)}, r"of the shape and dtype .*, got \(\) of float32"),
        ({"f": lambda z, xp: xp.astype(z * z, xp.float64)}, r"float32, got \(160,\) of float64"),
        ({"f": lambda z, xp: xp.where(z > 0, z * z, xp.nan)}, "must be finite, they are not at -8"),
        ({"df": lambda z, a, xp: xp.where(z > 7.9, xp.inf, 2 * z)}, "must be finite, .* not at 8"),
    ],
    ids=["wrong", "kink", "at_kinks", "number", "sum", "dtype", "nan", "inf"],
)
def test_a_wrong_row_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"activation 'square': .*{message}"):
        square(**changes)


def test_a_declared_kink_is_left_out_of_the_check() -> None:
    assert square(**CORNER, kinks=(8.0,), at_kinks=(0.0,)).kinks == (8.0,)


def test_the_check_can_be_left_out() -> None:
    square(df=lambda z, a, xp: z, check=False)
