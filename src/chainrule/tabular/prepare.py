"""From a table to examples: what its columns are, who is held out, and the prepared blocks.

The rows pass twice: once to find out what the columns hold, once to be prepared. A table that fits
into the memory allowed is read once and kept until then.
"""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainrule.batches import Examples
from chainrule.errors import argument
from chainrule.fitting.hold_out import in_shares
from chainrule.streams import Stream, generator
from chainrule.tabular.columns.decision import Decision
from chainrule.tabular.columns.find_formats import Wanted, find_forms, roles_of
from chainrule.tabular.columns.survey import Survey, survey, with_target
from chainrule.tabular.doubts import of_a_table
from chainrule.tabular.encoding.preparation import Preparation, fit_preparation
from chainrule.tabular.encoding.target_encoding import Target
from chainrule.tabular.example_blocks import Blocks
from chainrule.tabular.files.source import CHUNK, Source, changed
from chainrule.tabular.files.text_fields import EMPTY
from chainrule.tabular.formats.column_formats import Forms, read
from chainrule.tabular.memory import check_rows, for_this_process
from chainrule.tabular.objectives import class_weights
from chainrule.tabular.table_error import TableError
from chainrule.tabular.target_decisions import (
    as_asked,
    check_counts,
    counts,
    decided_by,
    fitted_to,
    of_columns,
)
from chainrule.tabular.text_labels import spelled_otherwise
from chainrule.tabular.training_options import Options

Array = NDArray[Any]
T = TypeVar("T")
Made = TypeVar("Made")
THREADS = 2
"""The chunks that are prepared at a time: each is in memory."""

OF_A_ROW = 40
"""The bytes that training keeps of each row besides its inputs: target, number, place, part."""

HELD_OUT_BYTES = 2**25
"""The most that the inputs of the examples held out take: they stay in memory."""

KEPT = ("missing", "decimal", "thousands", "number_duplicates")
"""What is asked of the reading of one table that holds for others of the kind too."""

ROW = "\0row"
"""The column of the rows' numbers."""

Frames = Callable[..., Iterator[pl.DataFrame]]
"""The rows of some columns of a table, or of all; as often as wanted."""


@dataclass
class Prepared:
    """The examples of a table, and how they came from it.

    Attributes
    ----------
    rows
        The number of each example's row in the table, from 1.
    held
        Which examples are held out; `held_out` has them, prepared.
    weight, counts
        What each example counts: in scores, by its row; in training, by its class too.
    doubts
        What is to be doubted of the table, in words.
    """

    target: Target
    forms: Forms
    reading: dict[str, Any]
    preparation: Preparation
    decisions: tuple[Decision, ...]
    without_target: int
    rows: NDArray[np.int64]
    held: NDArray[np.bool_]
    blocks: Blocks
    held_out: Examples
    y: Array
    weight: Array | None
    counts: Array | None
    doubts: list[str]

    @property
    def validation(self) -> Examples:
        """The examples held out, each counting as it would in training."""
        counts = None if self.counts is None else self.counts[self.held]
        return Examples(self.held_out.X, self.held_out.y, counts)

    @property
    def baseline(self) -> Array:
        """What is predicted without the inputs, from the examples in training."""
        y = self.y[~self.held]
        w = None if self.weight is None else self.weight[~self.held]
        if self.target.task == "regression":
            values = self.target.decode(y).to_numpy()
            if levels := getattr(self.target, "quantiles", ()):
                return np.asarray(np.quantile(values, levels, weights=w, method="inverted_cdf"))
            return np.array([np.average(values, weights=w)])
        counts = np.bincount(y, weights=w, minlength=self.target.outputs)
        return np.asarray(counts / counts.sum())

    def with_all(self) -> Blocks:
        """Return blocks of all examples, in training and held out."""
        blocks = self.blocks.like(np.arange(len(self.held)))
        for part in (*(self.blocks[k] for k in range(self.blocks.count)), self.validation):
            blocks.add(part.X, part.y, part.w)
        return blocks


def prepare(
    source: Source, target: str, options: Options, *, words: Iterable[str] = ()
) -> Prepared:
    """Return the examples of a table as training takes them; some columns hold words for certain.

    Raises TableError where the table, its target or a column that an option names is not fit.
    """
    frames, memory = _frames(source, options)
    known = _known(source, frames, target, options, words)
    names = options.numbers, options.categories
    if spelled := spelled_otherwise(source, known.decisions, frames, *names):
        return prepare(source.as_text(spelled, EMPTY), target, options, words=spelled)
    fitted = fitted_to(known.survey, known.decisions, options)
    preparation = fit_preparation(known.survey, known.decisions)
    known = known.without_sample()
    y = fitted.encode(known.kept)
    check_counts(fitted, options.loss, y, known.rows)
    held = _held(known.kept, y, target, options, len(preparation.feature_names))
    w = _weights(known.kept, options.weight, held)
    count = counts(y, w, class_weights(fitted, options.class_weight, y[~held], _part(w, ~held)))
    blocks = _blocks(fitted, preparation, held, options.seed, memory, weighted=count is not None)
    try:
        chunks = map(known.forms.read, frames())
        held_X = _fill(blocks, chunks, preparation, target, y, count, held, source.name)
        held_out = Examples(held_X, y[held], _part(w, held))
        doubts = of_a_table(fitted, preparation, blocks, held_out)
    except BaseException:
        blocks.close()
        raise
    return Prepared(
        fitted, known.forms, _kept_reading(source), preparation, known.decisions,
        known.survey.without_target, known.rows, held, blocks, held_out, y, w, count, doubts,
    )  # fmt: skip


class _Known(NamedTuple):
    """What a table's columns are, and those columns whose rows are needed: `kept`."""

    forms: Forms
    survey: Survey
    decisions: tuple[Decision, ...]
    kept: pl.DataFrame

    @property
    def rows(self) -> NDArray[np.int64]:
        """The number of each kept row in the table, from 1."""
        return self.kept[ROW].to_numpy().astype(np.int64)

    def without_sample(self) -> _Known:
        """Return this without the sample, once it has served: the rows want its room."""
        return self._replace(survey=replace(self.survey, sample=self.survey.sample.clear()))


def _known(
    source: Source, frames: Frames, target: str, options: Options, words: Iterable[str]
) -> _Known:
    """Return what a table's columns are, from all its rows."""
    with as_asked(options):
        forms = _forms(source, frames, target, options, words)
    needed = dict.fromkeys((target, options.weight, options.groups, options.time))
    seen: list[pl.DataFrame] = []

    def looked_at() -> Iterator[pl.DataFrame]:
        for chunk in frames():
            if target in chunk.columns:
                seen.append(chunk.select(name for name in needed if name in chunk.columns))
            yield chunk

    found = survey(looked_at(), target, forms)
    decisions = decided_by(found, options)
    written = pl.concat(seen)
    kept = forms.read(written).with_row_index(ROW, offset=1)
    if options.time is not None and forms.time is not None:
        kept = kept.with_columns(read(forms.time, written[options.time]).values)
    return _Known(forms, found, decisions, with_target(kept, target))


def _held(
    kept: pl.DataFrame, y: Array, target: str, options: Options, features: int
) -> NDArray[np.bool_]:
    """Return which examples are held out."""
    held = np.zeros(len(y), bool)
    try:
        rows = in_shares(
            y if y.ndim == 1 else y[:, 0],
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


def _blocks(
    fitted: Target,
    preparation: Preparation,
    held: NDArray[np.bool_],
    seed: int,
    memory: int,
    *,
    weighted: bool,
) -> Blocks:
    """Return empty blocks for the examples in training: in memory where they fit, or in a file."""
    features, places = len(preparation.feature_names), np.flatnonzero(~held)
    return Blocks(
        places,
        features=features,
        outputs=None if fitted.task == "classification" else fitted.outputs,
        weighted=weighted,
        seed=seed,
        folder=None if len(places) * features * 4 <= memory else Path(tempfile.gettempdir()),
    )


def _forms(
    source: Source, frames: Frames, target: str, options: Options, words: Iterable[str]
) -> Forms:
    """Return how the columns of a table are read."""
    roles = roles_of(target, **of_columns(options))
    roles |= dict.fromkeys(words, "words")
    wanted = Wanted(roles, options.time, source.reading, source.pointed, source.typed)
    return find_forms(next(frames(), pl.DataFrame()).schema, frames, wanted)


def _kept_reading(source: Source) -> dict[str, Any]:
    """Return what was asked of the reading that holds for other tables of the kind too."""
    asked = source.reading.given()
    return {name: asked[name] for name in KEPT if asked.get(name) not in (None, False)}


def _fill(
    blocks: Blocks,
    chunks: Iterable[pl.DataFrame],
    preparation: Preparation,
    target: str,
    y: Array,
    w: Array | None,
    held: NDArray[np.bool_],
    name: str,
) -> Array:
    """Deal the examples in training, and return the inputs of those held out.

    Raises TableError where there are more or fewer than before, in the table of this name.
    """
    parts, start = [], 0

    def inputs(chunk: pl.DataFrame) -> Array:
        return preparation.transform(with_target(chunk, target))

    for X in ahead(inputs, chunks):
        rows = slice(start, start + len(X))
        start += len(X)
        if start > len(held):
            raise changed(name)
        out = held[rows]
        parts.append(X[out])
        within = ~out
        blocks.add(X[within], y[rows][within], None if w is None else w[rows][within])
    if start < len(held):
        raise changed(name)
    return np.concatenate(parts)


def ahead(function: Callable[[T], Made], given: Iterable[T]) -> Iterator[Made]:
    """Yield a function's results in order, the next made while one is in use.

    >>> list(ahead(abs, [-1, 2, -3]))
    [1, 2, 3]
    """
    waiting: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(THREADS) as pool:
        for each in given:
            waiting.append(pool.submit(function, each))
            if len(waiting) > THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _column(frame: pl.DataFrame, name: str | None, option: str, target: str) -> Array | None:
    """Return a column that parts the examples, as numbers in the order of its values."""
    if name is None:
        return None
    if name == target:
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


def memory_allowed(options: Options) -> int:
    """Return the bytes that a training may take: those given, or half of what the machine has."""
    return for_this_process() // 2 if options.memory is None else options.memory


def _frames(source: Source, options: Options) -> tuple[Frames, int]:
    """Return a way to go through the rows, and the bytes that prepared examples may take."""
    check_rows(source.name, source.rows or 0, OF_A_ROW, "training keeps")
    allowed = memory_allowed(options)
    if source.size * 2 > allowed:
        return source.chunks, allowed // 4
    whole = source.whole()
    return lambda names=None: whole.select(names or pl.all()).iter_slices(CHUNK), allowed // 2
