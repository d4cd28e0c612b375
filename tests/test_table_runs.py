"""The runs of a training on a table: a race of rates, members, and what breaks them off."""

import dataclasses
import itertools

import numpy as np
import pytest

import chainrule as cr
from chainrule.batches import Examples
from chainrule.fitting.trainer import Measure, OneBlock, Trainer, TrainingPlan
from chainrule.streams import member_seeds
from chainrule.tabular import effort, example_blocks
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.prepare import prepare
from chainrule.tabular.training_options import RATES, Options, at_rate, completed
from chainrule.tabular.training_runs import Run
from chainrule.trees import leaves, named_leaves
from commands import houses

TABLE = houses(160)
SHORT = {"epochs": 3, "hidden": (4,)}
RACED = (0.0001, 0.03)
RACE = {"learning_rate": RACED, "members": 3, "schedule": "cosine", **SHORT}


@pytest.fixture
def small_blocks(monkeypatch):
    """Several blocks, although the table is small."""
    monkeypatch.setattr(example_blocks, "BLOCK_BYTES", 3_000)


def trained(target="price", **options):
    return cr.train(TABLE, target, **{**RACE, **options})


def contents(model, path):
    model.save(path)
    return path.read_bytes()


def same(params, others):
    return all(np.array_equal(a, b) for a, b in zip(leaves(params), leaves(others), strict=True))


refitted = pytest.mark.parametrize("refit", [True, False], ids=["all rows", "rows in training"])

# What the runs are


@refitted
def test_the_members_are_runs_of_their_own_seeds_at_the_rate_that_won(refit):
    """Made again one by one, by `fit`."""
    model = trained(refit=refit)
    won = model.about["runs"]["rate"]
    assert "also" not in model.about["runs"]
    asked = Options.from_mapping({**RACE, "refit": refit})
    prepared = prepare(open_source(TABLE), "price", asked)
    with prepared.blocks:
        n = int((~prepared.is_held_out).sum())
        own = at_rate(completed(asked, "regression", n), won, "regression", n)
        blocks = prepared.with_all() if refit else prepared.blocks
        data, held = blocks[0], prepared.validation
        steps = 3 * -(-len(data.X) // own.batch_size)
        assert len(data.X) == (160 if refit else n)
        for seed, params in zip(member_seeds(0, 3), model.members, strict=True):
            made, history = cr.fit(
                model.net,
                model.net.init(seed, dtype="float32"),
                data.X,
                data.y,
                cr.AdamW(cr.Cosine(won, steps), beta2=own.beta2, weight_decay=own.weight_decay),
                epochs=3,
                batch_size=own.batch_size,
                seed=seed,
                validation=None if refit else held[:2],
            )
            assert same(params, made if refit else history.best)


def test_the_best_rate_wins():
    each = {
        rate: trained(learning_rate=rate, members=1, refit=False) for rate in (0.0001, 0.03, 0.003)
    }
    found = {rate: min(model.curves["validation_loss"]) for rate, model in each.items()}
    epochs = {rate: model.about["best_epoch"] for rate, model in each.items()}
    model = trained(learning_rate=(0.0001, 0.03, 0.003), members=1, refit=False)
    best = min(found, key=found.get)
    assert model.about["runs"] == {
        "members": 1,
        "rate": best,
        "race": [{"rate": rate, "found": x, "epoch": epochs[rate]} for rate, x in found.items()],
    }
    for k, alone in enumerate(each.values(), 1):
        assert np.array_equal(model.curves[f"race.{k}"], alone.curves["validation_loss"])
    assert same(model.params, each[best].params)
    assert np.array_equal(model.curves["loss"], each[best].curves["loss"])


def test_a_race_goes_by_the_metric():
    model = trained("kind", metric="accuracy", refit=False)
    race = model.about["runs"]["race"]
    assert [each["found"] for each in race] == [
        model.curves[f"race.{k}"][each["epoch"] - 1] for k, each in enumerate(race, 1)
    ]
    assert [each["found"] for each in race] == [
        max(trained("kind", metric="accuracy", learning_rate=rate, members=1, refit=False)
            .curves["validation_accuracy"])
        for rate in RACED
    ]  # fmt: skip


def test_a_part_of_the_epochs_ranks_the_rates_and_the_winner_trains_for_all(monkeypatch):
    short = dataclasses.replace(effort.EFFORTS["default"], race=0.5)
    monkeypatch.setitem(effort.EFFORTS, "default", short)
    seen = []
    how = {"epochs": 5, "members": 1, "refit": False}
    model = trained(callbacks=lambda it: seen.append(it.plan.epochs), **how)
    assert sorted(seen) == [3] * 6 + [5] * 5
    won = model.about["runs"]["rate"]
    assert same(model.params, trained(learning_rate=won, **how).params)
    raced = {rate: trained(learning_rate=rate, **{**how, "epochs": 3}) for rate in RACED}
    assert {each["rate"]: each["found"] for each in model.about["runs"]["race"]} == {
        rate: min(each.curves["validation_loss"]) for rate, each in raced.items()
    }


def test_one_rate_is_no_race():
    runs = [trained(learning_rate=rate).about for rate in (0.01, (0.01,), [0.01])]
    assert runs[0] == runs[1] == runs[2]
    assert "race" not in runs[0]["runs"]


@pytest.mark.parametrize("name", effort.EFFORTS)
def test_an_effort_completes_what_is_left_open(name):
    task, row = "classification", effort.EFFORTS[name]
    chosen = completed(Options(effort=name), task, 500, outputs=3)
    assert (chosen.rates, chosen.members) == (row.rates or (RATES[task],), row.members)
    asked = completed(Options(effort=name, learning_rate=0.5, members=2), task, 500, outputs=3)
    assert (asked.rates, asked.members) == ((0.5,), 2)


@pytest.mark.parametrize(("name", "members"), {"fast": 1, "default": 2, "best": 4}.items())
def test_a_quantity_two_classes_and_a_larger_table_have_half_as_many_networks(name, members):
    of_classes = [("classification", 500, 2), ("classification", 20_001, 3)]
    for task, rows, outputs in [("regression", 500, 1), ("several", 500, 3), *of_classes]:
        assert completed(Options(effort=name), task, rows, outputs).members == members
    assert completed(Options(effort=name), "classification", 20_000, 3).members >= members


@refitted
def test_where_two_rates_are_as_good_the_members_have_both(monkeypatch, refit):
    monkeypatch.setattr("chainrule.tabular.table_training.AS_GOOD", 1e9)
    seen = {}
    model = trained(refit=refit, callbacks=lambda it: seen.update({id(it): it}))
    assert {model.about["runs"]["rate"], model.about["runs"]["also"]} == {*RACED}
    plans = [it.plan for it in seen.values()]
    rates = [plan.optimizer.learning_rate.rate for plan in plans if plan.seed == 0]
    assert sorted(rates) == [*RACED] + refit * [model.about["runs"]["rate"]]
    assert len(model.members) == 3
    if refit:
        assert len(plans) == 2 + 3
    else:
        assert len(plans) == 2 + 1  # those of the race are two of them
        alone = trained(members=1, refit=False)
        assert same(model.params, alone.params)


def test_rates_have_a_dropout_and_a_decay_of_their_own():
    asked = completed(Options(learning_rate=(0.003, 0.01)), "classification", 500)
    assert (asked.dropout, asked.weight_decay) == (None, None)
    own = [at_rate(asked, rate, "classification", 500) for rate in asked.rates]
    assert [each.dropout for each in own] == [0.25, 0]
    assert own[0].weight_decay > own[1].weight_decay
    given = at_rate(dataclasses.replace(asked, dropout=0.1), 0.01, "classification", 500)
    assert given.dropout == 0.1
    model = trained("kind", refit=True, learning_rate=(0.003, 0.01))
    names = {name for name, _ in named_leaves(model.net.form)}
    assert all({name for name, _ in named_leaves(each)} == names for each in model.members)


@pytest.mark.parametrize(
    ("losses", "valley"),
    [
        ({4: 0.1}, 4),
        ({12: 0.1, 13: 0.05}, 12),
        ({28: 0.1}, 28),
        ({60: 0.1, 4: 0.2}, 60),
        ({4: 0.1, 60: 0.1}, 4),
    ],
)
def test_the_best_epoch_is_the_valley_where_validation_was_best(losses, valley):
    """Of 60 epochs, those after which `coslog4` is 0: 60 · 1/15, 3/15, 7/15 and all."""
    rate = cr.CosLog4(1.0, steps=6_000)
    assert [epoch for epoch in range(1, 61) if rate(100 * epoch) < 0.001] == [4, 12, 28, 60]
    found = [losses.get(epoch, 1.0) for epoch in range(1, 61)]
    run = run_that_finds(found)
    run.trainer.train()
    assert (run.trainer.best_epoch, run.distance, run.found) == (
        valley,
        found[valley - 1],
        run.distance,
    )
    assert run.trainer.validation_losses == found
    assert run.trainer.best[0].b[0] == valley


def test_until_the_first_valley_the_best_epoch_is_the_best_of_all():
    run = run_that_finds([3.0, 1.0, 2.0, 5.0, 0.5, 0.1], epochs=60)
    best = []
    run.trainer.train(lambda trainer: best.append(trainer.best_epoch) or len(best) == 6)
    assert best == [1, 2, 2, 4, 4, 4]


def test_the_valleys_may_be_told_apart_by_the_parameters_themselves():
    """Going on from any epoch finds the same, though what was found before is not known."""
    found, of = [1 / epoch for epoch in range(1, 61)], {4: 3.0, 12: 1.0, 28: 2.0, 60: 1.0}
    asked = []

    def distance(params):
        asked.append(round(float(params[0].b[0])))
        return of[asked[-1]]

    run = run_that_finds(found, of_params=distance)
    run.trainer.train()
    assert (run.trainer.best_epoch, run.distance, run.found) == (12, 1.0, 1.0)
    assert sorted(asked) == [4, 12, 28, 60]  # each once
    for epoch in (1, 5, 12, 40, 59):
        one = run_that_finds(found, of_params=distance)
        one.trainer.train(lambda trainer, last=epoch: trainer.epochs == last)
        again = run_that_finds(found[epoch:], of_params=distance)
        again.trainer.take(one.trainer.params, one.trainer.history)
        again.trainer.train()
        assert (again.trainer.best_epoch, again.distance) == (12, 1.0)
        assert again.trainer.best[0].b[0] == 12


def run_that_finds(losses, of_params=None, epochs=60):
    """A run of whose validation these are the losses; its bias is the number of the epoch."""
    net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
    X, y = np.ones((4, 1)), np.full((4, 1), 1e9)
    rate = cr.CosLog4(1.0, steps=2 * epochs)
    plan = TrainingPlan(
        net, Counting(rate), epochs=epochs, batch_size=2, seed=0, engine="reference"
    )
    each = iter(losses)
    measure = Measure(lambda params: next(each), lambda distance: distance)
    start = net.parameters([([[0.0]], [0.0])])
    trainer = Trainer(plan, OneBlock(Examples(X, y, None)), start, measure=measure)
    return Run("", 1.0, trainer, of_params)


@dataclasses.dataclass(frozen=True)
class Counting(cr.SGD):
    """An optimizer whose two steps of an epoch add 1/2 each."""

    def step(self, g, state, t):
        return 0 * g - 0.5, state


def test_with_all_rows_a_run_is_broken_off_at_the_best_valley(monkeypatch):
    monkeypatch.setattr("chainrule.tabular.training_runs.valleys", lambda trainer: {6})
    seen = []
    how = {"schedule": "coslog4", "epochs": 15, "learning_rate": 0.01, "members": 2}
    model = trained(**how, refit=True, callbacks=lambda it: seen.append(it.plan))
    assert model.about["epochs_with_all"] == model.about["best_epoch"] == 6
    steps = {plan.epochs: plan.optimizer.learning_rate.steps for plan in seen}
    batch = completed(Options.from_mapping({**RACE, **how}), "regression", 136).batch_size
    assert steps == {15: 15 * -(-136 // batch), 6: 15 * -(-160 // batch)}


# The score


@refitted
def test_no_row_is_scored_by_a_network_that_saw_it(refit):
    model = trained(refit=refit)
    prepared = prepare(open_source(TABLE), "price", Options.from_mapping(RACE))
    with prepared.blocks:
        held = prepared.held_out
    one = trained(members=1, refit=False)
    scored = one if refit else model
    assert model.about["validation"] == scored.scores(held.y, scored.outputs_of(held.X))
    assert ("what it is like" in model.about["refit"]) == refit
    brought = model.about["runs"].get("brought")
    if refit:
        assert brought is None
    else:
        first = one.about["validation"]["model"]["rmse"]
        mean = model.about["validation"]["model"]["rmse"]
        assert brought == {"score": "rmse", "one": first, "members": mean}


# The same bits


@pytest.mark.parametrize("target", ["price", "kind"])
@refitted
def test_memory_and_threads_change_no_bit(small_blocks, tmp_path, target, refit):
    path = tmp_path / "houses.csv"
    TABLE.write_csv(path)
    machines = {"threads": 1}, {"memory": 10, "threads": 2}, {"memory": 3_000}
    files = [
        contents(cr.train(path, target, **RACE, refit=refit, **machine), tmp_path / "a.model")
        for machine in machines
    ]
    assert files[0] == files[1] == files[2]


class CrashError(Exception):
    pass


def crash_at(visit, error=CrashError):
    """A callback that raises at a visit, counted over all networks."""
    visits = itertools.count(1)

    def crash(trainer):
        if next(visits) == visit:
            raise error

    return crash


@pytest.mark.parametrize("threads", [1, 2])
@refitted
def test_a_training_that_is_broken_off_anywhere_goes_on_to_the_same_bits(
    small_blocks, tmp_path, refit, threads
):
    how = {"refit": refit, "threads": threads}
    seen = []
    whole = contents(trained(**how, callbacks=seen.append), tmp_path / "whole.model")
    in_all, race = len(seen), 3 * 2 * seen[0].blocks.count
    for visit in (1, race // 2, race, race + 1, in_all - 1):
        folder = tmp_path / f"run {visit}"
        keeping = {"checkpoint": folder, "checkpoint_every": 0, **how}
        with pytest.raises(CrashError):
            trained(callbacks=crash_at(visit), **keeping)
        left = []
        again = trained(callbacks=left.append, **keeping)
        assert contents(again, tmp_path / "again.model") == whole
        assert in_all - visit - threads < len(left) <= in_all - visit  # no visit is made again


def test_ctrl_c_leaves_a_checkpoint_of_every_run(tmp_path):
    seen = []
    trained(callbacks=seen.append, refit=True)
    for visit in (2, 6, 9):
        folder = tmp_path / f"run {visit}"
        with pytest.raises(KeyboardInterrupt):
            trained(
                callbacks=crash_at(visit, KeyboardInterrupt),
                checkpoint=folder,
                checkpoint_every=1e9,
                refit=True,
            )
        left = []
        trained(checkpoint=folder, callbacks=left.append, refit=True)
        assert len(seen) - visit - 2 < len(left) <= len(seen) - visit


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"members": 2}, "members is 3 there, 2 here"),
        ({"learning_rate": (0.0001, 0.01)}, "learning rate is .*0.03] there, .*0.01] here"),
        ({"effort": "fast"}, "effort is 'default' there, 'fast' here"),
        ({"budget": 100.0}, "budget is missing there, 100.0 here"),
    ],
)
def test_a_checkpoint_of_other_runs_is_refused_by_name(tmp_path, change, difference):
    with pytest.raises(CrashError):
        trained(checkpoint=tmp_path, checkpoint_every=0, callbacks=crash_at(1))
    with pytest.raises(cr.CheckpointError, match=difference):
        trained(checkpoint=tmp_path, **change)


def test_no_thread_outlives_a_training_that_fails():
    calls = []

    def crash(trainer):
        calls.append(trainer)
        raise CrashError

    with pytest.raises(CrashError):
        trained(threads=2, callbacks=crash)
    assert len(calls) == 1
