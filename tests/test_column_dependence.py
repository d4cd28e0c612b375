"""What a model makes of a column: beside scikit-learn's, and of networks made by hand."""

import dataclasses
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.inspection import partial_dependence as of_sklearn

import chainrule as cr
from chainrule.tabular.column_dependence import CATEGORIES, POINTS, TAIL
from reports import flats

QUICK = {"epochs": 4, "hidden": (8,), "effort": "fast", "refit": False}
TABLE = flats(120).drop("dear").with_columns(pl.col("share").cast(pl.Float64))
FEATURES = [name for name in TABLE.columns if name != "price"]


@pytest.fixture(scope="module")
def model():
    return cr.train(TABLE, "price", **QUICK, members=2)


@pytest.fixture(scope="module")
def classes():
    return cr.train(flats(120).drop("price"), "city", **QUICK)


def of_column(found, output):
    return found.filter(pl.col("output") == output)["mean"].to_numpy()


@pytest.mark.parametrize("column", ["area", "rooms", "share", "city", "garden"])
def test_it_is_scikit_learns_through_the_estimators(column):
    X, y = TABLE.select(FEATURES).to_pandas(), TABLE["price"].to_pandas()
    fitted = cr.TabularRegressor(**QUICK).fit(X, y)
    found = cr.partial_dependence(fitted.model_, TABLE, column)
    values = found["value"].drop_nulls().to_list()
    right = of_sklearn(
        fitted,
        X,
        [column],
        custom_values={column: np.array(values, object if column == "city" else None)},
        method="brute",
        kind="both",
    )
    assert found["mean"].to_numpy()[: len(values)] == pytest.approx(right["average"][0], rel=1e-5)
    for q in (0.1, 0.5, 0.9):
        shown = found[f"quantile_{q}"].to_numpy()[: len(values)]
        assert shown == pytest.approx(np.quantile(right["individual"][0], q, axis=0), rel=1e-5)


@pytest.mark.parametrize("column", FEATURES)
def test_it_is_the_mean_of_predictions_for_tables_with_the_value_in_all_rows(model, column):
    found = cr.partial_dependence(model, TABLE, column)
    for value, mean, *_ in found.drop("output").iter_rows():
        dtype = TABLE[column].dtype
        changed = TABLE.with_columns(pl.lit(value, dtype).alias(column))
        assert mean == pytest.approx(model.predict(changed)["prediction"].mean(), rel=1e-5)


def test_each_class_has_its_own(classes):
    table = flats(120).drop("price")
    found = cr.partial_dependence(classes, table, "area", values=[20, 60.5])
    for value in (20, 60.5):
        right = classes.predict(table.with_columns(area=value))
        own = found.filter(pl.col("value") == value)
        assert own["output"].to_list() == ["Lyon", "Nice", "Paris"]
        for output, mean in own.select("output", "mean").iter_rows():
            assert mean == pytest.approx(right[f"probability_{output}"].mean(), rel=1e-5)


def test_quantiles_have_their_own():
    made = cr.train(TABLE, "price", **QUICK, quantiles=(0.1, 0.9))
    found = cr.partial_dependence(made, TABLE, "area", values=[50.0])
    right = made.predict(TABLE.with_columns(area=50.0)).mean().row(0)
    assert found["output"].to_list() == ["quantile_0.1", "quantile_0.9"]
    assert found["mean"].to_list() == pytest.approx(right, rel=1e-5)


def made_by_hand(weights):
    """A model of z = x W + b, whose inputs are drawn in by no more than 1e-3."""
    table = pl.DataFrame({name: np.linspace(-1, 1, 101) for name in weights})
    table = table.with_columns(y=pl.sum_horizontal(table.columns))
    fitted = cr.train(table, "y", embedding="none", hidden=(), epochs=1, effort="fast", members=1)
    encoders = (dataclasses.replace(e, centre=0, scale=100) for e in fitted.preparation.encoders)
    W = np.array([list(weights.values())], np.float32) * 100
    return table, dataclasses.replace(
        fitted,
        params=(fitted.params[0]._replace(W=W, b=np.zeros(1, np.float32)),),
        preparation=type(fitted.preparation)(tuple(encoders)),
        target=dataclasses.replace(fitted.target, centre=0.0, scale=1.0),
    )


def test_a_linear_network_has_a_straight_line_of_its_own_slope():
    table, linear = made_by_hand({"a": 3.0, "b": -2.0})
    for column, slope in (("a", 3.0), ("b", -2.0)):
        found = cr.partial_dependence(linear, table, column)
        other = -2.0 * table["b"].mean() if column == "a" else 3.0 * table["a"].mean()
        right = slope * found["value"].to_numpy() + other
        assert found["mean"].to_numpy() == pytest.approx(right, abs=2e-3)
        spread = (found["quantile_0.9"] - found["quantile_0.1"]).to_numpy()
        assert spread == pytest.approx(0.8 * 2 * (5 - abs(slope)), abs=2e-3)


# The values


NAN = float("nan")


@pytest.mark.parametrize(
    ("values", "given"),
    [
        ([3, 1, 2, 2] * 30, [1, 2, 3]),
        ([3, 1, None, 2] * 30, [1, 2, 3, None]),
        ([0.5, NAN, float("inf"), 2.5] * 30, [0.5, 2.5, None]),
        (["b", "a", "b"] * 30, ["b", "a"]),
        (["b", None, "a", "b"] * 30, ["b", "a", None]),
        ([True, False, True] * 30, [True, False]),
    ],
)
def test_few_values_are_all_there_and_none_stands_last(values, given):
    table = pl.DataFrame({"x": values, "y": np.arange(len(values)) % 7 * 1.5}, strict=False)
    fitted = cr.train(table, "y", **{**QUICK, "epochs": 1})
    assert cr.partial_dependence(fitted, table, "x")["value"].to_list() == given


def test_of_many_values_quantiles_are_taken():
    x = np.random.default_rng(0).lognormal(size=400)
    fitted = cr.train(table := pl.DataFrame({"x": x, "y": 2 * x}), "y", **QUICK)
    found = cr.partial_dependence(fitted, table, "x")["value"].to_numpy()
    assert len(found) == POINTS
    levels = np.linspace(TAIL, 1 - TAIL, POINTS)
    assert found == pytest.approx(np.quantile(x, levels, method="nearest"))


def test_so_many_values_are_all_there_however_rare():
    x = np.append(np.zeros(300), np.arange(POINTS))
    fitted = cr.train(table := pl.DataFrame({"x": x, "y": 2 * x}), "y", **QUICK)
    found = cr.partial_dependence(fitted, table, "x")["value"].to_list()
    assert found == list(range(POINTS))


def test_of_many_categories_the_most_frequent_are_taken():
    """Of two that are as frequent, the first by name stands first."""
    words = [f"c{k:02}" for k in range(40) for _ in range(40 - k // 2)]
    table = pl.DataFrame({"x": words, "y": np.arange(len(words)) % 7 * 1.5})
    fitted = cr.train(table, "y", **{**QUICK, "epochs": 1})
    found = cr.partial_dependence(fitted, table, "x", rows=10_000)["value"].to_list()
    assert found == [f"c{k:02}" for k in range(CATEGORIES)]


def test_the_rows_are_some_of_them_and_the_same_each_time(model):
    few, again = (cr.partial_dependence(model, TABLE, "area", values=[50], rows=7) for _ in "ab")
    assert few.equals(again)
    p = model.predict(TABLE.with_columns(area=50.0))["prediction"].to_numpy()
    assert np.abs(p[:, None] - few["quantile_0.5"].to_numpy()).min() < 1e-3 * p.mean()


def test_a_file_is_read_as_in_training(tmp_path):
    path = tmp_path / "flats.csv"
    written = TABLE.with_columns(
        pl.col("area").cast(pl.String).str.replace(r"\.", ","),
        pl.col("share", "rooms", "price").cast(pl.Int64, strict=False),
    )
    written.write_csv(path, separator=";")
    fitted = cr.train(path, "price", decimal=",", categories=["share"], **QUICK)
    found = cr.partial_dependence(fitted, path, "area", values=[40.5])
    right = fitted.predict(written.with_columns(area=pl.lit("40,5")))
    assert found["mean"][0] == pytest.approx(right["prediction"].mean(), rel=1e-5)
    assert set(cr.partial_dependence(fitted, path, "share")["value"]) == {"1", "2", "3"}


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"column": "price"}, cr.TableError, "unknown column of the model 'price'"),
        ({"column": "aera"}, cr.TableError, "'aera'; did you mean 'area'?"),
        ({"rows": 0}, ValueError, "rows must be a whole number >= 1, got 0"),
        (
            {"model": cr.TabularRegressor()},
            TypeError,
            "`model_` of an estimator is, got TabularRegr",
        ),
        ({"values": []}, ValueError, "`values=` must be one value or more, got none"),
        ({"values": 5}, TypeError, "`values=` must be values of column 'area', got 5"),
        ({"values": "50"}, TypeError, "`values=` must be values of column 'area', got '50'"),
        ({"table": TABLE.drop("city")}, cr.TableError, "lacks what the model was trained on"),
        ({"table": TABLE.clear()}, cr.TableError, "has no rows"),
    ],
)
def test_what_cannot_be_varied_is_refused(model, asked, error, message):
    asked = {"model": model, "table": TABLE, "column": "area", **asked}
    with pytest.raises(error, match=re.escape(message)):
        cr.partial_dependence(**asked)


def test_a_text_has_no_curve():
    words = ["fine wine", "fine beer", "old cheese", "ripe fruit", "plain bread"]
    draw = np.random.default_rng(0)
    says = [" ".join(draw.choice(words, 6)) for _ in range(200)]
    table = pl.DataFrame({"says": says, "y": draw.random(200)})
    fitted = cr.train(table, "y", texts=["says"], **{**QUICK, "epochs": 1})
    with pytest.raises(cr.TableError, match="column 'says' is a text, which has no curve"):
        cr.partial_dependence(fitted, table, "says")


def test_frames_of_pandas_serve(model):
    found = cr.partial_dependence(model, TABLE.to_pandas(), "city")
    assert isinstance(TABLE.to_pandas(), pd.DataFrame)
    assert found["mean"].to_list() == pytest.approx(
        cr.partial_dependence(model, TABLE, "city")["mean"].to_list()
    )
