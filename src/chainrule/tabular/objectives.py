"""What training goes for: the loss that it lowers, the weights of classes, what validation goes by.

y   (n,) labels      w   (n,)   weights of rows, or None
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule import losses
from chainrule.errors import argument, check_number
from chainrule.tabular.scores import METRICS, SCORES
from chainrule.tabular.table_shards import UNPARTED, TableShards

if TYPE_CHECKING:
    from chainrule.tabular.encoding.target_encoding import TargetEncoder

Array = NDArray[Any]
Levels = tuple[float, ...]

BY_TASK = {"classification": "cross_entropy", "regression": "half_squared_error"}
"""The losses where none is asked for."""

TASKS = {"class": "classification", "real": "regression", "count": "regression"}
"""The task of a loss, by what its y must be."""

UNFIT = {
    "binary_cross_entropy": "classes have an output each; cross_entropy is the same for two",
    "hinge": "it gives no probabilities; use cross_entropy",
}
"""Why the other losses are for no table."""

BALANCED = "balanced"


def task_of(loss: str | None) -> str | None:
    """Return the task that a loss sets, or raise ValueError where it is not for tables.

    >>> task_of("poisson"), task_of("cross_entropy"), task_of(None)
    ('regression', 'classification', None)
    """
    if loss is None:
        return None
    row = losses.single("the loss of a table", loss)
    if row.name in UNFIT:
        raise ValueError(f"loss {loss!r} is not for tables: {UNFIT[row.name]}")
    return TASKS[str(row.target)]


def checked_loss(
    loss: str | None, quantiles: Levels, task: str | None
) -> tuple[str | None, Levels]:
    """Return the full name of a loss, and the quantiles that it is of.

    Raises ValueError for a loss of another task than is asked for, and of other quantiles.

    >>> checked_loss("huber( .5 )", (), None), checked_loss("quantile(0.9)", (), None)
    (('huber(0.5)', ()), ('quantile(0.9)', (0.9,)))
    """
    if loss is None:
        return None, quantiles
    own = task_of(loss)
    if task is not None and task != own:
        raise ValueError(f"loss {loss!r} is of the task {own}, and task is {task}")
    row = losses.loss(loss)
    levels = tuple(sorted(row.parameters)) if row.name == "quantile" else ()
    if quantiles and levels != quantiles:
        asked = ", ".join(map(str, quantiles))
        raise ValueError(f"quantiles {asked} have a loss of their own; leave loss {loss!r} out")
    return str(losses.quantile(*levels)) if levels else str(row), levels or quantiles


def smoothed_loss(loss: str | None, smoothing: float, task: str | None) -> str | None:
    """Return the name of a loss with labels that are smoothed by so much.

    Raises ValueError for one that has no labels, or a smoothing of its own.

    >>> smoothed_loss(None, 0.1, None), smoothed_loss("poisson", 0, None)
    ('cross_entropy(0.1)', 'poisson')
    """
    if not smoothing:
        return loss
    if task == "regression":
        raise ValueError("label_smoothing is for classes, and task is regression")
    row, made = losses.loss(loss or "cross_entropy"), losses.cross_entropy(smoothing)
    if row.name != made.name:
        raise ValueError(f"label_smoothing is for the loss cross_entropy, got loss {loss!r}")
    if row.parameters not in (losses.cross_entropy().parameters, made.parameters):
        raise ValueError(f"loss {loss!r} smooths its labels itself; leave label_smoothing out")
    return str(made)


def checked_class_weights(given: Any) -> str | dict[str, float] | None:
    """Return "balanced", or the weight of each class by its name, from a text or a mapping.

    >>> checked_class_weights("yes=2, no=1"), checked_class_weights({"yes": 2})
    ({'yes': 2.0, 'no': 1.0}, {'yes': 2.0})
    """
    if given is None or given == BALANCED:
        return BALANCED if given else None
    if isinstance(given, str):
        given = dict(_named_weight(each, given) for each in next(csv.reader([given]), []))
    if not isinstance(given, Mapping) or not given:
        raise TypeError(f"class_weight must be 'balanced' or such as 'yes=2,no=1', got {given!r}")
    named = {_class(name): weight for name, weight in given.items()}
    return {
        name: check_number(f"class_weight of {name!r}", weight, above=0)
        for name, weight in named.items()
    }


def _class(label: Any) -> str:
    """Return a class as its text: a Boolean as tables have it, a whole number without a point."""
    if isinstance(label, bool | np.bool_):
        return str(label).lower()
    whole = isinstance(label, float | np.floating) and float(label).is_integer()
    return str(int(label) if whole else label)


def _named_weight(text: str, whole: str) -> tuple[str, float]:
    name, equals, weight = text.rpartition("=")
    try:
        return name.strip(), float(weight if equals else "")
    except ValueError:
        raise ValueError(
            f"class_weight must be 'balanced' or such as 'yes=2,no=1', got {whole!r}"
        ) from None


def loss_of(task: str, loss: str | None, quantiles: Levels = ()) -> str:
    """Return the full name of the loss of a training.

    >>> loss_of("regression", None, (0.1, 0.9)), loss_of("classification", None)
    ('quantile(0.1, 0.9)', 'cross_entropy')
    """
    return str(losses.quantile(*quantiles)) if quantiles else loss or BY_TASK[task]


def losses_of(target: TargetEncoder, loss: str | None, quantiles: Levels = ()) -> str:
    """Return the full name of the loss of a training: of several targets, a head for each.

    A loss that is asked for is that of the targets of its task.

    >>> from chainrule.tabular.encoding.several_targets import SeveralTargets
    >>> from chainrule.tabular.encoding.target_encoding import ClassEncoder, QuantityEncoder
    >>> parts = QuantityEncoder("price", 0.0, 1.0), ClassEncoder("sold", ("no", "yes"))
    >>> losses_of(SeveralTargets(parts), "huber(1)")
    'heads(huber(1): 1, cross_entropy: 2)'
    """
    if not hasattr(target, "parts"):
        return loss_of(target.task, loss, quantiles)
    asked = task_of(loss)
    heads = (
        (
            loss_of(
                part.task, loss if part.task == asked else None, getattr(part, "quantiles", ())
            ),
            part.outputs,
        )
        for part in target.parts
    )
    return str(losses.heads(*heads))


def kind_of(target: TargetEncoder, loss: Any) -> str:
    """Return the kind of prediction that a loss makes of a target, as the scores have it.

    >>> from chainrule.tabular.encoding.target_encoding import ClassEncoder, QuantityEncoder
    >>> (
    ...     kind_of(ClassEncoder("cut", ("Fair", "Good")), None),
    ...     kind_of(QuantityEncoder("n", 0.0, 1.0), "poisson"),
    ... )
    ('classes', 'counts')
    """
    if target.task in ("classification", "several"):
        return "classes" if target.task == "classification" else "several"
    if getattr(target, "quantiles", ()):
        return "quantiles"
    return "counts" if str(loss) == "poisson" else "quantity"


KINDS = {
    "classes": "has classes",
    "quantity": "is a quantity",
    "counts": "is predicted as a rate of counts",
    "quantiles": "is predicted by quantiles",
}
"""What a target is, by the kind of prediction."""


def check_metric(kind: str, target: TargetEncoder, metric: str | None) -> None:
    """Raise TableError for a metric of another kind of prediction."""
    if metric is None or kind in SCORES[metric].of:
        return
    from chainrule.tabular.table_error import TableError

    fitting = ", ".join(name for name in METRICS if kind in SCORES[name].of)
    other = next(task for task in BY_TASK if task != target.task)
    swapped = ("classes" in SCORES[metric].of) != (kind == "classes")
    raise TableError(
        f"{argument('metric', metric)} is not for target {target.column!r}, which {KINDS[kind]}; "
        f"take one of {fitting}" + f", or {argument('task', other)}" * swapped
    )


def class_weights(
    target: TargetEncoder,
    asked: str | Mapping[str, float] | None,
    y: Array,
    w: Array | None,
    shards: TableShards = UNPARTED,
) -> Array | None:
    """Return the weight of each class, (classes,), from the examples in training.

    Of several ranks each has its own, whose `shards` they are.

    "balanced" gives all classes the same weight in all, and a weight of 1 on average. Raises
    TableError where the target has no classes, or not those that are named.

    >>> from chainrule.tabular.encoding.target_encoding import ClassEncoder
    >>> class_weights(
    ...     ClassEncoder("cut", ("Fair", "Good")), "balanced", np.array([0, 1, 1, 1]), None
    ... )
    array([2.        , 0.66666667])
    """
    if asked is None:
        return None
    from chainrule.tabular.table_error import TableError

    names = getattr(target, "names", ())
    if not names:
        raise TableError(
            f"`class_weight=` is for classes, and target {target.column!r} {KINDS['quantity']}; "
            "leave it out, or use `task='classification'`"
        )
    if isinstance(asked, str):
        totals = class_totals(y, w, len(names), shards)
        return np.where(totals > 0, totals.sum() / len(names) / np.maximum(totals, 1e-300), 1.0)
    weights = _by_class(target.column, names, asked)
    return np.array([weights.get(name, 1.0) for name in names])


def class_totals(y: Array, w: Array | None, classes: int, shards: TableShards) -> Array:
    """Return what the examples of each class count in all, (classes,).

    >>> class_totals(np.array([0, 1, 1]), None, 2, UNPARTED)
    array([1., 2.])
    """
    some = shards if shards.sizes is not None else shards.chosen(np.arange(len(y)))

    def of(rows: slice) -> Array:
        weights = None if w is None else w[rows]
        return np.bincount(y[rows], weights=weights, minlength=classes).astype(float)

    return np.asarray(some.total(of))


def _by_class(column: str, names: tuple[str, ...], asked: Mapping[str, float]) -> dict[str, float]:
    """Return the weights by the classes' own names: true is True where no other class is."""
    import polars as pl

    from chainrule.tabular.formats.spelling import as_known, plainly
    from chainrule.tabular.table_error import TableError

    meant = as_known(pl.Series(list(asked), dtype=pl.String), names, plainly).to_list()
    for name in meant:
        if name not in names:
            raise TableError(
                f"`class_weight=` names {name!r}, which is no class of {column!r}; the "
                f"classes are {', '.join(map(repr, names[:10]))}"
            )
    return dict(zip(meant, asked.values(), strict=True))
