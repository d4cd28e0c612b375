"""The stream that everything random is drawn from."""

from __future__ import annotations

import ast
import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from chainrule import streams
from chainrule.streams import (
    ORDER,
    VISITS,
    Stream,
    generator,
    of_layer,
    of_worksheet,
    shuffled,
    words,
)
from runs import in_the_order_of, philox, word

PUBLISHED = [  # the known answers that come with the paper's library
    ((0,) * 4, (0,) * 2, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    (
        (0xFFFFFFFF,) * 4,
        (0xFFFFFFFF,) * 2,
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), PUBLISHED)
def test_the_oracle_gives_the_published_answers(counter: Any, key: Any, expected: Any) -> None:
    assert philox(counter, key) == expected


@pytest.mark.parametrize("numbers", [(0, 0, 0), (3, 1, 7), (2**64 - 1, 2**32 - 1, 2**64 - 1)])
@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 200])
def test_words_are_those_of_the_paper(numbers: tuple[int, int, int], count: int) -> None:
    expected = [word(k, *numbers) for k in range(count)]
    assert words(*numbers, count).tolist() == expected


def test_streams_differ_by_each_of_their_numbers() -> None:
    streams = {words(*numbers, 4).tobytes() for numbers in itertools.product((0, 1), repeat=3)}
    assert len(streams) == 8


def test_no_layer_has_the_stream_of_another_or_of_the_order() -> None:
    nested = [((layer + 1) << 16) + k for layer in range(40) for k in range(40)]
    layers = [*range(2000), *nested, *(((n + 1) << 16) + k for n in nested for k in range(5))]
    numbers = {of_layer(layer) for layer in layers}
    assert len(numbers) == len(set(layers))
    assert not numbers & {ORDER, VISITS}


def test_words_are_spread_evenly() -> None:
    counts = np.bincount(words(1, 2, 3, 64000) >> 26, minlength=64)
    assert stats.chisquare(counts).pvalue > 0.001


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


@pytest.mark.parametrize("n", [2, 65])
def test_blocks_are_visited_in_an_order_of_their_own(n: int) -> None:
    orders = {(number, e): shuffled(n, 3, e, number) for number in (ORDER, VISITS) for e in (0, 1)}
    for (number, epoch), order in orders.items():
        assert order.tolist() == in_the_order_of(epoch, n, 3, number).tolist()


# Every stream that there is

SEEDS = [0, 1, 7, 2**32 - 1, 2**32, 2**32 + 1, 3 * 2**32 + 7, 2**64 - 1]
WIDTHS = [(1, 1), (2, 2), (2, 2, 1)]
STREAMS = {
    **{each.name: lambda seed, each=each: generator(each, seed) for each in Stream},
    **{str(each): lambda seed, each=each: of_worksheet(seed, each) for each in WIDTHS},
}


def beginning(rng: np.random.Generator) -> bytes:
    """The first words of a generator, whatever is made of them."""
    return rng.bit_generator.random_raw(4).tobytes()


def test_no_stream_begins_as_another_does() -> None:
    begun = [beginning(make(seed)) for make in STREAMS.values() for seed in SEEDS]
    counted = [
        words(seed, number, step, 8).tobytes()
        for seed in SEEDS
        for number in (ORDER, VISITS, *map(of_layer, range(9)))
        for step in range(9)
    ]
    assert len({*begun, *counted}) == len(begun) + len(counted)


def test_weights_are_drawn_by_the_seed_as_numpy_has_it() -> None:
    for seed in SEEDS:
        assert beginning(generator(Stream.WEIGHTS, seed)) == beginning(np.random.default_rng(seed))


def test_nothing_is_drawn_but_from_these_streams() -> None:
    """But for the split that scikit-learn would make, which the estimators take over."""
    source = Path(streams.__file__).parent
    makers = {"default_rng", "RandomState", "SeedSequence", "Generator", "Philox", "PCG64"}
    found = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in makers
    }
    assert found == {"streams.py", "fitting/hold_out.py"}
