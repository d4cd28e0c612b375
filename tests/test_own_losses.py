"""Losses of one's own: used as they are, and refused where a derivative is wrong."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import chainrule as cr
from chainrule.losses import loss
from chainrule.targets import TARGETS
from test_losses import each_name, xp


def cubic(
    value: Any = lambda a, y, xp: xp.abs(a - y) ** 3,
    grad: Any = lambda a, y, xp: 3 * (a - y) * xp.abs(a - y),
    **more: Any,
) -> Any:
    return cr.Loss("cubic", value=value, grad=grad, **more)


@each_name
def test_the_check_accepts_every_row_of_the_table(name: str) -> None:
    dataclasses.replace(loss(name), check=True)


BREAKS = {
    "a little too large": lambda g, a: 1.001 * g,
    "the wrong sign": lambda g, a: -g,
    "an offset": lambda g, a: g + 1e-4,
    "wrong in the last output": lambda g, a: g + np.eye(g.shape[1])[-1].astype(g.dtype) * 1e-3,
}


@pytest.mark.parametrize("broken", BREAKS)
@each_name
def test_the_check_refuses_every_row_once_it_is_broken(name: str, broken: str) -> None:
    row = loss(name)

    def grad(a: Any, y: Any, xp: Any) -> Any:
        return BREAKS[broken](row.grad(a, y, xp), a)

    with pytest.raises(ValueError, match=rf"loss '{row.name}', output \d: the derivative at .*"):
        dataclasses.replace(row, grad=grad, check=True)


@pytest.mark.parametrize("target", TARGETS)
def test_a_row_of_ones_own_is_used(target: str) -> None:
    row = cubic(target=target)
    assert loss(row) is row
    assert str(row) == "cubic"
    assert_array_equal(row.link(np.array([[2.0]]), xp), [[2.0]])


def test_outputs_of_a_row_of_ones_own_may_belong_together() -> None:
    """The normal distribution: each second output is the logarithm of a variance."""

    def parts(a: Any, y: Any) -> tuple[Any, Any]:
        return a[:, ::2] - y[:, ::2], a[:, 1::2]

    def in_turn(first: Any, second: Any, a: Any) -> Any:
        return np.stack([first, second], axis=2).reshape(a.shape)

    def value(a: Any, y: Any, xp: Any) -> Any:
        r, s = parts(a, y)
        return in_turn(0.5 * r * r * xp.exp(-s), 0.5 * s, a)

    def grad(a: Any, y: Any, xp: Any) -> Any:
        r, s = parts(a, y)
        return in_turn(r * xp.exp(-s), 0.5 - 0.5 * r * r * xp.exp(-s), a)

    row = cr.Loss("normal", value=value, grad=grad, group=2)
    assert cr.Network(1, [cr.Dense(4)], row).outputs == 4
    with pytest.raises(ValueError, match="loss 'normal' expects a multiple of 2 outputs, got 3"):
        cr.Network(1, [cr.Dense(3)], row)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"grad": lambda a, y, xp: a - y}, "output 0: the derivative at .* must be .*, got "),
        ({"target": "reel"}, "'reel'; did you mean 'real'"),
        ({"value": lambda a, y, xp: xp.sum(xp.abs(a - y) ** 3, axis=1)}, ""),
        ({"value": lambda a, y, xp: xp.sum(xp.abs(a - y) ** 3)}, ""),
        ({"grad": lambda a, y, xp: xp.sum(a - y, axis=1)}, ""),
        ({"grad": lambda a, y, xp: 2.0}, ""),
        ({"value": lambda a, y, xp: xp.astype(a - y, xp.float64)}, "float32, got .* of float64"),
        ({"grad": lambda a, y, xp: xp.astype(a - y, xp.float64)}, "float32, got .* of float64"),
        ({"value": lambda a, y, xp: xp.where(a > 0, a, xp.nan)}, "must be finite"),
    ],
    ids=["wrong", "target", "mean", "scalar", "few", "number", "dtype", "dtype of grad", "nan"],
)
def test_a_wrong_row_is_refused(changes: dict[str, Any], message: str) -> None:
    """A row that sums over the outputs, above all: the mistake that comes first to mind."""
    with pytest.raises(ValueError, match=f"loss 'cubic'.*{message}"):
        cubic(**changes)


def test_the_check_keeps_away_from_declared_kinks() -> None:
    """The kink stands where the check's own points are."""
    seen: list[Any] = []

    def value(a: Any, y: Any, xp: Any) -> Any:
        if a.dtype == np.float64:
            seen.append(a[0, 0])
        return xp.abs(a - y)

    def grad(a: Any, y: Any, xp: Any) -> Any:
        return xp.sign(a - y)

    cubic(value, grad)
    point = float(seen[0])

    def corner(a: Any, y: Any, xp: Any) -> Any:
        return xp.maximum(a - point, 0.0)

    def step(a: Any, y: Any, xp: Any) -> Any:
        return xp.astype(a > point, a.dtype)

    with pytest.raises(ValueError, match=r"must be 0\.5.*, got 0; .*declare the kink"):
        cubic(corner, step)
    cubic(corner, step, kink=lambda a, y, xp: a - point)


def test_the_check_can_be_left_out() -> None:
    cubic(grad=lambda a, y, xp: a, check=False)
