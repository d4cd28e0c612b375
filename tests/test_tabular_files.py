"""Workbooks, records of JSON, packed files, the standard input: known by what they hold."""

import bz2
import datetime
import gzip
import io
import json
import lzma
import os
import sys
import threading
import tracemalloc
import zipfile

import polars as pl
import pytest
import xlsxwriter

import chainrule as cr
from chainrule.tabular.files import compression
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.table_error import TableError

CSV = b"size,kind\n1.5,a\n2,b\n"
ROWS = [(1.5, "a"), (2.0, "b")]


def excel(path, sheets):
    """A workbook with rows in each of its sheets."""
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for k, row in enumerate(rows):
                sheet.write_row(k, 0, row)


def zipped(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)


DAY = datetime.datetime(2024, 5, 1)
SALES = [
    ["Sales of 2024"],
    ["by Ann"],
    [],
    ["id", "day", "price", "sold", "zip", "mixed"],
    [1, DAY, 1.5, True, "007", 1],
    [2, DAY, 2, False, "010", "x"],
    [],
    [3, DAY, None, True, "011", 2.5],
]
SOLD = {
    "id": [1, 2, 3],
    "day": [DAY.date()] * 3,
    "price": [1.5, 2.0, None],
    "sold": [True, False, True],
    "zip": ["007", "010", "011"],
    "mixed": ["1", "x", "2.5"],
}


@pytest.mark.parametrize("name", ["sales.xlsx", "sales.csv", "sales.data", "sales.parquet"])
def test_a_workbook_is_known_by_what_it_holds(tmp_path, name):
    excel(tmp_path / "made.xlsx", {"Sales": SALES, "Empty": []})
    path = (tmp_path / "made.xlsx").rename(tmp_path / name)
    source = open_source(path)
    assert source.whole().to_dict(as_series=False) == SOLD
    assert source.columns == tuple(SOLD)
    assert source.notes == ("above the header: 2 lines left out, 'Sales of 2024 by Ann'",)
    assert source.fingerprint() == open_source(path).fingerprint()


def test_a_sheet_is_asked_for_where_several_hold_data(tmp_path):
    path = tmp_path / "two.xlsx"
    excel(path, {"North": [["a", "b"], [1, 2]], "Empty": [], "South": [["a", "b"], [3, 4]]})
    with pytest.raises(
        TableError, match="2 sheets hold data: 'North', 'South'; name one by `sheet=`"
    ):
        open_source(path)
    assert open_source(path, sheet="South").whole().rows() == [(3, 4)]
    assert open_source(path, sheet="3").whole().rows() == [(3, 4)]
    with pytest.raises(TableError, match="unknown sheet 'Soth'; did you mean 'South'"):
        open_source(path, sheet="Soth")
    with pytest.raises(TableError, match="has no rows in the sheet 'Empty'"):
        open_source(path, sheet="Empty")


def test_a_sheet_without_header_and_names_that_come_twice(tmp_path):
    excel(tmp_path / "a.xlsx", {"A": [[1.5, "x"], [2.5, "x"]]})
    assert open_source(tmp_path / "a.xlsx").whole().rows() == [(1.5, "x"), (2.5, "x")]
    excel(tmp_path / "b.xlsx", {"A": [["note"], ["a", "a"], [1, 2]]})
    with pytest.raises(TableError, match=r"b.xlsx: 2 columns are called 'a'"):
        open_source(tmp_path / "b.xlsx", skip_lines=1)
    found = open_source(tmp_path / "b.xlsx", skip_lines=1, number_duplicates=True)
    assert found.columns == ("a", "a_2")


CELL = (
    '<table:table-cell office:value-type="{}" office:{}="{}"><text:p>{}</text:p></table:table-cell>'
)


def ods(rows):
    """A sheet of OpenDocument, as plainly as it can be written."""
    made = ""
    for row in rows:
        cells = (
            CELL.format("string", "string-value", cell, cell)
            if isinstance(cell, str)
            else CELL.format("float", "value", cell, cell)
            for cell in row
        )
        made += f"<table:table-row>{''.join(cells)}</table:table-row>"
    spaces = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    return (
        f"<office:document-content{spaces}><office:body><office:spreadsheet>"
        f'<table:table table:name="One">{made}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )


@pytest.mark.parametrize("name", ["table.ods", "table.xlsx"])
def test_a_workbook_of_opendocument(tmp_path, name):
    path = tmp_path / name
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    members = {"mimetype": kind, "content__xml": ods([["size", "kind"], *ROWS])}
    zipped(path, **members, **{"META-INF/manifest__xml": "<manifest/>"})
    assert open_source(path).whole().rows() == ROWS


@pytest.mark.parametrize("content", ["xlsx", "xls"])
def test_what_to_install_is_said(tmp_path, monkeypatch, content):
    monkeypatch.setitem(sys.modules, "fastexcel", None)
    path = tmp_path / "table.csv"
    excel(path, {"A": [["a"], [1]]})
    if content == "xls":
        path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504))
    must = r"table.csv: is a workbook .* needs fastexcel, .*: pip install 'chainrule\[excel\]'"
    with pytest.raises(TableError, match=must):
        open_source(path)


# Records of JSON

LINES = '{"size": 1.5, "kind": "a"}\n\n{"kind": "b", "size": 2}\n'
RECORDS = [
    ("table.jsonl", LINES),
    ("table.ndjson", LINES.rstrip()),
    ("table.json", json.dumps([{"size": 1.5, "kind": "a"}, {"size": 2, "kind": "b"}], indent=1)),
    ("table.csv", LINES),
]


@pytest.mark.parametrize(("name", "text"), RECORDS)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_records_of_json(tmp_path, name, text, pack):
    path = tmp_path / name
    path.write_bytes(pack(text.encode()))
    source = open_source(path)
    assert source.whole().rows() == ROWS
    assert pl.concat(source.chunks(["kind"])).rows() == [("a",), ("b",)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1, "b": {"c": 2}}\n', "column 'b' holds lists or records"),
        ('{"a": 1}\n{"a": [1]}\n', "column 'a' holds lists or records"),
        ('[{"a": [1, 2]}]', "column 'a' holds lists or records; a field of a table must hold one"),
        ('{"a": 1}\n{"a":\n', "cannot be read as records of JSON: "),
        ('[{"a": 1}', "cannot be read as records of JSON: "),
        ('{"a": true}\n{"a": 1}\n', "cannot be read as records of JSON: cannot parse 'true'"),
    ],
)
def test_json_that_is_no_table_is_refused(tmp_path, capfd, text, message):
    path = tmp_path / "table.json"
    path.write_text(text)
    with pytest.raises(TableError, match=message) as caught:
        open_source(path)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("text", ['{"a": 1}\n{"a": 2}\n', '[{"a": 1}]'])
def test_json_takes_the_memory_of_its_size(tmp_path, text):
    """Not of the most that it may have, which a process may not be granted."""
    path = tmp_path / "table.json"
    path.write_text(text)
    tracemalloc.start()
    open_source(path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2**24


# Packed files


def in_zip(content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data/table.csv", content)
        archive.writestr("__MACOSX/data/._table.csv", b"\0\0\0")
    return file.getvalue()


PACKED = [
    ("table.csv.gz", gzip.compress),
    ("table.csv.bz2", bz2.compress),
    ("table.csv.xz", lzma.compress),
    ("table.csv.zip", in_zip),
    ("table.zip", in_zip),
    ("table.csv", in_zip),
]


@pytest.mark.parametrize(("name", "pack"), PACKED)
def test_packed_text(tmp_path, name, pack):
    path = tmp_path / name
    path.write_bytes(pack(CSV))
    assert open_source(path).whole().rows() == ROWS
    assert pl.concat(open_source(path).chunks()).rows() == ROWS


@pytest.mark.parametrize(("name", "pack"), PACKED)
def test_a_packed_file_that_is_cut_short_is_refused(tmp_path, name, pack):
    path = tmp_path / name
    content = pack(CSV * 1000)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(
        TableError, match=r"table.*: (cannot be read|holds 0 files|is empty)"
    ) as caught:
        open_source(path).whole()
    assert "\n" not in str(caught.value)


def test_an_archive_of_several_files_is_refused(tmp_path):
    zipped(tmp_path / "two.zip", a__csv=CSV, b__csv=CSV)
    with pytest.raises(
        TableError, match=r"holds 2 files: a.csv, b.csv; unpack the one that is meant"
    ):
        open_source(tmp_path / "two.zip")


@pytest.mark.parametrize("name", ["table.csv", "xl/workbook.xml"])
def test_an_archive_that_grows_out_of_proportion_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.setattr(compression, "MOST", 2**20)
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, b"a,b\n" + b"1,2\n" * 10**6)
    with pytest.raises(
        TableError,
        match=r"bomb.zip: cannot be read.*: it becomes .* times its size",
    ):
        open_source(path)


def test_zstandard_is_refused_by_name(tmp_path):
    (tmp_path / "table.csv.zst").write_bytes(b"\x28\xb5\x2f\xfd" + bytes(99))
    with pytest.raises(TableError, match="is compressed by Zstandard; unpack it first"):
        open_source(tmp_path / "table.csv.zst")


# What can be read only once


@pytest.mark.parametrize(
    "content",
    [CSV, gzip.compress(CSV), in_zip(CSV), LINES.encode()],
    ids=["text", "gzip", "zip", "lines"],
)
def test_the_standard_input(monkeypatch, content):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    source = open_source("-")
    assert source.name == "standard input"
    place = source.spool.path
    kept = source.as_text(["kind"])
    assert source.whole().rows() == pl.concat(source.chunks()).rows() == ROWS
    del source
    assert kept.whole()["kind"].to_list() == ["a", "b"]
    del kept
    assert not place.exists()


@pytest.mark.parametrize(("content", "message"), [(b"", "is empty"), (b"a,b\n1\n", "line 2 has 1")])
def test_the_standard_input_is_named_in_errors(monkeypatch, content, message):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    with pytest.raises(TableError, match=f"^standard input: {message}"):
        open_source("-").whole()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
def test_a_pipe_with_a_name(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(CSV,))
    writer.start()
    assert open_source(tmp_path / "pipe").whole().rows() == ROWS
    writer.join()


def test_lines_that_end_in_carriage_returns(tmp_path):
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "latin-1"):
        path = tmp_path / "mac.csv"
        path.write_bytes('größe,kind\r1.5,"a"\r2,b\r'.encode(encoding))
        options = {"encoding": encoding} if encoding == "latin-1" else {}
        source = open_source(path, **options)
        assert source.columns == ("größe", "kind")
        assert source.whole().rows() == ROWS


def test_a_model_from_a_workbook_and_from_its_rows_is_the_same(tmp_path):
    rows = [[k / 7, "ab"[k % 2], k % 5 + k / 10] for k in range(60)]
    excel(tmp_path / "a.xlsx", {"A": [["x", "kind", "y"], *rows]})
    frame = pl.DataFrame(rows, schema=["x", "kind", "y"], orient="row")
    made = [cr.train(table, "y", epochs=2) for table in (tmp_path / "a.xlsx", frame)]
    one, other = (model.predict(frame)["prediction"].to_list() for model in made)
    assert one == pytest.approx(other, rel=1e-5)
