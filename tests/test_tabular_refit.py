"""Training again with all rows: where it is done, for how long, and what is said of it."""

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.prepare import prepare
from chainrule.tabular.training_options import Options

X = np.random.default_rng(1).standard_normal(400)
SMOOTH = pl.DataFrame({"x": X, "y": 3 * X + np.random.default_rng(2).standard_normal(400)})


def overfitting(n=150, seed=0):
    """A table on which a large network is soon worse than it was: few rows, much noise."""
    draw = np.random.default_rng(seed)
    X = draw.standard_normal((n, 12))
    noisy = (X[:, 0] + 2 * draw.standard_normal(n)) > 0
    columns = {f"x{k}": X[:, k] for k in range(12)}
    return pl.DataFrame({**columns, "y": np.where(noisy, "yes", "no")})


FALLING = {"effort": "fast", "schedule": "cosine"}
"""One network, whose rate has no valley before its end."""

HARD = {
    "epochs": 40,
    "hidden": (256,),
    "dropout": 0.0,
    "weight_decay": 0.0,
    "learning_rate": 0.02,
    **FALLING,
}


def test_a_run_that_got_worse_is_not_made_again_and_the_scores_are_of_the_model_saved():
    table = overfitting()
    model = cr.train(table, "y", **HARD)
    losses = model.curves["validation_loss"]
    assert losses[-1] > 1.05 * losses.min()
    assert model.about["epochs_with_all"] == 0
    assert model.about["refit"].startswith("not trained anew with all rows, for validation got wor")
    without = cr.train(table, "y", refit=False, **HARD)
    assert without.predict(table).equals(model.predict(table))
    prepared = prepare(open_source(table), "y", Options())
    held = table[prepared.rows[prepared.is_held_out] - 1]
    scores = model.evaluate(held)["model"]
    assert scores == pytest.approx(model.about["validation"]["model"])


def test_where_it_is_asked_for_it_is_made_again_for_the_epochs_that_were_best():
    model = cr.train(overfitting(), "y", refit=True, **HARD)
    best = model.about["best_epoch"]
    assert best < 20
    assert model.about["epochs_with_all"] == best
    assert f"trained anew with all rows for {best} epoch" in model.about["refit"]
    again = cr.train(overfitting(), "y", refit=True, **HARD)
    assert again.predict(overfitting()).equals(model.predict(overfitting()))


def test_a_run_that_did_not_get_worse_is_made_again_and_the_report_says_of_which_its_scores_are():
    model = cr.train(SMOOTH, "y", epochs=20, hidden=(16,), **FALLING)
    losses = model.curves["validation_loss"]
    assert losses[-1] <= 1.05 * losses.min()
    assert model.about["epochs_with_all"] == 20
    assert "the scores are of what it is like" in model.about["refit"]
    without = cr.train(SMOOTH, "y", epochs=20, hidden=(16,), **FALLING, refit=False)
    assert without.about["validation"] == model.about["validation"]
    assert without.about["refit"] == ""
    assert not without.predict(SMOOTH).equals(model.predict(SMOOTH))


@pytest.mark.parametrize("metric", ["accuracy", "roc_auc"])
def test_what_validation_goes_by_decides_on_another_run(metric):
    model = cr.train(overfitting(), "y", metric=metric, **HARD)
    gaps = 1 - model.curves[f"validation_{metric}"]
    assert (model.about["epochs_with_all"] > 0) == (gaps[-1] <= 1.05 * gaps.min())
