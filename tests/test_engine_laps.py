"""How many threads make the steps of a run, by times that are told: no clock, no thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chainrule import engine

pytestmark = pytest.mark.skipif(engine.native is None, reason="there is no compiled engine")

OPERATIONS = 100
"""Of a thread in a nanosecond; all times here are in these, and whole."""

MICRO, MILLI, SECOND = 10**3, 10**6, 10**9

SLICE = 3 * MILLI
"""For how long a process has a core that another wants too."""

Finish = Callable[[int, int], int]
"""When so much work is done that begins at a moment."""


def idle(at: int, work: int) -> int:
    return at + work


def shared(shift: int) -> Finish:
    """A core that another process has half of the time, in slices."""

    def finish(at: int, work: int) -> int:
        while True:
            turn, since = divmod(at + shift, 2 * SLICE)
            left = max(SLICE - since, 0)
            if left >= work:
                return at + work
            work -= left
            at = (turn + 1) * 2 * SLICE - shift

    return finish


def of_cores(step: int, *cores: Finish) -> Callable[[int, int], int]:
    """When a step is done that so many threads begin at a moment, each on a core of its own."""

    def made(threads: int, at: int) -> int:
        part = step if threads == 1 else step // threads + 600  # and two barriers
        return max(core(at, part) for core in cores[:threads])

    return made


def slower(factor: float, step: int) -> Callable[[int, int], int]:
    """A step takes several threads longer than one, by a factor."""
    return lambda threads, at: at + round(step * (1 if threads == 1 else factor))


class Run:
    """A run of so much of one thread's work: how long it takes, and who makes its steps."""

    def __init__(self, step: int, made: Any, *, work: int = SECOND, threads: int = 2) -> None:
        self.laps = engine.native.Laps(threads=threads, work=step * OPERATIONS)
        self.made, self.threads, self.step, self.at = made, threads, step, 0
        self.steps: dict[int, int] = {}
        self.go_on(work)

    def go_on(self, work: int, share: int | None = None) -> None:
        left = max(1, work // self.step)
        while left:
            threads, began, steps = self.laps.begin(share or self.threads), self.at, 0
            while left:
                self.at = self.made(threads, self.at)
                steps, left = steps + 1, left - 1
                if self.laps.ends(steps, (self.at - began) / SECOND):
                    break
            self.laps.end(steps, (self.at - began) / SECOND)
            self.steps[threads] = self.steps.get(threads, 0) + steps

    @property
    def together(self) -> float:
        """The part of the steps that several threads made."""
        return 1 - self.steps.get(1, 0) / sum(self.steps.values())


STEPS = [10 * MICRO, 40 * MICRO, 250 * MICRO, MILLI, 6 * MILLI]


@pytest.mark.parametrize("step", STEPS)
def test_a_team_that_pays_makes_nearly_all_steps(step: int):
    run = Run(step, of_cores(step, idle, idle), work=SECOND // 5)
    assert run.together > 0.95
    assert run.at < 1.05 * (SECOND // 5) * (0.5 + 600 / step)


@pytest.mark.parametrize("step", STEPS[:-1])
@pytest.mark.parametrize("factor", [1.0, 1.1, 1.5, 3.0, 10.0])
def test_one_that_does_not_costs_little(step: int, factor: float):
    assert Run(step, slower(factor, step)).at < 1.03 * (SECOND + factor * step)


CORES = {
    f"{busy} busy, {shift}": (first, shared(shift * MICRO))
    for busy, first in {1: idle, 2: shared(700 * MICRO)}.items()
    for shift in (0, 1000, 2500, 4000)
}


@pytest.mark.parametrize("cores", CORES.values(), ids=CORES)
@pytest.mark.parametrize("step", [*STEPS, 50 * MILLI])
def test_beside_other_processes_no_run_is_slower(step: int, cores: tuple[Finish, Finish]):
    work = SECOND // 5 if step < 100 * MICRO else SECOND
    made = of_cores(step, *cores)
    assert Run(step, made, work=work).at < 1.05 * Run(step, made, work=work, threads=1).at


def test_a_team_comes_and_goes_with_the_others():
    step = 40 * MICRO
    run = Run(step, of_cores(step, idle, idle), work=SECOND // 5)
    run.made, began = of_cores(step, idle, shared(0)), run.at
    run.go_on(SECOND)
    assert run.at - began < 1.05 * SECOND
    run.made = of_cores(step, idle, idle)
    run.go_on(SECOND)
    run.steps.clear()
    run.go_on(SECOND // 5)
    assert run.together > 0.95


def test_none_is_tried_while_others_rest():
    step = 40 * MICRO
    run = Run(step, of_cores(step, idle, idle), work=step)
    run.laps.rest(0.1)
    run.go_on(90 * MILLI)
    assert run.together == 0
    run.go_on(200 * MILLI)
    assert run.together > 0.5


def test_it_is_as_many_as_pay():
    """From 4 threads on, each more costs more than it gains."""
    step = 250 * MICRO
    run = Run(step, lambda n, at: at + round(step * (1 / n + 0.06 * n)), threads=16)
    assert run.steps[4] > 0.8 * sum(run.steps.values())


@pytest.mark.parametrize("step", [40 * MICRO, 6 * MILLI])
@pytest.mark.parametrize("share", [1, 2, 3, 5])
def test_they_are_no_more_than_others_leave(step: int, share: int):
    run = Run(step, of_cores(step, *[idle] * 6), work=100 * MILLI, threads=6)
    run.steps.clear()
    run.go_on(100 * MILLI, share)
    assert max(run.steps) == max(n for n in (1, 2, 4, 6) if n <= share)


def test_one_thread_has_one_lap():
    laps = engine.native.Laps(threads=1, work=1.0)
    assert laps.begin(1) == 1
    assert not any(laps.ends(n, float(n)) for n in range(1, 1000))
