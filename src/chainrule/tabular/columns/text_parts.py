"""Whether texts have words in common, and which parts of words they are told apart by.

Names, addresses and numbers that identify a row have few words in common, or none.
"""

from __future__ import annotations

import math

import polars as pl

from chainrule.tabular.formats.text_sizes import CHARACTERS
from chainrule.tabular.formats.text_words import parts_of, words_of

TEXTS, IN_ALL = 20_000, 2_000_000
"""The most texts that are looked at, and about how many characters of all of them."""

MOST = 5_000
"""The most parts that are kept, those that stand in the most texts."""

LEAST = 3
"""The texts in which a word or part must stand that tells something of others."""

COMPONENTS, EACH = 30, 200
"""The most numbers that a text becomes, and the words of all texts that there are for each."""

COMMON, VARIED = 0.5, 10
"""The share of all words that must stand in some other texts too, and how many different ones."""

FEWEST = 1_000
"""The words that texts must have in all, or they would rather disturb than tell something."""

_LETTERS = r"^\P{L}*\p{L}[\p{L}\p{M}'’-]+\P{L}*$"
"""What a word is here, with the signs around it: two letters or more, and no digits."""


def some_texts(texts: pl.Series) -> pl.Series:
    """Return every so manieth text that is one, so that they are not too many or too long.

    >>> len(some_texts(pl.Series(["a"] * 50_000)))
    16667
    """
    texts = texts.drop_nulls()
    characters = int(texts.str.len_chars().clip(upper_bound=CHARACTERS).sum())
    each = max(math.ceil(len(texts) / TEXTS), math.ceil(characters / IN_ALL), 1)
    return texts.gather_every(each)


def components(texts: pl.Series, parts: tuple[str, ...]) -> int:
    """Return how many numbers a text becomes.

    >>> components(pl.Series(["a hat", "hats"] * 200), (" ha", "at ", "hat", "ats"))
    3
    """
    words = some_texts(texts).str.head(CHARACTERS).str.count_matches(r"\S+").sum()
    return min(COMPONENTS, len(parts), math.ceil(words / EACH))


def have_words_in_common(texts: pl.Series) -> bool:
    """Whether most of the words of texts stand in some others too, but not in all.

    >>> things = ["apple", "bread", "cheese", "dates", "eggs", "figs", "grapes", "honey", "ice"]
    >>> said = [f"{a}, {b} and some {c}" for a in things for b in things for c in things]
    >>> have_words_in_common(pl.Series(said)), have_words_in_common(pl.Series(said[:100]))
    (True, False)
    >>> have_words_in_common(pl.Series([f"number {k} of all" for k in range(1000)]))
    False
    """
    texts = some_texts(texts)
    found = pl.concat(words_of(texts)).unique()
    words = found.filter(found["word"].str.contains(_LETTERS))["word"]
    times = words.value_counts(name="texts")
    common = times.filter(pl.col("texts").is_between(LEAST, len(texts) - 1))
    enough = len(words) >= FEWEST and len(common) >= VARIED
    return enough and int(common["texts"].sum()) > COMMON * len(words)


def common_parts(texts: pl.Series) -> tuple[str, ...]:
    """Return the parts of words that stand in some of the texts, but not in all, in their order.

    >>> common_parts(pl.Series(["hat", "a hat", "no hats", "a cat"]))
    (' ha', ' hat', 'at ', 'hat')
    """
    texts = some_texts(texts)
    counts = pl.concat(map(_texts_with, words_of(texts))).group_by("part").agg(pl.sum("texts"))
    some = counts.filter(pl.col("texts").is_between(LEAST, len(texts) - 1))
    most = some.sort("texts", "part", descending=[True, False]).head(MOST)
    return tuple(most["part"].sort())


def _texts_with(words: pl.DataFrame) -> pl.DataFrame:
    """Return in how many texts each part stands."""
    different = words.select("word").unique().with_row_index("of")
    parts = parts_of(different["word"]).unique()
    known = parts["part"].unique().sort()
    parts = parts.with_columns(pl.col("part").cast(pl.Enum(known)).to_physical())
    found = words.join(different, on="word").join(parts, on="of").select("place", "part").unique()
    counts = found["part"].value_counts(name="texts")
    return counts.with_columns(known.gather(counts["part"]).alias("part"))
