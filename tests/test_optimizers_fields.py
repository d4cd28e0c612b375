"""The fields of an optimizer: what they may be, and what they were called before."""

from __future__ import annotations

import dataclasses
import math
import pickle
import re
from collections.abc import Callable
from typing import Any

import pytest

import chainrule as cr
from test_optimizers import CASES, SCHEDULE, each_case, each_kind

# ---- specifications ------------------------------------------------------------------------------

NOT_NUMBERS = ["0.1", None, True, [0.1]]
BAD: dict[str, tuple[str, list[float]]] = {
    "learning_rate": ("a finite number >= 0", [-1e-9, math.inf]),
    "dampening": ("a finite number >= 0 and < 1", [-0.1, 1.0]),
    "momentum": ("a finite number >= 0 and < 1", [-0.1, 1]),
    "rho": ("a finite number >= 0 and < 1", [-0.1, 1]),
    "beta1": ("a finite number >= 0 and < 1", [-0.1, 1]),
    "beta2": ("a finite number >= 0 and < 1", [-0.1, 1.0]),
    "epsilon": ("a finite number > 0", [0, -1e-8, math.inf]),
    "weight_decay": ("a finite number >= 0", [-0.1, math.inf]),
    "eta_minus": ("a finite number > 0 and < 1", [0, 1]),
    "eta_plus": ("a finite number > 1", [1, 0.5, math.inf]),
    "step_min": ("a finite number > 0", [0, -1]),
    "step_max": ("a finite number > 0", [0, -1, math.inf]),
}


@each_kind
def test_a_bad_field_is_refused(kind: Callable[..., Any]) -> None:
    for field in dataclasses.fields(kind):
        if field.name == "nesterov":
            continue
        must, values = BAD[field.name]
        for value in [*values, math.nan, *NOT_NUMBERS]:
            error = TypeError if any(value is other for other in NOT_NUMBERS) else ValueError
            message = f"{kind.__name__}: {field.name} must be {must}, got {value!r}"
            with pytest.raises(error, match=re.escape(message)):
                kind(**{field.name: value})


@each_kind
def test_the_defaults_and_the_bounds_themselves_are_allowed(kind: Callable[..., Any]) -> None:
    kind()
    kind(learning_rate=0)
    kind(learning_rate=SCHEDULE)
    for field in dataclasses.fields(kind):
        if BAD.get(field.name, ("",))[0].startswith("a finite number >= 0"):
            kind(**{field.name: 0})


@each_case
def test_an_optimizer_is_a_value(optimizer: cr.Optimizer) -> None:
    twin = eval(repr(optimizer), vars(cr).copy())
    assert twin == optimizer == pickle.loads(pickle.dumps(optimizer))
    assert hash(twin) == hash(optimizer)
    assert sum(other == optimizer for other in CASES) == 1
    assert dataclasses.replace(optimizer, learning_rate=0.2) != optimizer
    with pytest.raises(dataclasses.FrozenInstanceError):
        optimizer.learning_rate = 0.2


def test_the_rate_follows_the_schedule() -> None:
    assert [cr.Adam(SCHEDULE).rate(t) for t in (1, 7, 40)] == [SCHEDULE(t) for t in (1, 7, 40)]
    assert cr.Adam(0.3).rate(5) == 0.3


def test_options_that_contradict_themselves_are_refused():
    with pytest.raises(TypeError, match="SGD: nesterov must be True or False, got 'no'"):
        cr.SGD(nesterov="no")
    with pytest.raises(ValueError, match="step_min must be at most step_max, got 10 > 1"):
        cr.Rprop(step_min=10, step_max=1)
