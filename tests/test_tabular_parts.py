"""A table of which each rank has a part: what is prepared is the same on any number of ranks."""

import csv as csv_module
import gzip
import io
import re
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.distributed import Alone
from chainrule.tabular import example_blocks
from chainrule.tabular.columns.find_formats import Wanted, find_formats
from chainrule.tabular.columns.survey import survey, with_target
from chainrule.tabular.files import data_sets
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.files.row_parts import parted
from chainrule.tabular.files.source import chunks_of
from chainrule.tabular.table_error import TableError
from chainrule.tabular.table_shards import ShardSums, TableShards
from frames import frames
from prepared_in_parts import SHARDS, prepared, prepared_as_given, table
from ranks_in_threads import in_threads

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


@pytest.fixture(autouse=True)
def several_blocks(monkeypatch):
    monkeypatch.setattr(example_blocks, "BLOCK_BYTES", 60 * 20 * 4)


@pytest.fixture(scope="module")
def parquet(tmp_path_factory):
    path = tmp_path_factory.mktemp("parts") / "table.parquet"
    table().write_parquet(path, row_group_size=50)
    return str(path)


@pytest.mark.parametrize("asked", ASKED)
def test_what_is_prepared_is_the_same_on_any_number_of_ranks(asked, parquet):
    target, options = ASKED[asked]
    of_a_file = prepared(Alone(), parquet, target, SHARDS, options)
    of_a_frame = prepared(Alone(), table(), target, SHARDS, options)
    assert of_a_file | {"fingerprint": ""} == of_a_frame | {"fingerprint": ""}
    for size in SIZES:
        ways = [(parquet, of_a_file), (table(), of_a_frame)]
        where, one = ways[size % 2]
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
        in_threads(2, lambda ranks: _opened(ranks, frames[ranks.rank]))


def test_parts_without_a_row_are_refused():
    with pytest.raises(TableError, match="has no rows"):
        in_threads(2, lambda ranks: _opened(ranks, pl.DataFrame({"x": []})))


def test_files_that_differ_are_refused(tmp_path):
    def path(ranks, value):
        path = tmp_path / f"{ranks.rank}.parquet"
        pl.DataFrame({"x": value}).write_parquet(path)
        return str(path)

    def refused(*values):
        with pytest.raises(TableError) as raised:
            in_threads(2, lambda ranks: _opened(ranks, path(ranks, values[ranks.rank])))
        return str(raised.value)

    assert "has 1 rows on rank 0, and 2 rows on rank 1" in refused([1], [1, 2])
    assert "on rank 0, and other bytes" in refused([1], [2])
    assert "give every rank the same file" in refused([1], [2])


def _opened(ranks, given, shards=4):
    return parted(open_source(given, ranks=ranks), ranks, lambda rows: shards)


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


# Many files


def in_files(folder, frame, ends=(40, 40, 150, 230)):
    """A table in files, one of them without rows, beside what writers leave there."""
    folder.mkdir()
    (folder / "_SUCCESS").touch()
    for k, (start, end) in enumerate(zip((0, *ends), ends, strict=False)):
        frame[start:end].write_parquet(folder / f"part-{k}.parquet", row_group_size=30)
    return folder


@pytest.mark.parametrize("name", ["{}", "{}/*.parquet", "file://{}", "file://{}/part-?.parquet"])
def test_a_folder_or_a_pattern_is_the_table_of_its_files(name, tmp_path):
    folder = in_files(tmp_path / "set", table())
    source = open_source(name.format(folder))
    assert source.whole().equals(table())
    assert source.rows == 230
    found = in_threads(3, lambda ranks: _opened(ranks, name.format(folder)).whole())
    assert pl.concat(found).equals(table())


def test_a_set_of_files_is_prepared_as_one_file(tmp_path, parquet):
    folder, one = in_files(tmp_path / "set", table()), prepared(Alone(), parquet, "y")
    for found in in_threads(3, prepared, str(folder), "y"):
        assert found | {"fingerprint": ""} == one | {"fingerprint": ""}


def test_what_stands_in_names_of_folders_is_a_column(tmp_path):
    for year, town in ((2023, "A%20B"), (2024, "__HIVE_DEFAULT_PARTITION__")):
        folder = tmp_path / f"year={year}" / f"town={town}"
        folder.mkdir(parents=True)
        pl.DataFrame({"x": [year / 2]}).write_parquet(folder / "a.parquet")
    found = open_source(tmp_path)
    assert found.dtypes == {"x": pl.Float64, "year": pl.Int64, "town": pl.String}
    assert found.whole().rows() == [(1011.5, 2023, "A B"), (1012.0, 2024, None)]


def test_a_table_elsewhere_is_read_through_polars(tmp_path, monkeypatch):
    folder = in_files(tmp_path / "set", table())
    monkeypatch.setattr(data_sets, "SLICE", 33)
    source = data_sets.Elsewhere(f"file://{folder}/")
    assert source.whole().equals(table())
    assert pl.concat(source.between(["x", "row"], 35, 160)).equals(table()[35:160, ["x", "row"]])
    assert source.fingerprint() == data_sets.Elsewhere(f"file://{folder}/").fingerprint()
    with pytest.raises(TableError, match=r"file:///nowhere/\*\.parquet: cannot be read as Parquet"):
        data_sets.Elsewhere("file:///nowhere/*.parquet")


def test_sets_of_files_that_are_no_table_are_refused(tmp_path):
    pl.DataFrame({"x": [1]}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"x": [1.5]}).write_parquet(tmp_path / "b.parquet")
    with pytest.raises(TableError, match=r"column 'x' holds Int64 in .*a.parquet, and Float64 in"):
        open_source(tmp_path)
    pl.DataFrame({"z": [1]}).write_parquet(tmp_path / "b.parquet")
    with pytest.raises(TableError, match=r"b.parquet lacks column 'x', which .*a.parquet has"):
        open_source(tmp_path)
    (tmp_path / "c.csv").touch()
    with pytest.raises(TableError, match=r"names .*c.csv; several files are one table where all"):
        open_source(f"{tmp_path}/*")
    with pytest.raises(TableError, match=r"\*.pq: there is no such file"):
        open_source(f"{tmp_path}/*.pq")
    (tmp_path / "k=v").mkdir()
    (tmp_path / "b.parquet").rename(tmp_path / "k=v" / "b.parquet")
    with pytest.raises(TableError, match="some of its folders are named such as key=value, others"):
        open_source(tmp_path)


# Text


@pytest.fixture
def csv(tmp_path):
    table().write_csv(tmp_path / "table.csv")
    return str(tmp_path / "table.csv")


def test_a_text_is_prepared_the_same_on_any_number_of_ranks(csv):
    without, one = (prepared(Alone(), csv, "y", shards) for shards in (None, SHARDS))
    for name in ("decisions", "forms", "held_out_rows", "without_target", "doubts", "rows"):
        assert one[name] == without[name]
    for size in SIZES:
        assert in_threads(size, prepared, csv, "y") == [one] * size


def test_a_packed_text_is_read_through_by_each(csv):
    packed = f"{csv}.gz"
    with open(csv, "rb") as text, gzip.open(packed, "wb") as file:
        file.write(text.read())
    one = prepared(Alone(), packed, "y")
    assert in_threads(3, prepared, packed, "y") == [one] * 3


FIELD = st.text('a1 ,"\n;', max_size=5) | st.sampled_from(["", "1", "2.5", "x"])


def written(rows):
    text = io.StringIO()
    csv_module.writer(text, lineterminator="\n").writerows([["a", "b"], ["w", "w"], *rows])
    return text.getvalue().encode()


@given(st.lists(st.tuples(FIELD, FIELD), max_size=25), st.sampled_from([1, 2, 3, 4, 8]))
def test_parts_of_a_text_are_its_rows(rows, shards):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        path.write_bytes(written(rows))
        whole = open_source(path).whole()
        for size in (1, 3):
            found = in_threads(size, lambda ranks: _opened(ranks, path, shards).whole())
            assert pl.concat(found).equals(whole)


ODD = {
    "blank lines": b"a,b\n\n1,2\n\n\n3,4\n  \n5,6\n\n",
    "a mark": b"\xef\xbb\xbfa,b\n1,2\n3,4\n5,6\n7,8\n",
    "marks of files put together": b"\xef\xbb\xbfa,b\n1,2\n3,4\n\xef\xbb\xbf5,6\n7,8\n9,1",
    "the header again": b"a,b\n1,2\na,b\n3,4\na,b\n5,6\n",
    "no end of line": b"a,b\n1,2\n3,4\n5,x",
    "a quote that is none": b'a,b\n1,5" wide\n2,"6"\n3,"x\ny"\n4,5" high\n',
    "ends of lines of Windows": b'a,b\r\n1,"x\r\ny"\r\n2,z\r\n3,\r\n',
    "one long row": b"a,b\n1,2\n" + b'3,"' + b"\n" * 90 + b'"\n4,5\n',
    "numbers, then words": b"a,b\n" + b"1,2\n" * 30 + b"1.5,007\n" * 9 + b"x,true\n",
    "old lines of a Mac": b"a,b\r1,2\r3,4\r5,6\r",
    "UTF-16": "a,b\n1,é\n3,4\n5,6\n".encode("utf-16"),
    "the end of a text for DOS": b"a,b\n1,2\n3,4\n5,6\n\x1a",
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_odd_texts_are_the_same_in_parts(name, size, tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(ODD[name])
    whole = open_source(path)
    rows = whole.whole()

    def found(ranks):
        part = _opened(ranks, path)
        return part.whole(), part.notes, part.as_text(["a", "b"]).whole(), part.parts.first

    each = in_threads(size, found)
    assert pl.concat([rows for rows, _, _, _ in each]).equals(rows)
    assert pl.concat([text for _, _, text, _ in each]).equals(whole.as_text(["a", "b"]).whole())
    assert {notes for _, notes, _, _ in each} == {whole.notes}
    assert [first for _, _, _, first in each] == [
        sum(before.height for before, _, _, _ in each[:k]) for k in range(size)
    ]


WRONG = {
    "line 14 has 3 fields, the header has 2": b"a,b\n" + b"1,2\n" * 12 + b"1,2,3\n" + b"1,2\n" * 5,
    "line 3 opens a quote that is never closed": b'a,b\n1,2\n3,"x\n' + b"5,6\n" * 30,
}


@pytest.mark.parametrize("said", WRONG)
@pytest.mark.parametrize("size", [1, 3])
def test_what_is_wrong_in_a_text_is_told_by_its_line(said, size, tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(WRONG[said])
    with pytest.raises(TableError) as alone:
        open_source(path).whole()
    with pytest.raises(TableError) as raised:
        in_threads(size, lambda ranks: _opened(ranks, path))
    assert said in str(alone.value)
    assert str(raised.value) == str(alone.value)
