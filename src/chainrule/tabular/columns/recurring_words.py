"""The words of a column of text that come again and again: what its texts have in common.

Names, addresses and numbers that identify a row have few of them, or none.
"""

from __future__ import annotations

import math

import polars as pl

from chainrule.tabular.formats.text_words import words_of

TEXTS, LETTERS = 20_000, 20_000_000
"""The most texts that are looked at, and the most letters in all of them."""

MOST = 5_000
"""The most words that are kept, the most frequent ones."""

LEAST = 3
"""The texts in which a word must stand at least."""

LONGEST = 50
"""The letters of the longest word that is one, or of a pair of them."""


def some_texts(texts: pl.Series) -> pl.Series:
    """Return every so manieth text, so that there are not too many.

    >>> len(some_texts(pl.Series(["a"] * 50_000)))
    16667
    """
    letters = int(texts.str.len_chars().sum())
    return texts.gather_every(max(1, math.ceil(len(texts) / TEXTS), math.ceil(letters / LETTERS)))


def recurring_words(texts: pl.Series) -> tuple[str, ...]:
    """Return the words, and pairs of them, that stand in some of the texts, but not in all.

    >>> recurring_words(pl.Series(["old house", "Old mill", "old, red mill", "a mill"]))
    ('mill', 'old')
    """
    texts = some_texts(texts.drop_nulls())
    found = pl.concat(
        [
            words.filter(pl.col("word").str.len_chars() <= LONGEST)
            .unique()["word"]
            .value_counts(name="texts")
            for words in words_of(texts)
        ]
    )
    counts = found.group_by("word").agg(pl.sum("texts"))
    some = counts.filter(pl.col("texts").is_between(LEAST, len(texts) - 1))
    most = some.sort("texts", "word", descending=[True, False]).head(MOST)
    return tuple(most["word"].sort())
