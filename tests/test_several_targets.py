"""Several targets of one table, from their names to predictions of one network."""

from __future__ import annotations

import itertools
import json
import re

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import accuracy_score, log_loss, r2_score, root_mean_squared_error

import chainrule as cr
from chainrule import codec
from chainrule.tabular.encoding.several_targets import SeveralTargets
from chainrule.tabular.encoding.target_encoding import ClassEncoder, QuantityEncoder
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.table_error import TableError
from chainrule.tabular.table_training import prepared_training
from chainrule.tabular.target_names import target_names
from chainrule.tabular.training_options import Options
from several_targets import QUICK, TABLE, TARGETS, WHOLE, trained

PRICE, SOLD = QuantityEncoder("price", 100.0, 50.0), ClassEncoder("sold", ("no", "yes"))


@pytest.fixture(scope="module")
def model():
    return trained()


# ---- which columns are targets -------------------------------------------------------------------

COLUMNS = ["price", "rent", "price, EUR", "a,b", "a", "b"]
NAMED = [
    ("price", "price"),
    (["price"], "price"),
    (["price", "rent"], ("price", "rent")),
    ("price,rent", ("price", "rent")),
    ("price, rent", ("price", "rent")),
    ("price, EUR", "price, EUR"),
    ('"price, EUR",rent', ("price, EUR", "rent")),
    ('"price, EUR"', "price, EUR"),
    ("a,b", "a,b"),
    ('"a","b"', ("a", "b")),
    (["a,b", "a"], ("a,b", "a")),
    (("sales", "sum"), "sales.sum"),
    ([("sales", "sum"), 3], ("sales.sum", "3")),
]


@pytest.mark.parametrize(("given", "names"), NAMED)
def test_names_of_targets(given, names):
    assert target_names(given, COLUMNS) == names


WRONG_NAMES = [
    (["price", "price"], "target 'price' is named twice"),
    ("price,rent,price", "target 'price' is named twice"),
    ([], "must be the name of a column, or a list of such, got []"),
    (["price", "rentt"], "unknown target 'rentt'; did you mean 'rent'?"),
    ("price,", "unknown target ''. The table has"),
    (("price", "rent"), "several targets must be a list, got ('price', 'rent'); give ['price',"),
]


@pytest.mark.parametrize(("given", "message"), WRONG_NAMES)
def test_names_that_are_no_targets(given, message):
    with pytest.raises(TableError, match=re.escape(message)):
        cr.train(TABLE, given, **QUICK)


def test_a_column_whose_name_has_a_comma_is_one_target_and_that_is_said():
    table = TABLE.rename({"rent": "price,sold"})
    found = cr.train(table, "price,sold", **QUICK)
    assert found.target.column == "price,sold"
    assert any('quote each: "price","sold"' in each for each in found.about["warnings"])
    assert cr.train(table, '"price","sold"', **QUICK).target.columns == ("price", "sold")


# ---- the targets as numbers ----------------------------------------------------------------------


def test_targets_come_back_from_data():
    both = SeveralTargets((PRICE, SOLD))
    data = json.loads(json.dumps(both.to_data()))
    assert codec.read(data, ClassEncoder | QuantityEncoder | SeveralTargets, "target") == both


NO_TARGETS = [(), (PRICE,), (PRICE, QuantityEncoder("price", 0.0, 1.0))]


@pytest.mark.parametrize("parts", NO_TARGETS)
def test_files_whose_targets_are_none(parts):
    data = {"kind": "Several", "parts": [part.to_data() for part in parts]}
    with pytest.raises(ValueError, match="two or more targets of different columns"):
        codec.read(data, ClassEncoder | QuantityEncoder | SeveralTargets, "target")


def test_refusals_name_the_target_and_the_row():
    frame = pl.DataFrame({"price": [1.0, 2.0], "sold": ["yes", "maybe"]})
    with pytest.raises(TableError, match=r"target 'sold' must be .* got 'maybe' in row 8"):
        SeveralTargets((PRICE, SOLD)).encode(frame, first=7)


# ---- training ------------------------------------------------------------------------------------


def test_rows_that_lack_one_of_them_are_left_out(model):
    rows = model.about["rows"]
    assert rows["without_target"] == TABLE.height - WHOLE.height
    assert rows["training"] + rows["validation"] == WHOLE.height


def test_the_baseline_is_that_of_each(model):
    with prepared_training(open_source(TABLE), tuple(TARGETS), Options(**QUICK)) as training:
        trained = WHOLE.filter(pl.Series(~training.prepared.is_held_out))
        held_out = WHOLE.filter(pl.Series(training.prepared.is_held_out))
    sold = (trained["sold"] == "yes").mean()
    expected = [trained["price"].mean(), 1 - sold, sold, trained["rent"].mean()]
    assert_allclose(model.baseline, expected, rtol=1e-6)
    share = (held_out["sold"] == "yes").mean()  # held out in equal shares of the first classes
    assert abs(share - (WHOLE["sold"] == "yes").mean()) < 1.5 / held_out.height


def test_predictions_are_the_outputs_of_each_head_in_its_units(model):
    found = model.predict(TABLE)
    names = ["prediction_price", "prediction_sold", "probability_sold_no", "probability_sold_yes"]
    assert found.columns == [*names, "prediction_rent"]
    X = model.preparation.transform(TABLE)
    out = cr.predict(model.net, model.params, X)
    for name, target, column in [
        ("price", model.target.parts[0], 0),
        ("rent", model.target.parts[2], 3),
    ]:
        expected = target.centre + target.scale * out[:, column].astype(float)
        assert_allclose(found[f"prediction_{name}"], expected, rtol=1e-6)
    probability = found["probability_sold_yes"].to_numpy()
    assert_allclose(probability, out[:, 2], rtol=1e-6)
    assert (found["prediction_sold"] == np.where(probability > 0.5, "yes", "no")).all()


def test_evaluation_has_the_scores_of_each(model):
    found, made = model.evaluate(TABLE), model.predict(WHOLE)
    assert found["rows"] == {"scored": WHOLE.height, "without_target": TABLE.height - WHOLE.height}
    assert list(found["targets"]) == TARGETS
    for name in ("price", "rent"):
        scores = found["targets"][name]["model"]
        assert_allclose(scores["r2"], r2_score(WHOLE[name], made[f"prediction_{name}"]), rtol=1e-6)
        expected = root_mean_squared_error(WHOLE[name], made[f"prediction_{name}"])
        assert_allclose(scores["rmse"], expected, rtol=1e-6)
    scores, p = found["targets"]["sold"], made["probability_sold_yes"].to_numpy()
    assert scores["model"]["accuracy"] == accuracy_score(WHOLE["sold"], made["prediction_sold"])
    assert_allclose(scores["model"]["log_loss"], log_loss(WHOLE["sold"], p), rtol=1e-5)
    assert [each["class"] for each in scores["classes"]] == ["no", "yes"]


def test_each_part_is_a_model_of_its_target(model):
    whole = model.predict(TABLE)
    for part, name in zip(model.parts, TARGETS, strict=True):
        own = part.predict(TABLE)
        for column in own.columns:
            word, between, rest = column.partition("_")
            expected = whole[f"{word}_{name}{between}{rest}"]
            if own[column].dtype == pl.String:
                assert own[column].equals(expected)
            else:
                assert_allclose(own[column], expected, rtol=1e-5, atol=1e-6)
        assert part.about["validation"] == model.about["targets"][name]


LOSSES = [
    ({}, ["price", "rent"], "heads(half_squared_error: 1, half_squared_error: 1)"),
    ({"loss": "huber"}, ["price", "sold"], "heads(huber(1): 1, cross_entropy: 2)"),
    (
        {"label_smoothing": 0.1},
        ["sold", "rent"],
        "heads(cross_entropy(0.1): 2, half_squared_error: 1)",
    ),
    (
        {"quantiles": (0.1, 0.9)},
        ["price", "sold"],
        "heads(quantile(0.1, 0.9): 2, cross_entropy: 2)",
    ),
    ({"loss": "quantile(0.2)"}, ["rent", "price"], "heads(quantile(0.2): 1, quantile(0.2): 1)"),
]


@pytest.mark.parametrize(("options", "targets", "loss"), LOSSES)
def test_a_loss_is_that_of_the_targets_of_its_task(options, targets, loss):
    assert cr.train(TABLE, targets, **QUICK, **options).net.loss == loss


def test_quantiles_are_called_after_their_target():
    found = cr.train(TABLE, ["price", "sold"], **QUICK, quantiles=(0.1, 0.9))
    made = found.predict(TABLE)
    assert made.columns[:3] == ["quantile_price_0.1", "quantile_price_0.9", "prediction_sold"]
    assert (made["quantile_price_0.1"] <= made["quantile_price_0.9"]).all()


REFUSED = [
    (
        {"metric": "rmse"},
        "`metric='rmse'` is of one target, and there are 3: 'price', 'sold', 'rent'",
    ),
    ({"class_weight": "balanced"}, "`class_weight='balanced'` is of one target"),
    ({"interval": 0.9}, "`interval=0.9` is of one target"),
    ({"loss": "poisson"}, "`loss='poisson'` is of one target"),
    ({"task": "regression"}, "target 'sold' holds text"),
    ({"weight": "rent"}, "column 'rent' is the target"),
    ({"groups": "sold"}, "column 'sold' is the target"),
    ({"leave_out": ["price"]}, "column 'price' is the target"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_what_is_of_one_target(options, message):
    with pytest.raises(TableError, match=re.escape(message)):
        cr.train(TABLE, TARGETS, **QUICK, **options)


OF_NONE = [
    ({"quantiles": (0.1,)}, ["sold", "kind"], "quantiles are of a regression"),
    ({"loss": "huber(1)"}, ["sold", "kind"], "none of the targets sold and kind is one"),
    ({"label_smoothing": 0.1}, ["price", "rent"], "`label_smoothing=0.1` is for classification"),
]


@pytest.mark.parametrize(("options", "targets", "message"), OF_NONE)
def test_what_is_of_none_of_the_targets(options, targets, message):
    with pytest.raises(TableError, match=re.escape(message)):
        cr.train(TABLE, targets, **QUICK, **options)


def test_no_row_has_all():
    table = pl.DataFrame({"x": [1.0, 2.0], "y": [1.0, None], "z": [None, 2.0]})
    with pytest.raises(TableError, match="none of 2 rows has all of the targets 'y' and 'z'"):
        cr.train(table, ["y", "z"], **QUICK)


def test_a_column_that_gives_one_away_is_named_with_it():
    table = TABLE.with_columns(inches=pl.col("price") / 2.54)
    found = cr.train(table, TARGETS, **QUICK)
    assert any("'inches' alone predicts 'price'" in each for each in found.about["warnings"])


def test_a_part_that_tells_nothing_is_named_without_advice_for_one_target():
    rng = np.random.default_rng(0)
    rare = np.where(rng.random(TABLE.height) < 0.1, "yes", "no")
    found = cr.train(TABLE.with_columns(rare=rare), ["rent", "rare"], **QUICK)
    (said,) = (each for each in found.about["warnings"] if "one class only" in each)
    assert said.startswith("target 'rare': the model predicts one class only, 'no'")
    assert "class_weight" not in said


def test_means_of_many_categories_are_of_each_target():
    """Those of the price are what the price has alone, where the same rows are held out."""
    rng = np.random.default_rng(1)
    agent = pl.Series("agent", [f"agent {k}" for k in rng.integers(0, 30, WHOLE.height)])
    table, options = WHOLE.with_columns(agent), Options(many_categories="means", **QUICK)
    with prepared_training(open_source(table), ("price", "rent"), options) as training:
        both = training.prepared
        names = [name for name in both.preparation.feature_names if name.startswith("agent")]
        assert names[:2] == ["agent mean of price", "agent mean of rent"]
        of_price = both.held_out.X[:, both.preparation.places["agent"][0]]
    with prepared_training(open_source(table.drop("rent")), "price", options) as training:
        alone = training.prepared
        assert_array_equal(alone.is_held_out, both.is_held_out)
        assert_array_equal(alone.held_out.X[:, alone.preparation.places["agent"][0]], of_price)


MACHINES = [{"threads": 1}, {"threads": 2, "memory": 1}]


@pytest.mark.parametrize("machine", MACHINES)
def test_no_bit_depends_on_the_machine(model, machine):
    again = cr.train(TABLE, TARGETS, **QUICK, **machine)
    for one, other in itertools.product([0, -1], "Wb"):
        expected = getattr(model.params[one], other, None)
        if expected is not None:
            assert_array_equal(getattr(again.params[one], other), expected)


def test_members_and_a_race_are_trained_as_of_one_target():
    found = cr.train(TABLE, ["price", "sold"], epochs=3, hidden=(8,), members=3)
    assert len(found.members) == 3
    parts = [
        cr.predict(found.net, each, found.preparation.transform(TABLE)) for each in found.members
    ]
    mean = np.mean([part[:, 2] for part in parts], axis=0)
    assert_allclose(found.predict(TABLE)["probability_sold_yes"], mean, rtol=1e-5)


def test_a_training_goes_on_to_the_same_bits(tmp_path):
    class StoppedError(Exception):
        pass

    def stop(trainer):
        if trainer.epochs == 2:
            raise StoppedError

    place = {"checkpoint": tmp_path / "c", "checkpoint_every": 0, "out": tmp_path / "m"}
    with pytest.raises(StoppedError):
        cr.train(TABLE, TARGETS, **QUICK, **place, callbacks=stop)
    cr.train(TABLE, TARGETS, **QUICK, **place)
    cr.train(TABLE, TARGETS, **QUICK, out=tmp_path / "n")
    assert (tmp_path / "m").read_bytes() == (tmp_path / "n").read_bytes()


def test_columns_of_predictions_must_differ():
    table = TABLE.with_columns(
        sold_x=pl.Series(["y", "n"] * 150), sold=pl.Series(["x_y", "z", "z"] * 100)
    )
    with pytest.raises(TableError, match=r"would be called 'probability_sold_x_y'; rename one"):
        cr.train(table, ["sold", "sold_x"], **QUICK)
