"""What stands above the rows: a header or none, titles, comments, names that come twice."""

import itertools

import polars as pl
import pytest

from chainrule.tabular.files.heading import has_header
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.table_error import TableError

IRIS = [["5.1", "3.5", "1.4", "0.2", "Iris-setosa"], ["4.9", "3.0", "1.4", "0.2", "Iris-setosa"]]
ADULT = [
    ["39", "State-gov", "2174", "<=50K"],
    ["50", "?", "0", "<=50K"],
    ["38", "Private", "0", ">50K"],
]
ABALONE = [["M", "0.455", "0.365", "15"], ["F", "0.53", "0.42", "9"], ["M", "0.44", "0.365", "10"]]
MUSHROOM = [["p", "x", "s", "n"], ["e", "x", "s", "y"], ["e", "b", "s", "w"], ["p", "x", "y", "w"]]
CARS = [
    ["vhigh", "2", "small", "unacc"],
    ["vhigh", "5more", "med", "acc"],
    ["low", "2", "big", "unacc"],
]
HEADERS = [
    # none: what UCI writes
    (IRIS, False),
    (ADULT, False),
    (ABALONE, False),
    (MUSHROOM, False),
    (CARS, False),
    ([["?", "1.5", "a"], ["2", "3.5", "b"]], False),
    ([["1", "2"], ["3", "4"]], False),
    ([["0", "0", "0"], ["0", "1", "1"], ["1", "0", "1"]], False),
    ([["2024-01-31", "x1"], ["2024-02-01", "x2"]], False),
    ([["31.12.2020", "$1,173"], ["1.1.2021", "$980"]], False),
    ([["A-17", "red"], ["B-22", "blue"]], False),
    ([["2019", "2020", "2021"], ["2018", "2022", "2020"]], False),
    ([["M", "M", "F"], ["x", "y", "z"]], False),
    # one
    ([["size", "kind", "price"], ["1.5", "a", "3"], ["2", "b", "5"]], True),
    ([["name", "city"], ["Bob", "Paris"], ["Ann", "Rome"]], True),
    ([["x1", "x2", "y"], ["1", "2", "a"], ["3", "4", "b"]], True),
    ([["id", "2019", "2020", "2021"], ["1", "5.5", "6", "7"], ["2", "5", "6", "8"]], True),
    ([["country", "2019", "2020"], ["fr", "5.5", "6"], ["de", "5", "6.5"]], True),
    ([["2019", "2020", "2021"], ["4.5", "6.1", "7.2"], ["4", "6", "7"]], True),
    ([["sample", "400.5", "401.0", "401.5"], ["a", "1", "2", "4"], ["b", "3", "9", "4"]], True),
    ([["", "0", "1"], ["0", "x", "y"]], True),
    ([["date", "code"], ["2024-01-31", "A-17"], ["2024-02-01", "B-22"]], True),
    ([["when", "cost"], ["01 Apr 2012", "$1,173"], ["02 May 2012", "45%"]], True),
    ([["#", "n/a", "size"], ["1", "2", "3"]], True),
    ([["a", "b"]], True),
]


@pytest.mark.parametrize(("rows", "expected"), HEADERS)
def test_a_header_reads_otherwise_than_the_rows(rows, expected):
    assert has_header(rows[0], rows[1:]) is expected


@pytest.mark.parametrize(
    "rows",
    [
        [["x", "y"], ["1", "y"], ["2", "n"]],
        [["id", "400.1", "402.7", "411.3"], ["1", "2", "3", "4"], ["2", "5", "3", "7"]],
        [["5.1", "unknown", "a"], ["4.9", "2", "a"], ["6", "3", "b"]],
    ],
)
def test_where_as_much_speaks_for_values_it_is_asked(tmp_path, rows):
    with pytest.raises(
        TableError, match="may hold names or values; say which by `header=True` or `h"
    ):
        has_header(rows[0], rows[1:])
    path = tmp_path / "table.csv"
    path.write_text("".join(",".join(row) + "\n" for row in rows))
    with pytest.raises(TableError, match=r"table.csv: the first row, '.*', may hold names"):
        open_source(path)
    assert open_source(path, header=True).columns == tuple(rows[0])
    none = open_source(path, header=False)
    assert none.columns == tuple(f"column_{k + 1}" for k in range(len(rows[0])))
    assert none.whole().height == len(rows)
    assert pl.concat(none.chunks()).equals(none.whole())


ABOVE = [
    ("# made by hand\n# in 2024\nsize,kind\n1,a\n2,b\n", ("size", "kind"), 2, ""),
    ("# size,kind\n1,a\n2,b\n", ("size", "kind"), 2, ""),
    ("#,kind\n1,a\n2,b\n", ("#", "kind"), 2, ""),
    ("#id,kind\n1,a\n2,b\n", ("#id", "kind"), 2, ""),
    ("# a, b\nsize,kind\n1,a\n2,b\n", ("size", "kind"), 2, ""),
    ("Sales, 2024\n\nsize,kind,n\n1,a,2\n2,b,3\n", ("size", "kind", "n"), 2, "a line left out"),
    ("Sales\nby Ann\nsize,kind,n\n1,a,2\n2,b,3\n", ("size", "kind", "n"), 2, "2 lines left out"),
    ("Sales;;\n;;\nsize;kind;n\n1;a;2\n2;b;3\n", ("size", "kind", "n"), 2, "left out, 'Sales'"),
    ("Sales\nname,city,job\nBob,Rome,cook\nAnn,Oslo,vet\n", ("name", "city", "job"), 2, "left out"),
    ("sep=;\nsize;kind\n1;a\n2;b\n", ("size", "kind"), 2, ""),
    ('"sep=|"\r\nsize|kind\r\n1|a\r\n', ("size", "kind"), 1, ""),
    ("sep=;\n1,5;a\n2,5;a\n", ("column_1", "column_2"), 2, "no header"),
]


@pytest.mark.parametrize(("text", "columns", "rows", "note"), ABOVE)
def test_what_stands_above_the_table_is_no_part_of_it(tmp_path, text, columns, rows, note):
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode())
    source = open_source(path)
    assert (source.columns, source.whole().height) == (columns, rows)
    assert pl.concat(source.chunks()).equals(source.whole())
    assert note in "; ".join(source.notes)


def test_lines_to_skip_are_counted(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("note,b\n# x\na,b\n1,2\n")
    assert open_source(path, skip_lines=2).columns == ("a", "b")
    assert open_source(path, skip_lines=3, header=False).whole().rows() == [(1, 2)]
    assert open_source(path, skip_lines=1, header=False, delimiter=";").columns == ("column_1",)
    with pytest.raises(TableError, match="has no rows below its first 9 lines"):
        open_source(path, skip_lines=9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2,3\n4,5,6\n", "line 2 has 3 fields, the header has 2"),
        ("a,b,c\n1,2\n1,2,3,4\n", "line 2 has 2 fields, the header has 3"),
        ("x,y\nRome,1,2\nOslo,3,4\n", "line 2 has 3 fields, the header has 2"),
    ],
)
def test_a_header_that_is_too_short_is_no_title(tmp_path, text, message):
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(TableError, match=message):
        open_source(path).whole()


@pytest.mark.parametrize(
    ("names", "numbered"),
    [
        ("x,x,y", ("x", "x_2", "y")),
        ("x,x_2,x,x", ("x", "x_2", "x_3", "x_4")),
        ("column_2,,a", ("column_2", "column_2_2", "a")),
        (" x,x ,X", ("x", "x_2", "X")),
    ],
)
def test_names_that_come_twice_are_numbered_on_request(tmp_path, names, numbered):
    path = tmp_path / "table.csv"
    row = ",".join(str(k) for k in range(5, 6 + names.count(",")))
    path.write_text(f"{names}\n{row}\n")
    assert open_source(path, number_duplicates=True).columns == numbered
    with pytest.raises(TableError, match=r"2 columns are called|3 columns are called"):
        open_source(path)


def test_few_rows_are_looked_at_where_they_are_wide(tmp_path):
    path = tmp_path / "wide.csv"
    names = ",".join(f"c{k}" for k in range(5_000))
    rows = ("\n" + ",".join(map(str, range(k, k + 5_000))) for k in range(40))
    path.write_text("".join(itertools.chain([names], rows)) + "\n")
    assert open_source(path).whole().shape == (40, 5_000)
