"""What each example of a table is to teach, what it counts, and whether it is held out.

y   (n,) labels, or (n, outputs)      w   (n,)   weights, or None      n   those of this rank's rows
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainrule.errors import argument
from chainrule.fitting.hold_out import hold_out
from chainrule.streams import Stream, generator
from chainrule.tabular.columns.survey import Targets, names_of
from chainrule.tabular.encoding.number_bins import Edges, bins_of
from chainrule.tabular.encoding.preparation import Preparation, fit_preparation
from chainrule.tabular.encoding.target_encoding import TargetEncoder
from chainrule.tabular.encoding.target_means import (
    CrossFitted,
    TargetMeans,
    dealt_to_folds,
    means_of,
)
from chainrule.tabular.objectives import class_weights
from chainrule.tabular.surveyed_table import SurveyedTable
from chainrule.tabular.table_error import TableError
from chainrule.tabular.table_shards import TableShards
from chainrule.tabular.target_decisions import check_counts, counts, fitted_to, kept_in_shares
from chainrule.tabular.training_options import Options

Array = NDArray[Any]
HELD_OUT_BYTES = 2**25
"""The most that the inputs of the examples held out take: they stay in memory."""

Numbered = Iterator[tuple[slice, pl.DataFrame]]
"""The rows of a table that have a target, in chunks, with where they stand among all."""


class ExampleTargets(NamedTuple):
    """What the examples are to teach and what each counts; their inputs are prepared later."""

    target: TargetEncoder
    preparation: Preparation
    crossed: CrossFitted
    bins: tuple[Edges, ...]
    y: Array
    is_held_out: NDArray[np.bool_]
    weight: Array | None
    counts: Array | None


def example_targets(
    surveyed: SurveyedTable, target: Targets, options: Options, chunks: Callable[..., Numbered]
) -> ExampleTargets:
    """Return what the examples are to teach, in the order of the rows that have a target."""
    shards = surveyed.shards
    with shards.alike():
        fitted = fitted_to(surveyed.survey, surveyed.decisions, options)
    y = shards.by_each(lambda: fitted.encode(surveyed.kept, first=1 + shards.first))
    shards.by_each(lambda: check_counts(fitted, options.loss, y, surveyed.rows))
    of = means_of(fitted, y, shards)
    begun = shards.by_first(lambda: fit_preparation(surveyed.survey, surveyed.decisions, of.names))
    with shards.alike():
        by = _parting(surveyed.kept, options, target, shards)
    held = _held_out(kept_in_shares(fitted, y), by, options, len(begun.feature_names), shards)
    with shards.alike():
        w = _weights(surveyed.kept, options.weight, held, shards)
        each = _counts(fitted, options, y, w, held, shards)
    means = TargetMeans(begun, dealt_to_folds(held, by["groups"], options.seed, shards), w, shards)
    if means.columns:
        for rows, chunk in chunks([*names_of(target), *means.columns]):
            means.add(rows, chunk, of.numbers(y[rows]))
    preparation, crossed = means.fitted()
    bins = shards.by_first(lambda: bins_of(preparation, surveyed.survey.sample))
    return ExampleTargets(fitted, preparation, crossed, bins, y, held, w, each)


def _counts(
    target: TargetEncoder,
    options: Options,
    y: Array,
    w: Array | None,
    held: NDArray[np.bool_],
    shards: TableShards,
) -> Array | None:
    """Return what each example counts in training."""
    within = shards.chosen(np.flatnonzero(~held))
    of_class = class_weights(target, options.class_weight, y[~held], part(w, ~held), within)
    return counts(y, w, of_class, shards)


def part(w: Array | None, chosen: Any) -> Array | None:
    """Return the weights of some examples, or None where there are none.

    >>> part(None, [0]) is None, part(np.array([2.0, 3.0]), [1])
    (True, array([3.]))
    """
    return None if w is None else w[chosen]


def _held_out(
    y: Array,
    by: dict[str, Array | None],
    options: Options,
    features: int,
    shards: TableShards,
) -> NDArray[np.bool_]:
    """Return which of this rank's examples are held out: the first rank chooses among all."""
    given = {name: shards.at_first(column) for name, column in by.items() if column is not None}
    n = len(y)
    y = shards.at_first(y.astype(np.int32) if y.dtype == np.int64 else y)

    def chosen() -> Array:
        try:
            return hold_out(
                y,
                options.validation,
                generator(Stream.HELD_OUT, options.seed),
                most=max(1, HELD_OUT_BYTES // (4 * features)),
                **given,
            )
        except ValueError as error:
            raise TableError(str(error)) from None

    rows = shards.by_first(chosen) - shards.first
    held = np.zeros(n, bool)
    held[rows[(rows >= 0) & (rows < n)]] = True
    return held


def _weights(
    kept: pl.DataFrame, name: str | None, held: NDArray[np.bool_], shards: TableShards
) -> Array | None:
    """Return the weights of the examples, or None where no column gives them."""
    if name is None:
        return None
    w = kept[name].cast(pl.Float32).to_numpy()
    _check_weighted(name, w, held, shards)
    return w


def _check_weighted(name: str, w: Array, held: NDArray[np.bool_], shards: TableShards) -> None:
    """Raise TableError where only rows without weight are held out, or left to train with."""
    for chosen, where in ((held, "held out"), (~held, "in training")):
        count, weighing = shards.added(np.array([chosen.sum(), np.count_nonzero(w[chosen])]))
        if not weighing:
            raise TableError(
                f"weight {name!r} is 0 in all of the {int(count):,} rows {where}; leave the "
                "rows of weight 0 out, or take another `seed=`"
            )


def _parting(
    kept: pl.DataFrame, options: Options, target: Targets, shards: TableShards
) -> dict[str, Array | None]:
    """Return the columns by which examples are held out, as numbers."""
    return {
        option: _column(kept, getattr(options, option), option, target, shards)
        for option in ("groups", "time")
    }


def _column(
    frame: pl.DataFrame, name: str | None, option: str, target: Targets, shards: TableShards
) -> Array | None:
    """Return a column that parts the examples, as numbers in the order of its values."""
    if name is None:
        return None
    if name in names_of(target):
        raise TableError(f"column {name!r} is the target; take it out of {argument(option)}")
    if name not in frame.columns:
        raise TableError(f"{argument(option, name)} is no column of the table")
    column = frame[name]
    if shards.added(column.null_count()):
        raise TableError(f"{argument(option, name)} must have a value in every row with a target")
    return ranked(column, shards)


def ranked(column: pl.Series, shards: TableShards) -> Array:
    """Return the places of values among the different ones of all ranks, from 1.

    >>> ranked(pl.Series(["b", "a", "b"]), TableShards())
    array([2, 1, 2], dtype=uint32)
    """
    if shards.ranks.size == 1:
        return column.rank("dense").to_numpy()
    own = column.alias("value").unique()
    every = pl.concat(shards.values(own)).unique().sort()
    places = every.to_frame().with_row_index("place", offset=1)
    found = (
        column.alias("value").to_frame().join(places, on="value", how="left", maintain_order="left")
    )
    return found["place"].to_numpy()
