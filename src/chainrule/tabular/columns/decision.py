"""A decision on a column, and the words that its reasons share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from chainrule.errors import bare, look
from chainrule.formatting import counted, number
from chainrule.tabular.columns.survey import Column
from chainrule.tabular.formats.column_values import shown

LONGEST = 100
"""The most characters of a word in a row of them."""

ColumnRole = Literal["number", "category", "date", "text", "target", "weight", "left out"]

FEATURES = ("number", "category", "date", "text")
"""The roles of columns that inputs are made of."""


@dataclass(frozen=True)
class Decision:
    """What becomes of a column: its role, the reason, and the option that would change it.

    The roles are number, category, date, text, target, weight and left out. A target has its task,
    classification or regression; categories may have an order, and of many it is said what they
    become, one of `MANY`; "" for the frequent ones alone. Of a text the parts of its words are
    known by which it is told from others.

    >>> print(Decision("id", "left out", "text, all different", "keep: `categories=['id']`"))
    id         left out   text, all different (keep: `categories=['id']`)
    """

    column: str
    role: ColumnRole
    reason: str
    option: str = ""
    order: tuple[str, ...] = ()
    task: str = ""
    many: str = ""
    parts: tuple[str, ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        option = f" ({self.option})" if self.option else ""
        return f"{bare(self.column):<10} {self.role:<10} {self.reason}{option}"


def values_of(column: Column) -> str:
    """Return how many values a column has, in words.

    >>> import polars as pl
    >>> from chainrule.tabular.columns.survey import survey
    >>> values_of(survey([pl.DataFrame({"x": [1.5, None]})]).columns["x"])
    '1 value'
    """
    return counted(column.values, "value")


def listed(words: Iterable[str], between: str = ", ") -> str:
    """Return the first of some words in a row.

    >>> listed("abcdefg", " < ")
    'a < b < c < d < e < …'
    """
    names = [f"{bare(word[:LONGEST])}{'…' * (len(word) > LONGEST)}" or "''" for word in words]
    return between.join([*names[:5], "…"] if len(names) > 5 else names)


def range_of(column: Column) -> str:
    """Return the least and the greatest value of a column, in as many digits as tell them apart.

    >>> import polars as pl
    >>> from chainrule.tabular.columns.survey import survey
    >>> found = survey([pl.DataFrame({"near": [1e9, 1e9 + 0.5], "far": [1.0, 1e9]})])
    >>> range_of(found.columns["near"]), range_of(found.columns["far"])
    ('1,000,000,000 to 1,000,000,000.5', '1 to 1,000,000,000')
    """
    ends = column.least, column.greatest
    if not isinstance(column.least, int | float):
        return " to ".join(map(shown, ends))
    few, all_digits = ([number(end, digits) for end in ends] for digits in (6, 17))
    return " to ".join(few if len({*few}) > 1 or len({*ends}) == 1 else all_digits)


def alike(words: Iterable[str]) -> str:
    """Return, for a reason, the first words that differ in upper case, or in nothing that one sees.

    >>> alike(["No", "no", "yes"]), alike(["a", "b"])
    ("; 'No' and 'no' count as different", '')
    """
    looks: dict[str, list[str]] = {}
    for word in words:
        looks.setdefault(look(word).casefold(), []).append(word)
    found = next((each for each in looks.values() if len(each) > 1), [])
    write = ascii if len(set(map(look, found))) < len(found) else repr
    return f"; {' and '.join(map(write, found[:3]))} count as different" if found else ""


def weight_must(name: str) -> str:
    """Return what a column of weights must be, in words.

    >>> weight_must("w")
    "weight 'w' must hold a number >= 0 in each row"
    """
    return f"weight {name!r} must hold a number >= 0 in each row"


def word_counts(words: Mapping[str, int]) -> str:
    """Return how often words that mean no value come, the most frequent first, in brackets.

    >>> word_counts({"NA": 3, "-": 12}), word_counts({})
    (" (12 '-', 3 'NA')", '')
    """
    first = sorted(words, key=lambda word: (-words[word], word))
    each = [f"{words[word]:,} {shown(word)}" for word in first[:3]]
    return f" ({', '.join([*each, '…'] if first[3:] else each)})" if words else ""
