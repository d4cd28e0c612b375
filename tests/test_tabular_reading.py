"""A table in any dress gives the model of the same table in plain numbers."""

import datetime

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.prepare import prepare
from chainrule.tabular.table_error import TableError
from chainrule.tabular.training_options import Options

N = 60
PRICE = [1000 + 37.25 * (k * 29 % N) for k in range(N)]
SHARE = [None if k % 7 == 0 else k * 31 % 97 for k in range(N)]
WHEN = [
    datetime.datetime(2020, 1, 1, 9, 30) + datetime.timedelta(days=k * 41 % 350) for k in range(N)
]
STATE = [("CA", "NC", "TX")[k % 3] for k in range(N)]
TARGET = [2.5 * (k * 17 % N) + 1500 for k in range(N)]
PLAIN = pl.DataFrame(
    {"price": PRICE, "share": SHARE, "when": WHEN, "state": STATE, "y": TARGET},
    schema_overrides={"share": pl.Int64},
)


def dressed(number, date, target, delimiter, none):
    """The table as text: functions that write its numbers, dates and targets."""
    share = (none[k % len(none)] if x is None else f"{x}%" for k, x in enumerate(SHARE))
    columns = (map(number, PRICE), share, map(date, WHEN), STATE, map(target, TARGET))
    rows = zip(*columns, strict=True)
    lines = (delimiter.join(f'"{x}"' if delimiter in x else x for x in row) for row in rows)
    return "\n".join([delimiter.join(PLAIN.columns), *lines, ""])


def german(x):
    return f"{x:,.2f}".translate(str.maketrans(",.", ".,"))


DRESSES = {
    "American": dressed(
        lambda x: f"${x:,.2f}", lambda d: f"{d:%m/%d/%Y %I:%M %p}", lambda x: f"${x:,.1f}", ",",
        ["NA", "n/a"],
    ),
    "German": dressed(
        german, lambda d: f"{d:%d.%m.%Y %H:%M}", lambda x: f"{german(x)} €", ";", ["-", ""]
    ),
    "French": dressed(
        lambda x: f"{x:,.2f}".translate(str.maketrans(",.", "\u202f,")),
        lambda d: f"{d:%d/%m/%Y %H:%M:00}", lambda x: f"{x:.1f}".replace(".", ","), "\t",
        ["..", "?"],
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def plain():
    return cr.train(PLAIN, "y", epochs=2, hidden=(4,))


@pytest.fixture(params=DRESSES)
def file(request, tmp_path):
    path = tmp_path / f"{request.param}.csv"
    path.write_text(DRESSES[request.param], encoding="utf-8")
    return path


def test_a_table_in_dress_gives_the_same_model(plain, file, tmp_path):
    model = cr.train(file, "y", epochs=2, hidden=(4,))
    expected = plain.predict(PLAIN)
    assert model.predict(file).equals(expected)
    model.save(tmp_path / "dressed.model")
    again = cr.TableModel.load(tmp_path / "dressed.model")
    for table in (file, PLAIN):  # as in training, and plain
        assert again.predict(table).equals(expected)
        assert again.evaluate(table) == plain.evaluate(PLAIN)
        for mine, theirs in zip(again.example(table, 8), plain.example(PLAIN, 8), strict=True):
            assert np.array_equal(mine, theirs)


def test_time_goes_by_moments_in_any_spelling(file):
    latest = sorted(range(N), key=WHEN.__getitem__)[-9:]
    for options in (Options(time="when"), Options(time="when", leave_out=("when",))):
        prepared = prepare(open_source(file), "y", options)
        prepared.blocks.close()
        assert np.flatnonzero(prepared.is_held_out).tolist() == sorted(latest)


def test_what_is_asked_of_the_reading_holds_for_new_tables(tmp_path):
    frame = pl.DataFrame(
        {
            "size": ["1,250" if k % 2 else "574" for k in range(N)],
            "land": ["NA" if k % 3 else "DE" for k in range(N)],
            "gap": [-999 if k % 5 == 0 else k % 4 for k in range(N)],
            "y": [int(2 * y) for y in TARGET],
        }
    )
    frame.write_csv(tmp_path / "table.csv", separator="\t")
    with pytest.raises(TableError, match=r"'1,250' is 1\.25 or 1250"):
        cr.train(tmp_path / "table.csv", "y")
    asked = {"thousands": ",", "missing": ["-999"]}
    cr.train(tmp_path / "table.csv", "y", epochs=1, **asked).save(tmp_path / "table.model")
    model = cr.TableModel.load(tmp_path / "table.model")
    values = frame.with_columns(
        pl.col("size").str.replace(",", "").cast(pl.Int64), pl.col("gap").replace(-999, None)
    )
    expected = model.predict(values)
    assert model.predict(tmp_path / "table.csv").equals(expected)
    names = {"gap", "gap missing", "land=NA"}
    assert names <= set(model.preparation.feature_names)
    (tmp_path / "swiss.csv").write_text("size,land,gap\n1'250,NA,-999\n574,DE,3\n")
    swiss = model.predict(tmp_path / "swiss.csv", thousands="'")
    assert swiss.equals(
        model.predict(pl.DataFrame({"size": [1250, 574], "land": ["NA", "DE"], "gap": [None, 3]}))
    )


def test_a_time_without_values_is_refused():
    frame = PLAIN.with_columns(when=pl.lit("-"))
    with pytest.raises(TableError, match="`time='when'` must have a value in every row with a tar"):
        prepare(open_source(frame), "y", Options(time="when"))
