"""Runs of `fit` made together: tiny ones of a shape side by side, the others one on each thread."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor

from chainrule import engine
from chainrule.begun_run import BegunRun
from chainrule.engine.lane_run import Lane, LaneRun, lanes_at_most, shape_of
from chainrule.engine.session import at_work
from chainrule.fitting.first_error import wait_for_first_error
from chainrule.history import DivergenceError, History, TrainingInterrupted
from chainrule.network import Parameters

Outcome = tuple[Parameters, History] | DivergenceError
"""What `fit` returns of a run, or raises of one that diverged."""

FEWEST = 4
"""So many networks side by side take no longer than one after the other."""


def make_all(runs: Sequence[BegunRun], threads: int | None) -> list[Outcome]:
    """Make runs, as many at a time as there are threads, and return how each ended.

    >>> make_all([], threads=None)
    []
    """
    ends: list[Outcome | None] = [None] * len(runs)
    parts = [_Part([runs[k] for k in part], part) for part in _parts(runs)]
    workers = max(1, min(len(parts), threads or engine.cores(), engine.cores()))
    for run in runs:
        run.threads = threads and max(1, threads // workers)
    try:
        _on_threads(parts, ends, workers)
    except KeyboardInterrupt as interrupt:
        raise _interrupted(runs, ends) from interrupt
    return [end for end in ends if end is not None]


def _on_threads(parts: Sequence[_Part], ends: list[Outcome | None], workers: int) -> None:
    """Make all parts; Ctrl-C comes to the thread that waits, and never amid what others do."""
    pool = ThreadPoolExecutor(workers)
    try:
        made = [pool.submit(part.make, ends) for part in parts]
        wait_for_first_error(made)
    finally:
        for part in parts:
            part.stop()
        pool.shutdown(wait=True, cancel_futures=True)
    errors = [each.exception() for each in made if not each.cancelled()]
    for error in sorted(filter(None, errors), key=lambda it: isinstance(it, TrainingInterrupted)):
        raise error


def _interrupted(runs: Sequence[BegunRun], ends: list[Outcome | None]) -> TrainingInterrupted:
    """Return the error with what each run has come to."""
    stands = [_stand(run, end) for run, end in zip(runs, ends, strict=True)]
    return TrainingInterrupted([each for each, _ in stands], [each for _, each in stands])


def _stand(run: BegunRun, end: Outcome | None) -> tuple[Parameters, History]:
    if isinstance(end, tuple):
        return end
    history = end.history if isinstance(end, DivergenceError) else run.history
    return history.at.params, history


def _parts(runs: Sequence[BegunRun]) -> list[list[int]]:
    """Return the numbers of the runs in parts, each of which one thread makes."""
    alike = dict[Hashable, list[int]]()
    for k, run in enumerate(runs):
        apart = not run.in_engine or run.data.in_shards is not None or run.watching
        shape = None if apart else shape_of(_lane(run))
        alike.setdefault(k if shape is None else (shape, run.left()), []).append(k)
    parts = []
    for numbers in alike.values():
        size = lanes_at_most(_lane(runs[numbers[0]]).dtype) if len(numbers) >= FEWEST else 1
        parts += [numbers[k : k + size] for k in range(0, len(numbers), size)]
    return parts


def _lane(run: BegunRun) -> Lane:
    training, held_out = run.data.training, run.data.held_out
    return Lane(run.plan, run.history, training, held_out, run.batch_size or 0, run.shuffle)


class _Part:
    """Runs that one thread makes: one alone, or several in lanes."""

    def __init__(self, runs: Sequence[BegunRun], numbers: Sequence[int]) -> None:
        self.runs, self.numbers = runs, numbers
        self.lanes: LaneRun | None = None

    def make(self, ends: list[Outcome | None]) -> None:
        """Make them, and enter how each ended at its number."""
        with at_work():
            made = self._in_lanes() if len(self.runs) > 1 else [_alone(self.runs[0])]
        for k, end in zip(self.numbers, made, strict=True):
            ends[k] = end

    def stop(self) -> None:
        """Have them end after a whole step."""
        for run in self.runs:
            run.stop()
        if self.lanes is not None:
            self.lanes.stop()

    def _in_lanes(self) -> list[Outcome]:
        """Make all; one that diverges does so once more alone, which says where and why."""
        runs, ends = self.runs, dict[int, Outcome]()
        self.lanes = LaneRun([_lane(run) for run in runs])
        while going := [k for k, run in enumerate(runs) if k not in ends and run.left()]:
            if runs[0].told_to_stop:
                raise KeyboardInterrupt
            most = min(1 if runs[k].early_stopping else runs[k].left() for k in going)
            for k in self.lanes.run_epochs(most, going):
                ends[k] = _alone(runs[k])
            costs = self._validation_costs()
            for k in going:
                if k not in ends:
                    _judge(runs[k], costs[k], k, ends)
        return [ends.get(k) or run.returned for k, run in enumerate(runs)]

    def _validation_costs(self) -> Sequence[float | None]:
        if self.lanes is None or self.runs[0].data.held_out is None:
            return [None] * len(self.runs)
        return self.lanes.costs()


def _alone(run: BegunRun) -> Outcome:
    try:
        return run.made()
    except DivergenceError as error:
        return error


def _judge(run: BegunRun, cost: float | None, k: int, ends: dict[int, Outcome]) -> None:
    """Enter what validation found after an epoch, and ask whether the run goes on."""
    try:
        run.validate(cost)
        run.judge()
    except DivergenceError as error:
        ends[k] = error
