"""Text with delimiters that is refused, in one line that names the line and the fix."""

import gzip
import re

import polars as pl
import pytest

from chainrule.tabular.files import text_file
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.table_error import TableError
from test_tabular_reading_csv import check, joined, read, written

GZ = gzip.compress(joined(",").encode() * 50)
ERRORS = [
    (b"", "is empty"),
    (b" \n\n", "is empty"),
    (b"\xef\xbb\xbf", "is empty"),
    ("a,b\n", "has a header and no rows"),
    ("a,b\n\n\r\n", "has a header and no rows"),
    ("a,b\n1,2\n3\n", "line 3 has 1 field, the header has 2"),
    ("a,b\n1,2\n3,4,5\n", "line 3 has 3 fields, the header has 2"),
    ("a,b\n1,2\n3,4,\n", "line 3 has 3 fields, the header has 2"),
    ('a,b\n"1\n\n",2\n3\n', "line 5 has 1 field, the header has 2"),
    ('"a\n",b\n\n"1\n\n",2\n\n3\n', "line 8 has 1 field, the header has 2"),
    ("a,b,c\n1,2\n1,2,3,4\n", "line 2 has 2 fields, the header has 3"),
    ("a,b,a\n1,2,3\n", "2 columns are called 'a'; rename them"),
    ("column_2,\n1,2\n", "2 columns are called 'column_2'; rename them, or let `number_dupl"),
    ("a,b\n1,2\n3,\xfc\n".encode("latin-1"), "line 3 holds the byte 0xfc, which is not UTF-8"),
    (
        "a\xfc,b\n1,2\n".encode("latin-1"),
        "line 1 holds the byte 0xfc, which is not UTF-8; give the",
    ),
    ("a,b\n1,2\nx\0,2\n", "line 3 holds a NUL byte; give the encoding"),
    ('a,b\n1,2\n3,"x\n', "line 3 opens a quote that is never closed"),
    ('a,b\n1,2\n3,"', "line 3 opens a quote that is never closed"),
    ('a,b\n1,2\nx","', "line 3 opens a quote that is never closed"),
    ('a,"b\n1,2\n', "line 1 opens a quote that is never closed"),
    ('a,b\n1,"x"y\n', "line 2 cannot be read: ',' expected after '\"'"),
    ('a,b\n"x"y,2\n', "line 2 cannot be read: ',' expected after '\"'"),
    ("a,b\r\n\r\n\r\n1,x\r\n\r\n2\r\n", "line 6 has 1 field, the header has 2"),
    ("a,b\n1,x\ry\n2\n", "line 3 has 1 field, the header has 2"),
    (b"PAR1\x15\0\x15", "is cut short: it does not end with b'PAR1', as Parquet does"),
    (b"PK\x03\x04\x14\0", "holds 0 files"),
    (GZ[: len(GZ) // 2], "cannot be read: Compressed file ended before"),
    (GZ[:-8] + bytes(8), "cannot be read: CRC check failed"),
    (GZ[:20] + bytes(20) + GZ[40:], "cannot be read: "),
]


@pytest.mark.parametrize("size", [1, 2**20])
@pytest.mark.parametrize(
    ("content", "message"), ERRORS, ids=[f"{e[1]} {k}" for k, e in enumerate(ERRORS)]
)
def test_refusals(tmp_path, monkeypatch, capfd, content, message, size):
    """Whole and in chunks: in one line that begins with the file's name."""
    monkeypatch.setattr(text_file, "PIECE", size)
    path = written(tmp_path, content)
    for use in (lambda source: source.whole(), lambda source: list(source.chunks())):
        with pytest.raises(TableError, match=re.escape(message)) as caught:
            use(open_source(path))
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""  # where polars panics, it says so


@pytest.mark.parametrize("size", [1, 9, 2**20])
def test_blank_lines_are_left_out(tmp_path, monkeypatch, size):
    monkeypatch.setattr(text_file, "PIECE", size)
    for row in ("1", '"a b"', "1,2", "x,NA"):
        names = [f"c{k}" for k in range(row.count(",") + 1)]
        text = ",".join(names) + "\n" + f"{row}\n" * 5 + f"\n{row}\n\r\n" * 5
        check(read(tmp_path, text), names, [row.replace('"', "").split(",")] * 10)


LATE = [
    (b"2,z", "has 2 fields, the header has 3"),
    (b'2,z\n3,"a,b",4', "has 2 fields, the header has 3"),
    (b"2,z,3,4", "has 4 fields, the header has 3"),
    (b"2,z\0,3", "holds a NUL byte"),
    (b"2,z\xfc,3", "holds the byte 0xfc"),
    (b"2,z\r3", "has 2 fields, the header has 3"),
    (b'2,"z,3', "opens a quote that is never closed"),
]


@pytest.mark.parametrize("last", [b"5", b"NA"])
@pytest.mark.parametrize("size", [1, 50, 300])
@pytest.mark.parametrize(("row", "message"), LATE)
def test_refusals_far_from_the_first_line(tmp_path, monkeypatch, row, message, size, last):
    monkeypatch.setattr(text_file, "PIECE", size)
    monkeypatch.setattr("chainrule.tabular.files.dialect.HEAD", size)
    content = b"a,b,c\n" + b'1,"x\ny",%b\n' % last * 30 + row + b"\n"
    for use in (lambda source: source.whole(), lambda source: source.dtypes):
        with pytest.raises(TableError, match=re.escape(f"line 62 {message}")):
            use(read(tmp_path, content))


def test_refused_options(tmp_path):
    path = written(tmp_path, joined(","))
    with pytest.raises(TableError, match="unknown encoding 'utf-9'; such as utf-8, latin-1"):
        open_source(path, encoding="utf-9")
    with pytest.raises(TableError, match="unknown encoding 'hex'"):
        open_source(path, encoding="hex")
    with pytest.raises(TableError, match="is not ascii: byte 0xc3; give its encoding"):
        read(tmp_path, "ü,b\n1,2\n", "other.csv", encoding="ascii")
    for delimiter in ("", ",,", '"', "\n", "é"):
        with pytest.raises(TableError, match="a delimiter must be one character, such as ';', got"):
            open_source(path, delimiter=delimiter)
    with pytest.raises(TableError, match=r"unknown column 'texd'; did you mean 'text'"):
        open_source(path).whole(["texd"])
    with pytest.raises(TableError, match=r"is not compressed by gzip; name it without \.gz"):
        read(tmp_path, joined(","), "table.csv.gz")


TOO_LONG = [
    ('1,"wide\n', "2,x\n", "line 4 opens a quote that is not closed within 100 bytes; close it"),
    ('"wide\n', "2,x\n", "line 4 opens a quote that is not closed within 100 bytes; close it"),
    ("1,", "long", "line 4 does not end within 100 bytes; a line feed must end each row"),
    ("", "1,", "line 4 does not end within 100 bytes; a line feed must end each row"),
    ('"a\nb",', "long", "line 5 does not end within 100 bytes; a line feed must end each row"),
]


@pytest.mark.parametrize("size", [1, 10, 150])
@pytest.mark.parametrize(("row", "more", "message"), TOO_LONG)
def test_a_row_without_end_does_not_take_all_memory(
    tmp_path, monkeypatch, row, more, message, size
):
    monkeypatch.setattr(text_file, "PIECE", size)
    monkeypatch.setattr(text_file, "LONGEST", 100)
    text = f"a,b\n\n1,2\n{row}" + more * 100
    for use in (lambda source: source.whole(), lambda source: list(source.chunks())):
        with pytest.raises(TableError, match=message):
            use(read(tmp_path, text))


def test_a_file_that_changes_while_it_is_read(tmp_path):
    source = read(tmp_path, "a,b\n1,2\n")
    assert source.dtypes == {"a": pl.Int64, "b": pl.Int64}
    written(tmp_path, "a,b\nx,2\n")
    with pytest.raises(TableError, match="has changed while it was read"):
        list(source.chunks())
