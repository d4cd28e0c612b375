"""The time that a training may take: what is made of it and what is left out, by our own clock."""

import dataclasses
from types import SimpleNamespace

import pytest

import chainrule as cr
from chainrule.fitting.trainer import Trainer
from chainrule.tabular import train_table
from chainrule.tabular.budget import Budget
from chainrule.tabular.training_runs import Run
from chainrule.trees import leaves
from commands import houses

HOW = {
    "epochs": 20,
    "hidden": (4,),
    "schedule": "cosine",
    "learning_rate": (0.003, 0.03),
    "members": 3,
    "refit": True,
    "threads": 1,
}


@pytest.fixture
def visits(monkeypatch):
    """The visits of all networks, each of which takes a second of our clock, or as it says."""
    made: list[float] = []
    monkeypatch.setattr(Trainer, "settle", lambda trainer: made.append(cost(len(made))))
    monkeypatch.setattr(
        train_table, "Budget", lambda seconds, _: Budget(seconds, lambda: sum(made))
    )
    costs: dict[int, float] = {}

    def cost(visit):
        return costs.get(visit, 1.0)

    return SimpleNamespace(made=made, costs=costs)


def trained(**options):
    return cr.train(houses(120), "price", **{**HOW, **options})


def same(model, other):
    both = zip(leaves(model.members), leaves(other.members), strict=True)
    return all((a == b).all() for a, b in both)


@pytest.mark.parametrize("refit", [True, False])
def test_where_there_is_time_for_all_nothing_is_left_out(visits, refit):
    model, without = trained(budget=1e6, refit=refit), trained(refit=refit)
    assert "left_out" not in model.about["runs"]
    assert same(model, without)


def test_epochs_and_members_are_as_many_as_there_is_time_for(visits):
    model = trained(budget=30)
    # 27 s to plan with, half of them for two rates: 6 epochs each; then 0.9 · 18 s, by 6 epochs
    # with all of 120 rows in place of 102: two members
    assert model.about["epochs"] == model.about["epochs_with_all"] == 6
    assert model.about["runs"]["members"] == len(model.members) == 2
    assert model.about["runs"]["left_out"] == [
        "14 of 20 epochs, for the budget",
        "1 of 3 members, for the budget",
    ]
    assert len(visits.made) == 4 * 6


@pytest.mark.parametrize(("first", "epochs", "members"), [(1, 11, 1), (4, 8, 2), (9, 3, 2)])
def test_a_first_visit_that_takes_longer_says_nothing_of_the_others(visits, first, epochs, members):
    n = 2 * epochs
    visits.costs |= dict.fromkeys([0, epochs, n, n + epochs, n + 2 * epochs], float(first))
    model = trained(budget=50)
    # 22.5 s for two rates, one after the other, whose visits take 1 s each but the first; then
    # 0.9 · 28 s for members that make as many epochs, each of 120 / 102 s
    assert model.about["epochs"] == model.about["epochs_with_all"] == epochs
    assert model.about["runs"]["members"] == members
    assert sum(visits.made) <= 50


def test_members_on_the_rows_in_training_are_as_many_too(visits):
    model = trained(budget=90, refit=False)
    # 40.5 s for two rates are enough; then 0.9 · 50 s, by 20 epochs: two members more
    assert (model.about["epochs"], len(model.members)) == (20, 3)
    model = trained(budget=70, refit=False)
    # 31.5 s for two rates: 15 epochs; then 0.9 · 40 s, by 15 epochs: two members more
    assert (model.about["epochs"], len(model.members)) == (15, 3)
    assert len(visits.made) == 80 + 4 * 15


def test_one_epoch_is_made_however_little_time_there_is(visits):
    model = trained(budget=0.5)
    assert (model.about["epochs"], len(model.members)) == (1, 1)
    assert "there was no time for it" not in model.about["refit"]  # it was asked for
    assert model.about["runs"]["left_out"] == [
        "19 of 20 epochs, for the budget",
        "2 of 3 members, for the budget",
    ]
    assert [each["found"] is None for each in model.about["runs"]["race"]] == [False, True]
    assert len(visits.made) == 1


def test_what_time_runs_out_for_is_no_member(visits):
    visits.costs[2 * 20 + 5] = 1e9
    model = trained(budget=1e3)
    assert len(model.members) == 1
    assert model.about["epochs_with_all"] == 0
    assert model.about["runs"]["left_out"] == ["2 of 3 members, for the budget"]
    assert len(visits.made) == 2 * 20 + 6


def test_without_members_the_first_network_has_all_the_time(visits):
    model = trained(budget=30, members=1, refit=False, learning_rate=0.01)
    assert model.about["epochs"] == 20
    assert trained(budget=10, members=1, refit=False, learning_rate=0.01).about["epochs"] < 10


@pytest.mark.parametrize("schedule", ["cosine", "coslog4", "one-cycle", "constant"])
def test_a_run_that_is_shortened_comes_to_the_end_of_its_schedule(schedule):
    seen = []

    def shorten(trainer):
        if trainer.epochs == 5:
            run = Run("", 0.01, trainer)
            run.shorten(10)
            assert run.is_cut
        seen.append(trainer.plan)

    how = {"members": 1, "refit": False, "learning_rate": 0.01, "schedule": schedule}
    model = trained(callbacks=shorten, **how)
    assert model.about["epochs"] == 10
    before, after = (plan.optimizer.learning_rate for plan in (seen[0], seen[-1]))
    if schedule == "constant":
        assert before == after == 0.01
    else:
        steps = before.steps // 2
        assert after == dataclasses.replace(before, steps=steps)
        assert after(steps) < 0.1 * 0.01


class CrashError(Exception):
    pass


def test_a_training_with_a_budget_goes_on_from_its_checkpoints(visits, tmp_path):
    def crash(trainer):
        if len(visits.made) == 50:
            raise CrashError

    how = {"budget": 1e6, "checkpoint": tmp_path, "checkpoint_every": 0}
    with pytest.raises(CrashError):
        trained(**how, callbacks=crash)
    assert same(trained(**how), trained())
