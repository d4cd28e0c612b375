"""Which columns of a table are its targets, of what is given as such."""

from __future__ import annotations

import csv
from collections.abc import Collection
from typing import Any

from chainrule.tabular.columns.survey import Targets
from chainrule.tabular.read_options import column_name
from chainrule.tabular.table_error import TableError


def target_names(given: Any, columns: Collection[str]) -> Targets:
    """Return the name of the target, or those of several.

    Several are a list, or a text with commas that is no column itself; of a name in quotes, its
    commas are its own.

    >>> target_names("price,rent", ["price", "rent"]), target_names("price,rent", ["price,rent"])
    (('price', 'rent'), 'price,rent')
    >>> target_names(["price", 3], []), target_names('"price, EUR"', [])
    (('price', '3'), 'price, EUR')
    """
    if isinstance(given, tuple):
        _check_one(given, columns)
    if isinstance(given, list):
        names = [column_name(name) for name in given]
    else:
        text = column_name(given)
        names = [text] if text in columns else _parted(text)
    if not names:
        raise TableError("the target must be the name of a column, or a list of such, got []")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise TableError(f"target {twice!r} is named twice; name each once")
    return tuple(names) if len(names) > 1 else names[0]


def _check_one(levels: tuple[Any, ...], columns: Collection[str]) -> None:
    """Raise TableError for a tuple of columns: one is a single name, of several levels."""
    if column_name(levels) not in columns and {*map(column_name, levels)} <= {*columns}:
        raise TableError(f"several targets must be a list, got {levels}; give {[*levels]}")


def doubts_of(target: Targets, columns: Collection[str]) -> list[str]:
    """Return what is to be doubted of a target whose name could be those of several, in words.

    >>> doubts_of("a,b", ["a", "b"])
    []
    >>> print(*doubts_of("a,b", ["a", "b", "a,b"]))
    target 'a,b' is the column of that name; for the columns 'a' and 'b' quote each: "a","b"
    """
    parts = _parted(target) if isinstance(target, str) and target in columns else []
    if len(parts) < 2 or not {*parts} <= {*columns}:
        return []
    each = " and ".join(map(repr, parts))
    quoted = ",".join(f'"{name}"' for name in parts)
    said = f"for the columns {each} quote each: {quoted}"
    return [f"target {target!r} is the column of that name; {said}"]


def _parted(text: str) -> list[str]:
    """Return the names between commas; one that has a comma itself stands in quotes."""
    if "," not in text and not text.startswith('"'):
        return [text]
    try:
        return [name.strip() for name in next(csv.reader([text], skipinitialspace=True), [])]
    except csv.Error:
        return [text]
