"""What a report finds out: which columns matter, and which rows have the largest gradients."""

import math

import numpy as np
import polars as pl
import pytest
from sklearn.base import BaseEstimator
from sklearn.inspection import permutation_importance

import chainrule as cr
from chainrule.batches import Examples
from chainrule.streams import Stream, generator
from chainrule.tabular import example_blocks
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.report import example_gradients, importance
from chainrule.tabular.report.findings import find
from chainrule.tabular.table_shards import UNPARTED
from reports import flats, measured, trained


class OfRawValues(BaseEstimator):
    """A model as an estimator of raw frames, so that scikit-learn shuffles a table's own values."""

    def __init__(self, model):
        self.model = model

    def fit(self, X, y):
        return self

    def __sklearn_is_fitted__(self):
        return True

    def predict(self, X):
        p = self.model.outputs(pl.from_pandas(X))
        return p.argmax(axis=1) if self.model.target.task == "classification" else p[:, 0]


@pytest.mark.parametrize("weight", [None, "share"])
@pytest.mark.parametrize(("target", "score"), [("dear", "accuracy"), ("price", "r2")])
def test_importance_is_scikit_learns_on_the_raw_values(target, score, weight):
    table = flats().drop("price" if target == "dear" else "dear")
    prepared, _, model, _ = trained(table, target, weight=weight, epochs=20, seed=3)
    found = importance.importances(model, prepared.held_out, seed=3)
    rows = table[(prepared.rows[prepared.is_held_out] - 1).tolist()]
    columns = list(model.preparation.columns)
    y = prepared.held_out.y
    right = permutation_importance(
        OfRawValues(model),
        rows.select(columns).to_pandas(),
        y if target == "dear" else model.target.decode(y).to_numpy(),
        scoring={"accuracy": "accuracy", "r2": "r2"}[score],
        n_repeats=importance.REPEATS,
        random_state=int(generator(Stream.IMPORTANCE, 3).integers(2**31)),
        sample_weight=prepared.held_out.w,
    )
    assert len(columns) > 4
    assert {each.column for each in found.columns} == set(columns)
    for each in found.columns:
        k = columns.index(each.column)
        assert each.mean == pytest.approx(right.importances_mean[k], abs=1e-6)
        assert each.spread == pytest.approx(right.importances_std[k], abs=1e-6)
    means = [each.mean for each in found.columns]
    assert means == sorted(means, reverse=True)
    assert means[0] > 0.1


def test_of_many_columns_those_that_move_the_outputs_are_shuffled():
    draw = np.random.default_rng(0)
    noise = {f"noise {k}": draw.standard_normal(300) for k in range(12)}
    size = draw.standard_normal(300)
    table = pl.DataFrame({**noise, "size": size, "twice": 2 * size + draw.normal(0, 0.01, 300)})
    prepared, _, model, _ = trained(table, "twice", epochs=40)
    limits = importance.Limits(columns=3)
    found = importance.importances(model, prepared.held_out, 0, limits)
    assert found.shuffled == len(found.columns) == 3
    assert found.columns[0].column == "size"


def test_of_many_examples_some_are_drawn_the_same_each_time():
    prepared, _, model, _ = trained(flats(), "dear")
    limits = importance.Limits(examples=20)
    once, again = (importance.importances(model, prepared.held_out, 0, limits) for _ in range(2))
    assert once == again
    assert once.examples == 20


def test_large_networks_have_their_columns_shuffled_on_fewer_examples():
    prepared, _, model, _ = trained(flats().drop("price"), "dear")
    limits = importance.Limits(fewest=10, work=30 * 5 * 6 * model.net.size)
    assert len(model.preparation.columns) == 6
    assert importance.importances(model, prepared.held_out, 0, limits).examples == 30


# --- the rows with the largest gradients


def norms_by_hand(model, X, y):
    """The length of the gradient of each example's own loss, from gradients built whole."""
    trace = cr.forward(model.net, model.params, X)
    each = cr.per_example_gradients(trace, cr.backward(trace, y))
    squares = sum((np.asarray(leaf, float) ** 2).reshape(len(X), -1).sum(axis=1)
                  for layer in each for leaf in layer)  # fmt: skip
    return len(X) * np.sqrt(squares)


@pytest.mark.parametrize("target", ["dear", "price"])
def test_these_are_the_longest_gradients_of_single_examples(target):
    table = flats().drop("price" if target == "dear" else "dear")
    prepared, _, model, _ = trained(table, target, weight="share")
    for part, (found, X, y, rows) in {
        "training": (
            example_gradients.training_gradients(prepared, model, 0),
            *prepared.blocks[0][:2],
            prepared.rows[~prepared.is_held_out],
        ),
        "validation": (
            example_gradients.validation_gradients(prepared, model, 0),
            *prepared.held_out[:2],
            prepared.rows[prepared.is_held_out],
        ),
    }.items():
        norms = norms_by_hand(model, X, y)
        first = np.argsort(-norms)[: example_gradients.SHOWN]
        assert [each.row for each in found.largest] == rows[first].tolist(), part
        assert np.allclose([each.norm for each in found.largest], norms[first], rtol=1e-4)
        p = model.outputs_of(X[first])
        assert all(np.allclose(a.p, b) for a, b in zip(found.largest, p, strict=True))
        assert (found.taken, found.examples) == (len(X), len(X))


def test_each_row_is_that_of_the_table_though_rows_without_a_target_are_left_out(monkeypatch):
    monkeypatch.setattr(example_blocks, "BLOCK_BYTES", 2**12)  # so that there are several blocks
    missing = pl.int_range(pl.len()) % 7 == 0
    table = flats().with_columns(dear=pl.when(~missing).then("dear"))
    prepared, judged, model, source = trained(table, "dear")
    assert prepared.blocks.count > 2
    found = find(prepared, judged, model, source)
    model = measured(judged, model)
    assert found.gradients["training"].taken < found.gradients["training"].examples
    for part in found.gradients.values():
        for each in part.largest:
            frame = table[each.row - 1]
            assert model.target.encode(frame) == each.y
            assert np.allclose(model.outputs(frame)[0], each.p, atol=1e-6)
            values = frame.select(found.shown).row(0, named=True)
            for name, value in found.values[each.row].items():
                assert value == values[name] or (math.isnan(value) and math.isnan(values[name]))


def test_no_more_gradients_are_taken_than_are_allowed():
    prepared, _, model, _ = trained(flats(), "dear")
    data, rows = prepared.blocks[0], prepared.rows[~prepared.is_held_out]
    found = example_gradients.largest_gradients(
        model, data, rows, generator(Stream.PULLS), examples=340, most=25
    )
    assert (found.taken, found.examples) == (25, 340)


def test_labels_that_are_wrong_rise_to_the_top():
    table = open_source("sklearn:breast_cancer").whole()
    wrong = np.random.default_rng(0).choice(table.height, 12, replace=False)
    names = table["target"].cast(pl.String).to_numpy().copy()
    names[wrong] = np.where(names[wrong] == "benign", "malignant", "benign")
    table = table.with_columns(pl.Series("target", names))
    prepared, judged, model, source = trained(table, "target", epochs=15)
    found = find(prepared, judged, model, source).gradients
    rows = [each.row for part in found.values() for each in part.largest]
    planted = set((wrong + 1).tolist())
    assert found["training"].largest[0].row in planted
    assert len(planted & set(rows)) >= 8  # of 12, among 30 of 569 rows


def test_rows_are_found_in_whichever_chunk_they_are():
    table = pl.DataFrame({"x": range(150_000), "y": range(150_000)})
    found = example_gradients.rows_of(open_source(table), [150_000, 1, 65_536, 65_537, 1], ["y"])
    assert found == {row: {"y": row - 1} for row in (1, 65_536, 65_537, 150_000)}


def test_only_the_chunks_up_to_the_last_row_are_read():
    class Watched:
        parts = UNPARTED

        def chunks(self, columns):
            yield pl.DataFrame({"x": [1, 2]})
            raise AssertionError("nothing more was to be read")

    assert example_gradients.rows_of(Watched(), [2], ["x"]) == {2: {"x": 2}}


def test_all_is_of_the_model_that_has_not_seen_the_examples_held_out():
    prepared, judged, model, source = trained(flats().drop("price"), "dear", refit=True)
    found = find(prepared, judged, model, source)
    first = measured(judged, model)
    assert not np.allclose(model.params[0].W, judged.model.params[0].W)
    assert np.array_equal(found.p, first.outputs_of(prepared.held_out.X))
    assert found.importances == importance.importances(first, prepared.held_out, 0)
    each = found.gradients["validation"].largest[0]
    right = norms_by_hand(first, prepared.held_out.X, prepared.held_out.y)
    assert each.norm == pytest.approx(right.max(), rel=1e-4)


def test_a_single_example_held_out_has_nothing_to_shuffle():
    prepared, judged, model, source = trained(
        flats(20), "price", validation=0.01, leave_out=["dear"]
    )
    assert len(prepared.held_out.X) == 1
    assert find(prepared, judged, model, source).importances is None


def test_examples_that_are_drawn_keep_their_targets_and_weights():
    data = Examples(np.arange(100.0)[:, None], np.arange(100), np.arange(100.0))
    places, some = importance.drawn(data, 10, generator(Stream.PULLS, 1))
    assert len(set(places)) == 10
    assert all(np.array_equal(part.ravel(), places) for part in some)
