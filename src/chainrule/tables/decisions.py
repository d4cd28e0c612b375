"""A decision on a column, and the words that its reasons share."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chainrule.tables.survey import Column
from chainrule.tables.values import bare, shown


@dataclass(frozen=True)
class Decision:
    """What becomes of a column: its role, the reason, and the option that would change it.

    The roles are number, category, date, target, weight and left out. A target has its task,
    classification or regression; categories may have an order.

    >>> print(Decision("id", "left out", "text, all different", "keep: --categories id"))
    id         left out   text, all different (keep: --categories id)
    """

    column: str
    role: str
    reason: str
    option: str = ""
    order: tuple[str, ...] = ()
    task: str = ""

    def __str__(self) -> str:
        option = f" ({self.option})" if self.option else ""
        return f"{bare(self.column):<10} {self.role:<10} {self.reason}{option}"


def values_of(column: Column) -> str:
    """Return how many values a column has, in words.

    >>> import polars as pl
    >>> from chainrule.tables.survey import survey
    >>> values_of(survey([pl.DataFrame({"x": [1.5, None]})]).columns["x"])
    '1 value'
    """
    return f"{column.values:,} value" + "s" * (column.values != 1)


def as_argument(column: str) -> str:
    """Return a column's name as a shell and the options that take names pass it on.

    >>> print(as_argument("S.No."), as_argument("#"), as_argument("price, EUR"))
    S.No. '#' '"price, EUR"'
    """
    name = f'"{column.replace(chr(34), chr(34) * 2)}"' if set(column) & set(',"') else column
    return bare(name if re.fullmatch(r"[\w.:/@%+=-]+", name) else shlex.quote(name))


def listed(words: Iterable[str], between: str = ", ") -> str:
    """Return the first of some words in a row.

    >>> listed("abcdefg", " < ")
    'a < b < c < d < e < …'
    """
    names = [bare(word) or "''" for word in words]
    return between.join([*names[:5], "…"] if len(names) > 5 else names)


def counted(words: Mapping[str, int]) -> str:
    """Return how often words that mean no value come, the most frequent first, in brackets.

    >>> counted({"NA": 3, "-": 12}), counted({})
    (" (12 '-', 3 'NA')", '')
    """
    first = sorted(words, key=lambda word: (-words[word], word))
    each = [f"{words[word]:,} {shown(word)}" for word in first[:3]]
    return f" ({', '.join([*each, '…'] if first[3:] else each)})" if words else ""
