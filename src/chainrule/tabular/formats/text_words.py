r"""The words of texts in small letters, and the parts of words: what stands between two blanks, of
three or four characters each, as scikit-learn's `analyzer="char_wb"` has them.

Parts are alike where words are inflected, compound or misspelt, and serve scripts without blanks.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from chainrule.tabular.formats.text_sizes import CHARACTERS, OF_A_WORD, SIZES

PIECE = 1_000_000
"""The characters of texts that are looked at together: parts take a hundred times the room."""


def words_of(texts: pl.Series) -> Iterator[pl.DataFrame]:
    """Yield the words of texts, each with the `place` of its text; a text is whole in one frame.

    >>> [each.rows() for each in words_of(pl.Series(["Not  GOOD", None, "good!"]))]
    [[(0, 'not'), (0, 'good'), (2, 'good!')]]
    """
    texts = texts.str.head(CHARACTERS).alias("word")
    ends = texts.str.len_chars().fill_null(0).cum_sum()
    frame = texts.to_frame().with_row_index("place").with_columns((ends // PIECE).alias("piece"))
    pieces = frame.partition_by("piece", include_key=False, maintain_order=True)
    for piece in pieces or [frame.drop("piece")]:
        words = pl.col("word").str.to_lowercase().str.extract_all(r"\S+")
        found = piece.with_columns(words).explode("word").drop_nulls()
        yield found.with_columns(pl.col("word").str.head(OF_A_WORD))


def parts_of(words: pl.Series) -> pl.DataFrame:
    """Return the parts of words, each with the place of the word that it is `of`.

    >>> parts_of(pl.Series(["a", "it"]))["part"].to_list()
    [' a ', ' it', 'it ', ' it ']
    """
    padded = pl.DataFrame({"part": " " + words + " "}).with_row_index("of")
    length = padded["part"].str.len_chars()
    longest = int(length.to_numpy().max(initial=0))
    places = [(begin, size) for size in SIZES for begin in range(max(longest - size + 1, 1))]
    return pl.concat(
        padded.filter(length >= begin + size).with_columns(pl.col("part").str.slice(begin, size))
        for begin, size in places
    )
