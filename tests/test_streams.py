"""The stream that everything random is drawn from."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from chainrule.streams import DROPOUT, ORDER, shuffled, words
from runs import in_the_order_of


@pytest.mark.parametrize("use", [DROPOUT, ORDER])
def test_words_are_the_halves_of_the_raw_stream(use: int) -> None:
    raw = np.random.Philox(
        key=np.array([3, 2**64 - 1], np.uint64), counter=[0, use, 7, 0]
    ).random_raw(4)
    halves = [half for word in raw.tolist() for half in (word % 2**32, word >> 32)]
    for count in (0, 1, 2, 7):
        assert words(use, 3, 2**64 - 1, 7, count).tolist() == halves[:count]


def test_streams_differ_by_each_of_their_numbers() -> None:
    streams = {words(*numbers, 4).tobytes() for numbers in itertools.product((0, 1), repeat=4)}
    assert len(streams) == 16


@pytest.mark.parametrize("n", [1, 2, 3, 11, 64, 65, 66, 1000])
@pytest.mark.parametrize("seed", [0, 2**64 - 1])
def test_the_shuffle_is_what_its_docstring_says(n: int, seed: int) -> None:
    order = shuffled(n, seed, epoch=4)
    assert order.tolist() == in_the_order_of(4, n, seed).tolist()
    assert sorted(order.tolist()) == list(range(n))


def test_every_order_is_as_likely_as_any_other() -> None:
    found = Counter(tuple(shuffled(4, 0, epoch).tolist()) for epoch in range(2400))
    assert len(found) == 24
    assert stats.chisquare(list(found.values())).pvalue > 0.001
