"""Blocks and runs over them: what lies where changes nothing, and what is broken off goes on."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import chainrule as cr
from chainrule.batches import Examples
from chainrule.fitting.trainer import Trainer, TrainingPlan
from chainrule.tabular import example_blocks as blocks_module
from chainrule.tabular.example_blocks import ExampleBlocks, block_count
from chainrule.tabular.table_error import TableError

N, FEATURES = 500, 3
DRAW = np.random.default_rng(0)
X = DRAW.standard_normal((N, FEATURES)).astype("f4")
Y = (X @ np.array([1.0, -2.0, 0.5]) > 0).astype(np.int64)
W = DRAW.random(N).astype("f4")


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of about 125 examples."""
    monkeypatch.setattr(blocks_module, "BLOCK_BYTES", 125 * FEATURES * 4)


made: list[ExampleBlocks] = []


@pytest.fixture(autouse=True)
def closed():
    """Close what a test filled."""
    yield
    for blocks in made:
        with blocks:
            pass
    made.clear()


def filled(folder=None, weighted=True, sizes=(N,)):
    blocks = ExampleBlocks(
        np.arange(N), features=FEATURES, outputs=None, weighted=weighted, seed=3, folder=folder
    )
    made.append(blocks)
    start = 0
    for size in sizes:
        rows = slice(start, start + size)
        blocks.add(X[rows], Y[rows], W[rows] if weighted else None)
        start += size
    return blocks


def same(a, b):
    return all(
        (p is None and q is None) or (p.dtype == q.dtype and np.array_equal(p, q))
        for p, q in zip(a, b, strict=True)
    )


@pytest.mark.parametrize("weighted", [True, False])
def test_blocks_are_the_same_in_memory_and_in_a_file_and_however_they_are_filled(
    small_blocks, tmp_path, weighted
):
    ways = [
        filled(weighted=weighted),
        filled(tmp_path, weighted),
        filled(tmp_path, weighted, sizes=(1, 249, 250)),
    ]
    first = ways[0]
    assert first.count == 4
    for other in ways[1:]:
        assert all(same(first[k], other[k]) for k in range(4))
        assert np.allclose(first.weights.total(), other.weights.total())


def test_every_example_is_in_one_block_with_its_target_and_weight(small_blocks):
    parts = [filled()[k] for k in range(4)]
    found = np.concatenate([np.column_stack([p.X, p.y, p.w]) for p in parts])
    given = np.column_stack([X, Y, W])
    assert np.array_equal(found[np.lexsort(found.T)], given[np.lexsort(given.T)])
    assert all(80 < len(p.X) < 170 for p in parts)


def test_a_small_table_is_one_block_in_its_own_order():
    block = filled()[0]
    assert np.array_equal(block.X, X)


def test_a_block_has_a_bounded_size():
    assert block_count(10**9, 100) * blocks_module.BLOCK_BYTES >= 4 * 100 * 10**9


def test_a_file_without_room_is_named(small_blocks, tmp_path):
    class Full:
        def seek(self, place):
            pass

        def close(self):
            pass

        def write(self, part):
            raise OSError(28, "No space left on device")

    blocks = filled(tmp_path, sizes=())
    blocks.places[0].close()
    blocks.places[0].file = Full()
    with pytest.raises(TableError, match=r"No space left on device.* set TMPDIR"):
        blocks.add(X, Y, W)


NET = cr.Network(FEATURES, [cr.Dense(4, "tanh"), cr.Dense(2)], loss="cross_entropy")
PLAN = TrainingPlan(NET, cr.Adam(0.01), epochs=6, batch_size=16, seed=1)
HELD = Examples(X[:50], Y[:50], None)


def run(plan=PLAN, folder=None):
    return Trainer(plan, filled(folder), NET.init(seed=0), validation=HELD)


def test_a_run_is_fit_block_after_block(small_blocks):
    made = run()
    made.train()
    params, history, blocks = NET.init(seed=0), None, filled()
    for epoch in range(6):
        for k in cr.streams.shuffled(4, 1, epoch, cr.streams.VISITS):
            block = blocks[int(k)]
            params, history = cr.fit(
                NET, params, block.X, block.y, cr.Adam(0.01),
                epochs=1, batch_size=16, seed=1, sample_weight=block.w, history=history,
                mean_weight=float(np.sum(blocks.weights.total())) / len(X),
            )  # fmt: skip
    assert all(np.array_equal(a, b) for p, q in zip(made.params, params, strict=True)
               for a, b in zip(p, q, strict=True))  # fmt: skip
    assert len(made.losses) == len(made.validation_losses) == made.epochs == 6
    assert made.over == "epochs"
    assert np.isclose(made.validation_losses[-1], cr.cost(NET, params, HELD.X, HELD.y))


def test_where_the_blocks_lie_changes_no_bit(small_blocks, tmp_path):
    runs = [run(), run(folder=tmp_path)]
    for made in runs:
        made.train()
    assert same(runs[0].params[0], runs[1].params[0])
    assert runs[0].losses == runs[1].losses


@pytest.mark.parametrize("visits", [1, 4, 7])
def test_a_run_that_was_broken_off_goes_on_to_the_same_bits(small_blocks, visits):
    class CrashError(Exception):
        pass

    def crash(run):
        if run.visits == visits:
            raise CrashError

    whole, broken = run(), run()
    whole.train()
    with pytest.raises(CrashError):
        broken.train(crash)
    again = Trainer(PLAN, filled(), broken.params, broken.history, validation=HELD)
    again.train()
    assert same(whole.params[1], again.params[1])
    assert (whole.losses, whole.best_epoch) == (again.losses, again.best_epoch)


def test_a_run_ends_where_validation_no_longer_gains(small_blocks):
    slow = {"optimizer": cr.SGD(1e-12), "epochs": 50, "stopping": cr.EarlyStopping(2)}
    made = run(dataclasses.replace(PLAN, **slow))
    made.train()
    assert made.over == "early stopping"
    assert made.epochs < 50
    assert same(made.best[0], made.history.best[0])
