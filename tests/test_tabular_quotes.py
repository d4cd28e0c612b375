"""Quotes, blank lines and long fields: the right rows, in work that goes with the length."""

import csv
import io
import random
from collections import Counter
from contextlib import suppress

import pandas as pd
import polars as pl
import pytest

from chainrule.tabular.files import dialect, quoting, text_file
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.table_error import TableError
from test_tabular_reading_csv import read, written

# The right rows, beside pandas and Python's csv module

PLACES = [
    'a,b\n1,5" wide\n2,x\n3,6" high\n',
    'a,b\n1,5" wide\n2,x\n',
    'a,b\n1,x\n2,7" by 8"\n',
    'a,b\n"1","x, y"\n2,5" wide\n3,"say ""so"""\n',
    'a,b\n5",5"\n"6","6"""\n',
    'a,b\nx""y,""\n"""",z""\n',
    'a,b\n1,5"""\n2,"x\ny"\n3,it\'s 6"\r\n',
    'a,b\r\n1,5" wide\r\n2,"6\r\n7"\r\n',
    'a\n5" wide\n\n"x"\n',
    'a;b\n5";"c;d"\ne"f;g"h"\n',
    '\r\n\r\na,b\r\n\r\n1,5" wide\r\n\r\n"2",x\r\n',
]


@pytest.mark.parametrize("size", [1, 2, 7, 20, 2**20])
@pytest.mark.parametrize("text", PLACES)
def test_a_quote_within_a_field_is_a_character(tmp_path, monkeypatch, text, size):
    monkeypatch.setattr(text_file, "PIECE", size)
    path = written(tmp_path, text)
    delimiter = ";" if ";" in text else ","
    expected = pd.read_csv(path, dtype=str, keep_default_na=False, sep=delimiter)
    source = open_source(path)
    source = source.as_text(source.columns)
    for frame in (source.whole(), pl.concat(source.chunks())):
        assert frame.fill_null("").rows() == [*expected.itertuples(index=False, name=None)]


FIELDS = [
    *("x", "y z", "1", "2.5", "", '5" wide', '7" by 8"', 'a""b', 'c"', "é"),
    *('"q"', '"a, b; c"', '"say ""so"""', '""""', '"l\nm"', '"r\r\ns"', '""', '"5"" wide"'),
]
"""Fields as they stand in a file."""


def files(count):
    """Texts of random rows with odd ends of lines, and their rows by the csv module."""
    draw = random.Random(0)
    for _ in range(count):
        width, end = draw.randint(2, 4), draw.choice(["\n", "\r\n", "\n\n", "\r\n\r\n"])
        rows = [draw.choices(FIELDS, k=width) for _ in range(draw.randint(1, 12))]
        text = "".join(",".join(row) + draw.choice([end, "\n"]) for row in rows)
        text = text.rstrip("\r\n") if draw.random() < 0.3 else text
        yield width, text, list(filter(None, csv.reader(io.StringIO(text, newline=""))))


def test_random_rows_are_those_of_the_csv_module(tmp_path, monkeypatch):
    draw = random.Random(1)
    for width, text, rows in files(120):
        names = [f"c{k}" for k in range(width)]
        monkeypatch.setattr(text_file, "PIECE", draw.choice([1, 3, 8, 30, 2**20]))
        source = read(tmp_path, ",".join(names) + f"\n{text}", header=True, delimiter=",")
        source = source.as_text(names)
        for frame in (source.whole(), pl.concat(source.chunks())):
            assert list(map(list, frame.fill_null("").rows())) == rows, text


@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("place", ["first", "later"])
def test_a_field_may_be_longer_than_the_csv_module_has_it(tmp_path, quote, place):
    long = "x" * 200_000
    row = f"1,{quote}{long}{quote}\n"
    text = "a,b\n" + (row + "2,y\n" if place == "first" else "2,y\n" * 300_000 + row)
    source = read(tmp_path, text)
    for frame in (source.whole(), pl.concat(source.chunks())):
        assert frame.filter(pl.col("a") == 1).rows() == [(1, long)]


@pytest.mark.parametrize("size", [1, 9, 100])
def test_a_header_of_many_lines_or_below_many_blank_ones(tmp_path, monkeypatch, size):
    monkeypatch.setattr(dialect, "HEAD", size)
    for text in ('"a\nb","c\n\nd"\n1,x\n2,y\n', "\n" * 500 + "a,b\n1,x\n2,y\n"):
        source = read(tmp_path, text)
        assert source.whole().rows() == pl.concat(source.chunks()).rows() == [(1, "x"), (2, "y")]
    with pytest.raises(TableError, match="line 503 has 3 fields, the header has 2"):
        read(tmp_path, "\n" * 500 + "a,b\n1,x\n2,y,z\n").whole()


def test_a_first_row_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(dialect, "HEAD", 10)
    monkeypatch.setattr(dialect, "LONG", 20)
    with pytest.raises(TableError, match="line 1 does not end within 20 bytes"):
        read(tmp_path, 'a,"b\n' + "c\n" * 100)


# The work


@pytest.fixture
def work(monkeypatch):
    """What is read and looked at, in bytes, from here on."""
    done = Counter()

    def counted(name, function):
        def counting(*args):
            found = function(*args)
            done[name] += sum(len(arg) for arg in args if isinstance(arg, bytes))
            return found

        return counting

    blocks = text_file._without_marks

    def counted_blocks(given):
        for block in blocks(given):
            done["read"] += len(block)
            yield block

    monkeypatch.setattr(text_file, "PIECE", 2_000)
    monkeypatch.setattr(text_file, "LONGEST", 2**22)
    monkeypatch.setattr(text_file, "_without_marks", counted_blocks)
    monkeypatch.setattr("chainrule.tabular.files.dialect.HEAD", 2_000)
    monkeypatch.setattr("chainrule.tabular.files.dialect.LONG", 4_000)
    monkeypatch.setattr(quoting.Quotes, "follow", counted("followed", quoting.Quotes.follow))
    monkeypatch.setattr(quoting, "is_regular", counted("regular", quoting.is_regular))
    plain = "chainrule.tabular.files.delimited_text.plain_rows"
    from chainrule.tabular.files.text_layout import plain_rows

    monkeypatch.setattr(plain, counted("plain", plain_rows))
    return done


ROWS = "1,x\n2,y\n"
HARD = {
    "plain": lambda n: ROWS * (n // 8),
    "blank lines": lambda n: ROWS + "\n" * n + ROWS,
    "blank lines of Windows": lambda n: ROWS + "\r\n" * (n // 2) + ROWS,
    "blanks": lambda n: ROWS + "  \n" * (n // 3) + ROWS,
    "a quote never closed": lambda n: ROWS + '3,"x\n' + ROWS * (n // 8),
    "a quote never closed in the middle": lambda n: ROWS * (n // 16) + '3,"x\n' + ROWS * (n // 16),
    "a quote closed late": lambda n: ROWS + '3,"x\n' + ROWS * (n // 8) + '"\n',
    "a quote as a character": lambda n: ROWS + '3,5" x\n' + ROWS * (n // 8),
    "many quotes as characters": lambda n: '3,5" x\n' * (n // 7),
    "quotes of both sorts": lambda n: '3,5" x\n"4","y ""z"""\n' * (n // 20),
    "quotes alone": lambda n: ROWS + '3,"' + '""' * (n // 2) + '"\n',
    "doubled quotes": lambda n: '3,"""a"" ""b"""\n' * (n // 16),
    "one long line": lambda n: ROWS + "3," + "x" * n,
    "returns in fields": lambda n: "1,a\rb\n" * (n // 6),
    "odd ends": lambda n: "1,x\r\r\n2,y\r\n3,z\n" * (n // 16),
}


@pytest.mark.parametrize("use", ["whole", "chunks"])
@pytest.mark.parametrize("kind", HARD)
def test_work_goes_with_the_length(tmp_path, work, kind, use):
    """However it is written: twice the length is twice the work, and each byte has a few looks."""
    sums = []
    for length in (60_000, 120_000):
        work.clear()
        path = written(tmp_path, "a,b\n" + HARD[kind](length))
        with suppress(TableError):  # of a quote never closed
            source = open_source(path, header=True, delimiter=",")
            source.whole() if use == "whole" else list(source.chunks())
        assert all(count < 5 * length for count in work.values())
        sums.append(work.total())
    assert sums[1] < 2.3 * sums[0]
