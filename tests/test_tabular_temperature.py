"""The temperature of classes: how it is found, what it brings, where it goes."""

import dataclasses
import itertools
import re

import numpy as np
import polars as pl
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, logsumexp

import chainrule as cr
from chainrule.batches import Examples
from chainrule.formatting import number
from chainrule.serialization import write_file
from chainrule.tabular import example_blocks, stored_model, temperature
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.prepare import prepare
from chainrule.tabular.temperature import FOLDS, SPREAD, cooled, fitted, log_loss, thermometer
from chainrule.tabular.training_options import Options
from chainrule.trees import leaves
from commands import ran

# Its value


def drawn(members, n, classes, sure, seed=0, weighted=False):
    """Logits z of labels that follow softmax(z / sure), of networks that differ a little."""
    draw = np.random.default_rng(seed)
    z = draw.normal(0, 2, (n, classes)) + draw.normal(0, 0.3, (members, n, classes))
    p = np.exp(log_softmax(z.mean(axis=0), axis=1)).cumsum(axis=1)
    y = (draw.random((n, 1)) > p).sum(axis=1).clip(max=classes - 1)
    w = draw.integers(1, 4, n).astype(float) if weighted else None
    return (sure * z).astype("f4"), y, w


def losses_by_hand(z, y, t):
    """Of each row, −log of the mean probability of its class."""
    own = log_softmax(z.astype(float) / t, axis=2)[:, np.arange(len(y)), y]
    return np.log(len(z)) - logsumexp(own, axis=0)


def fitted_by_scipy(z, y, w):
    w = np.ones(len(y)) if w is None else w / w.mean()

    def objective(a):
        return w @ losses_by_hand(z, y, np.exp(a)) + 0.5 * (a / SPREAD) ** 2

    return np.exp(minimize_scalar(objective, bounds=(-3, 3), method="bounded").x)


CASES = list(itertools.product((1, 2, 3), (2, 3, 26), (0.5, 1.0, 3.0), (False, True)))


@pytest.mark.parametrize(("members", "classes", "sure", "weighted"), CASES)
def test_it_is_what_another_minimiser_finds(members, classes, sure, weighted):
    z, y, w = drawn(members, 500, classes, sure, weighted=weighted)
    found = fitted(z, y, w)
    assert found == pytest.approx(fitted_by_scipy(z, y, w), rel=0.005)
    assert found == pytest.approx(sure, rel=0.3)
    by_hand = np.average(losses_by_hand(z, y, found), weights=w)
    assert log_loss(z, y, w, found) == pytest.approx(by_hand, rel=1e-5)


def test_a_weight_is_a_repetition():
    z, y, w = drawn(2, 400, 3, 2.0, weighted=True)
    times = w.astype(int)
    again = np.repeat(z, times, axis=1), np.repeat(y, times)
    assert log_loss(z, y, w) == pytest.approx(log_loss(*again, None), rel=1e-5)
    assert fitted(z, y, w) == pytest.approx(fitted(*again, None), rel=0.02)  # SPREAD counts less


@pytest.mark.parametrize("size", [1e-30, 1e4, 1e30])
def test_outputs_of_any_size_have_one(size):
    z, y, _ = drawn(2, 300, 3, 1.0)
    z = (z * size).astype("f4")
    assert np.isfinite([fitted(z, y, None), log_loss(z, y, None)]).all()


@pytest.mark.parametrize("right", [0, 300])
def test_rows_that_are_all_wrong_or_all_right_send_it_not_far(right):
    z = np.tile(np.array([5.0, 0.0], "f4"), (1, 300, 1))
    y = (np.arange(300) >= right).astype(int)
    found = fitted(z, y, None)
    assert (found > 3) if right == 0 else (0.3 < found < 1)


# What it brings


def network(classes=3, seed=0):
    net = cr.Network(2, [cr.Dense(8, "tanh"), cr.Dense(classes)], loss="cross_entropy")
    return net, net.init(seed, dtype="float32")


def examples(sure, n=600, weighted=False):
    """Rows of which a network is too sure by a factor, and its parameters."""
    net, params = network()
    draw = np.random.default_rng(3)
    X = (3 * draw.standard_normal((n, 2))).astype("f4")
    p = cr.predict(net, params, X).cumsum(axis=1)
    y = (draw.random((n, 1)) > p).sum(axis=1).clip(max=2)
    w = draw.integers(0, 3, n).astype("f4") if weighted else None
    return net, cooled(params, 1 / sure), Examples(X, y, w)


@pytest.mark.parametrize("weighted", [False, True])
def test_what_it_brings_is_found_in_rows_that_it_does_not_rest_on(weighted):
    net, params, held = examples(4.0, weighted=weighted)
    (found,) = thermometer(net, held).calibrated([params])
    z = np.log(cr.predict(net, params, held.X).astype(float))[None]
    used = np.arange(len(held.y)) if held.w is None else np.flatnonzero(held.w)
    w = np.ones(len(held.y)) if held.w is None else held.w.astype(float)
    folds, each = np.arange(len(used)) % FOLDS, np.zeros(len(held.y))
    for k in range(FOLDS):
        others, own = used[folds != k], used[folds == k]
        t = fitted_by_scipy(z[:, others], held.y[others], w[others])
        assert found.temperatures[k] == pytest.approx(t, rel=0.005)
        assert set(found.folds[own]) == {k}
        each[own] = losses_by_hand(z[:, own], held.y[own], t)
    assert found.after == pytest.approx(np.average(each, weights=w), rel=1e-3)
    before = np.average(losses_by_hand(z, held.y, 1.0), weights=w)
    assert found.before == pytest.approx(before, rel=1e-4)
    assert found.after < found.before


def test_probabilities_that_are_right_have_none():
    """In each fold, a class with p = 3/4 has three rows of four."""
    net = cr.Network(1, [cr.Dense(2)], loss="cross_entropy")
    params = net.parameters([([[0.0], [0.0]], [np.log(3), 0.0])])
    held = Examples(np.zeros((400, 1)), np.tile([0, 0, 1, 0], 100), None)
    assert thermometer(net, held).calibrated([params]) == (None,)


@pytest.mark.parametrize(("n", "weights"), [(299, None), (400, 101)])
def test_of_few_rows_that_count_it_is_not_found(n, weights):
    net, _, held = examples(4.0, n)
    w = None if weights is None else (np.arange(n) >= weights).astype("f4")
    assert thermometer(net, held._replace(w=w)) is None


def test_of_many_rows_some_are_taken(monkeypatch):
    net, params, held = examples(4.0, 6_000)
    (whole,) = thermometer(net, held).calibrated([params])
    monkeypatch.setattr(temperature, "MOST", 6_000)
    some = thermometer(net, held, networks=2)
    assert (len(some.used.y), some.rows) == (1_000, 6_000)
    (found,) = some.calibrated([params])
    assert len(found.folds) == 6_000
    assert found.temperature == pytest.approx(whole.temperature, rel=0.15)


LOSS = "heads(huber(0.5): 2, cross_entropy(0.1): 3, half_squared_error: 1, cross_entropy: 2)"


@pytest.mark.parametrize("weighted", [False, True])
def test_of_several_targets_each_that_has_classes_has_its_own(weighted):
    """As it has by itself; the loss of a network is that of all, at these temperatures."""
    net = cr.Network(2, [cr.Dense(8, "tanh"), cr.Dense(8)], LOSS)
    params = net.init(0, dtype="float32")
    alone, of_alone, held = examples(4.0, weighted=weighted)
    two, three = [0, 1], [2, 3, 4]
    W = params[1].W.copy()
    W[three] = of_alone[1].W
    params = (of_alone[0], params[1]._replace(W=W))
    draw = np.random.default_rng(1)
    price, rent = draw.normal(size=(600, 2)), draw.normal(size=(600, 1))
    sold = (draw.random(600) < 0.5).astype(int)
    y = np.hstack([price, np.eye(3)[held.y], rent, np.eye(2)[sold]]).astype("f4")
    heat = thermometer(net, held._replace(y=y))
    found = heat.calibrated([params])
    assert (found[0], found[2]) == (None, None)
    (by_itself,) = thermometer(alone, held).calibrated([of_alone])
    assert found[1][:3] == pytest.approx(by_itself[:3], rel=1e-3)
    z = cr.predict(dataclasses.replace(net, loss="squared_error"), params, held.X).astype(float)
    w = np.ones(600) if held.w is None else held.w.astype(float)
    used = np.flatnonzero(w)
    size = np.abs(z[:, two] - price)
    each = np.where(size <= 0.5, size**2 / 2, 0.5 * (size - 0.25)).sum(axis=1)
    each += 0.5 * (z[:, 5] - rent[:, 0]) ** 2
    for own, labels in ((three, held.y), ([6, 7], sold)):
        t = fitted_by_scipy(z[None, used][..., own], labels[used], w[used])
        each += losses_by_hand(z[None][..., own], labels, t)
    assert heat.distance(params) == pytest.approx(np.average(each, weights=w), rel=1e-3)


def test_quantities_alone_have_none():
    net = cr.Network(1, [cr.Dense(2)], "heads(huber: 1, half_squared_error: 1)")
    assert thermometer(net, Examples(np.zeros((400, 1)), np.zeros((400, 2)), None)) is None


# Where it goes

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
