"""Any step of a run once more: the run is deterministic, so it is made again up to that step."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.batches import Examples, Subset, batches_after, check_examples, split
from chainrule.engine.native_run import AS_LONG_AS_IT_TAKES, NativeRun
from chainrule.engine.session import Session, contiguous, shuffled
from chainrule.errors import check_whole, shown
from chainrule.explanation import derivation
from chainrule.explanation.derivation_steps import Update
from chainrule.explanation.result import Explanation
from chainrule.explanation.subjects import subject
from chainrule.explanation.tied_names import places_of_run
from chainrule.explanation.unit_places import Places
from chainrule.history import History
from chainrule.layers import Draw
from chainrule.network import Parameters
from chainrule.optimizers import State
from chainrule.record import Plan, Run
from chainrule.reference import take_step
from chainrule.sparse_rows import is_sparse
from chainrule.trees import tree_map


class BeforeStep(NamedTuple):
    """Where a run stands before one of its steps, and the batch that the step is made of."""

    params: Parameters
    states: list[State]
    step: int
    batch: Examples


def recorded_run(history: History, step: int | None, *, of: str) -> tuple[Run, int]:
    """Return the run that made a step, the last where none is named, and the step; or raise."""
    if not isinstance(history, History):
        raise TypeError(f"{of}: history must be one that fit returned, got {shown(history)}")
    if not history.runs:
        raise ValueError(
            "this history holds no run: give fit(record=True), which keeps what it is given; files "
            "and pickles hold none"
        )
    last = history.at.step
    step = last if step is None else check_whole(f"{of}: step", step, least=1)
    if not last:
        raise ValueError("the training made no step")
    if not step <= last:
        raise ValueError(f"the training made {last} steps, from 1 to {last}; got step={step}")
    made = [run for run in history.runs if run.step < step]
    if not made:
        raise ValueError(
            f"step {step} was made before those that this history records; the steps from "
            f"{history.runs[0].step + 1} on can be made again"
        )
    return made[-1], step


def examples_of(run: Run) -> Examples:
    """Return the examples that a run trained with."""
    data = check_examples(run.plan.net, run.params, run.X, run.y, run.sample_weight, whole=False)
    part, _ = split(run.plan.net, run.params, data, run.validation, run.plan.seed, shuffled)
    return part.whole()


def steps_of(run: Run, data: Examples) -> Iterator[BeforeStep]:
    """Yield where a run stands before each of its steps, made as the run made them."""
    params, states, t, epoch, _ = run.start
    following = batches_after(
        Subset(data), run.batch_size, run.plan.seed, epoch, shuffle=run.shuffle
    )
    native = _native_steps(run, data) if run.native else None
    make = native or functools.partial(take_step, run.plan)
    for step, batch in enumerate(following, t + 1):
        yield BeforeStep(params, states, step, batch)
        with np.errstate(all="ignore"):
            params, states, *_ = make(params, states, batch, step)


def _native_steps(run: Run, data: Examples) -> Callable[..., tuple[Parameters, list[State]]]:
    """Return what makes step after step in the engine, which knows where it stands."""
    start = run.start
    session = Session(
        run.plan,
        start.params,
        start.states,
        batch=min(run.batch_size or data.n, data.n),
        threads=1,
        sparse=is_sparse(data.X),
    )

    def make(
        _: Parameters, __: list[State], batch: Examples, step: int
    ) -> tuple[Parameters, list[State]]:
        session.run(  # the batch as an epoch of its own
            contiguous(batch),
            shuffles=False,
            epochs=1,
            first_epoch=0,
            first_step=step - 1,
            seconds=AS_LONG_AS_IT_TAKES,
        )
        return session.read()

    return make


def before_recorded_step(history: History, run: Run, step: int) -> BeforeStep:
    """Return where a run stood before a step, to the bit as it was trained."""
    data, done = examples_of(run), step - 1 - run.step
    if not (run.native and done):
        return next(itertools.islice(steps_of(run, data), done, None))
    start = run.start
    native = NativeRun(
        run.plan, History(last=start), Subset(data), run.batch_size, run.shuffle, None
    )
    native.session.run(
        native.data.data,
        shuffles=native.shuffles,
        epochs=history.at.epoch + 1 - start.epoch,  # as many as it may take
        first_epoch=start.epoch,
        first_step=start.step,
        seconds=AS_LONG_AS_IT_TAKES,
        most_steps=done,
    )
    params, states = native.session.read()
    following = batches_after(
        Subset(data), run.batch_size, run.plan.seed, run.epoch, shuffle=run.shuffle
    )
    return BeforeStep(params, states, step, next(itertools.islice(following, done, None)))


def before_step(
    plan: Plan,
    params: Parameters,
    data: Examples,
    step: int,
    batch_size: int | None,
    states: list[State] | None,
) -> tuple[BeforeStep, list[int]]:
    """Return where a training stands before a step, and the rows of its batch.

    It goes through the examples in their order, and is made by the functions of the core. Raises
    ValueError where a step on the way fails.
    """
    run = Run(plan, *data, None, batch_size, False, False, params, states, 0, 0)
    numbered = data._replace(y=np.arange(data.n))
    batches = batches_after(Subset(numbered), batch_size, plan.seed, 0, shuffle=False)
    try:
        found = next(itertools.islice(steps_of(run, data), step - 1, None))
    except FloatingPointError as error:
        raise ValueError(
            f"explain: the training fails before step {step}: {error}; make the learning rate "
            "smaller"
        ) from None
    rows = next(itertools.islice(batches, step - 1, None)).y
    return found, [int(row) for row in rows]


def explain_step(
    history: History,
    step: int,
    of: str,
    *,
    notation: str = "mazur",
    digits: int | None = None,
    top: int = 10,
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
) -> Explanation:
    """Return the working of one step of a training that was recorded, with its update.

    The step is made again from the start of its run, to the bit.

    Parameters
    ----------
    history
        That of `cr.fit(..., record=True)`; the arrays that `fit` was given must be what they were.
    step
        Which step, from 1.
    of, notation, digits, top, inputs, outputs
        As for `cr.explain`.

    Raises
    ------
    ValueError
        For a step that was not made, or not recorded, and for what `cr.explain` refuses.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
    >>> params = net.parameters([([[0.5]], [0.25])])
    >>> _, history = cr.fit(net, params, [[3.0]], [1.0], cr.SGD(0.1), epochs=5, record=True)
    >>> cr.explain_step(history, step=1, of="w1").steps[-1].result
    '0.275'
    """
    step = check_whole("explain_step: step", step, least=1)
    run, _ = recorded_run(history, step, of="explain_step")
    plan = run.plan
    top, digits = derivation.check_asked("explain_step", plan.net, notation, top, digits)
    at = before_recorded_step(history, run, step)
    batch = at.batch
    if is_sparse(batch.X):
        batch = batch._replace(X=derivation.written_out("explain_step", "X", batch.X))
    places = places_of_run(plan.ties, Places.of(plan.net))
    derived = derivation.derive(
        plan.net,
        _in_double(at.params),
        Examples(*(p if p is None or p.dtype.kind == "i" else _in_double(p) for p in batch)),
        subject(of, places),
        top=top,
        draw=Draw(plan.seed, step),
        made=_update(plan, at, step),
        labels=derivation.labels(places, inputs, outputs),
        at=places,
    )
    return Explanation(derived, notation, digits)


def _in_double(tree: Any) -> Any:
    return tree_map(lambda leaf: np.asarray(leaf, np.float64), tree)


def _update(plan: Plan, at: BeforeStep, step: int) -> Update:
    """The update that a step of a run made."""
    part = at.batch.mean_weight != plan.mean_weight  # the whole has no other than its own
    return Update(
        plan.optimizer,
        step,
        list(_in_double(tuple(at.states))),
        plan.frozen,
        plan.clip_value,
        plan.clip_norm,
        plan.mean_weight if part else None,
        plan.ties,
    )
