"""The cards of bounds and of sets on the page of a training: what they hold of rows held out."""

import dataclasses

import numpy as np
import polars as pl
import pytest

from chainrule.formatting import number
from chainrule.tabular.report import interval_cards, report
from chainrule.tabular.report.findings import find
from reports import Page, flats, made, measured, read, trained
from test_table_sets import noisy

TABLE = flats().drop("dear")

ROUNDED = 1e-3
"""The row that sets the bounds lies on one; its target is rounded to float32 on its way."""


@pytest.fixture(scope="module", params=[{}, {"weight": "share"}, {"time": "built"}])
def bounded(request):
    """A training with bounds, its page, and what is predicted of the rows held out."""
    given = trained(TABLE, "price", interval=0.8, **request.param)
    prepared, judged, model, _ = given
    rows = TABLE[(prepared.rows[prepared.is_held_out] - 1).tolist()]
    first = dataclasses.replace(measured(judged, model), interval=judged.model.interval)
    rows = rows.hstack(first.predict(rows))
    low, high = pl.col("lower") - ROUNDED, pl.col("upper") + ROUNDED
    return (
        given,
        Page(report(*given)),
        rows.with_columns(inside=pl.col("price").is_between(low, high)),
    )


def test_what_the_bounds_hold_is_told(bounded):
    (prepared, _, model, _), page, rows = bounded
    w = prepared.held_out.w
    held = np.average(rows["inside"].to_numpy(), weights=w)
    said = page.facts["held out"]
    assert said == f"in {100 * held:.1f} % of {len(rows)} rows, by which they were set"
    assert page.facts["interval"] == model.interval.in_words(model.about["options"])
    assert page.facts["interval"].startswith("holds 80 % of new rows (")
    assert ("new rows must be like them" in page.text) == ("time" in model.about["options"])
    width = np.average((rows["upper"] - rows["lower"]).to_numpy(), weights=w)
    assert page.facts["width"].startswith(f"{number(float(width))[:4]}")


def test_it_is_told_for_fifths_of_the_predictions(bounded):
    (prepared, *_), page, rows = bounded
    _, shown = page.table("what the bounds hold, by the prediction")
    w = prepared.held_out.w
    weights = pl.Series(np.ones(len(rows)) if w is None else w)
    rows = rows.with_columns(w=weights).sort("prediction")
    assert [read(row[1]) for row in shown] == [12] * 5
    least = []
    for k, (between, _, held, certain, width) in enumerate(shown):
        part = rows[12 * k : 12 * k + 12]
        ends = part["prediction"].min(), part["prediction"].max()
        assert [read(end) for end in between.split(" to ")] == pytest.approx(ends, rel=1e-3)
        share = np.average(part["inside"].to_numpy(), weights=part["w"].to_numpy())
        assert float(held.removesuffix(" %")) == pytest.approx(100 * share, abs=0.06)
        low, high = map(float, certain.removesuffix(" %").split("–"))
        assert low <= 100 * share + 0.5 <= high + 1
        mean = np.average((part["upper"] - part["lower"]).to_numpy(), weights=part["w"].to_numpy())
        assert read(width) == pytest.approx(mean, rel=1e-3)
        least.append((share, between))
    share, between = min(least, key=lambda each: each[0])
    said = f"They hold least, in {100 * share:.1f} %, where the prediction lies between "
    assert said + between.replace(" to ", " and ") + "." in page.text


@pytest.mark.parametrize(("n", "parts"), [(3, [3]), (20, [10, 10]), (54, [11] * 4 + [10])])
def test_few_rows_have_fewer_parts(n, parts):
    p = np.random.default_rng(0).permutation(n).astype(float)
    bounds = np.stack([p - 1, p + 1], axis=1)
    found = interval_cards.by_prediction(p + (p >= n - 3) * 2, p, bounds, None)
    assert [part.rows for part in found] == parts
    assert [part.coverage.share for part in found] == [1.0] * (len(parts) - 1) + [1 - 3 / parts[-1]]
    assert [part.width for part in found] == [2.0] * len(parts)
    assert [part.low for part in found[1:]] == [part.high + 1 for part in found[:-1]]


def test_a_model_without_an_interval_has_no_card():
    assert list(interval_cards.interval(made("quantity")[1])) == []
    assert "Bounds" not in made("quantity")[2]


def test_of_many_rows_some_are_drawn(monkeypatch):
    monkeypatch.setattr(interval_cards, "POINTS", 20)
    found = find(*trained(TABLE, "price", interval=0.8))
    page = Page("".join(interval_cards.interval(found)))
    assert (
        "True values and bounds of 20 of 60 rows held out, drawn, less the prediction" in page.text
    )


# Sets of classes


@pytest.fixture(scope="module")
def in_sets():
    """A training with sets of classes, its page, and what is predicted of the rows held out."""
    table = noisy(400, 0, tuple("abcd")).drop("w")
    given = trained(table, "y", interval=0.8)
    prepared, judged, model, _ = given
    rows = table[(prepared.rows[prepared.is_held_out] - 1).tolist()]
    first = dataclasses.replace(measured(judged, model), interval=judged.model.interval)
    rows = rows.hstack(first.predict(rows)).with_columns(pl.col("set").str.split("|"))
    rows = rows.with_columns(inside=pl.col("set").list.contains(pl.col("y")))
    return model, Page(report(*given)), rows.with_columns(size=pl.col("set").list.len())


def test_what_the_sets_hold_is_told(in_sets):
    model, page, rows = in_sets
    share = f"{100 * rows['inside'].mean():.1f} %"
    assert page.facts["held out"] == f"in {share} of {len(rows)} rows, by which they were set"
    assert page.facts["interval"] == model.interval.in_words({})
    size = model.about["validation"]["interval"]
    assert size["size"] == pytest.approx(rows["size"].mean())
    mean, baseline = number(size["size"]), number(size["baseline"])
    assert page.facts["classes"] == f"{mean} in the mean, of the baseline {baseline}"


def test_it_is_told_by_size_and_by_class(in_sets):
    _, page, rows = in_sets
    _, shown = page.table("the sets by their size")
    right = rows.group_by("size").agg(pl.len(), pl.col("inside").mean()).sort("size")
    assert [(read(row[0]), read(row[2]), row[3]) for row in shown] == [
        (size, n, f"{100 * held:.1f} %") for size, n, held in right.iter_rows()
    ]
    _, shown = page.table("the rows of each class")
    right = rows.group_by("y").agg(pl.len(), pl.col("inside").mean(), pl.col("size").mean())
    right = {name: (n, f"{100 * held:.1f} %", size) for name, n, held, size in right.iter_rows()}
    assert {
        row[0]: (read(row[1]), row[2], pytest.approx(read(row[4]), rel=1e-3)) for row in shown
    } == right
    assert [float(row[2][:-2]) for row in shown] == sorted(float(row[2][:-2]) for row in shown)


def test_of_many_classes_those_that_sets_lack_most_are_told():
    rng = np.random.default_rng(0)
    y, sets = rng.integers(0, 30, 600), rng.random((600, 30)) < 0.9
    found = interval_cards.sets_by_class(y, sets)
    assert [each.label for each in found] == list(range(30))
    for each in found:
        assert each.coverage.share == sets[y == each.label, each.label].mean()
        assert each.size == sets[y == each.label].sum(axis=1).mean()
    page = Page(interval_cards._sizes(y, sets))
    assert [row[0] for row in page.table("the sets by")[1]][-1] == "10 or more"


def test_rows_count_by_their_weights_and_those_of_none_not_at_all():
    rng = np.random.default_rng(0)
    p, y, w = rng.normal(size=60), rng.normal(size=60), rng.integers(0, 4, 60).astype(float)
    w[p > 0.5] = 0  # a part of its own
    bounds = np.stack([p - rng.random(60), p + rng.random(60)], axis=1)
    first, *_ = found = interval_cards.by_prediction(y, p, bounds, w)
    assert found == interval_cards.by_prediction(y[w > 0], p[w > 0], bounds[w > 0], w[w > 0])
    rows = [k for k in np.argsort(p) if w[k] > 0][: first.rows]
    inside = (bounds[rows, 0] <= y[rows]) & (y[rows] <= bounds[rows, 1])
    assert first.coverage.share == pytest.approx(inside @ w[rows] / w[rows].sum())
    width = bounds[rows, 1] - bounds[rows, 0]
    assert first.width == pytest.approx(width @ w[rows] / w[rows].sum())


def test_classes_count_by_the_weights_of_their_rows():
    y, w = np.array([0, 0, 1, 2]), np.array([1.0, 3.0, 2.0, 0.0])
    sets = np.array([[True, False, False], [False, True, True], [True, True, False], [True] * 3])
    first, other = interval_cards.sets_by_class(y, sets, w)
    assert (first.rows, first.coverage.share, first.size) == (2, 0.25, 1.75)
    assert (other.label, other.rows, other.coverage.share, other.size) == (1, 1, 1.0, 2.0)
    rows = Page(interval_cards._sizes(y, sets, w)).table("the sets by")[1]
    assert [(row[0], row[2], row[3]) for row in rows] == [
        ("1", "1", "100.0 %"),
        ("2", "2", "40.0 %"),
    ]
