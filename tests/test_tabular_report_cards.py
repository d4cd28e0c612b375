"""The cards of the page of a training: what they show is what was found."""

import dataclasses
import re

import numpy as np
import polars as pl
import pytest

from chainrule.formatting import number
from chainrule.tabular import Options, class_scores
from chainrule.tabular.report import (
    calibration,
    influence_cards,
    option_cards,
    quality_cards,
    report,
)
from chainrule.tabular.scores import SCORES
from reports import TRAININGS, Page, flats, made, measured, read, trained


@pytest.mark.parametrize("name", TRAININGS)
def test_the_summary_is_the_models(name):
    (prepared, _, model, source), _, html = made(name)
    page, about = Page(html), model.about
    head, rows = page.table("scores of the rows held out")
    assert head == ["score", "model", "baseline"]
    scores = about["validation"]
    assert [row[0] for row in rows] == [SCORES[key].word for key in scores["model"]]
    for row, key in zip(rows, scores["model"], strict=True):
        near = {"rel": 1e-3, "abs": 0 if SCORES[key].in_units else 5e-5}  # four decimals
        assert read(row[1]) == pytest.approx(scores["model"][key], **near)
        assert read(row[2]) == pytest.approx(scores["baseline"][key], **near)
    assert page.facts["rows"] == (
        f"{(~prepared.is_held_out).sum():,} in training, "
        f"{prepared.is_held_out.sum():,} held out for validation"
    )
    assert page.facts["parameters"] == f"{model.net.size:,}"
    dropout = about["options"]["dropout"]
    between = f" → dropout {dropout:g}" if dropout else ""
    numbers = sum(map(bool, model.net.layers[0].edges))
    assert page.facts["network"] == (
        f"{model.net.inputs} in → piecewise linear {numbers} × 8 → 16 relu{between} "
        f"→ {model.net.outputs} out"
    )
    assert page.facts["training"] == f"8 epochs; the best was epoch {about['best_epoch']}"
    assert page.facts["table"] == source.name
    if "metric" in about["options"]:
        return
    best = float(model.curves["validation_loss"][about["best_epoch"] - 1])
    assert f"best after epoch {about['best_epoch']}, {number(best)};" in page.text


@pytest.mark.parametrize("name", ["classes", "ten"])
def test_the_tables_of_the_classes_are_what_was_found(name):
    (_, _, model, _), found, html = made(name)
    page, classes = Page(html), [str(label) for label in model.target.classes]
    y, guess, n = found.y, found.p.argmax(axis=1), len(classes)
    head, rows = page.table("rows of each class by the class predicted")
    assert head[1:] == [row[0] for row in rows] == classes
    shown = [[read(cell) for cell in row[1:]] for row in rows]
    assert np.array_equal(shown, class_scores.confusion(y, guess, n))
    _, rows = page.table("the scores of each class")
    right = [list(score)[1:] for score in class_scores.class_scores(y, guess, n)]
    shown = [[read(cell) for cell in row[1:]] for row in rows]
    assert np.allclose(shown, right, rtol=1e-3, equal_nan=True)
    _, rows = page.table("the bins of the curve")
    shown = [[read(cell) for cell in row] for row in rows]
    assert np.allclose(shown, calibration.calibration(y, found.p), rtol=1e-3)


def test_of_many_classes_the_most_confused_and_the_worst_scored_are_shown():
    found = made("ten")[1]
    page = Page("".join(quality_cards.classification(found, most=5)))
    guess = found.p.argmax(axis=1)
    pairs = class_scores.confused_pairs(found.y, guess, 10)
    head, rows = page.table(f"the most frequent of {len(pairs)} pairs of classes")
    assert head == ["class", "taken for", "rows"]
    assert [tuple(map(int, row)) for row in rows] == pairs[:5]
    _, rows = page.table("the 5 of 10 classes with the lowest scores")
    f1 = sorted(score.f1 for score in class_scores.class_scores(found.y, guess, 10))[:5]
    assert np.allclose([read(row[3]) for row in rows], f1, rtol=1e-3)


def test_the_residuals_are_those_of_the_rows_held_out():
    (prepared, judged, model, _), found, html = made("quantity")
    rows = flats()[(prepared.rows[prepared.is_held_out] - 1).tolist()]
    residuals = (
        rows["price"].to_numpy() - measured(judged, model).predict(rows)["prediction"].to_numpy()
    )
    assert np.allclose(found.y - found.p[:, 0], residuals, atol=0.01)
    low, high = re.search(r"nine in ten lie between (\S+) and (\S+),", Page(html).text).groups()
    assert np.allclose([read(low), read(high)], np.quantile(residuals, [0.05, 0.95]), atol=0.1)


def test_few_points_are_drawn_of_many_rows_and_the_page_says_so():
    html = "".join(quality_cards.regression(made("quantity")[1], points=12))
    assert "Predicted over true values of the rows held out (12 of 60 rows, drawn)." in html
    plot = html[html.index("Predicted and true") : html.index("Residuals")]
    assert len(re.findall("<use [^>]*fill-opacity: 0.45", plot)) == 12


@pytest.mark.parametrize("name", TRAININGS)
def test_importances_and_gradients_are_what_was_found(name):
    (_, _, model, _), found, html = made(name)
    page = Page(html)
    _, rows = page.table(f"the drop of {found.importances.score}")
    for row, (_, mean, spread) in zip(rows, found.importances.columns, strict=False):
        assert read(row[2]) == pytest.approx(mean, rel=1e-3, abs=1e-6)
        assert read(row[3]) == pytest.approx(spread, rel=1e-3, abs=1e-6)
    for part, own in found.gradients.items():
        head, rows = page.table(f"{part}: the {len(own.largest)} largest gradients of")
        assert len(head) == 1 + len(found.shown) + 4
        for row, each in zip(rows, own.largest, strict=True):
            assert read(row[0]) == each.row
            assert read(row[-1]) == pytest.approx(each.norm, rel=1e-3)
            if model.target.task == "classification":
                assert read(row[-2]) == pytest.approx(each.p[each.y], rel=1e-3)
            else:
                middle = each.p[len(each.p) // 2]
                assert read(row[-3]) == pytest.approx(middle, rel=1e-3)
                residual = float(model.target.decode(each.y)[0]) - middle
                assert read(row[-2]) == pytest.approx(residual, rel=1e-3, abs=1e-3)


def test_the_rows_have_the_values_of_the_table():
    table = flats()
    head, rows = Page(made("classes")[2]).table("training: the 15 largest")
    for row in rows:
        own = table.row(int(read(row[0])) - 1, named=True)
        for name, shown in zip(head[1:-3], row[1:-3], strict=True):
            value = own[name]
            if isinstance(value, float):
                assert read(shown) == pytest.approx(value, rel=1e-3, nan_ok=True)
            else:
                assert shown == str(value)


def test_what_was_decided_is_there_with_the_other_way():
    (prepared, *_), _, html = made("ten")
    page = Page(html)
    _, rows = page.table("what became of each column")
    assert rows == [
        [d.column, d.role, d.reason, d.option.replace("`", "")] for d in prepared.decisions
    ]


def test_every_option_is_there_with_its_value():
    (_, _, model, _), _, html = made("ten")
    _, rows = Page(html).table("what it was trained with")
    assert [row[0] for row in rows] == [each.name for each in dataclasses.fields(Options)]
    values = {row[0]: row[1] for row in rows}
    assert values["hidden"] == "16"
    assert values["learning_rate"] == f"{model.about['options']['learning_rate']}"
    assert (values["refit"], values["clip_norm"], values["numbers"]) == ("–", "–", "–")


def test_an_order_is_there_in_words():
    order = {"city": ["Nice", "Lyon", "Paris"]}
    html = report(*trained(flats().drop("price"), "dear", order=order, epochs=1, refit=False))
    values = {row[0]: row[1] for row in Page(html).table("what it was trained with")[1]}
    assert (values["order"], values["refit"]) == ("city: Nice < Lyon < Paris", "no")
    assert "1 epoch; the best was epoch 1" in html
    assert "anew with all rows" not in html


def test_a_model_that_was_trained_anew_says_so():
    (_, _, model, _), _, html = made("ten")
    assert model.about["epochs_with_all"] == 8
    assert (
        "The network was trained anew with all rows for 8 epochs: that is the model saved" in html
    )


def test_of_many_columns_some_are_shown_and_the_others_counted():
    found = made("ten")[1]
    page = Page(option_cards.decisions(found, most=10) + influence_cards.columns(found, shown=7))
    assert len(page.table("what became of each column")[1]) == 10
    assert "… and 55 more columns: number 52, left out 2, target 1." in page.text
    assert len(page.table("the drop of accuracy")[1]) == 7
    assert "7 of 61 columns are shown." in page.text


def test_what_was_drawn_of_how_many_is_said():
    found = made("ten")[1]
    found = dataclasses.replace(
        found,
        importances=dataclasses.replace(found.importances, examples=50, shuffled=30),
        gradients={part: own._replace(taken=100) for part, own in found.gradients.items()},
    )
    text = Page(influence_cards.columns(found) + influence_cards.rows(found)).text
    assert "on 50 of 270 rows held out, drawn at random:" in text
    assert "Of 61 columns, only the 30 that move the outputs most were shuffled." in text
    assert "training: the 15 largest gradients of 100 drawn from 1,527 rows" in text
    assert "validation: the 15 largest gradients of 100 drawn from 270 rows" in text


def test_residuals_that_lie_far_out_are_counted():
    y = np.r_[np.arange(1_000.0), 10_000, 20_000]
    found = dataclasses.replace(made("quantity")[1], y=y, p=np.zeros((len(y), 1)))
    text = Page("".join(quality_cards.regression(found))).text
    assert "The outermost bars hold 10 that lie beyond them." in text


def test_a_single_row_held_out_is_enough_for_a_page():
    given = trained(flats(20).drop("dear"), "price", validation=0.01)
    page = Page(report(*given))
    assert "Only one row is held out, so there is nothing to shuffle." in page.text
    assert "RMSE" in [row[0] for row in page.table("scores")[1]]


def test_weights_and_rows_that_are_left_out_are_mentioned():
    assert "count each row with its weight" in made("weighted")[2]
    assert "count each row with its weight" not in made("quantity")[2]
    some = flats().with_columns(dear=pl.when(pl.int_range(pl.len()) > 4).then("dear"))
    assert "; 5 without a target left out" in report(*trained(some, "dear"))
