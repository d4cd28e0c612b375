"""From a table to examples: what they are to teach, who is held out, and the prepared blocks.

The rows pass twice: once to find out what the columns hold, once to be prepared; some columns once
between, where means of the target by category are wanted. Of several ranks each passes its own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainrule.batches import Examples
from chainrule.distributed import Ranks
from chainrule.tabular.columns.decision import Decision
from chainrule.tabular.columns.survey import Targets, with_target
from chainrule.tabular.doubts import BothKeys, Keys, keys, of_a_table
from chainrule.tabular.encoding.number_bins import Edges
from chainrule.tabular.encoding.preparation import Preparation
from chainrule.tabular.encoding.several_targets import each_target
from chainrule.tabular.encoding.target_encoding import TargetEncoder
from chainrule.tabular.example_blocks import ExampleBlocks, one_hot_way
from chainrule.tabular.example_targets import ExampleTargets, Numbered, example_targets, part
from chainrule.tabular.files.ahead import ahead
from chainrule.tabular.files.source import CHUNK, Source, changed
from chainrule.tabular.files.text_fields import EMPTY
from chainrule.tabular.formats.column_formats import ColumnFormats
from chainrule.tabular.mean_row import exact_sums, means_of
from chainrule.tabular.objectives import class_totals
from chainrule.tabular.row_store import RowStore
from chainrule.tabular.surveyed_table import row_reader, survey_table
from chainrule.tabular.table_shards import TableShards
from chainrule.tabular.text_labels import spelled_otherwise
from chainrule.tabular.training_options import Options

Array = NDArray[Any]

KEPT = ("missing", "decimal", "thousands", "number_duplicates")
"""What is asked of the reading of one table that holds for others of the kind too."""


@dataclass
class Prepared:
    """The examples of a table, and how they came from it.

    Of several ranks each has its own of what has an entry an example, in the order of the table,
    and knows all that are held out.

    Attributes
    ----------
    rows
        The number of each example's row in the table, from 1.
    is_held_out
        Which examples are held out.
    held_out, held_out_rows, held_out_counts
        Those, prepared, with the numbers of their rows and what they would count in training.
    bins
        Of each feature the edges of its bins, () where it has none.
    weight, counts
        What each example counts: in scores, by its row; in training, by its class too.
    doubts
        What is to be doubted of the table, in words.
    means
        The means of the prepared examples in training, on all ranks, (features,).
    examples
        Which of all examples this rank has.
    """

    target: TargetEncoder
    forms: ColumnFormats
    reading: dict[str, Any]
    preparation: Preparation
    bins: tuple[Edges, ...]
    decisions: tuple[Decision, ...]
    without_target: int
    rows: Array
    is_held_out: NDArray[np.bool_]
    blocks: ExampleBlocks
    held_out: Examples
    held_out_rows: Array
    held_out_counts: Array | None
    y: Array
    weight: Array | None
    counts: Array | None
    doubts: list[str]
    means: Array
    examples: TableShards
    _baseline: Array | None = field(default=None, init=False, repr=False)

    @property
    def ranks(self) -> Ranks:
        """The processes that have the examples together."""
        return self.examples.ranks

    @property
    def validation_rows(self) -> int:
        """How many examples are held out, on all ranks."""
        return len(self.held_out_rows)

    @property
    def training_rows(self) -> int:
        """How many there are in training, on all ranks."""
        return self.examples.rows - self.validation_rows

    @property
    def validation(self) -> Examples:
        """The examples held out, each counting as it would in training."""
        return self.held_out._replace(w=self.held_out_counts)

    @property
    def baseline(self) -> Array:
        """What is predicted without the inputs, from the examples in training.

        Ranks find it together, when it is first asked for.
        """
        if self._baseline is None:
            self._baseline = self._found_baseline()
        return self._baseline

    def _found_baseline(self) -> Array:
        within = ~self.is_held_out
        y, w = self.y[within], part(self.weight, within)
        of = self.examples.chosen(np.flatnonzero(within))
        return np.concatenate([_baseline(*own, w, of) for own in each_target(self.target, y)])

    def with_all(self) -> ExampleBlocks:
        """Return blocks of all examples, in training and held out; of several ranks all call it."""
        own = self.examples
        held = own.chosen(np.flatnonzero(self.is_held_out))
        blocks = self.blocks.like(own.first + np.arange(own.own), own)
        for parts, rows in zip(self.blocks.in_shards(), held.slices, strict=True):
            among = slice(held.first + rows.start, held.first + rows.stop)
            for each in (*parts, self.validation.take(among)):
                blocks.add(*each)
        return blocks


def _baseline(target: TargetEncoder, y: Array, w: Array | None, of: TableShards) -> Array:
    """Return what is predicted of a target without the inputs, (outputs,)."""
    if target.task != "regression":
        totals = class_totals(y, w, target.outputs, of)
        return np.asarray(totals / totals.sum())
    values = target.decode(y).to_numpy()
    if levels := getattr(target, "quantiles", ()):
        every, weights = of.at_first(values), None if w is None else of.at_first(w)
        return of.by_first(
            lambda: np.quantile(every, levels, weights=weights, method="inverted_cdf")
        )
    return np.array([of.mean(values, w)])


def prepare(
    source: Source, target: Targets, options: Options, *, words: Iterable[str] = ()
) -> Prepared:
    """Return the examples of a table as training takes them; some columns hold words for certain.

    Raises TableError where the table, its target or a column that an option names is not fit.
    """
    frames, memory = row_reader(source, options)
    surveyed = survey_table(source, frames, target, options, words)
    names = options.numbers, (*options.categories, *options.texts)
    found = source.parts.values(spelled_otherwise(source, surveyed.decisions, frames, *names))
    if spelled := list(dict.fromkeys(name for each in found for name in each)):
        return prepare(source.as_text(spelled, EMPTY), target, options, words=spelled)

    def chunks(names: Sequence[str] | None = None) -> Numbered:
        read = (with_target(surveyed.forms.read(chunk), target) for chunk in frames(names))
        return numbered(read, surveyed.kept.height, source.name)

    targets = example_targets(surveyed, target, options, chunks)
    surveyed = surveyed.without_values()
    rows, shards = surveyed.rows, surveyed.shards
    prepared = Prepared(
        forms=surveyed.forms,
        reading=_kept_reading(source),
        decisions=surveyed.decisions,
        without_target=surveyed.survey.without_target,
        rows=rows,
        held_out_rows=shards.at_each(rows[targets.is_held_out]),
        examples=shards,
        **{name: value for name, value in targets._asdict().items() if name != "crossed"},
        **_dealt(targets, _blocks(targets, options.seed, memory, shards), chunks()),
    )
    _found_together(prepared)
    return prepared


def _found_together(prepared: Prepared) -> None:
    """Find what all ranks find together, so that any of them has it at hand."""
    _ = prepared.baseline, prepared.blocks.mean_weight


def _dealt(targets: ExampleTargets, blocks: ExampleBlocks, chunks: Numbered) -> dict[str, Any]:
    """Return the blocks, filled, the examples held out, and what is to be doubted of them."""
    try:
        held, at_each = targets.is_held_out, blocks.shards.at_each
        with closing(_Alike(blocks)) as alike:
            X, sums = _fill(blocks, chunks, targets, alike)
            means = means_of(blocks.shards.added(sums), blocks.shards.rows)
            weights = part(targets.weight, held), part(targets.counts, held)
            w, counts = (None if each is None else at_each(each) for each in weights)
            held_out = Examples(at_each(X), at_each(targets.y[held]), w)
            both = alike.keys() if targets.crossed.parts else None
            doubts = of_a_table(targets.target, targets.preparation, blocks, held_out, both)
    except BaseException:
        blocks.close()
        raise
    return {
        "blocks": blocks,
        "held_out": held_out,
        "held_out_counts": counts,
        "doubts": doubts,
        "means": means,
    }


def _blocks(targets: ExampleTargets, seed: int, memory: int, shards: TableShards) -> ExampleBlocks:
    """Return empty blocks for the examples in training: in memory where they fit, or in a file."""
    preparation, places = targets.preparation, np.flatnonzero(~targets.is_held_out)
    features, one_hot = len(preparation.feature_names), preparation.one_hot
    first, shards = shards.first, shards.chosen(places)
    way = one_hot_way(shards.rows, features, one_hot)
    row_bytes = way.row_bytes if way else 4 * features
    return ExampleBlocks(
        first + places,
        features=features,
        outputs=None if targets.target.task == "classification" else targets.target.outputs,
        weighted=targets.counts is not None,
        seed=seed,
        folder=None if len(places) * row_bytes <= memory else Path(tempfile.gettempdir()),
        shards=shards,
        one_hot=one_hot,
    )


def _kept_reading(source: Source) -> dict[str, Any]:
    """Return what was asked of the reading that holds for other tables of the kind too."""
    asked = source.reading.given()
    return {name: asked[name] for name in KEPT if asked.get(name) not in (None, False)}


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
    blocks: ExampleBlocks, chunks: Numbered, targets: ExampleTargets, alike: _Alike
) -> tuple[Array, Array]:
    """Deal the examples in training; return the inputs of those held out, and sums of the others.

    Where equal rows have unequal inputs, `alike` gets the keys of the rows.
    """
    y, w, held, crossed = targets.y, targets.counts, targets.is_held_out, targets.crossed

    def made(part: tuple[slice, pl.DataFrame]) -> tuple[slice, Array, Keys | None]:
        rows, chunk = part
        X = targets.preparation.transform(chunk)
        if not crossed.parts:
            return rows, X, None
        found = keys(crossed.coded(chunk, X), y[rows])
        crossed.write(rows, chunk, X)
        return rows, X, found

    parts, sums = [], np.zeros(len(targets.preparation.feature_names), np.int64)
    for rows, X, found in ahead(made, chunks):
        out = held[rows]
        parts.append(X[out])
        if found is not None:
            alike.add(np.stack(found, axis=1), out)
        within = ~out
        sums += exact_sums(X[within])
        blocks.add(X[within], y[rows][within], None if w is None else w[rows][within])
    return np.concatenate(parts), sums


class _Alike:
    """The keys of this rank's rows in training, stored where the blocks are, and of those held out.

    k   (n, 2)   of each row the hash of its inputs, and of all of it
    """

    def __init__(self, blocks: ExampleBlocks) -> None:
        self.shards, self.added = blocks.shards, 0
        self.store = RowStore(blocks.shards.own, (2,), np.uint64, blocks.folder)
        self.held_out = [np.empty((0, 2), np.uint64)]

    def add(self, k: Array, out: NDArray[np.bool_]) -> None:
        within = k[~out]
        self.store.write(self.added, within)
        self.added += len(within)
        self.held_out.append(k[out])

    def keys(self) -> BothKeys:
        held_out = self.shards.at_each(np.concatenate(self.held_out))
        return self._in_training(), (held_out[:, 0], held_out[:, 1])

    def _in_training(self) -> Iterator[Keys]:
        for start in range(0, self.added, CHUNK):
            k = self.store.read(start, min(start + CHUNK, self.added))
            yield k[:, 0], k[:, 1]

    def close(self) -> None:
        self.store.close()
