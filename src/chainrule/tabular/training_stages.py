"""The stages of a training on a table: a race of rates, the first network alone, the members.

    race      a run for each rate, on the rows in training; the rows held out choose
    first     a run of all epochs at the best rate, where the race gave each rate a part of them,
              or where one rate is given and there was none
    members   with all rows: a run for each member, for as many epochs as suited one before it;
              or else, on the rows in training: a run for each member beside those of the race
    bounds    on the rows in training: a run of two quantiles at each rate, for an interval

The first network has the seed of the training, and so has the first member with all rows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from contextlib import closing
from typing import Any, Protocol, runtime_checkable

from chainrule.fitting.side_by_side import train_all
from chainrule.fitting.trainer import Hook, Trainer
from chainrule.formatting import counted
from chainrule.log import LOGGER
from chainrule.streams import member_seeds
from chainrule.tabular.bounds_training import stage_of_bounds
from chainrule.tabular.budget import BUT_BOUNDS, Budget
from chainrule.tabular.effort import EFFORTS
from chainrule.tabular.table_training import TableTraining, of_a_run, run_in_training, run_unwatched
from chainrule.tabular.training_runs import Run, Stage

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
    asked = training.has_bounds
    _make_predictors(training, keep, budget.part(BUT_BOUNDS) if asked else budget, hooks)
    if asked and not any(stage.called_off for stage in training.stages):
        training.stages.append(stage_of_bounds(training.prepared, training.options))
        _make(training, keep, budget, hooks)


def _make_predictors(
    training: TableTraining, keep: Keeper, budget: Budget, hooks: Sequence[Hook]
) -> None:
    """Make the runs of the networks whose mean is predicted."""
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
    LOGGER.info("%s: %s", stage.name, counted(len(stage.runs), "network"))
    keep.take_up(stage)
    _begin(training, hooks)
    trainers, threads = [run.trainer for run in stage.runs], training.options.threads
    own = [budget.of(training)] if budget.bounds else []
    outcomes = train_all(trainers, *own, keep, *hooks, threads=threads)
    for run, outcome in zip(stage.runs, outcomes, strict=True):
        run.diverged = outcome
    if not stage.standing:
        raise next(outcome for outcome in outcomes if outcome is not None)
    for run in stage.runs:
        run.know(training.ranks)


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
    """Return the runs of the members, or None where there are none but those of the race.

    They are like the best run of the race, or in turn like the two best where both are as good.
    With all rows there are none where a hook ended the first network, nor where it had overfitted,
    unless asked for, and unless its schedule has valleys to break off at.
    """
    members, chosen = training.options.members or 1, training.chosen
    first, rows = training.trainer, training.prepared.training_rows
    within = rows / (rows + training.prepared.validation_rows)
    if trains_with_all(training):
        epochs, _ = epochs_with_all(training, first)
        return _with_all(training, budget.members(members, epochs / within))
    if training.stage.called_off:
        return None
    return _in_training(training, budget.members(members - len(chosen), first.plan.epochs))


def epochs_with_all(training: TableTraining, like: Trainer) -> tuple[int, int]:
    """Return how many epochs a run with all rows makes that is like another, and of how many.

    Of a schedule with valleys, it is broken off at the one where validation was best; else the rate
    falls to its end in as many epochs as the other made, or, where it had overfitted, as were best.
    """
    if _has_valleys(training):
        return like.best_epoch, like.plan.epochs
    epochs = like.best_epoch if overfitted(like) else like.epochs
    return epochs, epochs


def trains_with_all(training: TableTraining) -> bool:
    """Whether the members are trained with all rows."""
    asked = training.options.refit
    return bool(asked) or (asked is None and not reason_for_none(training))


def reason_for_none(training: TableTraining) -> str:
    """Return why no model is trained anew with all rows unless it is asked for; "" if it is."""
    if training.first.trainer.called_off:
        return "a callback ended the training"
    worse = "validation got worse again, and another run might miss its best"
    return worse if overfitted(training.trainer) and not _has_valleys(training) else ""


def _has_valleys(training: TableTraining) -> bool:
    return training.options.schedule == "coslog4"


def overfitted(trainer: Trainer) -> bool:
    """Whether validation ended clearly worse than it was at its best."""
    losses = trainer.validation_losses
    return losses[-1] > OVERFITTED * min(losses)


def _with_all(training: TableTraining, count: int) -> Stage | None:
    if not count:
        return None
    prepared, options, chosen = training.prepared, training.options, training.chosen
    blocks = prepared.with_all()

    def run(k: int, seed: int) -> Run:
        like = chosen[k % len(chosen)]
        epochs, of = epochs_with_all(training, like.trainer)
        own = of_a_run(prepared, options, like.rate, seed)
        return run_unwatched(prepared, own, blocks, f"members-{k + 1}", epochs, of)

    runs = [run(k, seed) for k, seed in enumerate(member_seeds(options.seed, count))]
    return Stage("members", runs, with_all=True)


def _in_training(training: TableTraining, count: int) -> Stage | None:
    if count < 1:
        return None
    prepared, chosen = training.prepared, training.chosen
    options = dataclasses.replace(training.options, epochs=training.trainer.plan.epochs)
    _, *seeds = member_seeds(options.seed, count + 1)
    runs = [
        run_in_training(
            prepared,
            options,
            chosen[k % len(chosen)].rate,
            name=f"members-{k + 1 + len(chosen)}",
            seed=seed,
        )
        for k, seed in enumerate(seeds)
    ]
    return Stage("members", runs)
