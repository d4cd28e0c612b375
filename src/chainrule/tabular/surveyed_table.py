"""What the columns of a table are, from all its rows, as far as options do not say it.

A table that fits into the memory allowed is read once and kept until its examples are prepared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainrule.tabular.columns.decision import Decision
from chainrule.tabular.columns.find_formats import Wanted, find_formats, roles_of
from chainrule.tabular.columns.survey import Survey, Targets, names_of, survey, with_target
from chainrule.tabular.files.source import Source, chunks_of
from chainrule.tabular.formats.column_formats import ColumnFormats, read
from chainrule.tabular.memory import check_rows, for_this_process
from chainrule.tabular.table_shards import TableShards
from chainrule.tabular.target_decisions import as_asked, decided_by, of_columns
from chainrule.tabular.training_options import Options

OF_A_ROW = 40
"""The bytes that training keeps of each row besides its inputs: target, number, place, part."""

ROW = "\0row"
"""The column of the rows' numbers."""

Frames = Callable[..., Iterator[pl.DataFrame]]
"""The rows of some columns of a table, or of all; as often as wanted."""


class SurveyedTable(NamedTuple):
    """What a table's columns are, and those columns whose rows are needed: `kept`.

    These are of the rows that have a target; `shards` says which of them this rank has.
    """

    forms: ColumnFormats
    survey: Survey
    decisions: tuple[Decision, ...]
    kept: pl.DataFrame
    shards: TableShards

    @property
    def rows(self) -> NDArray[np.uint32]:
        """The number of each kept row in the table, from 1."""
        return self.kept[ROW].to_numpy()

    def without_values(self) -> SurveyedTable:
        """Return this without sample and targets, once they have served: their room is wanted."""
        survey = replace(self.survey, sample=self.survey.sample.clear())
        return self._replace(survey=survey, kept=self.kept.select(ROW))


def survey_table(
    source: Source, frames: Frames, target: Targets, options: Options, words: Iterable[str]
) -> SurveyedTable:
    """Return what a table's columns are, from all its rows."""
    targets = names_of(target)
    if len(targets) > 1:  # their loss sets the task of some
        options = replace(options, loss=None, label_smoothing=0.0)
    with as_asked(options):
        forms = _forms(source, frames, target, options, words)
    needed = dict.fromkeys((*targets, options.weight, options.groups, options.time))
    seen: list[pl.DataFrame] = []

    is_known = set(targets) <= set(source.columns)
    has_target = _having_target(source.parts, frames, target, forms) if is_known else source.parts

    def looked_at() -> Iterator[pl.DataFrame]:
        for chunk in frames():
            if set(targets) <= set(chunk.columns):
                seen.append(chunk.select(name for name in needed if name in chunk.columns))
            yield chunk

    found = survey(looked_at(), target, forms, has_target)
    with source.parts.alike():
        decisions = decided_by(found, options)
    first = 1 + source.parts.first
    kept = _kept(pl.concat(seen), first, target, forms, options.time)
    places = kept[ROW].to_numpy() - np.uint32(first)
    return SurveyedTable(forms, found, decisions, kept, source.parts.chosen(places))


def _kept(
    written: pl.DataFrame, first: int, target: Targets, forms: ColumnFormats, time: str | None
) -> pl.DataFrame:
    """Return the rows with a target, read and numbered."""
    kept = forms.read(written).with_row_index(ROW, offset=first)
    if time is not None and forms.time is not None:
        kept = kept.with_columns(read(forms.time, written[time]).values)
    return with_target(kept, target)


def _having_target(
    parts: TableShards, frames: Frames, target: Targets, forms: ColumnFormats
) -> TableShards:
    """Return this rank's part of the rows that have a target, for which they are counted."""
    if parts.shards is None:
        return parts
    names = list(names_of(target))
    first = 0 if parts.ranks.size == 1 else _count(frames, names, target, forms)
    before = sum(parts.values(first)[: parts.ranks.rank])
    return replace(parts, first=before)


def _count(frames: Frames, names: list[str], target: Targets, forms: ColumnFormats) -> int:
    """Return how many of this rank's rows have a target."""
    return sum(with_target(forms.read(chunk), target).height for chunk in frames(names))


def _forms(
    source: Source, frames: Frames, target: Targets, options: Options, words: Iterable[str]
) -> ColumnFormats:
    """Return how the columns of a table are read."""
    roles = roles_of(target, **of_columns(options))
    roles |= dict.fromkeys(words, "words")
    wanted = Wanted(roles, options.time, source.reading, source.pointed, source.typed)
    return find_formats(next(frames(), pl.DataFrame()).schema, frames, wanted, source.parts)


def memory_allowed(options: Options) -> int:
    """Return the bytes that a training may take: those given, or half of what the machine has."""
    return for_this_process() // 2 if options.memory is None else options.memory


def row_reader(source: Source, options: Options) -> tuple[Frames, int]:
    """Return a way to go through the rows, and the bytes that prepared examples may take."""
    check_rows(source.name, source.rows or 0, OF_A_ROW, "training keeps")
    allowed = memory_allowed(options)
    if options.memory is None:
        allowed //= source.parts.on_this_host
    if source.size * 2 > allowed:
        return source.chunks, allowed // 4
    whole = source.whole()
    return lambda names=None: chunks_of(whole.select(names or pl.all()), source.parts), allowed // 2
