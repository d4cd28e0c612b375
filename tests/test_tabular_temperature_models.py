"""The temperature of classes in models of tables: their scores, files, pages, explanations."""

import dataclasses
import itertools
import re

import numpy as np
import polars as pl
import pytest
from scipy.special import log_softmax

import chainrule as cr
from chainrule.formatting import number
from chainrule.serialization import write_file
from chainrule.tabular import example_blocks, stored_model, temperature
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.prepare import prepare
from chainrule.tabular.training_options import Options
from chainrule.trees import leaves
from commands import ran
from test_tabular_temperature import fitted_by_scipy, losses_by_hand

DRAW = np.random.default_rng(5)
N = 400
NOISY = pl.DataFrame({f"x{k}": DRAW.standard_normal(N) for k in range(4)}).with_columns(
    y=pl.col("x0") + pl.Series(DRAW.standard_normal(N)) > 0,
    z=pl.col("x0") + 0.1,
    w=pl.Series(DRAW.integers(0, 3, N)),
)
CLEAR = NOISY.with_columns(y=pl.col("x0") > 0)
HOW = {"epochs": 15, "hidden": (32,), "batch_size": 32, "leave_out": ("z", "w"), "dropout": 0.0}


@pytest.fixture
def few(monkeypatch):
    """A temperature is found by few rows."""
    monkeypatch.setattr(temperature, "LEAST", 30)


def trained(table=NOISY, **options):
    return cr.train(table, "y", **{**HOW, **options})


def without(monkeypatch, **options):
    with monkeypatch.context() as changed:
        changed.setattr(temperature, "LEAST", 10**9)
        return trained(CLEAR, **options)


@pytest.mark.parametrize("refit", [True, False])
@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.usefixtures("few")
def test_each_network_has_it_in_its_last_layer(monkeypatch, tmp_path, refit, members):
    """The metric chooses the epoch and the rate, so that the networks are the same."""
    how = {"refit": refit, "members": members, "metric": "accuracy", "label_smoothing": 0.3}
    model, plain = trained(CLEAR, **how), without(monkeypatch, **how)
    t = model.temperature
    assert t == model.about["calibration"]["temperature"] < 1
    assert (plain.temperature, "calibration" in plain.about) == (1.0, False)
    for own, other in zip(model.members, plain.members, strict=True):
        assert np.array_equal(own[-1].W, other[-1].W / np.float32(t))
        assert all(
            np.array_equal(a, b) for a, b in zip(leaves(own[:-1]), leaves(other[:-1]), strict=True)
        )
    X = model.preparation.transform(NOISY[:50])
    z = [np.log(cr.predict(plain.net, each, X).astype(float)) for each in plain.members]
    p = np.mean([np.exp(log_softmax(each / t, axis=1)) for each in z], axis=0)
    np.testing.assert_allclose(model.predict(NOISY[:50])[:, 1:].to_numpy(), p, rtol=1e-4)
    model.save(tmp_path / "a.model")
    assert cr.TableModel.load(tmp_path / "a.model").temperature == t


SEVERAL = CLEAR.with_columns(
    c=pl.when(pl.col("x1") > 0.5).then(pl.lit("a")).when(pl.col("x2") > 0).then(pl.lit("b"))
    .otherwise(pl.lit("c"))
)  # fmt: skip
TARGETS = ["z", "c", "y"]


def of_several(**options):
    options = {"label_smoothing": 0.3, "leave_out": ("w",), **options}
    return cr.train(SEVERAL, TARGETS, **{**HOW, **options})


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("refit", [True, False])
@pytest.mark.usefixtures("few")
def test_several_targets_have_theirs_in_their_rows_of_it(monkeypatch, tmp_path, refit, members):
    """One valley alone leaves no choice, so that the networks are the same."""
    how = {"refit": refit, "members": members, "epochs": 1, "learning_rate": 0.01}
    model = of_several(**how)
    monkeypatch.setattr(temperature, "LEAST", 10**9)
    plain = of_several(**how)
    told = model.about["calibrations"]
    t = {name: each["temperature"] for name, each in told.items()}
    assert set(t) == {"c", "y"}
    assert "calibrations" not in plain.about
    assert (plain.temperature, model.temperature) == (1, 1)
    divisor = np.repeat([1, t["c"], t["y"]], [1, 3, 2]).astype("f4")
    for own, other in zip(model.members, plain.members, strict=True):
        assert np.array_equal(own[-1].W, other[-1].W / divisor[:, None])
        assert np.array_equal(own[-1].b, other[-1].b / divisor)
        assert all(map(np.array_equal, leaves(own[:-1]), leaves(other[:-1])))
    assert [part.temperature for part in model.parts] == [1, t["c"], t["y"]]
    assert model.parts[1].about["calibration"] == told["c"]
    assert not any("calibrations" in part.about for part in model.parts)
    assert model.about["targets"]["z"] == plain.about["targets"]["z"]
    for name, each in told.items():
        assert each["after"] < each["before"]
        scores = model.about["targets"][name]["model"]
        assert scores["log_loss"] == pytest.approx(each["after"], rel=1e-4)
    made, before = model.predict(SEVERAL), plain.predict(SEVERAL)
    assert made["prediction_z"].equals(before["prediction_z"])
    model.save(tmp_path / "a.model")
    again = cr.TableModel.load(tmp_path / "a.model")
    assert again.predict(SEVERAL).equals(made)
    assert [part.temperature for part in again.parts] == [1, t["c"], t["y"]]
    model.parts[1].save(tmp_path / "c.model")
    alone = cr.TableModel.load(tmp_path / "c.model")
    assert alone.predict(SEVERAL)["prediction"].equals(made["prediction_c"])


@pytest.mark.parametrize(
    ("target", "name"), [(TARGETS, "z"), (TARGETS, "none"), ("y", "y")], ids=str
)
def test_a_file_that_tells_of_those_of_other_targets_is_refused(tmp_path, target, name):
    left_out = {"z", "c", "y", "w"} - set(target)
    model = cr.train(SEVERAL, target, **{**HOW, "epochs": 1, "leave_out": tuple(left_out)})
    arrays, data = stored_model.contents(model)
    told = {name: {"temperature": 2.0, "before": 1.0, "after": 0.9}}
    write_file(tmp_path / "a.model", arrays, {**data, "calibrations": told})
    with pytest.raises(cr.ModelFileError, match="calibrations must be of targets with classes, "):
        cr.TableModel.load(tmp_path / "a.model")


@pytest.mark.usefixtures("few")
def test_the_command_the_page_and_explanations_tell_of_those_of_several(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    SEVERAL.write_csv("t.csv")
    model = of_several(epochs=1, out="t.model", report="t.html")
    shown = " ".join(ran("inspect", "t.model").stdout.split())
    page = (tmp_path / "t.html").read_text("utf-8")
    explained = ran("explain", "t.model", "--data", "t.csv", "--of", "cost").stderr
    divided = []
    for name, found in model.about["calibrations"].items():
        t, after = f"{found['temperature']:g}", number(found["after"])
        assert f"{name}: probabilities by the temperature {t}: log loss held out {after}" in shown
        said = f"by the temperature {t}, here each by that of other rows: log loss {after}, "
        assert said in page
        divided.append(f"the temperature {t} for '{name}'")
    assert f"divided by {' and '.join(divided)}, which calibrate prob" in " ".join(
        explained.split()
    )


@pytest.mark.parametrize(
    "options",
    [{}, {"weight": "w"}, {"class_weight": {"true": 3}}, {"members": 3, "refit": False}],
    ids=["plain", "rows weighed", "classes weighed", "members"],
)
@pytest.mark.usefixtures("few")
def test_the_scores_are_by_temperatures_that_do_not_know_the_rows(options):
    """Counted as training counts them; the scores do not know of weights of classes."""
    model = trained(**{"leave_out": ("z",) if "weight" in options else ("z", "w"), **options})
    found, scores = model.about["calibration"], model.about["validation"]["model"]
    assert found["after"] < found["before"]
    if "class_weight" not in options:
        assert scores["log_loss"] == pytest.approx(found["after"], rel=1e-4)


@pytest.mark.usefixtures("few")
def test_smoothed_labels_make_it_less_than_one():
    assert trained(CLEAR, label_smoothing=0.3).temperature < 1


@pytest.mark.usefixtures("few")
def test_a_quantity_has_none():
    assert cr.train(NOISY, "z", **{**HOW, "leave_out": ("y",)}).temperature == 1


@pytest.mark.usefixtures("few")
def test_the_race_and_the_valley_are_chosen_by_the_loss_at_its_temperature():
    seen = {}
    how = {"learning_rate": (0.001, 0.05), "refit": False, "members": 1}
    model = trained(
        **how,
        callbacks=lambda it: seen.setdefault(
            (it.plan.optimizer.learning_rate.rate, it.epochs), it.params
        ),
    )
    prepared = prepare(open_source(NOISY), "y", Options.from_mapping({**HOW, **how}))
    with prepared.blocks:
        X, y, _ = prepared.held_out
    found = {}
    for (rate, epoch), params in seen.items():
        z = np.log(cr.predict(model.net, params, X).astype(float))[None]
        t = fitted_by_scipy(z, y, None)
        found[rate, epoch] = losses_by_hand(z, y, t).mean()
    by_rate = {
        rate: min((found[rate, epoch], epoch) for epoch in (1, 3, 7, 15)) for rate in (0.001, 0.05)
    }
    race = model.about["runs"]["race"]
    for each in race:
        assert each["found"] == pytest.approx(by_rate[each["rate"]][0], rel=1e-3)
    rate = min(by_rate, key=by_rate.get)
    assert (model.about["runs"]["rate"], model.about["best_epoch"]) == (rate, by_rate[rate][1])


@pytest.mark.parametrize(
    ("target", "told", "message"),
    [
        ("y", {"temperature": 0, "before": 1.0, "after": 0.9}, "calibration.temperature must be"),
        ("y", {"temperature": 2.0, "before": 1.0}, "calibration must have .*'after' is missing"),
        ("y", {"temperature": 2.0, "before": -1.0, "after": 0.9}, "calibration.before must be"),
        ("z", {"temperature": 2.0, "before": 1.0, "after": 0.9}, "must be 'classification'"),
    ],
)
def test_a_file_that_tells_of_none_that_can_be_is_refused(tmp_path, target, told, message):
    left_out = {"y", "z", "w"} - {target}
    model = cr.train(NOISY, target, **{**HOW, "epochs": 1, "leave_out": tuple(left_out)})
    arrays, data = stored_model.contents(model)
    write_file(tmp_path / "a.model", arrays, {**data, "calibration": told})
    with pytest.raises(cr.ModelFileError, match=message):
        cr.TableModel.load(tmp_path / "a.model")


@pytest.mark.usefixtures("few")
def test_the_command_the_page_and_explanations_tell_of_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    NOISY.write_csv("t.csv")
    model = trained(leave_out=("z", "w"), out="t.model", report="t.html")
    t = f"{model.temperature:g}"
    before, after = (number(model.about["calibration"][name]) for name in ("before", "after"))
    shown = " ".join(ran("inspect", "t.model").stdout.split())
    line = f"Calibrated probabilities by the temperature {t}: log loss held out {after}, {before}"
    assert line in shown
    page = (tmp_path / "t.html").read_text("utf-8")
    assert f"by the temperature {t}, here each by that of other rows: log loss {after}, " in page
    explained = ran("explain", "t.model", "--data", "t.csv", "--of", "out_o1", "--by", "x1")
    assert f"divided by the temperature {t}, which calibrates prob" in explained.stderr
    z = cr.predict(
        dataclasses.replace(model.net, loss="squared_error"),
        model.params,
        model.preparation.transform(NOISY[:1]),
    )
    found = re.search(r"^ +out_o1 += ([−\d.]+)", explained.stdout, re.M).group(1)
    assert float(found.replace("−", "-")) == pytest.approx(z[0, 0], rel=1e-4)


class CrashError(Exception):
    pass


@pytest.mark.usefixtures("few")
def test_it_is_the_same_on_any_machine_and_after_a_crash(tmp_path, monkeypatch):
    """With examples in several blocks."""
    monkeypatch.setattr(example_blocks, "BLOCK_BYTES", 3_000)

    def contents(**options):
        model = trained(interval=0.8, epochs=7, members=1, **options)
        model.save(tmp_path / "a.model")
        return (tmp_path / "a.model").read_bytes()

    whole = contents(threads=1)
    assert b"calibration" in whole
    assert contents(threads=2, memory=10) == whole
    for last in (8, 30, 45):
        visits = itertools.count(1)

        def crash(trainer, visits=visits, last=last):
            if next(visits) == last:
                raise CrashError

        keeping = {"checkpoint": tmp_path / f"{last}", "checkpoint_every": 0}
        with pytest.raises(CrashError):
            contents(callbacks=crash, **keeping)
        assert contents(**keeping) == whole
