"""From a table to examples: what they are to teach, who is held out, and the prepared blocks.

The rows pass twice: once to find out what the columns hold, once to be prepared; some columns once
between, where means of the target by category are wanted.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainrule.batches import Examples
from chainrule.errors import argument
from chainrule.fitting.hold_out import hold_out
from chainrule.streams import Stream, generator
from chainrule.tabular.columns.decision import Decision
from chainrule.tabular.columns.survey import Targets, names_of, with_target
from chainrule.tabular.doubts import BothKeys, Keys, keys, of_a_table
from chainrule.tabular.encoding.number_bins import Edges, bins_of
from chainrule.tabular.encoding.preparation import Preparation, fit_preparation
from chainrule.tabular.encoding.several_targets import each_target
from chainrule.tabular.encoding.target_encoding import TargetEncoder, without_inputs
from chainrule.tabular.encoding.target_means import (
    CrossFitted,
    TargetMeans,
    dealt_to_folds,
    means_of,
)
from chainrule.tabular.example_blocks import ExampleBlocks
from chainrule.tabular.files.ahead import ahead
from chainrule.tabular.files.source import Source, changed
from chainrule.tabular.files.text_fields import EMPTY
from chainrule.tabular.formats.column_formats import ColumnFormats
from chainrule.tabular.objectives import class_weights
from chainrule.tabular.surveyed_table import SurveyedTable, row_reader, survey_table
from chainrule.tabular.table_error import TableError
from chainrule.tabular.target_decisions import check_counts, counts, fitted_to, kept_in_shares
from chainrule.tabular.text_labels import spelled_otherwise
from chainrule.tabular.training_options import Options

Array = NDArray[Any]
HELD_OUT_BYTES = 2**25
"""The most that the inputs of the examples held out take: they stay in memory."""

KEPT = ("missing", "decimal", "thousands", "number_duplicates")
"""What is asked of the reading of one table that holds for others of the kind too."""


@dataclass
class Prepared:
    """The examples of a table, and how they came from it.

    Attributes
    ----------
    rows
        The number of each example's row in the table, from 1.
    is_held_out
        Which examples are held out; `held_out` has them, prepared.
    bins
        Of each feature the edges of its bins, () where it has none.
    weight, counts
        What each example counts: in scores, by its row; in training, by its class too.
    doubts
        What is to be doubted of the table, in words.
    """

    target: TargetEncoder
    forms: ColumnFormats
    reading: dict[str, Any]
    preparation: Preparation
    bins: tuple[Edges, ...]
    decisions: tuple[Decision, ...]
    without_target: int
    rows: NDArray[np.int64]
    is_held_out: NDArray[np.bool_]
    blocks: ExampleBlocks
    held_out: Examples
    y: Array
    weight: Array | None
    counts: Array | None
    doubts: list[str]

    @property
    def validation(self) -> Examples:
        """The examples held out, each counting as it would in training."""
        counts = None if self.counts is None else self.counts[self.is_held_out]
        return Examples(self.held_out.X, self.held_out.y, counts)

    @property
    def baseline(self) -> Array:
        """What is predicted without the inputs, from the examples in training."""
        y = self.y[~self.is_held_out]
        w = None if self.weight is None else self.weight[~self.is_held_out]
        return np.concatenate([_baseline(*own, w) for own in each_target(self.target, y)])

    def with_all(self) -> ExampleBlocks:
        """Return blocks of all examples, in training and held out."""
        blocks = self.blocks.like(np.arange(len(self.is_held_out)))
        for part in (*(self.blocks[k] for k in range(self.blocks.count)), self.validation):
            blocks.add(part.X, part.y, part.w)
        return blocks


def _baseline(target: TargetEncoder, y: Array, w: Array | None) -> Array:
    """Return what is predicted of a target without the inputs, (outputs,)."""
    values = target.decode(y).to_numpy() if target.task == "regression" else y
    return np.asarray(without_inputs(target, values, w))


def prepare(
    source: Source, target: Targets, options: Options, *, words: Iterable[str] = ()
) -> Prepared:
    """Return the examples of a table as training takes them; some columns hold words for certain.

    Raises TableError where the table, its target or a column that an option names is not fit.
    """
    frames, memory = row_reader(source, options)
    surveyed = survey_table(source, frames, target, options, words)
    names = options.numbers, (*options.categories, *options.texts)
    if spelled := spelled_otherwise(source, surveyed.decisions, frames, *names):
        return prepare(source.as_text(spelled, EMPTY), target, options, words=spelled)

    def chunks(names: Sequence[str] | None = None) -> Numbered:
        read = (with_target(surveyed.forms.read(chunk), target) for chunk in frames(names))
        return numbered(read, surveyed.kept.height, source.name)

    targets = _targets(surveyed, target, options, chunks)
    surveyed = surveyed.without_sample()
    dealt = _dealt(targets, _blocks(targets, options.seed, memory), chunks())
    return Prepared(
        forms=surveyed.forms,
        reading=_kept_reading(source),
        decisions=surveyed.decisions,
        without_target=surveyed.survey.without_target,
        rows=surveyed.rows,
        **{name: value for name, value in targets._asdict().items() if name != "crossed"},
        **dealt,
    )


class _Targets(NamedTuple):
    """What the examples are to teach and what each counts; their inputs are prepared later."""

    target: TargetEncoder
    preparation: Preparation
    crossed: CrossFitted
    bins: tuple[Edges, ...]
    y: Array
    is_held_out: NDArray[np.bool_]
    weight: Array | None
    counts: Array | None


def _targets(
    surveyed: SurveyedTable, target: Targets, options: Options, chunks: Callable[..., Numbered]
) -> _Targets:
    """Return what the examples are to teach, in the order of the rows that have a target."""
    fitted = fitted_to(surveyed.survey, surveyed.decisions, options)
    y = fitted.encode(surveyed.kept)
    check_counts(fitted, options.loss, y, surveyed.rows)
    of = means_of(fitted, y)
    preparation = fit_preparation(surveyed.survey, surveyed.decisions, of.names)
    held = _held_out(
        surveyed.kept, kept_in_shares(fitted, y), target, options, len(preparation.feature_names)
    )
    w = _weights(surveyed.kept, options.weight, held)
    of_class = class_weights(fitted, options.class_weight, y[~held], _part(w, ~held))
    groups = _column(surveyed.kept, options.groups, "groups", target)
    means = TargetMeans(preparation, dealt_to_folds(held, groups, options.seed), w)
    if means.columns:
        for rows, chunk in chunks([*names_of(target), *means.columns]):
            means.add(rows, chunk, of.numbers(y[rows]))
    preparation, crossed = means.fitted()
    bins = bins_of(preparation, surveyed.survey.sample)
    return _Targets(fitted, preparation, crossed, bins, y, held, w, counts(y, w, of_class))


def _dealt(targets: _Targets, blocks: ExampleBlocks, chunks: Numbered) -> dict[str, Any]:
    """Return the blocks, filled, the examples held out, and what is to be doubted of them."""
    try:
        y, w = targets.y[targets.is_held_out], _part(targets.weight, targets.is_held_out)
        X, alike = _fill(blocks, chunks, targets)
        held_out = Examples(X, y, w)
        doubts = of_a_table(targets.target, targets.preparation, blocks, held_out, alike)
    except BaseException:
        blocks.close()
        raise
    return {"blocks": blocks, "held_out": held_out, "doubts": doubts}


def _held_out(
    kept: pl.DataFrame, y: Array, target: Targets, options: Options, features: int
) -> NDArray[np.bool_]:
    """Return which examples are held out."""
    held = np.zeros(len(y), bool)
    try:
        rows = hold_out(
            y,
            options.validation,
            generator(Stream.HELD_OUT, options.seed),
            most=max(1, HELD_OUT_BYTES // (4 * features)),
            groups=_column(kept, options.groups, "groups", target),
            time=_column(kept, options.time, "time", target),
        )
    except ValueError as error:
        raise TableError(str(error)) from None
    held[rows] = True
    return held


def _weights(kept: pl.DataFrame, name: str | None, held: NDArray[np.bool_]) -> Array | None:
    """Return the weights of the examples, or None where no column gives them."""
    if name is None:
        return None
    w = kept[name].cast(pl.Float32).to_numpy()
    _check_weighted(name, w, held)
    return w


def _part(w: Array | None, chosen: NDArray[np.bool_]) -> Array | None:
    return None if w is None else w[chosen]


def _blocks(targets: _Targets, seed: int, memory: int) -> ExampleBlocks:
    """Return empty blocks for the examples in training: in memory where they fit, or in a file."""
    features, places = len(targets.preparation.feature_names), np.flatnonzero(~targets.is_held_out)
    return ExampleBlocks(
        places,
        features=features,
        outputs=None if targets.target.task == "classification" else targets.target.outputs,
        weighted=targets.counts is not None,
        seed=seed,
        folder=None if len(places) * features * 4 <= memory else Path(tempfile.gettempdir()),
    )


def _kept_reading(source: Source) -> dict[str, Any]:
    """Return what was asked of the reading that holds for other tables of the kind too."""
    asked = source.reading.given()
    return {name: asked[name] for name in KEPT if asked.get(name) not in (None, False)}


Numbered = Iterator[tuple[slice, pl.DataFrame]]
"""The rows of a table that have a target, in chunks, with where they stand among all."""


def numbered(chunks: Iterable[pl.DataFrame], rows: int, name: str) -> Numbered:
    """Yield chunks with the place of their rows.

    Raises TableError where there are more or fewer than before, in the table of this name.

    >>> [rows for rows, _ in numbered([pl.DataFrame({"x": [1, 2]})] * 2, 4, "a.csv")]
    [slice(0, 2, None), slice(2, 4, None)]
    """
    start = 0
    for chunk in chunks:
        if start + chunk.height > rows:
            raise changed(name)
        yield slice(start, start + chunk.height), chunk
        start += chunk.height
    if start < rows:
        raise changed(name)


def _fill(
    blocks: ExampleBlocks, chunks: Numbered, targets: _Targets
) -> tuple[Array, BothKeys | None]:
    """Deal the examples in training; return the inputs of those held out, and keys.

    The keys are those of the rows, where equal rows have unequal inputs.
    """
    y, w, held, crossed = targets.y, targets.counts, targets.is_held_out, targets.crossed

    def made(part: tuple[slice, pl.DataFrame]) -> tuple[slice, Array, Keys | None]:
        rows, chunk = part
        X = targets.preparation.transform(chunk)
        if not crossed.parts:
            return rows, X, None
        alike = keys(crossed.coded(chunk, X), y[rows])
        crossed.write(rows, chunk, X)
        return rows, X, alike

    parts, found = [], []
    for rows, X, alike in ahead(made, chunks):
        out = held[rows]
        parts.append(X[out])
        found += [] if alike is None else [alike]
        within = ~out
        blocks.add(X[within], y[rows][within], None if w is None else w[rows][within])
    return np.concatenate(parts), _parted(found, held) if found else None


def _parted(found: list[Keys], held: NDArray[np.bool_]) -> BothKeys:
    """Return the keys of the examples in training, and those of the examples held out."""
    inputs, whole = (np.concatenate(part) for part in zip(*found, strict=True))
    return (inputs[~held], whole[~held]), (inputs[held], whole[held])


def _column(frame: pl.DataFrame, name: str | None, option: str, target: Targets) -> Array | None:
    """Return a column that parts the examples, as numbers in the order of its values."""
    if name is None:
        return None
    if name in names_of(target):
        raise TableError(f"column {name!r} is the target; take it out of {argument(option)}")
    if name not in frame.columns:
        raise TableError(f"{argument(option, name)} is no column of the table")
    column = frame[name]
    if column.null_count():
        raise TableError(f"{argument(option, name)} must have a value in every row with a target")
    return column.rank("dense").to_numpy()


def _check_weighted(name: str, w: Array, held: NDArray[np.bool_]) -> None:
    """Raise TableError where only rows without weight are held out, or left to train with."""
    for part, where in ((held, "held out"), (~held, "in training")):
        if not w[part].any():
            raise TableError(
                f"weight {name!r} is 0 in all of the {int(part.sum()):,} rows {where}; leave the "
                "rows of weight 0 out, or take another `seed=`"
            )
