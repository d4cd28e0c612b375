"""Columns that number or name the rows, and so tell nothing of other rows: by their values or name.

Where a table is sorted, the number of a row predicts the target of the rows held out, and nothing
of new ones.
"""

from __future__ import annotations

import re

from chainrule.tabular.columns.row_names import (
    AGAIN,
    CAMEL_ID,
    COUNTER,
    ID,
    IDENTIFIER,
    INDEX,
    NAMELESS,
    OF_R,
    RANK,
    ROWS,
    SOME,
)
from chainrule.tabular.columns.survey import Column, Survey
from chainrule.tabular.formats.column_values import plain, shown


def is_identifier(name: str) -> bool:
    """Whether a name says that a column's values are names.

    >>> is_identifier("PassengerId"), is_identifier("uid"), is_identifier("paid")
    (True, True, False)
    """
    return any(pattern.search(name) for pattern in (ID, CAMEL_ID))


def numbering(survey: Survey, column: Column) -> str:
    """Return how a column numbers or names the rows, or "" where it does not.

    >>> import polars as pl
    >>> from chainrule.tabular.columns.survey import survey
    >>> found = survey([pl.DataFrame({"No": [3, 1, 7], "size": [1, 2, 5]})])
    >>> [numbering(found, column) for column in found.columns.values()]
    ['numbers the rows, going by its name', '']
    """
    if not (column.whole or _is_whole_text(survey, column)):
        return ""
    if is_identifier(column.name) and different(survey, column) > IDENTIFIER:
        return "identifies the rows"
    if column.step and column.rows >= ROWS:
        return f"counts the rows: it {'rises' if column.step > 0 else 'falls'} by one each time"
    if said := _numbered_by_name(survey, column):
        return f"numbers the rows, {said}"
    if _is_shuffled(survey, column):
        return f"numbers the rows: each of {shown(column.least)} to {shown(column.greatest)} once"
    return ""


def _is_whole_text(survey: Survey, column: Column) -> bool:
    """Whether a text column holds whole numbers alone."""
    if column.kind != "text" or not re.fullmatch(r"[+-]?\d+", str(column.least)):
        return False
    text = plain(survey.sample[column.name]).drop_nulls()
    return bool(text.str.contains(r"^[+-]?\d+$").all())


def _numbered_by_name(survey: Survey, column: Column) -> str:
    """Return how a column's name says that it numbers rows, if its values allow it, or ""."""
    name, names = column.name.strip(), survey.columns
    nameless = NAMELESS.fullmatch(name) and not all(map(NAMELESS.fullmatch, names))
    if nameless or INDEX.fullmatch(name):
        return "as the index of a data frame" if different(survey, column) > AGAIN else ""
    if name in OF_R:
        first = name == next(iter(names)) and not OF_R[name] & names.keys()
        says_so = first and _is_dense(column)
    else:
        says_so = COUNTER.fullmatch(name) is not None
    return "going by its name" if says_so and different(survey, column) == 1 else ""


def _is_dense(column: Column) -> bool:
    """Whether whole numbers lie as close as those of rows of which some are left out."""
    return column.whole and bool(column.greatest - column.least < SOME * column.rows)


def _is_shuffled(survey: Survey, column: Column) -> bool:
    """Whether whole numbers are those of the rows in another order, and no ranks."""
    if not column.whole:
        return False
    span = column.greatest - column.least
    return (
        column.rows >= ROWS
        and column.values == column.rows
        and column.rows - 1 <= span < column.rows + survey.without_target
        and not RANK.search(column.name)
        and different(survey, column) == 1
    )


def different(survey: Survey, column: Column) -> float:
    """Return the share of a column's values, in the sample, that are different ones.

    >>> import polars as pl
    >>> from chainrule.tabular.columns.survey import survey
    >>> found = survey([pl.DataFrame({"x": [1, 2, 2, None, 1]})])
    >>> different(found, found.columns["x"])
    0.5
    """
    values = survey.sample[column.name].drop_nulls()
    return values.n_unique() / max(len(values), 1)
