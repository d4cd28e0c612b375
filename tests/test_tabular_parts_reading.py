"""Files of which each rank reads its rows: of any format, in any number of files."""

import csv as csv_module
import gzip
import io
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.distributed import Alone
from chainrule.tabular.files import data_sets
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.table_error import TableError
from prepared_in_parts import (  # noqa: F401
    SHARDS,
    opened,
    parquet_file,
    prepared,
    several_blocks,
    table,
)
from ranks_in_threads import in_threads

pytestmark = pytest.mark.usefixtures("several_blocks")

SIZES = (2, 3, 4)

SMALL = pl.DataFrame({"x": np.arange(50.0), "name": list("abcde") * 10})


def _as_arrays(path):
    np.savez(path, x=np.arange(50.0), name=np.array(list("abcde") * 10))


FORMATS = {
    "t.csv": SMALL.write_csv,
    "t.tsv": lambda path: SMALL.write_csv(path, separator="\t"),
    "t.csv.gz": lambda path: path.write_bytes(gzip.compress(SMALL.write_csv().encode())),
    "t.parquet": SMALL.write_parquet,
    "t.arrow": SMALL.write_ipc,
    "t.jsonl": SMALL.write_ndjson,
    "t.xlsx": SMALL.write_excel,
    "t.npz": _as_arrays,
}


@pytest.mark.parametrize("name", FORMATS)
def test_ranks_have_the_rows_of_a_file_of_any_format(name, tmp_path):
    FORMATS[name](tmp_path / name)
    where, whole = str(tmp_path / name), open_source(tmp_path / name)
    for size in (1, 2, 4, 9):
        found = in_threads(size, lambda ranks: _facts(opened(ranks, where, 8)))
        assert pl.concat([rows for rows, _ in found]).equals(whole.whole())
        assert len({facts for _, facts in found}) == 1
    assert found[0][1] == _facts(opened(Alone(), where, 8))[1]


def _facts(source):
    return source.whole(), (source.columns, tuple(source.dtypes.items()), source.fingerprint())


def test_ranks_have_the_rows_of_a_table_of_scikit_learn():
    found = in_threads(3, lambda ranks: opened(ranks, "sklearn:wine").whole())
    assert pl.concat(found).equals(open_source("sklearn:wine").whole())


def test_a_file_that_one_rank_cannot_read_is_told(tmp_path):
    SMALL.write_csv(tmp_path / "0.csv")
    with pytest.raises(TableError, match=r"1\.csv: there is no such file"):
        in_threads(2, lambda ranks: opened(ranks, tmp_path / f"{ranks.rank}.csv"))


@pytest.mark.parametrize("name", ["t.parquet", "t.csv"])
def test_a_file_that_changes_under_one_rank_is_told(name, tmp_path):
    FORMATS[name](tmp_path / name)

    def read(ranks):
        source = opened(ranks, tmp_path / name)
        ranks.barrier()
        if ranks.rank == 0:
            FORMATS[name](tmp_path / name)
        ranks.barrier()
        return source.whole()

    with pytest.raises(TableError, match="has changed while it was read"):
        in_threads(2, read)


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
    found = in_threads(3, lambda ranks: opened(ranks, name.format(folder)).whole())
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


@settings(max_examples=40)
@given(st.lists(st.tuples(FIELD, FIELD), max_size=25), st.sampled_from([1, 2, 3, 4, 8]))
def test_parts_of_a_text_are_its_rows(rows, shards):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        path.write_bytes(written(rows))
        whole = open_source(path).whole()
        for size in (1, 3):
            found = in_threads(size, lambda ranks: opened(ranks, path, shards).whole())
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
        part = opened(ranks, path)
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
        in_threads(size, lambda ranks: opened(ranks, path))
    assert said in str(alone.value)
    assert str(raised.value) == str(alone.value)
