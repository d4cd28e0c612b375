"""Models of tables with columns of many categories."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

import chainrule as cr
from chainrule.tabular.columns.category_limits import MANY
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.prepare import prepare
from chainrule.tabular.training_options import Options
from test_tabular_many_categories import QUICK, TARGETS, table


@pytest.mark.parametrize("many", MANY)
@pytest.mark.parametrize("target", TARGETS)
def test_a_model_is_the_same_whatever_the_memory_and_from_its_file(
    tmp_path: Any, target: str, many: str
) -> None:
    path, out = tmp_path / "table.csv", tmp_path / "a.model"
    table(target).write_csv(path)
    made = []
    for machine in ({}, {"memory": 10, "threads": 2}):
        model = cr.train(path, target, many_categories=many, **{**QUICK, **machine})
        model.save(out)
        made.append(out.read_bytes())
    assert made[0] == made[1]
    again = cr.TableModel.load(out)
    assert again.predict(path).equals(model.predict(path))
    assert again.preparation == model.preparation


def test_a_training_goes_on_to_the_same_bits(tmp_path: Any) -> None:
    def stops(trainer: Any) -> None:
        if trainer.epochs == 2:
            raise KeyboardInterrupt

    asked = {**QUICK, "epochs": 4, "refit": False, "checkpoint": tmp_path / "run"}
    whole = cr.train(table("dear"), "dear", **{**asked, "checkpoint": None})
    with pytest.raises(KeyboardInterrupt):
        cr.train(table("dear"), "dear", callbacks=stops, checkpoint_every=0, **asked)
    again = cr.train(table("dear"), "dear", checkpoint_every=0, **asked)
    for k, model in enumerate((whole, again)):
        model.save(tmp_path / f"{k}.model")
    assert (tmp_path / "0.model").read_bytes() == (tmp_path / "1.model").read_bytes()


def test_categories_that_decide_the_target_are_learnt() -> None:
    """By one-hot features of the frequent ones, half of the shops are one."""
    scores = {
        many: cr.train(
            table("price"),
            "price",
            many_categories=many,
            leave_out=["town"],
            hidden=(16,),
            epochs=30,
        ).about["validation"]["model"]["r2"]
        for many in MANY
    }
    assert min(scores["means"], scores["both"]) > max(0.6, scores["frequent"])


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("many", ["means", "vectors", "both"])
def test_repeated_rows_are_counted_though_their_means_differ(many: str, target: str) -> None:
    once = table(target).drop_nulls()
    others = once.with_columns(shop=pl.Series([*once["shop"][1:], once["shop"][0]]))
    for again, twins in ((once, True), (others, False)):
        frame = pl.concat([once, again])
        doubts = prepare(open_source(frame), target, Options(many_categories=many)).doubts
        assert any("stand in training too" in each for each in doubts) == twins
