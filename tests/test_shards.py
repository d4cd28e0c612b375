"""Training in shards: the same bits on any number of ranks, and near the reference."""

from __future__ import annotations

import gc
import itertools
import math
import weakref
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import engine
from chainrule.batches import in_shards
from chainrule.losses import LOSSES
from chainrule.trees import leaves, tree_map
from kinds import ALL, WITH_BATCH_NORM
from parity import TOLERANCE
from ranks_in_threads import in_threads
from sharded import UNEVEN, digest, on_ranks, train
from strategies import HEADS, problem
from test_engine import RULES

built = pytest.mark.skipif(engine.native is None, reason="the engine is not built")
pytestmark = [built, pytest.mark.filterwarnings("ignore:.* no part of the rows")]

SIZES = [1, 2, 3, 4, 5, 8]
PLAIN = [cr.Dense(9, "tanh"), cr.Dropout(0.2), cr.Dense(3)]


def plain(n: int = 37, loss: str = "half_squared_error", **more: Any) -> Any:
    return problem(cr.Network(5, PLAIN, loss, **more), n=n)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layers", ALL.values(), ids=ALL)
def test_each_kind_of_layer_has_the_same_bits_on_any_number_of_ranks(layers: Any, dtype: str):
    p = problem(cr.Network(3, layers, "half_squared_error"), n=37)
    alone = digest(*train(p, cr.Adam(0.01), dtype))
    for size in (2, 3):
        assert on_ranks(size, p, cr.Adam(0.01), dtype, parts=UNEVEN) == {alone}


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_each_optimizer_has_the_same_bits_on_any_number_of_ranks(rule: Any):
    p = plain(l1=0.001, l2=0.01)
    alone = digest(*train(p, rule))
    for size in (3, 4):
        assert on_ranks(size, p, rule) == {alone}


@pytest.mark.parametrize("loss", [*LOSSES, "huber(0.3)", "cross_entropy(0.1)", *HEADS])
def test_each_loss_has_the_same_bits_on_any_number_of_ranks(loss: str):
    p = plain(loss=loss)
    alone = digest(*train(p, cr.SGD(0.005), "float32"))
    assert on_ranks(3, p, cr.SGD(0.005), "float32") == {alone}


WEIGHTS = np.arange(37.0) % 4
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "full batch": {"batch_size": None},
    "of one row": {"batch_size": 1, "shards": 1},
    "of a few rows": {"batch_size": 2, "shards": 2},
    "in order": {"shuffle": False},
    "weights": {"sample_weight": WEIGHTS},
    "clip_value": {"clip_value": 0.01},
    "clip_norm": {"clip_norm": 0.05},
    "both bounds": {"clip_norm": 0.05, "clip_value": 0.02, "sample_weight": WEIGHTS},
    "frozen": {"freeze": ["0.W", "2.b"], "clip_norm": 0.05},
    "a fraction held out": {"validation": 0.3, "sample_weight": WEIGHTS},
    "rows held out": {"validation": cr.HeldOut(np.arange(20, 37))},
    "a shard held out": {"validation": cr.HeldOut(np.arange(9)), "batch_size": 7},
    "stopped early": {"validation": 0.3, "early_stopping": cr.EarlyStopping(1)},
    "stopped by the loss": {"early_stopping": cr.EarlyStopping(1, 9.0, of="loss"), "epochs": 9},
    "more shards than rows": {"batch_size": None, "shards": 64},
    "as many as a batch has": {"batch_size": 8, "shards": 8},
    "one shard": {"shards": 1},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("layers", [PLAIN, [*PLAIN, cr.BatchNorm()]], ids=["plain", "batch norm"])
def test_each_option_has_the_same_bits_on_any_number_of_ranks(layers: Any, options: Any):
    p = problem(cr.Network(5, layers, "half_squared_error"), n=37)
    alone = digest(*train(p, cr.Adam(0.01), **options))
    for size in SIZES:
        assert on_ranks(size, p, cr.Adam(0.01), parts=UNEVEN, **options) == {alone}, size


@pytest.mark.parametrize("weighted", [False, True])
def test_validation_data_come_in_parts_too(weighted: bool):
    p, other = plain(), plain(n=11)
    given = (other.X, other.y, *([np.arange(11.0)] if weighted else []))
    params, history = train(p, cr.Adam(0.01), validation=given)
    weights = given[2] if weighted else None
    whole = cr.cost(p.net, params, *given[:2], sample_weight=weights)
    np.testing.assert_allclose(history.validation_loss[-1], whole, rtol=1e-12)
    for size in SIZES:
        got = on_ranks(size, p, cr.Adam(0.01), parts=UNEVEN, validation=given)
        assert got == {digest(params, history)}


@pytest.mark.parametrize("rows", [1, 2, 5, 8])
def test_few_rows_are_enough(rows: int):
    p = plain(n=rows)
    for shards in (1, 4):
        options = {"batch_size": None, "shards": shards, "validation": None}
        alone = digest(*train(p, cr.Adam(0.01), **options))
        for size in SIZES:
            assert on_ranks(size, p, cr.Adam(0.01), **options) == {alone}


IDLE = {
    "one": (3, 2, 16, "1 of 3 ranks has no part of the rows and waits, for there are 2 shards: use "
                      "2 ranks, or `shards=4`, which changes the last bits"),
    "batches too small": (4, 1, 2, "3 of 4 ranks have no part of the rows and wait, for there is "
                                   "1 shard: use 1 rank"),
}  # fmt: skip


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", IDLE)
def test_ranks_without_rows_are_told_of_once(name: str):
    size, shards, batch, message = IDLE[name]

    def run(ranks: Any) -> None:
        for _ in range(2):
            train(plain(), cr.Adam(0.01), ranks=ranks, shards=shards, batch_size=batch)

    with pytest.warns(UserWarning, match="no part of the rows") as told:
        in_threads(size, run)
    assert [str(each.message) for each in told] == [message]


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.usefixtures("as_many_threads_as_asked")
def test_threads_change_no_bit(threads: int):
    for layers in ([*PLAIN, cr.BatchNorm()], ALL["members of much"], ALL["piecewise"]):
        p = problem(cr.Network(3, layers, "half_squared_error"), n=37)
        for options in ({}, {"clip_norm": 0.05}):
            alone = digest(*train(p, cr.Adam(0.01), threads=1, **options))
            assert digest(*train(p, cr.Adam(0.01), threads=threads, **options)) == alone


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_shards_are_near_the_reference(options: Any):
    for name, layers in {"plain": PLAIN, **WITH_BATCH_NORM}.items():
        net = cr.Network(3, layers, "half_squared_error")
        for dtype in ("float64", "float32"):
            if name != "plain" and (dtype == "float32" or "freeze" in options):
                continue
            got, course = train(problem(net, n=37), cr.SGD(0.01), dtype, **options)
            expected, reference = train(
                problem(net, n=37), cr.SGD(0.01), dtype, **{**options, "engine": "reference"}
            )
            tolerance = TOLERANCE[dtype] if name == "plain" else 1e-8
            assert_near(got, expected, tolerance)
            np.testing.assert_allclose(course.loss, reference.loss, rtol=tolerance)
            np.testing.assert_allclose(
                course.validation_loss, reference.validation_loss, rtol=tolerance
            )


def assert_near(got: Any, expected: Any, tolerance: float) -> None:
    for a, b in zip(leaves(got), leaves(expected), strict=True):
        assert np.linalg.norm(a - b) <= tolerance * max(np.linalg.norm(b), 1e-3)


@pytest.mark.parametrize("layers", ALL.values(), ids=ALL)
def test_a_full_batch_is_near_one_without_shards(layers: Any):
    net = cr.Network(3, [*layers], "half_squared_error")
    got, _ = train(problem(net, n=37), cr.SGD(0.01), batch_size=None)
    expected, _ = train(problem(net, n=37), cr.SGD(0.01), batch_size=None, shards=None)
    assert_near(got, expected, 1e-10)


@pytest.mark.parametrize("sizes", [(9, 9, 9, 10), (9, 0, 3, 1), (1, 1, 1, 2), (40, 39, 41, 40)])
@pytest.mark.parametrize("steps", [1, 2, 5, 13])
def test_an_epoch_takes_each_row_once_and_no_batch_is_far_larger(sizes: Any, steps: int):
    ends = np.cumsum((0, *sizes))
    parts = [np.arange(a, b) for a, b in itertools.pairwise(ends)]
    taken = list(in_shards(parts, 0, 4, steps, 7, 1, shuffle=True))
    assert len(taken) == steps
    assert sorted(np.concatenate(taken).tolist()) == list(range(sum(sizes)))
    assert max(map(len, taken)) <= math.ceil(sum(sizes) / steps) + (max(sizes) > 0) * 4
    if len({*sizes}) == 1:
        assert max(map(len, taken)) - min(map(len, taken)) <= 1


def test_batches_of_equal_shards_are_equal_to_one():
    parts = [np.arange(25) + 25 * s for s in range(8)]
    sizes = [len(rows) for rows in in_shards(parts, 0, 8, 7, 0, 1, shuffle=False)]
    assert set(sizes) <= {28, 29}


def test_a_history_goes_on_on_another_number_of_ranks():
    p = plain()
    whole = digest(*train(p, cr.Adam(0.01), epochs=5))

    def go_on(ranks: Any, begun: Any) -> str:
        params, history = begun
        moved = p._replace(params=params)
        return digest(*train(moved, cr.Adam(0.01), ranks=ranks, epochs=3, history=history))

    begun = in_threads(3, lambda ranks: train(p, cr.Adam(0.01), ranks=ranks, epochs=2))[1]
    assert set(in_threads(2, go_on, begun)) == {whole}
    assert set(in_threads(5, go_on, train(p, cr.Adam(0.01), epochs=2))) == {whole}


def test_a_callback_of_any_rank_ends_the_run_of_all():
    p = plain()

    def run(ranks: Any) -> tuple[int, str]:
        callbacks = [lambda history: history.epochs == 2] if ranks.rank == 1 else []
        _, history = train(p, cr.Adam(0.01), ranks=ranks, epochs=9, callbacks=callbacks)
        return history.epochs, history.stopped

    assert set(in_threads(3, run)) == {(2, "callback")}


def test_a_run_that_diverges_does_so_alike_on_all_ranks():
    p = plain()

    def run(ranks: Any, dtype: str, **options: Any) -> tuple[str, str]:
        with pytest.raises(cr.DivergenceError) as caught:
            train(p, cr.SGD(1e30), dtype, ranks, epochs=30, **options)
        return str(caught.value), digest(caught.value.params, caught.value.history)

    for options in ({}, {"validation": 0.2}, {"clip_value": 1e25}):
        alone = run(None, "float32", **options)
        assert "training diverged at epoch 1" in alone[0]
        for size in (2, 3):
            assert set(in_threads(size, lambda ranks, o: run(ranks, "float32", **o), options)) == {
                alone
            }


def test_bad_rows_of_one_rank_end_all():
    p = plain()

    def run(ranks: Any) -> None:
        X = p.X[:12].copy()
        if ranks.rank == 1:
            X[3, 2] = np.nan
        cr.fit(p.net, p.params, X, p.y[:12], cr.Adam(), epochs=1, comm=ranks)

    with pytest.raises(ValueError, match=r"X .*at \(3, 2\)"):
        in_threads(3, run)


def test_a_callback_that_fails_on_one_rank_ends_all():
    p = plain()

    def fails(_: Any) -> None:
        raise OSError("no room")

    def run(ranks: Any) -> None:
        callbacks = [fails] if ranks.rank == 2 else []
        train(p, cr.Adam(), ranks=ranks, callbacks=callbacks)

    with pytest.raises(OSError, match="no room"):
        in_threads(3, run)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no power": ({"shards": 6}, "fit: shards must be a power of two, got 6; use 4 or 8"),
    "too many": ({"shards": 8192}, "fit: shards must be at most 4096, got 8192"),
    "none": ({"shards": 0}, "fit: shards must be a whole number >= 1, got 0"),
    "more than a batch": ({"shards": 16}, "fit: shards must be at most the batch size, 8, got 16"),
    "record": ({"record": True}, "fit: record=True records no run in shards"),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused(options: Any, message: str):
    with pytest.raises(ValueError, match=f"^{message}"):
        train(plain(), cr.Adam(), **options)


REFUSED_ON_RANKS: dict[str, tuple[dict[str, Any], str]] = {
    "reference": ({"engine": "reference"}, "engine='reference' trains in one process"),
    "ties": ({"ties": [["0.b[0]", "0.b[1]"]]}, "comm needs the compiled engine.*tied"),
}


@pytest.mark.parametrize(("options", "message"), REFUSED_ON_RANKS.values(), ids=REFUSED_ON_RANKS)
def test_what_cannot_be_on_ranks_is_refused(options: Any, message: str):
    p = plain()
    if "ties" in options:
        p.params[0].b[:2] = 0.5
        options = {**options, "engine": "auto"}
    with pytest.raises(ValueError, match=message):
        in_threads(2, lambda ranks: train(p, cr.Adam(), ranks=ranks, **options))


def test_forms_of_y_that_differ_are_refused():
    p = plain(loss="cross_entropy")

    def run(ranks: Any) -> None:
        y = p.y if ranks.rank else p.y.argmax(axis=1)
        cr.fit(p.net, p.params, p.X, y, cr.Adam(), epochs=1, comm=ranks)

    with pytest.raises(
        ValueError, match=r"rank 0 gave labels \(n,\) without weights, rank 1 gave 3"
    ):
        in_threads(2, run)


def test_labels_come_in_parts_too():
    p = plain(loss="cross_entropy")
    p = p._replace(y=p.y.argmax(axis=1))
    alone = digest(*train(p, cr.Adam(0.01)))
    for size in SIZES:
        assert on_ranks(size, p, cr.Adam(0.01), parts=UNEVEN) == {alone}


def test_without_an_order_sums_are_near():
    p = plain()
    expected, _ = train(p, cr.Adam(0.01))
    for params, _ in in_threads(
        3, lambda ranks: train(p, cr.Adam(0.01), ranks=ranks, reproducible=False)
    ):
        assert_near(params, expected, 1e-10)


def test_shards_follow_from_the_batch_where_none_are_given():
    p = plain()
    alone = digest(*train(p, cr.Adam(0.01), shards=8))
    assert on_ranks(3, p, cr.Adam(0.01), shards=None) == {alone}


DIFFERENT: dict[str, Any] = {
    "epochs": 4,
    "batch_size": 4,
    "seed": 5,
    "shuffle": False,
    "clip_norm": 1.0,
    "freeze": ["0.b"],
    "shards": 2,
    "validation": 0.25,
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_ranks_that_are_asked_for_different_runs_are_refused(name: str):
    p = plain()

    def run(ranks: Any) -> str:
        with pytest.raises(ValueError, match=r"rank 1 has .*, and rank 0 has ") as caught:
            train(p, cr.Adam(), ranks=ranks, **({name: DIFFERENT[name]} if ranks.rank == 1 else {}))
        return str(caught.value)

    (said,) = set(in_threads(3, run))
    assert said.startswith(f"rank 1 has {name} ")


def test_ranks_that_begin_from_different_parameters_are_refused():
    p = plain()

    def run(ranks: Any) -> None:
        params = tree_map(lambda leaf: leaf + ranks.rank, p.params)
        train(p._replace(params=params), cr.Adam(), ranks=ranks)

    with pytest.raises(ValueError, match="rank 1 has a checksum of params"):
        in_threads(2, run)


def test_examples_are_let_go_of_behind_a_run():
    net = cr.Network(3, [cr.Dense(1)], loss="half_squared_error")

    def rows_kept(ranks: Any) -> bool:
        X = np.ones((20, 3), np.float32)
        there = weakref.ref(X)
        options = {"epochs": 2, "batch_size": 8, "shards": 4, "comm": ranks}
        cr.fit(net, net.init(0, dtype="float32"), X, X[:, :1], cr.SGD(0.1), **options)
        del X
        gc.collect()
        return there() is not None

    assert in_threads(2, rows_kept) == [False, False]
