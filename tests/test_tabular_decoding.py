"""What libraries cannot decode, and what they decode that nobody expects."""

import datetime
import io
import os
import zipfile
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

import chainrule as cr
from chainrule.rust_panics import in_a_process_of_our_own
from chainrule.tabular.files.arrow_buffers import check_buffers
from chainrule.tabular.files.decode_errors import ANY_ZONE, decoding
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.table_error import TableError
from commands import started

N = 40
COUNT = list(range(N))
X = pa.array([0.37 * k % 1 for k in COUNT])
Y = pa.array([k % 2 for k in COUNT])
FEW = {"epochs": 1, "hidden": (2,), "effort": "fast"}
KINDS = ["feather", "parquet", "table", "pandas"]


def given(column, kind, folder):
    """A table with a column of Arrow: as a file, or as a frame."""
    table = pa.table({"x": X, "odd": column, "y": Y})
    path = folder / f"table.{kind}"
    if kind == "feather":
        pyarrow.feather.write_feather(table, path, compression="uncompressed")
    elif kind == "parquet":
        pyarrow.parquet.write_table(table, path)
    elif kind == "pandas":
        return table.to_pandas(types_mapper=pd.ArrowDtype)
    return path if kind in ("feather", "parquet") else table


def decimals(bits, digits):
    return pa.array(list(map(Decimal, COUNT)), bits(digits, 2))


PARTS = [pa.array(COUNT), pa.array(list(map(str, COUNT)))]
TAGS = pa.array([k % 2 for k in COUNT], pa.int8())
ENDS = pa.array([20, 40], pa.int32())
REFUSED = {
    "decimal256": (decimals(pa.decimal256, 50), KINDS),
    "in a struct": (
        pa.array([{"a": Decimal(1)}] * N, pa.struct([("a", pa.decimal256(50, 2))])),
        ["feather", "table", "pandas"],
    ),
    "no width": (pa.array([[]] * N, pa.list_(pa.int64(), 0)), KINDS),
    "runs": (pa.RunEndEncodedArray.from_arrays(ENDS, pa.array([1.5, 2.5])), KINDS[::2]),
    "union": (pa.UnionArray.from_sparse(TAGS, PARTS), ["feather", "table"]),
    "dense union": (
        pa.UnionArray.from_dense(TAGS, pa.array(COUNT, pa.int32()), PARTS),
        ["feather", "table"],
    ),
    "interval": (pa.array([(1, k, 3) for k in COUNT], pa.month_day_nano_interval()), KINDS[::2]),
    "list view": (pa.array([[k] for k in COUNT], pa.list_view(pa.int64())), KINDS),
}


@pytest.mark.parametrize(
    ("column", "kind"),
    [pytest.param(c, k, id=f"{n}-{k}") for n, (c, kinds) in REFUSED.items() for k in kinds],
)
def test_a_type_that_cannot_be_read_is_named(tmp_path, capfd, column, kind):
    table = given(column, kind, tmp_path)
    with (
        in_a_process_of_our_own(),
        pytest.raises(TableError, match=r"column 'odd'.*; (write|make) it ") as caught,
    ):
        open_source(table).whole()
    assert str(caught.value).isprintable()
    assert "Result::unwrap" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


READ = {
    "decimal128": (decimals(pa.decimal128, 38), list(map(float, COUNT))),
    "decimal32": (decimals(pa.decimal32, 7), list(map(float, COUNT))),
    "float16": (pa.array(np.arange(N, dtype=np.float16)), list(map(float, COUNT))),
    "uint64": (pa.array([2**63 + k for k in COUNT], pa.uint64()), [2**63 + k for k in COUNT]),
    "string view": (pa.array([str(k % 3) for k in COUNT], pa.string_view()), None),
    "dictionary": (pa.array(list("abcd" * 10)).dictionary_encode(), list("abcd" * 10)),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", READ)
def test_a_type_that_can_be_read_is(tmp_path, name, kind):
    column, values = READ[name]
    found = open_source(given(column, kind, tmp_path)).whole()["odd"]
    assert found.to_list() == (values or [str(k % 3) for k in COUNT])


@pytest.mark.parametrize("kind", ["feather", "parquet", "table"])
@pytest.mark.parametrize("zone", ["-05:30", "+0530", "Z", "US/Pacific-New", "Mars/Olympus"])
def test_a_moment_in_a_zone_that_is_not_known_is_read_in_utc(tmp_path, capfd, kind, zone):
    moments = pa.array([k * 86_400_000_000 for k in COUNT], pa.timestamp("us", zone))
    source = open_source(given(moments, kind, tmp_path))
    assert source.dtypes["odd"] == pl.Datetime("us", "UTC")
    days = [datetime.datetime(1970, 1, 1) + datetime.timedelta(k) for k in COUNT]
    assert source.whole()["odd"].dt.replace_time_zone(None).to_list() == days
    assert capfd.readouterr() == ("", "")
    assert ANY_ZONE not in os.environ


def test_a_zone_that_is_known_stays(tmp_path):
    moments = pa.array(COUNT, pa.timestamp("us", "Asia/Tokyo"))
    source = open_source(given(moments, "parquet", tmp_path))
    assert source.dtypes["odd"] == pl.Datetime("us", "Asia/Tokyo")


def test_words_of_an_order_that_come_twice_or_are_none():
    words = pa.DictionaryArray.from_arrays(
        pa.array([0, 1, 2, 3] * 10, pa.int8()), pa.array(["low", "high", "low", None]), ordered=True
    )
    found = open_source(pa.table({"x": words})).whole()["x"]
    assert found.dtype == pl.Enum(["low", "high"])
    assert found.head(4).to_list() == ["low", "high", "low", None]


def written(compression, folder):
    """An Arrow file of two batches with every kind of buffer, and where its middle batch begins."""
    words = pl.Series(["a", None, "b", "c"] * 50)
    fractions = [k + 0.5 for k in range(200)]
    table = pl.DataFrame({"x": fractions, "w": words, "k": words.cast(pl.Categorical)})
    path = folder / "table.arrow"
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.OSFile(str(path), "wb") as file:
        made = table.to_arrow()
        with pa.ipc.new_file(file, made.schema, options=options) as writer:
            writer.write_table(made, max_chunksize=100)
    return table, path


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_a_buffer_that_says_it_is_greater_than_it_can_be_is_refused(tmp_path, compression):
    table, path = written(compression, tmp_path)
    assert open_source(path).whole().equals(table)
    content, refused = path.read_bytes(), 0
    for at in range(len(content)):  # each number of 64 bits that may be a size, one by one
        size = int.from_bytes(content[at : at + 8], "little")
        if at % 8 == 0 and 8 < size < 2_000:
            path.write_bytes(
                content[:at] + (2**45 + size).to_bytes(8, "little") + content[at + 8 :]
            )
            try:
                check_buffers("table.arrow", path)
            except TableError as error:
                refused += "a buffer is damaged" in str(error)
    assert refused > 8


# What a library raises


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyError, EOFError, UnicodeError, OSError])
def test_an_error_of_a_library_is_one_line(error):
    with pytest.raises(TableError, match=f"^trees: {error.__name__}$"), decoding("trees"):
        raise error


@pytest.mark.parametrize("error", [AttributeError, AssertionError, KeyboardInterrupt, MemoryError])
def test_a_mistake_of_ours_stays_what_it_is(error):
    with pytest.raises(error), decoding("trees"):
        raise error


def test_the_command_says_one_line_where_a_library_panics(tmp_path):
    path = given(decimals(pa.decimal256, 50), "feather", tmp_path)
    process = started("train", path, "--target", "y")
    _, told = process.communicate(timeout=60)
    assert process.returncode == 2
    assert told.count("\n") == 1, told
    assert "column 'odd'" in told


# Values at the edges of their types


@pytest.mark.parametrize("unit", ["day", "ms", "us"])
def test_a_date_of_no_year_is_missing_and_said(tmp_path, unit):
    days = [*range(0, 20 * N, 20)]
    kind = pl.Date() if unit == "day" else pl.Datetime(unit)
    parts = {"day": 1, "ms": 86_400_000, "us": 86_400_000_000}[unit]
    far = 2**31 - 1 if unit == "day" else 2**62
    physical = pl.Series([day * parts for day in days[:-2]] + [far, -far])
    when = physical.cast(pl.Int32 if unit == "day" else pl.Int64).cast(kind)
    table = pl.DataFrame({"when": when, "y": Y.to_pylist()})
    model = cr.train(table, "y", **FEW)
    (told,) = (d["reason"] for d in model.about["decisions"] if d["column"] == "when")
    assert told.endswith("1970-01-01 to 1972-01-11, 2 beyond the years 1 to 9999 taken as missing")
    assert model.predict(table).height == N


GREAT = {
    "uint64": pl.Series([10**19, 18 * 10**18] * 20, dtype=pl.UInt64),
    "int128": pl.Series([10**19, 2 * 10**19] * 20, dtype=pl.Int128),
    "uint128": pl.Series([2**127, 2**127 + 2**100] * 20, dtype=pl.UInt128),
    "both ends": pl.Series([float(-(2**63)), float(2**63)] * 20),
    "float": pl.Series([1e19, 2e19] * 20),
    "decimal": pl.Series([Decimal(10**19), Decimal(2 * 10**19)] * 20, dtype=pl.Decimal(38, 0)),
}


@pytest.mark.parametrize("name", GREAT)
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_targets_of_more_than_64_bits(tmp_path, name, task):
    table = pl.DataFrame({"x": X.to_pylist(), "y": GREAT[name]})
    model = cr.train(table, "y", task=task, **FEW)
    model.save(tmp_path / "y.model")
    again = cr.TableModel.load(tmp_path / "y.model")
    assert again.predict(table).equals(model.predict(table))
    assert again.evaluate(table)["rows"]["scored"] == N
    if task == "classification":
        names = sorted(map(float, set(GREAT[name])))
        assert list(map(float, model.target.classes)) == names


def test_classes_of_20_digits_are_those_of_a_number(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("x,y\n" + "".join(f"{x},{1 + k % 2}{'0' * 19}\n" for k, x in enumerate(X)))
    model = cr.train(path, "y", **FEW)
    assert model.target.classes == ("1" + "0" * 19, "2" + "0" * 19)
    for column in GREAT["float"], GREAT["int128"]:
        table = pl.DataFrame({"x": X.to_pylist(), "y": column})
        assert model.target.encode(table).tolist() == [0, 1] * 20


@pytest.mark.parametrize("role", ["numbers", "categories", "groups", "time", "weight"])
@pytest.mark.parametrize("name", ["uint64", "int128", "float", "decimal"])
def test_columns_of_more_than_64_bits(name, role):
    table = pl.DataFrame({"x": X.to_pylist(), "great": GREAT[name], "y": Y.to_pylist()})
    asked = ("great",) if role in ("numbers", "categories") else "great"
    assert cr.train(table, "y", **{role: asked}, **FEW).predict(table).height == N


def test_a_target_that_is_too_far_is_refused():
    table = pl.DataFrame({"x": X.to_pylist(), "y": X.to_pylist()})
    model = cr.train(table, "y", **FEW)
    far = table.with_columns(y=pl.Series([0.5, 1e300] * 20))
    with pytest.raises(TableError, match=r"got 1e\+300 in row 2; it is too far from 0\.\d+, the"):
        model.evaluate(far)


@pytest.mark.parametrize("values", [[[1]], [{"a": 1}], [b"a"], [object()]])
def test_what_has_no_words_is_no_category_and_no_class(values):
    table = pl.DataFrame({"c": list("abcd" * 10), "x": X.to_pylist(), "y": list("uv" * 20)})
    model = cr.train(table, "y", **FEW)
    odd = pl.Series(values * N)
    with pytest.raises(TableError, match=r"column 'c' held categories in training, holds .* here"):
        model.predict(table.with_columns(c=odd))
    with pytest.raises(TableError, match="target 'y' must be one of the classes 'u', 'v', got "):
        model.evaluate(table.with_columns(y=odd))


# What a table holds, whatever its columns are called


@pytest.mark.parametrize("name", ["count", "value", "word", "literal", "index"])
def test_columns_may_be_called_anything(tmp_path, name):
    words = ["a", "b", "NA", "?"] * 10
    table = pl.DataFrame({name: words, "x": X.to_pylist(), "y": Y.to_pylist()})
    table.write_csv(tmp_path / "table.csv")
    model = cr.train(tmp_path / "table.csv", "y", **FEW)
    (told,) = (d["reason"] for d in model.about["decisions"] if d["column"] == name)
    assert told.startswith("2 categories: a, b, 20 missing")


def test_numbers_as_categories_leave_out_what_is_not_finite():
    values = [0.5, 1.5, float("nan"), float("inf")] * 10
    table = pl.DataFrame({"c": values, "x": X.to_pylist(), "y": Y.to_pylist()})
    model = cr.train(table, "y", categories=("c",), **FEW)
    assert model.preparation.encoders[0].categories == ("0.5", "1.5")


def test_whole_numbers_of_a_workbook_are_names_too(tmp_path):
    path = tmp_path / "table.xlsx"
    pl.DataFrame({"shop_id": [7, 8] * 20, "x": X.to_pylist(), "y": Y.to_pylist()}).write_excel(path)
    model = cr.train(path, "y", memory=1000, **FEW)
    assert model.preparation.encoders[0].categories == ("7", "8")
    assert model.target.classes == (0, 1)


def test_a_member_of_an_archive_without_a_name_is_a_file(tmp_path):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("name", b"x,y\n1,2\n")
    (tmp_path / "table.csv.zip").write_bytes(file.getvalue().replace(b"name", b"\0ame"))
    assert open_source(tmp_path / "table.csv.zip", delimiter=",").columns == ("x", "y")


@pytest.mark.parametrize("text", ['[{"a": 1}, "ab"]', '[{"a":' + "[" * 100_000, '[{"a": 1}, [2]]'])
def test_json_that_is_no_record_is_refused_in_one_line(tmp_path, text):
    (tmp_path / "table.json").write_text(text)
    with pytest.raises(TableError, match=r"table.json: ") as caught:
        open_source(tmp_path / "table.json")
    assert str(caught.value).isprintable()
