"""From prepared examples to a model: the network that suits them, its run, and the result."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import argument
from chainrule.fields import column_name, made_of
from chainrule.fitting.trainer import Measure, Trainer, TrainingPlan
from chainrule.history import REMEDY, DivergenceError, EarlyStopping
from chainrule.layers.dense_stack import stack
from chainrule.network import Network, Parameters
from chainrule.optimizers import OPTIMIZERS, AdamW
from chainrule.schedules import Cosine, OneCycle
from chainrule.tabular.block_checkpoints import keeping
from chainrule.tabular.doubts import of_a_model
from chainrule.tabular.example_blocks import Blocks
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.files.source import Source
from chainrule.tabular.memory import plainly_too_little
from chainrule.tabular.objectives import loss_of
from chainrule.tabular.prepare import Prepared, prepare
from chainrule.tabular.read_options import Reading
from chainrule.tabular.scores import SCORES
from chainrule.tabular.storable import check_storable, check_width
from chainrule.tabular.table_error import TableError
from chainrule.tabular.table_model import TableModel
from chainrule.tabular.training_options import Options, by_text, completed

OVERFITTED = 1.05
"""Where the last validation loss is so many times the best, the last epochs did harm.

Up to there, training with all rows for as many epochs makes better models than are left without;
beyond, worse ones: `benchmarks/results/table_refit.md`.
"""


def network(prepared: Prepared, options: Options) -> Network:
    """Return the network for the examples, by options that are complete."""
    sizes = options.hidden or ()
    hidden = stack(sizes, [options.activation] * len(sizes), options.dropout or 0)
    return Network(
        len(prepared.preparation.feature_names),
        [*hidden, *stack([prepared.target.outputs], ["identity"])],
        loss_of(prepared.target.task, options.loss, options.quantiles),
    )


def plan(prepared: Prepared, options: Options, blocks: Blocks, epochs: int) -> TrainingPlan:
    """Return what is to be done with blocks, by options that are complete."""
    batch: Any = options.batch_size
    sizes = np.diff(blocks.ends, prepend=0).tolist()
    steps = epochs * sum(math.ceil(size / batch) for size in sizes)
    rate: Any = options.learning_rate
    if options.schedule == "cosine":
        rate = Cosine(rate, steps)
    elif options.schedule == "one-cycle":
        rate = OneCycle(rate, steps)
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


def begin(prepared: Prepared, options: Options) -> Trainer:
    """Return the run over the examples in training, before its first visit."""
    assert options.epochs
    what = plan(prepared, options, prepared.blocks, options.epochs)
    measure = measured_by(prepared, what.net, options.metric) if options.metric else None
    params, validation = _drawn(what, prepared), None if measure else prepared.validation
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


def begin_again(prepared: Prepared, options: Options, first: Trainer) -> Trainer | None:
    """Return the run over all examples, those held out too, or None where there is to be none.

    It makes as many epochs as the first, or, where that had overfitted, as were best: the rate
    falls to its end within them. Unless asked, it is then not made at all.
    """
    if options.refit is False or (options.refit is None and overfitted(first)):
        return None
    epochs = first.best_epoch if overfitted(first) else first.epochs
    blocks = prepared.with_all()
    what = plan(prepared, options, blocks, epochs)
    return Trainer(what, blocks, _drawn(what, prepared))


def overfitted(run: Trainer) -> bool:
    """Whether validation ended clearly worse than it was at its best."""
    losses = run.validation_losses
    return losses[-1] > OVERFITTED * min(losses)


def _drawn(what: TrainingPlan, prepared: Prepared) -> Parameters:
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
def set_out(
    source: Source, target: str, asked: Options
) -> Iterator[tuple[Prepared, Options, Trainer]]:
    """Yield the examples of a table, the options that the data complete, and the run to be made.

    >>> with set_out(open_source("sklearn:wine"), "target", Options()) as (prepared, options, run):
    ...     len(prepared.rows), options.batch_size, run.epochs
    (178, 32, 0)
    """
    check_width(source)
    with _mended_by_options(), plainly_too_little("; set `memory=300_000_000`, or less"):
        prepared = prepare(source, target, asked)
        with prepared.blocks:
            chosen = completed(asked, int((~prepared.held).sum()))
            run = begin(prepared, chosen)
            check_storable(_untrained(prepared, chosen, run))
            yield prepared, chosen, run


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

    >>> with set_out(open_source("sklearn:wine"), "target", Options()) as (prepared, _, _):
    ...     decided(prepared)[0]["role"]
    'number'
    """
    return [{"column": d.column, "role": d.role, "reason": d.reason} for d in prepared.decisions]


def conclude(
    prepared: Prepared, options: Options, run: Trainer, again: Trainer | None = None
) -> TableModel:
    """Return the model after a run, and perhaps another with all examples, and what is known of it.

    The scores are those of the first run, on examples that it was not trained with.
    """
    model = _model(prepared, run.plan.net, run.best, _curves(run, options.metric))
    made = {
        **_set_out(prepared, options),
        "epochs": run.epochs,
        "best_epoch": run.best_epoch,
        "over": run.over,
        "epochs_with_all": again.epochs if again else 0,
        "refit": _refit(options, run, again),
        "validation": (scores := _validated(model, prepared)),
    }
    told = dataclasses.replace(model, about=made)
    made["warnings"] = prepared.doubts + of_a_model(told, prepared.held_out, scores)
    params = model.params if again is None else again.params
    return dataclasses.replace(model, params=params, about=made)


def _set_out(prepared: Prepared, options: Options) -> dict[str, Any]:
    """Return what is told of a training that is known before its first step."""
    return {
        "rows": {
            "training": int((~prepared.held).sum()),
            "validation": int(prepared.held.sum()),
            "without_target": prepared.without_target,
        },
        "decisions": decided(prepared),
        "options": options.of_the_model(),
        **({"reading": prepared.reading} if prepared.reading else {}),
    }


def is_of(model: TableModel, prepared: Prepared, options: Options) -> bool:
    """Whether a model is of this training: of its options, and of columns with its statistics.

    >>> model = cr.train("sklearn:wine", "target", epochs=1)
    >>> with set_out(open_source("sklearn:wine"), "target", Options(epochs=1)) as made:
    ...     is_of(model, *made[:2])
    True
    """
    begun = _set_out(prepared, options)
    told = {name: model.about.get(name) for name in (*begun, "reading")}
    there, here = (
        [about, preparation.to_data(), target.to_data()]
        for about, preparation, target in (
            (told, model.preparation, model.target),
            ({"reading": None} | begun, prepared.preparation, prepared.target),
        )
    )
    return json.dumps(there, sort_keys=True) == json.dumps(here, sort_keys=True)


def _model(
    prepared: Prepared, net: Network, params: Parameters, curves: Mapping[str, Any] | None = None
) -> TableModel:
    """Return the model of some parameters, of which nothing is told yet."""
    own = prepared.preparation, prepared.target, prepared.baseline
    return TableModel(net, params, *own, curves or {}, about={}, forms=prepared.forms)


def _untrained(prepared: Prepared, options: Options, run: Trainer) -> TableModel:
    """Return the model before a run, with all that is told of it until then."""
    told = {**_set_out(prepared, options), "warnings": prepared.doubts}
    return dataclasses.replace(_model(prepared, run.plan.net, run.params), about=told)


def _validated(model: TableModel, prepared: Prepared) -> dict[str, Any]:
    """Return the scores of a model in the rows held out."""
    held_out = prepared.held_out
    return model.scores(held_out.y, model.outputs_of(held_out.X), held_out.w)


def _curves(run: Trainer, metric: str | None) -> dict[str, Any]:
    """Return what training and validation found after each epoch."""
    if metric is None:
        return {"loss": np.array(run.losses), "validation_loss": np.array(run.validation_losses)}
    values = [run.validated(epoch) for epoch in range(1, run.epochs + 1)]
    return {"loss": np.array(run.losses), f"validation_{metric}": np.array(values)}


def _refit(options: Options, run: Trainer, again: Trainer | None) -> str:
    """Return in words what became of a training with all rows."""
    if again is not None:
        anew = "1 epoch" if again.epochs == 1 else f"{again.epochs:,} epochs"
        return (
            f"trained anew with all rows for {anew}: that is the model saved; the scores are of "
            "the one before it, to which the rows held out were new"
        )
    if options.refit is None:
        return (
            "not trained anew with all rows, for validation got worse again, and another run might "
            "miss its best"
        )
    return ""


def train(
    table: Any,
    target: Any,
    *,
    checkpoint: str | Path | None = None,
    every: float = 30.0,
    watch: Callable[[Trainer], Any] = lambda run: None,
    **options: Any,
) -> TableModel:
    """Train a network on a table, and return it with what it takes to predict from such tables.

    Parameters
    ----------
    table
        A frame of pandas, Polars or Arrow, the name of a file, or a data set such as
        "sklearn:digits".
    target
        The column to predict, by its name in the frame or that name as text, such as 3 or "3".
    checkpoint, every
        A directory to leave checkpoints in, at most every so many seconds; where it holds some of
        this training, it goes on from the last, to the same bits. One that cannot be written, as
        on a disk that is full, is a warning: the training goes on, and tries again.
    watch
        Called with the `Trainer` after each visit to a block of examples; a small table is one
        block. One that returns True ends the training.
    options
        Those of `chainrule train`, with underscores: see `Reading` and `Options`.

    Raises
    ------
    TableError
        Where the table, or a column that an option names, is not fit for it.
    MemoryError
        Where there is not enough memory.
    CheckpointError
        Where the directory cannot be used, or a checkpoint cannot be read or is of another
        training.

    Examples
    --------
    >>> model = cr.train("sklearn:wine", "target", epochs=20)
    >>> model.about["validation"]["model"]["accuracy"] > 0.9
    True
    """
    reading, asked = made_of(by_text(options), Reading, Options)
    source = open_source(table, **reading.changed())
    with set_out(source, column_name(target), asked) as (prepared, chosen, run):
        with keeping(run, source, chosen, checkpoint, every) as after_visit:
            run.train(after_visit, watch)
            again = begin_again(prepared, chosen, run)
            if again is not None:
                with closing(again.blocks):
                    again.train(watch)
        return conclude(prepared, chosen, run, again)
