"""Text with delimiters, beside Python's csv module: values, kinds, dialects, encodings, refusals."""

import codecs
import csv
import gzip
import hashlib
import io
import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.tables import TableError, open_source, text_file
from chainrule.tables.fields import NULLS

NUMBER = re.compile(r"[ \t]*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?")


def written(tmp_path, content, name="table.csv"):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(tmp_path, content, name="table.csv", **options):
    return open_source(written(tmp_path, content, name), **options)


def values(fields):
    """What the fields of a column hold, by rules of their own: kind and values."""
    filled = [field for field in fields if field not in NULLS]
    if filled and all(field.lower() in ("true", "false") for field in filled):
        return pl.Boolean, [None if f in NULLS else f.lower() == "true" for f in fields]
    if filled and all(NUMBER.fullmatch(field) or not field.strip(" \t") for field in filled):
        spelled = [field.strip(" \t") for field in filled if field.strip(" \t")]
        whole = all(re.fullmatch(r"[+-]?\d+", f) and -(2**63) <= int(f) < 2**63 for f in spelled)
        kind, number = (pl.Int64, int) if whole else (pl.Float64, float)
        none = [f in NULLS or not f.strip(" \t") for f in fields]
        return kind, [None if n else number(f) for f, n in zip(fields, none, strict=True)]
    return pl.String, [None if field in NULLS else field for field in fields]


def check(source, names, rows):
    """Hold a source to rows of fields, both as a whole and in chunks."""
    assert source.columns == tuple(names)
    expected = [values(column) for column in zip(*rows, strict=True)]
    for frame in (source.whole(), pl.concat(source.chunks())):
        assert list(frame.schema.values()) == [kind for kind, _ in expected]
        for column, (_, found) in zip(frame.iter_columns(), expected, strict=True):
            assert column.to_list() == found
    assert source.dtypes == dict(zip(names, [kind for kind, _ in expected], strict=True))


# Any table, as the csv module writes it

WORDS = st.text('ab1 ",;\n\r\t|\'é∂😀', max_size=5)
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
        fields = st.one_of(draw(COLUMNS), st.sampled_from(NULLS))
        columns.append(draw(st.lists(fields, min_size=height, max_size=height)))
    return list(zip(*columns, strict=True))


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
        check(read(tmp_path, text.getvalue(), delimiter=delimiter), names, rows)


def rows_of(text):
    """The rows of a text as the csv module sees them; None where it refuses them."""
    lines = re.findall(r"[^\n]*\n|[^\n]+", text)
    try:
        rows = [row for row in csv.reader(lines, strict=True) if row]
    except csv.Error:
        return None
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
