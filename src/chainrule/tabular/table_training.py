"""From prepared examples to a model: the network that suits them, its training, and the result."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import argument
from chainrule.fitting.layer_builder import dense_layers, with_outputs
from chainrule.fitting.trainer import Measure, Trainer, TrainingPlan
from chainrule.history import REMEDY, DivergenceError, EarlyStopping
from chainrule.network import Network, Parameters
from chainrule.optimizers import OPTIMIZERS, AdamW
from chainrule.schedules import SCHEDULES
from chainrule.tabular.doubts import of_a_model
from chainrule.tabular.example_blocks import ExampleBlocks
from chainrule.tabular.files.source import Source
from chainrule.tabular.memory import plainly_too_little
from chainrule.tabular.objectives import loss_of
from chainrule.tabular.prepare import Prepared, prepare
from chainrule.tabular.scores import SCORES
from chainrule.tabular.storable import check_storable, check_width
from chainrule.tabular.table_error import TableError
from chainrule.tabular.table_model import TableModel
from chainrule.tabular.training_options import Options, completed

OVERFITTED = 1.05
"""Where the last validation loss is so many times the best, the last epochs did harm.

Up to there, training with all rows for as many epochs makes better models than are left without;
beyond, worse ones: `benchmarks/results/table_refit.md`.
"""


@dataclass
class TableTraining:
    """A training on a table: the examples of its source, what they decided, and how far it is.

    The options are complete, and the `trainer` is the one to which the rows held out are new.
    """

    source: Source
    prepared: Prepared
    options: Options
    trainer: Trainer


def network(prepared: Prepared, options: Options) -> Network:
    """Return the network for the examples, by options that are complete."""
    hidden = dense_layers(options.hidden or (), options.activation, options.dropout or 0)
    return Network(
        len(prepared.preparation.feature_names),
        with_outputs(hidden, prepared.target.outputs),
        loss_of(prepared.target.task, options.loss, options.quantiles),
    )


def plan(prepared: Prepared, options: Options, blocks: ExampleBlocks, epochs: int) -> TrainingPlan:
    """Return what is to be done with blocks, by options that are complete."""
    batch: Any = options.batch_size
    sizes = np.diff(blocks.ends, prepend=0).tolist()
    steps = epochs * sum(math.ceil(size / batch) for size in sizes)
    rate: Any = options.learning_rate
    if options.schedule != "constant":
        changing: Any = SCHEDULES[options.schedule.replace("-", "_")]
        rate = changing(rate, steps)
    kind: Any = OPTIMIZERS[options.optimizer]
    decay = {"weight_decay": options.weight_decay} if kind is AdamW else {}
    return TrainingPlan(
        network(prepared, options),
        kind(rate, **decay),
        epochs,
        batch,
        options.seed,
        EarlyStopping(options.patience or epochs),
        clip_norm=options.clip_norm,
        threads=options.threads,
    )


def first_trainer(prepared: Prepared, options: Options) -> Trainer:
    """Return what trains on the examples in training, before its first visit."""
    assert options.epochs
    what = plan(prepared, options, prepared.blocks, options.epochs)
    measure = measured_by(prepared, what.net, options.metric) if options.metric else None
    params, validation = (
        _initial_parameters(what, prepared),
        None if measure else prepared.validation,
    )
    return Trainer(what, prepared.blocks, params, validation=validation, measure=measure)


def measured_by(prepared: Prepared, net: Network, metric: str) -> Measure:
    """Return what finds how far parameters are from the best of a metric, in the rows held out.

    Raises TableError where it has no meaning for them.
    """
    model, held_out = _model(prepared, net, net.init(0, dtype="float32")), prepared.held_out

    def distance(params: Parameters) -> float:
        with np.errstate(over="ignore", invalid="ignore"):
            try:
                p = dataclasses.replace(model, params=params).outputs_of(held_out.X)
            except FloatingPointError:  # the outputs are not finite
                return math.inf
        value = model.scores(held_out.y, p, held_out.w)["model"].get(metric)
        if value is None:
            raise TableError(
                f"{argument('metric', metric)} has no meaning for the rows held out, which have a "
                "single value; hold out more by `validation=`, or take another metric"
            )
        return SCORES[metric].distance(value)

    distance(model.params)
    return Measure(distance, SCORES[metric].distance)


def refit_trainer(training: TableTraining) -> Trainer | None:
    """Return what trains on all examples, those held out too, or None where nothing is to.

    It makes as many epochs as the first, or, where that had overfitted, as were best: the rate
    falls to its end within them. Unless asked, it then makes none, nor where a callback ended the
    first.
    """
    prepared, options, first = training.prepared, training.options, training.trainer
    if options.refit is False or (options.refit is None and _reason_for_none(first)):
        return None
    epochs = first.best_epoch if overfitted(first) else first.epochs
    blocks = prepared.with_all()
    what = plan(prepared, options, blocks, epochs)
    return Trainer(what, blocks, _initial_parameters(what, prepared))


def _reason_for_none(first: Trainer) -> str:
    """Return why no model is trained anew with all rows unless it is asked for; "" if it is."""
    if first.called_off:
        return "a callback ended the training"
    worse = "validation got worse again, and another run might miss its best"
    return worse if overfitted(first) else ""


def overfitted(trainer: Trainer) -> bool:
    """Whether validation ended clearly worse than it was at its best."""
    losses = trainer.validation_losses
    return losses[-1] > OVERFITTED * min(losses)


def _initial_parameters(what: TrainingPlan, prepared: Prepared) -> Parameters:
    """Return the parameters to begin with; of rates e^a, the first is the mean for every row."""
    params = what.net.init(seed=what.seed, dtype="float32")
    if str(what.net.loss) != "poisson":
        return params
    *hidden, last = params
    if not prepared.baseline[0] > 0:
        raise TableError(
            f"`loss='poisson'` needs a count above 0, and target {prepared.target.column!r} is 0 "
            "in all rows in training; use another `loss=`, or another `seed=`"
        )
    return (*hidden, last._replace(b=last.b + np.float32(np.log(prepared.baseline[0]))))


@contextmanager
def prepared_training(source: Source, target: str, asked: Options) -> Iterator[TableTraining]:
    """Yield the training on a table before its first step.

    >>> from chainrule.tabular.files.open_source import open_source
    >>> with prepared_training(open_source("sklearn:wine"), "target", Options()) as training:
    ...     len(training.prepared.rows), training.options.batch_size, training.trainer.epochs
    (178, 32, 0)
    """
    check_width(source)
    with _mended_by_options(), plainly_too_little("; set `memory=300_000_000`, or less"):
        prepared = prepare(source, target, asked)
        with prepared.blocks:
            chosen = completed(asked, int((~prepared.is_held_out).sum()))
            training = TableTraining(source, prepared, chosen, first_trainer(prepared, chosen))
            check_storable(_untrained(training))
            yield training


@contextmanager
def _mended_by_options() -> Iterator[None]:
    """Say of a training that diverged which options help."""
    try:
        yield
    except DivergenceError as error:
        said = str(error).replace(REMEDY, "lower `learning_rate=`, or set `clip_norm=`")
        raise DivergenceError(said, error.params, error.history) from None


def decided(prepared: Prepared) -> list[dict[str, str]]:
    """Return the decisions on the columns as JSON has them.

    >>> from chainrule.tabular.files.open_source import open_source
    >>> with prepared_training(open_source("sklearn:wine"), "target", Options()) as training:
    ...     decided(training.prepared)[0]["role"]
    'number'
    """
    return [{"column": d.column, "role": d.role, "reason": d.reason} for d in prepared.decisions]


def trained_model(training: TableTraining, refit: Trainer | None = None) -> TableModel:
    """Return the model of a training, perhaps refitted with all examples, and what is known of it.

    The scores are those before that, on examples that it was not trained with.
    """
    prepared, trainer = training.prepared, training.trainer
    curves = _curves(trainer, training.options.metric)
    model = _model(prepared, trainer.plan.net, trainer.best, curves)
    about = {
        **_known_before(training),
        "epochs": trainer.epochs,
        "best_epoch": trainer.best_epoch,
        "over": trainer.over,
        "epochs_with_all": refit.epochs if refit else 0,
        "refit": _refit_in_words(training, refit),
        "validation": (scores := _validated(model, prepared)),
    }
    scored = dataclasses.replace(model, about=about)
    about["warnings"] = prepared.doubts + of_a_model(scored, prepared.held_out, scores)
    params = model.params if refit is None else refit.params
    return dataclasses.replace(model, params=params, about=about)


def _known_before(training: TableTraining) -> dict[str, Any]:
    """Return what a model tells of its training that is known before the first step."""
    prepared = training.prepared
    return {
        "rows": {
            "training": int((~prepared.is_held_out).sum()),
            "validation": int(prepared.is_held_out.sum()),
            "without_target": prepared.without_target,
        },
        "decisions": decided(prepared),
        "options": training.options.of_the_model(),
        **({"reading": prepared.reading} if prepared.reading else {}),
    }


def is_model_of(model: TableModel, training: TableTraining) -> bool:
    """Whether a model is of this training: of its options, and of columns with its statistics.

    >>> from chainrule.tabular.files.open_source import open_source
    >>> model, wine = cr.train("sklearn:wine", "target", epochs=1), open_source("sklearn:wine")
    >>> with prepared_training(wine, "target", Options(epochs=1)) as training:
    ...     is_model_of(model, training)
    True
    """
    known, prepared = {"reading": None} | _known_before(training), training.prepared
    there, here = (
        [about, preparation.to_data(), target.to_data()]
        for about, preparation, target in (
            ({name: model.about.get(name) for name in known}, model.preparation, model.target),
            (known, prepared.preparation, prepared.target),
        )
    )
    return json.dumps(there, sort_keys=True) == json.dumps(here, sort_keys=True)


def _model(
    prepared: Prepared, net: Network, params: Parameters, curves: Mapping[str, Any] | None = None
) -> TableModel:
    """Return the model of some parameters, of which nothing is told yet."""
    own = prepared.preparation, prepared.target, prepared.baseline
    return TableModel(net, params, *own, curves or {}, about={}, forms=prepared.forms)


def _untrained(training: TableTraining) -> TableModel:
    """Return the model before a training, with all that is told of it until then."""
    about = {**_known_before(training), "warnings": training.prepared.doubts}
    trainer = training.trainer
    model = _model(training.prepared, trainer.plan.net, trainer.params)
    return dataclasses.replace(model, about=about)


def _validated(model: TableModel, prepared: Prepared) -> dict[str, Any]:
    """Return the scores of a model in the rows held out."""
    held_out = prepared.held_out
    return model.scores(held_out.y, model.outputs_of(held_out.X), held_out.w)


def _curves(trainer: Trainer, metric: str | None) -> dict[str, Any]:
    """Return what training and validation found after each epoch."""
    losses = np.array(trainer.losses)
    if metric is None:
        return {"loss": losses, "validation_loss": np.array(trainer.validation_losses)}
    values = [trainer.validated(epoch) for epoch in range(1, trainer.epochs + 1)]
    return {"loss": losses, f"validation_{metric}": np.array(values)}


def _refit_in_words(training: TableTraining, refit: Trainer | None) -> str:
    """Return in words what became of a training with all rows."""
    if refit is not None:
        anew = "1 epoch" if refit.epochs == 1 else f"{refit.epochs:,} epochs"
        return (
            f"trained anew with all rows for {anew}: that is the model saved; the scores are of "
            "the one before it, to which the rows held out were new"
        )
    if training.options.refit is None:
        return f"not trained anew with all rows, for {_reason_for_none(training.trainer)}"
    return ""
