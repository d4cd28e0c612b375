"""Tables into files: what other readers find in them, what stands after a failure, refusals."""

import csv
import gzip
import io
import os
import re
import subprocess
import sys

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.files.table_writers import FORMATS, open_sink
from chainrule.tabular.table_error import TableError

FRAME = pl.DataFrame(
    {
        "n": [1, None, 3],
        'te"xt,': ['a "b"\n', None, "é,\t;"],
        "x": [0.1, float("inf"), None],
        "flag": [True, None, False],
    }
)


def lines(text, delimiter):
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def text(frame):
    """The fields of a frame as Python spells them, but for the words that CSV has its own for."""
    words = {None: "", True: "true", False: "false"}
    return [frame.columns] + [
        [words[v] if v is None or isinstance(v, bool) else str(v) for v in row]
        for row in frame.rows()
    ]


READERS = {
    ".csv": lambda path: lines(path.read_bytes().decode(), ","),
    ".csv.gz": lambda path: lines(gzip.decompress(path.read_bytes()).decode(), ","),
    ".tsv": lambda path: lines(path.read_bytes().decode(), "\t"),
    ".tsv.gz": lambda path: lines(gzip.decompress(path.read_bytes()).decode(), "\t"),
    ".parquet": lambda path: text(pl.from_arrow(pyarrow.parquet.read_table(path))),
    ".arrow": lambda path: text(pl.from_arrow(pa.ipc.open_file(path).read_all())),
    ".feather": lambda path: text(pl.from_arrow(pa.ipc.open_file(path).read_all())),
}


def write(path, *chunks, **options):
    with open_sink(path, **options) as sink:
        for chunk in chunks:
            sink.write(chunk)


def test_every_format_has_a_reader():
    assert set(READERS) == set(FORMATS)


@pytest.mark.parametrize("ending", FORMATS)
def test_what_is_written_is_found_by_others_and_read_back(tmp_path, ending):
    path = tmp_path / f"table{ending}"
    write(path, FRAME, FRAME.clear(), FRAME.reverse(), *[FRAME] * 20)
    expected = pl.concat([FRAME, FRAME.reverse(), *[FRAME] * 20])
    assert READERS[ending](path) == text(expected)
    assert_frame_equal(open_source(path).whole(), expected)
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("ending", [".csv", ".csv.gz"])
def test_pandas_reads_text(tmp_path, ending):
    path = tmp_path / f"table{ending}"
    write(path, FRAME, FRAME)
    found = pl.from_pandas(pd.read_csv(path).astype({"n": "Int64", "flag": "boolean"}))
    assert_frame_equal(found, pl.concat([FRAME, FRAME]))


@given(
    st.lists(st.one_of(st.none(), st.text("x ,\"\n\r'é", min_size=1)), min_size=1),
    st.integers(1, 9),
)
def test_any_text_is_read_back(tmp_path_factory, words, size):
    words = [word and f"_{word}" for word in words]
    frame = pl.DataFrame({"words": words}, schema={"words": pl.String})
    path = tmp_path_factory.mktemp("text") / "table.csv"
    write(path, *frame.iter_slices(size))
    assert open_source(path).whole()["words"].to_list() == words


@pytest.mark.parametrize("where", [None, "-"])
def test_the_standard_output_takes_csv(capfdbinary, where):
    write(where, FRAME, FRAME)
    assert lines(capfdbinary.readouterr().out.decode(), ",") == text(pl.concat([FRAME, FRAME]))


def test_equal_tables_make_equal_files(tmp_path):
    for ending in FORMATS:
        for name in ("a", "b"):
            write(tmp_path / f"{name}{ending}", FRAME, FRAME)
        assert (tmp_path / f"a{ending}").read_bytes() == (tmp_path / f"b{ending}").read_bytes()


# Whole or not at all


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, ending, error):
    path = tmp_path / f"table{ending}"
    path.write_text("old")

    def failing():
        with open_sink(path, overwrite=True) as sink:
            sink.write(FRAME)
            assert path.read_text() == "old"
            raise error

    with pytest.raises(error):
        failing()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == [path.name]
    write(path, FRAME, overwrite=True)
    assert READERS[ending](path) == text(FRAME)


@pytest.mark.parametrize("ending", FORMATS)
def test_names_that_look_like_patterns(tmp_path, ending):
    for name in ("a[1]", "*", "x=1", "a b", "é"):
        path = tmp_path / "k=v [a]" / f"{name}{ending}"
        path.parent.mkdir(exist_ok=True)
        write(path, FRAME)
        found = open_source(path)
        assert_frame_equal(found.whole(), FRAME)
        assert_frame_equal(pl.concat(found.chunks()), FRAME)


def test_a_link_stays_one(tmp_path):
    path = tmp_path / "folder" / "table.csv"
    path.parent.mkdir()
    path.write_text("old")
    link = tmp_path / "link.csv"
    link.symlink_to(path)
    write(link, FRAME, overwrite=True)
    assert link.is_symlink()
    assert READERS[".csv"](path) == text(FRAME)


NO_ROOM = """
import resource, signal, sys
import numpy as np, polars as pl
from chainrule import TableError
from chainrule.tabular.files.table_writers import open_sink

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
frame = pl.DataFrame(np.random.default_rng(0).standard_normal((2000, 9)))
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
for path in sys.argv[2:]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), hard))
    try:
        with open_sink(path, overwrite=True) as sink:
            for k in range(1, 6):
                sink.write(frame * k)
    except TableError as error:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        print(error)
"""


@pytest.mark.parametrize("room", [1000, 200_000])
def test_no_room(tmp_path, room):
    """At the first chunk, and at the last or when the parts become a file."""
    paths = [tmp_path / f"table{ending}" for ending in FORMATS]
    for path in paths:
        path.write_text("old")
    command = [sys.executable, "-c", NO_ROOM, str(room), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for path, line in zip(paths, done.stdout.splitlines(), strict=True):
        assert re.fullmatch(re.escape(str(path)) + ": cannot be written: File too large", line)
        assert path.read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == sorted(path.name for path in paths)


# What is refused


def test_refusals(tmp_path):
    (tmp_path / "there.csv").touch()
    (tmp_path / "folder.csv").mkdir()
    refused = {
        "a.xlsx": "give it one of these endings: .arrow, .csv, .csv.gz, .feather, .parquet, .tsv",
        "a": "give it one of these endings",
        "missing/a.csv": "there is no folder ",
        "there.csv": "is there already; overwrite it, or choose another name",
        "folder.csv": "is not a file that could be replaced",
    }
    for name, message in refused.items():
        path = tmp_path / name
        with pytest.raises(TableError, match=re.escape(f"{path}: {message}")):
            open_sink(path)
    with pytest.raises(TableError, match="is not a file that could be replaced"):
        open_sink(tmp_path / "folder.csv", overwrite=True)
    with pytest.raises(TableError, match=r"a\.csv: no rows came to be written"):
        write(tmp_path / "a.csv")
    assert sorted(os.listdir(tmp_path)) == ["folder.csv", "there.csv"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(TableError, match=r"a\.csv: cannot be written: Permission denied"):
        write(tmp_path / "a.csv", FRAME)
