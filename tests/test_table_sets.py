"""Sets of classes that hold a share of new rows: what is in them, and where they are asked for."""

import csv
import re

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.tabular import temperature
from chainrule.tabular.class_sets import sets_of, size_without_inputs, unlikely, written
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.intervals import conformal
from chainrule.tabular.prepare import prepare
from chainrule.tabular.training_options import Options
from commands import ran, refused, run

SHORT = {"epochs": 4, "hidden": (16,)}
HARD = ("a|b", 'say "c"', "", "d")
"""Labels that need quotes, and one that does not."""


def noisy(rows, seed, labels=("no", "perhaps", "yes")):
    """Classes that overlap."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((2, rows))
    k = np.digitize(x[0] + 0.7 * rng.standard_normal(rows), np.linspace(-1, 1, len(labels) - 1))
    return pl.DataFrame({"x": x[0], "z": x[1], "y": pl.Series(labels).gather(k), "w": k + 1})


TABLE = noisy(400, 0)


def trained(table=TABLE, **options):
    left_out = () if "weight" in options else ("w",)
    return cr.train(table, "y", **{**SHORT, "interval": 0.9, "leave_out": left_out, **options})


@pytest.fixture(scope="module")
def model():
    return trained()


# What is in them


def drawn(n, classes, seed):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(classes, 0.4), n).astype("f4")


@pytest.mark.parametrize("classes", [1, 2, 3, 40])
@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.999, 1.0])
def test_a_set_has_the_most_probable_class_and_those_that_are_likely_enough(classes, threshold):
    p = drawn(200, classes, 1)
    for row, own in zip(p.astype(float).tolist(), sets_of(p, threshold).tolist(), strict=True):
        likely = {k for k in range(classes) if 1 - row[k] <= threshold}
        assert {k for k in range(classes) if own[k]} == likely | {row.index(max(row))}


def test_of_classes_that_are_as_probable_the_first_is_in():
    assert sets_of(np.array([[0.1, 0.45, 0.45]]), 0.0).tolist() == [[False, True, False]]


def test_a_class_is_in_the_set_from_its_score_on():
    p, y = drawn(500, 5, 2), np.random.default_rng(3).integers(0, 5, 500)
    s = unlikely(p)[np.arange(500), y]
    for threshold in np.quantile(s, [0.1, 0.5, 0.9]):
        assert np.array_equal(sets_of(p, threshold)[np.arange(500), y], s <= threshold)


@pytest.mark.parametrize("share", [0.6, 0.9])
@pytest.mark.parametrize("sure", [0.3, 3.0])
def test_they_hold_their_share_of_new_rows_whatever_the_probabilities_are_worth(share, sure):
    """The most probable class alone may hold more; what is said of the coverage is true of it."""
    rng, held = np.random.default_rng(4), []
    for _ in range(200):
        p = rng.dirichlet([0.5, 1, 1, 2], 1_100)
        y = (rng.random((1_100, 1)) > p.cumsum(axis=1)).sum(axis=1).clip(max=3)
        p = p**sure / (p**sure).sum(axis=1, keepdims=True)
        s = unlikely(p)[np.arange(1_100), y]
        found = conformal(s[:100], share)
        inside = sets_of(p[100:], found.threshold)[np.arange(1_000), y[100:]].mean()
        held.append((inside, found.least - 0.02 <= inside <= found.most + 0.02))
    coverage, said = np.mean(held, axis=0)
    assert share - 0.01 < coverage
    assert coverage < share + 0.02 or share == 0.6
    assert said > 0.93


def test_a_set_is_written_as_fields_between_bars():
    sets = np.array([[True, True, True, True], [False, False, True, False], [0, 1, 0, 1]], bool)
    texts = written(sets, HARD).to_list()
    read = [next(csv.reader([text], delimiter="|")) for text in texts]
    assert read == [list(HARD), [""], [HARD[1], HARD[3]]]
    assert written(sets[:0], HARD).to_list() == []


def test_the_baseline_has_the_most_frequent_classes():
    assert [size_without_inputs(np.full(10, 0.1), share) for share in (0.05, 0.1, 0.11, 0.9)] == [
        1, 1, 2, 9,
    ]  # fmt: skip


# What is predicted

OF_OTHERS = {
    "as it comes": {},
    "fast": {"effort": "fast"},
    "not again": {"refit": False, "members": 3},
    "metric": {"metric": "accuracy", "class_weight": "balanced"},
    "smoothed": {"label_smoothing": 0.1},
    "weights": {"weight": "w"},
}


@pytest.mark.parametrize("name", OF_OTHERS)
def test_the_prediction_is_the_same_with_sets_and_without(monkeypatch, name):
    monkeypatch.setattr(temperature, "LEAST", 30)
    made, without = (trained(**OF_OTHERS[name], interval=x) for x in (0.8, None))
    predicted = made.predict(TABLE)
    assert predicted.columns[:3] == ["prediction", "set", "probability_no"]
    assert predicted.drop("set").equals(without.predict(TABLE))
    p = predicted[:, 2:].to_numpy()
    sets = [set(text.split("|")) for text in predicted["set"]]
    names = np.array(["no", "perhaps", "yes"])
    likely = p.astype(float) >= 1 - made.interval.threshold
    for own, row, top in zip(sets, likely, predicted["prediction"], strict=True):
        assert own == {*names[row], top}


@pytest.mark.parametrize("weight", [None, "w"])
def test_they_hold_their_share_of_the_rows_held_out(weight):
    made = trained(weight=weight, refit=False)
    prepared = prepare(open_source(TABLE), "y", Options.from_mapping({**SHORT, "weight": weight}))
    with prepared.blocks:
        held = TABLE[prepared.rows[prepared.is_held_out] - 1]
    assert made.interval.rows == len(held)
    found = made.evaluate(held)["interval"]
    assert 0.9 <= found["coverage"] < 0.9 + (0.1 if weight else 1.5 / len(held) + 0.02)
    sizes = [text.count("|") + 1 for text in made.predict(held)["set"]]
    told = made.about["validation"]["interval"]
    w = held[weight].to_numpy() if weight else None
    assert told["size"] == found["size"] == pytest.approx(np.average(sizes, weights=w))
    assert told["baseline"] == 3


@pytest.mark.parametrize("share", [0.85, 0.9])
def test_they_hold_that_share_of_fresh_rows(share):
    made = trained(noisy(2_500, 0), interval=share, epochs=8)
    fresh = made.evaluate(noisy(4_000, 1))["interval"]
    assert fresh["coverage"] == pytest.approx(share, abs=0.04)
    assert fresh["least"] < fresh["coverage"] < fresh["most"]
    assert 1 < fresh["size"] < fresh["baseline"]


def test_labels_of_any_kind_and_many_classes():
    many = pl.DataFrame({"x": np.arange(900.0), "y": [f"k{k % 150:03}" for k in range(900)]})
    made = cr.train(many, "y", **SHORT, numbers=["x"], interval=0.9)
    sizes = made.predict(many)["set"].str.split("|").list.len()
    assert sizes.min() >= 1
    assert sizes.mean() == pytest.approx(made.evaluate(many)["interval"]["size"])
    odd = trained(noisy(300, 0, ("a|b", 'say "c"', "d")))
    assert '"a|b"' in "|".join(odd.predict(TABLE)["set"])
    two = trained(TABLE.with_columns(y=pl.col("y") == "yes"))
    assert {*two.predict(TABLE)["set"]} <= {"false", "true", "false|true"}


def test_a_class_of_a_single_row_does_no_harm():
    table = pl.concat([TABLE, TABLE[:1].with_columns(y=pl.lit("never"))])
    assert trained(table).interval.rows == 60


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"validation": 3 / 400}, "^`interval=0.9` needs 9 rows held out or more, got 3; hold out"),
        ({"interval": 0.999}, "^`interval=0.999` needs 999 rows held out or more, got 60; hold"),
        ({"interval": 1}, "interval must be a share between 0 and 1, such as 0.9, got 1"),
    ],
)
def test_what_cannot_be_is_refused_before_the_first_step(options, message):
    with pytest.raises(ValueError, match=message):
        trained(**options, callbacks=lambda _: pytest.fail("a step was made"))


def test_a_callback_that_ends_the_training_leaves_them():
    made = trained(callbacks=lambda _: True)
    assert made.interval.rows == 60
    assert "left_out" not in made.about["runs"]


# Files, the command, an estimator


def test_a_file_holds_them(model, tmp_path):
    model.save(tmp_path / "a.model")
    loaded = cr.TableModel.load(tmp_path / "a.model")
    assert loaded.interval == model.interval
    assert loaded.predict(TABLE).equals(model.predict(TABLE))


def test_a_column_to_keep_cannot_have_their_name(model):
    table = TABLE.with_columns(set=pl.lit(1))
    with pytest.raises(cr.TableError, match="column 'set' to keep is called as one of the predict"):
        model.predict(table, keep="set")


def test_the_command_tells_of_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    TABLE.write_csv("some.csv")
    names = "--target", "y", "--epochs", 4, "--hidden", 16
    shown = ran("train", "some.csv", *names, "--interval", 0.9, "--report", "page.html").stdout
    assert re.search(r"^Interval  holds 90 % of new rows \(\d.*–\d.* % with 95 %", shown, re.M)
    assert re.search(r"^  size of sets +[\d.]+ +3$", shown, re.M)
    scored = ran("evaluate", "some.model", "some.csv").stdout
    assert re.search(r"^Sets of 90 % held in [\d.]+ % of the rows \(", scored, re.M)
    first = ran("predict", "some.model", "some.csv").stdout.splitlines()[0]
    assert first == "prediction,set,probability_no,probability_perhaps,probability_yes"
    assert "Interval  holds 90 %" in ran("inspect", "some.model").stdout
    few = run("train", "some.csv", *names, "--interval", 0.99, "--force")
    refused(few, r"--interval 0.99 needs 99 rows held out or more, got 60; hold out more by --val")


def test_a_classifier_has_them():
    X, y = TABLE.select("x", "z"), TABLE["y"]
    made = cr.TabularClassifier(interval=0.8, **SHORT).fit(X, y)
    expected = made.model_.predict(X)
    sets = made.predict_set(X)
    assert sets.dtype == bool
    assert ["|".join(made.classes_[row]) for row in sets] == expected["set"].to_list()
    assert np.array_equal(made.predict(X), expected["prediction"].to_numpy())
    numbered = cr.TabularClassifier(interval=0.8, **SHORT).fit(X, 10 - y.str.len_chars().to_numpy())
    assert np.array_equal(numbered.predict_set(X).any(axis=1), np.ones(400, bool))
    with pytest.raises(ValueError, match=r"made with interval=, such as TabularClassifier\(interv"):
        cr.TabularClassifier(**SHORT).fit(X, y).predict_set(X)


def test_a_class_that_is_the_only_one_is_the_set():
    with pytest.warns(UserWarning, match="y is always 'a'"):
        made = cr.TabularClassifier(interval=0.9).fit(TABLE.select("x"), ["a"] * 400)
    assert made.predict_set(TABLE.select("x")).tolist() == [[True]] * 400
    assert made.model_.predict(TABLE)["set"].to_list() == ["a"] * 400
