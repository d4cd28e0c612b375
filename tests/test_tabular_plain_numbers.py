"""Rows that are plainly made of numbers: what the engine reads, and what it leaves to polars."""

from decimal import Decimal, localcontext

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import engine
from chainrule.tabular.files import text_file
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.files.plain_numbers import plain_numbers

pytestmark = pytest.mark.skipif(engine.native is None, reason="there is no compiled engine")

NUMBER, WHOLE = pl.Float64(), pl.Int64()


def column(fields, kind=NUMBER):
    """Return some fields as a column, or None where they are not read."""
    found = plain_numbers("".join(f"{field}\n" for field in fields).encode(), ",", {"x": kind})
    return None if found is None else found["x"].to_list()


def check_nearest(fields):
    """Say that each field is read as the number that Python reads."""
    found = column(fields)
    assert found is not None
    assert [x.hex() for x in found] == [float(field).hex() for field in fields]


@given(st.floats(-1e307, 1e307))
def test_any_number_as_it_is_written(x):
    check_nearest([f"{x!r}", f"{x:.3e}", f"{x:.20e}"])


@given(st.integers(), st.integers(-400, 300), st.integers(0, 19))
def test_digits_a_point_and_an_exponent(digits, power, behind):
    text = f"{abs(digits):020d}"
    field = f"{'-' * (digits < 0)}{text[: len(text) - behind]}.{text[len(text) - behind :]}"
    field = field.removesuffix(".")
    for each in (field, f"{field}e{power}", f"{field}E{power:+d}"):
        found = column([each])
        assert found is None or found[0].hex() == float(each).hex()
        assert found is not None or not 1e-300 < abs(float(each)) < 1e300


def test_numbers_close_to_the_middle_between_two():
    draw, fields = np.random.default_rng(0), []
    with localcontext(prec=60):
        for x in (draw.normal(size=500) * 10.0 ** draw.integers(-9, 12, 500)).tolist():
            middle = (Decimal(x) + Decimal(float(np.nextafter(x, np.inf)))) / 2
            for digits in (17, 18, 19, 50):
                unit = Decimal(1).scaleb(middle.adjusted() - digits + 1)
                fields += [f"{middle.quantize(unit) + k * unit:f}" for k in (-1, 0, 1)]
    check_nearest(fields)
    check_nearest([str(2**power + k) for power in (53, 54, 60, 70) for k in range(-40, 41)])


READ = {
    "0": 0.0,
    "-0": -0.0,
    "-0.0": -0.0,
    "007.50": 7.5,
    "0.00000000000000000001": 1e-20,
    "00000000000000000000000012": 12.0,
    "12345678901234567890": 12345678901234567890.0,
    "1.2345678901234567890123": 1.2345678901234567890123,
    "1e5": 1e5,
    "1E-05": 1e-5,
    "1.5e+22": 1.5e22,
    "1.e2": 100.0,
    "5e-324": 5e-324,
    "1e308": 1e308,
    "0e999": 0.0,
    "12\r": 12.0,
}


@pytest.mark.parametrize("field", READ)
def test_what_is_read(field):
    (found,) = column([field])
    (by_polars,) = pl.read_csv(f"{field}\n".encode(), has_header=False, schema={"x": NUMBER})["x"]
    assert found.hex() == by_polars.hex() == READ[field].hex()


LEFT = [
    *("1.", ".5", "-", "+1", "--1", "-.5", "1e", "1e+", "e5", "1e400", "-1e400", "1.5.2", "1 2"),
    *(" 1", "1 ", "1_0", "1,2", '"1"', "nan", "NaN", "inf", "-inf", "NA", "0x1", "1f", "½", "1\0"),
    *("1\r\r", "\r", "", "1\n"),
]


@pytest.mark.parametrize("field", LEFT)
def test_what_is_left_to_polars(field):
    assert column([field]) is None
    assert column(["1", field, "2"]) is None


WHOLES = {"0": 0, "-0": 0, "007": 7, "-12": -12, f"{2**63 - 1}": 2**63 - 1, f"-{2**63}": -(2**63)}
LEFT_OF_WHOLES = ["", "-", "1.0", "1e3", f"{2**63}", "9" * 30, "+1", " 1", "1-", "\r"]


@pytest.mark.parametrize("field", [*WHOLES, *LEFT_OF_WHOLES])
def test_whole_numbers(field):
    expected = [WHOLES[field]] if field in WHOLES else None
    assert column([field], WHOLE) == expected


KINDS = {"a": WHOLE, "b": NUMBER, "c": NUMBER}
ROWS = {
    "plain": (b"1,2.5,3\n-4,5,6e1\n", [(1, 2.5, 3.0), (-4, 5.0, 60.0)]),
    "lines that end as on Windows": (b"1,2,3\r\n4,5,6\r\n", [(1, 2.0, 3.0), (4, 5.0, 6.0)]),
    "empty fields": (b"1,,3\n4,5,\n7,,\n", [(1, None, 3.0), (4, 5.0, None), (7, None, None)]),
    "too short": (b"1,2,3\n4,5\n", None),
    "too long": (b"1,2,3\n4,5,6,7\n", None),
    "a blank line": (b"1,2,3\n\n4,5,6\n", None),
    "an empty whole number": (b"1,2,3\n,5,6\n", None),
    "no line feed": (b"1,2,3\n4,5,6", None),
    "nothing": (b"", None),
    "a lone line feed": (b"\n", None),
    "another delimiter": (b"1;2;3\n", None),
    "a word": (b"1,2,three\n", None),
}


@pytest.mark.parametrize("name", ROWS)
def test_rows(name):
    rows, expected = ROWS[name]
    found = plain_numbers(rows, ",", KINDS)
    assert (None if found is None else found.rows()) == expected
    if found is not None:
        assert found.schema == pl.Schema(KINDS)
        some = plain_numbers(rows, ",", KINDS, [2])
        assert some is not None
        assert some.equals(found.select("c"))


def test_columns_of_words_are_left_to_polars():
    assert plain_numbers(b"1,2\n", ",", {"a": pl.String(), "b": NUMBER}) is None


@pytest.mark.parametrize("late", ["", "1e400", " 7", "word", '"8"', "1."])
def test_a_table_is_what_polars_reads(tmp_path, monkeypatch, late):
    """In pieces and at once, also where a field that is not plain comes late."""
    monkeypatch.setattr(text_file, "PIECE", 2**14)
    draw = np.random.default_rng(0)
    table = pl.DataFrame({"n": draw.integers(-99, 99, 3000), "x": draw.normal(size=3000)})
    path = tmp_path / "table.csv"
    path.write_text(table.write_csv() + f"5,{late}\n7,0.25\n")
    source = open_source(path)
    whole, pieces = source.whole(), pl.concat(source.chunks())
    monkeypatch.setattr(engine, "native", None)
    assert whole.equals(pieces)
    assert whole.equals(open_source(path).whole())


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("size", [1, 7, 16, 1000])
def test_pieces_end_where_lines_do(tmp_path, monkeypatch, size, mark):
    monkeypatch.setattr(text_file, "PIECE", size)
    monkeypatch.setattr(text_file, "LONGEST", 100)
    rows = "".join(f"{k},{k / 8}\n" for k in range(99))
    path = tmp_path / "table.csv"
    path.write_text(f"{mark}a,b\n{rows}", encoding="utf-8")
    pieces = list(text_file.text_file("table.csv", path, "utf-8").bare_pieces(4))
    assert b"".join(pieces).decode() == rows
    assert all(piece.endswith(b"\n") for piece in pieces)


def test_a_line_that_is_too_long_is_left_to_others(tmp_path, monkeypatch):
    monkeypatch.setattr(text_file, "PIECE", 16)
    monkeypatch.setattr(text_file, "LONGEST", 100)
    path = tmp_path / "table.csv"
    path.write_text("a,b\n1,2\n3," + "4" * 10_000 + "\n")
    *_, last = text_file.text_file("table.csv", path, "utf-8").bare_pieces(4)
    assert 100 < len(last) <= 132
    assert plain_numbers(last, ",", {"a": WHOLE, "b": NUMBER}) is None
