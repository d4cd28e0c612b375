"""Why a prediction is what it is: contributions of columns, their waterfall and their page."""

import dataclasses
import html.parser
import itertools
import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.tabular.adding_up import adding_up
from chainrule.tabular.input_reasons import input_reasons
from chainrule.tabular.mean_row import mean_row
from chainrule.tabular.reasons_page import RULES
from chainrule.trees import tree_map
from reports import Page

RNG = np.random.default_rng(0)
N = 80
SMALL = {"effort": "fast", "epochs": 2, "hidden": [6], "refit": False}


def table():
    town = RNG.choice(["Ulm", "Bonn", "Kiel"], N)
    frame = pl.DataFrame(
        {
            "size": RNG.normal(100, 20, N),
            "rooms": [None if k % 7 == 0 else k % 5 + 0.5 for k in range(N)],
            "town": town,
            "built": pl.Series(
                [f"{1950 + k % 60}-0{1 + k % 9}-11" for k in range(N)]
            ).str.to_date(),
        }
    )
    price = 3 * frame["size"] + 20 * (frame["town"] == "Ulm").cast(float)
    return frame.with_columns(
        price=price,
        dear=pl.Series(np.where(price > price.median(), "yes", "no")),
        id=pl.arange(0, N, eager=True),
    )


TABLE = table()
FEATURES = ["size", "rooms", "town", "built"]


@pytest.fixture(scope="module")
def model():
    return cr.train(TABLE.select(*FEATURES, "price"), "price", **SMALL)


@pytest.fixture(scope="module")
def classes():
    return cr.train(TABLE.select(*FEATURES, "dear"), "dear", **SMALL)


def test_those_to_a_linear_model_are_weight_times_difference():
    own = {**SMALL, "hidden": [], "embedding": "none"}
    linear = cr.train(TABLE.select("size", "rooms", "town", "price"), "price", **own)
    assert len(linear.net.layers) == 1
    X = linear.preparation.transform(TABLE)
    each = linear.params[0].W[0] * (X - linear.means) * linear.target.scale
    found = linear.why(TABLE, keep="id")
    assert found.columns[:5] == ["id", "output", "value", "baseline", "residue"]
    for column, places in linear.preparation.places.items():
        expected = each[:, places].sum(axis=1)
        np.testing.assert_allclose(found[f"contribution_{column}"], expected, 1e-3, 1e-3)
        row = linear.why_row(TABLE, 4).contributions
        np.testing.assert_allclose(row[column], expected[3], 1e-4, 1e-4)
    np.testing.assert_allclose(found["value"], linear.predict(TABLE)["prediction"], 1e-5)


def test_the_mean_row_is_that_of_the_rows_in_training(model):
    X = model.preparation.transform(TABLE)
    held = model.about["rows"]["validation"]
    assert held
    assert np.abs(model.means - X.mean(axis=0)).max() < 0.5
    everything = mean_row(model, model.opened(TABLE))
    np.testing.assert_allclose(everything, X.mean(axis=0), 1e-5, 1e-5)


def test_a_file_keeps_the_means_and_one_without_them_has_medians(model, tmp_path):
    model.save(tmp_path / "a.model")
    loaded = cr.TableModel.load(tmp_path / "a.model")
    assert (loaded.means == model.means).all()
    dataclasses.replace(model, means=None).save(tmp_path / "b.model")
    without = cr.TableModel.load(tmp_path / "b.model")
    assert without.means is None
    row = mean_row(without)
    first, end = without.preparation.one_hot[0]
    assert row[0] == 0
    assert (row[first:end] == np.float32(1 / (end - first))).all()
    assert np.isfinite(without.why_row(TABLE, 1).value)


def test_means_of_another_width_are_refused(model, tmp_path):
    dataclasses.replace(model, means=model.means[1:]).save(tmp_path / "c.model")
    with pytest.raises(cr.ModelFileError, match="its means must be those of"):
        cr.TableModel.load(tmp_path / "c.model")


def test_contributions_add_up_to_what_is_predicted(model, classes):
    for each in (model, classes):
        found = each.why(TABLE)
        own = found.select(pl.col("^contribution_.*$"))
        assert own.columns == [f"contribution_{name}" for name in FEATURES]
        sums = found["baseline"] + found["residue"] + own.sum_horizontal()
        np.testing.assert_allclose(found["value"], sums, 1e-9)
        sizes = np.abs(own.to_numpy()).sum(axis=1)
        assert (np.abs(found["residue"].to_numpy()) <= 0.0101 * sizes).all()
    predicted = classes.predict(TABLE)
    greatest = predicted.select(pl.max_horizontal("^probability_.*$")).to_series()
    np.testing.assert_allclose(found["value"], greatest, 1e-5)
    assert found["output"].to_list() == [f"dear {label}" for label in predicted["prediction"]]


def test_a_class_may_be_chosen_and_its_log_odds(classes):
    yes = classes.why(TABLE, output="yes")
    p = classes.predict(TABLE)["probability_yes"].to_numpy().astype(float)
    np.testing.assert_allclose(yes["value"], p, 1e-5)
    odds = classes.why(TABLE, output="yes", log_odds=True)
    np.testing.assert_allclose(odds["value"], np.log(p / (1 - p)), 1e-3, 1e-4)
    one = classes.why_row(TABLE, 2, output="yes", log_odds=True)
    assert one.figure == "log odds"
    assert one.value == pytest.approx(np.log(p[1] / (1 - p[1])), rel=1e-4)


def test_quantiles_and_several_targets():
    chosen = TABLE.select(*FEATURES, "price")
    quantiles = cr.train(chosen, "price", quantiles=[0.1, 0.5, 0.9], **SMALL)
    made = quantiles.predict(TABLE)
    for name in ("quantile_0.1", "quantile_0.9"):
        np.testing.assert_allclose(quantiles.why(TABLE, output=name)["value"], made[name], 1e-5)
    assert quantiles.why(TABLE)["output"][0] == "price quantile_0.5"
    both = cr.train(TABLE.drop("id"), ["price", "dear"], **SMALL)
    with pytest.raises(cr.TableError, match="several targets, 'price' and 'dear'; say which"):
        both.why(TABLE)
    predicted = both.predict(TABLE)
    price, no = both.why(TABLE, output="price"), both.why(TABLE, output="dear no")
    np.testing.assert_allclose(price["value"], predicted["prediction_price"], 1e-5)
    np.testing.assert_allclose(no["value"], predicted["probability_dear_no"], 1e-5)
    assert both.why_row(TABLE, 1, output="dear").name.startswith("dear ")


def test_categories_with_vectors_contribute():
    many = RNG.integers(0, 60, 400)
    effect = RNG.normal(size=60)
    rows = pl.DataFrame(
        {"street": [f"street {k}" for k in many], "x": RNG.normal(size=400), "y": effect[many]}
    )
    own = {**SMALL, "epochs": 8}
    model = cr.train(rows, "y", many_categories="vectors", categories=["street"], **own)
    assert any(model.preparation.levels)
    row = model.why_row(rows, 1)
    assert row.contributions["street"] != 0
    assert abs(row.residue) <= 3e-6 * sum(map(abs, row.contributions.values()))
    unseen = model.why_row(rows.with_columns(street=pl.lit("elsewhere")), 1)
    assert np.isfinite(unseen.value)


def test_shapley_values_are_the_mean_over_all_orders(model):
    found = model.why_row(TABLE, 5, method="shapley")
    X, b = model.preparation.transform(TABLE)[4], mean_row(model)
    total = dict.fromkeys(FEATURES, 0.0)
    orders = list(itertools.permutations(FEATURES))
    for order in orders:
        now = b.copy()
        for name in order:
            before = model.outputs_of(now[None])[0, 0]
            now[model.preparation.places[name]] = X[model.preparation.places[name]]
            total[name] += (model.outputs_of(now[None])[0, 0] - before) / len(orders)
    for name, value in total.items():
        assert found.contributions[name] == pytest.approx(value, rel=1e-3, abs=1e-3)
    assert sum(found.contributions.values()) == pytest.approx(found.value - found.baseline)


@given(
    st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=15),
    st.floats(-1e6, 1e6),
)
def test_rounded_figures_add_up_and_are_less_than_a_step_away(values, start):
    end = start + sum(values)
    made = adding_up(values, start, end)
    unit = 10.0**made.places
    total = round(made.start * unit) + sum(round(v * unit) for v in made.values)
    assert total == round(made.end * unit)
    for printed, value in zip(made.values, values, strict=True):
        assert abs(printed - value) * unit <= 1.001


def test_the_text_adds_up_as_printed(model):
    for row, width in ((1, 80), (8, 60)):
        lines = model.why_row(TABLE, row).text(width).splitlines()
        assert max(map(len, lines)) <= width
        figures = [
            float(found[1].replace("−", "-").replace(",", ""))
            for line in lines
            if line.startswith("  ") and (found := re.search(r"\s([+−]?[\d,]+(?:\.\d+)?)$", line))
        ]
        first, *parts, last = figures
        assert len(parts) == 4
        assert first + sum(parts) == pytest.approx(last, abs=1e-9)
    assert "missing" in model.why_row(TABLE, 8).text()


def test_columns_that_do_not_fit_are_taken_together(model):
    text = model.why_row(TABLE, 1).text(top=2)
    assert "the other 2 columns" in text


class Balanced(html.parser.HTMLParser):
    """Checks that each element is closed, and counts them."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_each_bar_of_the_page_opens_its_chain_rule():
    own = TABLE.select(pl.col("size").alias("<b>"), "rooms", "price")
    page = cr.train(own, "price", **SMALL).why_row(own, 2).html()
    reader = Balanced()
    reader.feed(page)
    assert reader.open == []
    assert (
        reader.seen.count("details") == 5
    )  # two bars; the number, another, and whether it is there
    assert reader.seen.count("math") > 4
    assert "<b>" not in page
    assert "://" not in re.sub(r'xmlns="[^"]*"', "", page)


def printed(cell):
    return float(cell.replace("−", "-").replace("+", "").replace(",", ""))


@pytest.mark.parametrize("members", [1, 3])
def test_the_prepared_inputs_of_a_bar_add_up_to_it(members):
    """Contributions as printed; slopes by differences, of the first network and of all of them."""
    chosen = TABLE.select(*FEATURES, "price")
    model = cr.train(chosen, "price", **SMALL, members=members)
    reasons = model.why_row(chosen, 7)
    page, (bars, _) = Page(reasons.html()), reasons.bars()
    each = input_reasons(reasons)
    assert list(each) == FEATURES
    for bar in bars:
        head, rows = page.table(f"the prepared inputs of {bar.column}")
        rows = rows[: [row[0] for row in rows].index("all of them") + 1]
        assert {row[0] for row in rows[:-1]} == {one.name for one in each[bar.column]}
        own = [printed(row[3]) for row in rows]
        assert sum(own[:-1]) == pytest.approx(own[-1], abs=1e-9)
        assert own[-1] == pytest.approx(bar.value, abs=1e-9)
        total = sum(one.contribution for one in each[bar.column])
        assert total == pytest.approx(reasons.contributions[bar.column], rel=1e-9)
        assert len(head) == (6 if members > 1 else 5)
        assert head[-1] == ("slope, mean of 3" if members > 1 else "slope here")
    assert ("of network 1" in page.text) == (members > 1)
    assert ("the mean over 3 networks" in page.text) == (members > 1)
    for one in each["size"]:
        step = np.zeros(len(reasons.inputs))
        step[one.place] = 1e-6
        x = reasons.inputs.astype(float)
        double = [tree_map(np.float64, params) for params in model.members]
        ends = [[cr.predict(model.net, p, [x + s])[0, 0] for s in (step, -step)] for p in double]
        found = [(high - low) / 2e-6 for high, low in ends]
        assert one.slope == pytest.approx(found[0], rel=1e-4, abs=1e-7)
        assert one.mean_slope == pytest.approx(np.mean(found), rel=1e-4, abs=1e-7)


def test_shapley_values_are_not_split_among_prepared_inputs(model):
    reasons = model.why_row(TABLE, 2, method="shapley")
    page = Page(reasons.html())
    assert "which Shapley values take as a whole" in page.text
    assert page.table("the prepared inputs of size")[0] == [
        "prepared input", "this row", "mean row", "slope here",
    ]  # fmt: skip


def test_of_many_prepared_inputs_those_that_contribute_most_have_a_chain_rule():
    towns = [f"town {k % 12}" for k in range(N)]
    rows = pl.DataFrame({"town": towns, "price": [float(k % 12) ** 2 for k in range(N)]})
    reasons = cr.train(rows, "price", categories=["town"], **SMALL).why_row(rows, 3)
    page = reasons.html()
    left = len(input_reasons(reasons)["town"]) - RULES
    assert left > 0
    assert page.count("the chain rule of") == RULES
    assert f"Left out: the chain rules of {left} more" in page


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"output": "prise"}, r"unknown output 'prise'"),
        ({"log_odds": True}, "log odds are of classes, and 'price' is a quantity"),
        ({"method": "lime"}, "unknown method 'lime'"),
        ({"against": pl.DataFrame({"size": [1.0]})}, "lacks what the model was trained on"),
    ],
)
def test_what_cannot_be_explained_is_refused(model, asked, error):
    for why in (lambda: model.why(TABLE, **asked), lambda: model.why_row(TABLE, 1, **asked)):
        with pytest.raises(ValueError, match=error):
            why()


def test_a_row_that_is_not_there_and_columns_that_are_not_are_refused(model):
    with pytest.raises(cr.TableError, match="has 80 rows, and no row 81"):
        model.why_row(TABLE, 81)
    with pytest.raises(ValueError, match="row must be a whole number >= 1"):
        model.why_row(TABLE, 0)
    with pytest.raises(cr.TableError, match="lacks what the model was trained on"):
        model.why(TABLE.drop("size"))
    taken = TABLE.with_columns(value=pl.lit(1))
    with pytest.raises(cr.TableError, match="'value' to keep is called as one of"):
        model.why(taken, keep="value")
