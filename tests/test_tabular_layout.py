"""Blanks around fields and carriage returns in them: what is part of a field, and what is not."""

import time

import polars as pl
import pytest

from chainrule.tabular.files import text_file
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.files.text_layout import tidied

TEXTS = [
    ("20, State-gov, ?, <=50K\n", "20,State-gov,?,<=50K\n"),
    ('1, "a, b" ,2\n', '1,"a, b",2\n'),
    ('" a ",\t" ""b"" "\t\n', '" a "," ""b"" "\n'),
    ("a \r\n b\t\r\n", "a\r\nb\r\n"),
    ("  ,\t,\n", ",,\n"),
    ("a b , c  d\n", "a b,c  d\n"),
    ('5" wide , "x" \n', '"5"" wide","x"\n'),
    ('"a\n, b" , c\n', '"a\n, b",c\n'),
    ("a\rb,c\n", '"a\rb",c\n'),
    ("a \r b , c\r\r\n", '"a \r b",c\r\n'),
    ('"p,q\rr,s",\rt\n', '"p,q\rr,s","\rt"\n'),
    ("\r\n a\r\n\r\n\n\r\nb\r\n", "\r\na\r\n\r\n\n\r\nb\r\n"),
    ("\r\n\ra , b\r\n", '\r\n"\ra",b\r\n'),
    (" 1", "1"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_rows_are_made_plain(text, expected):
    assert tidied(text.encode(), ",") == expected.encode()
    assert tidied(expected.encode(), ",") == expected.encode()


def test_a_delimiter_may_be_a_blank():
    assert tidied(b"a \t b\t\t c \n", "\t") == b"a\tb\t\tc\n"
    assert tidied(b"a \tb  c\t\n", " ") == b"a b  c\n"


LONG = 400_000
HARD = [
    " " * LONG,
    "x" + " " * LONG + "x",
    '5"' + " " * LONG + "x",
    ', "a' * LONG,
    ',"""' * LONG,
    ', "' * LONG + "x",
    "x" + "\r" * LONG + "x",
]


@pytest.mark.parametrize("text", HARD, ids=lambda text: repr(text[:6]))
def test_time_goes_with_the_length(text):
    began = time.process_time()
    tidied(text.encode(), ",")
    assert time.process_time() - began < 20  # where it went with the square, it would be hours


ADULT = """\
age, work, "kind", pay
39, State-gov, "a, b" , <=50K
 50 , ?, c ,>50K
38,\tPrivate ,, <=50K
"""
EXPECTED = {
    "age": [39, 50, 38],
    "kind": ["a, b", "c", None],
    "pay": ["<=50K", ">50K", "<=50K"],
}


@pytest.mark.parametrize("size", [1, 40, 2**20])
def test_blanks_are_part_of_no_field(tmp_path, monkeypatch, size):
    """However the file is cut, whole and in chunks, and in text that is kept as it stands."""
    monkeypatch.setattr(text_file, "PIECE", size)
    path = tmp_path / "adult.csv"
    path.write_text(ADULT)
    source = open_source(path)
    for frame in (source.whole(), pl.concat(source.chunks())):
        assert frame.select(*EXPECTED).to_dict(as_series=False) == EXPECTED
    for kept in (source.as_text(["age", "pay"]), source.as_text(["age"])):
        assert kept.whole()["age"].to_list() == ["39", "50", "38"]
        assert pl.concat(kept.chunks(["pay", "age"])).rows()[1] == (">50K", "50")
    assert source.as_text(["work"]).whole()["work"].to_list() == ["State-gov", "?", "Private"]


@pytest.mark.parametrize("size", [1, 40, 2**20])
@pytest.mark.parametrize("column", ["id", "n"])
def test_numbers_behind_blanks_are_kept_without_them(tmp_path, monkeypatch, size, column):
    monkeypatch.setattr(text_file, "PIECE", size)
    path = tmp_path / "ids.csv"
    path.write_text("id,n\n 007, 01\n 010, 02\n")
    expected = {"id": ["007", "010"], "n": ["01", "02"]}[column]
    source = open_source(path).as_text([column])
    assert source.whole()[column].to_list() == expected
    assert pl.concat(source.chunks())[column].to_list() == expected


@pytest.mark.parametrize("size", [1, 9, 2**20])
def test_a_carriage_return_in_a_field(tmp_path, monkeypatch, size):
    """As pandas writes it, without quotes."""
    monkeypatch.setattr(text_file, "PIECE", size)
    path = tmp_path / "table.csv"
    path.write_bytes(b"n,text\n1,a\rb\n2,c\n")
    for frame in (open_source(path).whole(), pl.concat(open_source(path).chunks())):
        assert frame.rows() == [(1, "a\rb"), (2, "c")]


@pytest.mark.parametrize("late", ["3\r,4\n", "3,4\r\n", "3,4\r\r\n", "3\r\r,4\n", "\r3,4\n"])
def test_a_carriage_return_beside_a_number_is_the_same_at_once_and_in_pieces(
    tmp_path, monkeypatch, late
):
    monkeypatch.setattr(text_file, "PIECE", 20)
    path = tmp_path / "table.csv"
    path.write_bytes(b"x,n\n" + b"2.5,1\n" * 20 + late.encode() + b"0.5,6\n")
    assert open_source(path).whole().equals(pl.concat(open_source(path).chunks()))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 2**16])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_carriage_returns_are_marks_but_in_ends_of_lines(tmp_path, monkeypatch, size, end):
    monkeypatch.setattr(text_file, "HEAD", size)
    path = tmp_path / "table.csv"
    for line, marks in (("1,2", False), ("1\r,2", True), ("\r1,2", True), ('1,"2"', True)):
        path.write_bytes(f"a,b{end}{line}{end}3,4{end}".encode())
        assert text_file.TextFile("t", path, "utf-8", None).glance()[0] == marks
