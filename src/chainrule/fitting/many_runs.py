"""Runs of `fit` made together: tiny ones of a shape side by side, the others one on each thread."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

from chainrule import engine
from chainrule.engine.lane_run import Lane, LaneRun, Shapes, lanes_at_most
from chainrule.engine.native_run import Stop
from chainrule.engine.session import at_work
from chainrule.history import DivergenceError, History, TrainingInterrupted
from chainrule.network import Parameters
from chainrule.training import BegunRun

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
    stop, parts = Stop(), _parts(runs)
    workers = max(1, min(len(parts), threads or engine.cores(), engine.cores()))
    for run in runs:
        run.stop, run.threads = stop, threads and max(1, threads // workers)

    def make(part: list[int]) -> None:
        for k, end in zip(part, _made([runs[k] for k in part], stop), strict=True):
            ends[k] = end

    try:
        _on_threads(make, parts, workers, stop)
    except KeyboardInterrupt as interrupt:
        raise _interrupted(runs, ends) from interrupt
    return [end for end in ends if end is not None]


def _on_threads(
    make: Callable[[list[int]], None], parts: list[list[int]], workers: int, stop: Stop
) -> None:
    """Make all parts; Ctrl-C comes to the thread that waits, and never amid what others do."""
    pool = ThreadPoolExecutor(workers)
    try:
        made = [pool.submit(make, part) for part in parts]
        wait(made, return_when=FIRST_EXCEPTION)
    finally:
        stop.say()  # to those that are left, where one has failed
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
    shapes, alike = Shapes(), dict[Hashable, list[int]]()
    for k, run in enumerate(runs):
        shape = shapes.of(_lane(run)) if run.in_engine and run.data.in_shards is None else None
        alike.setdefault(k if shape is None else (shape, run.left()), []).append(k)
    parts = []
    for numbers in alike.values():
        size = lanes_at_most(_lane(runs[numbers[0]]).dtype) if len(numbers) >= FEWEST else 1
        parts += [numbers[k : k + size] for k in range(0, len(numbers), size)]
    return parts


def _lane(run: BegunRun) -> Lane:
    training, held_out = run.data.training, run.data.held_out
    return Lane(run.plan, run.history, training, held_out, run.batch_size or 0, run.shuffle)


def _made(runs: Sequence[BegunRun], stop: Stop) -> list[Outcome]:
    with at_work():
        if len(runs) == 1:
            return [_alone(runs[0])]
        return _side_by_side(runs, stop)


def _alone(run: BegunRun) -> Outcome:
    try:
        return run.made()
    except DivergenceError as error:
        return error


def _side_by_side(runs: Sequence[BegunRun], stop: Stop) -> list[Outcome]:
    """Make runs in lanes; one that diverges does so once more alone, which says where and why."""
    lanes, ends = LaneRun([_lane(run) for run in runs], stop), dict[int, Outcome]()
    while going := [k for k in range(len(runs)) if k not in ends and runs[k].left()]:
        most = min(1 if runs[k].early_stopping else runs[k].left() for k in going)
        for k in lanes.run_epochs(most, going):
            ends[k] = _alone(runs[k])
        costs = lanes.costs() if runs[0].data.held_out is not None else [None] * len(runs)
        for k in going:
            if k not in ends:
                _judge(runs[k], costs[k], k, ends)
    return [ends.get(k) or run.returned for k, run in enumerate(runs)]


def _judge(run: BegunRun, cost: float | None, k: int, ends: dict[int, Outcome]) -> None:
    """Enter what validation found after an epoch, and ask whether the run goes on."""
    try:
        run.validate(cost)
        run.judge()
    except DivergenceError as error:
        ends[k] = error
