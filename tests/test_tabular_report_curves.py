"""The cards of learnt curves and of the race: what they show is what was predicted and found."""

import dataclasses
import functools
import re

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.formatting import number
from chainrule.tabular.report import column_curves, curve_cards, plots, race_cards, report
from reports import TRAININGS, Page, flats, made, read, trained


@pytest.mark.parametrize("name", TRAININGS)
def test_the_columns_that_matter_have_a_curve_and_the_others_are_named(name):
    found, html = made(name)[1:]
    matter = found.importances.mattering
    shown = [curve.column for curve in found.curves]
    assert shown == matter[: column_curves.COLUMNS]
    left = [column for column in found.model.preparation.columns if column not in shown]
    said = re.search(r"Without a curve, for ([\w ,]+): (.*?)\.( |$)", Page(html).text)
    assert bool(said) == bool(left)
    if left:
        assert len(said[2].split(", ")) <= curve_cards.NAMED
        assert said[1] == (
            "they matter less, or are texts" if set(left) & set(matter) else "they do not matter"
        )


def held_out(name):
    (prepared, _, model, _), _, _ = made(name)
    rows = TRAININGS[name][0][(prepared.rows[prepared.is_held_out] - 1).tolist()]
    return model, rows


@pytest.mark.parametrize(
    "name", ["classes", "quantity", "quantiles", "weighted", "metric", "raced"]
)
def test_a_curve_is_the_partial_dependence_of_the_model_saved_in_the_rows_held_out(name):
    model, rows = held_out(name)
    found = made(name)[1]
    assert found.curves
    for curve in found.curves:
        right = cr.partial_dependence(model, rows, curve.column)
        n = len(model.outputs_named)
        assert curve.values.to_list() == right["value"].to_list()[::n]
        assert curve.mean.ravel() == pytest.approx(right["mean"].to_numpy(), rel=1e-5, abs=1e-6)
        assert len(curve.seen) == len(curve.p) == len(rows)


@pytest.mark.parametrize("name", ["classes", "quantity", "quantiles"])
def test_the_tables_beside_the_plots_have_its_numbers(name):
    _, found, html = made(name)
    page = Page(html)
    for curve in found.curves:
        plotted = curve.ordered
        beginning = f"{curve.column}: mean {'and quantiles' if plotted else 'p'}"
        head, rows = page.table(beginning)
        output = 1 if name == "classes" else 0
        column = 1 if plotted or len(head) > 4 else 2
        mean = curve.mean[:, output]
        assert head[0] == curve.column
        shown = [read(row[column]) for row in rows]
        assert shown == pytest.approx(mean if plotted else np.sort(mean)[::-1], rel=1e-3, abs=5e-4)
        if not plotted:
            assert sum(read(row[-1]) for row in rows) == len(curve.seen)
        low, high = mean[: curve.some].min(), mean[: curve.some].max()
        assert not plotted or f"from {curve_cards._figure(found, low)} at " in page.text
        assert not plotted or f" to {curve_cards._figure(found, high)} at " in page.text


def test_where_rows_have_no_value_the_prediction_stands_apart():
    rooms = pl.when(pl.int_range(pl.len()) % 3 > 0).then("area").alias("rooms")
    table = flats().select(rooms, (4 * pl.col("area")).alias("price"))
    given = trained(table, "price", epochs=30)
    html = report(*given)
    apart = cr.partial_dependence(given[2], table, "rooms")
    assert apart["value"][-1] is None
    assert re.search(r" at [\d.]+, [\d.]+ without a value", Page(html).text)
    assert Page(html).table("rooms: mean and quantiles")[1][-1][0] == "none"
    assert ">none</text>" in html


def test_of_many_classes_those_that_vary_most_are_shown():
    found = made("ten")[1]
    for curve in found.curves:
        spread = np.ptp(curve.mean, axis=0)
        assert len(curve.varying) == 3
        assert min(spread[curve.varying]) >= sorted(spread)[-3]
    html = curve_cards.curves(found)
    assert html.count('class="key"') == 3 * len(found.curves)
    assert "faint, single rows" not in html
    assert "faint, single rows." in made("classes")[2]
    assert "faint, single rows, moved to one level." in made("quantity")[2]


@pytest.mark.parametrize("name", ["classes", "quantity", "quantiles", "ten"])
def test_single_rows_are_drawn_from_one_start(name):
    """By how much the prediction of a row changes from the first value of a column to the last."""
    _, found, html = made(name)
    page = Page(html).text
    for curve in found.curves:
        if not (curve.ordered and curve.some > 1):
            continue
        words = curve_cards._outputs(found, curve)
        k = max(words, key=lambda k: np.ptp(curve.mean[: curve.some, k]))
        rises = curve.p[:, curve.some - 1, k] - curve.p[:, 0, k]
        said = [
            curve_cards._figure(found, each)
            for each in (rises.mean(), *np.quantile(rises, (0.1, 0.9)))
        ]
        told = (
            f"it changes by {said[0]} on average, by {said[1]} to {said[2]} in four of five rows."
        )
        assert f"{words[k]}: from {curve_cards._value(curve.values[0])} to " in page
        assert told in page
        plot = plots.rows_plot(curve, k, "prediction", "said")
        assert len(plot) < 20_000


def test_work_bounds_the_rows_that_are_averaged(monkeypatch):
    prepared, _, model, source = made("quantity")[0]
    monkeypatch.setattr(column_curves, "WORK", 1)
    curves = column_curves.column_curves(model, prepared, source, ["area", "city"], 0)
    assert [len(curve.p) for curve in curves] == [column_curves.FEWEST] * 2
    assert [len(curve.seen) for curve in curves] == [60, 60]


def test_without_a_column_that_matters_the_card_says_so():
    found = dataclasses.replace(made("quantity")[1], curves=[])
    page = Page(curve_cards.curves(found))
    assert page.text.startswith("Learnt curves No column that matters has a curve.")
    assert not page.of("svg")


def curve_of(values, seen=None):
    """A curve of given values of a column "x", whose predictions rise."""
    series = pl.Series("x", values)
    p = np.tile(np.linspace(0, 1, len(series))[None, :, None], (4, 1, 1))
    return column_curves.ColumnCurve(series, True, series if seen is None else seen, p)


@pytest.mark.parametrize("days", np.geomspace(1e-5, 1e5, 41))
def test_dates_of_any_span_have_ticks(days):
    times = np.datetime64("2001-02-03T04:05:06", "us") + (
        np.linspace(0, days * 86_400e6, 33).astype("timedelta64[us]")
    )
    html = plots.curve_plot(curve_of(times), [0], "prediction", "x rises", level=True)
    assert len(re.findall("<text", html)) > 6


@pytest.mark.parametrize(
    ("values", "wide"),
    [
        (np.geomspace(1, 1e6, 33), True),
        (np.geomspace(1, 1e6, 33) - 1, False),
        (np.linspace(1, 1e6, 33), False),
        (np.geomspace(1e-300, 1e300, 33), False),
        ([1.0, 1e6], False),
        ([5.0], False),
        (range(40), False),
    ],
)
def test_values_that_are_wide_apart_have_a_log_axis(values, wide):
    curve = curve_of(values)
    assert curve.is_wide == wide
    html = plots.curve_plot(curve, [0], "prediction", "x rises", level=False)
    assert "<text" in html
    if not curve.lies_apart:
        edges, counts = column_curves.spread_of(curve)
        assert counts.sum() == len(values)
        steps = np.diff(np.log(edges) if wide else edges)
        assert steps == pytest.approx(steps[0], rel=1e-6)


# The race and the members


RACE = {"effort": "default", "learning_rate": (0.0001, 0.03), "members": 3, "schedule": "cosine"}


@functools.cache
def raced(**options):
    given = trained(flats().drop("dear"), "price", **{**RACE, **options})
    return given[2], Page(report(*given))


@pytest.mark.parametrize("refit", [True, False], ids=["all rows", "rows in training"])
def test_the_race_and_the_members_are_told(refit):
    model, page = raced(refit=refit)
    told = model.about["runs"]
    head, rows = page.table("the rates that were raced")
    assert head == ["rate", "best loss", "epoch", "outcome"]
    by_rate = {each["rate"]: (k, each) for k, each in enumerate(told["race"], 1)}
    assert [read(row[0]) for row in rows] == [told["rate"], *(by_rate.keys() - {told["rate"]})]
    assert [row[3] for row in rows] == ["won", "not chosen"]
    for rate, found, epoch, _ in rows:
        k, each = by_rate[read(rate)]
        assert found == number(each["found"])
        assert read(epoch) == each["epoch"]
        assert each["found"] == pytest.approx(model.curves[f"race.{k}"].min())
    assert page.facts["model"] == "the mean of 3 networks"
    if refit:
        assert page.facts["members"] == f"3 of rate {told['rate']:g}, for 8 epochs"
        assert page.facts["trained on"] == "all 400 rows, those held out too"
        assert "brought" not in page.facts
    else:
        assert page.facts["members"] == f"3 of rate {told['rate']:g}"
        assert page.facts["trained on"] == "the 340 rows in training"
        assert page.facts["brought"].startswith("R²") or "RMSE" in page.facts["brought"]


def test_rates_that_are_as_good_have_members_each(monkeypatch):
    monkeypatch.setattr("chainrule.tabular.table_training.AS_GOOD", 1e9)
    model, page = raced(seed=1)
    told = model.about["runs"]
    assert page.facts["members"] == (
        f"2 of rate {told['rate']:g}, for 8 epochs; 1 of rate {told['also']:g}, for 8 epochs"
    )
    assert [row[3] for row in page.table("the rates")[1]] == ["won", "as good"]


def test_a_rate_that_diverged_is_told():
    _, page = raced(learning_rate=(1e30, 0.01), optimizer="sgd", epochs=2)
    assert page.table("the rates")[1][1][1:] == ["–", "–", "diverged"]


def test_a_race_by_a_metric_is_told_in_its_words():
    given = trained(flats().drop("price"), "dear", **RACE, metric="accuracy")
    head, rows = Page(report(*given)).table("the rates that were raced")
    assert head[1] == "best accuracy"
    assert read(rows[0][1]) == pytest.approx(given[2].curves["validation_accuracy"].max(), rel=1e-3)


@pytest.mark.parametrize("name", [name for name in TRAININGS if "effort" not in TRAININGS[name][2]])
def test_one_network_without_a_race_has_no_card(name):
    assert list(race_cards.runs(made(name)[1])) == []
    assert "Race" not in made(name)[2]


def test_members_without_a_race_and_what_was_left_out_are_told():
    _, page = raced(learning_rate=0.01, members=2)
    assert "Race" not in page.text
    assert page.facts["members"] == "2 of rate 0.01, for 8 epochs"
    found = made("quantity")[1]
    runs = {
        **found.model.about["runs"],
        "members": 2,
        "left_out": ["2 of 4 members, for the budget"],
    }
    model = dataclasses.replace(found.model, about={**found.model.about, "runs": runs})
    html = "".join(race_cards.runs(dataclasses.replace(found, model=model)))
    assert Page(html).facts["left out"] == "2 of 4 members, for the budget"
