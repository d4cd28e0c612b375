"""How a text holds its table: delimiters, decimal separators, headers, files put together."""

import codecs
import gzip

import polars as pl
import pytest

from chainrule.tabular.files import text_file
from chainrule.tabular.table_error import TableError
from test_tabular_reading_csv import NAMES, ROWS, check, joined, read


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n", "\r\n\r\n"])
@pytest.mark.parametrize("delimiter", ",;\t|")
def test_delimiters_are_found(tmp_path, delimiter, end):
    source = read(tmp_path, joined(delimiter, end))
    check(source, NAMES, ROWS)
    assert source.notes == (() if delimiter == "," else (f"delimiter {delimiter!r}",))


@pytest.mark.parametrize(("given", "is_"), [(":", ":"), ("\\t", "\t")])
def test_delimiters_that_are_given(tmp_path, given, is_):
    check(read(tmp_path, joined(is_), "table.txt", delimiter=given), NAMES, ROWS)
    check(read(tmp_path, joined(is_), "table.data", delimiter=given), NAMES, ROWS)


TEXTS = [
    ("a;b\n1,5;2\n-2,25;3\n", {}, [("1,5", 2), ("-2,25", 3)]),
    ("a;b\n8.689;2\n997;3\n", {}, [("8.689", 2), ("997", 3)]),
    ("a;b\n8.689;2\n99.7;3\n", {}, [(8.689, 2), (99.7, 3)]),
    ("a;b\n8.689;2\n0.997;3\n", {}, [(8.689, 2), (0.997, 3)]),
    ("a,b\n8.689,2\n997,3\n", {}, [(8.689, 2), (997.0, 3)]),
    ("a,b\n01.2012,2\n12.2012,3\n", {}, [("01.2012", 2), ("12.2012", 3)]),
    ("a,b\n8.689,2\n997,3\n", {"thousands": "."}, [("8.689", 2), ("997", 3)]),
    ("a,b\n8.6,2\n997,3\n", {"decimal": ","}, [("8.6", 2), ("997", 3)]),
]


@pytest.mark.parametrize(("text", "options", "rows"), TEXTS)
def test_separators_that_a_column_is_to_decide_stay_text(tmp_path, text, options, rows):
    source = read(tmp_path, text, **options)
    assert source.whole().rows() == pl.concat(source.chunks()).rows() == rows
    assert source.pointed == ("," in text[:2])


def test_a_decimal_point_behind_semicolons(tmp_path):
    source = read(tmp_path, "a;b\n1.5;x,y\n")
    assert source.whole().rows() == [(1.5, "x,y")]
    assert source.notes == ("delimiter ';'",)


HEADERS = [
    ("1,2.5\n3,4\n", ("column_1", "column_2"), 2, "no header: the first row is like those below"),
    ("1,,3\n3,4,5\n", ("column_1", "column_2", "column_3"), 2, "no header"),
    ("1,5;2\n3;4\n", ("column_1", "column_2"), 2, "no header"),
    (
        ",a\n0,x\n",
        ("column_1", "a"),
        1,
        "column 1 has no name in the header; it is called column_1",
    ),
    (",0,1\n0,x,y\n", ("column_1", "0", "1"), 1, "header: the numbers from 0 on are taken as the"),
    ("\n\na , b\n1,2\n", ("a", "b"), 1, ""),
    ('"a\nb","c,d"\n1,2\n', ("a\nb", "c,d"), 1, ""),
    ("a,2019\n1,2\n", ("a", "2019"), 1, ""),
]


@pytest.mark.parametrize(("text", "columns", "rows", "note"), HEADERS)
def test_headers(tmp_path, text, columns, rows, note):
    source = read(tmp_path, text)
    assert (source.columns, source.whole().height) == (columns, rows)
    assert note in "; ".join(source.notes)
    assert bool(note) == bool(source.notes)
    assert pl.concat(source.chunks()).equals(source.whole())


UNNAMED = [
    # a delimiter behind each row
    ("a,b\n1,x,\n2,y,\n3,,\n", ("a", "b", "column_3"), [(1, "x", None), (2, "y", None)]),
    ("a;b\r\n1;x;\r\n2;y;\r\n3;z;\r\n", ("a", "b", "column_3"), [(1, "x", None)]),
    # the names of rows, as R writes them
    ("a,b\n1,5,x\n2,6,y\n3,7,z\n", ("column_1", "a", "b"), [(1, 5, "x"), (2, 6, "y")]),
    ("a\tb\n0\t5\tx\n1\t6\ty\n2\t7\tz\n", ("column_1", "a", "b"), [(0, 5, "x")]),
    ('"mpg"\n"Mazda",21\n"Fiat",32.5\n"Lotus",30\n', ("column_1", "mpg"), [("Mazda", 21.0)]),
]


@pytest.mark.parametrize("size", [1, 2**20])
@pytest.mark.parametrize(("text", "columns", "rows"), UNNAMED)
def test_a_column_without_a_name_may_stand_at_either_end(
    tmp_path, monkeypatch, text, columns, rows, size
):
    monkeypatch.setattr(text_file, "PIECE", size)
    source = read(tmp_path, text)
    assert source.columns == columns
    assert source.whole().rows()[: len(rows)] == rows
    assert pl.concat(source.chunks()).equals(source.whole())
    assert "has no name in the header" in "; ".join(source.notes)


@pytest.mark.parametrize(
    "text",
    [
        "x,y\n1,5,7\n2,5,8\n4,5,9\n",  # decimal commas: the first numbers count nothing
        "x,y\n1,5,7\n1,5,8\n1,5,9\n",
        "x,y\n1,2,\n2,3,\n",  # too few rows to say
        "x,y\nb,5,7\na,5,8\nb,5,9\n",  # one name twice
        "x,y\n1,2,\n2,3,\n4,5\n",
        "x,y\n1,2,3,4\n2,3,4,5\n3,4,5,6\n",
    ],
)
def test_rows_that_are_longer_for_no_certain_reason_are_refused(tmp_path, text):
    with pytest.raises(TableError, match=r"line \d has \d fields, the header has 2"):
        read(tmp_path, text).whole()


MARK = codecs.BOM_UTF8
JOINED = [
    (b"a,b\n1,x\na,b\n2,y\na,b\na,b\n3,z\n", 3),
    (b"a,b\r\n1,x\r\n2,y\r\na,b\r\n3,z\r\n", 1),
    (MARK + b"a,b\n1,x\n" + MARK + b"a,b\n2,y\n3,z\n", 1),
    (MARK + b"a,b\n1,x\n" + MARK + b"2,y\n" + MARK + b"3,z\n", 0),
    (b"a,b\n1,x\n2,y\n3,z\n\x1a", 0),
    (b"a,b\n1,x\n2,y\n3,z\x1a", 0),
]


@pytest.mark.parametrize("size", [1, 9, 2**20])
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
@pytest.mark.parametrize(("content", "repeats"), JOINED)
def test_files_put_together_are_one_table(tmp_path, monkeypatch, content, repeats, compress, size):
    monkeypatch.setattr(text_file, "PIECE", size)
    source = read(tmp_path, compress(content))
    assert source.whole().rows() == [(1, "x"), (2, "y"), (3, "z")]
    assert pl.concat(source.chunks()).equals(source.whole())
    found = [note for note in source.notes if "the header" in note]
    assert found == [f"{repeats} lines repeat the header, and are no rows"] * (repeats > 1) + [
        "1 line repeats the header, and is no row"
    ] * (repeats == 1)


def test_a_header_comes_again_among_words_too(tmp_path):
    source = read(tmp_path, "a,b\nx,y\na,b\nz,c\n")
    assert source.whole().rows() == [("x", "y"), ("z", "c")]
    assert source.notes == ("1 line repeats the header, and is no row",)


def test_lines_are_counted_with_those_that_repeat_the_header(tmp_path):
    with pytest.raises(TableError, match="line 5 has 1 field, the header has 2"):
        read(tmp_path, "a,b\n1,2\na,b\n3,4\n5\n").whole()
