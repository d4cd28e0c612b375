"""One-hot columns that are kept as places: the same examples and models in less room."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from alone import alone
from chainrule.tabular import example_blocks
from chainrule.tabular.example_blocks import ExampleBlocks
from chainrule.tabular.one_hot_rows import OneHotRows
from test_engine_memory import RESET, most_taken_by

N = 500


def inputs(groups: tuple[tuple[int, int], ...], features: int) -> Any:
    """Numbers, and groups of which some rows have no 1."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, features)).astype(np.float32)
    for first, end in groups:
        X[:, first:end] = 0
        at = rng.integers(first, end + 1, size=N)
        rows = np.flatnonzero(at < end)
        X[rows, at[rows]] = 1
    return X


@pytest.mark.parametrize(
    ("groups", "features"),
    [
        (((0, 40),), 40),
        (((1, 90), (92, 200)), 201),
        (((0, 1), (1, 3), (3, 257)), 257),
        (((2, 600), (600, 640)), 640),  # the first is too large for a byte
        ((), 3),
    ],
)
def test_rows_come_back_as_they_were(groups: Any, features: int) -> None:
    X, way = inputs(groups, features), OneHotRows.of(features, groups)
    assert way.row_bytes == sum(part[0].nbytes for part in way.pack(X))
    np.testing.assert_array_equal(way.unpack(*way.pack(X)), X)


@pytest.mark.parametrize("in_file", [False, True])
def test_blocks_are_the_same(monkeypatch: Any, tmp_path: Any, in_file: bool) -> None:
    monkeypatch.setattr(example_blocks, "BLOCK_BYTES", 125 * 80 * 4)
    groups = ((3, 80),)
    X, kinds = inputs(groups, 80), []
    for one_hot in (groups, ()):
        blocks = ExampleBlocks(
            np.arange(N),
            features=80,
            outputs=None,
            weighted=False,
            seed=3,
            folder=tmp_path if in_file else None,
            one_hot=one_hot,
        )
        with blocks:
            for rows in (slice(0, 100), slice(100, N)):
                blocks.add(X[rows], np.arange(N)[rows], None)
            assert blocks.count == 4
            kinds.append([np.array(part) for k in range(4) for part in blocks[k][:2]])
            kinds[-1] += [np.array(each.X) for part in blocks.in_shards() for each in part]
    for got, expected in zip(*kinds, strict=True):
        np.testing.assert_array_equal(got, expected)


def table(rows: int, columns: int = 12) -> pl.DataFrame:
    """A table of categories, each of 20."""
    rng = np.random.default_rng(0)
    codes = rng.integers(20, size=(rows, columns))
    data = {f"c{k}": [f"v{code}" for code in codes[:, k]] for k in range(columns)}
    return pl.DataFrame({**data, "y": (codes[:, 0] + codes[:, 1] > 19).astype(str)})


def test_a_model_is_the_same_to_the_bit(monkeypatch: Any) -> None:
    options: Any = {"epochs": 2, "hidden": [4], "effort": "fast", "seed": 0}
    models = []
    monkeypatch.setattr(example_blocks, "BLOCK_BYTES", 50_000)
    for pays in (4, 1e9):
        monkeypatch.setattr("chainrule.tabular.one_hot_rows.PAYS", pays)
        models.append(cr.train(table(300), "y", **options))
    frames = [model.predict(table(50)) for model in models]
    assert frames[0].equals(frames[1])


def room_of_examples() -> list[int]:
    """What examples take whose one-hot columns are kept as places, and as they are."""
    X = np.zeros((4_096, 2_000), np.float32)
    X[:, ::100] = 1
    groups = tuple((first, first + 100) for first in range(0, 2_000, 100))

    def fill(one_hot: Any) -> None:
        rows = 4 * len(X)
        own: Any = {"outputs": None, "weighted": False, "seed": 0}
        blocks = ExampleBlocks(np.arange(rows), features=2_000, one_hot=one_hot, **own)
        for _ in range(4):
            blocks.add(X, np.zeros(len(X), int), None)

    fill(groups)
    return [most_taken_by(lambda one_hot=each: fill(one_hot)) for each in (groups, ())]


@pytest.mark.skipif(not RESET.exists(), reason="this system does not tell its memory")
def test_they_take_little_room() -> None:
    places, plain = alone(room_of_examples)
    assert plain > 100e6
    assert places < plain / 2  # most of it parts on their way
