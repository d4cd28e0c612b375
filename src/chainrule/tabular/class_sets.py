r"""Sets of classes that hold the class of a share of new rows.

n   rows      p   (n, classes) probabilities      s   (n, classes) scores: the less, the likelier
sets (n, classes) which classes are in the set of each row

    s = 1 − p, and 0 of the most probable class;  a set has the classes with s ≤ the threshold

so that no set is empty. Of scores of this kind they make the smallest sets at a coverage, where the
probabilities are right. Source: Sadinle, Lei and Wasserman (2019), Least ambiguous set-valued
classifiers with bounded error levels, whose sets may be empty.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Array = NDArray[Any]
Sets = NDArray[np.bool_]

BETWEEN = "|"
"""What stands between the classes of a set."""


def unlikely(p: Array) -> Array:
    """Return the score of each class, (n, classes).

    >>> unlikely(np.array([[0.25, 0.75]]))
    array([[0.75, 0.  ]])
    """
    s = 1 - p.astype(np.float64)
    s[np.arange(len(p)), p.argmax(axis=1)] = 0
    return s


def sets_of(p: Array, threshold: float) -> Sets:
    """Return which classes are in the set of each row, (n, classes).

    >>> sets_of(np.array([[0.5, 0.4, 0.1], [0.0, 0.9, 0.1]]), 0.7)
    array([[ True,  True, False],
           [False,  True, False]])
    """
    return np.asarray(unlikely(p) <= threshold)


def written(sets: Sets, labels: Sequence[str]) -> pl.Series:
    """Return each set as a text: its labels with | between them, quoted where they have one.

    >>> written(np.array([[True, True], [False, True]]), ["no", "a|b"]).to_list()
    ['no|"a|b"', '"a|b"']
    """
    texts = [quoted(label) for label in labels]
    packed = np.packbits(sets, axis=1)
    alike = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()  # a set as one value
    _, first, of = np.unique(alike, return_index=True, return_inverse=True)
    made = [BETWEEN.join(texts[k] for k in np.flatnonzero(sets[row])) for row in first.tolist()]
    return pl.Series("set", made, dtype=pl.String).gather(of)


def quoted(label: str) -> str:
    """Return a label as it stands in a set.

    >>> quoted("no"), quoted("a|b")
    ('no', '"a|b"')
    """
    text = io.StringIO()
    csv.writer(text, delimiter=BETWEEN, lineterminator="").writerow([label])
    return text.getvalue()


def size_without_inputs(shares: Array, share: float) -> int:
    """Return how many classes a set has that is the same for all rows and holds such a share.

    >>> size_without_inputs(np.array([0.1, 0.6, 0.3]), 0.8)
    2
    """
    falling = np.cumsum(np.sort(shares)[::-1])
    return int(np.searchsorted(falling, share * (1 - 1e-9)) + 1)
