"""The page of a training: its numbers are those found, its text is harmless, its file is whole."""

import dataclasses
import os
import re

import matplotlib
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
    write_report,
)
from chainrule.tabular.report.findings import find
from chainrule.tabular.scores import SCORES
from reports import Page, flats, measured, read, trained

EVIL = """</style><script>alert("1")</script><img src=x onerror='alert(2)'>&amp;$title"""
LONG = "x" * 200


def hostile(n=200):
    """A table whose names, classes and values would like to be more than text."""
    draw = np.random.default_rng(0)
    kinds = [EVIL, LONG, "\u202eright to left", "a\nb\x1b[31m", "$x_{1}$ <b>"]
    column = pl.Series(draw.choice(kinds, n))
    return pl.DataFrame(
        {
            EVIL: draw.standard_normal(n),
            LONG: column,
            "\u202e<i>": draw.standard_normal(n),
            "'\"<script>": [f"{kind}{'<' * (k % 2)}" for k, kind in enumerate(column)],
        }
    )


TRAININGS = {
    "classes": (flats().drop("price"), "dear", {"dropout": 0.0}),
    "weighted": (flats().drop("dear"), "price", {"weight": "share"}),
    "quantity": (flats().drop("dear"), "price", {}),
    "quantiles": (flats().drop("dear"), "price", {"quantiles": (0.1, 0.5, 0.9)}),
    "one quantile": (flats().drop("dear"), "price", {"loss": "quantile(0.8)", "weight": "share"}),
    "metric": (flats().drop("price"), "dear", {"metric": "f1_macro", "class_weight": "balanced"}),
    "ten": ("sklearn:digits", "target", {}),
    "hostile": (hostile(), "'\"<script>", {"categories": [LONG]}),
}


@pytest.fixture(scope="module")
def made():
    """Each training with its findings and its page, made once."""
    known = {}

    def make(name):
        if name not in known:
            table, target, options = TRAININGS[name]
            given = trained(table, target, **options)
            known[name] = given, find(*given), report(*given)
        return known[name]

    return make


@pytest.mark.parametrize("name", TRAININGS)
def test_every_page_is_whole_small_and_asks_for_nothing(made, name):
    html = made(name)[2]
    page = Page(html)
    assert len(html.encode()) < 500_000
    assert not page.of("script")
    assert not [t for t, _ in page.tags if t in ("img", "link", "iframe", "object", "a", "base")]
    policy = page.of("meta")[1]["content"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'")
    addresses = [value for _, attrs in page.tags for key, value in attrs.items()
                 if key.endswith(("href", "src"))]  # fmt: skip
    assert all(address.startswith("#") for address in addresses)
    assert all(address.startswith("url(#") for address in re.findall(r"url\([^)]*\)", html))


@pytest.mark.parametrize("name", TRAININGS)
def test_every_figure_is_said_in_words_and_every_table_has_headers(made, name):
    page = Page(made(name)[2])
    plots = page.of("svg")
    assert len(plots) == len(page.of("figure")) >= 2
    assert all(p["role"] == "img" and len(p["aria-label"]) > 20 for p in plots)
    assert page.tables
    assert all(set(attrs) >= {"scope"} for attrs in page.of("th"))
    for head, *rows in page.tables.values():
        assert all(head)
        assert rows
        assert {len(row) for row in rows} == {len(head)}
        assert all(row[0] for row in rows)


@pytest.mark.parametrize("name", TRAININGS)
def test_no_id_stands_twice_and_each_that_is_named_is_there(made, name):
    html = made(name)[2]
    ids = [attrs["id"] for _, attrs in Page(html).tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    named = re.findall(r'(?:href="|url\(|labelledby=")#?([^")]+)', html)
    assert set(named) <= set(ids)


@pytest.mark.parametrize("name", ["ten", "weighted"])
def test_the_same_training_makes_the_same_page(made, name):
    table, target, options = TRAININGS[name]
    given = trained(table, target, **options)
    assert report(*given) == made(name)[2]


def test_settings_of_matplotlib_change_no_page(made):
    own = {"lines.linewidth": 9, "font.size": 30, "svg.fonttype": "path", "axes.grid": True}
    with matplotlib.rc_context(own):
        assert report(*made("quantity")[0]) == made("quantity")[2]
        assert matplotlib.rcParams["font.size"] == 30


@pytest.mark.parametrize("name", TRAININGS)
def test_the_summary_is_the_models(made, name):
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
    assert page.facts["network"] == (
        f"{model.net.inputs} in → 16 relu{between} → {model.net.outputs} out"
    )
    assert page.facts["training"] == f"8 epochs; the best was epoch {about['best_epoch']}"
    assert page.facts["table"] == source.name
    if "metric" in about["options"]:
        return
    best = float(model.curves["validation_loss"].min())
    assert f"lowest after epoch {about['best_epoch']}, {number(best)};" in page.text


@pytest.mark.parametrize("name", ["classes", "ten"])
def test_the_tables_of_the_classes_are_what_was_found(made, name):
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


def test_of_many_classes_the_most_confused_and_the_worst_scored_are_shown(made):
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


def test_the_residuals_are_those_of_the_rows_held_out(made):
    (prepared, run, model, _), found, html = made("quantity")
    rows = flats()[(prepared.rows[prepared.is_held_out] - 1).tolist()]
    residuals = (
        rows["price"].to_numpy() - measured(run, model).predict(rows)["prediction"].to_numpy()
    )
    assert np.allclose(found.y - found.p[:, 0], residuals, atol=0.01)
    low, high = re.search(r"nine in ten lie between (\S+) and (\S+),", Page(html).text).groups()
    assert np.allclose([read(low), read(high)], np.quantile(residuals, [0.05, 0.95]), atol=0.1)


def test_few_points_are_drawn_of_many_rows_and_the_page_says_so(made):
    html = "".join(quality_cards.regression(made("quantity")[1], points=12))
    assert "Predicted over true values of the rows held out (12 of 60 rows, drawn)." in html
    plot = html[html.index("Predicted and true") : html.index("Residuals")]
    assert len(re.findall("<use [^>]*fill-opacity: 0.45", plot)) == 12


@pytest.mark.parametrize("name", TRAININGS)
def test_importances_and_gradients_are_what_was_found(made, name):
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


def test_the_rows_have_the_values_of_the_table(made):
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


def test_what_was_decided_is_there_with_the_other_way(made):
    (prepared, *_), _, html = made("ten")
    page = Page(html)
    _, rows = page.table("what became of each column")
    assert rows == [
        [d.column, d.role, d.reason, d.option.replace("`", "")] for d in prepared.decisions
    ]


def test_every_option_is_there_with_its_value(made):
    (_, _, model, _), _, html = made("ten")
    _, rows = Page(html).table("what it was trained with")
    assert [row[0] for row in rows] == [each.name for each in dataclasses.fields(Options)]
    values = {row[0]: row[1] for row in rows}
    assert values["hidden"] == "16"
    assert values["learning_rate"] == f"{model.about['options']['learning_rate']}"
    assert (values["refit"], values["clip_norm"], values["numbers"]) == ("–", "–", "–")


def test_an_order_is_there_in_words(made):
    order = {"city": ["Nice", "Lyon", "Paris"]}
    html = report(*trained(flats().drop("price"), "dear", order=order, epochs=1, refit=False))
    values = {row[0]: row[1] for row in Page(html).table("what it was trained with")[1]}
    assert (values["order"], values["refit"]) == ("city: Nice < Lyon < Paris", "no")
    assert "1 epoch; the best was epoch 1" in html
    assert "anew with all rows" not in html


def test_a_model_that_was_trained_anew_says_so(made):
    (_, _, model, _), _, html = made("ten")
    assert model.about["epochs_with_all"] == 8
    assert (
        "The network was trained anew with all rows for 8 epochs: that is the model saved" in html
    )


def test_of_many_columns_some_are_shown_and_the_others_counted(made):
    found = made("ten")[1]
    page = Page(option_cards.decisions(found, most=10) + influence_cards.columns(found, shown=7))
    assert len(page.table("what became of each column")[1]) == 10
    assert "… and 55 more columns: number 52, left out 2, target 1." in page.text
    assert len(page.table("the drop of accuracy")[1]) == 7
    assert "7 of 61 columns are shown." in page.text


def test_what_was_drawn_of_how_many_is_said(made):
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


def test_residuals_that_lie_far_out_are_counted(made):
    y = np.r_[np.arange(1_000.0), 10_000, 20_000]
    found = dataclasses.replace(made("quantity")[1], y=y, p=np.zeros((len(y), 1)))
    text = Page("".join(quality_cards.regression(found))).text
    assert "The outermost bars hold 10 that lie beyond them." in text


def test_a_single_row_held_out_is_enough_for_a_page():
    given = trained(flats(20).drop("dear"), "price", validation=0.01)
    page = Page(report(*given))
    assert "Only one row is held out, so there is nothing to shuffle." in page.text
    assert "RMSE" in [row[0] for row in page.table("scores")[1]]


def test_weights_and_rows_that_are_left_out_are_mentioned(made):
    assert "count each row with its weight" in made("weighted")[2]
    assert "count each row with its weight" not in made("quantity")[2]
    some = flats().with_columns(dear=pl.when(pl.int_range(pl.len()) > 4).then("dear"))
    assert "; 5 without a target left out" in report(*trained(some, "dear"))


def test_whatever_a_table_holds_is_text_and_short(made):
    html = made("hostile")[2]
    assert "<script" not in html
    assert "<img" not in html
    assert "\u202e" not in html
    assert "\x1b" not in html
    page = Page(html)
    head, *_ = page.table("rows of each class")
    assert any(name.startswith("</style><script>") and name.endswith("…") for name in head)
    assert page.of("title") == [{}]
    for caption, rows in page.tables.items():
        longest = 201 if caption.startswith("what ") else 60
        assert all(len(cell) <= longest for row in rows for cell in row), caption


def test_a_file_is_replaced_whole_or_not_at_all(made, tmp_path, monkeypatch):
    given, _, html = made("classes")
    path = tmp_path / "report.html"
    path.write_text("before")
    write_report(path, *given)
    assert path.read_text(encoding="utf-8") == html

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*report\.html'"):
        write_report(path, *given)
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
    assert path.read_text(encoding="utf-8") == html


def test_a_place_that_takes_no_file_is_named(made, tmp_path):
    with pytest.raises(ValueError, match="is not a file that could be replaced"):
        write_report(tmp_path, *made("classes")[0])
    with pytest.raises(FileNotFoundError, match="missing"):
        write_report(tmp_path / "missing" / "report.html", *made("classes")[0])


# --- in a browser


@pytest.fixture
def seen(browser, made, tmp_path):
    """Open a page; at the end nothing may stand in the console, nor have been asked for."""
    pages = []

    def see(name, width=1280):
        path = tmp_path / f"{name}.html"
        path.write_text(made(name)[2], encoding="utf-8")
        page = browser.new_page()
        said = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: said.append(request.url))
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(path.as_uri())
        pages.append((page, said, path.as_uri()))
        return page

    yield see
    for page, said, address in pages:
        page.close()
        assert said == [address]


@pytest.mark.parametrize("width", [360, 768, 1280])
@pytest.mark.parametrize("name", TRAININGS)
def test_a_page_is_as_wide_as_its_window(seen, name, width):
    page = seen(name, width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator("svg").first.bounding_box()["width"] <= width
    assert page.locator("figure svg text").count() > 10


def test_the_plots_have_the_colours_of_the_page_in_light_and_dark(seen):
    page = seen("classes")
    colours = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        colours[scheme] = page.evaluate(
            """() => {
              const of = (what, key) => getComputedStyle(document.querySelector(what))[key];
              return [of('body', 'color'), of('svg text', 'fill'), of('.card', 'backgroundColor')];
            }"""
        )
    assert all(a != b for a, b in zip(*colours.values(), strict=True))
