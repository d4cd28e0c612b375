"""Engines that take turns in one process, so that a machine whose speed drifts favours none.

Before each turn comes a pause, since the threads of the one before may still spin; it lets caches
and clocks go cold, so that a turn begins with an untimed warm-up of the same work. All turns, of
whatever engine, are given as much work as takes about TURN seconds.

    start   begins a run anew and returns its turn
    turn    does some units of the work (cases.py) and returns the seconds of one, and its result

Where this process has one core, its own time there counts, whatever others do on the machine; on
several, the time that passes.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from typing import Any

PAUSE = 0.3
WARM_UP = 0.02
TURN = 0.2
"""Seconds: of the pause, of the warm-up (about), of a turn (about)."""

LOOK = 0.1
"""Seconds of a first look at each way to do the work, of which the fastest takes part."""

LONG = 1e-3
"""Seconds of a call from which on its own time counts: to ask for it may take as long as a short
call, which few others interrupt."""


def cores() -> int:
    """Return how many cores this process is held to."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0


CLOCK = time.process_time if cores() == 1 else time.perf_counter

Turn = Callable[[int], tuple[float, Any]]
Start = Callable[[], Turn]


def in_one_call(
    begin: Callable[[], Callable[[int], Any]], clock: Callable[[], float] = CLOCK
) -> Start:
    """Return the start of work whose units make one call: `begin()(epochs)`."""

    def start() -> Turn:
        run = begin()

        def turn(count: int) -> tuple[float, Any]:
            began = clock()
            result = run(count)
            return (clock() - began) / count, result

        return turn

    return start


def one_by_one(call: Callable[[], Any]) -> Start:
    """Return the start of work whose units are calls, each timed; the median counts."""

    def turn(count: int) -> tuple[float, Any]:
        times = []
        result = None
        for _ in range(count):
            result = None  # as it is when a caller is done with it
            own, began = CLOCK(), time.perf_counter()
            result = call()
            passed, own = time.perf_counter() - began, CLOCK() - own
            times.append(own if passed > LONG else passed)
        return statistics.median(times), result

    return lambda: turn


def repeated(call: Callable[[], Any], clock: Callable[[], float] = CLOCK) -> Start:
    """Return the start of calls of which only the mean counts: several processes make them."""

    def run(count: int) -> None:
        for _ in range(count):
            call()

    return in_one_call(lambda: run, clock)


class Entrant:
    """One engine's way to do the work, with how many units of it make a turn and a warm-up."""

    def __init__(self, start: Start, least: int, seconds: float = TURN) -> None:
        self.start = start
        turn = start()
        self.first = turn(1)[1]
        """The result of the first unit, which also compiles what needs it."""
        self.seconds = _first_look(turn)
        """About how long a unit takes."""
        self.count = max(least, round(seconds / self.seconds))
        self.warm_up = max(1, round(WARM_UP / self.seconds)) if self.seconds < TURN else 0

    def take_turn(self) -> float:
        """Return the seconds of a unit of the work."""
        turn = self.start()
        time.sleep(PAUSE)
        if self.warm_up:
            turn(self.warm_up)
        return turn(self.count)[0]


def _first_look(turn: Turn) -> float:
    """Return the shortest time of a unit in a short while, and of two at least."""
    times = [turn(1)[0], turn(1)[0]]
    while sum(times) < LOOK:
        times.append(turn(1)[0])
    return min(times)


def fastest(ways: dict[str, Start], least: int, seconds: float = TURN) -> tuple[str, Entrant]:
    """Return the fastest of some ways to do the same work, with its name."""
    tried = {name: Entrant(start, least, seconds) for name, start in ways.items()}
    name = min(tried, key=lambda name: tried[name].seconds)
    return name, tried[name]


def take_turns(
    entrants: dict[str, Entrant], rounds: int, before: Callable[[str], Any] = lambda name: None
) -> dict[str, list[float]]:
    """Return the seconds of a unit of each engine's work in each round; `before` each turn.

    Each round begins with another engine, so that none always follows the same. There is one round
    more, the first, that is not counted: some compile anew for the length of a turn.
    """
    names = list(entrants)
    times: dict[str, list[float]] = {name: [] for name in names}
    for k in range(-1, rounds):
        first = k % len(names)
        for name in names[first:] + names[:first]:
            before(name)
            seconds = entrants[name].take_turn()
            if k >= 0:
                times[name].append(seconds)
    return times
