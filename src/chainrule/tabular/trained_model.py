"""What comes of a training: the model of its runs, its scores, and what is told of it all."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.fitting.trainer import Trainer
from chainrule.formatting import counted
from chainrule.tabular.bounds_training import left_out_of_bounds, with_bounds
from chainrule.tabular.class_sets import unlikely
from chainrule.tabular.doubts import of_a_model
from chainrule.tabular.encoding.several_targets import told
from chainrule.tabular.encoding.target_encoding import TargetEncoder
from chainrule.tabular.intervals import conformal
from chainrule.tabular.prepare import Prepared
from chainrule.tabular.scores import MAIN
from chainrule.tabular.table_evaluation import widths
from chainrule.tabular.table_model import TableModel
from chainrule.tabular.table_training import (
    TableTraining,
    known_before,
    model_of,
)
from chainrule.tabular.temperature import FOLDS, Calibration, cooled, thermometer
from chainrule.tabular.training_runs import Run
from chainrule.tabular.training_stages import reason_for_none
from chainrule.trees import leaves, rebuild

Array = NDArray[Any]


class Judged(NamedTuple):
    """What is judged by the rows held out: networks that they are new to, in place of the model.

    Attributes
    ----------
    model
        The model of these networks.
    p
        What it predicts of the rows held out; with a temperature, that of the other folds.
    calibrations
        Of each target what made its temperature, if it has one.
    """

    model: TableModel
    p: Array
    calibrations: tuple[Calibration | None, ...]


def judged(training: TableTraining) -> Judged:
    """Return what is judged in a training that is over.

    These are all members, or where they were trained with all rows, the networks that they are
    like.
    """
    prepared, own = training.prepared, [run.trainer for run in training.chosen]
    model = _of(training, own if training.last.with_all else [*own, *_members(training)])
    heat = thermometer(model.net, prepared.validation, len(model.members))
    found = heat.calibrated(model.members) if heat else (None,) * len(model.target.each)
    p = _by_other_folds(model, prepared.held_out.X, found)
    model = at_temperatures(model, _temperatures(found))
    return Judged(_with_interval(training, model, p), p, found)


def _by_other_folds(model: TableModel, X: Array, found: Sequence[Calibration | None]) -> Array:
    """Return what is predicted of the rows held out, at the temperatures of the other folds."""
    if (folds := next((each.folds for each in found if each), None)) is None:
        return model.outputs_of(X)
    within = [folds == k for k in range(FOLDS)]
    parts = [
        at_temperatures(model, _temperatures(found, k)).outputs_of(X[rows])
        for k, rows in enumerate(within)
    ]
    p = np.empty((len(X), model.net.outputs), parts[0].dtype)
    for rows, part in zip(within, parts, strict=True):
        p[rows] = part
    return p


def _temperatures(found: Sequence[Calibration | None], fold: int | None = None) -> list[float]:
    """Return the temperature of each target, or that of all folds but one; 1 where it has none."""
    return [
        1.0 if each is None else each.temperature if fold is None else each.temperatures[fold]
        for each in found
    ]


def _with_interval(training: TableTraining, model: TableModel, p: Array) -> TableModel:
    """Return a model with the interval that was asked for: its bounds, or its sets of classes."""
    share, (X, y, w) = training.options.interval, training.prepared.held_out
    if share is None or training.prepared.target.task == "regression":
        return with_bounds(training, model, model)
    s = unlikely(p)[np.arange(len(X)), y]
    return dataclasses.replace(model, interval=conformal(s, share, w))


def trained_model(training: TableTraining) -> TableModel:
    """Return the model of a training that is over, and what is known of it.

    The scores, and the temperatures of classes, are of networks that the rows held out are new to.
    """
    prepared, trainer = training.prepared, training.trainer
    made, refitted = _members(training), training.last.with_all
    found = judged(training)
    model, temperatures = found.model, _temperatures(found.calibrations)
    if refitted and made:
        anew = at_temperatures(_of(training, made), temperatures)
        model = model.with_members(anew.members)
    about = {
        **known_before(training),
        "epochs": trainer.epochs,
        "best_epoch": trainer.best_epoch,
        "over": trainer.over,
        "epochs_with_all": made[0].epochs if refitted and made else 0,
        "refit": _refit_in_words(training, made),
        **told(prepared.target, scores := _validated(found, prepared)),
        **_calibrated(model.target, found.calibrations),
        "runs": _runs(training, model, scores, temperatures),
    }
    scored = dataclasses.replace(found.model, about=about)
    about["warnings"] = prepared.doubts + of_a_model(scored, prepared.held_out, scores)
    return dataclasses.replace(model, about=about)


def _of(training: TableTraining, trainers: list[Trainer]) -> TableModel:
    """Return the model of the best parameters of some networks."""
    net = training.trainer.plan.net
    params = [rebuild(net.form, leaves(each.best)) for each in trainers]
    return model_of(training.prepared, net, params[0], _curves(training)).with_members(params)


def at_temperatures(model: TableModel, temperatures: Sequence[float]) -> TableModel:
    """Return a model with its networks' outputs divided by a temperature for each target."""
    if all(each == 1 for each in temperatures):
        return model
    of_outputs = np.repeat(temperatures, [each.outputs for each in model.target.each])
    return model.with_members([cooled(each, of_outputs) for each in model.members])


def _calibrated(target: TargetEncoder, found: Sequence[Calibration | None]) -> dict[str, Any]:
    """Return temperatures and what they brought, as JSON has it: of several targets by name."""
    each = {
        part.column: {name: getattr(own, name) for name in ("temperature", "before", "after")}
        for part, own in zip(target.each, found, strict=True)
        if own
    }
    if not each:
        return {}
    return {"calibrations": each} if len(found) > 1 else {"calibration": each[target.column]}


def _members(training: TableTraining) -> list[Trainer]:
    """Return what trained the members beside the first network; a run that was cut is of no use."""
    stage = training.last
    whole = [run.trainer for run in stage.standing if not run.is_cut]
    return whole if stage.name == "members" else []


def _validated(found: Judged, prepared: Prepared) -> dict[str, Any]:
    """Return the scores in the rows held out, and how wide bounds are."""
    X, y, w = prepared.held_out
    scores, bounds = found.model.scores(y, found.p, w), found.model.bounds_of(X, found.p)
    return scores if bounds is None else {**scores, "interval": widths(found.model, bounds, w)}


def _curves(training: TableTraining) -> dict[str, Any]:
    """Return what training and validation found after each epoch.

    They are those of the first network, and of each run of a race what validation found.
    """
    trainer, race = training.trainer, training.stages[0]
    curves = {
        "loss": np.array(trainer.losses),
        f"validation_{training.options.metric or 'loss'}": _validated_by_epoch(trainer),
    }
    runs = race.runs if race.name == "race" else []
    raced = {f"race.{k}": _validated_by_epoch(run.trainer) for k, run in enumerate(runs, 1)}
    return curves | raced


def _validated_by_epoch(trainer: Trainer) -> Any:
    return np.array([trainer.validated(epoch) for epoch in range(1, trainer.epochs + 1)])


def _refit_in_words(training: TableTraining, made: list[Trainer]) -> str:
    """Return in words what became of a training with all rows."""
    if training.last.with_all and made:
        each = dict.fromkeys(counted(trainer.epochs, "epoch") for trainer in made)
        anew = " and ".join(each)
        saved = "that is" if len(made) == 1 else f"the mean of {len(made)} such networks is"
        return (
            f"trained anew with all rows for {anew}: {saved} the model saved; the scores are of "
            "what it is like, to which the rows held out were new"
        )
    if training.options.refit is None:
        why = reason_for_none(training) or "there was no time for it"
        return f"not trained anew with all rows, for {why}"
    return ""


def _runs(
    training: TableTraining, model: TableModel, scores: dict[str, Any], temperatures: list[float]
) -> dict[str, Any]:
    """Return which networks were trained, and what they brought, as JSON has it."""
    told: dict[str, Any] = {"members": len(model.members), "rate": training.first.rate}
    if also := [run.rate for run in training.chosen[1:] if model.others]:
        told["also"] = also[0]
    if (race := training.stages[0]).name == "race":
        told["race"] = [_raced(run) for run in race.runs]
    if training.last.with_all and (made := _members(training)):
        told["epochs"] = [trainer.epochs for trainer in made]
    if model.others and not training.last.with_all and len(model.target.each) == 1:
        told["brought"] = _brought(training, scores, temperatures)
    if left_out := list(_left_out(training, len(model.members))):
        told["left_out"] = left_out
    return told


def _raced(run: Run) -> dict[str, Any]:
    """Return what was found of a raced rate, and after which epoch, if it was finite."""
    if run.found is None:
        return {"rate": run.rate, "found": None}
    return {"rate": run.rate, "found": run.found, "epoch": run.trainer.best_epoch}


def _brought(
    training: TableTraining, scores: dict[str, Any], temperatures: list[float]
) -> dict[str, Any]:
    """Return how good the first network is on the rows held out, and the mean of all."""
    held_out = training.prepared.held_out
    first = at_temperatures(_of(training, [training.trainer]), temperatures)
    name = training.options.metric or MAIN[first.kind]
    alone = first.scores(held_out.y, first.outputs_of(held_out.X), held_out.w)
    return {"score": name, "one": alone["model"][name], "members": scores["model"][name]}


def _left_out(training: TableTraining, members: int) -> Iterator[str]:
    """Yield what was asked for and not made, with the reason, in words."""
    first, stage, asked = training.first, training.last, training.options.members or 1
    yield from left_out_of_bounds(training)
    if first.is_cut:
        missing = first.planned - first.trainer.epochs
        yield f"{missing:,} of {counted(first.planned, 'epoch')}, for the budget"
    diverged = len(stage.runs) - len(stage.standing) if stage.name == "members" else 0
    if diverged:
        yield f"{diverged:,} of {counted(asked, 'member')}, which diverged"
    missing = asked - members - diverged
    if missing > 0 and training.options.budget is not None and not stage.called_off:
        yield f"{missing:,} of {counted(asked, 'member')}, for the budget"
