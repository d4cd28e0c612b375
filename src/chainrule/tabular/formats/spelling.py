"""Words that are written in another way than those known, and can mean no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

from chainrule.tabular.formats.column_values import as_numbers, as_words

Way = Callable[[pl.Series], pl.Series]


def plainly(words: pl.Series) -> pl.Series:
    """Return words of which whole numbers and Booleans are written in one way.

    >>> plainly(pl.Series(["1.0", "+1", "01", "TRUE", "Fair"])).to_list()
    ['1', '1', '01', 'true', 'Fair']
    """
    word = pl.col(words.name)
    whole = word.str.replace(r"^\+(\d)", "$1").str.replace(r"^(-?(?:0|[1-9]\d*))\.0*$", "$1")
    truth = word.str.contains(r"^(?i:true|false)$")
    plain = pl.when(truth).then(word.str.to_lowercase()).otherwise(whole)
    return words.to_frame().select(plain).to_series()


def numerically(words: pl.Series) -> pl.Series:
    """Return words as the numbers that they are, in words; null for what is none.

    >>> numerically(pl.Series(["01", "1.50", "Fair"])).to_list()
    ['1', '1.5', None]
    """
    return as_words(as_numbers(words))


def as_known(words: pl.Series, known: Sequence[str], *ways: Way) -> pl.Series:
    """Return words, those that are not known as the known one that they can only mean.

    A way of writing counts only where all the words known are different in it.

    >>> as_known(pl.Series(["1.0", "TRUE", "01", "2"]), ["1", "true"], plainly).to_list()
    ['1', 'true', '01', '2']
    """
    for way in ways:
        unknown = words.is_not_null() & ~words.is_in(known)
        if not unknown.any():
            break
        names = way(pl.Series(known, dtype=pl.String))
        if are_different(names):
            meant = dict(zip(names, known, strict=True))
            others = words.filter(unknown)
            found = way(others).replace_strict(meant, default=None, return_dtype=pl.String)
            words = words.scatter(unknown.arg_true(), found.fill_null(others))
    return words


def are_different(words: pl.Series) -> bool:
    """Whether there is a word in each place, and none comes twice.

    >>> are_different(pl.Series(["a", "b"])), are_different(pl.Series(["a", "a"]))
    (True, False)
    """
    return not words.null_count() and words.n_unique() == len(words)
