"""The values that a column is asked to be given: read as those of a table, or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from chainrule.errors import unknown_name
from chainrule.tabular.encoding.column_encoders import CategoryEncoder, Encoder
from chainrule.tabular.encoding.many_categories import ManyEncoder
from chainrule.tabular.encoding.preparation import Preparation
from chainrule.tabular.formats.column_values import as_words, shown, values_in
from chainrule.tabular.formats.notes import Notes
from chainrule.tabular.formats.spelling import as_known, plainly
from chainrule.tabular.table_error import TableError
from chainrule.tabular.table_model import TableModel
from chainrule.warn import warn

NONE = {"infinite", "no date", "no number"}
"""What notes tell of a value that is none of its column."""


def asked_values(model: TableModel, column: str, values: Any) -> pl.Series:
    """Return values that a column of a model is asked to be given, as its tables have them.

    None stands for no value. Raises TableError for what a column of its kind cannot hold, and for
    categories that training had not; with a warning one counts among those that were too many.

    >>> table = pl.DataFrame({"x": [k * k for k in range(9)], "y": range(9)})
    >>> model = cr.train(table, "y", epochs=1)
    >>> asked_values(model, "x", [3, 2.5, None]).to_list()
    [3.0, 2.5, None]
    """
    encoders = tuple(each for each in model.preparation.encoders if each.column == column)
    found = _joined([_read(model, encoders, value) for value in _listed(column, values)])
    for encoder in encoders:
        if isinstance(encoder, CategoryEncoder | ManyEncoder):
            _check_categories(encoder, as_words(found))
    return found


def _listed(column: str, values: Any) -> list[Any]:
    try:
        found = None if isinstance(values, str) else list(values)
    except TypeError:
        found = None
    if found is None:
        raise TypeError(f"`values=` must be values of column {column!r}, got {values!r:.50}")
    if not found:
        raise ValueError("`values=` must be one value or more, got none")
    return found


def _read(model: TableModel, encoders: tuple[Encoder, ...], value: Any) -> pl.Series:
    """Return one value as a column, read as in training."""
    name, notes = encoders[0].column, Notes()
    try:
        frame = model.forms.read_new(_column(name, value).to_frame(), notes)
        Preparation(encoders).transform(frame, notes)
    except (TableError, TypeError, OverflowError, pl.exceptions.PolarsError):
        raise _refused(encoders[0], value) from None
    if NONE & {what for _, what in notes.found}:
        raise _refused(encoders[0], value)
    return frame.to_series()


def _column(name: str, value: Any) -> pl.Series:
    from chainrule.estimators.inputs import is_missing

    if isinstance(value, np.generic):
        return pl.Series(name, np.array([value]))
    return values_in(name, [None if is_missing(value) else value])


def _refused(encoder: Encoder, value: Any) -> TableError:
    noun = getattr(encoder, "noun", "category")
    return TableError(
        f"`values=` has {shown(value):.50}, which is no {noun} as column {encoder.column!r} held "
        "in training"
    )


def _joined(parts: list[pl.Series]) -> pl.Series:
    """Return values of one column each as one: as words where nothing else holds all of them."""
    try:
        return pl.concat([part.to_frame() for part in parts], how="vertical_relaxed").to_series()
    except pl.exceptions.PolarsError:
        return pl.concat(map(as_words, parts))


def _check_categories(encoder: CategoryEncoder | ManyEncoder, words: pl.Series) -> None:
    """Raise TableError for a category that training had not, or warn where it left some out."""
    base = getattr(encoder, "base", None)
    known = (*encoder.categories, *(() if base is None else (base,)))
    meant = as_known(words, known, plainly)
    strange = meant.filter(meant.is_not_null() & ~meant.is_in(known))
    if strange.is_empty():
        return
    if not encoder.other:
        raise TableError(
            str(unknown_name(f"category of column {encoder.column!r}:", strange[0], known))
        )
    warn(
        f"`values=` has {shown(strange[0])}, which is none of the {len(known):,} categories of "
        f"column {encoder.column!r} that the model knows: it counts as one of the others"
    )
