"""The values that a column is asked to be given: those that read as one of it, and no others."""

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pytest

import chainrule as cr

NAN = float("nan")
QUICK = {"epochs": 1, "hidden": (8,), "effort": "fast", "refit": False}
ALL = pl.DataFrame(
    {
        "number": np.arange(60) % 7 * 1.5,
        "whole": np.arange(60) % 11,
        "truth": np.arange(60) % 2 == 0,
        "word": ["Bonn", "Oslo", "Rome"] * 20,
        "many": [f"c{k % 30}" for k in range(60)],
        "code": ["1", "2", "3", "4", "x"] * 12,
        "day": pl.date_range(pl.date(2020, 1, 15), pl.date(2024, 12, 15), "1mo", eager=True),
        "y": np.arange(60) % 13 * 0.5,
    }
)
NONE_OF_A_COLUMN = {
    "number": ["large", "1,5", float("inf"), [1], 1j, 10**400],
    "whole": ["x", dt.date(2020, 1, 1)],
    "truth": ["yes", 1, 0.0, "on"],
    "word": ["Nowhere", "rome", 3, True, ""],
    "many": ["c30", 3, "C1"],
    "code": [5, 1.5, "X", True],
    "day": ["soon", "31.12.2020", 3, True, 2.5],
}


@pytest.fixture(scope="module")
def of_all():
    return cr.train(ALL, "y", **QUICK)


@pytest.mark.parametrize("column", NONE_OF_A_COLUMN)
def test_what_reads_as_none_of_a_column_is_refused(of_all, column):
    noun = {"number": "number", "whole": "number", "day": "date"}.get(column)
    for value in NONE_OF_A_COLUMN[column]:
        for values in ([value], [ALL[column][0], value], [value, ALL[column][0]]):
            with pytest.raises(cr.TableError) as caught:
                cr.partial_dependence(of_all, ALL, column, values=values)
            said = str(caught.value)
            if noun:
                assert said.startswith("`values=` has ")
                assert said.endswith(f"which is no {noun} as column {column!r} held in training")
            else:
                assert said.startswith(f"unknown category of column {column!r}: ")
            assert len(said) < 500


MEANT = {
    "number": [(1.5, 1.5), ("1.5", 1.5), (np.float32(1.5), 1.5), (3, 3.0), (pd.NA, None)],
    "whole": [(3, 3), ("3", 3), (np.int8(3), 3), (3.0, 3)],
    "truth": [(True, True), ("true", True), ("TRUE", True), (np.bool_(False), False)],
    "word": [("Rome", "Rome"), (np.str_("Rome"), "Rome"), (None, None), (NAN, None)],
    "many": [("c7", "c7"), (None, None)],
    "code": [("1", "1"), (1, "1"), (1.0, "1"), ("x", "x")],
    "day": [
        (day, dt.date(2021, 5, 1))
        for day in (
            dt.date(2021, 5, 1),
            dt.datetime(2021, 5, 1),
            "2021-05-01",
            pd.Timestamp("2021-05-01"),
            np.datetime64("2021-05-01"),
            np.datetime64("2021-05-01", "ns"),
        )
    ]
    + [(pd.NaT, None)],
}


@pytest.mark.parametrize("column", MEANT)
def test_what_can_be_meant_in_one_way_alone_is_that(of_all, column):
    for given, meant in MEANT[column]:
        found = cr.partial_dependence(of_all, ALL, column, values=[given, ALL[column][0]])
        rows = ALL.with_columns(pl.lit(meant, ALL[column].dtype).alias(column))
        right = of_all.predict(rows)["prediction"].mean()
        assert found["mean"][0] == pytest.approx(right, rel=1e-5)


def test_values_are_written_as_in_the_file_of_the_training(tmp_path):
    path = tmp_path / "flats.csv"
    written = ALL.select(
        pl.col("number").cast(pl.String).str.replace(r"\.", ","),
        pl.col("day").dt.strftime("%d.%m.%Y"),
        "y",
    )
    written.write_csv(path, separator=";")
    fitted = cr.train(path, "y", **QUICK)
    for column, text, plain in (
        ("number", "4,5", 4.5),
        ("day", "31.12.2021", dt.date(2021, 12, 31)),
    ):
        found = cr.partial_dependence(fitted, path, column, values=[text, plain])
        assert found["mean"][0] == found["mean"][1]
    with pytest.raises(cr.TableError, match=r"'4\.5', which is no number as column 'number' held"):
        cr.partial_dependence(fitted, path, "number", values=["4.5"])


def test_a_category_beside_those_that_are_known_is_warned_of():
    words = [f"c{k % 120}" for k in range(360)]
    table = pl.DataFrame({"word": words, "y": np.arange(360) % 13 * 0.5})
    fitted = cr.train(table, "y", **QUICK, many_categories="frequent")
    said = "'Nowhere', which is none of the 100 categories of column 'word' that the model knows"
    with pytest.warns(UserWarning, match=said):
        cr.partial_dependence(fitted, table, "word", values=["Nowhere"])
    cr.partial_dependence(fitted, table, "word", values=["c119", None])
