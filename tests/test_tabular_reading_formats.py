"""Parquet, Arrow, NPZ, idx, scikit-learn's tables and data frames, beside other readers."""

import gzip
import hashlib
import io
import itertools
import re
import struct
import zipfile

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from polars.testing import assert_frame_equal
from sklearn import datasets

from chainrule.tabular.files import source
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.files.sklearn_data import LOADERS
from chainrule.tabular.files.source import CHUNK
from chainrule.tabular.table_error import TableError

ROWS = CHUNK + 17
ARROW = pa.table(
    {
        "whole": pa.array(np.arange(ROWS, dtype=np.int32)),
        "number": pa.array(np.where(np.arange(ROWS) % 7, np.arange(ROWS) / 8, np.nan)),
        "text": pa.array([None if k % 5 == 0 else f"é{k % 11}" for k in range(ROWS)]),
        "flag": pa.array(np.arange(ROWS) % 3 == 0),
        "day": pa.array(np.arange(ROWS, dtype=np.int32), pa.date32()),
    }
)


def parquet(path):
    pyarrow.parquet.write_table(ARROW, path, row_group_size=50_000)


def one_group(path):
    pyarrow.parquet.write_table(ARROW, path, compression="zstd")


def arrow(path):
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, ARROW.schema) as writer:
        writer.write_table(ARROW, max_chunksize=30_000)


def feather(path):
    pyarrow.feather.write_feather(ARROW, path, compression="zstd")


def csv(path):
    ARROW.to_pandas().to_csv(path, index=False)


FILES = {
    "table.parquet": parquet,
    "table.pq": one_group,
    "table.arrow": arrow,
    "table.feather": feather,
}


def check(found, expected):
    """Hold a source to a frame: chunks of CHUNK rows that together are the whole."""
    chunks = list(found.chunks())
    assert [chunk.height for chunk in chunks[:-1]] == [CHUNK] * (len(chunks) - 1)
    assert 0 < chunks[-1].height <= CHUNK
    for frame in (pl.concat(chunks), found.whole()):
        assert_frame_equal(frame, expected)
    assert found.columns == tuple(expected.columns)
    assert found.dtypes == dict(expected.schema)
    assert all(dict(chunk.schema) == found.dtypes for chunk in chunks)
    assert found.rows in (None, expected.height)
    some = list(reversed(expected.columns))[:2]
    for frame in (pl.concat(found.chunks(some)), found.whole(some)):
        assert_frame_equal(frame, expected.select(some))


@pytest.mark.parametrize("name", FILES)
def test_what_arrow_writes(tmp_path, name, monkeypatch):
    monkeypatch.setattr(
        "chainrule.tabular.files.columnar_files.GROUP", 3 * ROWS
    )  # three columns at a time
    path = tmp_path / name
    FILES[name](path)
    found = open_source(path)
    check(found, pl.from_arrow(ARROW))
    assert found.rows == ROWS
    assert found.fingerprint() == hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_pandas_writes_as_csv(tmp_path):
    csv(tmp_path / "table.csv")
    expected = pl.from_arrow(ARROW).with_columns(
        pl.col("whole").cast(pl.Int64),
        pl.col("number").fill_nan(None),
        pl.col("day").cast(pl.String),
    )
    check(open_source(tmp_path / "table.csv"), expected)


def test_a_format_is_known_by_its_first_bytes(tmp_path):
    for name, write in FILES.items():
        path = tmp_path / f"{name.replace('.', '-')}.bin"
        write(path)
        assert open_source(path).rows == ROWS


# NPZ


RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((ROWS, 3))
MEMBERS = {
    "rows": X,
    "fortran": np.asfortranarray(X),
    "image": RANDOM.integers(0, 255, (ROWS, 2, 3), dtype=np.uint8),
    "big_endian": X.astype(">f4"),
    "half": X.astype(np.float16),
    "flags": X > 0,
    "long": X.astype(np.longdouble),
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("name", MEMBERS)
def test_npz(tmp_path, monkeypatch, name, save):
    monkeypatch.setattr("chainrule.tabular.files.array_files.BLOCK", 2**18)
    path, y = tmp_path / "table.npz", np.where(X[:, 0] > 0, "yes", "né")
    save(path, X=MEMBERS[name], y=y)
    flat = MEMBERS[name].reshape(ROWS, -1)
    kind = {"half": np.float32, "long": np.float64}.get(name, flat.dtype.newbyteorder("="))
    columns = {f"X{k}": flat[:, k].astype(kind) for k in range(flat.shape[1])}
    check(open_source(path), pl.DataFrame({**columns, "y": y}))


def test_npz_of_columns(tmp_path):
    np.savez(tmp_path / "table.npz", age=[1, 2], name=["a", "b"])
    assert open_source(tmp_path / "table.npz").whole().rows() == [(1, "a"), (2, "b")]


# idx


def idx(array, code):
    header = bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


IMAGES = RANDOM.integers(0, 255, (ROWS, 2, 3), dtype=np.uint8)
LABELS = RANDOM.integers(0, 9, ROWS, dtype=np.uint8)
PIXELS = {f"pixel{k}": IMAGES.reshape(ROWS, 6)[:, k] for k in range(6)}


@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize("middle", ["-idx{}-ubyte", ".idx{}-ubyte"])
def test_images_find_their_labels(tmp_path, end, middle):
    packed = gzip.compress if end else bytes
    images = tmp_path / f"train-images{middle.format(3)}{end}"
    images.write_bytes(packed(idx(IMAGES, 8)))
    labels = tmp_path / f"train-labels{middle.format(1)}{end}"
    alone = open_source(images)
    check(alone, pl.DataFrame(PIXELS))
    assert alone.notes == ("no labels: there is no file of them beside it",)
    labels.write_bytes(packed(idx(LABELS, 8)))
    check(open_source(images), pl.DataFrame({**PIXELS, "label": LABELS}))
    check(open_source(labels), pl.DataFrame({"label": LABELS}))
    both = images.read_bytes() + labels.read_bytes()
    assert open_source(images).fingerprint() == hashlib.sha256(both).hexdigest()
    assert open_source(images).notes == ()


KINDS = [(8, "u1"), (9, "i1"), (11, ">i2"), (12, ">i4"), (13, ">f4"), (14, ">f8")]


@pytest.mark.parametrize(("code", "dtype"), KINDS)
def test_the_kinds_of_idx(tmp_path, code, dtype):
    array = np.arange(12).reshape(4, 3).astype(dtype)
    (tmp_path / "a.idx").write_bytes(idx(array, code))
    found = open_source(tmp_path / "a.idx").whole()
    assert found.to_numpy().tolist() == array.tolist()
    assert found.to_numpy().dtype == array.dtype.newbyteorder("=")


# Shipped tables and data frames


@pytest.mark.parametrize("name", LOADERS)
def test_tables_of_scikit_learn(name):
    bunch = getattr(datasets, f"load_{name}")()
    found = open_source(f"sklearn:{name}")
    frame = found.whole()
    assert found.columns == (*bunch.feature_names, "target")
    assert frame.drop("target").to_numpy().tolist() == bunch.data.tolist()
    names = bunch.get("target_names")
    expected = bunch.target if names is None else [names[k] for k in bunch.target]
    assert frame["target"].to_list() == list(expected)
    check(found, frame)


def test_tables_of_scikit_learn_are_all_but_the_one_with_three_targets():
    with_data = {"breast_cancer", "diabetes", "digits", "iris", "linnerud", "wine"}
    assert set(LOADERS) == with_data - {"linnerud"}


FRAME = pl.DataFrame({"a": [1, 2, 3], "b": ["x", None, "y"], "c": [0.5, None, -1.0]})


@pytest.mark.parametrize(
    "frame",
    [FRAME, FRAME.to_pandas(), FRAME.to_arrow(), FRAME.to_pandas().set_index(pd.Index([4, 4, 4]))],
    ids=["polars", "pandas", "arrow", "pandas with an index"],
)
def test_data_frames(frame):
    check(open_source(frame), FRAME)


def test_the_fingerprint_of_a_frame_is_of_its_content():
    prints = [
        open_source(frame).fingerprint()
        for frame in (
            FRAME,
            pl.concat([FRAME.head(1), FRAME.tail(2)]),
            FRAME.rename({"a": "A"}),
            FRAME.with_columns(pl.col("a").cast(pl.Int32)),
            FRAME.with_columns(pl.col("b").fill_null("")),
            FRAME.head(2),
            FRAME.with_columns(pl.col("c").fill_null(0)),
            FRAME.with_columns(pl.col("a").replace(1, 0)),
            FRAME.with_columns(d=pl.concat_list("a")),
            FRAME.with_columns(d=pl.concat_list(pl.col("a") + 1)),
        )
    ]
    assert prints[0] == prints[1]
    assert len(set(prints)) == len(prints) - 1


# Rows in chunks


def test_chunks_do_not_depend_on_the_frames():
    frame = pl.DataFrame({"x": range(100)})
    for cuts in ([0, 100], [0, 1, 2, 100], [0, 7, 14, 21, 99, 100], [0, 50, 50, 100]):
        frames = [frame.slice(a, b - a) for a, b in itertools.pairwise(cuts)]
        chunks = list(source.rebatch(frames, 7))
        assert [chunk.height for chunk in chunks] == [7] * 14 + [2]
        assert pl.concat(chunks).equals(frame)


# What is refused


def parquet_bytes():
    file = io.BytesIO()
    FRAME.write_parquet(file)
    return file.getvalue()


def arrow_bytes():
    file = io.BytesIO()
    FRAME.write_ipc(file)
    return file.getvalue()


def npz_bytes(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def zipped(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


PARQUET_BYTES, ARROW_BYTES, NPZ_BYTES = parquet_bytes(), arrow_bytes(), npz_bytes(X=np.eye(99))
IDX_BYTES = idx(IMAGES[:9], 8)

ERRORS = [
    ("a.parquet", b"", "is empty"),
    ("a.parquet", b"a,b\n1,2\n", "is no Parquet file: it does not begin with b'PAR1'"),
    (
        "a.parquet",
        PARQUET_BYTES[:-9],
        "is cut short: it does not end with b'PAR1', as Parquet does",
    ),
    ("a.parquet", PARQUET_BYTES[:9] + PARQUET_BYTES[-9:], "cannot be read as Parquet: "),
    ("a.arrow", b"a,b\n1,2\n", "is no Arrow file: it does not begin with b'ARROW1'"),
    ("a.arrow", ARROW_BYTES[:-9], "is cut short: it does not end with b'ARROW1', as Arrow does"),
    ("a.arrow", ARROW_BYTES[:9] + ARROW_BYTES[-9:], "cannot be read as Arrow: "),
    ("a.npz", b"a,b\n1,2\n", "cannot be read: File is not a zip file"),
    ("a.npz", NPZ_BYTES[:-9], "cannot be read: File is not a zip file"),
    ("a.npz", NPZ_BYTES.replace(np.eye(2).tobytes()[:8], bytes(8)), "cannot be read: Bad CRC-32"),
    (
        "a.npz",
        npz_bytes(X=np.array([{}, {}])),
        "'X' must hold numbers, Booleans or text, got Python",
    ),
    (
        "a.npz",
        npz_bytes(X=np.ones(2, complex)),
        "must hold numbers, Booleans or text, got complex128",
    ),
    (
        "a.npz",
        npz_bytes(X=np.ones((2, 2)), y=np.ones(3)),
        "as many rows as each other: X (2, 2), y (3,)",
    ),
    ("a.npz", npz_bytes(X=np.float64(3)), "as many rows as each other: X ()"),
    (
        "a.npz",
        npz_bytes(X=np.ones((2, 0))),
        "'X' must have 1 to 1,000,000 columns, got shape (2, 0)",
    ),
    ("a.npz", npz_bytes(X=np.ones((0, 2))), "has no rows"),
    (
        "a.npz",
        npz_bytes(X=np.ones((2, 2)), X1=np.ones(2)),
        "2 columns are called 'X1'; rename an array",
    ),
    ("a.npz", zipped(), "holds no arrays"),
    ("a.npz", zipped(text="hello, world"), "cannot be read: the magic string is not correct"),
    ("a.idx", b"a,b\n1,2\n", "cannot be read: it does not begin as idx does"),
    ("a.idx", IDX_BYTES[:3], "cannot be read: it ends within its header"),
    ("a.idx", IDX_BYTES[:9], "cannot be read: it ends within its header"),
    ("a.idx", IDX_BYTES[:-1], "cannot be read: it ends before its last number"),
    ("a.idx", IDX_BYTES + b"\0", "cannot be read: it holds more than its header says"),
    ("a-ubyte.gz", gzip.compress(IDX_BYTES)[:-9], "cannot be read: Compressed file ended before"),
    ("a.idx", bytes([0, 0, 8, 3]) + b"\xff" * 12, "must have 1 to 1,000,000 columns"),
    ("a.xlsx", b"\xd0\xcf\x11\xe0\0", "cannot be read as a workbook: calamine error"),
    ("README.md", b"# Readme", "or give the delimiter of a text"),
]


@pytest.mark.parametrize(
    ("name", "content", "message"), ERRORS, ids=[f"{e[0]} {k}" for k, e in enumerate(ERRORS)]
)
def test_refusals(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    for use in (lambda found: found.whole(), lambda found: list(found.chunks())):
        with pytest.raises(TableError, match=re.escape(message)) as caught:
            use(open_source(path))
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)


def test_refused_places(tmp_path):
    with pytest.raises(TableError, match=r"houses.csv: there is no such file"):
        open_source("houses.csv")
    with pytest.raises(TableError, match="is a folder; name a file"):
        open_source(tmp_path)
    with pytest.raises(
        TableError, match="is no file that can be read more than once; save it first"
    ):
        open_source("/dev/zero")
    with pytest.raises(
        TableError, match=r"unknown table of scikit-learn 'irs'; did you mean 'iris'"
    ):
        open_source("sklearn:irs")


def test_refused_objects():
    with pytest.raises(TableError, match=r"must be the path of a file, .* got builtins\.list"):
        open_source([[1, 2]])
    with pytest.raises(TableError, match=r"polars\.DataFrame: has no rows"):
        open_source(FRAME.clear())
    with pytest.raises(TableError, match=r"unknown column 'd'"):
        open_source(FRAME).chunks(["d"])


def test_a_frame_of_pandas_where_pyarrow_is_missing(monkeypatch):
    def without(frame):
        raise ModuleNotFoundError("no pyarrow", name="pyarrow")

    monkeypatch.setattr("narwhals.DataFrame.to_polars", without)
    with pytest.raises(TableError, match=r"pandas\.DataFrame: to read it, install pyarrow"):
        open_source(FRAME.to_pandas())


def test_damage_behind_the_first_bytes_is_named(tmp_path):
    path = tmp_path / "table.parquet"
    one_group(path)
    content = bytearray(path.read_bytes())
    content[4:40] = bytes(36)
    path.write_bytes(content)
    with pytest.raises(TableError, match=r"table.parquet: cannot be read as Parquet: "):
        open_source(path).whole()
