"""The stages of a training on a table: a race of rates, the first network alone, the members.

    race      a run for each rate, on the rows in training; the rows held out choose
    first     a run of all epochs at the best rate, where the race gave each rate a part of them,
              or where one rate is given and there was none
    members   with all rows: a run for each member, for as many epochs as suited the first;
              or else, on the rows in training: a run for each member beside the first

The first network has the seed of the training, and so has the first member with all rows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from contextlib import closing
from typing import Any, Protocol, runtime_checkable

from chainrule.fitting.side_by_side import train_all
from chainrule.fitting.trainer import Hook, Trainer
from chainrule.streams import member_seeds
from chainrule.tabular.budget import Budget
from chainrule.tabular.effort import EFFORTS
from chainrule.tabular.table_training import TableTraining, run_in_training, run_with_all
from chainrule.tabular.training_runs import Stage

OVERFITTED = 1.05
"""Where the last validation loss is so many times the best, the last epochs did harm.

Up to there, training with all rows for as many epochs makes better models than are left without;
beyond, worse ones: `benchmarks/results/table_refit.md`.
"""


@runtime_checkable
class Observer(Protocol):
    """A callback that is told of each run of a training, before the first step of its stage."""

    def begin(self, training: TableTraining, trainer: Trainer) -> None:
        """Take in what is known before the first step of a trainer."""


class Keeper(Protocol):
    """What keeps where the runs of a training stand."""

    def take_up(self, stage: Stage) -> None:
        """Bring the runs of a stage to where they were left."""

    def __call__(self, trainer: Trainer) -> None:
        """Keep where they stand, after a visit of one of them."""


def train_in_stages(
    training: TableTraining, keep: Keeper, budget: Budget, hooks: Sequence[Hook]
) -> None:
    """Make the runs of a training, stage by stage.

    A hook that ends a run lets the others of its stage go on, and no stage follow.

    Raises DivergenceError where all runs of a stage diverge.
    """
    _make(training, keep, budget, hooks)
    if first := first_after_a_race(training):
        training.stages.append(first)
        _make(training, keep, budget, hooks)
    if members := members_of(training, budget):
        training.stages.append(members)
        if not members.with_all:
            _make(training, keep, budget, hooks)
            return
        with closing(members.runs[0].trainer.blocks):
            _make(training, keep, budget, hooks)


def _make(training: TableTraining, keep: Keeper, budget: Budget, hooks: Sequence[Hook]) -> None:
    """Make the runs of the stage that comes next."""
    stage = training.stage
    keep.take_up(stage)
    _begin(training, hooks)
    trainers, threads = [run.trainer for run in stage.runs], training.options.threads
    own = [budget.of(training)] if budget.bounds else []
    outcomes = train_all(trainers, *own, keep, *hooks, threads=threads)
    for run, outcome in zip(stage.runs, outcomes, strict=True):
        run.diverged = outcome
    if not stage.standing:
        raise next(outcome for outcome in outcomes if outcome is not None)


def _begin(training: TableTraining, hooks: Sequence[Any]) -> None:
    for each in hooks:
        if isinstance(each, Observer):
            for run in training.stage.runs:
                each.begin(training, run.trainer)


def first_after_a_race(training: TableTraining) -> Stage | None:
    """Return the run of the first network where the race had only a part of its epochs."""
    race = training.stage
    share = EFFORTS[training.options.effort].race
    if race.name != "race" or share == 1 or race.called_off:
        return None
    return Stage("first", [run_in_training(training.prepared, training.options, race.best.rate)])


def members_of(training: TableTraining, budget: Budget) -> Stage | None:
    """Return the runs of the members, or None where there are none but the first network.

    With all rows they make as many epochs as the first, or, where that had overfitted, as were
    best: the rate falls to its end within them. Unless asked for, there are no such runs then, nor
    where a hook ended the first.
    """
    members: Any = training.options.members
    first, rows = training.trainer, training.prepared.is_held_out
    if trains_with_all(training):
        epochs = first.best_epoch if overfitted(first) else first.epochs
        within = (~rows).mean()
        return _with_all(training, budget.members(members, epochs / within), epochs)
    if training.stage.called_off:
        return None
    return _in_training(training, budget.members(members - 1, first.plan.epochs))


def trains_with_all(training: TableTraining) -> bool:
    """Whether the members are trained with all rows."""
    asked = training.options.refit
    return bool(asked) or (asked is None and not reason_for_none(training))


def reason_for_none(training: TableTraining) -> str:
    """Return why no model is trained anew with all rows unless it is asked for; "" if it is."""
    if training.first.trainer.called_off:
        return "a callback ended the training"
    worse = "validation got worse again, and another run might miss its best"
    return worse if overfitted(training.trainer) else ""


def overfitted(trainer: Trainer) -> bool:
    """Whether validation ended clearly worse than it was at its best."""
    losses = trainer.validation_losses
    return losses[-1] > OVERFITTED * min(losses)


def _with_all(training: TableTraining, count: int, epochs: int) -> Stage | None:
    if not count:
        return None
    prepared, options, first = training.prepared, training.options, training.first
    blocks = prepared.with_all()
    runs = [
        run_with_all(
            prepared, options, first.rate, blocks, name=f"members-{k}", seed=seed, epochs=epochs
        )
        for k, seed in enumerate(member_seeds(options.seed, count), 1)
    ]
    return Stage("members", runs, with_all=True)


def _in_training(training: TableTraining, count: int) -> Stage | None:
    if not count:
        return None
    prepared, rate = training.prepared, training.first.rate
    options = dataclasses.replace(training.options, epochs=training.trainer.plan.epochs)
    _, *seeds = member_seeds(options.seed, count + 1)
    runs = [
        run_in_training(prepared, options, rate, name=f"members-{k}", seed=seed)
        for k, seed in enumerate(seeds, 2)
    ]
    return Stage("members", runs)
