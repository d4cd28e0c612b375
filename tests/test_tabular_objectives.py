"""What training goes for: losses, weights of classes and metrics, and what fits no target."""

import re

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.tabular.encoding.target_encoding import ClassEncoder
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.objectives import checked_class_weights, class_weights
from chainrule.tabular.prepare import prepare
from chainrule.tabular.table_training import first_stage
from chainrule.tabular.training_options import Options, completed

N = 500
DRAW = np.random.default_rng(3)
X = DRAW.standard_normal((N, 2))
COUNTS = DRAW.poisson(np.exp(0.5 + 0.7 * X[:, 0]))
TABLE = pl.DataFrame(
    {
        "a": X[:, 0],
        "b": X[:, 1],
        "price": 3 * X[:, 0] + DRAW.standard_t(2, N),
        "visits": COUNTS,
        "rare": np.where(X[:, 0] + X[:, 1] + 0.5 * DRAW.standard_normal(N) > 1.8, "yes", "no"),
        "shop": DRAW.integers(1, 4, N),
    }
)
TARGETS = ("price", "visits", "rare")
SHORT = {"epochs": 4, "hidden": (8,), "leave_out": ("shop",), "refit": False, "effort": "fast"}


def trained(target, table=TABLE, **options):
    left = [name for name in TARGETS if name != target]
    return cr.train(table.drop(left), target, **{**SHORT, **options})


# --- losses


@pytest.mark.parametrize(
    ("loss", "target", "network"),
    [
        ("half_squared_error", "price", "half_squared_error"),
        ("absolute_error", "price", "absolute_error"),
        ("huber", "price", "huber(1)"),
        ("huber(0.25)", "price", "huber(0.25)"),
        ("log_cosh", "price", "log_cosh"),
        ("quantile(0.9, 0.1)", "price", "quantile(0.1, 0.9)"),
        ("poisson", "visits", "poisson"),
        ("cross_entropy(0.1)", "rare", "cross_entropy(0.1)"),
    ],
)
def test_a_loss_is_that_of_the_network(tmp_path, loss, target, network):
    model = trained(target, loss=loss)
    assert str(model.net.loss) == network
    model.save(tmp_path / "a.model")
    again = cr.TableModel.load(tmp_path / "a.model")
    assert again.predict(TABLE).equals(model.predict(TABLE))
    assert again.evaluate(TABLE) == model.evaluate(TABLE)


def test_a_quantile_loss_is_the_option_of_quantiles():
    by_loss, by_option = trained("price", loss="quantile(0.5)"), trained("price", quantiles=(0.5,))
    assert by_loss.predict(TABLE).equals(by_option.predict(TABLE))
    assert by_loss.quantiles == (0.5,)


@pytest.mark.parametrize("loss", [None, "cross_entropy", "cross_entropy(0.1)"])
def test_smoothed_labels_are_those_of_the_loss(loss):
    by_loss = trained("rare", loss="cross_entropy(0.1)")
    by_option = trained("rare", loss=loss, label_smoothing=0.1)
    assert by_option.predict(TABLE).equals(by_loss.predict(TABLE))
    assert not by_option.predict(TABLE).equals(trained("rare").predict(TABLE))


def test_counts_are_foretold_by_rates():
    asked = {"epochs": 40, "learning_rate": 0.01, "embedding": "none"}
    model = trained("visits", loss="poisson", **asked)
    assert model.target.task == "regression"  # although the counts are few
    rates = model.predict(TABLE)["prediction"].to_numpy()
    prepared = model.preparation.transform(TABLE)
    assert np.allclose(rates, cr.predict(model.net, model.params, prepared)[:, 0])
    assert (rates > 0).all()
    assert abs(rates.mean() - COUNTS.mean()) < 0.15
    assert np.corrcoef(np.log(rates), X[:, 0])[0, 1] > 0.9
    scores = model.evaluate(TABLE)
    y = COUNTS.astype(float)
    terms = np.where(y > 0, y * np.log(np.maximum(y, 1) / rates), 0.0) - y + rates
    assert scores["model"]["poisson_deviance"] == pytest.approx(2 * terms.mean(), rel=1e-5)
    assert scores["model"]["poisson_deviance"] < scores["baseline"]["poisson_deviance"]


def test_rates_begin_at_the_mean_of_the_counts():
    table = TABLE.select("a", "b", visits=pl.col("visits") + 5_000)
    prepared = prepare(open_source(table), "visits", Options(loss="poisson"))
    with prepared.blocks:
        chosen = completed(Options(loss="poisson"), "regression", N)
        run = first_stage(prepared, chosen).runs[0].trainer
    first = cr.predict(run.plan.net, run.params, np.array([[0, 0], [3, -2]], "f4"))
    assert first[:, 0] == pytest.approx(float(prepared.baseline[0]), rel=1e-4)


def test_large_counts_are_learnt():
    table = TABLE.select("a", "b", visits=(2_000 * (pl.col("a") / 2).exp()).round())
    scores = cr.train(table, "visits", loss="poisson", epochs=30).about["validation"]
    assert scores["model"]["r2"] > 0.8


@pytest.mark.parametrize(
    ("table", "target", "options", "message"),
    [
        (TABLE, "price", {"loss": "poisson"}, r"counts >= 0, and target 'price' is -\S+ in row \d"),
        (
            TABLE.with_columns(visits=pl.col("visits") * 1e-60),
            "visits",
            {"loss": "poisson"},
            "needs a count above 0, and target 'visits' is 0 in all rows in training; use another",
        ),
        (TABLE, "rare", {"loss": "poisson"}, "is for regression: .* numbers; use another `loss=`$"),
        (
            TABLE,
            "price",
            {"label_smoothing": 0.1},
            r"^`label_smoothing=0.1` is for classification: .*; leave `label_smoothing=` out$",
        ),
        (TABLE, "price", {"loss": "cross_entropy"}, "for classification: .* use another `loss=`$"),
        (
            TABLE,
            "rare",
            {"metric": "rmse"},
            "'rare', which has classes; .*, or `task='regression'`",
        ),
        (TABLE, "price", {"metric": "accuracy"}, "is a quantity; .*, or `task='classification'`"),
        (TABLE, "visits", {"metric": "rmse"}, "has classes; .* f1_macro, or `task='regression'`"),
        (TABLE, "price", {"metric": "poisson_deviance"}, "which is a quantity; take one of rmse"),
        (
            TABLE,
            "price",
            {"quantiles": (0.5,), "metric": "r2"},
            "by quantiles; take one of pinball$",
        ),
        (TABLE, "price", {"class_weight": "balanced"}, "is for classes, and target 'price' is a"),
        (
            TABLE,
            "rare",
            {"class_weight": {"yes": 1e39}},
            "as 1e.39, .* in reach of 1; divide",
        ),
        (
            TABLE,
            "rare",
            {"class_weight": {"yes": 1e-39, "no": 1e-40}},
            "as 1e-39, .*; multiply",
        ),
        (TABLE, "rare", {"class_weight": {"maybe": 2}}, "names 'maybe', which is no class of 'rar"),
    ],
)
def test_what_does_not_fit_the_target_is_refused(table, target, options, message):
    with pytest.raises(cr.TableError, match=message) as caught:
        trained(target, table, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "hubre"}, "unknown loss 'hubre'; did you mean 'huber'"),
        ({"loss": "binary_cross_entropy"}, "is not for tables: .* cross_entropy is the same"),
        ({"loss": "hinge"}, "is not for tables: it gives no probabilities; use cross_entropy"),
        ({"loss": "poisson", "task": "classification"}, "is of the task regression, and task is"),
        ({"loss": "huber", "label_smoothing": 0.1}, "label_smoothing is for the loss cross_ent"),
        ({"loss": "quantile(0.5)", "label_smoothing": 0.1}, "label_smoothing is for the loss cro"),
        ({"task": "regression", "label_smoothing": 0.1}, "label_smoothing is for classes, and ta"),
        (
            {"loss": "cross_entropy(0.2)", "label_smoothing": 0.1},
            "smooths its labels itself; lea",
        ),
        ({"quantiles": (0.5,), "label_smoothing": 0.1}, "quantiles 0.5 have a loss of their own"),
        ({"label_smoothing": 1.0}, "label_smoothing"),
        ({"loss": "huber", "quantiles": (0.5,)}, "quantiles 0.5 have a loss of their own"),
        ({"loss": "quantile(0.1)", "quantiles": (0.5,)}, "quantiles 0.5 have a loss of their own"),
        ({"metric": "auc"}, "unknown metric 'auc'; did you mean 'roc_auc'"),
        ({"metric": "coverage"}, "unknown metric 'coverage'"),
        ({"class_weight": "yes"}, "class_weight must be 'balanced' or such as 'yes=2,no=1'"),
        ({"class_weight": "yes=much"}, "class_weight must be 'balanced' or such as"),
        ({"class_weight": {"yes": -1}}, "class_weight of 'yes' must be a finite number > 0"),
    ],
)
def test_what_is_none_of_them_is_refused(options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        Options(**options)


@pytest.mark.parametrize("target", ["price", "rare"])
@pytest.mark.parametrize("metric", [None, "rmse"])
def test_it_is_the_training_that_diverged(target, metric):
    if metric and target == "rare":
        metric = "accuracy"
    huge = {"optimizer": "sgd", "learning_rate": 1e30, "batch_size": N, "metric": metric}
    with pytest.raises(cr.DivergenceError, match=r"diverged at epoch [12], step [12]: ") as error:
        trained(target, **huge)
    assert str(error.value).endswith("lower `learning_rate=`, or set `clip_norm=`")
    assert "ranges" not in str(error.value)


# --- weights of classes


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("yes=2,no=0.5", {"yes": 2.0, "no": 0.5}),
        ('"a, b=c"=3', {"a, b=c": 3.0}),
        ({1: 2, "x": 1}, {"1": 2.0, "x": 1.0}),
        ({True: 2, 0.0: 1, 0.5: 3}, {"true": 2.0, "0": 1.0, "0.5": 3.0}),
        ("balanced", "balanced"),
        (None, None),
    ],
)
def test_weights_of_classes_are_read(given, expected):
    assert checked_class_weights(given) == expected


@pytest.mark.parametrize(
    ("labels", "asked"),
    [
        ([False, True], {True: 3}),
        ([False, True], "True=3"),
        (["False", "True"], {True: 3}),
        (["No", "TRUE"], "true=3"),
        ([0, 1], {1.0: 3}),
        ([0, 1], "1.0=3"),
    ],
)
def test_a_class_may_be_written_in_another_way_where_it_can_mean_no_other(labels, asked):
    target = ClassEncoder("y", tuple(labels))
    weights = class_weights(target, checked_class_weights(asked), np.array([0, 1]), None)
    assert weights.tolist() == [1, 3]


def test_classes_that_differ_in_their_writing_alone_are_two():
    target = ClassEncoder("y", ("True", "true"))
    assert class_weights(target, {"true": 3.0}, np.array([0, 1]), None).tolist() == [1, 3]
    with pytest.raises(cr.TableError, match="names 'TRUE', which is no class of 'y'"):
        class_weights(target, {"TRUE": 3.0}, np.array([0, 1]), None)


@pytest.mark.parametrize("weight", [None, "shop"])
@pytest.mark.parametrize("asked", ["balanced", {"yes": 3.0}])
def test_the_weight_of_a_class_multiplies_those_of_its_rows(weight, asked):
    table = TABLE.drop("price", "visits")
    options = Options(class_weight=asked, weight=weight)
    prepared = prepare(open_source(table), "rare", options)
    with prepared.blocks:
        block, y = prepared.blocks[0], prepared.y[~prepared.is_held_out]
        rows = np.ones(N) if weight is None else table["shop"].to_numpy().astype(float)
        within = rows[~prepared.is_held_out]
        of_class = np.array([1.0, 3.0])
        if asked == "balanced":
            of_class = within.sum() / 2 / np.array([within[y == k].sum() for k in (0, 1)])
        assert np.allclose(block.w, within * of_class[y])
        held = rows[prepared.is_held_out] * of_class[prepared.held_out.y]
        assert np.allclose(prepared.validation.w, held)
        scored = prepared.held_out.w  # the scores are of the rows as they are
        assert (
            scored is None if weight is None else np.array_equal(scored, rows[prepared.is_held_out])
        )


def test_balanced_classes_are_found_more_often():
    plain, balanced = (
        trained("rare", class_weight=each, epochs=30, seed=1) for each in (None, "balanced")
    )
    recall = [model.evaluate(TABLE)["classes"][1]["recall"] for model in (plain, balanced)]
    assert recall[1] > recall[0]


# --- metrics


@pytest.mark.parametrize(
    ("target", "metric", "options"),
    [
        ("rare", "accuracy", {}),
        ("rare", "balanced_accuracy", {}),
        ("rare", "f1_macro", {"class_weight": "balanced"}),
        ("rare", "roc_auc", {}),
        ("rare", "log_loss", {}),
        ("price", "mae", {}),
        ("price", "r2", {"loss": "huber"}),
        ("price", "pinball", {"quantiles": (0.2, 0.8)}),
        ("visits", "poisson_deviance", {"loss": "poisson"}),
    ],
)
def test_the_best_epoch_is_that_of_the_metric(target, metric, options):
    model = trained(target, metric=metric, epochs=6, schedule="cosine", **options)
    values = model.curves[f"validation_{metric}"]
    rises = metric not in ("log_loss", "mae", "pinball", "poisson_deviance")
    best = int(values.argmax() if rises else values.argmin())
    assert model.about["best_epoch"] == best + 1
    assert model.about["validation"]["model"][metric] == pytest.approx(values[best], rel=1e-6)
    assert len(values) == 6


def test_early_stopping_goes_by_the_metric():
    model = trained("rare", metric="accuracy", epochs=60, patience=2)
    values = model.curves["validation_accuracy"]
    assert model.about["over"] == "early stopping"
    assert len(values) == model.about["best_epoch"] + 2


def test_a_metric_goes_on_to_the_same_bits(tmp_path):
    class CrashError(Exception):
        pass

    def crash(run):
        if run.visits == 3:
            raise CrashError

    options = {"metric": "f1_macro", "class_weight": "balanced", "epochs": 6}
    trained("rare", **options).save(tmp_path / "whole.model")
    with pytest.raises(CrashError):
        trained("rare", checkpoint=tmp_path / "run", checkpoint_every=0, callbacks=crash, **options)
    trained("rare", checkpoint=tmp_path / "run", **options).save(tmp_path / "again.model")
    whole, again = ((tmp_path / f"{name}.model").read_bytes() for name in ("whole", "again"))
    assert whole == again


WITHOUT_MEANING = {  # by what the last rows, which are held out, are: their target, their weight
    "a class": ("roc_auc", ["yes"], [1.0], "a single value;"),
    "a class that counts": ("roc_auc", ["yes", "no"], [1.0, 0.0], "a single value where they have"),
    "a value": ("r2", [2.5], [3.0], "a single value;"),
    "a value that counts": ("r2", [2.5, 1.5], [0.0, 3.0], "a single value where they have a weig"),
}


@pytest.mark.parametrize("case", WITHOUT_MEANING)
@pytest.mark.parametrize("given", [False, True])
def test_a_metric_that_has_no_meaning_where_only_some_rows_count(case, given):
    metric, last, weight, said = WITHOUT_MEANING[case]
    y = [*(["no", "yes"] if metric == "roc_auc" else [0.5, 1.5, 7.0]) * 12, *last * 4]
    n, out = len(y), 4 * len(last)
    table = pl.DataFrame({"a": np.arange(n), "b": np.arange(n) % 7 * 0.5, "y": y})
    table = table.with_columns(w=np.array([*[1.0] * (n - out), *weight * 4]))
    fix = "give `X_val=` more rows" if given else "hold out more by `validation=`"
    said = "a single value;" if given else said  # rows of weight 0 are not handed on
    with pytest.raises(cr.TableError) as caught:
        (_with_given if given else _with_latest)(table, out, metric)
    start = f"`metric='{metric}'` has no meaning for the rows held out, which have {said}"
    assert str(caught.value).startswith(start)
    assert str(caught.value).endswith(f"; {fix}, or take another `metric=`")


def _with_given(table, out, metric):
    x, held = table[:-out], table[-out:]
    kind = cr.TabularClassifier if metric == "roc_auc" else cr.TabularRegressor
    more = {"X_val": held[["b"]], "y_val": held["y"], "sample_weight_val": held["w"]}
    return kind(metric=metric).fit(x[["b"]], x["y"], **more)


def _with_latest(table, out, metric):
    share = out / len(table)
    return cr.train(table, "y", metric=metric, weight="w", time="a", validation=share)


def test_a_metric_without_meaning_in_the_rows_held_out_is_refused_before_training():
    table = pl.DataFrame({"a": np.arange(40) % 7, "kind": ["no"] * 39 + ["yes"]})
    message = "`metric='roc_auc'` has no meaning for the rows held out"
    with pytest.raises(cr.TableError, match=re.escape(message)):
        cr.train(table, "kind", metric="roc_auc", time="a", validation=0.1)
