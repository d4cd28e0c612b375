"""The task that a target sets: to predict a class or a quantity."""

from __future__ import annotations

import re
from collections.abc import Iterable

from chainrule.errors import bare, unknown_name
from chainrule.formatting import counted
from chainrule.tabular.columns.category_limits import FEW_CLASSES, ROWS_EACH
from chainrule.tabular.columns.decision import (
    Decision,
    alike,
    listed,
    range_of,
    values_of,
    word_counts,
)
from chainrule.tabular.columns.survey import Column, Survey
from chainrule.tabular.formats.column_values import as_words, shown, values_in
from chainrule.tabular.table_error import TableError

TASKS = ("classification", "regression")


def decide_target(survey: Survey, task: str | None = None, name: str = "") -> Decision:
    """Return the decision on a survey's target: the task that is given, or found from its values.

    Of several targets it is that on the one of the name.

    Text and Booleans are classes, and so are whole numbers where they are few. Raises TableError
    for a target that cannot be learnt.

    >>> import polars as pl
    >>> from chainrule.tabular.columns.survey import survey
    >>> print(decide_target(survey([pl.DataFrame({"price": [9.5, 3.25, 4.0]})], target="price")))
    price      target     regression: 3 values, 3.25 to 9.5
    """
    if task is not None and task not in TASKS:
        raise TableError(str(unknown_name("task", task, TASKS)))
    column = survey.columns[name or survey.targets[0]]
    what = f"target {column.name!r}"
    if column.kind in ("date", "other"):
        raise TableError(f"{what} holds {column.dtype}; it must hold classes or numbers")
    if column.infinite:
        rows = counted(column.infinite, "row")
        raise TableError(f"{what} is infinite in {rows}; leave such rows out")
    if column.least == column.greatest:
        raise TableError(f"{what} is always {shown(column.least)}: there is nothing to learn")
    if (task or _natural(column)) == "regression":
        return _regression(column, changeable=task is None and column.whole)
    return _classification(column, task)


def _natural(column: Column) -> str:
    if column.kind in ("text", "boolean"):
        return "classification"
    counts = column.counts
    few = counts is not None and is_few(len(counts), column.rows)
    return "classification" if few else "regression"


def is_few(different: int, rows: int) -> bool:
    """Whether so many different whole numbers in so many rows are taken for classes.

    >>> is_few(2, rows=3), is_few(20, rows=400), is_few(20, rows=399)
    (True, True, False)
    """
    return different == 2 or (different <= FEW_CLASSES and different * ROWS_EACH <= rows)


def _regression(column: Column, *, changeable: bool) -> Decision:
    if column.kind in ("text", "boolean"):
        raise TableError(
            f"target {column.name!r} holds {column.kind} such as {shown(column.least)}, no "
            "numbers; use `task='classification'`"
        )
    reason = f"{values_of(column)}, {range_of(column)}{column.said}{_without(column)}"
    option = "change: `task='classification'`" if changeable else ""
    return Decision(column.name, "target", f"regression: {reason}", option, task="regression")


def _without(column: Column) -> str:
    """Return by which words rows have no target."""
    rows = sum(column.words.values())
    return f"; {rows:,} without one{word_counts(column.words)}" if rows else ""


def _classification(column: Column, task: str | None) -> Decision:
    counts, number = column.counts, column.kind in ("integer", "float")
    words = classes_of(column)
    if column.kind == "float" and not column.whole:
        raise TableError(
            f"target {column.name!r} holds fractions, {shown(column.least)} to "
            f"{shown(column.greatest)}, which are no classes; use `task='regression'`"
        )
    if number and (counts is None or len(counts) > max(FEW_CLASSES, column.rows / 2)):
        raise TableError(
            f"target {column.name!r} holds too many different numbers for classes, "
            f"{shown(column.least)} to {shown(column.greatest)}; use `task='regression'`"
        )
    most = column.rows / 2 if task is None else column.rows - 1
    if counts is None or (not number and len(counts) > max(2, most)):
        raise TableError(
            f"target {column.name!r} holds text, nearly all different, such as "
            f"{shown(column.least)}: is it an identifier? Name another, or group it into classes"
        )
    single = [bare(word) for word, count in words.items() if count == 1]
    alone = f"; {single[0]} has a single example" if single else ""
    found = listed(f"{word} {count:,}" for word, count in words.items())
    changeable = task is None and (number or _are_numbers(words))
    option = "change: `task='regression'`" if changeable else ""
    reason = f"{len(words):,} classes: {found}{alone}{alike(words)}{_without(column)}"
    return Decision(column.name, "target", reason, option, task="classification")


def classes_of(column: Column) -> dict[str, int]:
    """Return how often each class comes, in words: numbers in their order, others by the alphabet.

    >>> import polars as pl
    >>> from chainrule.tabular.columns.survey import survey
    >>> found = survey([pl.DataFrame({"y": ["10", "9", "10"]})], target="y")
    >>> classes_of(found.columns["y"])
    {'9': 1, '10': 2}
    """
    counts = column.counts or {}
    words = dict(zip(as_words(values_in(column.name, counts)), counts.values(), strict=True))
    if column.kind == "text" and _are_numbers(words):
        return dict(sorted(words.items(), key=lambda item: float(item[0])))
    return words


def _are_numbers(words: Iterable[str]) -> bool:
    return all(re.fullmatch(r"[+-]?\d+(\.\d*)?", word) for word in words)
