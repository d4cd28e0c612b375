"""Text with delimiters, beside Python's csv module: values, kinds, encodings."""

import codecs
import csv
import gzip
import hashlib
import io
import math
import re

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.tabular.files import text_file
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.formats.missing_words import IN_NUMBERS
from chainrule.tabular.table_error import TableError

NUMBER = re.compile(r"[ \t]*[+-]?(nan|(\d+\.?\d*|\.\d+)(e[+-]?\d+)?)", re.IGNORECASE)


def written(tmp_path, content, name="table.csv"):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(tmp_path, content, name="table.csv", **options):
    return open_source(written(tmp_path, content, name), **options)


def values(fields, delimiter=","):
    """What the fields of a column hold, by rules of their own: kind and values."""
    filled = [field for field in fields if field]
    if filled and all(field.lower() in ("true", "false") for field in filled):
        return pl.Boolean, [field.lower() == "true" if field else None for field in fields]
    if filled and all(NUMBER.fullmatch(field) or not field.strip(" \t") for field in filled):
        spelled = [field.strip(" \t") for field in filled if field.strip(" \t")]
        whole = all(re.fullmatch(r"[+-]?\d+", f) and -(2**63) <= int(f) < 2**63 for f in spelled)
        if delimiter != "," and any(map(PARTED.fullmatch, spelled)):
            return None, fields  # a number or text, by what stands beside it
        kind, number = (pl.Int64, int) if whole else (pl.Float64, float)
        return kind, [_none_if_nan(number(f)) if f.strip(" \t") else None for f in fields]
    return pl.String, [field or None for field in fields]


PARTED = re.compile(r"[+-]?[1-9]\d?\d?\.\d\d\d")
"""Where the point may part thousands."""


def _none_if_nan(number):
    return None if math.isnan(number) else number


def check(source, names, rows, delimiter=","):
    """Hold a source to rows of fields, both as a whole and in chunks."""
    assert source.columns == tuple(names)
    expected = [values(column, delimiter) for column in zip(*rows, strict=True)]
    for frame in (source.whole(), pl.concat(source.chunks())):
        assert source.dtypes == frame.schema
        for column, (kind, found) in zip(frame.iter_columns(), expected, strict=True):
            if kind is not None:
                assert column.dtype == kind
                assert column.to_list() == found


# Any table, as the csv module writes it

WORDS = st.text("ab1 \",;\n\r\t|'é∂😀", max_size=5)
COLUMNS = st.sampled_from(
    [
        WORDS,
        st.integers(-(2**63), 2**63 - 1).map(str),
        st.integers(-9, 9).map(str),
        st.floats(allow_nan=False, allow_infinity=False).map(repr),
        st.sampled_from(["true", "False"]),
        st.sampled_from(["1", "2.5", "x"]),
        st.just(""),
    ]
)


@st.composite
def tables(draw):
    """Rows of fields: each column of one sort, or with some fields of another."""
    height = draw(st.integers(1, 12))
    columns = []
    for _ in range(draw(st.integers(1, 4))):
        fields = st.one_of(draw(COLUMNS), st.sampled_from(["", *IN_NUMBERS]))
        columns.append(draw(st.lists(fields, min_size=height, max_size=height)))
    return list(zip(*columns, strict=True))


@settings(max_examples=60)
@given(
    rows=tables(),
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    end=st.sampled_from(["\n", "\r\n"]),
    size=st.integers(1, 60),
)
def test_what_the_csv_module_writes_is_read_back(
    tmp_path_factory, rows, delimiter, quoting, end, size
):
    names = [f"c {k}" for k in range(len(rows[0]))]
    text = io.StringIO(newline="")
    if end == "\n" and any("\r" in field for row in rows for field in row):
        quoting = csv.QUOTE_ALL  # the module forgets the quotes that a carriage return needs
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerows([names, *rows])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_file, "PIECE", size)
        tmp_path = tmp_path_factory.mktemp("csv")
        if quoting == csv.QUOTE_MINIMAL:
            rows = [[unquoted(field, delimiter) for field in row] for row in rows]
        check(read(tmp_path, text.getvalue(), delimiter=delimiter), names, rows, delimiter)


def unquoted(field, delimiter):
    """What is left of a field that the module gives quotes only where it must."""
    blanks = " " if delimiter == "\t" else " \t"
    return field if set(field) & {*'"\n\r', delimiter} else field.strip(blanks)


FIELD = re.compile(r'[ \t]*(?:"((?:[^"]|"")*)"[ \t]*|([^,\n]*?))(,|\r*\n|\r*\Z)')


def rows_of(text):
    """The rows of a text, field by field; None where it is refused."""
    rows, place = [[]], 0
    while place < len(text) or rows[-1]:
        field = FIELD.match(text, place)
        if not field or (field[1] is None and field[2].startswith('"')):
            return None
        value = field[2].strip(" \t") if field[1] is None else field[1].replace('""', '"')
        place = field.end()
        if field[3] == ",":
            rows[-1].append(value)
        elif rows[-1] or value or field[1] is not None:
            rows[-1].append(value)
            rows.append([])
        if field[3] != "," and place == len(text):
            break
    rows = rows[:-1]
    return rows if len(rows) > 1 and {len(row) for row in rows} == {2} else None


REGULAR = re.compile(r'(("([^"]|"")*"|[^",\r\n]*)(,|\r?\n|$))*')
"""Text whose quotes all stand around fields."""


@given(st.text('a1,,"\n\n\r ', max_size=40), st.integers(1, 30))
def test_no_text_is_misread(tmp_path_factory, text, size):
    text = f"p,q\n{text}"
    expected = rows_of(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_file, "PIECE", size)
        path = written(tmp_path_factory.mktemp("csv"), text)
        try:
            source = open_source(path, delimiter=",")
            source.whole()
        except TableError:
            assert expected is None or not REGULAR.fullmatch(text)
            return
        assert expected is not None
        check(source, expected[0], expected[1:])


# Kinds and encodings

ROWS = [("2", "x y", "0.5"), ("3", "", "-1e3")]
NAMES = ("n", "text", "x")


def joined(delimiter, end="\n"):
    return "".join(delimiter.join(row) + end for row in (NAMES, *ROWS))


def test_a_mark_says_the_encoding_whatever_is_asked_for(tmp_path):
    source = read(tmp_path, codecs.BOM_UTF8 + "größe,y\nä,1\n".encode(), encoding="latin-1")
    assert source.columns == ("größe", "y")
    assert source.notes == ("encoding utf-8, by its byte order mark",)


KINDS = [
    (["1", "2"], pl.Int64, [1, 2]),
    (["1", "2.5", "NaN"], pl.Float64, [1.0, 2.5, None]),
    (["1", "2.5", "NA"], pl.String, ["1", "2.5", "NA"]),
    (["1", "99999999999999999999"], pl.Float64, [1.0, 1e20]),
    (["inf", "-inf", "1"], pl.Float64, [float("inf"), float("-inf"), 1.0]),
    (["true", "FALSE", ""], pl.Boolean, [True, False, None]),
    (["true", "FALSE", "?"], pl.String, ["true", "FALSE", "?"]),
    (["true", "1"], pl.String, ["true", "1"]),
    (["1", "2.5", "x"], pl.String, ["1", "2.5", "x"]),
    (["2024-01-31", "2024-02-01"], pl.String, ["2024-01-31", "2024-02-01"]),
    (["", ""], pl.String, [None, None]),
    ([" 1", "  ", "\t2.5"], pl.Float64, [1.0, None, 2.5]),
]


@pytest.mark.parametrize("size", [1, 2**20])
@pytest.mark.parametrize(("fields", "kind", "expected"), KINDS)
def test_kinds_of_columns(tmp_path, monkeypatch, fields, kind, expected, size):
    """However the file is cut: a value that comes late changes the whole column."""
    monkeypatch.setattr(text_file, "PIECE", size)
    source = read(tmp_path, "a,b\n" + "".join(f"{field},z\n" for field in fields))
    assert source.dtypes == {"a": kind, "b": pl.String}
    assert pl.concat(source.chunks())["a"].to_list() == expected
    assert source.whole()["a"].to_list() == expected


def test_some_columns_in_their_order(tmp_path, monkeypatch):
    monkeypatch.setattr(text_file, "PIECE", 1)
    source = read(tmp_path, joined(","))
    for frame in (source.whole(["x", "n"]), pl.concat(source.chunks(["x", "n"]))):
        assert frame.rows() == [(0.5, 2), (-1000.0, 3)]
        assert frame.columns == ["x", "n"]


KEPT = ["007", "1.10", "001E1", "+491701", "TRUE", "NA", " x", "12345678901234567890", '"', "é"]


@pytest.mark.parametrize("size", [1, 20, 2**20])
@pytest.mark.parametrize("fields", [KEPT, KEPT[:2], KEPT[4:6], ["", "1"], ["01", "1"]])
def test_text_as_it_stands(tmp_path, monkeypatch, fields, size):
    """However the file is cut, and beside columns that are read as what they hold."""
    monkeypatch.setattr(text_file, "PIECE", size)
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([("id", "n"), *((f, 1) for f in fields)])
    source = read(tmp_path, text.getvalue()).as_text(["id"])
    for frame in (source.whole(), pl.concat(source.chunks()), source.whole(["id"])):
        assert frame["id"].to_list() == fields
    assert source.dtypes == {"id": pl.String, "n": pl.Int64}
    assert pl.concat(source.chunks(["n", "id"])).columns == ["n", "id"]
    again = source.as_text(["n"], ["1"]).as_text(["id"], ["NA", ""])
    assert again.whole()["n"].to_list() == [None] * len(fields)
    assert again.whole()["id"].to_list() == [None if f in ("NA", "") else f for f in fields]
    assert source.whole()["n"].to_list() == [1] * len(fields)


def test_text_as_it_stands_of_columns_that_are_there(tmp_path):
    with pytest.raises(TableError, match=r"unknown column 'texd'; did you mean 'text'"):
        read(tmp_path, joined(",")).as_text(["texd"])
    frame = pl.DataFrame({"a": [1]})
    assert open_source(frame).as_text(["a"]).whole().equals(frame)
    with pytest.raises(TableError, match="unknown column 'b'"):
        open_source(frame).as_text(["b"])


ENCODINGS = [
    ("latin-1", b"", {"encoding": "latin-1"}, ""),
    ("cp1252", b"", {"encoding": "cp1252"}, ""),
    ("utf-8", codecs.BOM_UTF8, {}, ""),
    ("utf-8", codecs.BOM_UTF8, {"encoding": "utf-8-sig"}, ""),
    ("utf-16-le", codecs.BOM_UTF16_LE, {}, "encoding utf-16, by its byte order mark"),
    ("utf-16-be", codecs.BOM_UTF16_BE, {}, "encoding utf-16, by its byte order mark"),
    ("utf-16-le", b"", {}, "encoding utf-16-le, by its NUL bytes"),
    ("utf-16-be", b"", {}, "encoding utf-16-be, by its NUL bytes"),
    ("utf-32-le", b"", {}, "encoding utf-32-le, by its NUL bytes"),
    ("utf-32-be", b"", {}, "encoding utf-32-be, by its NUL bytes"),
    ("utf-32-le", codecs.BOM_UTF32_LE, {}, "encoding utf-32, by its byte order mark"),
    ("utf-16", b"", {"encoding": "utf-16"}, ""),
    ("utf-32", b"", {"encoding": "utf-32"}, ""),
]


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
@pytest.mark.parametrize("size", [3, 2**20])
@pytest.mark.parametrize(("encoding", "mark", "options", "note"), ENCODINGS)
def test_encodings(tmp_path, monkeypatch, encoding, mark, options, note, size, compress):
    monkeypatch.setattr(text_file, "PIECE", size)
    rows = [("größe", "1"), ("ü", "2"), ("é,è", "3")]
    text = 'naïve,n\ngröße,1\nü,2\n"é,è",3\n'
    name = "table.csv.gz" if compress is gzip.compress else "table.csv"
    source = read(tmp_path, compress(mark + text.encode(encoding)), name, **options)
    check(source, ("naïve", "n"), rows)
    assert source.notes == ((note,) if note else ())


def test_gzip_in_several_members_and_without_the_ending(tmp_path):
    content = gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"3,4\n")
    for name in ("table.csv.gz", "table.csv"):
        check(read(tmp_path, content, name), ("a", "b"), [("1", "2"), ("3", "4")])


def test_fingerprint_is_of_the_bytes(tmp_path):
    content = joined(",").encode()
    assert read(tmp_path, content).fingerprint() == hashlib.sha256(content).hexdigest()


def test_ten_thousand_columns(tmp_path):
    names = [f"c{k}" for k in range(10_000)]
    row = ",".join(["0.25"] * 9_999 + ["NA"])
    source = read(tmp_path, ",".join(names) + f"\n{row}" * 30 + "\n1" + ",1" * 9_998 + ",x\n")
    frame = source.whole()
    assert frame.shape == (31, 10_000)
    assert frame["c9999"].to_list() == ["NA"] * 30 + ["x"]
    assert pl.concat(source.chunks()).equals(frame)
