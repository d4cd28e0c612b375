"""What becomes of each column of a table: decided from its survey, and said in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import polars as pl

from chainrule.errors import argument, bare
from chainrule.formatting import counted
from chainrule.tabular.columns.category_limits import FEW, MAX_CATEGORIES
from chainrule.tabular.columns.decision import (
    FEATURES,
    ColumnRole,
    Decision,
    alike,
    listed,
    range_of,
    values_of,
    weight_must,
    word_counts,
)
from chainrule.tabular.columns.identifiers import different, is_identifier, numbering
from chainrule.tabular.columns.row_names import IDENTIFIER
from chainrule.tabular.columns.survey import Column, Survey
from chainrule.tabular.columns.task import decide_target
from chainrule.tabular.columns.text_decisions import is_long, text_asked, text_found
from chainrule.tabular.formats.column_values import (
    as_words,
    check_known,
    shown,
    values_in,
)
from chainrule.tabular.table_error import TableError

SMALL = 1e-30
"""The least that the greatest weight may be, and one over the most: float32 holds no more."""

FOLDS = 5
"""Of how many parts each has the means of the target from the others."""

NAMED = 5
"""So many columns are named where none is left."""

VECTOR = 8
"""How many numbers the vector of a category has, of many."""

_MEANS = f"means of the target by category, cross-fitted in {FOLDS} folds"
MANY_WORDS = {
    "means": _MEANS,
    "vectors": f"vectors of {VECTOR}",
    "both": f"{_MEANS}, and vectors of {VECTOR} where rows suffice",
    "frequent": f"the {MAX_CATEGORIES} most frequent, and the others as one",
}
"""What is said of many categories, by what they become."""


def decide(
    survey: Survey,
    *,
    task: str | None = None,
    numbers: Iterable[str] = (),
    categories: Iterable[str] = (),
    dates: Iterable[str] = (),
    texts: Iterable[str] = (),
    leave_out: Iterable[str] = (),
    order: Mapping[str, Iterable[str]] | None = None,
    weight: str | None = None,
    many: str = "frequent",
) -> tuple[Decision, ...]:
    """Return what becomes of each column, in the order of the table.

    The options name columns whose role is not to be found but given; `order` gives the categories
    of a column from the lowest to the highest, and `many` what more than `FEW` become. Raises
    TableError for what a column cannot be, and where no column is left to predict from.

    >>> import polars as pl
    >>> from chainrule.tabular.columns.survey import survey
    >>> table = pl.DataFrame({"size": [1.5, 2.5, 3.0, 4.0], "kind": ["a", "b", "a", "b"]})
    >>> for decision in decide(survey([table], target="kind")):
    ...     print(decision)
    size       number     4 values, 1.5 to 4
    kind       target     2 classes: a 2, b 2
    """
    orders = {name: tuple(map(str, words)) for name, words in (order or {}).items()}
    named = {
        "weight": [weight] if weight is not None else [],
        "numbers": list(numbers),
        "categories": [name for name in categories if name not in orders],
        "order": list(orders),
        "dates": list(dates),
        "texts": list(texts),
        "leave_out": list(leave_out),
    }
    chosen = _chosen(survey, named)
    decisions = []
    for column in survey.columns.values():
        if column.name in survey.targets:
            decisions.append(decide_target(survey, task, column.name))
        elif column.name in chosen:
            decisions.append(_given(survey, column, chosen[column.name], orders, many))
        else:
            decisions.append(_found(survey, column, many))
    _check_left(decisions)
    return tuple(decisions)


def _check_left(decisions: Iterable[Decision]) -> None:
    """Raise TableError where no column is left, with the reasons, and how to keep what could be."""
    if any(decision.role in FEATURES for decision in decisions):
        return
    left_out = [decision for decision in decisions if decision.role == "left out"]
    left_out.sort(key=lambda decision: not decision.option)
    said = [
        f"{bare(each.column)}: {each.reason}" + f" ({each.option})" * bool(each.option)
        for each in left_out[:NAMED]
    ]
    if others := len(left_out) - len(said):
        said.append(f"and {counted(others, 'other')}")
    why = f": {'; '.join(said)}" if said else ""
    by = "`numbers=`, `categories=`, `dates=` or `texts=`"
    raise TableError(f"no column is left to predict from; keep one by {by}{why}")


def _chosen(survey: Survey, named: Mapping[str, list[str]]) -> dict[str, str]:
    """Return the option that names each column, for those that one does."""
    chosen: dict[str, str] = {}
    for option, names in named.items():
        check_known(f"column in {argument(option)}", names, list(survey.columns))
        for name in names:
            if name in survey.targets:
                raise TableError(
                    f"column {name!r} is the target; take it out of {argument(option)}"
                )
            if chosen.setdefault(name, option) != option:
                both = f"{argument(chosen[name])} and in {argument(option)}"
                raise TableError(f"column {name!r} stands in {both}; name it once")
    return chosen


# Roles that are given


def _given(
    survey: Survey, column: Column, option: str, order: Mapping[str, tuple[str, ...]], many: str
) -> Decision:
    if option == "leave_out":
        return Decision(column.name, "left out", "as asked")
    if not column.values:
        raise TableError(f"column {column.name!r} has no values; take it out of {argument(option)}")
    if column.kind == "other":
        raise TableError(
            f"column {column.name!r} holds {column.dtype}, which {argument(option)} cannot take; "
            "leave it out"
        )
    if option == "weight":
        return _weight(column)
    if option == "texts":
        return text_asked(survey, column)
    if option == "order":
        return _ordered(survey, column, order[column.name])
    if option == "categories":
        return _category(survey, column, many)
    return _number(column) if option == "numbers" else _date(column)


def _weight(column: Column) -> Decision:
    must = weight_must(column.name)
    if column.kind not in ("integer", "float", "boolean"):
        raise TableError(f"{must}, got {column.dtype}")
    if column.nulls or column.infinite:
        raise TableError(f"{must}, got {column.nulls + column.infinite:,} missing or infinite")
    if column.least < 0 or not column.greatest > 0:
        raise TableError(f"{must}, and one above 0, got {range_of(column)}")
    if not SMALL < column.greatest < 1 / SMALL:
        raise TableError(f"{must}, and in reach of 1, got {range_of(column)}; multiply all of them")
    return Decision(column.name, "weight", range_of(column))


def _ordered(survey: Survey, column: Column, order: tuple[str, ...]) -> Decision:
    missing = [word for word in frequencies(survey, column) if word not in order]
    if missing or len(set(order)) != len(order):
        wrong = f"leaves out {shown(missing[0])}" if missing else "names a category twice"
        raise TableError(
            f"order of {column.name!r} {wrong}; name each of its categories once, lowest first"
        )
    reason = f"{len(order):,} categories in order: {listed(order, ' < ')}"
    return Decision(column.name, "category", reason, order=order)


def _number(column: Column) -> Decision:
    if column.kind == "text":
        raise TableError(
            f"column {column.name!r} holds text such as {shown(column.least)}, no numbers; "
            "use `categories=`"
        )
    if column.kind == "date":
        raise TableError(f"column {column.name!r} holds dates, not numbers; use `dates=`")
    return _read(column, "number")


def _date(column: Column) -> Decision:
    if column.kind != "date":
        raise TableError(
            f"column {column.name!r} holds {column.dtype} such as {shown(column.least)}, no dates "
            "such as 2024-05-31 or 2024-05-31T12:30:00"
        )
    return _read(column, "date")


def _read(column: Column, role: ColumnRole) -> Decision:
    """Return the decision on numbers or dates, with what is said of how they are written."""
    doubtful = column.said or column.unread[0] or (column.text and role == "date")
    option = f"change: {argument('categories', [column.name])}" if doubtful else ""
    reason = f"{values_of(column)}, {range_of(column)}{column.said}{_lost(column)}"
    return Decision(column.name, role, reason, option)


def _category(survey: Survey, column: Column, many: str) -> Decision:
    words = list(frequencies(survey, column))
    found = f"{len(words):,} categories" if len(words) > 1 else "1 category"
    if len(words) > (MAX_CATEGORIES if many == "frequent" else FEW):
        more = "more than " if column.counts is None else ""
        reason = f"{more}{found}: {MANY_WORDS[many]}{_lost(column)}"
        option = f"change: {argument('leave_out', [column.name])}"
        return Decision(column.name, "category", reason, option, many=many * (many != "frequent"))
    reason = f"{found}: {listed(words, ', ')}{alike(words)}{column.said}{_lost(column)}"
    return Decision(column.name, "category", reason, "change: `missing=''`" * bool(column.words))


# Roles that are found


def _found(survey: Survey, column: Column, many: str) -> Decision:
    if reason := _useless(column):
        return Decision(column.name, "left out", reason)
    if reason := numbering(survey, column):
        option = "categories" if column.kind == "text" else "numbers"
        return Decision(column.name, "left out", reason, f"keep: {argument(option, [column.name])}")
    if column.kind in ("integer", "float"):
        return _named_or_number(survey, column, many)
    if column.kind == "date":
        return _date(column)
    return (_text if column.kind == "text" else _category)(survey, column, many)


def _useless(column: Column) -> str:
    """Return why a column tells nothing, or "" where it may."""
    if not column.values:
        return "no values"
    if column.kind == "other":
        return f"{column.dtype}: not a number, text or date"
    constant = column.least == column.greatest and column.values == column.rows
    return f"always {shown(column.least)}" if constant else ""


def _named_or_number(survey: Survey, column: Column, many: str) -> Decision:
    """Decide on numbers: some are names, such as those of shops."""
    if not (column.whole and is_identifier(column.name)):
        return _number(column)
    found = _category(survey, column, many)
    return replace(
        found,
        reason=f"numbers that are names, {found.reason}",
        option=f"change: {argument('numbers', [column.name])}",
    )


def _text(survey: Survey, column: Column, many: str) -> Decision:
    if survey.sample[column.name].dtype in (pl.Categorical, pl.Enum):
        return _in_own_order(survey, column, many)
    return _words(survey, column, many)


def _in_own_order(survey: Survey, column: Column, many: str) -> Decision:
    """Decide on what its type says are categories, and perhaps in which order they stand."""
    found, dtype = _words(survey, column, many), survey.sample[column.name].dtype
    if found.role != "category" or not isinstance(dtype, pl.Enum):
        return found
    order = tuple(dtype.categories)
    return replace(
        _ordered(survey, column, order),
        reason=f"{len(order):,} categories in the order of the column: {listed(order, ' < ')}",
        option=f"change: {argument('categories', [column.name])}",
    )


def _words(survey: Survey, column: Column, many: str) -> Decision:
    share = different(survey, column)
    if share > IDENTIFIER:
        much = "all" if share == 1 else "most of it"
        return text_found(survey, column, f"text, {much} different{column.said}")
    if len(frequencies(survey, column)) > MAX_CATEGORIES and is_long(survey, column):
        return text_found(survey, column, "long text")
    return _category(survey, column, many)


# What decisions and encoders share


def frequencies(survey: Survey, column: Column) -> dict[str, int]:
    """Return how often each category comes: in all rows, or, where it has too many, in the sample.

    They stand in the order of the values.

    >>> import polars as pl
    >>> from chainrule.tabular.columns.survey import survey
    >>> found = survey([pl.DataFrame({"size": [10, 9, 10]})])
    >>> frequencies(found, found.columns["size"])
    {'9': 1, '10': 2}
    """
    if column.counts is not None:
        values, counts = list(column.counts), list(column.counts.values())
        words = as_words(values_in(column.name, values))
    else:
        sample = survey.sample[column.name].drop_nulls().alias("value")
        sample = sample.filter(sample.is_finite()) if sample.dtype.is_float() else sample
        found = sample.value_counts(name="count").sort("value")
        words, counts = as_words(found["value"]), found["count"].to_list()
    return dict(zip(words.to_list(), counts, strict=True))


# Reasons


def _lost(column: Column) -> str:
    """Return how many values a column has not, and which words and texts stand in their place."""
    others, some = column.unread
    said = ""
    if missing := column.nulls - others:
        said += f", {missing:,} missing{word_counts(column.words)}"
    if column.infinite:
        beyond = "beyond the years 1 to 9999" if column.kind == "date" else "infinite"
        said += f", {column.infinite:,} {beyond} taken as missing"
    if others:
        such = ", ".join(map(shown, some))
        said += f", {counted(others, 'other')} such as {such} taken as missing"
    return said
