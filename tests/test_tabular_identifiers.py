"""Columns that number or name the rows: left out by their values or name, and said."""

import itertools
import re

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.tabular.columns.column_decisions import decide
from chainrule.tabular.columns.row_names import ROWS
from chainrule.tabular.columns.survey import survey
from chainrule.tabular.table_error import TableError

N = 60
UNIQUE = [7, 3, *range(10, N + 7), 300]  # different, but no row's number
SHUFFLED = np.random.default_rng(0).permutation(N).tolist()


def decided(name, values, **others):
    """The decision on a column beside one that tells something."""
    frame = pl.DataFrame({name: values, "size": np.arange(len(values)) / 8, **others})
    return decide(survey([frame]))[0]


# Values that rise by one

COUNTERS = {
    "rising": range(N),
    "from any start": range(1950, 1950 + N),
    "falling": range(N, 0, -1),
    "through nought": range(-30, 30),
    "floats": np.arange(N, dtype=float),
    "small floats": np.arange(N, dtype=np.float32),
    "bytes": np.arange(N, dtype=np.uint8),
    "text": [str(k) for k in range(N)],
    "padded text": [f"{k:04}" for k in range(N)],
    "the fewest": range(ROWS),
}


@pytest.mark.parametrize("name", COUNTERS)
def test_what_rises_by_one_with_the_rows_counts_them_whatever_its_name(name):
    decision = decided(name, COUNTERS[name])
    option = "categories" if "text" in name else "numbers"
    assert (decision.role, decision.option) == ("left out", f"keep: `{option}=['{name}']`")
    falls = "falls" if name == "falling" else "rises"
    assert decision.reason == f"counts the rows: it {falls} by one each time"


QUANTITIES = {
    "by two": range(0, 2 * N, 2),
    "with a jump": [*range(30), *range(31, N + 1)],
    "with one twice": [*range(30), *range(29, N - 1)],
    "up and down": [*range(30), *range(30, 0, -1)],
    "by one and a bit": np.arange(N) * 1.01,
    "begun again": [*range(30), *range(30)],
    "too few": range(ROWS - 1),
    "prices in cents": UNIQUE,
    "moments": [1_700_000_000 + k * k for k in range(N)],
    "rank": SHUFFLED,
}


@pytest.mark.parametrize("name", QUANTITIES)
def test_what_does_not_fit_the_rows_is_a_quantity(name):
    assert decided(name, QUANTITIES[name]).role == "number"


@pytest.mark.parametrize("size", [1, 2, 7, N])
@pytest.mark.parametrize("step", [1, -1])
def test_steps_are_seen_across_chunks_and_over_rows_without_a_target(size, step):
    frame = pl.DataFrame({"x": range(0, step * N, step), "y": [None, 1.5, 2.5] * (N // 3)})
    found = survey(frame.iter_slices(size), target="y")
    assert (found.columns["x"].step, found.rows) == (step, N * 2 // 3)
    with pytest.raises(TableError, match=r"no column is left.*: x: counts .*keep: `numbers=..x"):
        decide(found)
    broken = frame.with_columns(x=pl.col("x").replace(step * (N - 1), step * N))
    assert survey(broken.iter_slices(size), target="y").columns["x"].step == 0


@pytest.mark.parametrize(
    "values",
    [[2**63 - 2, 2**63 - 1, -(2**63)], [2.5, 3.5], ["1", "2", None], [1, None, 3], ["a", "b"], [4]],
)
def test_what_is_no_step(values):
    assert survey([pl.DataFrame({"x": values})]).columns["x"].step == 0


# Each number once, in any order


@pytest.mark.parametrize("values", [SHUFFLED, np.add(SHUFFLED, 500), np.array(SHUFFLED, float)])
def test_the_numbers_of_the_rows_in_another_order_tell_nothing(values):
    decision = decided("dose", values)
    least = min(values)
    assert decision.reason == f"numbers the rows: each of {least:g} to {least + N - 1:g} once"


def test_rows_without_a_target_have_numbers_too():
    y = [None if k % 3 == 0 else k / 4 for k in range(N)]
    found = survey([pl.DataFrame({"x": SHUFFLED, "size": np.arange(N) / 8, "y": y})], target="y")
    assert decide(found)[0].role == "left out"


# Names

INDEX = ["", "Unnamed: 0", "Unnamed: 0.1", "__index_level_0__", "level_0", "index", "...1", "Index"]
COUNTING = [
    *("X", "X1", "V1", "X.1", "No", "No.", "S.No.", "S. No", "SNo", "Sr. No", "sl_no", "Serial No"),
    *("#", "№", "idx", "nr", "Nr.", "key", "customer_no", "pk", "num", "row", "rownum", "seq"),
    *("row_names", "rownames", "obs", "Obs. No", "record number"),
]
NAMING = ["id", "Id", "ID", "uid", "UID", "uuid", "fid", "OBJECTID", "ObjectID", "order id"]


@pytest.mark.parametrize("name", [*INDEX, *COUNTING])
def test_names_that_say_so_of_numbers_that_are_different(name):
    decision = decided(name, UNIQUE)
    index = name in INDEX and name.casefold() not in ("index", "level_0")
    told = "as the index of a data frame" if index else "going by its name"
    assert (decision.role, decision.reason) == ("left out", f"numbers the rows, {told}")
    assert decided(name, [1, 2] * (N // 2)).role == "number"
    assert decided(name, np.add(UNIQUE, 0.5)).role == "number"


@pytest.mark.parametrize("name", NAMING)
def test_names_of_identifiers(name):
    assert decided(name, UNIQUE).reason == "identifies the rows"
    assert decided(name, [str(k) for k in UNIQUE]).reason == "identifies the rows"
    assert decided(name, [1, 2, 3, 4] * 15).role == "category"


@pytest.mark.parametrize(
    "name", ["paid", "bid", "price_index", "x position", "nation", "keys", "Norm", "Xa", "volume"]
)
def test_names_that_only_look_so(name):
    assert decided(name, UNIQUE).role == "number"


@pytest.mark.parametrize(("name", "other"), [("X", "Y"), ("X", "Z"), ("X1", "X2"), ("V1", "V2")])
def test_letters_beside_their_like_are_quantities(name, other):
    assert decided(name, UNIQUE, **{other: UNIQUE[::-1]}).role == "number"


def test_a_letter_is_no_counter_behind_others_or_where_its_numbers_lie_far_apart():
    frame = pl.DataFrame({"size": np.arange(N) / 8, "X": UNIQUE})
    assert decide(survey([frame]))[1].role == "number"
    assert decided("X", np.multiply(UNIQUE, 100)).role == "number"
    assert decided("x", UNIQUE).role == "number"


def test_an_index_of_tables_put_below_each_other():
    values = list(itertools.chain.from_iterable([range(20)] * 5))
    assert decided("Unnamed: 0", values).role == "left out"
    assert decided("places", values).role == "number"


def test_a_column_without_a_name_is_one_among_others_with_names():
    names = ["column_1", "size"]
    for columns, role in [(names, "left out"), (["column_1", "column_2"], "number")]:
        frame = pl.DataFrame([UNIQUE, np.arange(N) / 8], schema=columns)
        assert decide(survey([frame]))[0].role == role


# The whole way


@pytest.mark.parametrize("name", ["", "No", "__index_level_0__", "whatever"])
def test_a_sorted_table_is_not_learnt_by_the_number_of_the_row(name, tmp_path):
    noise = np.random.default_rng(1).normal(size=300)
    classes = ["a"] * 150 + ["b"] * 150
    table = pl.DataFrame({name: range(300), "noise": noise, "y": classes})
    path = tmp_path / "sorted.csv"
    table.write_csv(path)
    model = cr.train(path, "y", epochs=2)
    assert model.preparation.columns == ("noise",)
    column = model.about["decisions"][0]
    assert re.match("counts the rows", column["reason"])
    kept = cr.train(path, "y", epochs=2, numbers=[column["column"]])
    assert kept.preparation.columns == (column["column"], "noise")
