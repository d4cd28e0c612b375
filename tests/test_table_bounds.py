"""Bounds of a quantity beside its prediction: what they rest on, and where they are asked for."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.serialization import write_file
from chainrule.tabular import stored_model
from chainrule.tabular.bounds import narrowest
from chainrule.tabular.bounds_examples import for_bounds
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.intervals import found
from chainrule.tabular.prepare import prepare
from chainrule.tabular.training_options import Options
from commands import houses, ran, refused, run

SHORT = {"epochs": 2, "hidden": (4,)}
TABLE = houses(160)


def trained(table=TABLE, **options):
    return cr.train(table, "price", **{**SHORT, "interval": 0.9, **options})


def noisy(rows, seed):
    """A quantity whose spread grows with x, and leans to one side."""
    rng = np.random.default_rng(seed)
    x = rng.random((2, rows))
    y = 3 * x[0] + (0.1 + x[1]) * rng.gamma(2, 1, rows)
    return pl.DataFrame({"x": x[0], "z": x[1], "y": y})


@pytest.fixture(scope="module")
def model():
    return trained()


def same(frame, other):
    return frame.equals(other)


# What is predicted

OF_OTHERS = {
    "as it comes": {},
    "fast": {"effort": "fast"},
    "not again": {"refit": False, "members": 3},
    "huber": {"loss": "huber(0.5)", "metric": "mae"},
    "counts": {"loss": "poisson"},
    "weights": {"weight": "id"},
    "groups": {"groups": "kind"},
    "time": {"time": "built"},
}


@pytest.mark.parametrize("name", OF_OTHERS)
def test_the_prediction_is_the_same_with_bounds_and_without(name):
    """To the bit; the bounds hold it, and are finite."""
    table = TABLE.with_columns(pl.col("price").round(0))
    made, without = (trained(table, **OF_OTHERS[name], interval=x) for x in (0.6, None))
    predicted = made.predict(table)
    assert predicted.columns == ["prediction", "lower", "upper"]
    assert same(predicted.select("prediction"), without.predict(table))
    p, lower, upper = predicted.to_numpy().T
    assert (lower <= p).all()
    assert (p <= upper).all()
    assert np.isfinite(predicted.to_numpy()).all()
    if name == "counts":
        assert (lower >= 0).all()


def test_the_bounds_are_the_quantiles_of_networks_of_their_own(model):
    """One for each rate, whose mean is moved by the threshold."""
    assert model.bounds.quantiles == (0.05, 0.95)
    assert len(model.bounds.members) == 2
    other = trained(metric="mae")  # no epoch is chosen
    assert same(model.bounds.predict(TABLE), other.bounds.predict(TABLE))
    q = model.bounds.predict(TABLE).to_numpy()
    p, lower, upper = model.predict(TABLE).to_numpy().T
    t, reach = model.interval.threshold, model.interval.reach
    np.testing.assert_allclose(lower, np.minimum(p + reach * (q[:, 0] - p) - t, p))
    np.testing.assert_allclose(upper, np.maximum(p + reach * (q[:, 1] - p) + t, p))


@pytest.mark.parametrize("weight", [None, "id"])
def test_they_hold_their_share_of_the_rows_held_out(weight):
    made = trained(weight=weight, refit=False)
    asked = Options.from_mapping({**SHORT, "weight": weight})
    prepared = prepare(open_source(TABLE), "price", asked)
    with prepared.blocks:
        held = TABLE[prepared.rows[prepared.is_held_out] - 1]
    assert made.interval.rows == len(held)
    coverage = made.evaluate(held)["interval"]["coverage"]
    assert 0.9 <= coverage < 0.9 + (0.25 if weight else 1.5 / len(held) + 0.05)
    widths = made.predict(held).select(pl.col("upper") - pl.col("lower")).to_series()
    w = held[weight].to_numpy() if weight else None
    told = made.about["validation"]["interval"]["width"]
    assert told == pytest.approx(np.average(widths.to_numpy(), weights=w))


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_they_hold_that_share_of_fresh_rows(share):
    made = cr.train(noisy(1_500, 0), "y", interval=share, epochs=8, hidden=(32,))
    fresh = made.evaluate(noisy(4_000, 1))["interval"]
    assert fresh["coverage"] == pytest.approx(share, abs=0.05)
    assert fresh["width"] < 0.9 * fresh["baseline"]
    assert fresh["least"] < fresh["coverage"] < fresh["most"]
    wide, narrow = (
        made.predict(noisy(4_000, 1).filter(pl.col("z").is_between(*part)))
        .select(pl.col("upper") - pl.col("lower"))
        .to_series()
        .mean()
        for part in ((0.9, 1), (0, 0.1))
    )
    assert wide > 1.3 * narrow


@pytest.mark.parametrize(
    ("rows", "delta", "reach"), [(100, 0.1, 0.75), (400, 0.1, 0.0), (100, 0.2, 0.0)]
)
def test_another_reach_is_taken_where_it_is_narrower_by_more_than_chance(rows, delta, reach):
    """Bounds of reach r are 2 (1 + r delta) wide here, and chance is 1/√n of the usual reach's."""
    y, half = np.tile([1.0, -1.0], rows // 2), np.repeat([1 - delta, 1 + delta], rows // 2)
    made = narrowest(y, np.zeros(rows), np.stack([-half, half], axis=1), 0.9)
    assert made.reach == reach


def test_the_target_of_the_bounds_has_a_mean_of_0_and_a_spread_of_1():
    """Counts too, which the other networks take as they are."""
    table = TABLE.with_columns(pl.col("price").round(0))
    for loss in (None, "poisson"):
        prepared = prepare(open_source(table), "price", Options(loss=loss))
        with prepared.blocks:
            of = for_bounds(prepared, 0.9)
            y = of.blocks[0].y
        assert y.shape == (136, 2)
        assert (y[:, 0] == y[:, 1]).all()
        np.testing.assert_allclose([y.mean(), y.std()], [0, 1], atol=1e-5)
        values = table["price"].to_numpy()[of.rows - 1]
        np.testing.assert_allclose(of.target.values(of.y)[:, 0], values, rtol=1e-5)


# Edges


@pytest.mark.parametrize(
    "y", [np.arange(60) % 2, np.repeat([0, 0, 0, 1000], 15), np.arange(60) * 1e30]
)
def test_targets_of_few_values_and_of_huge_ones_have_finite_bounds(y):
    table = pl.DataFrame({"x": np.arange(60.0), "price": y})
    made = trained(table, task="regression", numbers=["x"], interval=0.8)
    predicted = made.predict(table).to_numpy()
    assert np.isfinite(predicted).all()
    assert (np.diff(predicted[:, [1, 0, 2]]) >= 0).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"validation": 3 / 160}, "^`interval=0.9` needs 9 rows held out or more, got 3; hold out"),
        ({"interval": 0.99}, "^`interval=0.99` needs 99 rows held out or more, got 24; hold out m"),
        ({"quantiles": (0.5,)}, "^`interval=` has bounds beside the mean; leave `quantiles=` out$"),
        ({"loss": "quantile(0.1)"}, "leave `quantiles=` out"),
        ({"interval": 1}, "interval must be a share between 0 and 1, such as 0.9, got 1"),
        ({"interval": 90}, "interval must be a share between 0 and 1, such as 0.9, got 90"),
    ],
)
def test_what_cannot_be_is_refused_before_the_first_step(options, message):
    with pytest.raises(ValueError, match=message):
        trained(**options, callbacks=lambda _: pytest.fail("a step was made"))


def test_a_callback_that_ends_the_training_leaves_the_bounds_out():
    made = trained(callbacks=lambda _: True)
    assert made.interval is None
    assert made.predict(TABLE).columns == ["prediction"]
    assert made.about["runs"]["left_out"][0] == "the bounds, as a callback ended the training"


def test_a_budget_is_kept_for_the_bounds_too():
    made = trained(houses(2_000), epochs=5_000, budget=1.5)
    assert made.interval is not None
    told = made.about["runs"]["left_out"]
    assert any(
        re.fullmatch(r"[\d,]+ of 5,000 epochs of the bounds, for the budget", x) for x in told
    )


# Files


def test_a_file_holds_the_bounds(model, tmp_path):
    model.save(tmp_path / "a.model")
    loaded = cr.TableModel.load(tmp_path / "a.model")
    assert loaded.interval == model.interval
    assert same(loaded.predict(TABLE), model.predict(TABLE))
    loaded.save(tmp_path / "b.model")
    assert (tmp_path / "a.model").read_bytes() == (tmp_path / "b.model").read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bounds": None}, "an interval of a quantity and its bounds must be told together"),
        ({"interval": None}, "an interval of a quantity and its bounds must be told together"),
        ({"share": 0.8}, r"the quantiles of bounds must be \(0.1, 0.9\), got \(0.05, 0.95\)"),
        ({"column": "size"}, "the target of bounds must be 'price', got 'size'"),
    ],
)
def test_a_file_whose_parts_do_not_fit_is_refused(model, tmp_path, change, message):
    parts = {name: value for name, value in change.items() if name in ("bounds", "interval")}
    if "share" in change:
        parts["interval"] = dataclasses.replace(model.interval, **change)
    if "column" in change:
        target = dataclasses.replace(model.bounds.target, **change)
        parts["bounds"] = dataclasses.replace(model.bounds, target=target)
    dataclasses.replace(model, **parts).save(tmp_path / "a.model")
    with pytest.raises(cr.ModelFileError, match=message):
        cr.TableModel.load(tmp_path / "a.model")


@pytest.mark.parametrize(
    ("name", "other", "message"),
    [
        ("bounds.baseline", None, "the array 'bounds.baseline' is missing, or one too many"),
        ("bounds.0.W", None, "the array '0.W' is missing"),
        ("bounds.more", np.zeros(1), "the array 'bounds.more' is missing, or one too many"),
        ("bounds.baseline", np.zeros(3), "its baseline must have 2 values"),
    ],
)
def test_a_file_whose_arrays_do_not_fit_is_refused(model, tmp_path, name, other, message):
    arrays, data = stored_model.contents(model)
    arrays.pop(name, None)
    arrays |= {} if other is None else {name: other}
    write_file(tmp_path / "a.model", arrays, data)
    with pytest.raises(cr.ModelFileError, match=message):
        cr.TableModel.load(tmp_path / "a.model")


def test_arrays_of_bounds_belong_to_nothing_without_them(model, tmp_path):
    arrays, data = stored_model.contents(model)
    told = {name: value for name, value in data.items() if name not in ("bounds", "interval")}
    write_file(tmp_path / "a.model", arrays, told)
    with pytest.raises(cr.ModelFileError, match=r"the array 'bounds.* belongs to nothing in it"):
        cr.TableModel.load(tmp_path / "a.model")


@pytest.mark.parametrize("name", ["lower", "upper"])
def test_a_column_to_keep_cannot_have_their_names(model, name):
    table = TABLE.with_columns(pl.lit(1).alias(name))
    with pytest.raises(cr.TableError, match=f"column '{name}' to keep is called as one of the pre"):
        model.predict(table, keep=[name])
    assert trained(interval=None).predict(table, keep=[name]).columns == [name, "prediction"]


# Elsewhere


def test_weights_count_in_what_evaluation_finds(model):
    made = trained(weight="id")
    b = made.predict(TABLE)
    y, w = TABLE["price"].to_numpy(), TABLE["id"].to_numpy()
    inside = (b["lower"].to_numpy() <= y) & (y <= b["upper"].to_numpy())
    told = made.evaluate(TABLE)["interval"]
    assert told["coverage"] == pytest.approx(np.average(inside, weights=w))
    assert (told["least"], told["most"]) == pytest.approx(dataclasses.astuple(found(inside, w))[1:])


@pytest.mark.parametrize("refit", [True, False])
def test_a_training_that_was_broken_off_ends_in_the_same_bounds(refit, tmp_path):
    def broken_off(limit):
        visits = iter(range(limit))

        def hook(trainer):
            if next(visits, None) is None:
                raise KeyboardInterrupt

        return hook

    whole = trained(refit=refit)
    for limit in (1, 3, 5, 7):
        folder = tmp_path / f"run-{limit}"
        with pytest.raises(KeyboardInterrupt):
            trained(refit=refit, checkpoint=folder, callbacks=broken_off(limit))
        again = trained(refit=refit, checkpoint=folder)
        assert same(again.predict(TABLE), whole.predict(TABLE))
        assert again.interval == whole.interval


def test_blocks_in_a_file_make_the_same_bounds(monkeypatch):
    from chainrule.tabular import example_blocks

    monkeypatch.setattr(example_blocks, "BLOCK_BYTES", 3_000)
    one, other = (trained(memory=memory, threads=n) for memory, n in ((10**9, 1), (2_000, 2)))
    assert same(one.predict(TABLE), other.predict(TABLE))


def test_the_command_tells_of_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    TABLE.write_csv("houses.csv")
    names = "--target", "price", "--epochs", 1, "--hidden", 4
    shown = ran("train", "houses.csv", *names, "--interval", 0.9).stdout
    assert re.search(r"^Interval  holds 90 % of new rows \(\d.*–\d.* % with 95 %", shown, re.M)
    assert re.search(r"^  width of bounds +[\d,]+ +[\d,]+$", shown, re.M)
    scored = ran("evaluate", "houses.model", "houses.csv").stdout
    assert re.search(r"^Bounds of 90 % held in [\d.]+ % of the rows \(", scored, re.M)
    first = ran("predict", "houses.model", "houses.csv").stdout.splitlines()[0]
    assert first == "prediction,lower,upper"
    assert "Interval  holds 90 %" in ran("inspect", "houses.model").stdout
    told = json.loads(
        ran("train", "houses.csv", *names, "--interval", 0.9, "--force", "--json").stdout
    )
    assert told["interval"]["share"] == 0.9
    assert told["interval"]["rows"] == 24
    few = run("train", "houses.csv", *names, "--interval", 0.99, "--force")
    refused(
        few, r"--interval 0.99 needs 99 rows held out or more, got 24; hold out more by --valid"
    )
    assert Path("houses.model").exists()


def test_a_regressor_has_them():
    X, y = TABLE.drop("price"), TABLE["price"]
    made = cr.TabularRegressor(interval=0.9, **SHORT).fit(X, y)
    expected = trained().predict(TABLE)
    assert (made.predict_interval(X) == expected[["lower", "upper"]].to_numpy()).all()
    assert (made.predict(X) == expected["prediction"].to_numpy()).all()
    with pytest.raises(
        ValueError, match=r"made with interval=, such as TabularRegressor\(interval="
    ):
        cr.TabularRegressor(**SHORT).fit(X, y).predict_interval(X)


def test_a_target_that_is_always_the_same_has_bounds_that_are_it():
    X = TABLE.drop("price")
    with pytest.warns(UserWarning, match="y is always 7.0"):
        made = cr.TabularRegressor(interval=0.9).fit(X, np.full(160, 7.0))
    assert (made.predict_interval(X) == 7).all()
    assert made.predict_interval(X).shape == (160, 2)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"groups": "id"}, r"from 24 rows held out; less certain, as rows of a group are alike"),
        ({"time": "built"}, r"from 24 rows held out, not drawn at random: new rows must be like"),
    ],
)
def test_what_an_interval_rests_on_is_said(options, said):
    made = trained(**options)
    assert re.search(said, made.interval.in_words(made.about["options"]))
