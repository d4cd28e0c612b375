"""Tables of one's own in the playground: how they are read, and what becomes of their columns."""

import csv
import io
import itertools
import math

import numpy as np
import pytest

from playground_data import REAL, lines, read, table
from wasm_cases import NODE

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no Node")


def written(rng, delimiter, quoting, end):
    """A random table as Python's csv writes it, and its cells."""
    pools = [
        ["1", "-2", "0.5", "1e-3", "", "+7", "1234567890123456789", "6.02e23", "-0.0", ".5", "3."],
        ["red", 'say "hi"', "a,b", "c;d", "tab\there", "two\nlines", "", "ä城", '"', "x|y"],
        ["0.1", "2.25", "-3.125"],
    ]
    chosen = [pools[k] for k in rng.integers(len(pools), size=rng.integers(2, 6))]
    rows = [[f"n {k}" for k in range(len(chosen))]]
    rows += [[str(rng.choice(pool)) for pool in chosen] for _ in range(rng.integers(1, 40))]
    rows = [rows[0], *(row for row in rows[1:] if any(row)), ["x"] * len(chosen)]
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator=end).writerows(rows)
    return file.getvalue(), rows


def test_tables_are_read_as_python_reads_them():
    rng = np.random.default_rng(0)
    kinds = list(itertools.product(",;\t|", (csv.QUOTE_MINIMAL, csv.QUOTE_ALL), ("\n", "\r\n")))
    tables = [written(rng, *kind) for kind in kinds for _ in range(3)]
    sizes = [10_000 if k % 3 else len(text) // 2 for k, (text, _) in enumerate(tables)]
    given = [(text, size) for (text, _), size in zip(tables, sizes, strict=True)]
    for (_, rows), columns in zip(tables, read("pieces", given), strict=True):
        for (name, *cells), column in zip(zip(*rows, strict=True), columns, strict=True):
            assert column["name"] == name
            assert column["texts"] == cells
            assert [float(number) for number in column["numbers"]] == pytest.approx(
                [number(cell) for cell in cells], rel=0, abs=0, nan_ok=True
            )


def number(cell):
    try:
        return float(cell)
    except ValueError:
        return math.nan


def test_every_number_is_the_nearest():
    rng = np.random.default_rng(1)
    values = rng.normal(size=3000) * 10.0 ** rng.integers(-30, 30, size=3000)
    forms = ("{!r}", "{:.3f}", "{:.17g}", "{:e}", "{:.1E}")
    texts = [form.format(float(v)) for v, form in zip(values, itertools.cycle(forms), strict=False)]
    assert [*map(float, read("numbers", texts))] == [*map(float, texts)]


def test_files_are_read_in_pieces_and_encodings():
    words = [f"käse {k}" for k in range(3)]
    expected = [20000, ["zahl", "halb", "wort"], words, sum(range(20000)), 3]
    assert read("files") == [expected] * 4


def test_a_million_rows_are_taken_and_that_is_said():
    more, n, said = read("million")
    assert (more, n) == ([True, True, True, False, False], 1_000_000)
    assert said == [["csv.first_rows", {"most": 1_000_000}]]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "csv.one_column"),
        ("hello world", "csv.one_column"),
        ("a,b\n", "csv.empty"),
        ('a,b\n1,"2\n3,4', "csv.quote"),
        ('a,b\n1,"2"x\n', "csv.after_quote"),
        (",".join(map(str, range(2000))), "csv.columns"),
        ("a,b\n,\n,\n", "table.no_columns"),
        (lines("xy", (1, "p"), (2, "p")), "table.one_class"),
        (lines("xy", ("a", "b"), ("a", "c")), "table.no_inputs"),
        (lines("xy", (1, "p"), (1.0, "p")), "table.one_class"),
        (lines("xy", (1, "p"), (2, "")), "table.one_class"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(text, word):
    assert table(text)["word"] == word


def test_odd_rows_and_missing_names_are_said():
    made = table("1,2,p\n3,4,q\n5,6\n7,8,9,10\n2,2,p")
    assert made["said"] == [
        ["csv.no_names", {}],
        ["csv.odd_rows", {"count": 2, "row": 3, "cells": 3}],
    ]
    assert made["made"]["names"]["inputs"] == ["column_1", "column_2"]


def test_names_that_are_there_twice_are_numbered():
    made = table(lines(("x", "x", "x_2", "y"), (1, 2, 4, "p"), (5, 7, 8, "q")))
    assert made["made"]["names"]["inputs"] == ["x", "x_3", "x_2"]


# Decimal signs


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["1,5;p", "2,25;q"], [1.5, 2.25]),
        (["0,125;p", "2,250;q"], [0.125, 2.25]),
        (["1.234;p", "2.5;q"], [1.234, 2.5]),
        (["1.234;p", "2.345.678;q"], [1234, 2345678]),
        (["1.234;p", "2.345;q"], ["column.two_ways", "1.234", 1.234, 1234]),
        (["1,230;p", "2,345;q"], ["column.two_ways", "1,230", 1.23, 1230]),
        (["1,5;p", "2.5;q"], ["column.both_signs"]),
    ],
)
def test_a_decimal_comma_is_one_where_it_parts_no_thousands(rows, expected):
    if isinstance(expected[0], str):
        more = [row.replace(";", f";{k};") for k, row in enumerate(rows)]
        kinds = table("\n".join(["x;z;y", *more]))
        word, holes = kinds["kinds"][0].get("why") or kinds["kinds"][0]["aside"]
        assert kinds["first"]["uses"]["x"] == "out"
        assert [
            word,
            *(holes[name] for name in ("text", "one", "other") if name in holes),
        ] == expected
        return
    made = table("\n".join(["x;y", *rows]))
    scaled = np.array(expected)
    np.testing.assert_allclose(made["made"]["train"]["X"], (scaled - scaled.mean()) / scaled.std())


def test_a_point_beside_decimal_commas_parts_thousands():
    made = table("x;z;y\n1.234;0,5;p\n2.345;1,5;q")
    assert [own["mean"] for own in made["made"]["scale"]] == [1789.5, 1]


# Columns


def test_columns_become_inputs_as_their_kind_says():
    rng = np.random.default_rng(2)
    size = rng.normal(50, 9, size=60).round(3)
    colour = rng.choice(["red", "green", "blue"], size=60)
    known = rng.random(60) < 0.8
    grade = rng.choice(["good", "bad"], size=60)
    rows = zip(np.where(known, size, np.nan), colour, rng.random(60), grade, strict=True)
    cells = ((("-" if math.isnan(own) else own), *rest) for own, *rest in rows)
    text = lines(("size", "colour", "ward", "grade"), *cells)
    made = table(text, test=0.5, uses={"ward": "out"})["made"]
    train = np.array(made["train"]["rows"])
    inputs = ["size", "size ?", "colour = red", "colour = green", "colour = blue"]
    assert sorted(made["names"]["inputs"]) == sorted(inputs)
    held = [*train, *made["test"]["rows"]]
    X = np.reshape(made["train"]["X"] + made["test"]["X"], (-1, 5))
    place = {name: X[:, k] for k, name in enumerate(made["names"]["inputs"])}
    trained = size[train][known[train]]
    expected = np.where(known, (size - trained.mean()) / trained.std(), 0)
    np.testing.assert_allclose(place["size"], expected[held], atol=1e-9)
    np.testing.assert_array_equal(place["size ?"], ~known[held])
    for each in ("red", "green", "blue"):
        np.testing.assert_array_equal(place[f"colour = {each}"], colour[held] == each)
    assert made["classes"] == ["bad", "good"]
    labels = made["train"]["labels"] + made["test"]["labels"]
    assert [made["classes"][label] for label in labels] == grade[held].tolist()
    [scale] = made["scale"]
    assert scale["mean"] == pytest.approx(trained.mean())


def test_a_column_that_is_left_out_says_why():
    cells = [
        ("name", "same", "none", "typo", "sign", "x", "y"),
        *((f"id {k}", "a", "", k, k % 3, k * k, k % 2) for k in range(40)),
        ("id 40", "a", "", "12x", ".", 9, 1),
    ]
    made = table(lines(*cells))
    why = {name: kind.get("why") for name, kind in zip(cells[0], made["kinds"], strict=True)}
    assert why == {
        "name": None,
        "same": ["column.constant", {"name": "same", "value": "a"}],
        "none": ["column.empty", {"name": "none"}],
        "typo": None,
        "sign": None,
        "x": None,
        "y": None,
    }
    levels = ["column.levels", {"name": "name", "count": 41, "rows": 41, "most": 100}]
    assert made["kinds"][0]["aside"] == levels
    assert [each.get("absent") for each in made["kinds"]] == [0, 0, 41, 1, 1, 0, 0]
    assert [*made["made"]["names"]["inputs"]] == ["typo", "typo ?", "sign", "sign ?", "x"]
    assert made["first"]["kind"] == "classes"
    assert made["made"]["classes"] == ["0", "1"]


def test_a_table_of_words_trains_and_that_is_said():
    made = table(lines("xy", ("a", "p"), ("b", "q"), ("a", "q")))
    assert ["table.no_numbers", {}] in made["said"]
    assert made["made"]["train"]["X"] == [1, 0, 0, 1, 1, 0]


def test_rows_without_y_are_left_out_and_that_is_said():
    made = table(lines("xy", (1, "p"), (2, ""), (3, "q"), (4, "NA")))
    assert made["made"]["train"]["labels"] == [0, 1]
    assert made["said"] == [["table.rows_without_y", {"count": 2, "name": "y"}]]


def test_a_quantity_is_standardised_and_words_are_none():
    y = np.array([1.5, 2.5, 7.0, 9.25])
    text = lines(("word", "y"), *zip("aabb", y, strict=True))
    made = table(text, REAL)
    assert made["first"]["kind"] == "quantity"
    np.testing.assert_allclose(made["made"]["train"]["y"], (y - y.mean()) / y.std())
    assert table(text, {"target": "count"})["made"]["train"]["y"] == y.tolist()
    refused = table(text, REAL, y="word", kind="quantity")
    assert refused == {"word": "table.words_as_quantity", "holes": {"name": "word"}}
    many = lines("xy", *((k, k / 4) for k in range(200)))
    assert table(many, kind="classes")["word"] == "table.many_classes"
