"""`train`: from a table, and what is asked, to a model and the files that it is saved in."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from chainrule.distributed import agree, as_ranks
from chainrule.docstrings import documented_by
from chainrule.engine import bfloat16
from chainrule.errors import as_functions, check_number, unknown_name
from chainrule.fields import made_of
from chainrule.fitting.trainer import Hook
from chainrule.tabular.block_checkpoints import keeping
from chainrule.tabular.budget import Budget, clock_of
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.read_options import Reading
from chainrule.tabular.table_model import TableModel
from chainrule.tabular.table_training import prepared_training
from chainrule.tabular.target_names import target_names
from chainrule.tabular.trained_model import trained_model
from chainrule.tabular.training_options import Options, by_text
from chainrule.tabular.training_outputs import TrainingOutputs, claimed
from chainrule.tabular.training_stages import train_in_stages

P = ParamSpec("P")
T = TypeVar("T")
OPTIONS = (*dataclasses.fields(Reading), *dataclasses.fields(Options))
NAMES = tuple(each.name for each in OPTIONS)


def _asking_what_is_meant(function: Callable[P, T]) -> Callable[P, T]:
    """Have a function refuse a name that is none of its arguments with the nearest that are."""
    known = inspect.signature(function).parameters

    @functools.wraps(function)
    def call(*args: P.args, **given: P.kwargs) -> T:
        for name in given:
            if name not in known:
                raise unknown_name("option", name, known)
        return function(*args, **given)

    return call


@_asking_what_is_meant
@documented_by(Reading, Options)
def train(
    table: Any,
    target: Any,
    *,
    out: str | Path | None = None,
    report: str | Path | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: float = 30.0,
    resume: bool = True,
    restart: bool = False,
    force: bool = False,
    comm: Any = None,
    callbacks: Hook | Sequence[Hook] = (),
    delimiter: str | None = None,
    encoding: str = "utf-8",
    header: bool | None = None,
    skip_lines: int | None = None,
    sheet: str | None = None,
    number_duplicates: bool = False,
    missing: str | Sequence[str] | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    date_format: str | Sequence[str] | None = None,
    task: str | None = None,
    quantiles: Sequence[float] = (),
    interval: float | None = None,
    numbers: Sequence[Any] = (),
    categories: Sequence[Any] = (),
    dates: Sequence[Any] = (),
    texts: Sequence[Any] = (),
    leave_out: Sequence[Any] = (),
    order: Mapping[Any, Sequence[Any]] | None = None,
    many_categories: str = "both",
    weight: Any = None,
    validation: float = 0.15,
    groups: Any = None,
    time: Any = None,
    embedding: str = "piecewise",
    hidden: Sequence[int] | None = None,
    activation: str = "relu",
    dropout: float | None = None,
    effort: str = "default",
    budget: float | None = None,
    members: int | None = None,
    loss: str | None = None,
    label_smoothing: float = 0.0,
    class_weight: str | Mapping[Any, float] | None = None,
    metric: str | None = None,
    optimizer: str = "adamw",
    learning_rate: float | Sequence[float] | None = None,
    schedule: str = "coslog4",
    beta2: float | None = None,
    weight_decay: float | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    shards: int | None = None,
    patience: int | None = None,
    clip_norm: float | None = None,
    refit: bool | None = None,
    precision: str | None = None,
    seed: int = 0,
    threads: int | None = None,
    memory: int | None = None,
    timeout: float | None = None,
) -> TableModel:
    """Train a network on a table, and return it with what it takes to predict from such tables.

    Parameters
    ----------
    table
        A frame of pandas, Polars or Arrow, the name of a file, or a data set such as
        "sklearn:digits".
    target
        The column to predict, by its name in the frame or that name as text, such as 3 or "3"; or
        several in a list, or as text, "price,rent": one network predicts all of them.
    out
        A file for the model. Another there is replaced by `force`, and by a training that goes on
        from checkpoints that are younger; where it has the model of this training already, that is
        returned as it is.
    report
        A file for the page of the training, in HTML.
    checkpoint, checkpoint_every
        A directory to leave checkpoints in, at most every so many seconds; where it holds some of
        this training, it goes on from the last, to the same bits. One that cannot be written, as
        on a disk that is full, is a warning: the training goes on, and tries again. Once a model
        is saved in `out` they are removed.
    resume
        Whether to go on from checkpoints; if not, those that are there are refused.
    restart
        Whether to remove the checkpoints that are there, and start anew.
    force
        Whether to replace a model, or a table or network that `report` names.
    comm
        A communicator of mpi4py, such as `MPI.COMM_WORLD`, or `cr.Ranks`, of several processes that
        train together: each of them calls `train` with the same arguments, and gets the same model.
        The first one writes all files.
    callbacks
        Functions that are called with the `Trainer` of a network after each visit to a block of
        examples; a small table is one block. Of networks that are trained at once, they are called
        for one at a time. One that returns True, in any process, ends that network's training: of
        others that are under way it is asked anew, and none follow. What has a method
        `begin(training, trainer)` gets there what is known before the first step of each, the
        `TableTraining`.
    {Parameters}

    Returns
    -------
    TableModel
        The model, with what is known of its training in `about`.

    Raises
    ------
    TableError
        Where the table, or a column that an option names, is not fit for it.
    TypeError, ValueError
        Where an option is not what it must be, or what is written is being read.
    OSError
        Where a file cannot be written, is there and is not to be replaced, or belongs to another
        training under way.
    MemoryError
        Where there is not enough memory.
    CheckpointError
        Where the directory cannot be used, or a checkpoint cannot be read or is of another
        training.
    RankError
        Where another of several processes failed, or does not answer.

    Examples
    --------
    >>> model = cr.train("sklearn:wine", "target", epochs=20)
    >>> model.about["validation"]["model"]["accuracy"] > 0.9
    True
    """
    given = {name: value for name, value in locals().items() if name in NAMES}
    asks_for = {"out": out, "report": report, "checkpoint": checkpoint}
    how = {"resume": resume, "restart": restart, "force": force}
    ranks = as_ranks(comm, timeout)
    with ranks.together():
        reading, asked = made_of(by_text({**given, "order": order or {}}), Reading, Options)
        bfloat16.check_machine("", asked.precision)
        hooks = _hooks(callbacks)
        check_number("checkpoint_every", checkpoint_every, least=0)
        files_asked = {name: path is not None for name, path in asks_for.items()}
        options = reading.changed() | asked.of_the_model()
        agree(ranks, {"target": target, **options, **files_asked, **how})
        time_left = Budget(asked.budget, clock_of(ranks))
        outputs = TrainingOutputs(*map(_path, (out, report, checkpoint))).of(ranks)
        outputs.check_apart(*([table] if isinstance(table, str | Path) else []))
        with claimed(outputs.model):
            begun = ranks.first(outputs.check_begun(**how))
            source = open_source(table, ranks=ranks, **reading.changed())
            outputs.check_apart(*source.stamps)
            named = target_names(target, source.columns)
            with outputs.saving() as files, prepared_training(source, named, asked, ranks) as it:
                own: TableModel | None = ranks.first(None if force else outputs.own_model(it))
                if own is not None and not begun:
                    return own
                with keeping(it, checkpoint, checkpoint_every) as keep:
                    train_in_stages(it, keep, time_left, hooks)
                    model = trained_model(it)
                    files.save(model)
                    if report is not None:
                        files.report(it, model)
        return model


def _hooks(callbacks: Any) -> list[Hook]:
    given = [callbacks] if callable(callbacks) else callbacks
    return as_functions("callbacks", "a Trainer", given)


def _path(name: str | Path | None) -> Path | None:
    return None if name is None else Path(name)
