"""How the runs of a training on a table end: by divergence, by a callback, or not even begun."""

from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from test_table_runs import RACE, TABLE, refitted, trained

HUGE = {"optimizer": "sgd", "epochs": 2}


def test_a_rate_that_diverges_is_out_of_the_race(tmp_path):
    model = trained(**HUGE, learning_rate=(1e30, 0.01), members=1)
    race = model.about["runs"]["race"]
    assert [each["found"] is None for each in race] == [True, False]
    assert ["epoch" in each for each in race] == [False, True]
    assert [len(model.curves[f"race.{k}"]) for k in (1, 2)] == [0, 2]
    model.save(tmp_path / "diverged.model")
    assert cr.TableModel.load(tmp_path / "diverged.model").curves.keys() == model.curves.keys()
    assert model.about["runs"]["rate"] == 0.01
    model = trained(**HUGE, learning_rate=(0.01, 1e30), members=1)
    assert model.about["runs"]["rate"] == 0.01


@pytest.mark.parametrize("threads", [1, 2])
def test_a_race_in_which_every_rate_diverges_is_an_error(threads):
    message = r"diverged at epoch 1, .*; lower `learning_rate=`, or set `clip_norm=`$"
    with pytest.raises(cr.DivergenceError, match=message):
        trained(**HUGE, learning_rate=(1e30, 1e31), threads=threads)


def test_a_callback_ends_the_networks_that_it_is_asked_of_and_none_follow():
    seen = []

    def end(trainer):
        seen.append(trainer.epochs)
        return trainer.epochs == 2

    model = trained(epochs=9, callbacks=end)
    assert sorted(seen) == [1, 1, 2, 2]
    assert (model.about["epochs"], model.about["over"]) == (2, "callback")
    assert model.about["runs"]["members"] <= 2  # those of the race, if they are as good


class Observer:
    def __init__(self):
        self.said = []

    def begin(self, training, trainer):
        runs = [run.trainer for run in training.stage.runs]
        self.said.append((training.stage.name, runs.index(trainer)))

    def __call__(self, trainer):
        pass


@refitted
def test_an_observer_is_told_of_each_run(refit):
    observer = Observer()
    trained(callbacks=observer, refit=refit)
    members = range(3) if refit else range(2)
    assert observer.said == [("race", 0), ("race", 1), *(("members", k) for k in members)]


# What is refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"members": 0}, "members must be a whole number >= 1 and < 101, got 0"),
        ({"members": 101}, "members must be a whole number >= 1 and < 101, got 101"),
        ({"members": 1.5}, "members must be a whole number"),
        ({"budget": 0}, "budget must be a finite number > 0, got 0"),
        ({"budget": -1}, "budget must be a finite number > 0, got -1"),
        ({"effort": "more"}, "unknown effort 'more'"),
        ({"learning_rate": ()}, r"learning_rate must be different numbers, such as .* got \(\)"),
        ({"learning_rate": (0.1, 0.1)}, "learning_rate must be different numbers"),
        ({"learning_rate": (0.1, 0)}, r"learning_rate\[1\] must be a finite number > 0, got 0"),
        ({"learning_rate": 0}, "learning_rate must be a finite number > 0, got 0"),
    ],
)
def test_what_cannot_be_is_refused(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        trained(**options)


@pytest.mark.parametrize("rows", [3, 4, 8])
def test_few_rows_are_enough_for_members(rows):
    model = cr.train(TABLE[:rows].drop("kind", "garden"), "price", **RACE)
    assert len(model.members) == 3
    assert np.isfinite(model.predict(TABLE)["prediction"].to_numpy()).all()


def test_the_model_of_a_training_that_was_saved_is_returned(tmp_path):
    made = trained(out=tmp_path / "h.model")
    seen = []
    again = trained(out=tmp_path / "h.model", callbacks=seen.append)
    assert seen == []
    assert len(again.members) == len(made.members) == 3
    assert sorted(path.name for path in Path(tmp_path).iterdir()) == ["h.model"]
