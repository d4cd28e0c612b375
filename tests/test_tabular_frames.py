"""Data frames with any names and types of columns: taken as their owners have them, or refused."""

import datetime
import decimal
import re

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import chainrule as cr
from chainrule.tabular.columns.column_decisions import decide
from chainrule.tabular.columns.survey import survey
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.table_error import TableError

N = 24
DAY = datetime.date(2024, 1, 1)

# Names

NAMES = {
    # as pandas has them: as text
    (0, 1): ("0", "1"),
    (("a", "b"), ("a", "c")): ("a.b", "a.c"),
    (("a", ""), ("b", 1)): ("a", "b.1"),
    (None, 2.5): ("", "2.5"),
    (np.int64(7), True): ("7", "True"),
    (pd.Timestamp(2024, 1, 1), "x"): ("2024-01-01 00:00:00", "x"),
}


@pytest.mark.parametrize("names", NAMES)
def test_columns_are_known_by_text(names):
    frame = pd.DataFrame([[1, 2.5], [3, 4.5]])
    frame.columns = pd.Index(names, tupleize_cols=isinstance(names[0], tuple))
    found = open_source(frame)
    assert found.columns == NAMES[names]
    assert found.whole().rows() == [(1, 2.5), (3, 4.5)]


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(np.eye(2), columns=["a", "a"]),
        pd.DataFrame(np.eye(2), columns=[1, "1"]).rename(columns={1: "a", "1": "a"}),
        pd.DataFrame(np.eye(2), columns=["a.a", ("a", "a")]).set_axis(["a", ("a", "")], axis=1),
        pa.table([[1], [2]], names=["a", "a"]),
    ],
)
def test_names_that_are_alike_are_refused_or_numbered(frame):
    with pytest.raises(TableError, match=r"(pandas|pyarrow)\..*: 2 columns are called 'a'; rename"):
        open_source(frame)
    source = open_source(frame, number_duplicates=True)
    assert source.columns == ("a", "a_2")
    assert source.whole().row(0) == (1, frame.iloc[0, 1] if hasattr(frame, "iloc") else 2)


def numbered():
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(60, 3)))
    return frame.assign(unused="x").assign(y=frame[0] + frame[1]).rename(columns={"y": 3})


@pytest.mark.parametrize("target", [3, "3", np.int64(3)])
def test_a_target_and_options_by_the_names_of_the_frame(target):
    model = cr.train(numbered(), target, epochs=2, leave_out=[2], numbers=[0, "1"])
    assert model.target.column == "3"
    assert model.preparation.columns == ("0", "1")
    kept = model.predict(numbered(), keep=[2, target])
    assert kept.columns == ["2", "3", "prediction"]
    assert kept["2"].to_list() == numbered()[2].to_list()
    assert model.predict(numbered()[[1, 0]]).equals(kept.select("prediction"))


def test_a_target_and_options_by_tuples():
    frame = numbered().drop(columns="unused")
    frame.columns = pd.MultiIndex.from_tuples([("x", 0), ("x", 1), ("w", ""), ("y", "mean")])
    frame["w"] = frame["w"].abs()
    model = cr.train(frame, ("y", "mean"), epochs=2, weight="w", leave_out=[("x", 1)])
    assert (model.target.column, model.preparation.columns) == ("y.mean", ("x.0",))


@pytest.mark.parametrize("target", [4, ("x", "y"), None])
def test_an_unknown_target_is_refused_whatever_its_type(target):
    with pytest.raises(TableError, match=r"unknown target '(4|x\.y|)'"):
        cr.train(numbered(), target)


# Types: what pandas holds, its values in polars' types

ORDERED = pd.Categorical(["lo", "hi", None], categories=["lo", "mid", "hi"], ordered=True)
COLUMNS = {
    "sparse": (pd.arrays.SparseArray([0, 0, 1.5]), [0.0, 0.0, 1.5], pl.Float64()),
    "sparse Booleans": (pd.arrays.SparseArray([True, False, False]), None, pl.Boolean()),
    "sparse, filled by NaN": (pd.arrays.SparseArray([np.nan, 1, 0]), [None, 1, 0], pl.Float64()),
    "in order": (ORDERED, ["lo", "hi", None], pl.Enum(["lo", "mid", "hi"])),
    "in no order": (pd.Categorical(["b", "a", None]), ["b", "a", None], pl.Categorical()),
    "numbers as categories": (pd.Categorical([10, 9, None]), ["10", "9", None], pl.Categorical()),
    "numbers in order": (
        pd.Categorical([1.0, 2.5, 1.0], ordered=True),
        ["1", "2.5", "1"],
        pl.Enum(["1", "2.5"]),
    ),
    "Booleans as categories": (
        pd.Categorical([True, False, True]),
        ["true", "false", "true"],
        pl.Categorical(),
    ),
    "pieces": (
        pd.cut([1, 2, 6], [0, 2, 8]),
        ["(0, 2]", "(0, 2]", "(2, 8]"],
        pl.Enum(["(0, 2]", "(2, 8]"]),
    ),
    "intervals": (pd.interval_range(0, 3), ["(0, 1]", "(1, 2]", "(2, 3]"], pl.String()),
    "whole": (pd.array([1, None, 3], dtype="Int64"), [1, None, 3], pl.Int64()),
    "Booleans": (pd.array([True, None, False], dtype="boolean"), [True, None, False], pl.Boolean()),
    "words": (pd.array(["a", None, "b"], dtype="string"), ["a", None, "b"], pl.String()),
    "Arrow's words": (
        pd.array(["a", None, "b"], dtype=pd.ArrowDtype(pa.string())),
        ["a", None, "b"],
        pl.String(),
    ),
    "whole objects": (pd.Series([1, pd.NA, 3], dtype=object), [1, None, 3], pl.Int64()),
    "objects": (pd.Series([1, 2.5, None], dtype=object), [1.0, 2.5, None], pl.Float64()),
    "months": (
        pd.period_range("2024-01", periods=3, freq="M"),
        [datetime.datetime(2024, month, 1) for month in (1, 2, 3)],
        pl.Datetime("us"),
    ),
    "decimals": (
        [decimal.Decimal("1.5"), decimal.Decimal("2"), None],
        [decimal.Decimal("1.5"), decimal.Decimal("2"), None],
        pl.Decimal(2, 1),
    ),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_of_pandas(name):
    values, expected, dtype = COLUMNS[name]
    found = open_source(pd.DataFrame({"before": [1, 2, 3], name: values, "after": list("abc")}))
    assert found.columns == ("before", name, "after")
    assert found.dtypes[name] == dtype
    assert found.whole()[name].to_list() == (list(values) if expected is None else expected)


REFUSED = [
    (
        {"a": [1, "x", None]},
        "column 'a' holds int (1 in row 1) and str ('x' in row 2); make it one kind, such as by "
        "frame['a'].astype(str), or drop it",
    ),
    ({3: ["x", 2.5]}, "column '3' holds str ('x' in row 1) and float (2.5 in row 2); make"),
    ({"a": [None, DAY, "x"]}, "'a' holds date (2024-01-01 in row 2) and str ('x' in row 3)"),
    ({"a": [{"x": 1}, [1]]}, "'a' holds dict ({'x': 1} in row 1) and list ([1] in row 2)"),
    ({"a": [1j, 2]}, "column 'a' cannot be read: "),
    ({"a": [10**20, 1]}, "column 'a' cannot be read: Python int too large"),
    (
        {"a": pd.Categorical([3, 3], categories=[3, "3"])},
        "column 'a' cannot be read: two of its categories are '3'",
    ),
]


@pytest.mark.parametrize(("columns", "message"), REFUSED, ids=[row[1][:30] for row in REFUSED])
def test_a_column_that_is_none_is_refused_by_its_name(columns, message):
    frame = pd.DataFrame({"fine": range(len(next(iter(columns.values())))), **columns})
    with pytest.raises(TableError, match=rf"^pandas\.DataFrame: .*{re.escape(message)}") as caught:
        open_source(frame)
    assert "\n" not in str(caught.value)


INSTEAD = [
    (pd.Series([1]), "pandas.Series; write table.to_frame()"),
    (pl.Series([1]), "polars.Series; write table.to_frame()"),
    (pl.LazyFrame({"a": [1]}), "polars.LazyFrame; write table.collect()"),
    (np.eye(2), "numpy.ndarray; name its columns: polars.DataFrame(table, schema=[...])"),
    (np.zeros(2, [("a", int), ("b", float)]), "numpy.ndarray; write polars.DataFrame(table)"),
    ({"a": [1, 2]}, "builtins.dict; write polars.DataFrame(table)"),
    (pa.RecordBatch.from_pydict({"a": [1]}), "pyarrow.RecordBatch; write polars.DataFrame(table)"),
    ([{"a": 1}], "builtins.list; write polars.DataFrame(table)"),
    (3, "builtins.int"),
]


@pytest.mark.parametrize(("thing", "message"), INSTEAD, ids=[row[1][:24] for row in INSTEAD])
def test_what_is_no_frame_is_refused_with_what_to_write(thing, message):
    with pytest.raises(TableError, match=re.escape(f"or a data frame, got {message}") + "$"):
        open_source(thing)
    if "polars.DataFrame(table)" in message:
        assert open_source(pl.DataFrame(thing)).columns[0] == "a"


def test_what_arrow_holds_and_polars_does_not():
    kind = pa.month_day_nano_interval()
    with pytest.raises(TableError, match="column 'a', month_day_nano_interval, cannot be read"):
        open_source(pa.table({"a": pa.array([(1, 2, 3)], type=kind)}))


@pytest.mark.parametrize("frame", [pd.DataFrame(), pd.DataFrame({"a": []}), pl.DataFrame()])
def test_a_frame_without_rows_is_refused(frame):
    with pytest.raises(TableError, match=r"DataFrame: has no rows"):
        open_source(frame)


def test_an_index_with_a_name_is_no_column_and_says_so():
    frame = pd.DataFrame({"a": [1, 2]}, index=pd.Index([5, 6], name="id"))
    found = open_source(frame)
    assert found.columns == ("a",)
    assert found.notes == ("the index 'id' is no column; frame.reset_index() makes it one",)
    assert open_source(frame.reset_index()).columns == ("id", "a")
    assert open_source(frame.reset_index(drop=True)).notes == ()


# Categories in their own order

GRADES = ["poor", "fair", "good"]
VALUES = [GRADES[k % 2] for k in range(N)]
IN_ORDER = {
    "pandas": pd.DataFrame({"x": pd.Categorical(VALUES, categories=GRADES, ordered=True)}),
    "polars": pl.DataFrame({"x": pl.Series(VALUES, dtype=pl.Enum(GRADES))}),
    "Arrow": pa.table(
        {
            "x": pa.DictionaryArray.from_arrays(
                pa.array([GRADES.index(value) for value in VALUES]), GRADES, ordered=True
            )
        }
    ),
}


def decided(frame, **options):
    return decide(survey(open_source(frame).chunks()), **options)[0]


@pytest.mark.parametrize("library", IN_ORDER)
def test_the_order_of_categories_is_that_of_the_column(library):
    decision = decided(IN_ORDER[library])
    assert (decision.role, decision.order) == ("category", tuple(GRADES))
    assert decision.reason == "3 categories in the order of the column: poor < fair < good"
    assert decision.option == "change: `categories=['x']`"
    assert decided(IN_ORDER[library], categories=["x"]).order == ()
    assert decided(IN_ORDER[library], order={"x": GRADES[::-1]}).order == tuple(GRADES[::-1])


def test_an_order_in_a_file(tmp_path):
    IN_ORDER["polars"].write_parquet(tmp_path / "x.parquet")
    assert decided(tmp_path / "x.parquet").order == tuple(GRADES)


@pytest.mark.parametrize("words", [["3", "10"], ["2024-01-01", "2024-01-02"], ["a", "b"]])
@pytest.mark.parametrize("dtype", [pl.Categorical(), None])
def test_what_its_type_says_are_categories_is_no_number_and_no_date(words, dtype):
    frame = pl.DataFrame({"x": pl.Series(words * (N // 2), dtype=dtype or pl.Enum(words))})
    decision = decided(frame)
    assert (decision.role, decision.order) == ("category", () if dtype else tuple(words))


@pytest.mark.parametrize("kind", [pl.Categorical(), pl.Enum([f"n{k}" for k in range(N)])])
def test_categories_that_name_rows_are_left_out(kind):
    frame = pl.DataFrame(
        {"x": pl.Series([f"n{k}" for k in range(N)], dtype=kind), "y": [1.5, 2] * 12}
    )
    assert decided(frame).role == "left out"


def test_a_model_takes_the_order_and_what_it_learnt_as_words():
    draw = np.random.default_rng(2)
    ranks = draw.integers(0, 3, 90)
    frame = pd.DataFrame(
        {
            "grade": pd.Categorical.from_codes(ranks, GRADES, ordered=True),
            "shop": pd.Categorical(ranks + 8),
            "y": ranks + draw.normal(size=90),
        }
    )
    model = cr.train(frame, "y", epochs=2)
    named = model.preparation.feature_names
    assert "grade rank" in named
    assert {"shop=8", "shop=9", "shop=10"} <= set(named)
    plain = frame.astype({"grade": object, "shop": int})
    assert model.predict(plain).equals(model.predict(frame))


def test_a_model_of_numbered_names_numbers_them_anew():
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(draw.standard_normal((40, 3)), columns=["a", "a", "y"])
    model = cr.train(frame, "y", epochs=1, number_duplicates=True)
    assert model.preparation.columns == ("a", "a_2")
    assert model.predict(frame).height == 40
