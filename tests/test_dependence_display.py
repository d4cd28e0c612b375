"""The picture of what a model makes of a column."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest

import chainrule as cr

mpl.use("agg")

TABLE = pl.DataFrame(
    {
        "x": [None if k % 9 == 0 else float(k % 13) for k in range(60)],
        "town": ["Ulm", "Bonn", "Kiel"] * 20,
        "y": [float(k % 7) for k in range(60)],
        "kind": ["a", "b"] * 30,
    }
)
SMALL = {"effort": "fast", "epochs": 1, "hidden": [4], "refit": False}


@pytest.fixture(scope="module")
def model():
    return cr.train(TABLE.drop("kind"), "y", **SMALL)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_the_mean_and_the_curves_are_what_is_predicted(model):
    display = cr.DependenceDisplay.from_estimator(model, TABLE, "x", values=[1, 5, 9], curves=7)
    assert len(display.lines_) == 7
    expected = cr.partial_dependence(model, TABLE, "x", values=[1, 5, 9])["mean"]
    np.testing.assert_allclose(display.mean_line_.get_ydata(), expected, 1e-6)
    np.testing.assert_array_equal(display.mean_line_.get_xdata(), [1, 5, 9])
    first = TABLE.head(1).with_columns(x=pl.lit(5.0))
    alone = model.predict(first)["prediction"][0]
    assert display.lines_[0].get_ydata()[1] == pytest.approx(alone, rel=1e-5)
    assert display.ax_.get_ylabel() == "predicted y"


def test_categories_have_points_and_their_names(model):
    display = cr.DependenceDisplay.from_estimator(model, TABLE, "town", kind="average")
    assert display.lines_ == []
    assert {text.get_text() for text in display.ax_.get_xticklabels()} == {"Ulm", "Bonn", "Kiel"}
    assert display.mean_line_.get_marker() == "o"


@pytest.mark.parametrize("column", ["x", "town"])
def test_dollars_are_part_of_names(column):
    names = {"x": r"x $\frac$", "town": r"$\town", "y": "$^$"}
    table = TABLE.drop("kind").with_columns(town=pl.col("town") + r" $\frac$").rename(names)
    model = cr.train(table, names["y"], **SMALL)
    display = cr.DependenceDisplay.from_estimator(model, table, names[column])
    display.figure_.canvas.draw()
    assert display.ax_.get_xlabel() == names[column]


def test_rows_without_a_value_are_a_level_and_axes_may_be_given(model):
    _, ax = plt.subplots()
    display = cr.DependenceDisplay.from_estimator(model, TABLE, "x", kind="individual", ax=ax)
    assert display.ax_ is ax
    assert display.mean_line_ is None
    assert len(ax.lines) == 2 * len(display.lines_)


def test_a_class_and_a_target_may_be_chosen():
    both = cr.train(TABLE, ["y", "kind"], **SMALL)
    display = cr.DependenceDisplay.from_estimator(
        both, TABLE, "x", values=[1, 2], output="kind a", kind="average", color="red"
    )
    table = cr.partial_dependence(both, TABLE, "x", values=[1, 2])
    expected = table.filter(pl.col("output") == "kind a")["mean"]
    np.testing.assert_allclose(display.mean_line_.get_ydata(), expected, 1e-6)
    assert display.mean_line_.get_color() == "red"


@pytest.mark.parametrize("column", ["x", "town"])
def test_curves_may_begin_at_one_level(model, column):
    display, plain = (
        cr.DependenceDisplay.from_estimator(model, TABLE, column, curves=5, centered=centered)
        for centered in (True, False)
    )
    for moved, line in zip(
        (*display.lines_, display.mean_line_), (*plain.lines_, plain.mean_line_), strict=True
    ):
        y = line.get_ydata()
        np.testing.assert_allclose(moved.get_ydata(), y - y[0], rtol=1e-5, atol=1e-6)
    assert display.ax_.get_ylabel() == "change of the predicted y"


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"kind": "all"}, "unknown kind 'all'"),
        ({"output": "z"}, "unknown output 'z'"),
        ({"curves": 0}, "curves must be a whole number >= 1"),
        ({"column": "z"}, "unknown column of the model 'z'"),
    ],
)
def test_what_does_not_fit_is_refused(model, asked, error):
    with pytest.raises(ValueError, match=error):
        cr.DependenceDisplay.from_estimator(model, TABLE, **{"column": "x", **asked})
