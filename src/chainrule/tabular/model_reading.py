"""How a model reads the columns of a table: as in training, unless told otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from chainrule.tabular.encoding.column_encoders import CategoryEncoder, NumberEncoder
from chainrule.tabular.encoding.many_categories import ManyEncoder
from chainrule.tabular.encoding.text_encoder import TextEncoder
from chainrule.tabular.files.source import Source
from chainrule.tabular.files.text_fields import EMPTY
from chainrule.tabular.formats.column_formats import ColumnFormats
from chainrule.tabular.read_options import Reading

if TYPE_CHECKING:
    from chainrule.tabular.table_model import TableModel


def with_names(model: TableModel, source: Source) -> Source:
    """Return a source whose categories, texts and labels are read as they stand."""
    kinds = CategoryEncoder, ManyEncoder, TextEncoder
    names = {each.column for each in model.preparation.encoders if isinstance(each, kinds)}
    names |= {each.column for each in model.target.each if each.task == "classification"}
    return source.as_text((name for name in source.columns if name in names), EMPTY)


def forms_of(model: TableModel, source: Source) -> ColumnFormats:
    """Return how the columns of a source are read: as in training, or as asked."""
    asked = {**model.about.get("reading", {}), **source.reading.changed()}
    of_numbers = (
        each.column for each in model.preparation.encoders if isinstance(each, NumberEncoder)
    )
    targets = (each.column for each in model.target.each if each.task == "regression")
    return model.forms.asked(Reading.from_mapping(asked), [*of_numbers, *targets])


def present(source: Source, wanted: Iterable[str]) -> list[str]:
    """Return those columns that a source has; of one that lacks some, all of its own.

    What is missing is told of, with what is near, where a row is prepared.

    >>> import polars as pl
    >>> from chainrule.tabular.files.open_source import open_source
    >>> present(open_source(pl.DataFrame({"x": [1], "y": [2], "z": [3]})), ["z", "x"])
    ['z', 'x']
    """
    wanted = dict.fromkeys(wanted)
    if wanted.keys() <= set(source.columns):
        return list(wanted)
    return list(source.columns)
