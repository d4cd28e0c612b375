r"""What suits a table's target: the decisions, the values as the loss wants them, what rows count.

y   (n,) labels, or (n, outputs)      w   (n,) weights, or None
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import argument
from chainrule.tabular.columns.column_decisions import SMALL, decide
from chainrule.tabular.columns.decision import Decision
from chainrule.tabular.columns.survey import Survey, Targets, names_of
from chainrule.tabular.encoding.several_targets import (
    SeveralTargets,
    each_target,
    fit_targets,
)
from chainrule.tabular.encoding.target_encoding import QuantityEncoder, TargetEncoder
from chainrule.tabular.objectives import check_metric, kind_of, task_of
from chainrule.tabular.prediction_columns import check_different
from chainrule.tabular.table_error import TableError
from chainrule.tabular.table_shards import UNPARTED, TableShards
from chainrule.tabular.training_options import OF_COLUMNS, Options

Array = NDArray[Any]

OF_ONE_TARGET = ("metric", "class_weight", "interval")
"""The options that are of one target alone."""


def task_asked(options: Options) -> str | None:
    """Return the task that is asked for: by its option, or by the loss.

    >>> task_asked(Options(loss="poisson")), task_asked(Options())
    ('regression', None)
    """
    return options.task or task_of(options.loss)


@contextmanager
def as_asked(options: Options) -> Iterator[None]:
    """Have refusals of the target tell which option asks for the task, and advise another loss.

    >>> with as_asked(Options(loss="poisson")):
    ...     raise TableError("target 'cut' holds text; use `task='classification'`")
    Traceback (most recent call last):
    ...
    chainrule.TableError: `loss='poisson'` ...: target 'cut' holds text; use another...
    """
    try:
        yield
    except TableError as error:
        task = task_asked(options)
        if task == options.task or not str(error).startswith("target "):
            raise
        name, remedy = ("loss", "use another `loss=`")
        if options.label_smoothing:
            name, remedy = "label_smoothing", "leave `label_smoothing=` out"
        why = re.sub(r"use `task='\w+'`$", remedy, str(error))
        asked = argument(name, getattr(options, name))
        raise TableError(f"{asked} is for {task}: {why}") from None


def of_columns(options: Options) -> dict[str, Any]:
    """Return what options say of columns, and the task: what `decide` and `roles_of` take.

    >>> of_columns(Options(numbers=("size",)))["numbers"]
    ('size',)
    """
    return {"task": task_asked(options)} | {name: getattr(options, name) for name in OF_COLUMNS}


def decided_by(found: Survey, options: Options) -> tuple[Decision, ...]:
    """Return the decisions on the columns; raise TableError where the target is not fit."""
    with as_asked(options):
        return decide(found, many=options.many_categories, **of_columns(options))


def fitted_to(found: Survey, decisions: Iterable[Decision], options: Options) -> TargetEncoder:
    """Return the target, fitted to its rows; counts stay as they are, for their rates.

    Raises TableError where the metric is not of such predictions.
    """
    target = fit_targets(found, decisions, options.quantiles)
    _check_loss(target, options)
    check_different(target)
    if options.loss == "poisson":
        assert isinstance(target, QuantityEncoder)
        target = dataclasses.replace(target, centre=0.0, scale=1.0)
    check_metric(kind_of(target, options.loss), target, options.metric)
    return target


def kept_in_shares(target: TargetEncoder, y: Array) -> Array:
    """Return what rows are held out by equal shares of, (n,): of several targets, of the classes.

    Of several with classes it is the first of them, of several quantities the first.

    >>> kept_in_shares(QuantityEncoder("x", 0.0, 1.0), np.array([[0.5], [0.25]])).tolist()
    [0.5, 0.25]
    """
    each = [own for _, own in each_target(target, y)]
    y = next((own for own in each if own.ndim == 1), each[0])
    return y if y.ndim == 1 else y[:, 0]


def check_several(targets: Targets, options: Options) -> None:
    """Raise TableError for an option that is of one target, where there are several.

    >>> check_several(("price", "rent"), Options(metric="rmse"))
    Traceback (most recent call last):
    ...
    chainrule.TableError: `metric='rmse'` is of one target, and there are 2: ...
    """
    names = names_of(targets)
    given = {name: getattr(options, name) for name in OF_ONE_TARGET}
    given |= {"loss": options.loss} if options.loss == "poisson" else {}
    asked = [argument(name, value) for name, value in given.items() if value is not None]
    if len(names) > 1 and asked:
        raise TableError(
            f"{asked[0]} is of one target, and there are {len(names)}: "
            f"{', '.join(map(repr, names))}; leave it out, or train a model for each"
        )


def _check_loss(target: TargetEncoder, options: Options) -> None:
    """Raise TableError for a loss that is of the task of no one of several targets."""
    if not isinstance(target, SeveralTargets):
        return
    task = task_of(options.loss)
    if task is not None and task not in {part.task for part in target.parts}:
        name = "label_smoothing" if options.label_smoothing else "loss"
        asked = argument(name, getattr(options, name))
        raise TableError(f"{asked} is for {task}, and none of the targets {target.column} is one")


def check_counts(target: TargetEncoder, loss: str | None, y: Array, rows: Array) -> None:
    """Raise TableError where a target is no count, for the loss of counts."""
    if loss == "poisson" and (y < 0).any():
        at = int(np.argmax(y < 0))
        raise TableError(
            f"`loss='poisson'` is for counts >= 0, and target {target.column!r} is "
            f"{y[at].item():g} in row {rows[at]:,}; use another `loss=`"
        )


def counts(
    y: Array, w: Array | None, of_class: Array | None, shards: TableShards = UNPARTED
) -> Array | None:
    """Return what each example counts in training: its weight, times that of its class.

    Raises TableError where float32 has no such numbers, of the examples of all ranks.

    >>> counts(np.array([0, 1]), np.array([2.0, 2.0]), np.array([1.0, 3.0]))
    array([2., 6.])
    """
    if of_class is None:
        return w
    greatest = 1.0 if w is None else max(shards.values(w.max(initial=0).item()))
    most = of_class.max().item() * greatest
    if not SMALL < most < 1 / SMALL:
        raise TableError(
            f"`class_weight=` has a row count as much as {most:.3g}, which must be in reach of 1; "
            f"{'divide' if most > 1 else 'multiply'} all of them"
        )
    each = of_class[y].astype(np.float32)
    return each if w is None else each * w
