r"""The runs of the networks that the bounds of a quantity are made of, and what comes of them.

They are beside those whose mean is predicted, which are the same with bounds and without. They are
trained on the rows in training alone, at each of the rates, and their mean is taken. The rows held
out are new to them, and choose no epoch: they say how far the bounds must move.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from chainrule.formatting import counted
from chainrule.tabular.bounds import narrowest
from chainrule.tabular.bounds_examples import for_bounds, options_for_bounds
from chainrule.tabular.formats.column_formats import ColumnFormats
from chainrule.tabular.prepare import Prepared
from chainrule.tabular.table_model import TableModel
from chainrule.tabular.table_training import TableTraining, model_of, of_a_run, run_unwatched
from chainrule.tabular.training_options import Options
from chainrule.tabular.training_runs import Run, Stage
from chainrule.trees import leaves, rebuild


def stage_of_bounds(prepared: Prepared, options: Options) -> Stage:
    """Return a run at each of the rates, before its first visit, by options that are complete."""
    share: Any = options.interval
    of, asked = for_bounds(prepared, share), options_for_bounds(options, share)
    epochs: Any = options.epochs

    def run(k: int, rate: float) -> Run:
        own = of_a_run(of, asked, rate, None)
        return run_unwatched(of, own, of.blocks, f"bounds-{k}", epochs, epochs)

    return Stage("bounds", [run(k, rate) for k, rate in enumerate(options.rates, 1)])


def with_bounds(training: TableTraining, model: TableModel, scored: TableModel) -> TableModel:
    """Return a model with the bounds of its predictions, if they were trained.

    They rest on the predictions of the model that was scored: the rows held out are new to it.
    """
    stage, share = training.stages[-1], training.options.interval
    if stage.name != "bounds" or share is None:
        return model
    of = for_bounds(training.prepared, share)
    bounds = _model(of, stage.standing)
    held_out = training.prepared.held_out
    p, q = scored.outputs_of(held_out.X)[:, 0], bounds.outputs_of(held_out.X)
    interval = narrowest(scored.in_units(held_out.y)[:, 0], p, q, share, held_out.w)
    return dataclasses.replace(model, bounds=bounds, interval=interval)


def left_out_of_bounds(training: TableTraining) -> Iterator[str]:
    """Yield what was asked for of bounds and not made, with the reason, in words."""
    stage = training.stages[-1]
    if training.has_bounds and stage.name != "bounds":
        yield "the bounds, as a callback ended the training"
    elif stage.name == "bounds" and (cut := [run for run in stage.runs if run.is_cut]):
        made = max(run.trainer.epochs for run in cut)
        planned = counted(cut[0].planned, "epoch")
        yield f"{cut[0].planned - made:,} of {planned} of the bounds, for the budget"


def _model(of: Prepared, runs: list[Run]) -> TableModel:
    """Return the model of the networks of bounds, whose mean is taken."""
    trainers = [run.trainer for run in runs]
    first = model_of(of, trainers[0].plan.net, trainers[0].best)
    members = [rebuild(first.net.form, leaves(each.best)) for each in trainers]
    return dataclasses.replace(first.with_members(members), forms=ColumnFormats())
