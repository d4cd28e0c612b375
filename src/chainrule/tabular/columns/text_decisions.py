"""Which columns are texts, of which the words tell something, and how that is said."""

from __future__ import annotations

import polars as pl

from chainrule.errors import argument
from chainrule.formatting import counted
from chainrule.tabular.columns.decision import Decision
from chainrule.tabular.columns.survey import Column, Survey
from chainrule.tabular.columns.text_parts import common_parts, components, have_words_in_common
from chainrule.tabular.formats.column_values import as_words
from chainrule.tabular.table_error import TableError

LONG = 100
"""The characters that a text has on average where it is prose, not the name of a category."""


def is_long(survey: Survey, column: Column) -> bool:
    """Whether a column of text holds prose.

    >>> from chainrule.tabular.columns.survey import survey
    >>> found = survey([pl.DataFrame({"x": ["short", "long " * 100], "y": ["a", "b"]})])
    >>> [is_long(found, column) for column in found.columns.values()]
    [True, False]
    """
    length: object = as_words(survey.sample[column.name]).str.len_chars().mean()
    return isinstance(length, float) and length > LONG


def text_found(survey: Survey, column: Column, else_said: str) -> Decision:
    """Return the decision on a column that is text unless its words are those of names.

    >>> from chainrule.tabular.columns.survey import survey
    >>> found = survey([pl.DataFrame({"x": ["Ann Lee", "Bo Ray", "Cy May"]})])
    >>> print(text_found(found, found.columns["x"], "text, all different"))
    x          left out   text, all different (keep: `categories=['x']` or `texts=['x']`)
    """
    texts = as_words(survey.sample[column.name])
    found = _text(column, texts) if have_words_in_common(texts) else None
    ways = (argument(option, [column.name]) for option in ("categories", "texts"))
    keep = f"keep: {' or '.join(ways)}"
    return found or Decision(column.name, "left out", else_said, keep)


def text_asked(survey: Survey, column: Column) -> Decision:
    """Return the decision on a column that is text for certain.

    Raises TableError where no two parts of its words come again.

    >>> from chainrule.tabular.columns.survey import survey
    >>> found = survey([pl.DataFrame({"says": ["one hat", "two hats", "a hat", None, "none"]})])
    >>> print(text_asked(found, found.columns["says"]))
    says       text       1 component of TF-IDF of 3 parts of words, 1 missing (change: `leave...
    """
    if found := _text(column, as_words(survey.sample[column.name])):
        return found
    raise TableError(
        f"column {column.name!r} holds no text of which parts come again, in three rows or more; "
        f"leave it out: {argument('leave_out', [column.name])}"
    )


def _text(column: Column, texts: pl.Series) -> Decision | None:
    parts = common_parts(texts)
    if len(parts) < 2:
        return None
    numbers = counted(components(texts, parts), "component")
    missing = f", {column.nulls:,} missing" if column.nulls else ""
    reason = f"{numbers} of TF-IDF of {counted(len(parts), 'part')} of words{missing}"
    change = f"change: {argument('leave_out', [column.name])}"
    return Decision(column.name, "text", reason, change, parts=parts)
