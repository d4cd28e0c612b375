"""From prepared examples to a model: the network that suits them, its run, and the result."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.layers import Dense, Dropout, Layer
from chainrule.network import Network, Parameters
from chainrule.optimizers import OPTIMIZERS, AdamW
from chainrule.records import column_name, made_of
from chainrule.schedules import Cosine, OneCycle
from chainrule.serialization.strict_json import to_json
from chainrule.tables import Reading, Source, TableError, open_source
from chainrule.tabular.blocks import Blocks
from chainrule.tabular.checkpoints import keeping
from chainrule.tabular.model import TableModel
from chainrule.tabular.options import Options, by_text, completed
from chainrule.tabular.preparing import Prepared, prepare
from chainrule.tabular.running import Plan, Run

OVERFITTED = 1.05
"""Where the last validation loss is so many times the best, the last epochs did harm."""


def network(prepared: Prepared, options: Options) -> Network:
    """Return the network for the examples, by options that are complete."""
    layers: list[Layer] = []
    for size in options.hidden or ():
        layers.append(Dense(size, options.activation))
        if options.dropout:
            layers.append(Dropout(options.dropout))
    loss = "cross_entropy" if prepared.target.task == "classification" else "half_squared_error"
    if options.quantiles:
        loss = f"quantile({', '.join(map(repr, options.quantiles))})"
    return Network(
        len(prepared.preparation.feature_names),
        [*layers, Dense(prepared.target.outputs)],
        loss,
    )


def plan(prepared: Prepared, options: Options, blocks: Blocks, epochs: int) -> Plan:
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
    return Plan(
        network(prepared, options),
        kind(rate, **decay),
        epochs,
        batch,
        options.patience or epochs,
        options.seed,
        options.clip_norm,
        options.threads,
    )


def begin(prepared: Prepared, options: Options) -> Run:
    """Return the run over the examples in training, before its first visit."""
    assert options.epochs
    what = plan(prepared, options, prepared.blocks, options.epochs)
    return Run(what, prepared.blocks, prepared.held_out, _drawn(what))


def begin_again(prepared: Prepared, options: Options, first: Run) -> Run | None:
    """Return the run over all examples, those held out too, or None where that is not wanted.

    It makes as many epochs as the first, or, where that had begun to overfit, as were best.
    """
    if not options.refit:
        return None
    losses = first.validation_losses
    overfitted = losses[-1] > OVERFITTED * min(losses)
    epochs = max(first.best_epoch, first.epochs // 4) if overfitted else first.epochs
    blocks = prepared.with_all()
    what = plan(prepared, options, blocks, epochs)
    return Run(what, blocks, None, _drawn(what))


def _drawn(what: Plan) -> Parameters:
    return what.net.init(seed=what.seed, dtype="float32")


@contextmanager
def set_out(source: Source, target: str, asked: Options) -> Iterator[tuple[Prepared, Options, Run]]:
    """Yield the examples of a table, the options that the data complete, and the run to be made.

    >>> with set_out(open_source("sklearn:wine"), "target", Options()) as (prepared, options, run):
    ...     len(prepared.rows), options.batch_size, run.epochs
    (178, 32, 0)
    """
    prepared = prepare(source, target, asked)
    with prepared.blocks:
        chosen = completed(asked, int((~prepared.held).sum()))
        _check_that_a_file_holds(prepared)
        yield prepared, chosen, begin(prepared, chosen)


def _check_that_a_file_holds(prepared: Prepared) -> None:
    """Raise TableError, before any training, where no model file could tell of so many columns."""
    told = [prepared.preparation.to_data(), prepared.target.to_data(), decided(prepared)]
    try:
        to_json(told)
    except ValueError as error:
        columns = f"{len(prepared.decisions):,} columns"
        raise TableError(f"a model of {columns} {error}; leave some out") from None


def decided(prepared: Prepared) -> list[dict[str, str]]:
    """Return the decisions on the columns as JSON has them.

    >>> with set_out(open_source("sklearn:wine"), "target", Options()) as (prepared, _, _):
    ...     decided(prepared)[0]["role"]
    'number'
    """
    return [{"column": d.column, "role": d.role, "reason": d.reason} for d in prepared.decisions]


def conclude(
    prepared: Prepared, options: Options, run: Run, again: Run | None = None
) -> TableModel:
    """Return the model after a run, and perhaps another with all examples, and what is known of it.

    The scores are those of the first run, on examples that it was not trained with.
    """
    model = TableModel(
        run.plan.net,
        run.best,
        prepared.preparation,
        prepared.target,
        prepared.baseline,
        {"loss": np.array(run.losses), "validation_loss": np.array(run.validation_losses)},
        about={},
        forms=prepared.forms,
    )
    y, w = prepared.held_out.y, prepared.held_out.w
    scores = model.scores(y, model.outputs_of(prepared.held_out.X), w)
    about = {
        "rows": {
            "training": int((~prepared.held).sum()),
            "validation": int(prepared.held.sum()),
            "without_target": prepared.without_target,
        },
        "decisions": decided(prepared),
        "options": options.of_the_model(),
        **({"reading": prepared.reading} if prepared.reading else {}),
        "epochs": run.epochs,
        "best_epoch": run.best_epoch,
        "over": run.over,
        "epochs_with_all": again.epochs if again else 0,
        "validation": scores,
    }
    params = model.params if again is None else again.params
    return dataclasses.replace(model, params=params, about=about)


def train(
    table: Any,
    target: Any,
    *,
    checkpoint: str | Path | None = None,
    every: float = 30.0,
    watch: Callable[[Run], Any] = lambda run: None,
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
        this training, it goes on from the last, to the same bits.
    watch
        Called with the `Run` after each visit to a block of examples; a small table is one block.
    options
        Those of `chainrule train`, with underscores: see `Reading` and `Options`.

    Raises
    ------
    TableError
        Where the table, or a column that an option names, is not fit for it.
    CheckpointError
        Where a checkpoint cannot be written or read, or is of another training.

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
            run.go_on(lambda run: (after_visit(run), watch(run)))
            again = begin_again(prepared, chosen, run)
            if again is not None:
                with again.blocks:
                    again.go_on(watch)
        return conclude(prepared, chosen, run, again)
