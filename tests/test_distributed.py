"""Shards and ranks: the tree of sums has the same bits on any number of ranks."""

import itertools
import re

import numpy as np
import pytest

from chainrule.distributed import (
    Alone,
    RankError,
    agree,
    as_ranks,
    check_shards,
    default_shards,
    in_tree,
    is_silent,
    part_of,
    shards_of,
    share_of_cores,
    subtrees,
)
from chainrule.distributed.agreement import _versions, agree_on_versions
from chainrule.distributed.ranks import is_agreed
from ranks_in_threads import in_threads

SIZES = (1, 2, 3, 4, 5, 7, 8)
SHARDS = (1, 2, 4, 8, 16)


@pytest.mark.parametrize("shards", SHARDS)
@pytest.mark.parametrize("size", SIZES)
def test_the_nodes_of_all_ranks_are_nodes_of_the_tree_in_order(size, shards):
    nodes = [node for k in range(size) for node in subtrees(shards_of(k, size, shards))]
    assert [s for first, n in nodes for s in range(first, first + n)] == list(range(shards))
    assert all(n & (n - 1) == 0 and first % n == 0 for first, n in nodes)


@pytest.mark.parametrize("shards", SHARDS)
def test_nodes_are_the_largest(shards):
    """No two neighbours make up a node."""
    for start in range(shards):
        for stop in range(start, shards + 1):
            nodes = subtrees(range(start, stop))
            for (first, n), (_, m) in itertools.pairwise(nodes):
                assert n != m or first % (2 * n)


def recursively(parts):
    """The tree by its definition."""
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    return recursively(parts[:half]) + recursively(parts[half:])


def hostile(shards, n, dtype, seed=0):
    """Numbers whose sum depends on the order, and zeros of both signs."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(shards, n)) * 10.0 ** rng.integers(-6, 7, (shards, n))
    numbers[:, : n // 3] = -0.0
    return numbers.astype(dtype)


def own_sums(ranks, parts):
    """The sums of a rank's nodes, and a row where it has none."""
    nodes = ranks.nodes(len(parts))
    rows = [recursively(list(parts[first : first + n])) for first, n in nodes]
    return np.array(rows or [np.full(parts.shape[1], 77)], parts.dtype)


def added_up(ranks, parts):
    """The total, with what an earlier sum has left in memory."""
    for each in (parts[::-1], parts):
        sums = own_sums(ranks, each)
        ranks.add_up(sums, len(each))
    return sums[0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("n", [1, 2, 101])
@pytest.mark.parametrize("shards", SHARDS)
@pytest.mark.parametrize("size", SIZES)
def test_sums_have_the_bits_of_the_tree_on_any_number_of_ranks(size, shards, n, dtype):
    parts = hostile(shards, n, dtype)
    expected = recursively(list(parts)).tobytes()
    assert [total.tobytes() for total in in_threads(size, added_up, parts)] == [expected] * size


def test_a_sum_in_any_order():
    def reduced(ranks):
        own = np.array([ranks.rank, 0.5])
        ranks.reduce(own)
        return own.tolist()

    assert in_threads(3, reduced) == [[3.0, 1.5]] * 3


def test_sums_of_several_lengths_take_turns():
    """More of them than are kept."""

    def added(ranks):
        lengths = [*range(1, 12)] * 2
        rows = [np.full((1, n), ranks.rank + 1.0) for n in lengths]
        for row in rows:
            ranks.add_up(row, 2)
        return [set(row[0]) for row in rows]

    assert in_threads(2, added) == [[{3.0}] * 22] * 2


@pytest.mark.parametrize("size", SIZES)
def test_parts_are_merged_in_the_tree(size):
    """By a merge that is neither commutative nor associative."""
    parts = hostile(8, 3, np.float64)

    def half(left, right):
        return left - right / 2

    def whole(nodes):
        return (
            nodes[0]
            if len(nodes) == 1
            else half(whole(nodes[: len(nodes) // 2]), whole(nodes[len(nodes) // 2 :]))
        )

    def merged(ranks):
        own = [whole(list(parts[first : first + n])) for first, n in ranks.nodes(8)]
        return ranks.merge(np.array(own).reshape(-1, 3), 8, half).tobytes()

    assert in_threads(size, merged) == [whole(list(parts)).tobytes()] * size


@pytest.mark.parametrize("dtype", ["f4", "f8", "i8", "u1", "?", "S3", "M8[s]"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3)])
def test_all_ranks_have_the_arrays_of_all(shape, dtype):
    def own(rank):
        return np.full(shape, rank).astype("i8").astype(dtype)

    for found in in_threads(3, lambda ranks: ranks.gather(own(ranks.rank))):
        for rank, array in enumerate(found):
            assert (array.shape, array.dtype) == (shape, np.dtype(dtype))
            np.testing.assert_array_equal(array, own(rank))


def test_parts_that_are_dealt_may_have_any_number_of_rows():
    def dealt(ranks):
        parts = [np.full((ranks.rank * k, 2), 10 * ranks.rank + k) for k in range(3)]
        return ranks.deal(parts)

    for k, found in enumerate(in_threads(3, dealt)):
        assert [part.shape for part in found] == [(0, 2), (k, 2), (2 * k, 2)]
        assert [set(part.ravel()) for part in found] == [set(), {10 + k} - {10}, {20 + k} - {20}]


@pytest.mark.parametrize("value", [None, {"a": [1, 2.5]}, "text", b""])
def test_values_of_any_kind(value):
    assert (
        in_threads(3, lambda ranks: ranks.values((ranks.rank, value)))
        == [[(k, value) for k in range(3)]] * 3
    )
    assert in_threads(3, lambda ranks: ranks.first((ranks.rank, value))) == [(0, value)] * 3


def test_what_a_rank_itself_gives_is_not_copied():
    def own(ranks):
        given = {"a": 1}
        first = ranks.first(given) is given
        return ranks.values(given)[ranks.rank] is given, first

    assert own(Alone()) == (True, True)
    assert in_threads(2, own) == [(True, True), (True, False)]


def test_an_exception_of_one_rank_is_told_to_all():
    heard = {}

    def fails(ranks):
        try:
            with ranks.together():
                ranks.barrier()
                if ranks.rank == 1:
                    raise ValueError("spoilt")
        except RankError as error:
            heard[ranks.rank] = str(error), error.rank, type(error.error)
            raise

    with pytest.raises(ValueError, match="spoilt"):
        in_threads(3, fails)
    assert heard == dict.fromkeys((0, 2), ("rank 1: spoilt", 1, ValueError))


@pytest.mark.parametrize(
    ("batch_size", "shards"), [(1, 1), (5, 4), (8, 8), (1024, 8), (2047, 8), (2048, 16)]
)
def test_the_batch_alone_decides_on_shards(batch_size, shards):
    assert default_shards(batch_size) == shards


@pytest.mark.parametrize(
    ("shards", "error", "message"),
    [
        (6, ValueError, "fit: shards must be a power of two, got 6; use 4 or 8"),
        (8192, ValueError, "fit: shards must be at most 4096, got 8192"),
        (0, ValueError, "fit: shards must be a whole number >= 1, got 0"),
        (2.0, TypeError, "fit: shards must be a whole number >= 1, got 2.0 of type float"),
        (True, TypeError, "fit: shards must be a whole number >= 1, got True of type bool"),
    ],
)
def test_what_is_no_number_of_shards(shards, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        check_shards("fit: shards", shards)


def test_a_part_that_is_missing_is_no_total():
    with pytest.raises(ValueError, match="unpack"):
        in_tree([1, 2], [(0, 1), (2, 1)], lambda left, right: left + right)


def test_what_stands_for_ranks():
    assert as_ranks(None).size == 1
    alone = Alone()
    assert as_ranks(alone) is alone
    with pytest.raises(TypeError, match="comm must be Ranks or a communicator of mpi4py, got 3"):
        as_ranks(3)


def test_parts_are_as_even_as_can_be():
    assert [len(part_of(k, 3, 11)) for k in range(3)] == [3, 4, 4]


def test_ranks_of_one_machine_share_its_cores(monkeypatch):
    assert in_threads(4, share_of_cores) == [0.25] * 4
    bound = {0: [0, 1], 1: [1], 2: [2, 3]}
    ranks_cores = iter(bound.values())
    monkeypatch.setattr("chainrule.distributed.cores_shared._cores", lambda: next(ranks_cores))
    assert sorted(in_threads(3, share_of_cores)) == [0.5, 0.75, 1.0]


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ({"epochs": lambda k: 3 - k // 2}, "rank 2 has epochs 2, and rank 0 has epochs 3"),
        ({"rate": lambda k: float("nan")}, None),
        ({"text": lambda k: "ab"[k > 0]}, "rank 1 has text b, and rank 0 has text a"),
        ({"a": lambda k: 1, "b": lambda k: [k]}, "rank 1 has b [1], and rank 0 has b [0]"),
    ],
)
def test_what_ranks_have_unlike_is_named_at_each(known, message):
    def agreeing(ranks):
        try:
            with ranks.together():
                agree(ranks, {name: of(ranks.rank) for name, of in known.items()})
        except ValueError as error:
            ranks.barrier()
            return str(error), is_agreed(error), is_silent(error)

    raised = [(f"{message}: give all ranks the same", True, k > 0) for k in range(3)]
    assert in_threads(3, agreeing) == (raised if message else [None] * 3)


def test_what_one_rank_does_not_have_at_all_is_named():
    def agreeing(ranks):
        agree(ranks, {"comm": 1} if ranks.rank else {})

    with pytest.raises(ValueError, match="rank 1 has comm 1, and rank 0 has no comm"):
        in_threads(2, agreeing)


@pytest.mark.parametrize("name", ["Python", "chainrule", "code of chainrule"])
def test_ranks_of_different_versions_are_refused(monkeypatch, name):
    known = iter([{**_versions(), name: "7.5"}, _versions()])
    monkeypatch.setattr("chainrule.distributed.agreement._versions", lambda: next(known))
    with pytest.raises(ValueError, match=f"{name} 7.5.*: install the same on all machines"):
        in_threads(2, agree_on_versions)
