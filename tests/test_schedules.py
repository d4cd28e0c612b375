"""The table of schedules, against their formulas in mpmath."""

from __future__ import annotations

import dataclasses
import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.schedules import SCHEDULES
from optimizer_tables import SCHEDULE_ORACLES, true_rate
from tables import assert_near

RATES = st.floats(1e-6, 10)
STEPS = st.integers(1, 40)

EXAMPLES: dict[str, list[cr.Schedule]] = {
    "constant": [cr.Constant(0.5), cr.Constant(0), cr.Constant(3)],
    "step": [cr.StepDecay(1.0, every=7), cr.StepDecay(0.3, 1, 0.5), cr.StepDecay(2, 100, 0.0)],
    "exponential": [cr.Exponential(1.0, 0.9), cr.Exponential(0.5, 1.1), cr.Exponential(1, 0.0)],
    "inverse_scaling": [cr.InverseScaling(0.5), cr.InverseScaling(1, power=1)],
    "cosine": [cr.Cosine(1.0, 20), cr.Cosine(0.5, 1, 0.2), cr.Cosine(0.1, 30, final=0.3)],
    "coslog4": [cr.CosLog4(1.0, 20), cr.CosLog4(0.5, 1), cr.CosLog4(0.1, 2)],
    "warm_up": [
        cr.WarmUp(5, 0.5),
        cr.WarmUp(1, 0.5),
        cr.WarmUp(10, cr.Cosine(1.0, 20)),
        cr.WarmUp(3, cr.WarmUp(4, cr.StepDecay(1.0, 5))),
    ],
    "resumed": [cr.Resumed(5, 0.5), cr.Resumed(30, cr.WarmUp(40, cr.Cosine(1.0, 20)))],
    "one_cycle": [
        cr.OneCycle(1.0, 20),
        cr.OneCycle(0.3, 41, share=0.5),
        cr.OneCycle(1.0, 1),
        cr.OneCycle(1.0, 2, share=0.9),
    ],
}
CASES = [schedule for schedules in EXAMPLES.values() for schedule in schedules]
each_case = pytest.mark.parametrize("schedule", CASES, ids=repr)
each_kind = pytest.mark.parametrize("kind", SCHEDULES.values(), ids=lambda kind: kind.__name__)


# ---- rates ---------------------------------------------------------------------------------------


def check(schedule: cr.Schedule, steps: int) -> None:
    """A cosine cancels near its end, to a few eps of the highest rate."""
    highest = max(abs(schedule(t)) for t in range(1, steps + 1))
    for t in range(1, steps + 1):
        assert_near(schedule(t), true_rate(schedule, t), np.float64, size=highest)


def test_every_row_has_an_oracle_and_examples() -> None:
    assert SCHEDULE_ORACLES.keys() == EXAMPLES.keys() == SCHEDULES.keys()
    for name, schedules in EXAMPLES.items():
        assert {type(schedule) for schedule in schedules} == {SCHEDULES[name]}


@each_case
def test_rates_are_right_to_the_end_and_beyond(schedule: cr.Schedule) -> None:
    check(schedule, 100)


@given(
    st.one_of(
        st.builds(cr.StepDecay, RATES, STEPS, st.floats(0.1, 1)),
        st.builds(cr.Exponential, RATES, st.floats(0.5, 1.05)),
        st.builds(cr.InverseScaling, RATES, st.floats(0, 2)),
        st.builds(cr.Cosine, RATES, STEPS, RATES),
        st.builds(cr.CosLog4, RATES, STEPS),
        st.builds(cr.OneCycle, RATES, STEPS, st.floats(0.01, 0.99)),
        st.builds(cr.WarmUp, STEPS, st.builds(cr.Cosine, RATES, STEPS, RATES) | RATES),
    )
)
def test_rates_are_right_for_any_fields(schedule: cr.Schedule) -> None:
    check(schedule, 60)


def test_the_steps_that_matter() -> None:
    """Where a schedule that is off by one step shows."""
    decay = cr.StepDecay(1.0, every=3, factor=0.5)
    assert [decay(t) for t in (1, 3, 4, 6, 7)] == [1, 1, 0.5, 0.5, 0.25]
    cosine = cr.Cosine(1.0, steps=4, final=0.5)
    assert (cosine(1), cosine(3), cosine(5), cosine(6)) == (1, 0.75, 0.5, 0.5)
    valleys = cr.CosLog4(1.0, steps=29)
    assert [valleys(t) for t in (2, 6, 14, 30, 31)] == pytest.approx([0] * 5)
    assert cr.CosLog4(1.0, steps=1)(1) > 0  # the only step learns
    warm = cr.WarmUp(4, then=cr.Exponential(1.0, 0.5))
    assert [warm(t) for t in (1, 4, 5, 6)] == [0.25, 1, 1, 0.5]
    cycle = cr.OneCycle(1.0, steps=11, share=0.5)
    assert [cycle(t) for t in (1, 6, 11, 12)] == pytest.approx([0.04, 1, 4e-6, 4e-6])


@each_case
def test_no_rate_is_negative(schedule: cr.Schedule) -> None:
    assert all(schedule(t) >= 0 for t in range(1, 1000))


NUMPY = [
    cr.Constant(np.float64(0.5)),
    cr.Constant(np.float32(0.5)),
    cr.StepDecay(np.float64(0.5), np.int64(3), np.float64(0.5)),
    cr.Exponential(np.float64(0.5), np.float64(0.5)),
    cr.InverseScaling(np.float64(0.5), np.float64(0.5)),
    cr.Cosine(np.float64(0.5), np.int64(3), np.float64(0.1)),
    cr.CosLog4(np.float64(0.5), np.int64(3)),
    cr.WarmUp(np.int64(3), 0.5),
    cr.WarmUp(3, np.float64(0.5)),
    cr.OneCycle(np.float64(0.5), np.int64(3), np.float64(0.5)),
]


@pytest.mark.parametrize("schedule", NUMPY, ids=repr)
def test_a_rate_is_a_python_float(schedule: cr.Schedule) -> None:
    """One of NumPy would turn float32 weights into float64."""
    assert {type(schedule(t)) for t in range(1, 8)} == {float}


# ---- specifications ------------------------------------------------------------------------------

NUMBERS = [-0.1, math.nan, math.inf, "0.1", None, True, [0.1]]
WHOLES = [0, -1, 2.0, "3", None, True]
BAD: dict[str, tuple[str, list[Any]]] = {
    "rate": ("a finite number >= 0", NUMBERS),
    "factor": ("a finite number >= 0", NUMBERS),
    "power": ("a finite number >= 0", NUMBERS),
    "final": ("a finite number >= 0", NUMBERS),
    "peak": ("a finite number >= 0", NUMBERS),
    "then": ("a finite number >= 0", NUMBERS),
    "share": ("a finite number > 0 and < 1", [0, 1, *NUMBERS]),
    "steps": ("a whole number >= 1", WHOLES),
    "every": ("a whole number >= 1", WHOLES),
    "after": ("a whole number >= 1", WHOLES),
}


@each_kind
def test_a_bad_field_is_refused(kind: type) -> None:
    good = next(schedule for schedule in CASES if type(schedule) is kind)
    for field in dataclasses.fields(kind):
        must, values = BAD[field.name]
        for value in values:
            error = ValueError if type(value) in (int, float) and value != 2.0 else TypeError
            message = f"{kind.__name__}: {field.name} must be {must}.*, got {value!r}"
            with pytest.raises(error, match=message.replace("[", r"\[")):
                dataclasses.replace(good, **{field.name: value})


@each_kind
def test_only_then_may_be_a_schedule(kind: type) -> None:
    good = next(schedule for schedule in CASES if type(schedule) is kind)
    for field in dataclasses.fields(kind):
        if field.name != "then":
            with pytest.raises(TypeError, match=f"{kind.__name__}: {field.name} must be a "):
                dataclasses.replace(good, **{field.name: cr.Constant(0.5)})


@each_case
def test_a_schedule_is_a_value(schedule: cr.Schedule) -> None:
    twin = eval(repr(schedule), vars(cr).copy())
    assert twin == schedule == pickle.loads(pickle.dumps(schedule))
    assert hash(twin) == hash(schedule)
    assert sum(other == schedule for other in CASES) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        schedule.rate = 1.0
