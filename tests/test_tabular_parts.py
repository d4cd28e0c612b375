"""A table of which each rank has a part: what is prepared is the same on any number of ranks."""

import datetime
import itertools
import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.distributed import Alone, shards_of
from chainrule.tabular.columns import tallies
from chainrule.tabular.columns.find_formats import Wanted, find_formats, tally_texts
from chainrule.tabular.columns.survey import survey, with_target
from chainrule.tabular.example_targets import ranked
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.files.row_parts import parted
from chainrule.tabular.files.source import chunks_of
from chainrule.tabular.table_error import TableError
from chainrule.tabular.table_shards import ShardSums, TableShards
from frames import frames
from prepared_in_parts import (  # noqa: F401
    SHARDS,
    opened,
    parquet_file,
    prepared,
    prepared_as_given,
    several_blocks,
    table,
)
from ranks_in_threads import in_threads

pytestmark = pytest.mark.usefixtures("several_blocks")

SIZES = (2, 3, 4, 6)

ASKED = {
    "a quantity": ("y", {}),
    "weights and groups": ("y", {"weight": "w", "groups": "g"}),
    "classes": ("kind", {"class_weight": "balanced", "leave_out": ["x"]}),
    "weighted classes by time": (
        "kind",
        {"class_weight": "balanced", "weight": "w", "time": "sold"},
    ),
    "quantiles": ("y", {"quantiles": (0.1, 0.9)}),
    "several targets": (("y", "kind"), {}),
    "counts": ("count", {"loss": "poisson"}),
}


@pytest.mark.parametrize("asked", ASKED)
def test_what_is_prepared_is_the_same_on_any_number_of_ranks(asked, parquet):
    target, options = ASKED[asked]
    of_a_file = prepared(Alone(), parquet, target, SHARDS, options)
    of_a_frame = prepared(Alone(), table(), target, SHARDS, options)
    assert of_a_file | {"fingerprint": ""} == of_a_frame | {"fingerprint": ""}
    for size in SIZES[list(ASKED).index(asked) % 2 :: 2]:
        ways = [(parquet, of_a_file), (table(), of_a_frame)]
        where, one = ways[size // 3 % 2]
        found = in_threads(size, prepared, where, target, SHARDS, options)
        assert found == [one] * size


def test_the_same_rows_are_held_out_and_the_same_is_decided_as_without_shards(parquet):
    without, one = (prepared(Alone(), parquet, "y", shards) for shards in (None, 4))
    for name in ("decisions", "forms", "held_out_rows", "without_target", "doubts", "rows"):
        assert one[name] == without[name]


@pytest.mark.parametrize("memory", [None, 1])
def test_where_the_blocks_lie_changes_nothing(parquet, memory):
    one = prepared(Alone(), parquet, "y")
    for found in in_threads(
        2, lambda ranks: prepared(ranks, parquet, "y", SHARDS, {"memory": memory})
    ):
        assert found == one


@pytest.mark.parametrize("giving", [0, 1, 2])
def test_rows_go_to_the_rank_that_has_their_shard_whoever_gives_them(giving):
    few = table(rows=40)
    one = prepared(Alone(), few, "y", 16)

    def given_by_one(ranks):
        frame = few if ranks.rank == giving else few.clear()
        return prepared_as_given(ranks, frame, "y", 16)

    assert in_threads(3, given_by_one) == [one] * 3


def test_a_rank_without_a_shard_is_no_error():
    few = table(rows=40)
    one = prepared(Alone(), few, "y", 2)
    assert in_threads(5, lambda ranks: prepared(ranks, few, "y", 2)) == [one] * 5


@settings(max_examples=50)
@given(frames(), st.lists(st.integers(0, 40), min_size=2, max_size=2), st.sampled_from([1, 2, 8]))
def test_frames_of_any_columns_are_dealt_as_they_are(frame, cuts, shards):
    ends = [0, *sorted(min(cut, frame.height) for cut in cuts), frame.height]
    parts = [frame[a:b] for a, b in itertools.pairwise(ends)]
    found = in_threads(3, lambda ranks: opened(ranks, parts[ranks.rank], shards).whole())
    assert pl.concat(found).equals(frame)
    assert [part.height for part in found] == [
        len(range(frame.height * s.start // shards, frame.height * s.stop // shards))
        for s in (shards_of(rank, 3, shards) for rank in range(3))
    ]


def test_a_column_without_values_on_a_rank_is_what_it_is_on_the_others():
    first, last = pl.DataFrame({"x": [1.5, 2.5]}), pl.DataFrame({"x": [None, None]})

    def given_in_parts(ranks):
        own = open_source((first, last)[ranks.rank], ranks=ranks)
        return parted(own, ranks, lambda rows: 2).whole()["x"].to_list()

    assert in_threads(2, given_in_parts) == [[1.5, 2.5], [None, None]]


REFUSED = {
    "has the columns 'x' on rank 0, and 'z' on rank 1": {"z": [1.0]},
    "column 'x' holds Float64 on rank 0, and String on rank 1; give it one type": {"x": ["a"]},
}


@pytest.mark.parametrize("said", REFUSED)
def test_parts_that_are_of_no_one_table_are_refused(said):
    frames = pl.DataFrame({"x": [1.5]}), pl.DataFrame(REFUSED[said])
    with pytest.raises(TableError, match=re.escape(said)):
        in_threads(2, lambda ranks: opened(ranks, frames[ranks.rank]))


def test_parts_without_a_row_are_refused():
    with pytest.raises(TableError, match="has no rows"):
        in_threads(2, lambda ranks: opened(ranks, pl.DataFrame({"x": []})))


def test_files_that_differ_are_refused(tmp_path):
    def path(ranks, value):
        path = tmp_path / f"{ranks.rank}.parquet"
        pl.DataFrame({"x": value}).write_parquet(path)
        return str(path)

    def refused(*values):
        with pytest.raises(TableError) as raised:
            in_threads(2, lambda ranks: opened(ranks, path(ranks, values[ranks.rank])))
        return str(raised.value)

    assert "has 1 row on rank 0, and 2 rows on rank 1" in refused([1], [1, 2])
    assert "on rank 0, and other bytes" in refused([1], [2])
    assert "give every rank the same file" in refused([1], [2])


BAD = {
    "target 'none'": ("none", {}),
    "target 'y' has no value in any of 230 rows": ("y", {}),
    "`loss='poisson'` is for counts >= 0": ("x", {"loss": "poisson"}),
    "weight 'w' must hold": ("kind", {"weight": "w"}),
    "column 'kind' holds text such as": ("x", {"numbers": ["kind"]}),
    "`groups='g'` must have a value in every row": ("kind", {"groups": "g"}),
}


@pytest.mark.parametrize("said", BAD)
def test_what_is_refused_of_a_table_is_refused_alike(said):
    target, options = BAD[said]
    bad = table().with_columns(
        y=pl.lit(None, pl.Float64), w=pl.when(pl.arange(230) == 200).then(-1).otherwise(1.0),
        g=pl.when(pl.arange(230) == 3).then(None).otherwise(1),
    )  # fmt: skip

    def raised(ranks):
        try:
            return prepared(ranks, bad, target, SHARDS, options)
        except TableError as error:
            return str(error)

    one = raised(Alone())
    assert said in one
    assert in_threads(3, raised) == [one] * 3


# The survey


@settings(max_examples=50)
@given(frames(), st.lists(st.integers(0, 40), min_size=3, max_size=3), st.booleans())
def test_a_survey_of_parts_is_that_of_the_whole(frame, cuts, has_target):
    ends = sorted(min(cut, frame.height) for cut in cuts)
    parts = [frame[a:b] for a, b in zip([0, *ends], [*ends, frame.height], strict=True)]
    target = frame.columns[0] if has_target else None
    try:
        whole = survey([frame], target)
    except TableError as error:
        whole = str(error)

    def of_a_rank(ranks):
        part = parts[ranks.rank]
        before = frame[: ([0, *ends])[ranks.rank]]
        first = before.height if target is None else with_target(before, target).height
        own = TableShards(ranks, 4, (part.height,), first)
        try:
            return survey([part], target, None, own)
        except TableError as error:
            return str(error)

    for found in in_threads(4, of_a_rank):
        assert found == whole
        assert repr(found) == repr(whole)
        if not isinstance(whole, str):
            assert found.sample.equals(whole.sample)


TEXTS = {
    "decimal comma": [f"{k},{k % 7}5" for k in range(90)],
    "dates": [f"{k % 28 + 1:02}/{k % 12 + 1:02}/20{k % 30:02}" for k in range(90)],
    "late dates": ["01/02/2020"] * 80 + ["13/02/2020"] * 10,
    "numbers and words": [str(k) for k in range(60)] + ["none", "n/a"] * 15,
    "units": [f"{k} kg" for k in range(90)],
    "thousands": [f"{k}.{k:03}" for k in range(1, 91)],
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_formats_of_parts_are_those_of_the_whole(name, size):
    frame = pl.DataFrame({"v": TEXTS[name], "day": [20240500 + k % 28 + 1 for k in range(90)]})

    def found(ranks, shards=4):
        parts = TableShards.of(ranks, shards, 90) if shards else TableShards()
        own = frame[parts.first : parts.first + parts.own] if shards else frame
        try:
            return repr(
                find_formats(own.schema, lambda names: chunks_of(own, parts), Wanted(), parts)
            )
        except TableError as error:
            return str(error)

    assert in_threads(size, found) == [found(Alone(), None)] * size


def test_what_is_kept_of_a_text_does_not_depend_on_the_number_of_ranks(monkeypatch):
    monkeypatch.setattr(tallies, "KEPT", 7)
    monkeypatch.setattr(tallies, "MOST_SHAPES", 5)
    words = ["ab", "1 a", "1.5", "x-y-z", "0,7", "3 kg", "a b", "9/9", "10%", "", "none"]
    drawn = np.random.default_rng(0).choice(words, 60).tolist()
    frame = pl.DataFrame({"v": [word + "!" * (k % 3) for k, word in enumerate(drawn)]})

    def found(ranks):
        parts = TableShards.of(ranks, 4, 60)
        own = frame[parts.first : parts.first + parts.own]
        tally = tally_texts(own.schema, lambda names: chunks_of(own, parts), Wanted(), parts)["v"]
        return tally.some, list(tally.shapes.items()), tally.rest, tally.words, tally.values

    one = found(Alone())
    assert len(one[0]) == 7
    assert one[2] > 0
    for size in (1, 2, 3, 5):
        assert in_threads(size, found) == [one] * size


PARTING = {
    "numbers": [3.5, -1.0, float("inf"), 3.5, float("nan"), 0.0, -0.0, 7.25],
    "words": ["b", "a", "é", "b", "", "A", "a", "zz"],
    "days": [datetime.date(2020, 1, d) for d in (5, 3, 3, 9, 1, 5, 2, 8)],
    "flags": [True, False, True, True, False, True, False, False],
}


@pytest.mark.parametrize("name", PARTING)
def test_what_parts_examples_has_places_among_all_ranks(name):
    column = pl.Series("v", PARTING[name])

    def found(ranks):
        parts = TableShards.of(ranks, 8, 8)
        return ranked(column[parts.first : parts.first + parts.own], parts)

    for size in (2, 3):
        assert np.concatenate(in_threads(size, found)).tolist() == column.rank("dense").to_list()


# Sums


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_sums_over_shards_are_the_same_bits_on_any_number_of_ranks(size):
    numbers = np.random.default_rng(0).normal(size=103)

    def found(ranks):
        of = TableShards.of(ranks, 8, 103)
        own = numbers[of.first : of.first + of.own]
        passing = ShardSums(of, (1,))
        for k, value in enumerate(own):
            passing.of(of.shard_of(k))[0] += value
        return of.total(lambda rows: own[rows].sum()).tobytes(), passing.total().tobytes()

    each = in_threads(size, found)
    assert each == [found(Alone())] * size
    by_hand = [numbers[s * 103 // 8 : (s + 1) * 103 // 8].sum() for s in range(8)]
    while len(by_hand) > 1:
        by_hand = [a + b for a, b in zip(by_hand[::2], by_hand[1::2], strict=True)]
    assert each[0][0] == by_hand[0].tobytes()
