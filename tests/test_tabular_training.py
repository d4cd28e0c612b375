"""From a table to a model: the same bits whatever the memory, and a file that holds all of it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.optimizers import OPTIMIZERS
from chainrule.serialization import write_file
from chainrule.serialization.parameter_arrays import arrays_of
from chainrule.tabular import example_blocks as blocks_module
from chainrule.tabular.budget import Budget
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.prepare import prepare
from chainrule.tabular.table_training import TableTraining, first_stage
from chainrule.tabular.trained_model import trained_model
from chainrule.tabular.training_options import OF_OPTIMIZERS, TASKS, Options, completed
from chainrule.tabular.training_stages import members_of
from chainrule.trees import leaves

N = 600
DRAW = np.random.default_rng(5)
SIZE = DRAW.standard_normal(N)
KIND = DRAW.choice(["a", "b", "c"], N)
TABLE = pl.DataFrame(
    {
        "size": np.where(DRAW.random(N) < 0.05, np.nan, SIZE),
        "kind": KIND,
        "shop": DRAW.integers(0, 30, N),
        "day": np.arange(N),
        "count": DRAW.integers(1, 4, N),
        "price": 3 * SIZE + (KIND == "b") + 100,
        "dear": np.where(SIZE > 0, "yes", "no"),
    }
)
SHORT = {"epochs": 3, "hidden": (8,), "leave_out": ("shop", "day"), "effort": "fast"}


@pytest.fixture
def small_blocks(monkeypatch):
    """Several blocks, although the table is small."""
    monkeypatch.setattr(blocks_module, "BLOCK_BYTES", 4_000)


def trained(target="price", table=TABLE, **options):
    """Train on the other columns than the two targets."""
    other = {"price": "dear", "dear": "price"}[target]
    return cr.train(table.drop(other), target, **{**SHORT, **options})


def contents(model, path):
    model.save(path)
    return path.read_bytes()


# --- the same bits


@pytest.mark.parametrize("target", ["price", "dear"])
@pytest.mark.parametrize("refit", [True, False])
def test_memory_and_threads_change_no_bit(small_blocks, tmp_path, target, refit):
    path = tmp_path / "table.csv"
    TABLE.drop("dear" if target == "price" else "price").write_csv(path)
    machines = {}, {"memory": 10}, {"memory": 30_000, "threads": 2}
    files = [
        contents(cr.train(path, target, refit=refit, **SHORT, **machine), tmp_path / "a.model")
        for machine in machines
    ]
    assert files[0] == files[1] == files[2]


def test_a_training_that_breaks_off_goes_on_to_the_same_bits(small_blocks, tmp_path):
    class CrashError(Exception):
        pass

    def crash_at(visits):
        def watch(run):
            if run.visits == visits:
                raise CrashError

        return watch

    whole = contents(trained(), tmp_path / "whole.model")
    for visits in (2, 5, 7):
        with pytest.raises(CrashError):
            trained(checkpoint=tmp_path / "run", checkpoint_every=0, callbacks=crash_at(visits))
    seen = []
    again = trained(
        checkpoint=tmp_path / "run",
        checkpoint_every=0,
        callbacks=lambda run: seen.append(run.visits),
    )
    assert seen[0] == 8
    assert contents(again, tmp_path / "again.model") == whole


def test_ctrl_c_leaves_a_checkpoint(tmp_path):
    def interrupt(run):
        if run.visits == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(checkpoint=tmp_path / "run", checkpoint_every=1e9, callbacks=interrupt)
    seen = []
    trained(checkpoint=tmp_path / "run", callbacks=lambda run: seen.append(run.visits))
    assert seen[0] == 3


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"table": TABLE.with_columns(pl.col("size") + 1)}, "the table is .* there, .* here"),
        ({"hidden": (9,)}, r"layer 1 is Dense\(8, 'relu'\) there, Dense\(9, 'relu'\) here"),
        ({"seed": 1}, "seed is 0 there, 1 here"),
        ({"epochs": 4}, "epochs is 3 there, 4 here"),
        ({"target": "dear"}, "is .* there, .* here"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused_by_name(tmp_path, change, difference):
    def crash(run):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        trained(checkpoint=tmp_path / "run", checkpoint_every=0, callbacks=crash)
    with pytest.raises(cr.CheckpointError, match=difference):
        trained(checkpoint=tmp_path / "run", **change)


def test_a_preparation_that_fails_leaves_no_file_open(monkeypatch):
    made = []

    def fails(blocks, *_):
        made.append(blocks)
        raise MemoryError

    monkeypatch.setattr("chainrule.tabular.prepare._fill", fails)
    with pytest.raises(MemoryError):
        trained(memory=10)
    assert all(place.file.closed for place in made[0].places)


# --- what a model is


@pytest.mark.parametrize("target", ["price", "dear"])
def test_a_file_holds_all_of_a_model(tmp_path, target):
    model = trained(target)
    first = contents(model, tmp_path / "first.model")
    read = cr.TableModel.load(tmp_path / "first.model")
    assert contents(read, tmp_path / "second.model") == first
    assert read.predict(TABLE).equals(model.predict(TABLE))
    assert read.evaluate(TABLE) == model.evaluate(TABLE)


def test_predictions_are_the_networks_for_the_prepared_columns():
    model = trained("dear")
    X = model.preparation.transform(TABLE)
    p = cr.predict(model.net, model.params, X)
    made = model.predict(TABLE, keep=["kind"])
    assert made.columns == ["kind", "prediction", "probability_no", "probability_yes"]
    assert np.array_equal(made["probability_yes"].to_numpy(), p[:, 1])
    assert made["prediction"].to_list() == np.where(p[:, 1] > p[:, 0], "yes", "no").tolist()


def test_quantities_are_predicted_in_their_own_units():
    model = trained(epochs=60, hidden=(64,), learning_rate=0.02)
    assert abs(model.predict(TABLE)["prediction"].mean() - 100) < 5
    scores = model.evaluate(TABLE)
    error = model.predict(TABLE)["prediction"].to_numpy() - TABLE["price"].to_numpy()
    assert np.isclose(scores["model"]["rmse"], np.sqrt(np.mean(error**2)))
    assert scores["model"]["r2"] > 0.8
    assert abs(scores["baseline"]["r2"]) < 0.01


def test_quantiles_rise_and_hold_their_share(tmp_path):
    table = pl.DataFrame({"x": DRAW.standard_normal(4_000)})
    spread = DRAW.standard_normal(4_000)
    table = table.with_columns(price=10 + 2 * pl.col("x") + pl.Series(spread))
    model = cr.train(
        table, "price", quantiles=[0.9, 0.1, 0.5], epochs=60, hidden=(16,), dropout=0.0
    )
    made = model.predict(table)
    assert made.columns == ["quantile_0.1", "quantile_0.5", "quantile_0.9"]
    low, middle, high = (made[name].to_numpy() for name in made.columns)
    assert (low <= middle).all()
    assert (middle <= high).all()
    y = table["price"].to_numpy()
    for q, at in ((0.1, low), (0.5, middle), (0.9, high)):
        assert abs((y <= at).mean() - q) < 0.04
    scores = model.evaluate(table)
    expected = [
        np.maximum(q * (y - at), (q - 1) * (y - at))
        for q, at in ((0.1, low), (0.5, middle), (0.9, high))
    ]
    assert np.isclose(scores["model"]["pinball"], np.mean(expected))
    assert scores["model"]["pinball"] < 0.7 * scores["baseline"]["pinball"]
    assert abs(scores["baseline"]["coverage"] - 0.8) < 0.03
    model.save(tmp_path / "q.model")
    assert cr.TableModel.load(tmp_path / "q.model").predict(table).equals(made)


def test_classes_have_no_quantiles():
    with pytest.raises(cr.TableError, match="target 'dear' has classes; leave `quantiles=` out"):
        trained("dear", quantiles=(0.5,))


def test_the_baseline_knows_the_target_alone():
    model = trained("dear")
    assert np.isclose(model.baseline.sum(), 1)
    share = (TABLE["dear"] == "yes").mean()
    assert abs(model.baseline[1] - share) < 0.01


def test_columns_may_come_in_any_order_and_with_others():
    model = trained()
    turned = TABLE.select(reversed(TABLE.columns)).with_columns(other=pl.lit(1))
    assert model.predict(turned).equals(model.predict(TABLE))


def test_a_missing_column_is_named():
    with pytest.raises(cr.TableError, match=r"lacks .*'size'"):
        trained().predict(TABLE.drop("size"))


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"kind": "network"}, "must hold the model of a table, got the kind 'network'"),
        ({"preparation": {"encoders": []}}, "its network has 6 inputs, and its table needs 0"),
        (
            {"target": {"kind": "Odd"}},
            "target.kind must be one of Classes, Quantity, Several, got 'Odd'",
        ),
        ({"network": None}, "network must have the keys"),
    ],
)
def test_a_file_that_does_not_fit_together_is_refused(tmp_path, about, message):
    model = trained()
    told = {
        "kind": "table",
        "network": cr.serialization.network_to_data(model.net),
        "preparation": model.preparation.to_data(),
        "target": model.target.to_data(),
        **about,
    }
    write_file(tmp_path / "x.model", {**arrays_of(model.params), "baseline": model.baseline}, told)
    with pytest.raises(cr.ModelFileError, match=message):
        cr.TableModel.load(tmp_path / "x.model")


# --- how it is trained


def test_rows_without_a_target_are_left_out_and_counted():
    holes = TABLE.with_columns(
        price=pl.when(pl.col("day") % 10 == 0).then(None).otherwise(pl.col("price"))
    )
    model = trained(table=holes)
    rows = model.about["rows"]
    assert rows["without_target"] == 60
    assert rows["training"] + rows["validation"] == 540


def test_weights_are_those_of_their_column(tmp_path):
    options = Options.from_mapping({**SHORT, "weight": "count"})
    prepared = prepare(open_source(TABLE.drop("dear")), "price", options)
    with prepared.blocks:
        block = prepared.blocks[0]
        assert np.array_equal(block.w, TABLE["count"].to_numpy()[~prepared.is_held_out])
        assert "count" not in prepared.preparation.columns


def test_groups_and_time_part_the_rows():
    table = TABLE.drop("dear")
    by_group = prepare(open_source(table), "price", Options(groups="shop"))
    by_time = prepare(open_source(table), "price", Options(time="day"))
    shops = TABLE["shop"].to_numpy()
    assert not set(shops[by_group.is_held_out]) & set(shops[~by_group.is_held_out])
    assert np.flatnonzero(by_time.is_held_out).min() > np.flatnonzero(~by_time.is_held_out).max()


@pytest.mark.parametrize(
    ("option", "optimizers"), [("weight_decay", ["adamw"]), ("beta2", ["adam", "adamw", "nadam"])]
)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_some_options_are_for_some_optimizers(optimizer, option, optimizers):
    fits = optimizer in optimizers
    chosen = completed(Options(optimizer=optimizer, effort="fast"), "regression", 500)
    assert (getattr(chosen, option) is not None) == fits
    if not fits:
        message = f"{option} is for the optimizer {', '.join(optimizers)}, got {optimizer}"
        with pytest.raises(ValueError, match=message):
            Options(optimizer=optimizer, **{option: 0.1})


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_what_is_asked_of_an_optimizer_reaches_it(optimizer):
    asked = {name: 0.5 for name, known in OF_OPTIMIZERS.items() if optimizer in known}
    options = completed(Options(optimizer=optimizer, **asked), "regression", 510)
    prepared = prepare(open_source(TABLE), "price", options)
    with prepared.blocks:
        made = first_stage(prepared, options).best.trainer.plan.optimizer
    assert {name: getattr(made, name) for name in asked} == asked
    assert made == OPTIMIZERS[optimizer](made.learning_rate, **asked)


@pytest.mark.parametrize("option", ["groups", "time"])
def test_columns_that_part_the_rows_must_be_there(option):
    with pytest.raises(cr.TableError, match=f"`{option}='no'` is no column"):
        trained(**{option: "no"})


@pytest.mark.parametrize("option", ["groups", "time"])
def test_the_target_parts_no_rows(option):
    with pytest.raises(cr.TableError, match=f"'price' is the target; take it out of `{option}=`"):
        trained(**{option: "price"})


def test_groups_and_time_exclude_each_other():
    with pytest.raises(ValueError, match="`groups=` and `time=` exclude each other; give one"):
        Options(groups="shop", time="day")


def test_a_small_table_is_trained_with_again_and_scored_before_that():
    options = completed(Options.from_mapping(SHORT), "regression", 510)
    prepared = prepare(open_source(TABLE.drop("dear")), "price", options)
    with prepared.blocks:
        first = first_stage(prepared, options)
        first.runs[0].trainer.train()
        training = TableTraining(open_source(TABLE), prepared, options, [first])
        scored = trained_model(training)
        training.stages.append(members_of(training, Budget(None)))
        again = training.stage.runs[0].trainer
        with again.blocks:
            again.train()
        model = trained_model(training)
    assert all(a is b for a, b in zip(leaves(model.params), leaves(again.params), strict=True))
    assert model.about["epochs_with_all"] == 3
    assert again.blocks.ends[-1] == N
    first = dict(model.about["validation"]["model"])
    y, w = prepared.held_out.y, prepared.held_out.w
    assert scored.scores(y, scored.outputs_of(prepared.held_out.X), w)["model"] == first


@pytest.mark.parametrize("task", TASKS)
def test_what_is_left_open_follows_from_task_and_number_of_examples(task):
    small, middle, large = (
        completed(Options(effort="fast"), task, examples) for examples in (500, 50_000, 500_000)
    )
    assert (small.refit, middle.refit, large.refit) == (None, None, False)  # None: as training went
    assert small.batch_size < large.batch_size
    assert small.epochs > middle.epochs > large.epochs
    assert completed(Options(hidden=(3,), epochs=7), task, 500).hidden == (3,)
    for each in (small, large):
        steps = -(-500 // 32) if each is small else -(-500_000 // each.batch_size)
        shrunk = each.weight_decay * each.learning_rate / 2 * steps * each.epochs
        assert 0.1 < shrunk < 3


# --- what a later version must read


def test_the_table_model_of_the_first_version_is_read():
    model = cr.TableModel.load(Path(__file__).parent / "golden" / "table-format-1.model")
    table = pl.DataFrame({"size": [1.0, None, 14.0], "kind": ["flat", "house", "tent"]})
    expected = []
    for size, flat, house in ((1.0, 1, 0), (None, 0, 1), (14.0, 0, 0)):
        z = 0.0 if size is None else (size - 2) / 4
        x = z / math.sqrt(1 + (z / 3) ** 2)
        missing = float(size is None)
        first = max(0.0, x + 0.5 * missing - 0.25 * flat + 2 * house + 0.125)
        second = max(0.0, -x + 0.75 * flat + 0.5 * house + 1)
        expected.append((0.5 * first - 2 * second + 0.25) * 50 + 100)
    assert np.allclose(model.predict(table)["prediction"], expected, rtol=1e-6)
    assert model.baseline.tolist() == [110.0]
    assert model.curves["validation_loss"].tolist() == [0.5, 0.375]
    assert model.about["options"] == {"epochs": 2, "seed": 0}
