"""Whether a file can hold the model of a training: known before its first step.

A bound of model files that is met only when the model is saved costs all that was trained until
then.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from chainrule.codec import LONGEST, MOST_VALUES, to_data
from chainrule.errors import argument
from chainrule.serialization.specifications import MOST_LAYERS
from chainrule.tabular.encoding.several_targets import told
from chainrule.tabular.encoding.target_encoding import TargetEncoder
from chainrule.tabular.files.source import Source
from chainrule.tabular.formats.column_values import shown
from chainrule.tabular.scores import SCORES
from chainrule.tabular.table_error import TableError
from chainrule.tabular.table_model import TableModel

OF_A_DECISION = 4
"""The brackets and commas of a decision on a column, as a model file has it."""

ANY = 1 / 3
"""A score in the place of one that is not known yet: no other is longer."""

ROOM = 2**14
"""The characters kept free for what is told of a training at its end."""


def check_width(source: Source) -> None:
    """Raise TableError, before any row is read, where no model file could name all columns.

    >>> from chainrule.tabular.files.open_source import open_source
    >>> check_width(open_source("sklearn:wine"))
    """
    if len(source.columns) > (most := MOST_VALUES // OF_A_DECISION):
        raise TableError(
            f"{source.name}: has {len(source.columns):,} columns, and a model can tell of "
            f"{most:,} at most; leave some out of the table"
        )


def check_storable(model: TableModel) -> None:
    """Raise TableError where no file could hold a model, or what its training will tell of it.

    >>> check_storable(cr.train("sklearn:wine", "target", epochs=1))
    """
    _check_depth(model)
    for what, text, remedy in _texts(model):
        if len(text) > LONGEST:
            raise TableError(
                f"{what} {shown(text)} has {len(text):,} characters, and a model can tell of "
                f"{LONGEST:,} at most; {remedy}"
            )
    try:
        dataclasses.replace(model, about={**model.about, **_foreseen(model)}).check_storable()
    except ValueError as error:
        columns = f"{len(model.about['decisions']):,} columns"
        said = str(error).replace("its header must have", "must have a header of")
        raise TableError(f"a model of {columns} {said}; {_remedy(model)}") from None


def _check_depth(model: TableModel) -> None:
    if (layers := len(model.net.layers)) > MOST_LAYERS:
        raise TableError(
            f"a model has at most {MOST_LAYERS:,} layers, those of `dropout=` among them, got "
            f"{layers:,}; ask for fewer by `hidden=`"
        )


def _texts(model: TableModel) -> Iterator[tuple[str, str, str]]:
    """Yield each text that a file quotes, with what it is and what helps where it is too long."""
    shorter = "give it a shorter one"
    for decision in model.about["decisions"]:
        yield "the name of column", decision["column"], shorter
    for word in model.about.get("reading", {}).get("missing") or ():
        yield "`missing=`: the word", word, "leave it out"
    for encoder in model.preparation.encoders:
        for word in getattr(encoder, "categories", ()):
            remedy = f"shorten it, or {argument('leave_out', [encoder.column])}"
            yield f"column {shown(encoder.column)}: the value", word, remedy
    for target in model.target.each:
        for name in getattr(target, "names", ()):
            yield f"target {shown(target.column)}: the class", name, shorter


def _foreseen(model: TableModel) -> dict[str, Any]:
    """Return what a training tells at its end, in no fewer characters."""
    scores = dict.fromkeys(SCORES, ANY)
    of_a_class = dict.fromkeys(("precision", "recall", "f1", "support"), ANY)

    def of(target: TargetEncoder) -> dict[str, Any]:
        classes = [{"class": name, **of_a_class} for name in getattr(target, "names", ())]
        return {"model": scores, "baseline": scores, "classes": classes}

    each = {target.column: of(target) for target in model.target.each}
    whole = each if len(each) > 1 else each[model.target.column]
    return {**told(model.target, whole), "refit": " " * ROOM}


def _remedy(model: TableModel) -> str:
    """Return what helps where there is too much in all."""
    encoders = model.preparation.encoders
    parts = {f"column {shown(each.column)}": to_data(each.record) for each in encoders}
    parts[f"target {shown(model.target.column)}"] = model.target.to_data()
    sizes = {name: len(json.dumps(part)) for name, part in parts.items()}
    most = max(sizes, key=sizes.__getitem__)
    return (
        "leave some out, or have fewer or shorter texts in the largest, "
        f"{most}, of {sizes[most]:,} characters"
    )
